//! Record batches, and the codecs under them.

use base::Timestamp;
use wire::batch::validate::{ProduceRules, validate_compressed, validate_produced};
use wire::batch::{Batch, BatchBuilder, BatchOptions, Header, NewRecord, Record, batches, crc};
use wire::compress::{Codec, Compressor, Decompressor};

use crate::target::{Target, Verdict, bounded, unsealed};

/// What compressed bytes may become.
const BUDGET: usize = 1 << 20;
/// The codecs' own tables, and the buffer's growth while the old one is still there.
const CONSTANT: usize = 2 * BUDGET + (512 << 10);

pub(crate) const BATCH: Target = Target { run: batch, seal, input_bytes_max: 64 << 10, inputs: 40_000 };
pub(crate) const GZIP: Target = codec(gzip);
pub(crate) const SNAPPY: Target = codec(snappy);
pub(crate) const LZ4: Target = codec(lz4);
pub(crate) const ZSTD: Target = codec(zstd);

const fn codec(run: fn(&[u8]) -> Verdict) -> Target {
    Target { run, seal: unsealed, input_bytes_max: 16 << 10, inputs: 15_000 }
}

fn gzip(input: &[u8]) -> Verdict {
    decompress(Codec::Gzip, input)
}

fn snappy(input: &[u8]) -> Verdict {
    decompress(Codec::Snappy, input)
}

fn lz4(input: &[u8]) -> Verdict {
    decompress(Codec::Lz4, input)
}

fn zstd(input: &[u8]) -> Verdict {
    decompress(Codec::Zstd, input)
}

fn decompress(codec: Codec, input: &[u8]) -> Verdict {
    let mut decompressor = Decompressor::new();
    let plain =
        bounded(input.len(), CONSTANT, 2, || decompressor.decompress(codec, input, BUDGET).map(<[u8]>::len).ok());
    let Some(length) = plain else { return Verdict::Refused };
    assert!(length <= BUDGET, "{length} bytes were decompressed");
    // Large outputs say nothing more, and compressing them takes all the time.
    if length > 64 << 10 {
        return Verdict::Accepted;
    }
    let plain = decompressor.decompress(codec, input, BUDGET).expect("it was decompressed before").to_vec();
    let mut packed = Vec::new();
    Compressor::new().compress(codec, None, &plain, &mut packed);
    assert_eq!(decompressor.decompress(codec, &packed, BUDGET).expect("our own can be read"), plain);
    Verdict::Accepted
}

/// Length and checksum of the first batch, as far as the bytes go.
fn seal(input: &mut [u8]) {
    if input.len() < 61 {
        return;
    }
    let length = u32::try_from(input.len() - 12).expect("inputs are small");
    input[8..12].copy_from_slice(&length.to_be_bytes());
    input[16] = 2;
    let sum = crc::crc32c(&input[21..]);
    input[17..21].copy_from_slice(&sum.to_be_bytes());
}

fn batch(input: &[u8]) -> Verdict {
    let rules = ProduceRules::kafka_defaults(Timestamp::from_millis(1_700_000_000_000));
    let mut decompressor = Decompressor::new();
    let produced = bounded(input.len(), 256 << 10, 2, || validate_produced(input, &rules));
    if let Ok(produced) = produced {
        let header = produced.header(base::Offset::ZERO, base::LeaderEpoch::ZERO);
        let stored = [&header[..], produced.batch.payload()].concat();
        let (stored, rest) = Batch::parse(&stored).expect("what is stored can be read");
        assert!(rest.is_empty());
        stored.verify_crc().expect("a change of the timestamps changes the CRC too");
        let inside = bounded(input.len(), CONSTANT + (256 << 10), 4, || {
            validate_compressed(produced, &rules, &mut decompressor, BUDGET).map(drop)
        });
        if inside.is_ok() {
            let mut records = produced.batch.decode(&mut decompressor, BUDGET).expect("it was judged");
            assert!(records.all(|record| record.is_ok()), "a batch that was judged good has a record that is not");
        }
    }
    let mut verdict = Verdict::Refused;
    for batch in batches(input) {
        let Ok(batch) = batch else { break };
        let records = bounded(input.len(), CONSTANT, 2, || {
            batch.decode(&mut decompressor, BUDGET).map(|records| records.filter(Result::is_ok).count())
        });
        if records.is_ok() && rebuild(&batch, &mut decompressor) {
            verdict = Verdict::Accepted;
        }
    }
    verdict
}

/// Writes the records of a batch into a new one and compares; false where they cannot be written.
fn rebuild(batch: &Batch<'_>, decompressor: &mut Decompressor) -> bool {
    let records: Result<Vec<Record<'_>>, _> = batch.decode(decompressor, BUDGET).expect("it was decoded").collect();
    let Ok(records) = records else { return false };
    let ascends = records.windows(2).all(|pair| pair[0].offset_delta < pair[1].offset_delta);
    if !ascends || records.is_empty() {
        return false;
    }
    let header = batch.header();
    let mut builder = BatchBuilder::new(BatchOptions {
        codec: header.codec(),
        producer: header.producer(),
        base_offset: header.base_offset(),
        leader_epoch: header.leader_epoch(),
        transactional: header.attributes().is_transactional(),
        control: header.attributes().is_control(),
        ..BatchOptions::default()
    });
    for record in &records {
        let headers: Vec<Header<'_>> = record.headers.into_iter().collect();
        let new = NewRecord { timestamp: record.timestamp, key: record.key, value: record.value, headers: &headers };
        if builder.push_at(record.offset_delta, &new).is_err() {
            return false;
        }
    }
    builder.set_span((header.last_offset_delta() + 1).max(records.last().expect("not empty").offset_delta + 1));
    let mut compressor = Compressor::new();
    let written = builder.finish(&mut compressor);
    let (again, rest) = Batch::parse(written).expect("what we write can be read");
    assert!(rest.is_empty());
    again.verify_crc().expect("what we write has its CRC");
    let mut other = Decompressor::new();
    let mut read = again.decode(&mut other, 2 * BUDGET).expect("what we write can be decompressed");
    for record in &records {
        let same = read.next().expect("as many records").expect("whole records");
        assert_eq!(
            (same.offset, same.timestamp, same.key, same.value),
            (record.offset, record.timestamp, record.key, record.value)
        );
        assert!(same.headers.into_iter().eq(record.headers));
    }
    assert!(read.next().is_none());
    true
}
