//! Every decoder under mutated input: no panic, no more memory than the input may take, and what was read is written back
//! to the same.
//!
//! A target is a function of bytes. Its corpus lies in `corpus/<target>/*.hex`, one input a line; a deterministic mutator
//! works on it under `CORELANE_SEED`, for `CORELANE_FUZZ_SECONDS` each target or a small fixed number of inputs.
//! An input that fails is printed with the command that repeats it; once mended, it goes into the corpus.
//!
//! Beside the decoders, [`live`] sends mutated requests to a running broker whose groups have members.
//!
//! This is no coverage-guided fuzzer: it runs on the stable toolchain with everything else. What makes up for it in part:
//! each target can make lengths and checksums right again after a mutation, and inputs that were accepted are mutated on.

mod corpus;
#[path = "../../wire/tests/support/counting_allocator.rs"]
mod counting_allocator;
mod live;
mod mutate;
mod run;
mod seeds;
mod target;
mod targets;

use counting_allocator::CountingAllocator;
use target::Target;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

macro_rules! targets {
    ($($name:ident: $target:expr;)+) => {
        $(
            #[test]
            fn $name() {
                run::run(&$target, stringify!($name));
            }
        )+

        /// All targets by name.
        fn all() -> Vec<(&'static str, Target)> {
            vec![$((stringify!($name), $target)),+]
        }
    };
}

targets! {
    kafka_request: targets::kafka::REQUEST;
    kafka_response: targets::kafka::RESPONSE;
    group_record: targets::group_records::RECORD;
    record_batch: targets::batch::BATCH;
    gzip: targets::batch::GZIP;
    snappy: targets::batch::SNAPPY;
    lz4: targets::batch::LZ4;
    zstd: targets::batch::ZSTD;
    native_frame: targets::native::FRAME;
    journal_entry: targets::storage::ENTRY;
    journal_replay: targets::storage::REPLAY;
    ring_header: targets::storage::RING;
    checkpoint: targets::storage::CHECKPOINT;
    segment_index: targets::storage::INDEX;
    metadata_record: targets::text::METADATA_RECORD;
    config_file: targets::text::CONFIG;
    setting: targets::text::SETTING;
}

/// `CORELANE_FUZZ_TARGET=name CORELANE_FUZZ_INPUT=hex` runs one input; `@file` names a file of hex.
#[test]
fn one_input_again() {
    let (Ok(name), Ok(hex)) = (std::env::var("CORELANE_FUZZ_TARGET"), std::env::var("CORELANE_FUZZ_INPUT")) else {
        return;
    };
    let found = all().into_iter().find(|(known, _)| *known == name);
    let (_, target) = found.unwrap_or_else(|| panic!("there is no target {name}"));
    let hex = match hex.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).expect("the file can be read"),
        None => hex,
    };
    let input = corpus::from_hex(&hex).expect("CORELANE_FUZZ_INPUT is hex");
    println!("{name}: {} bytes: {:?}", input.len(), (target.run)(&input));
}

/// The corpus is committed; `CORELANE_BLESS=1` writes the part that encoders and a real broker give.
#[test]
fn every_target_has_a_corpus_that_is_small() {
    if std::env::var_os("CORELANE_BLESS").is_some() {
        seeds::write_all();
    }
    let mut total = 0;
    for (name, target) in all() {
        let inputs = corpus::load(name);
        assert!(!inputs.is_empty(), "{name} has no corpus");
        let accepted = inputs.iter().filter(|input| (target.run)(input) == target::Verdict::Accepted).count();
        assert!(accepted > 0, "{name}: no input of the corpus is accepted");
        // Answers of a real broker and our own defaults are well formed; one that is refused is read as something else.
        assert!(name != "kafka_response" || accepted == inputs.len(), "{name}: {accepted} of {}", inputs.len());
        total += corpus::bytes(name);
    }
    assert!(total < 1 << 20, "the corpus has {total} bytes");
}
