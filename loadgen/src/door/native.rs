//! Corelane's own protocol: frames are templates whose changing numbers are filled in, and the checksum with them.
//! Produce requests, which have as many tables as partitions, are laid out by [`ProduceLayout`].

use base::{Offset, PartitionIndex, TopicId};
use wire::batch::crc;
use wire::native::frame::{FrameBuilder, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    CorrelationId, ErrorReply, Features, FetchData, FetchEnded, FetchGrant, FetchOpen, Hello, Incoming, Outgoing,
    Payload, ProduceReplyView, Role, StreamId,
};

use super::{Garbled, Produced};
use crate::number;

mod produce;

pub(crate) use produce::{Begun, PARTITIONS_MAX, ProduceLayout};

/// The largest payload that is read.
pub(crate) fn limits() -> Limits {
    Limits::new(256 << 20)
}

pub(crate) fn encode<M: Outgoing>(message: &M, correlation: u32, payload: Payload) -> Vec<u8> {
    let frame = FrameBuilder::new(limits())
        .frame_with_payload(CorrelationId(correlation), message, payload)
        .expect("requests of this form have an encoding");
    frame.head.to_vec()
}

pub(crate) fn greeting() -> Vec<u8> {
    let hello =
        Hello { software: "corelane-loadgen", version: env!("CARGO_PKG_VERSION"), wanted_features: Features::NONE };
    encode(&hello, 0, Payload::default())
}

/// A frame's prefix and header, with the places of numbers that change.
#[derive(Clone, Debug)]
struct Template {
    head: Vec<u8>,
    /// Offset into `head` of a number of four bytes.
    number_at: usize,
}

impl Template {
    /// `make` encodes the frame with a number; it is found where two frames differ as the numbers do.
    fn new(make: impl Fn(u32) -> Vec<u8>) -> Self {
        const PROBES: [u32; 2] = [70_001, 90_007];
        let [first, second] = PROBES.map(&make);
        let stands = |frame: &[u8], at: usize, number: u32| frame[at..at + 4] == number.to_le_bytes();
        let mut places = (PREFIX_BYTES..first.len() - 3)
            .filter(|at| stands(&first, *at, PROBES[0]) && stands(&second, *at, PROBES[1]));
        let number_at = places.next().expect("the number is in the header");
        assert_eq!(places.next(), None, "the number is in the header once");
        Self { head: first, number_at }
    }

    fn write(&self, out: &mut Vec<u8>, correlation: u32, number: u32, payload_bytes: u32) {
        let start = out.len();
        out.extend_from_slice(&self.head);
        let frame = &mut out[start..];
        frame[self.number_at..self.number_at + 4].copy_from_slice(&number.to_le_bytes());
        let length = number::short(frame.len() - 4) + payload_bytes;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[8..12].copy_from_slice(&payload_bytes.to_le_bytes());
        frame[16..20].copy_from_slice(&correlation.to_le_bytes());
        seal(frame);
    }
}

/// Writes the checksum into a frame's prefix; `head` is prefix and header.
fn seal(head: &mut [u8]) {
    let sum = crc::append(crc::crc32c(&head[..24]), &head[PREFIX_BYTES..]);
    head[24..28].copy_from_slice(&sum.to_le_bytes());
}

/// Grants for the streams of one connection; stream ids count from 1.
#[derive(Clone, Debug)]
pub(crate) struct GrantTemplates {
    by_stream: Vec<Template>,
}

impl GrantTemplates {
    pub(crate) fn new(streams: u32) -> Self {
        let template = |stream| {
            Template::new(|bytes| encode(&FetchGrant { stream: StreamId(stream), bytes }, 0, Payload::default()))
        };
        Self { by_stream: (1..=streams).map(template).collect() }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, stream: u32, bytes: u32) {
        self.by_stream[number::index(stream - 1)].write(out, 0, bytes, 0);
    }
}

/// Opens a stream.
pub(crate) fn open_stream(stream: u32, topic: TopicId, partition: u32, offset: u64, credit: u32) -> Vec<u8> {
    let open = FetchOpen {
        stream: StreamId(stream),
        topic,
        partition: PartitionIndex(partition),
        offset: Offset::new(offset).unwrap_or(Offset::ZERO),
        credit_bytes: credit,
        frame_bytes_max: credit,
    };
    encode(&open, stream, Payload::default())
}

/// The frame at the front of `bytes`: its prefix, and its whole length. `None` while the prefix is not whole.
pub(crate) fn front(bytes: &[u8]) -> Result<Option<FramePrefix>, Garbled> {
    peek(bytes, &limits()).map_err(Garbled::of)
}

/// Prefix, header and payload of a whole frame.
pub(crate) fn split(frame: &[u8]) -> Result<(FramePrefix, &[u8], &[u8]), Garbled> {
    let prefix = front(frame)?.ok_or_else(|| Garbled("a frame that is cut off".to_owned()))?;
    let (header, payload) = frame[PREFIX_BYTES..].split_at(prefix.header_bytes());
    prefix.check_header(header).map_err(Garbled::of)?;
    Ok((prefix, header, payload))
}

/// Reads a message, or the error that came instead of it.
pub(crate) fn open<'a, M: Incoming<'a>>(prefix: &FramePrefix, header: &'a [u8]) -> Result<M, Garbled> {
    if prefix.role == Role::Error {
        let error = ErrorReply::open(header).map_err(Garbled::of)?;
        return Err(Garbled(format!("{}: {}", super::error_name(error.code.0), error.message)));
    }
    M::open(header, prefix.payload_length()).map_err(Garbled::of)
}

/// Reads a produce answer; a request refused as a whole is the failure of each of its partitions.
pub(crate) fn read_produced(
    frame: &[u8],
    partitions: impl Iterator<Item = u32>,
    mut take: impl FnMut(Produced),
) -> Result<(), Garbled> {
    let (prefix, header, _) = split(frame)?;
    if prefix.role == Role::Error {
        let error = ErrorReply::open(header).map_err(Garbled::of)?.code.0;
        partitions.for_each(|partition| take(Produced { partition, error, base_offset: -1 }));
        return Ok(());
    }
    let reply: ProduceReplyView<'_> = open(&prefix, header)?;
    for produced in reply.partitions() {
        let base_offset = produced.base_offset.map_or(-1, Offset::to_wire);
        take(Produced { partition: produced.partition.0, error: produced.error.0, base_offset });
    }
    Ok(())
}

/// What a stream's connection receives.
#[derive(Debug)]
pub(crate) enum Pushed<'a> {
    Data {
        stream: u32,
        records: &'a [u8],
    },
    Ended {
        stream: u32,
        error: i16,
    },
    /// An answer that needs no reaction.
    Other,
}

pub(crate) fn read_pushed(frame: &[u8]) -> Result<Pushed<'_>, Garbled> {
    use wire::native::ApiKey;
    let (prefix, header, records) = split(frame)?;
    match (prefix.role, prefix.api_key()) {
        (Role::Push, Some(ApiKey::FetchData)) => {
            let data: FetchData = open(&prefix, header)?;
            Ok(Pushed::Data { stream: data.stream.0, records })
        }
        (Role::Push, Some(ApiKey::FetchEnded)) => {
            let ended: FetchEnded<'_> = open(&prefix, header)?;
            Ok(Pushed::Ended { stream: ended.stream.0, error: ended.error.0 })
        }
        (Role::Error, _) => {
            let error = ErrorReply::open(header).map_err(Garbled::of)?;
            Ok(Pushed::Ended { stream: prefix.correlation.0, error: error.code.0 })
        }
        _ => Ok(Pushed::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filled_templates_are_what_the_codec_writes() {
        let mut out = vec![0; 5];
        GrantTemplates::new(2).write(&mut out, 2, 5);
        assert_eq!(out[5..], encode(&FetchGrant { stream: StreamId(2), bytes: 5 }, 0, Payload::default()));
    }
}
