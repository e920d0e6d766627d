//! What `corelane loadgen compare` tells a script.

use std::path::Path;

use loadgen::door::Door;
use loadgen::health::Verdict;
use loadgen::latency::Latency;
use loadgen::result::RunResult;

use crate::place::{Outcome, Place, Running, corelane, scenario, target};

/// A run whose seconds have known latencies, so that the machine on which this runs does not decide.
fn with_latency(run: &RunResult, millis: u64) -> RunResult {
    let mut run = run.clone();
    (run.is_valid, run.health.verdict) = (true, Verdict::Sound);
    run.problems.clear();
    for second in &mut run.series {
        let mut latency = Latency::default();
        (0..1_000).for_each(|step| latency.record(millis * 1_000_000 + step * 1_000 + second.second, 1));
        second.due_hdr = latency.encode();
        second.counts.acked = 1_000;
    }
    run
}

fn compare(folder: &Path, runs: [&RunResult; 2], more: &[&str]) -> Outcome {
    let files = ["a.json", "b.json"].map(|name| folder.join(name));
    for (file, run) in files.iter().zip(runs) {
        std::fs::write(file, run.to_json()).expect("the folder can be written");
    }
    let [a, b] = files.each_ref().map(|file| file.to_str().expect("the path is UTF-8"));
    corelane(&[&["compare", a, b], more].concat())
}

#[test]
fn the_exit_code_says_whether_a_run_is_worse_or_cannot_be_compared() {
    let place = Place::new();
    let broker = place.start();
    let overrides = ["load.rate=200", "time.warm_up_s=0", "time.measured_s=6", "time.cool_down_s=0"];
    let run = Running::start(scenario("compared", &overrides), target(&broker, Door::Native)).finish();
    let folder = tempfile::tempdir().expect("a folder");
    let (old, slower) = (with_latency(&run, 10), with_latency(&run, 20));
    let expect = |outcome: Outcome, code: i32, words: &str| {
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert_eq!(outcome.code, code, "{said}");
        assert!(said.contains(words), "{words:?} is not in: {said}");
    };
    expect(compare(folder.path(), [&old, &old], &[]), 0, "within noise");
    expect(compare(folder.path(), [&old, &slower], &[]), 1, "worse by more than noise");
    expect(compare(folder.path(), [&slower, &old], &[]), 0, "better");
    let mut elsewhere = old.clone();
    elsewhere.machine.cpu = "another".to_owned();
    expect(compare(folder.path(), [&old, &elsewhere], &[]), 1, "different machines");
    expect(compare(folder.path(), [&old, &elsewhere], &["--different-machines"]), 0, "within noise");
    let mut other = old.clone();
    other.scenario.records.bytes += 1;
    expect(compare(folder.path(), [&old, &other], &[]), 1, "different scenarios");
    expect(compare(folder.path(), [&old, &other], &["--different-scenarios"]), 0, "within noise");
    let mut invalid = old.clone();
    invalid.is_valid = false;
    expect(compare(folder.path(), [&old, &invalid], &[]), 1, "was not valid");
}
