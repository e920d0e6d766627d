//! The door for who watches the broker: `GET /metrics`, `/healthz` and `/readyz` over HTTP/1.1, one request a connection.
//!
//! It opens before the data folder is recovered, so that a start that takes long can be told from one that hangs, and
//! closes last. It is served on one core, in a task queue of its own. Everything has a limit: connections, bytes and
//! time of a request, time of an answer.

mod answer;
mod request;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rt::Gate;
use rt::net::{Accepted, BoundListener, Listener, ReadHalf, WriteHalf};
use shard::task_queues::HTTP;

use self::answer::Answer;
use self::request::{Malformed, Method, Path, Request};
use crate::core::Core;
use crate::limits;
use crate::metrics::{self, Gathering, Id, Samples, Standing};
use crate::server::{Phase, Shared};

/// After a failed accept (too many open files, say) the listener rests, so that it does not spin.
const REST: Duration = Duration::from_millis(100);

pub(crate) struct HttpDoor {
    shared: Arc<Shared>,
    /// Once it has its partitions.
    core: RefCell<Option<Rc<Core>>>,
    gate: Gate,
    open: Cell<usize>,
    refused: Cell<u64>,
    requests: [Cell<u64>; Path::ALL.len()],
    metrics: Gathering,
    standings: Gathering,
}

/// Whether the broker serves, or why not.
type Readiness = Result<(), String>;

impl HttpDoor {
    /// Serves on this core until [`HttpDoor::close`].
    pub(crate) fn open(bound: BoundListener, shared: Arc<Shared>) -> Rc<Self> {
        let door = Rc::new(Self {
            shared,
            core: RefCell::new(None),
            gate: Gate::new("http"),
            open: Cell::new(0),
            refused: Cell::new(0),
            requests: Default::default(),
            metrics: Gathering::default(),
            standings: Gathering::default(),
        });
        let listener = bound.attach();
        let accepting = Rc::clone(&door).accept_all(listener);
        drop(door.gate.spawn(HTTP, accepting).expect("it has just been made"));
        door
    }

    /// From now on there is more to tell.
    pub(crate) fn attach(&self, core: &Rc<Core>) {
        *self.core.borrow_mut() = Some(Rc::clone(core));
    }

    /// Gives up what is in progress. Resolves when nothing is.
    pub(crate) async fn close(&self) {
        self.gate.close().await;
        self.core.take();
    }

    async fn accept_all(self: Rc<Self>, listener: Listener) {
        let mut in_a_row = 0;
        loop {
            let accepted = futures_lite::future::or(async { Some(listener.accept().await) }, async {
                self.gate.closing().await;
                None
            });
            match accepted.await {
                Some(Ok(accepted)) => self.take(accepted),
                Some(Err(error)) => {
                    tracing::debug!(%error, "an HTTP connection could not be accepted");
                    futures_lite::future::or(rt::sleep(REST), self.gate.closing()).await;
                }
                None => return,
            }
            in_a_row += 1;
            if in_a_row % limits::ACCEPTS_AT_ONCE == 0 {
                rt::yield_now().await;
            }
        }
    }

    fn take(self: &Rc<Self>, accepted: Accepted) {
        if self.open.get() >= limits::HTTP_CONNECTIONS_MAX {
            self.refused.set(self.refused.get() + 1);
            tracing::debug!(peer = %accepted.peer(), limit = limits::HTTP_CONNECTIONS_MAX, "too many HTTP connections: closed");
            return;
        }
        // Now, not when the task begins: many may have come at once.
        self.open.set(self.open.get() + 1);
        let door = Rc::clone(self);
        let serving = async move {
            futures_lite::future::or(door.serve(accepted), door.gate.closing()).await;
            door.open.set(door.open.get() - 1);
        };
        // Once the gate closes, nobody is let in any more.
        drop(self.gate.spawn(HTTP, serving));
    }

    async fn serve(&self, accepted: Accepted) {
        let peer = accepted.peer();
        let (mut read, mut write) = match accepted.attach() {
            Ok(halves) => halves,
            Err(error) => return tracing::debug!(%peer, %error, "an HTTP connection was lost"),
        };
        let Some(request) = receive(&mut read).await else { return };
        let (answer, method) = match &request {
            Ok(request) => (self.answer(request.path).await, request.method),
            Err(malformed) => {
                tracing::debug!(%peer, ?malformed, "an HTTP request was refused");
                (malformed.answer(), Method::Get)
            }
        };
        if send(&mut write, &answer, method).await && request.is_err() {
            drain(&mut read).await;
        }
        write.shutdown();
    }

    async fn answer(&self, path: Path) -> Answer {
        let count = &self.requests[path as usize];
        count.set(count.get() + 1);
        match path {
            Path::Metrics => Answer::metrics(self.metrics_text().await),
            Path::Health => Answer::text("200 OK", "alive\n".to_owned()),
            Path::Ready => match self.readiness().await {
                Ok(()) => Answer::text("200 OK", "ready\n".to_owned()),
                Err(reason) => Answer::text("503 Service Unavailable", format!("not ready: {reason}\n")),
            },
            Path::Unknown => Answer::text("404 Not Found", "there are /metrics, /healthz and /readyz\n".to_owned()),
        }
    }

    async fn readiness(&self) -> Readiness {
        match self.shared.phase() {
            Phase::Failed(what) => return Err(what),
            Phase::Stopping => return Err("the broker is asked to stop".to_owned()),
            Phase::Recovering => return Err("the data folder is being recovered".to_owned()),
            Phase::Opening => return Err("partitions are being opened".to_owned()),
            Phase::Serving => {}
        }
        let core = self.core.borrow().clone();
        let Some(core) = core else { return Err("partitions are being opened".to_owned()) };
        for (core, standing) in self.standings.standings(&core).await {
            match standing {
                Standing::Sound => {}
                Standing::Poisoned(cause) => {
                    return Err(format!("core {core} refuses records until a restart: {cause}"));
                }
                Standing::Silent => return Err(format!("core {core} does not answer")),
            }
        }
        Ok(())
    }

    async fn metrics_text(&self) -> String {
        let begun = rt::now();
        let core = self.core.borrow().clone();
        let gathered = match &core {
            Some(core) => self.metrics.metrics(core).await,
            None => Vec::new(),
        };
        let mut process = Samples::of_process();
        self.give_broker(&mut process).await;
        let age = self.shared.started.elapsed();
        metrics::process_samples(&mut process, self.shared.descriptors.limit, age).await;
        let mut all = Vec::with_capacity(2 * gathered.len() + 1);
        for (core, samples) in gathered {
            let mut answers = Samples::of_core(core);
            answers.add(Id::CoreAnswers, samples.is_some());
            all.push(answers);
            all.extend(samples);
        }
        process.add(Id::ScrapeSeconds, rt::now().since(begun));
        all.push(process);
        metrics::render(&all).await
    }

    async fn give_broker(&self, samples: &mut Samples) {
        samples.add_one(Id::BuildInfo, env!("CARGO_PKG_VERSION"), true);
        samples.add(Id::Cores, u32::from(self.shared.cores));
        match self.readiness().await {
            Ok(()) => samples.add_one(Id::Ready, "", true),
            Err(reason) => samples.add_one(Id::Ready, reason, false),
        }
        if let Some(restart) = self.shared.restart.get() {
            samples.add(Id::Incarnation, restart.incarnation);
            samples.add(Id::RecoverySeconds, restart.took);
            samples.add(Id::RecoveryBytes, restart.replayed_bytes);
        }
        let core = self.core.borrow().clone();
        if let Some(core) = core {
            let possible = self.shared.descriptors.connections_max;
            samples.add(Id::ConnectionsMax, core.live().connections_max.min(possible));
        }
        for path in Path::ALL {
            samples.add_one(Id::HttpRequests, path.name(), self.requests[path as usize].get());
        }
        samples.add(Id::HttpRefused, self.refused.get());
    }
}

/// One request; `None` when the peer goes away before there is one.
async fn receive(read: &mut ReadHalf) -> Option<Result<Request, Malformed>> {
    let begun = rt::now();
    let mut buffer = BytesMut::new();
    loop {
        match request::parse(&buffer) {
            Ok(None) => {}
            Ok(Some(request)) => return Some(Ok(request)),
            Err(malformed) => return Some(Err(malformed)),
        }
        if buffer.len() >= limits::HTTP_HEAD_BYTES_MAX {
            return Some(Err(Malformed::TooLarge));
        }
        let left = limits::HTTP_REQUEST_TIME_MAX.saturating_sub(rt::now().since(begun));
        match rt::timeout(left, read.read(&mut buffer)).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return None,
            Err(_) => return Some(Err(Malformed::TooSlow)),
        }
        rt::yield_if_needed().await;
    }
}

/// Whether the peer has taken the answer.
async fn send(write: &mut WriteHalf, answer: &Answer, method: Method) -> bool {
    let bytes = answer.to_bytes(method);
    matches!(rt::timeout(limits::HTTP_ANSWER_TIME_MAX, write.write_all(&bytes)).await, Ok(Ok(())))
}

/// Takes some of what the peer still sends: closed with bytes unread, a connection may end before the peer has read why.
async fn drain(read: &mut ReadHalf) {
    let draining = async {
        let mut taken = 0;
        let mut buffer = BytesMut::new();
        while let Ok(count @ 1..) = read.read(&mut buffer).await {
            taken += count;
            buffer.clear();
            if taken >= limits::HTTP_DRAIN_BYTES_MAX {
                return;
            }
            rt::yield_if_needed().await;
        }
    };
    // However it ends, the connection is closed.
    let _ = rt::timeout(limits::HTTP_DRAIN_TIME_MAX, draining).await;
}
