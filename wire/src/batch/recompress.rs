//! Writes a producer's batch anew with the codec that its topic wants.

use base::{LeaderEpoch, Offset};

use super::error::BatchError;
use super::header::{Attributes, HEADER_BYTES, LENGTH_END, at, put};
use super::validate::{ProduceRules, ProducedBatch, judge_records};
use crate::compress::{Codec, Compressor, Decompressor};

/// What recompression works with, kept from batch to batch.
#[derive(Debug, Default)]
pub struct Recompressor {
    decompressor: Decompressor,
    compressor: Compressor,
}

/// A batch with another codec than its producer's.
#[derive(Debug)]
pub struct Recompressed {
    /// Its header, and what follows it.
    pub bytes: Vec<u8>,
    pub max_timestamp: Option<base::Timestamp>,
}

impl Recompressor {
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives back the memory of an unusually large batch when more than `bytes_max` is kept.
    pub fn trim(&mut self, bytes_max: usize) {
        self.decompressor.trim(bytes_max);
    }

    /// The batch with `codec`, whatever it had before, judged by all rules as Kafka does where it decompresses: a batch
    /// that was compressed is looked into, and one that has become too large is refused. Its records are decompressed to
    /// `budget` bytes at most.
    ///
    /// The records themselves, with their deltas, stay as the producer wrote them.
    pub fn recompress(
        &mut self,
        produced: &ProducedBatch<'_>,
        rules: &ProduceRules,
        codec: Codec,
        budget: usize,
    ) -> Result<Recompressed, BatchError> {
        let batch = produced.batch;
        let before = batch.header().codec();
        let records = self.decompressor.decompress(before, batch.payload(), budget)?;
        let judged = if before == Codec::None { *produced } else { judge_records(*produced, records, rules)? };
        let mut bytes = judged.header(Offset::ZERO, LeaderEpoch::ZERO).to_vec();
        self.compressor.compress(codec, None, records, &mut bytes);
        let size = bytes.len();
        if size > rules.batch_bytes_max {
            return Err(BatchError::TooLarge { size, max: rules.batch_bytes_max });
        }
        if size > rules.segment_bytes {
            return Err(BatchError::LargerThanSegment { size, max: rules.segment_bytes });
        }
        seal(&mut bytes, codec);
        Ok(Recompressed { bytes, max_timestamp: judged.max_timestamp })
    }
}

/// Makes the header say what follows it now.
fn seal(bytes: &mut [u8], codec: Codec) {
    let length = i32::try_from(bytes.len() - LENGTH_END).expect("the limit on batches is far below");
    let header: &mut [u8; HEADER_BYTES] = bytes.first_chunk_mut().expect("a batch has a header");
    put(header, at::LENGTH, length.to_be_bytes());
    let attributes = Attributes::from_bits(u16::from_be_bytes([header[at::ATTRIBUTES], header[at::ATTRIBUTES + 1]]));
    put(header, at::ATTRIBUTES, attributes.with_codec(codec).bits().to_be_bytes());
    let crc = super::crc::crc32c(&bytes[at::ATTRIBUTES..]);
    put(bytes.first_chunk_mut().expect("a batch has a header"), at::CRC, crc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base::Timestamp;

    use super::*;
    use crate::batch::error::RecordErrorReason;
    use crate::batch::validate::{Keys, validate_produced};
    use crate::batch::{Batch, BatchBuilder, BatchOptions, NewRecord, RecordError, TimestampType};
    use crate::error_code::ErrorCode;

    const NOW: u64 = 1_700_000_000_000;
    const BUDGET: usize = 1 << 20;

    fn rules() -> ProduceRules {
        ProduceRules::kafka_defaults(Timestamp::from_millis(NOW))
    }

    /// A batch of records at these times before now, the second of them without a key.
    fn batch(codec: Codec, ages: &[u64]) -> Vec<u8> {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        for (index, age) in ages.iter().enumerate() {
            let timestamp = Some(Timestamp::from_millis(NOW - age));
            let key = (index != 1).then_some(b"key".as_slice());
            let value = Some(&b"the same value again and again and again"[..]);
            builder.push(&NewRecord { timestamp, key, value, headers: &[] }).expect("there is room");
        }
        builder.finish(&mut Compressor::new()).to_vec()
    }

    fn recompress(bytes: &[u8], codec: Codec, rules: &ProduceRules, budget: usize) -> Result<Recompressed, BatchError> {
        let produced = validate_produced(bytes, rules).expect("its header is in order");
        Recompressor::new().recompress(&produced, rules, codec, budget)
    }

    fn plain(bytes: &[u8]) -> Vec<u8> {
        let (batch, rest) = Batch::parse(bytes).expect("a batch");
        assert!(rest.is_empty());
        batch.verify_crc().expect("its bytes are what its header says");
        Decompressor::new().decompress(batch.header().codec(), batch.payload(), BUDGET).expect("records").to_vec()
    }

    #[test]
    fn every_codec_becomes_every_other_one_and_the_records_stay_what_they_were() {
        for from in Codec::ALL {
            for to in Codec::ALL {
                let before = batch(from, &[0, 1, 2, 3]);
                let after = recompress(&before, to, &rules(), BUDGET).expect("it is in order");
                let (old, new) = (Batch::parse(&before).unwrap().0, Batch::parse(&after.bytes).unwrap().0);
                assert_eq!(new.header().codec(), to, "{from} to {to}");
                assert_eq!(plain(&after.bytes), plain(&before));
                assert_eq!(new.header().max_timestamp(), old.header().max_timestamp());
                assert_eq!(new.header().last_offset_delta(), 3);
                assert_eq!(after.max_timestamp, Some(Timestamp::from_millis(NOW)));
            }
        }
    }

    #[test]
    fn the_brokers_time_goes_into_the_new_header() {
        let rules = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules() };
        let after = recompress(&batch(Codec::Gzip, &[50, 60]), Codec::Lz4, &rules, BUDGET).expect("it is in order");
        let header = *Batch::parse(&after.bytes).unwrap().0.header();
        assert_eq!(header.attributes().timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(header.max_timestamp(), Some(rules.now));
        assert_eq!(plain(&after.bytes), plain(&batch(Codec::None, &[50, 60])));
    }

    #[test]
    fn what_the_header_of_a_compressed_batch_hides_is_judged() {
        let compressed = batch(Codec::Zstd, &[0, 0]);
        let keyed = ProduceRules { keys: Keys::Required, ..rules() };
        let error = recompress(&compressed, Codec::Gzip, &keyed, BUDGET).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRecord);
        assert_eq!(error.record_errors(), [RecordError { batch_index: 1, reason: RecordErrorReason::KeyMissing }]);
        // The first and the largest are in order, one in between is too old.
        let old = batch(Codec::Zstd, &[5, 5_000, 0]);
        let recent = ProduceRules { timestamp_before_max: Duration::from_secs(1), ..rules() };
        let error = recompress(&old, Codec::None, &recent, BUDGET).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTimestamp);
        assert_eq!(error.record_errors().iter().map(|record| record.batch_index).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_becomes_too_large_is_refused_before_and_after() {
        let compressed = batch(Codec::Gzip, &[0; 100]);
        let error = recompress(&compressed, Codec::None, &rules(), 1_000).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MessageTooLarge, "its records are more than the budget");
        let small = ProduceRules { batch_bytes_max: compressed.len(), ..rules() };
        let error = recompress(&compressed, Codec::None, &small, BUDGET).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MessageTooLarge);
        let small = ProduceRules { segment_bytes: compressed.len(), ..rules() };
        let error = recompress(&compressed, Codec::None, &small, BUDGET).unwrap_err();
        assert_eq!(error.code(), ErrorCode::RecordListTooLarge);
    }
}
