//! Prints how fast batches are built, validated and read on one core, and what each codec does to them.
//!
//! `cargo run --release -p wire --example batch_rate`

use std::hint::black_box;
use std::time::{Duration, Instant};

use base::{SeededRandom, Timestamp};
use wire::batch::validate::{ProduceRules, validate_produced};
use wire::batch::{Batch, BatchBuilder, BatchOptions, HeaderPatch, NewRecord, TimestampPatch, TimestampType, crc};
use wire::{Codec, Compressor, Decompressor};

const BATCH_BYTES: usize = 1 << 20;
const RUNS: usize = 7;
const RUN: Duration = Duration::from_millis(150);

/// Nanoseconds of one `work`, the best of several runs.
fn nanos(mut work: impl FnMut()) -> f64 {
    let run = |work: &mut dyn FnMut()| {
        let (start, mut count) = (Instant::now(), 0_u32);
        while start.elapsed() < RUN {
            work();
            count += 1;
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
    };
    (0..RUNS).map(|_| run(&mut work)).fold(f64::INFINITY, f64::min)
}

/// Values as services log them: words that repeat, numbers that don't.
fn values(length: usize, count: usize) -> Vec<Vec<u8>> {
    let mut random = SeededRandom::new(11);
    let words = ["INFO ", "partition=", "user_id=", "latency_ms=", "/api/v1/orders ", "eu-central-1 ", "status=200 "];
    let value = |_| {
        let mut text = String::new();
        while text.len() < length {
            text.push_str(words[random.index(words.len())]);
            text.push_str(&random.below(1_000_000).to_string());
            text.push(' ');
        }
        text.truncate(length);
        text.into_bytes()
    };
    (0..count).map(value).collect()
}

fn fill(builder: &mut BatchBuilder, values: &[Vec<u8>], count: usize) {
    builder.clear();
    for (index, value) in (0_u64..).zip(values.iter().cycle().take(count)) {
        let timestamp = Some(Timestamp::from_millis(1_700_000_000_000 + index / 64));
        builder.push(&NewRecord { timestamp, key: None, value: Some(value), headers: &[] }).expect("it has room");
    }
}

fn records(record_bytes: usize) {
    let count = BATCH_BYTES / record_bytes;
    let values = values(record_bytes, count.min(4_096));
    let mut compressor = Compressor::new();
    let mut builder = BatchBuilder::new(BatchOptions::default());
    fill(&mut builder, &values, count);
    let bytes = builder.finish(&mut compressor).to_vec();
    let rules = ProduceRules {
        batch_bytes_max: usize::MAX,
        ..ProduceRules::kafka_defaults(Timestamp::from_millis(1_700_000_000_000))
    };
    let parse = || Batch::parse(&bytes).expect("it was just built").0;
    let report = |what: &str, nanos: f64| {
        let per_record = nanos / count as f64;
        println!(
            "{record_bytes:>6} B  {what:<22} {:>9.1} us/batch {per_record:>7.1} ns/record {:>7.1} M records/s",
            nanos / 1e3,
            1e3 / per_record
        );
    };
    println!("batches of {count} records of {record_bytes} B, {} bytes", bytes.len());
    report("push", nanos(|| fill(&mut builder, &values, count)));
    report(
        "push and finish",
        nanos(|| {
            fill(&mut builder, &values, count);
            black_box(builder.finish(&mut compressor));
        }),
    );
    report("header and CRC", nanos(|| black_box(parse().verify_crc()).expect("it is sound")));
    report(
        "the CRC alone",
        nanos(|| {
            black_box(crc::crc32c(black_box(&bytes[21..])));
        }),
    );
    report(
        "validate",
        nanos(|| {
            black_box(validate_produced(black_box(&bytes), &rules).expect("it is acceptable"));
        }),
    );
    report(
        "read records",
        nanos(|| {
            let batch = parse();
            let lengths = batch
                .records()
                .expect("it is not compressed")
                .map(|record| record.expect("it is sound").value.map_or(0, <[u8]>::len));
            assert_eq!(black_box(lengths.sum::<usize>()), count * record_bytes);
        }),
    );
}

fn patches() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    fill(&mut builder, &values(100, 1_000), 10_000);
    let bytes = builder.finish(&mut Compressor::new());
    let (batch, _) = Batch::parse(bytes).expect("it was just built");
    let offset = batch.header().base_offset();
    let plain = HeaderPatch { base_offset: offset, leader_epoch: base::LeaderEpoch::ZERO, timestamps: None };
    let timestamps =
        TimestampPatch { timestamp_type: TimestampType::LogAppendTime, max_timestamp: Some(Timestamp::from_millis(5)) };
    let timed = HeaderPatch { timestamps: Some(timestamps), ..plain };
    println!(
        "patched header {:.1} ns, with the time of append {:.1} ns",
        nanos(|| {
            black_box(batch.patched_header(black_box(&plain)));
        }),
        nanos(|| {
            black_box(batch.patched_header(black_box(&timed)));
        })
    );
}

fn codecs() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    fill(&mut builder, &values(1_024, 1_000), 1_000);
    let plain = builder.finish(&mut Compressor::new())[wire::batch::HEADER_BYTES..].to_vec();
    let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let levels: &[Option<i32>] = match codec {
            Codec::Gzip => &[Some(1), None],
            Codec::Zstd => &[Some(1), None],
            _ => &[None],
        };
        for level in levels {
            let mut stream = Vec::new();
            let compress = nanos(|| {
                stream.clear();
                compressor.compress(codec, *level, black_box(&plain), &mut stream);
            });
            let decompress = nanos(|| {
                let content =
                    decompressor.decompress(codec, black_box(&stream), plain.len()).expect("it was just compressed");
                black_box(content);
            });
            let rate = |nanos: f64| plain.len() as f64 * 1e3 / nanos;
            let level = level.map_or("default".to_owned(), |level| level.to_string());
            println!(
                "{codec:>7} level {level:<8} ratio {:>5.2}  compress {:>7.0} MB/s  decompress {:>7.0} MB/s",
                plain.len() as f64 / stream.len() as f64,
                rate(compress),
                rate(decompress)
            );
        }
    }
}

fn main() {
    records(100);
    records(1_024);
    patches();
    codecs();
}
