//! Connections: a half that reads and a half that writes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_lite::{AsyncRead, AsyncWrite};
use glommio::GlommioError;
use glommio::net::TcpStream;
use smallvec::SmallVec;
use socket2::SockRef;

use super::needs_executor;
use crate::relay::Relay;
use crate::time::timeout;

/// The room that a read makes sure of. It is read first and through glommio, which wants initialised memory; so it is
/// zeroed before each read and had better be small.
pub const FIRST_READ_BYTES: usize = 4096;

/// What the kernel takes in one call (`UIO_MAXIOV`).
const SLICES_MAX: usize = 1024;
const SLICES_ON_STACK: usize = 32;

const SEND_FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// Connects to an address, within a time limit.
pub async fn connect(addr: SocketAddr, limit: Duration) -> io::Result<(ReadHalf, WriteHalf)> {
    needs_executor("net::connect");
    let connecting = timeout(limit, Relay::new(TcpStream::connect(addr))).await;
    let stream = connecting
        .map_err(|elapsed| io::Error::new(io::ErrorKind::TimedOut, format!("no connection to {addr}: {elapsed}")))?;
    let stream = stream.map_err(|error| match error {
        GlommioError::IoError(source) | GlommioError::EnhancedIoError { source, .. } => source,
        other => io::Error::other(other.to_string()),
    })?;
    split(stream, addr)
}

/// Takes a connection to the calling core.
pub(super) fn attach(stream: net::TcpStream, peer: SocketAddr) -> io::Result<(ReadHalf, WriteHalf)> {
    // SAFETY: the descriptor is ours alone, and open; the stream takes it over.
    split(unsafe { TcpStream::from_raw_fd(stream.into_raw_fd()) }, peer)
}

/// Both halves have one descriptor, which is closed with the second of them. A stream keeps what waits to read apart from
/// what waits to write, and is borrowed for single polls only.
fn split(stream: TcpStream, peer: SocketAddr) -> io::Result<(ReadHalf, WriteHalf)> {
    SockRef::from(&socket(&stream)).set_tcp_nodelay(true)?;
    let stream = Rc::new(RefCell::new(stream));
    Ok((ReadHalf { stream: Rc::clone(&stream), peer }, WriteHalf { stream, peer }))
}

fn socket(stream: &TcpStream) -> BorrowedFd<'_> {
    // SAFETY: the descriptor belongs to `stream`, which is open as long as it is borrowed.
    unsafe { BorrowedFd::borrow_raw(stream.as_raw_fd()) }
}

/// The half of a connection that reads.
///
/// A peer that sends without pause never lets a read wait: call [`crate::yield_if_needed`] for each message.
#[derive(Debug)]
pub struct ReadHalf {
    stream: Rc<RefCell<TcpStream>>,
    peer: SocketAddr,
}

impl ReadHalf {
    /// Appends what the socket has, up to the room that `buf` has (and makes room if there is little), and says how many
    /// bytes; waits if there are none. Zero is the end of the stream. Nothing is lost if the future is dropped.
    pub async fn read(&mut self, buf: &mut BytesMut) -> io::Result<usize> {
        self.read_with_room(buf, 0).await
    }

    /// As [`ReadHalf::read`]; once more than [`FIRST_READ_BYTES`] have come, `buf` gets room for so many. Who waits for a
    /// request holds little memory this way, however large its requests are.
    pub async fn read_with_room(&mut self, buf: &mut BytesMut, room: usize) -> io::Result<usize> {
        buf.reserve(FIRST_READ_BYTES);
        let first = poll_fn(|cx| self.poll_first(cx, buf)).await?;
        if first < FIRST_READ_BYTES {
            return Ok(first);
        }
        buf.reserve(room);
        if buf.spare_capacity_mut().is_empty() {
            return Ok(first);
        }
        // There may be more, for which there is room: without waiting, and into memory as it is. An error other than that
        // there is nothing ends the stream, which the next read will find.
        let stream = self.stream.borrow();
        let more = SockRef::from(&socket(&stream)).recv_with_flags(buf.spare_capacity_mut(), libc::MSG_DONTWAIT);
        let more = more.unwrap_or(0);
        // SAFETY: the kernel has just initialised so many bytes behind the end.
        unsafe { buf.set_len(buf.len() + more) };
        Ok(first + more)
    }

    fn poll_first(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        let start = buf.len();
        buf.resize(start + FIRST_READ_BYTES, 0);
        let polled = Pin::new(&mut *self.stream.borrow_mut()).poll_read(cx, &mut buf[start..]);
        let read = match &polled {
            Poll::Ready(Ok(read)) => *read,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        buf.truncate(start + read);
        polled
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }
}

/// The half of a connection that writes.
#[derive(Debug)]
pub struct WriteHalf {
    stream: Rc<RefCell<TcpStream>>,
    peer: SocketAddr,
}

impl WriteHalf {
    /// Writes all parts, in as few calls as possible and without putting them together, and takes them out of the queue
    /// as they leave. If the future is dropped, what has not left is still there.
    pub async fn write_parts(&mut self, parts: &mut VecDeque<Bytes>) -> io::Result<()> {
        poll_fn(|cx| {
            loop {
                while parts.front().is_some_and(Bytes::is_empty) {
                    parts.pop_front();
                }
                if parts.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                let sent = ready!(self.poll_send(cx, parts))?;
                advance(parts, sent);
            }
        })
        .await
    }

    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        poll_fn(|cx| {
            while !bytes.is_empty() {
                let sent = ready!(Pin::new(&mut *self.stream.borrow_mut()).poll_write(cx, bytes))?;
                bytes = &bytes[sent..];
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Ends the connection in both directions. What was written still leaves; the reading half comes to its end.
    pub fn shutdown(&self) {
        // It may have ended by itself, which is as well.
        drop(SockRef::from(&socket(&self.stream.borrow())).shutdown(Shutdown::Both));
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, parts: &VecDeque<Bytes>) -> Poll<io::Result<usize>> {
        let sent = {
            let slices = parts.iter().take(SLICES_MAX).map(|part| IoSlice::new(part));
            let slices: SmallVec<[IoSlice<'_>; SLICES_ON_STACK]> = slices.collect();
            SockRef::from(&socket(&self.stream.borrow())).send_vectored_with_flags(&slices, SEND_FLAGS)
        };
        match sent {
            // glommio tries once more with the first part, and then waits until the socket has room. It sends without
            // MSG_NOSIGNAL: Rust's start-up code has the process ignore SIGPIPE.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Pin::new(&mut *self.stream.borrow_mut()).poll_write(cx, &parts[0])
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Poll::Ready(Ok(0)),
            sent => Poll::Ready(sent),
        }
    }
}

/// Takes the first `count` bytes out of the parts.
fn advance(parts: &mut VecDeque<Bytes>, mut count: usize) {
    while let Some(front) = parts.front_mut() {
        if count < front.len() {
            front.advance(count);
            return;
        }
        count -= front.len();
        parts.pop_front();
    }
    assert_eq!(count, 0, "more was sent than there was");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_leave_the_queue_as_their_bytes_are_sent() {
        let whole = |parts: &VecDeque<Bytes>| parts.iter().flatten().copied().collect::<Vec<u8>>();
        for sent in 0..=6 {
            let mut parts = VecDeque::from([&b"abc"[..], b"", b"de", b"f"].map(Bytes::from_static));
            advance(&mut parts, sent);
            assert_eq!(whole(&parts), b"abcdef"[sent..]);
        }
    }
}
