//! Listening: one socket for each address, one thread that accepts, and a listener on each core.
//!
//! The socket is bound exclusively, so that a second broker on the same address is told so. A socket for each core
//! (`SO_REUSEPORT`) can't be exclusive: once sockets have shared a port, Linux lets any later socket of the same user
//! join that sets the option too, also when it has been cleared on all of them. Nor can cores share one socket: glommio
//! switches a listening socket to non-blocking and back for each accept, and a core that meets the moment in between
//! blocks. So a thread accepts, deals the connections out in turn, and keeps bursts of them away from the cores.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, Protocol, Socket, Type};

use super::needs_executor;
use super::stream::{ReadHalf, WriteHalf, attach};
use crate::descriptors::is_short_of_descriptors;

/// Connections that wait for one listener. Beyond it they wait in the kernel's backlog.
const WAITING_MAX: usize = 128;

/// How long the accepting thread rests after an error, so that it doesn't spin while descriptors are short.
const ERROR_PAUSE: Duration = Duration::from_millis(50);

/// Why there is no listening on an address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{addr} is in use: another program, or a broker that still runs, listens there")]
    InUse { addr: SocketAddr },
    #[error("no permission to listen on {addr}: ports below 1024 need CAP_NET_BIND_SERVICE")]
    Forbidden { addr: SocketAddr },
    #[error("{addr} is not an address of this machine")]
    NotOurs { addr: SocketAddr },
    #[error("cannot listen on {addr}")]
    Io { addr: SocketAddr, source: io::Error },
}

impl BindError {
    fn new(addr: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { addr },
            io::ErrorKind::PermissionDenied => Self::Forbidden { addr },
            io::ErrorKind::AddrNotAvailable => Self::NotOurs { addr },
            _ => Self::Io { addr, source },
        }
    }
}

/// Listens on `addr`, for `listeners` cores together. Port 0 takes a free one; the address returned has its number.
///
/// Connections are dealt out in turn. An IPv6 wildcard address takes IPv4 connections too.
pub fn bind(addr: SocketAddr, listeners: usize, backlog: u32) -> Result<(SocketAddr, Vec<BoundListener>), BindError> {
    assert!(listeners > 0, "nobody would accept the connections to {addr}");
    let socket = listen(addr, backlog).map_err(|error| BindError::new(addr, error))?;
    let local = socket.local_addr().map_err(|error| BindError::new(addr, error))?;
    let queues = (0..listeners).map(|_| Queue::default()).collect();
    let state = Mutex::new(DoorState { queues, next: 0 });
    let door = Arc::new(Door { socket, state, changed: Condvar::new() });
    let (acceptor, spare) = (door.clone(), spare_descriptor());
    let name = format!("accept-{}", local.port());
    let spawned = thread::Builder::new().name(name).spawn(move || acceptor.accept_all(spare));
    spawned.map_err(|error| BindError::new(addr, error))?;
    Ok((local, (0..listeners).map(|index| BoundListener { index, door: door.clone(), local }).collect()))
}

fn listen(addr: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A port that was in use a moment ago, with connections still winding down, is free for us.
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A listening socket and those who take its connections.
struct Door {
    socket: TcpListener,
    state: Mutex<DoorState>,
    /// A queue has room again, or is closed.
    changed: Condvar,
}

struct DoorState {
    /// One for each listener.
    queues: Vec<Queue>,
    /// Whose turn it is.
    next: usize,
}

/// Connections on their way from the accepting thread to one listener.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Accepted>,
    failure: Option<io::Error>,
    waker: Option<Waker>,
    closed: bool,
}

impl Door {
    fn lock(&self) -> MutexGuard<'_, DoorState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `spare` is a descriptor that is given up for a moment when there are no others, so that the client is turned away
    /// instead of left waiting.
    fn accept_all(&self, mut spare: Option<File>) {
        loop {
            // Not in `accept`, which takes a descriptor before it waits, and fails at once if there is none.
            let mut ready = [PollFd::new(&self.socket, PollFlags::IN)];
            if let Err(error) = poll(&mut ready, None) {
                tracing::debug!(%error, "the wait for connections was interrupted");
            }
            let accepted = self.socket.accept();
            if self.lock().all_closed() {
                return;
            }
            match accepted {
                Ok((stream, peer)) => self.deal(Accepted { stream, peer }),
                // The client has gone again.
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    if is_short_of_descriptors(&error) && spare.take().is_some() {
                        drop(self.socket.accept());
                    }
                    self.tell_all(&error);
                    thread::sleep(ERROR_PAUSE);
                    spare = spare.or_else(spare_descriptor);
                }
            }
        }
    }

    /// Gives the connection to the next listener that has room, and waits until one has.
    fn deal(&self, accepted: Accepted) {
        let nobody = |state: &mut DoorState| !state.all_closed() && state.choose().is_none();
        let mut state = self.changed.wait_while(self.lock(), nobody).unwrap_or_else(PoisonError::into_inner);
        let Some(chosen) = state.choose() else { return };
        state.next = (chosen + 1) % state.queues.len();
        let queue = &mut state.queues[chosen];
        queue.waiting.push_back(accepted);
        let waker = queue.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Leaves an error with each listener, in the place of one that it has not looked at.
    fn tell_all(&self, error: &io::Error) {
        let mut state = self.lock();
        let wakers: Vec<Waker> = state
            .queues
            .iter_mut()
            .filter_map(|queue| {
                queue.failure = Some(copy_of(error));
                queue.waker.take()
            })
            .collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn poll_take(&self, index: usize, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let mut state = self.lock();
        let queue = &mut state.queues[index];
        if let Some(failure) = queue.failure.take() {
            return Poll::Ready(Err(failure));
        }
        let Some(accepted) = queue.waiting.pop_front() else {
            queue.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(state);
        self.changed.notify_one();
        Poll::Ready(Ok(accepted))
    }

    fn close(&self, index: usize) {
        let mut state = self.lock();
        let queue = &mut state.queues[index];
        queue.closed = true;
        let left = (std::mem::take(&mut queue.waiting), queue.waker.take());
        let all_closed = state.all_closed();
        drop(state);
        self.changed.notify_one();
        drop(left);
        if all_closed {
            // Ends the thread's wait for connections, and with it the life of the socket.
            drop(socket2::SockRef::from(&self.socket).shutdown(Shutdown::Both));
        }
    }
}

impl DoorState {
    fn choose(&self) -> Option<usize> {
        let count = self.queues.len();
        (0..count).map(|turn| (self.next + turn) % count).find(|index| {
            let queue = &self.queues[*index];
            !queue.closed && queue.waiting.len() < WAITING_MAX
        })
    }

    fn all_closed(&self) -> bool {
        self.queues.iter().all(|queue| queue.closed)
    }
}

fn spare_descriptor() -> Option<File> {
    File::open("/dev/null").ok()
}

fn copy_of(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted)
}

/// A listener that has no core yet.
pub struct BoundListener {
    index: usize,
    door: Arc<Door>,
    local: SocketAddr,
}

impl BoundListener {
    /// Goes to work on the calling core.
    pub fn attach(self) -> Listener {
        needs_executor("net::BoundListener::attach");
        Listener { bound: self }
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for BoundListener {
    fn drop(&mut self) {
        self.door.close(self.index);
    }
}

impl fmt::Debug for BoundListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BoundListener").field(&self.local).finish()
    }
}

/// Takes its share of an address' connections. When the last one of an address is dropped, the address is free.
#[derive(Debug)]
pub struct Listener {
    bound: BoundListener,
}

impl Listener {
    /// The next connection. After an error, such as too many open files, the caller may go on: the accepting thread turns
    /// clients away and pauses between attempts.
    pub async fn accept(&self) -> io::Result<Accepted> {
        poll_fn(|cx| self.bound.door.poll_take(self.bound.index, cx)).await
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.bound.local
    }
}

/// A connection that has no core yet. It may be sent to another; dropping it closes it.
#[derive(Debug)]
pub struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
}

impl Accepted {
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Puts the connection to work on the calling core. Small writes leave at once (`TCP_NODELAY`).
    pub fn attach(self) -> io::Result<(ReadHalf, WriteHalf)> {
        needs_executor("net::Accepted::attach");
        attach(self.stream, self.peer)
    }
}
