//! A compressed batch made into one that can be read in place.
//!
//! ```text
//! | 0 ..  | 8      | 12 .. | 21         | 23 .. | 61
//! |       | length |       | attributes |       | records
//! |       | i32    |       | i16        |       |
//! ```
//!
//! The length counts from byte 12. The lowest bits of the attributes are the codec.

use bytes::{BufMut as _, Bytes, BytesMut};
use wire::batch::{Batch, BatchError, HEADER_BYTES};
use wire::{Codec, Decompressor};

const LENGTH_AT: usize = 8;
const LENGTH_END: usize = 12;
const ATTRIBUTES_AT: usize = 21;

/// The codec's bits in the second byte of the attributes.
const CODEC_MASK: u8 = 0x07;

/// The same batch with its records not compressed, so that they can be read in place; `batch` is a part of `holder`. A
/// batch that is not compressed is shared and not copied. Otherwise the CRC of the result is that of the batch as it
/// travelled, and no longer matches.
pub(super) fn uncompressed(
    holder: &Bytes,
    batch: &Batch<'_>,
    decompressor: &mut Decompressor,
    budget: usize,
) -> Result<Bytes, BatchError> {
    if batch.header().codec() == Codec::None {
        return Ok(holder.slice_ref(batch.bytes()));
    }
    let records = decompressor.decompress(batch.header().codec(), batch.payload(), budget)?;
    let length = HEADER_BYTES - LENGTH_END + records.len();
    let length = i32::try_from(length).map_err(|_| BatchError::Size { claimed: i64::MAX })?;
    let mut whole = BytesMut::with_capacity(HEADER_BYTES + records.len());
    whole.put_slice(&batch.bytes()[..HEADER_BYTES]);
    whole.put_slice(records);
    whole[LENGTH_AT..LENGTH_END].copy_from_slice(&length.to_be_bytes());
    whole[ATTRIBUTES_AT + 1] &= !CODEC_MASK;
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use base::Timestamp;
    use wire::Compressor;
    use wire::batch::{BatchBuilder, BatchOptions, Header, NewRecord};

    use super::*;

    fn batch(codec: Codec) -> Bytes {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        for index in 0..50 {
            let value = format!("value {index} value {index} value {index}");
            builder
                .push(&NewRecord {
                    timestamp: Some(Timestamp::from_millis(1_000 + index)),
                    key: Some(b"key"),
                    value: Some(value.as_bytes()),
                    headers: &[Header { key: b"h", value: None }],
                })
                .unwrap();
        }
        Bytes::copy_from_slice(builder.finish(&mut Compressor::new()))
    }

    #[test]
    fn records_are_the_same_after_decompression_and_shared_where_there_is_none() {
        for codec in Codec::ALL {
            let whole = batch(codec);
            let (compressed, _) = Batch::parse(&whole).unwrap();
            let mut decompressor = Decompressor::new();
            let plain = uncompressed(&whole, &compressed, &mut decompressor, 1 << 20).unwrap();
            let (parsed, rest) = Batch::parse(&plain).unwrap();
            assert_eq!((rest.len(), parsed.header().codec()), (0, Codec::None));
            let mut expected = Decompressor::new();
            let expected: Vec<_> = compressed.decode(&mut expected, 1 << 20).unwrap().map(Result::unwrap).collect();
            let records: Vec<_> = parsed.records().unwrap().map(Result::unwrap).collect();
            assert_eq!((records, 50), (expected.clone(), expected.len()));
            assert_eq!(parsed.header().max_timestamp(), compressed.header().max_timestamp());
            assert_eq!(plain.as_ptr() == whole.as_ptr(), codec == Codec::None);
        }
    }

    #[test]
    fn a_batch_that_decompresses_to_more_than_the_budget_is_refused() {
        let whole = batch(Codec::Zstd);
        let (compressed, _) = Batch::parse(&whole).unwrap();
        let refused = uncompressed(&whole, &compressed, &mut Decompressor::new(), 100).unwrap_err();
        assert!(matches!(refused, BatchError::Decompress(_)), "{refused}");
    }
}
