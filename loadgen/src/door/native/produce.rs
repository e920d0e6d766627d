//! Produce requests of the native protocol, written in place: FlatBuffers need not be built from their end when the size
//! of every table is known.
//!
//! All tables have all of their fields, so a request for `n` partitions has its parts here, in bytes after the prefix:
//!
//! ```text
//! 0      4                14                 28        44      48           48 + 4n, rounded      32n later
//! ┌──────┬────────────────┬──────────────────┬─────────┬───────┬────────────┬──────────────────────┬─────┐
//! │ root │ request vtable │ partition vtable │ request │ count │ n places   │ n tables of 32 bytes │ pad │
//! └──────┴────────────────┴──────────────────┴─────────┴───────┴────────────┴──────────────────────┴─────┘
//!
//! request:   0 vtable, 4 timeout, 8 place of the partitions, 12 acks
//! partition: 0 vtable, 4 topic (aligned to 8), 20 partition, 24 offset in the payload, 28 length
//! ```

use base::TopicId;
use wire::native::frame::PREFIX_BYTES;
use wire::native::limits::DATA_HEADER_BYTES_MAX;
use wire::native::{Acks, Payload, ProduceRequest};

use super::{encode, seal};
use crate::number;

const REQUEST_VTABLE: usize = 4;
const PARTITION_VTABLE: usize = 14;
const REQUEST: usize = 28;
const COUNT: usize = 44;
const PLACES: usize = 48;
const TABLE_BYTES: usize = 32;

/// Partitions in one request, so that its header is within what brokers accept.
pub(crate) const PARTITIONS_MAX: usize = 7_000;
const _: () = assert!(head_bytes(PARTITIONS_MAX) - PREFIX_BYTES <= DATA_HEADER_BYTES_MAX as usize);

/// Where the first partition's table stands: its topic, four bytes on, is aligned to eight.
const fn tables(partitions: usize) -> usize {
    (PLACES + 4 * partitions + 4).next_multiple_of(8) - 4
}

/// Prefix and header of a request for so many partitions; the header's length is a multiple of eight.
const fn head_bytes(partitions: usize) -> usize {
    PREFIX_BYTES + tables(partitions) + TABLE_BYTES * partitions + 4
}

/// Produce requests for one topic.
#[derive(Clone, Debug)]
pub(crate) struct ProduceLayout {
    /// Prefix and header up to the count of partitions.
    front: [u8; PREFIX_BYTES + COUNT],
    /// A partition's table with its topic.
    table: [u8; TABLE_BYTES],
}

/// A request that is being written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    start: usize,
    partitions: usize,
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, number: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&number);
}

impl ProduceLayout {
    pub(crate) fn new(topic: TopicId, acks: Acks, timeout_ms: u32) -> Self {
        let mut front = [0; PREFIX_BYTES + COUNT];
        let example = encode(&ProduceRequest { acks, timeout_ms, partitions: &[] }, 0, Payload::default());
        front[..PREFIX_BYTES].copy_from_slice(&example[..PREFIX_BYTES]);
        let header = &mut front[PREFIX_BYTES..];
        put(header, 0, number::short(REQUEST).to_le_bytes());
        // Bytes of the vtable, bytes of the table, and where each field stands in it.
        let vtable = |header: &mut [u8], at: usize, numbers: &[u16]| {
            numbers.iter().enumerate().for_each(|(index, number)| put(header, at + 2 * index, number.to_le_bytes()));
        };
        vtable(header, REQUEST_VTABLE, &[10, 16, 12, 4, 8]);
        vtable(header, PARTITION_VTABLE, &[12, 32, 4, 20, 24, 28]);
        put(header, REQUEST, number::short(REQUEST - REQUEST_VTABLE).to_le_bytes());
        put(header, REQUEST + 4, timeout_ms.to_le_bytes());
        put(header, REQUEST + 8, number::short(COUNT - REQUEST - 8).to_le_bytes());
        let acks: i8 = match acks {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        };
        put(header, REQUEST + 12, acks.to_le_bytes());
        let mut table = [0; TABLE_BYTES];
        let id = topic.as_u128().to_be_bytes();
        // Two numbers, the high half first, each little endian.
        let half = |range: std::ops::Range<usize>| id[range].iter().rev().copied();
        table[4..20].iter_mut().zip(half(0..8).chain(half(8..16))).for_each(|(to, from)| *to = from);
        Self { front, table }
    }

    /// Begins a request at the end of `out`, after which the batches of so many partitions follow, there or elsewhere.
    pub(crate) fn begin(out: &mut Vec<u8>, partitions: usize) -> Begun {
        let start = out.len();
        out.resize(start + head_bytes(partitions), 0);
        Begun { start, partitions }
    }

    /// Completes a request: `parts` are partitions and the lengths of their batches, in the order in which these follow.
    pub(crate) fn end(&self, out: &mut [u8], begun: Begun, correlation: u32, parts: &[(u32, u32)]) {
        let Begun { start, partitions } = begun;
        assert_eq!(partitions, parts.len(), "a request has as many batches as were announced");
        let head_bytes = head_bytes(partitions);
        let payload: u32 = parts.iter().map(|(_, bytes)| bytes).sum();
        let length = number::short(head_bytes - 4) + payload;
        let head = &mut out[start..start + head_bytes];
        head[..self.front.len()].copy_from_slice(&self.front);
        let header = &mut head[PREFIX_BYTES..];
        put(header, COUNT, number::short(parts.len()).to_le_bytes());
        let (mut table, mut offset) = (tables(parts.len()), 0_u32);
        header[PLACES + 4 * parts.len()..table].fill(0);
        for (index, (partition, bytes)) in parts.iter().enumerate() {
            let place = PLACES + 4 * index;
            put(header, place, number::short(table - place).to_le_bytes());
            let fields = &mut header[table..table + TABLE_BYTES];
            fields.copy_from_slice(&self.table);
            put(fields, 0, number::short(table - PARTITION_VTABLE).to_le_bytes());
            put(fields, 20, partition.to_le_bytes());
            put(fields, 24, offset.to_le_bytes());
            put(fields, 28, bytes.to_le_bytes());
            table += TABLE_BYTES;
            offset += bytes;
        }
        header[table..].fill(0);
        let header_bytes = number::short(header.len());
        assert_eq!(offset, payload, "the parts are the batches that were appended");
        put(head, 0, length.to_le_bytes());
        put(head, 4, header_bytes.to_le_bytes());
        put(head, 8, payload.to_le_bytes());
        put(head, 16, correlation.to_le_bytes());
        seal(head);
    }
}

#[cfg(test)]
mod tests {
    use super::super::split;
    use super::*;
    use base::PartitionIndex;
    use wire::native::{Incoming as _, ProducePartition, ProduceView};

    const ACKS: [Acks; 3] = [Acks::None, Acks::Leader, Acks::All];

    fn topic() -> TopicId {
        TopicId::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10).expect("an id")
    }

    fn batch_of(index: usize) -> Vec<u8> {
        vec![u8::try_from(index % 251).expect("small"); 61 + index * 7 % 500]
    }

    /// A request as this layout writes it, behind other bytes.
    fn laid_out(partitions: &[u32], acks: Acks) -> Vec<u8> {
        let mut out = vec![9; 5];
        let begun = ProduceLayout::begin(&mut out, partitions.len());
        let mut parts = Vec::new();
        for (index, partition) in partitions.iter().enumerate() {
            let batch = batch_of(index);
            out.extend_from_slice(&batch);
            parts.push((*partition, number::short(batch.len())));
        }
        ProduceLayout::new(topic(), acks, 30_000).end(&mut out, begun, 77, &parts);
        assert_eq!(out[..5], [9; 5], "what stood before is untouched");
        out.split_off(5)
    }

    /// The same request as the codec writes it.
    fn encoded(partitions: &[u32], acks: Acks) -> Vec<u8> {
        let mut payload = Payload::default();
        let part = |(index, partition): (usize, &u32)| {
            let segment = payload.push(batch_of(index).into()).expect("it is small");
            ProducePartition { topic: topic(), partition: PartitionIndex(*partition), segment }
        };
        let parts: Vec<ProducePartition> = partitions.iter().enumerate().map(part).collect();
        let batches: Vec<u8> = payload.pieces().flatten().copied().collect();
        let request = ProduceRequest { acks, timeout_ms: 30_000, partitions: &parts };
        [encode(&request, 77, payload), batches].concat()
    }

    #[track_caller]
    fn assert_read_alike(partitions: &[u32], acks: Acks) {
        let (ours, theirs) = (laid_out(partitions, acks), encoded(partitions, acks));
        let (our_prefix, our_header, our_batches) = split(&ours).expect("a frame");
        let (their_prefix, their_header, their_batches) = split(&theirs).expect("a frame");
        assert_eq!(our_batches, their_batches);
        let same = |prefix: &wire::native::frame::FramePrefix| {
            (prefix.role, prefix.correlation, prefix.api_number(), prefix.version(), prefix.payload_length())
        };
        assert_eq!(same(&our_prefix), same(&their_prefix));
        let view = |header, payload: u32| ProduceView::open(header, payload).expect("the broker reads it");
        let our_view = view(our_header, our_prefix.payload_length());
        let their_view = view(their_header, their_prefix.payload_length());
        assert_eq!((our_view.acks(), our_view.timeout_ms()), (acks, their_view.timeout_ms()));
        assert!(our_view.partitions().eq(their_view.partitions()), "{} partitions", partitions.len());
        // Fields that have their default value stand there, too; nothing else is longer.
        assert!(our_header.len() <= their_header.len() + 24, "{} and {} B", our_header.len(), their_header.len());
    }

    #[test]
    fn filled_requests_are_what_the_codec_writes() {
        for acks in ACKS {
            assert_read_alike(&[0], acks);
        }
        for count in [1, 2, 3, 4, 5, 64, 289, 1_000] {
            let partitions: Vec<u32> = (0..count).rev().collect();
            assert_read_alike(&partitions, Acks::All);
        }
    }

    #[test]
    fn the_longest_request_is_within_the_limits() {
        let partitions: Vec<u32> = (0..number::short(PARTITIONS_MAX)).collect();
        assert_read_alike(&partitions, Acks::All);
    }
}
