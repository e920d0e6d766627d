//! A server that says what it is told to say, on the client's own executor.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use base::{BrokerId, CoreId, LeaderEpoch, PartitionIndex, ProducerEpoch, ProducerId, TopicId};
use bytes::{Bytes, BytesMut};
use rt::TaskQueue;
use rt::net::{ReadHalf, WriteHalf};
use wire::native::frame::{FrameBuilder, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    ApiKey, CorrelationId, ErrorCode, Features, HelloReply, InitProducerReply, MetadataReply, Outgoing, PartitionRoute,
    Payload, TopicMetadata,
};

pub(crate) const TOPIC: &str = "topic";
pub(crate) const TOPIC_ID: TopicId = TopicId::METADATA;

/// What the server does with one connection; false for each request that it does not answer itself.
pub(crate) type Behaviour = Rc<dyn Fn(&mut Reply, &Asked) -> Then>;

/// One request, or the beginning of the connection (`None`).
pub(crate) struct Asked {
    pub(crate) prefix: Option<FramePrefix>,
    pub(crate) header: Bytes,
}

impl Asked {
    pub(crate) fn is(&self, api: ApiKey) -> bool {
        self.prefix.is_some_and(|prefix| prefix.api_key() == Some(api))
    }

    pub(crate) fn correlation(&self) -> CorrelationId {
        self.prefix.map_or(CorrelationId(0), |prefix| prefix.correlation)
    }
}

/// How it goes on after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// As a broker would.
    Honest,
    /// What was put into the reply is sent, and nothing else.
    Sent,
    /// The same, and then the connection is closed.
    Closed,
}

/// Bytes to send.
pub(crate) struct Reply {
    frames: FrameBuilder,
    bytes: BytesMut,
}

impl Reply {
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn message<M: Outgoing>(&mut self, correlation: CorrelationId, message: &M) {
        self.with_payload(correlation, message, Bytes::new());
    }

    pub(crate) fn with_payload<M: Outgoing>(&mut self, correlation: CorrelationId, message: &M, bytes: Bytes) {
        let mut payload = Payload::default();
        if !bytes.is_empty() {
            payload.push(bytes).expect("a small payload");
        }
        let frame = self.frames.frame_with_payload(correlation, message, payload).expect("a small frame");
        frame.pieces().for_each(|piece| self.bytes.extend_from_slice(piece));
    }

    /// Leaves out the end of what was written.
    pub(crate) fn tear(&mut self, bytes: usize) {
        self.bytes.truncate(self.bytes.len() - bytes);
    }

    fn honest(&mut self, asked: &Asked) {
        let correlation = asked.correlation();
        let Some(api) = asked.prefix.and_then(|prefix| prefix.api_key()) else { return };
        match api {
            ApiKey::Hello => self.message(correlation, &greeting()),
            ApiKey::Metadata => self.message(correlation, &metadata()),
            ApiKey::InitProducer => {
                let producer = ProducerId::from_wire(1).expect("an id");
                self.message(correlation, &InitProducerReply { producer, epoch: ProducerEpoch::ZERO });
            }
            other => panic!("the test says nothing about {other:?}"),
        }
    }
}

fn greeting() -> HelloReply<'static> {
    HelloReply {
        software: "a test",
        version: "1",
        features: Features::NONE,
        cluster_id: "test",
        broker: BrokerId(1),
        core: CoreId(0),
        core_count: 1,
        frame_bytes_max: Limits::default().frame_bytes_max(),
        requests_in_flight_max: 100,
        core_endpoints: Vec::new(),
    }
}

fn metadata() -> MetadataReply<'static> {
    let route = PartitionRoute {
        index: PartitionIndex(0),
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch::ZERO,
        core: CoreId(0),
        error: ErrorCode::NONE,
    };
    let topic = TopicMetadata { error: ErrorCode::NONE, name: TOPIC, id: Some(TOPIC_ID), partitions: vec![route] };
    MetadataReply { topics: vec![topic], core_endpoints: Vec::new(), has_more: false }
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    open: Rc<Cell<usize>>,
    accepted: Rc<Cell<usize>>,
}

impl Server {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let (addr, mut listeners) = rt::net::bind(any, 1, 16).expect("a free port");
        let listener = listeners.pop().expect("one listener").attach();
        let server = Self { addr, open: Rc::default(), accepted: Rc::default() };
        let (open, accepted) = (server.open.clone(), server.accepted.clone());
        drop(rt::spawn(TaskQueue::DEFAULT, async move {
            while let Ok(connection) = listener.accept().await {
                accepted.set(accepted.get() + 1);
                open.set(open.get() + 1);
                let (behaviour, open) = (behaviour.clone(), open.clone());
                drop(rt::spawn(TaskQueue::DEFAULT, async move {
                    if let Ok((read, write)) = connection.attach() {
                        serve(read, write, &behaviour).await;
                    }
                    open.set(open.get() - 1);
                }));
            }
        }));
        server
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.get()
    }

    /// Waits until the client has closed all its sockets.
    pub(crate) async fn left_alone(&self) {
        for _ in 0..200 {
            if self.open.get() == 0 {
                return;
            }
            rt::sleep(Duration::from_millis(10)).await;
        }
        panic!("the client left {} sockets open", self.open.get());
    }
}

async fn serve(mut read: ReadHalf, mut write: WriteHalf, behaviour: &Behaviour) {
    let mut reply = Reply { frames: FrameBuilder::new(Limits::default()), bytes: BytesMut::new() };
    let mut buffer = BytesMut::new();
    let mut asked = Some(Asked { prefix: None, header: Bytes::new() });
    loop {
        while let Some(request) = asked.take() {
            let then = behaviour(&mut reply, &request);
            if then == Then::Honest {
                reply.honest(&request);
            }
            let bytes = reply.bytes.split();
            if write.write_all(&bytes).await.is_err() || then == Then::Closed {
                write.shutdown();
                return;
            }
            asked = take(&mut buffer);
        }
        buffer.reserve(64 << 10);
        if !matches!(read.read(&mut buffer).await, Ok(1..)) {
            return;
        }
        asked = take(&mut buffer);
    }
}

fn take(buffer: &mut BytesMut) -> Option<Asked> {
    let prefix = peek(buffer, &Limits::default()).expect("the client sends sound frames")?;
    if buffer.len() < prefix.frame_bytes() {
        return None;
    }
    let frame = buffer.split_to(prefix.frame_bytes()).freeze();
    let header = frame.slice(PREFIX_BYTES..PREFIX_BYTES + prefix.header_bytes());
    Some(Asked { prefix: Some(prefix), header })
}

/// Shared between connections and requests.
#[derive(Clone, Default)]
pub(crate) struct Count(Rc<RefCell<u32>>);

impl Count {
    pub(crate) fn next(&self) -> u32 {
        let mut count = self.0.borrow_mut();
        *count += 1;
        *count
    }
}
