//! Frames cut out of the bytes of a connection, without copying them.

use bytes::{Bytes, BytesMut};
use wire::native::frame::{FrameError, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{ApiKey, Incoming, MessageError, Role};

use crate::limits;

/// One frame, its header's checksum compared.
#[derive(Clone, Debug)]
pub struct Frame {
    prefix: FramePrefix,
    header: Bytes,
    payload: Bytes,
}

impl Frame {
    /// Reads the header as the message that the frame says it is.
    ///
    /// # Panics
    /// When it says something else: the connection gives a frame only to those who wait for its kind.
    pub fn open<'a, M: Incoming<'a>>(&'a self) -> Result<M, MessageError> {
        assert_eq!(self.prefix.api_key(), Some(M::API), "the frame is of another API");
        assert_eq!(self.prefix.role, M::ROLE, "the frame has another role");
        M::open(&self.header, self.prefix.payload_length())
    }

    pub fn role(&self) -> Role {
        self.prefix.role
    }

    pub fn api_key(&self) -> Option<ApiKey> {
        self.prefix.api_key()
    }

    pub fn prefix(&self) -> &FramePrefix {
        &self.prefix
    }

    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Shared with the buffer that it was read into.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }
}

/// Gathers what was read until it is a frame.
#[derive(Debug)]
pub struct FrameReader {
    limits: Limits,
    buffer: BytesMut,
    /// Bytes of the frame that has begun, once they are known.
    frame_bytes: usize,
}

impl FrameReader {
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), frame_bytes: 0 }
    }

    /// Where to append what is read next. A length that was only claimed takes no more memory than has arrived, beyond
    /// [`limits::FRAME_BYTES_RESERVED`].
    pub fn room(&mut self) -> &mut BytesMut {
        let held = self.buffer.len();
        let missing = self.frame_bytes.saturating_sub(held);
        let believed = missing.min(held.max(limits::FRAME_BYTES_RESERVED));
        let spare = self.buffer.capacity() - held;
        if spare < believed.max(limits::READ_BYTES_MIN) {
            self.buffer.reserve(believed.max(limits::READ_BYTES));
        }
        &mut self.buffer
    }

    /// Gives the buffer away to be read into; nothing can be taken until it is back.
    pub fn lend(&mut self) -> BytesMut {
        self.room();
        std::mem::take(&mut self.buffer)
    }

    pub fn restore(&mut self, buffer: BytesMut) {
        assert!(self.buffer.is_empty(), "there is a buffer already");
        self.buffer = buffer;
    }

    /// The next whole frame. After an error nothing that follows can be understood.
    pub fn take(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(prefix) = peek(&self.buffer, &self.limits)? else { return Ok(None) };
        self.frame_bytes = prefix.frame_bytes();
        if self.buffer.len() < self.frame_bytes {
            return Ok(None);
        }
        let mut header = self.buffer.split_to(self.frame_bytes).freeze();
        self.frame_bytes = 0;
        let payload = header.split_off(PREFIX_BYTES + prefix.header_bytes());
        let header = header.slice(PREFIX_BYTES..);
        prefix.check_header(&header)?;
        Ok(Some(Frame { prefix, header, payload }))
    }

    /// Whether the bytes so far end with a whole frame.
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use base::SeededRandom;
    use bytes::BufMut as _;
    use wire::native::frame::FrameBuilder;
    use wire::native::{CorrelationId, FetchData, Payload, StreamId};

    use super::*;

    fn data(stream: u32, payload: Bytes) -> Vec<u8> {
        let message = FetchData {
            stream: StreamId(stream),
            base_offset: None,
            next_offset: None,
            high_watermark: None,
            log_start_offset: None,
            timings: None,
            core: None,
        };
        let mut pieces = Payload::default();
        pieces.push(payload).unwrap();
        let mut builder = FrameBuilder::new(Limits::default());
        let parts = builder.frame_with_payload(CorrelationId(stream), &message, pieces).unwrap();
        parts.pieces().flatten().copied().collect()
    }

    #[test]
    fn frames_come_out_whole_however_the_bytes_were_cut() {
        for seed in 0..10 {
            let mut random = SeededRandom::new(seed);
            let mut sent = Vec::new();
            let mut bytes = Vec::new();
            for stream in 0..30 {
                let size = if random.one_in(10) { random.index(2 << 20) } else { random.index(2_000) };
                let mut payload = vec![0; size];
                random.fill(&mut payload);
                bytes.extend(data(stream, Bytes::from(payload.clone())));
                sent.push(payload);
            }
            let mut reader = FrameReader::new(Limits::default());
            let mut received = Vec::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let room = reader.room();
                let most = rest.len().min(room.capacity() - room.len());
                let (read, later) = rest.split_at(random.index(most) + 1);
                room.put_slice(read);
                rest = later;
                while let Some(frame) = reader.take().unwrap() {
                    let message: FetchData = frame.open().unwrap();
                    assert_eq!(message.stream.0, u32::try_from(received.len()).unwrap());
                    received.push(frame.payload().to_vec());
                }
            }
            assert!(received == sent, "seed {seed}");
            assert!(reader.is_between_frames());
        }
    }

    #[test]
    fn a_claimed_length_takes_little_memory_until_its_bytes_arrive() {
        let whole = data(1, Bytes::from(vec![7; 40 << 20]));
        let mut reader = FrameReader::new(Limits::default());
        reader.room().put_slice(&whole[..100]);
        assert!(reader.take().unwrap().is_none());
        assert!(reader.room().capacity() < 2 * limits::FRAME_BYTES_RESERVED);
        let mut at = 100;
        while at < whole.len() {
            let room = reader.room();
            assert!(room.capacity() <= 2 * at + 2 * limits::FRAME_BYTES_RESERVED, "{} at {at}", room.capacity());
            let end = whole.len().min(at + room.capacity() - room.len());
            room.put_slice(&whole[at..end]);
            at = end;
        }
        assert_eq!(reader.take().unwrap().unwrap().payload().len(), 40 << 20);
    }

    #[test]
    fn what_is_no_frame_is_refused_as_soon_as_it_can_be_seen() {
        let mut reader = FrameReader::new(Limits::default());
        reader.room().put_slice(b"HTTP/1.1 400 Bad Request\r\n");
        assert!(matches!(reader.take(), Err(FrameError::Magic { .. })));
        let mut damaged = data(1, Bytes::from_static(b"x"));
        damaged[40] ^= 1;
        let mut reader = FrameReader::new(Limits::default());
        reader.room().put_slice(&damaged);
        assert!(matches!(reader.take(), Err(FrameError::Checksum { .. })));
    }
}
