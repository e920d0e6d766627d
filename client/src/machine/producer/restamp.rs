//! A batch that gets another number after it was sealed.
//!
//! ```text
//! | .. 17 | 17  | 21 ..                     | 43          | 51    | 53       | 57 ..
//! |       | crc | covered by it to the end  | producer id | epoch | sequence |
//! |       | u32 |                           | i64         | i16   | i32      |
//! ```

use base::{ProducerEpoch, ProducerId, Sequence};
use bytes::{BufMut as _, Bytes, BytesMut};
use wire::batch::{HEADER_BYTES, ProducerStamp, crc};

const CRC_AT: usize = 17;
const CHECKED_AT: usize = 21;
const PRODUCER_AT: usize = 43;
const PRODUCER_END: usize = 57;

/// Gives a batch another producer, epoch and sequence; its records stay as they are.
///
/// # Panics
/// When `batch` is not one whole batch.
pub(super) fn restamp(batch: &[u8], stamp: Option<ProducerStamp>) -> Bytes {
    let mut changed = BytesMut::from(batch);
    let before: [u8; HEADER_BYTES] = *batch.first_chunk().expect("a batch has a header");
    {
        let mut field = &mut changed[PRODUCER_AT..PRODUCER_END];
        field.put_i64(stamp.map_or(-1, |stamp| ProducerId::to_wire(stamp.id)));
        field.put_i16(stamp.map_or(-1, |stamp| ProducerEpoch::to_wire(stamp.epoch)));
        field.put_i32(stamp.and_then(|stamp| stamp.base_sequence).map_or(-1, Sequence::to_wire));
    }
    let stored = u32::from_be_bytes(*before[CRC_AT..].first_chunk().expect("the field lies in the header"));
    let after = &changed[CHECKED_AT..HEADER_BYTES];
    let crc = crc::replace_front(stored, &before[CHECKED_AT..], after, batch.len() - HEADER_BYTES);
    changed[CRC_AT..CHECKED_AT].copy_from_slice(&crc.to_be_bytes());
    changed.freeze()
}

#[cfg(test)]
mod tests {
    use base::Timestamp;
    use wire::batch::{Batch, BatchBuilder, BatchOptions, NewRecord};
    use wire::{Codec, Compressor};

    use super::*;

    fn stamp(id: u64, epoch: i16, sequence: i32) -> Option<ProducerStamp> {
        let base_sequence = Sequence::from_wire(sequence);
        Some(ProducerStamp {
            id: ProducerId::new(id).unwrap(),
            epoch: ProducerEpoch::from_wire(epoch).unwrap(),
            base_sequence,
        })
    }

    fn batch(codec: Codec, producer: Option<ProducerStamp>) -> Bytes {
        let mut builder = BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
        for index in 0..50 {
            let timestamp = Some(Timestamp::from_millis(1_000 + index));
            let value = format!("value {index} value {index} value {index}");
            builder.push(&NewRecord { timestamp, value: Some(value.as_bytes()), ..NewRecord::default() }).unwrap();
        }
        Bytes::copy_from_slice(builder.finish(&mut Compressor::new()))
    }

    #[test]
    fn a_batch_that_is_stamped_again_is_what_the_builder_would_have_made() {
        for codec in Codec::ALL {
            let first = batch(codec, stamp(7, 1, 40));
            for producer in [stamp(7, 2, 0), stamp(1 << 60, i16::MAX, i32::MAX), None] {
                assert_eq!(restamp(&first, producer), batch(codec, producer), "{codec}");
            }
            let (restamped, producer) = (restamp(&first, stamp(9, 3, 5)), stamp(9, 3, 5));
            let (parsed, rest) = Batch::parse(&restamped).unwrap();
            assert_eq!((parsed.verify_crc(), rest.len(), parsed.header().producer()), (Ok(()), 0, producer));
        }
    }
}
