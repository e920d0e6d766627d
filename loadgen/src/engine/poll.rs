//! One non-blocking connection, and the set of those that a worker waits for.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use socket2::{Domain, Protocol, Socket, Type};

use crate::door::{Door, FRAME_BYTES_MAX, Garbled, native};

/// Connections that a worker waits for.
pub(super) struct Poll {
    epoll: rustix::fd::OwnedFd,
    events: Vec<epoll::Event>,
}

impl std::fmt::Debug for Poll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poll").field("epoll", &self.epoll).finish_non_exhaustive()
    }
}

impl Poll {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(256) })
    }

    /// Waits for events, but no longer than so many nanoseconds; calls back with their tokens.
    pub(super) fn wait(&mut self, nanos: u64, ready: &mut Vec<u64>) -> io::Result<()> {
        let wait = Duration::from_nanos(nanos);
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        ready.clear();
        ready.extend(self.events.iter().map(|event| event.data.u64()));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnState {
    Closed,
    Connecting,
    /// The first request waits for its answer.
    Greeting,
    Ready,
}

/// A connection with its buffers, which outlive a reconnection.
#[derive(Debug)]
pub(super) struct Conn {
    door: Door,
    address: SocketAddr,
    token: u64,
    socket: Option<TcpStream>,
    pub(super) state: ConnState,
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes to be sent; `sent` of them have been.
    pub(super) output: Vec<u8>,
    sent: usize,
    pub(super) opened_at: u64,
    pub(super) retry_at: u64,
    backoff_ns: u64,
}

const BACKOFF_FIRST_NS: u64 = 10_000_000;
const BACKOFF_LAST_NS: u64 = 500_000_000;
/// What a connection can read at once.
const INPUT_BYTES: usize = 64 << 10;

impl Conn {
    pub(super) fn new(door: Door, address: SocketAddr, token: u64) -> Self {
        Self {
            door,
            address,
            token,
            socket: None,
            state: ConnState::Closed,
            input: vec![0; INPUT_BYTES],
            start: 0,
            end: 0,
            output: Vec::with_capacity(4_096),
            sent: 0,
            opened_at: 0,
            retry_at: 0,
            backoff_ns: BACKOFF_FIRST_NS,
        }
    }

    /// Begins to connect; the event that it is done arrives later.
    pub(super) fn open(&mut self, poll: &Poll, now: u64) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&self.address.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        epoll::add(&poll.epoll, &socket, epoll::EventData::new_u64(self.token), flags)?;
        self.socket = Some(socket.into());
        self.state = ConnState::Connecting;
        self.opened_at = now;
        (self.start, self.end, self.sent) = (0, 0, 0);
        self.output.clear();
        Ok(())
    }

    /// Closes, and says when to try again.
    pub(super) fn close(&mut self, now: u64) {
        // Closing the last descriptor takes it out of the epoll set.
        self.socket = None;
        self.state = ConnState::Closed;
        self.output.clear();
        self.sent = 0;
        self.retry_at = now + self.backoff_ns;
        self.backoff_ns = (self.backoff_ns * 2).min(BACKOFF_LAST_NS);
    }

    /// The peer serves: the next failure begins with a short wait again.
    pub(super) fn proved(&mut self) {
        self.backoff_ns = BACKOFF_FIRST_NS;
    }

    /// After an event: whether the connection stands now. Sends the greeting as soon as it does.
    pub(super) fn advance(&mut self) -> io::Result<()> {
        if self.state != ConnState::Connecting {
            return Ok(());
        }
        let Some(socket) = &self.socket else { return Ok(()) };
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match socket.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(error),
        }
        self.state = ConnState::Greeting;
        let greeting = match self.door {
            Door::Kafka => crate::door::kafka::greeting(),
            Door::Native => native::greeting(),
        };
        self.output.extend_from_slice(&greeting);
        self.flush()
    }

    /// Sends as much as the kernel takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        while self.sent < self.output.len() {
            match socket.write(&self.output[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.sent == self.output.len() {
            self.output.clear();
            self.sent = 0;
        }
        Ok(())
    }

    /// Sends what waits, and after it these bytes; keeps a copy of what the kernel does not take.
    pub(super) fn flush_with(&mut self, last: &[u8]) -> io::Result<()> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        let waiting = self.output.len() - self.sent;
        let taken = match socket.write_vectored(&[IoSlice::new(&self.output[self.sent..]), IoSlice::new(last)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            Err(error) => return Err(error),
        };
        if taken < waiting {
            self.sent += taken;
            self.output.extend_from_slice(last);
        } else {
            self.output.clear();
            self.sent = 0;
            self.output.extend_from_slice(&last[taken - waiting..]);
        }
        self.flush()
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.output.is_empty()
    }

    /// Reads once. False when there is nothing more to read now; the peer's end is an error.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        let Some(socket) = &mut self.socket else { return Ok(false) };
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.input.len() && self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.input.len() {
            // A frame is longer than the buffer: `frame` has bounded its length.
            let doubled = (self.input.len() * 2).min(FRAME_BYTES_MAX + 4_096);
            self.input.resize(doubled, 0);
        }
        match socket.read(&mut self.input[self.end..]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.end += count;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The next whole frame, as the range of [`Conn::bytes`] that the protocol's readers want.
    pub(super) fn frame(&mut self) -> Result<Option<std::ops::Range<usize>>, Garbled> {
        let have = &self.input[self.start..self.end];
        let (whole, skip) = match self.door {
            Door::Kafka => {
                let length = wire::kafka::frame::peek_length(have, FRAME_BYTES_MAX).map_err(Garbled::of)?;
                (length.map(|length| length + 4), 4)
            }
            Door::Native => (native::front(have)?.map(|prefix| prefix.frame_bytes()), 0),
        };
        let Some(whole) = whole.filter(|whole| *whole <= have.len()) else { return Ok(None) };
        let range = self.start + skip..self.start + whole;
        self.start += whole;
        Ok(Some(range))
    }

    /// Takes the input's memory out, so that frames in it can be read while the connection is written to.
    pub(super) fn take_input(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input)
    }

    pub(super) fn give_input(&mut self, input: Vec<u8>) {
        self.input = input;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_the_kernel_does_not_take_at_once_is_sent_later_and_in_order() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let poll = Poll::new().expect("epoll is there");
        for bytes in [40_000, 20 << 20] {
            let mut conn = Conn::new(Door::Native, address, 1);
            conn.open(&poll, 0).expect("the listener listens");
            let (mut peer, _) = listener.accept().expect("it connects");
            while conn.state == ConnState::Connecting {
                conn.advance().expect("it stands");
            }
            let greeting = native::greeting();
            let last: Vec<u8> = (0..bytes).map(|at: usize| (at % 251).to_le_bytes()[0]).collect();
            conn.output.extend_from_slice(b"head");
            conn.flush_with(&last).expect("the peer is there");
            assert_eq!(conn.is_flushed(), bytes < 1 << 20, "the kernel takes some, and no 20 MiB");
            let reader = std::thread::spawn(move || {
                let mut all = Vec::new();
                peer.read_to_end(&mut all).map(|_| all)
            });
            while !conn.is_flushed() {
                conn.flush().expect("the peer is there");
            }
            conn.close(0);
            let all = reader.join().expect("no panic").expect("it can be read");
            assert!(all == [&greeting[..], b"head", &last].concat(), "{bytes} bytes arrive otherwise");
        }
    }
}
