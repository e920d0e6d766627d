//! `corelane inspect`: what is there is shown, and what is damaged is found.

use std::fs;
use std::path::{Path, PathBuf};

use base::SeededRandom;
use serde_json::Value;
use tests::broker::{Broker, folder};

use crate::program::{Door, Outcome, ask, run, until};

const SEED: u64 = 0x1a5e;

fn inspect(path: &Path, arguments: &[&str]) -> Outcome {
    let path = path.to_str().expect("a path in UTF-8");
    let all: Vec<&str> = ["inspect", path].iter().chain(arguments).copied().collect();
    run(&all, b"")
}

/// A broker that has taken records of two topics, in several segments.
fn filled(data: &Path) -> Broker {
    let broker = Broker::start(data, &[]);
    let lines: String = (0..30_000).map(|n| format!("key {}:line number {n} of some length\n", n % 100)).collect();
    for (topic, codec) in [("plain", "none"), ("packed", "zstd")] {
        let create = ["topic", "create", topic, "--partitions", "2", "--config", "segment.bytes=1048576"];
        ask(&broker, Door::Kafka, &create, b"").well();
        let produce = ["produce", topic, "--codec", codec, "--batch-bytes", "32KiB", "--key-separator", ":"];
        for _ in 0..2 {
            ask(&broker, Door::Kafka, &produce, lines.as_bytes()).well();
        }
    }
    broker
}

fn files(folder: &Path, wanted: impl Fn(&str) -> bool + Copy) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, wanted));
        } else if wanted(path.file_name().and_then(|name| name.to_str()).expect("a name")) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn of_kind<'a>(items: &'a [Value], kind: &str) -> Vec<&'a Value> {
    items.iter().filter(|item| item["kind"] == kind).collect()
}

#[test]
fn a_folder_is_shown_while_the_broker_runs_after_a_crash_and_after_a_stop() {
    let data = folder();
    let broker = filled(data.path());
    let running = inspect(data.path(), &["--json"]).well().json();
    assert_eq!(of_kind(&running, "folder")[0]["locked"], true);
    assert!(of_kind(&running, "note").iter().any(|note| note["file"] == "LOCK"), "it says that a broker runs");
    let names: Vec<&Value> = of_kind(&running, "topic").iter().map(|topic| &topic["name"]).collect();
    assert_eq!(names.len(), 2);
    assert!(inspect(data.path(), &["--json"]).well().text().contains("\"segment.bytes\":\"1048576\""));

    broker.kill();
    let crashed = inspect(data.path(), &["--json", "--verify"]).well().json();
    assert_eq!(of_kind(&crashed, "damage").len(), 0);
    let crashed = inspect(data.path(), &["--json"]).well().json();
    let entries: u64 = of_kind(&crashed, "journal").iter().map(|journal| journal["entries"].as_u64().unwrap()).sum();
    assert!(entries > 0, "the journal holds what no checkpoint knows");

    let (_, well) = Broker::start(data.path(), &[]).stop();
    assert!(well);
    let stopped = inspect(data.path(), &["--json"]).well().json();
    assert_eq!(of_kind(&stopped, "folder")[0]["locked"], false);
    let records = |topic: &str| -> u64 {
        let of_topic = of_kind(&stopped, "segment").into_iter().filter(|segment| segment["topic"] == topic);
        of_topic.map(|segment| segment["records"].as_u64().unwrap()).sum()
    };
    assert_eq!((records("plain"), records("packed")), (60_000, 60_000));
    assert!(of_kind(&stopped, "journal").iter().all(|journal| journal["entries"] == 0));
    let text = inspect(data.path(), &[]).well();
    assert!(text.text().contains("plain/1") && text.text().contains("no damage"), "{}", text.text());
    assert!(inspect(data.path(), &["--quick"]).well().text().contains("packed/0"));
}

#[test]
fn files_are_shown_batch_by_batch_and_record_by_record() {
    let data = folder();
    let broker = filled(data.path());
    assert!(broker.stop().1);
    let mut records = 0;
    for segment in files(data.path(), |name| name.ends_with(".log")) {
        let shown = inspect(&segment, &["--records", "--json"]).well().json();
        let batches = of_kind(&shown, "batch");
        let listed = of_kind(&shown, "record");
        let counted: u64 = batches.iter().map(|batch| batch["records"].as_u64().unwrap()).sum();
        assert_eq!(counted, listed.len() as u64);
        assert!(batches.iter().all(|batch| batch["crc_ok"] == true));
        assert_eq!(of_kind(&shown, "segment")[0]["records"], counted);
        records +=
            listed.iter().filter(|record| record["value"].as_str().is_some_and(|v| v.contains("line number"))).count();
        if batches.iter().any(|batch| batch["codec"] == "zstd") {
            assert!(batches.iter().all(|batch| batch["producer_id"].is_u64() && batch["base_sequence"].is_u64()));
        }
    }
    assert_eq!(records, 120_000);
    for (name, kind) in [("checkpoint-a", "checkpoint"), ("checkpoint-flushed", "flushed"), ("ring-0", "ring")] {
        let file = files(data.path(), |found| found == name).remove(0);
        let shown = inspect(&file, &["--json"]).well().json();
        assert_eq!(of_kind(&shown, kind).len(), 1, "{name}");
    }
    let ring = files(data.path(), |name| name == "ring-0").remove(0);
    assert!(!of_kind(&inspect(&ring, &["--json"]).well().json(), "entry").is_empty());
    let index = files(data.path(), |name| name.ends_with(".index")).remove(0);
    assert_eq!(of_kind(&inspect(&index, &["--json"]).well().json(), "index").len(), 1);
}

#[test]
fn a_flipped_bit_anywhere_in_what_counts_is_found_and_named() {
    let data = folder();
    assert!(filled(data.path()).stop().1);
    inspect(data.path(), &["--verify"]).well();
    let mut random = SeededRandom::new(SEED);
    type Wanted = fn(&str) -> bool;
    let kinds: [(&str, Wanted); 3] = [
        ("segment", |name| name.ends_with(".log")),
        ("index", |name| name.ends_with(".index")),
        ("checkpoint", |name| name.starts_with("checkpoint-")),
    ];
    for (kind, wanted) in kinds {
        let all = files(data.path(), wanted);
        for round in 0..12 {
            let file = &all[random.index(all.len())];
            let whole = fs::read(file).expect("the file can be read");
            // Behind the last byte that is not zero nothing was written.
            let Some(last) = whole.iter().rposition(|byte| *byte != 0) else { continue };
            let (at, bit) = (random.index(last + 1), random.below(8));
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            fs::write(file, &damaged).expect("the file can be written");
            let relative = file.strip_prefix(data.path()).unwrap().to_str().unwrap();
            let context = format!("seed {SEED:#x}, {kind} {round}: {relative}, byte {at}, bit {bit}");
            let outcome = inspect(data.path(), &["--json"]);
            assert_eq!(outcome.code, 1, "{context}: {}", outcome.text());
            let items = outcome.json();
            let damages = of_kind(&items, "damage");
            let named = damages.iter().any(|damage| {
                damage["file"] == relative && damage["position"].as_u64().is_some_and(|position| position <= at as u64)
            });
            // An index or a checkpoint that claims something else shows in the segment that it is compared with.
            assert!(named || kind == "checkpoint", "{context}: {damages:?}");
            assert!(outcome.stderr.contains("found in"), "{context}: {}", outcome.stderr);
            fs::write(file, &whole).expect("the file can be written");
        }
    }
    inspect(data.path(), &["--verify"]).well();
}

#[test]
fn a_segment_that_is_cut_or_missing_is_found() {
    let data = folder();
    assert!(filled(data.path()).stop().1);
    let all = files(data.path(), |name| name.ends_with(".log"));
    let segment = all.iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let whole = fs::read(segment).unwrap();
    fs::write(segment, &whole[..whole.len() / 2]).unwrap();
    inspect(data.path(), &[]).refused_naming(&["found in"]);
    let active = all.last().unwrap();
    let kept = fs::read(active).unwrap();
    fs::write(segment, &whole).unwrap();
    inspect(data.path(), &[]).well();
    fs::remove_file(active).unwrap();
    let outcome = inspect(data.path(), &[]);
    outcome.refused_naming(&["found in"]);
    assert!(outcome.text().contains("it is missing"), "{}", outcome.text());
    fs::write(active, kept).unwrap();
    inspect(data.path(), &[]).well();
}

#[test]
fn records_that_were_deleted_are_no_damage_before_and_after_their_segments_are_removed() {
    let data = folder();
    let broker = filled(data.path());
    ask(&broker, Door::Kafka, &["topic", "create", "kept", "--config", "segment.bytes=1048576"], b"").well();
    let lines = "a line of some length to be kept\n".repeat(60_000);
    ask(&broker, Door::Kafka, &["produce", "kept", "--codec", "none"], lines.as_bytes()).well();
    let trim = ["topic", "trim", "plain", "--all", "--to-end"];
    let trimmed = ask(&broker, Door::Kafka, &trim, b"").well();
    assert_eq!(trimmed.text().lines().count(), 3, "{}", trimmed.text());
    broker.kill();
    let crashed = inspect(data.path(), &["--json", "--batches"]).well().json();
    assert_eq!(of_kind(&crashed, "damage").len(), 0);
    assert_eq!(of_kind(&crashed, "log_start").len(), 2);

    let logs = || files(&data.path().join("topics"), |name| name.ends_with(".log"));
    let broker = Broker::start(data.path(), &[]);
    let first = |log: &PathBuf| log.ends_with("00000000000000000000.log");
    // Those of the metadata, of one partition of the third topic, and of two of the second one are left.
    until("the first segments of a topic are removed", || logs().iter().filter(|log| first(log)).count() == 4);
    assert!(broker.stop().1);
    let stopped = inspect(data.path(), &["--json", "--verify"]).well().json();
    assert_eq!(of_kind(&stopped, "damage").len(), 0);

    // A segment that is not before the start of its log is missed.
    let first = logs().into_iter().find(|log| {
        let next = |name: &str| name.ends_with(".log") && !name.starts_with("00000000000000000000");
        log.ends_with("0/00000000000000000000.log") && !files(log.parent().expect("a folder"), next).is_empty()
    });
    fs::remove_file(first.expect("a topic has all its segments")).expect("it is there");
    let missing = inspect(data.path(), &["--json", "--verify"]).json();
    let damages = of_kind(&missing, "damage");
    let says = |damage: &Value| damage.to_string().contains("no segment holds offset 0");
    assert!(damages.iter().any(|damage| says(damage)), "{damages:?}");
}
