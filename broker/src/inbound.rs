//! Taking whole frames from a socket, within limits of size, memory and time. Both doors use it.

use std::rc::Rc;
use std::time::Duration;

use base::Instant;
use bytes::{Bytes, BytesMut};
use rt::net::{FIRST_READ_BYTES, ReadHalf};

use crate::core::Core;
use crate::ending::Ending;
use crate::limits;
use crate::memory::{Held, MemoryPool};

/// What the front of a frame says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameSize {
    pub(crate) bytes: usize,
    /// What it takes, bytes included, while it is read and worked on.
    pub(crate) memory: usize,
}

/// The receiving side of a connection.
pub(crate) struct Inbound {
    core: Rc<Core>,
    read: ReadHalf,
    buffer: BytesMut,
    /// When the first byte of the frame at hand came.
    begun: Option<Instant>,
    /// The most that the buffer was made room for: if that is much, it goes back once it is empty.
    room: usize,
    /// Bytes taken since the buffer was last empty; says how large the next buffer should be.
    busy: usize,
    pace: Pace,
    /// For small requests where there is no room among all others.
    own_memory: MemoryPool,
}

/// How much has come lately of a request that holds memory.
struct Pace {
    since: Instant,
    bytes: usize,
}

impl Inbound {
    pub(crate) fn new(core: &Rc<Core>, read: ReadHalf) -> Self {
        Self {
            core: Rc::clone(core),
            read,
            buffer: BytesMut::new(),
            begun: None,
            room: 0,
            busy: 0,
            pace: Pace { since: rt::now(), bytes: 0 },
            own_memory: MemoryPool::new(limits::CONNECTION_OWN_BYTES),
        }
    }

    /// The next whole frame and the memory that it holds. `frame_size` says how large the frame at the front of the
    /// bytes is, once that is known, or why there cannot be one.
    pub(crate) async fn next(
        &mut self,
        frame_size: impl Fn(&[u8]) -> Result<Option<FrameSize>, String>,
    ) -> Result<(Bytes, Held), Ending> {
        let mut held: Option<Held> = None;
        // The rest of a frame was not read while the one before it was taken in hand.
        self.begun = self.begun.map(|_| rt::now());
        loop {
            let known = frame_size(&self.buffer).map_err(Ending::Refused)?;
            if let Some(FrameSize { bytes, memory }) = known {
                if held.is_none() {
                    held = Some(self.take_memory(memory).await?);
                    self.pace = Pace { since: rt::now(), bytes: 0 };
                }
                if self.buffer.len() >= bytes {
                    let frame = self.buffer.split_to(bytes).freeze();
                    self.begun = (!self.buffer.is_empty()).then(rt::now);
                    return Ok((frame, held.expect("it was taken")));
                }
                // Room for the last read, too: it must not make a large buffer grow once more.
                let missing = bytes - self.buffer.len() + FIRST_READ_BYTES;
                if self.buffer.spare_capacity_mut().len() < missing {
                    let room = missing.max(limits::RECEIVE_BUFFER_BYTES);
                    self.room = self.room.max(room);
                    self.buffer.reserve(room);
                }
            } else if self.buffer.is_empty() && self.room > limits::RECEIVE_BUFFER_BYTES {
                // Whoever waits for a request keeps no memory of the one before.
                (self.buffer, self.room) = (BytesMut::new(), 0);
            }
            match &held {
                Some(held) => self.receive_at_pace(held.is_of(&self.core.request_memory)).await?,
                None => {
                    let room = self.busy.min(limits::RECEIVE_BUFFER_BYTES_MAX);
                    self.receive(Duration::MAX, room).await.map(drop)?;
                }
            }
        }
    }

    /// Receives more of a request that holds memory. A peer that hardly uses what all share, while others wait, loses it: a few
    /// bytes that announce a large request must not keep all others from being read.
    async fn receive_at_pace(&mut self, of_all: bool) -> Result<(), Ending> {
        let left = limits::PACE_INTERVAL.saturating_sub(rt::now().since(self.pace.since));
        if left > Duration::ZERO && self.receive(left, 0).await? {
            return Ok(());
        }
        if of_all && self.pace.bytes < limits::PACE_BYTES_MIN && self.core.request_memory.is_contended() {
            return Err(Ending::TooSlow);
        }
        self.pace = Pace { since: rt::now(), bytes: 0 };
        Ok(())
    }

    /// Waits for memory without reading further: the peer feels it as a slow receiver. Who asks for little does not wait
    /// for those whose large requests arrive slowly.
    async fn take_memory(&mut self, bytes: usize) -> Result<Held, Ending> {
        if let Some(held) = self.core.request_memory.try_take(bytes) {
            return Ok(held);
        }
        let in_line = self.core.request_memory.take(bytes);
        let taken = async {
            Some(match bytes <= limits::CONNECTION_OWN_BYTES {
                true => futures_lite::future::or(in_line, self.own_memory.take(bytes)).await,
                false => in_line.await,
            })
        };
        let stopping = async {
            self.core.connections.closing().await;
            None
        };
        let held = futures_lite::future::or(taken, stopping).await.ok_or(Ending::Stopping)?;
        // It was not read meanwhile, which is not its peer's fault.
        self.begun = self.begun.map(|_| rt::now());
        Ok(held)
    }

    /// Receives something, with room for so much once it is there, or `false` when nothing has come for `patience`.
    async fn receive(&mut self, patience: Duration, room: usize) -> Result<bool, Ending> {
        let now = rt::now();
        let (limit, expired) = match self.begun {
            Some(begun) => (self.core.config.request_time_max.saturating_sub(now.since(begun)), Ending::TooSlow),
            None => (self.core.config.connection_idle, Ending::Idle),
        };
        let was_empty = self.buffer.is_empty();
        self.room = self.room.max(room);
        let core = Rc::clone(&self.core);
        let arriving = async {
            match rt::timeout(limit.min(patience), self.read.read_with_room(&mut self.buffer, room)).await {
                Ok(read) => Ok(Some(read)),
                Err(_) if patience < limit => Ok(None),
                Err(_) => Err(expired),
            }
        };
        let stopping = async {
            core.connections.closing().await;
            Err(Ending::Stopping)
        };
        let Some(read) = futures_lite::future::or(arriving, stopping).await? else { return Ok(false) };
        match read {
            Ok(0) if was_empty => Err(Ending::Closed),
            Ok(0) => Err(Ending::Cut),
            Ok(count) => {
                if was_empty {
                    self.begun = Some(rt::now());
                    self.busy = 0;
                }
                self.busy += count;
                self.pace.bytes += count;
                Ok(true)
            }
            Err(error) => Err(Ending::Io(error)),
        }
    }
}
