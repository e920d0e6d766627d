//! What the HTTP door tells of a broker is what was done with it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder, workspace};
use tests::http;
use tests::kafka::{code, produce_request};
use tests::metrics::Metrics;
use wire::ErrorCode;

use crate::{batch, batch_at, client_with_topic};

/// Names of the reference page's table.
fn documented() -> Vec<String> {
    let page = std::fs::read_to_string(workspace().join("docs/metrics.md")).expect("the page is there");
    let names = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Metrics that come only with something to say of it.
const SELDOM: [&str; 4] = [
    "corelane_disk_stalled_seconds",
    "corelane_damage",
    "corelane_task_stalls_total",
    "corelane_task_stall_longest_seconds",
];

/// What a broker says once that is so.
fn scrape_when(broker: &Broker, is_so: impl Fn(&Metrics) -> bool) -> Metrics {
    let begun = Instant::now();
    loop {
        let metrics = Metrics::scrape(broker.http);
        if is_so(&metrics) {
            return metrics;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never is so: {metrics:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn metrics_count_what_was_produced_and_fetched() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "counted", 4);
    let before = Metrics::scrape(broker.http);
    let mut bytes = 0;
    for number in 0..20 {
        let batch = batch(10);
        bytes += batch.len();
        let produced = client.produce("counted", number % 4, &batch).expect("the broker answers");
        assert_eq!(code(produced.error_code), ErrorCode::None);
    }
    let fetched: usize = (0..4).map(|index| client.fetch_all("counted", index).expect("it is read").len()).sum();
    assert_eq!(fetched, bytes);
    let after = Metrics::scrape(broker.http);
    let grown =
        |name: &str, labels: &[(&str, &str)]| after.value(name, labels) - before.sum(name, labels).unwrap_or_default();
    assert_eq!(grown("corelane_append_batches_total", &[]), 20.0);
    assert_eq!(grown("corelane_append_records_total", &[]), 200.0);
    assert_eq!(grown("corelane_append_bytes_total", &[]), bytes as f64);
    assert_eq!(grown("corelane_fetch_bytes_total", &[]), bytes as f64);
    assert_eq!(grown("corelane_segment_bytes", &[]), bytes as f64);
    assert!(grown("corelane_fetch_reads_total", &[]) >= 4.0);
    assert_eq!(grown("corelane_requests_total", &[("door", "kafka"), ("api", "Produce")]), 20.0);
    assert_eq!(grown("corelane_stage_seconds_count", &[("stage", "flush")]), 20.0);
    // Acks came one by one, so each had a flush to itself.
    assert_eq!(grown("corelane_group_commit_entries_sum", &[]), 20.0);
    assert_eq!(grown("corelane_group_commit_seconds_count", &[]), grown("corelane_group_commit_bytes_count", &[]));
    assert!(grown("corelane_group_commit_bytes_sum", &[]) >= bytes as f64);
    assert!(grown("corelane_partition_requests_total", &[]) >= 24.0);
    assert!(grown("corelane_disk_operations_total", &[]) >= 20.0);
    assert_eq!(after.value("corelane_connections", &[("door", "kafka")]), 1.0);
    assert_eq!(after.value("corelane_disk_errors_total", &[]), 0.0);
    assert_eq!(after.value("corelane_appends_refused_total", &[]), 0.0);
    assert_eq!(after.value("corelane_ready", &[("reason", "")]), 1.0);
    assert_eq!(after.value("corelane_core_answers", &[]), after.value("corelane_cores", &[]));
    let resident = after.value("process_resident_memory_bytes", &[]);
    assert!(resident > f64::from(1 << 20) && resident < f64::from(1 << 30) * 16.0, "{resident}");
    let seconds = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64();
    let age = seconds - after.value("process_start_time_seconds", &[]);
    assert!((0.0..3_600.0).contains(&age), "{age} s old");
}

#[test]
fn every_metric_of_the_page_is_given_and_no_other_and_counters_never_fall() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "all", 1);
    client.produce("all", 0, &batch(1)).expect("the broker answers");
    let mut last = scrape_when(&broker, |metrics| metrics.sum("corelane_disk_free_bytes", &[]).is_some());
    let documented = documented();
    assert!(documented.len() > 60, "{} metrics", documented.len());
    for name in last.names() {
        assert!(documented.iter().any(|known| known == name), "{name} is not in docs/metrics.md");
    }
    for name in documented.iter().filter(|name| !SELDOM.contains(&name.as_str())) {
        assert!(last.names().any(|given| given == name), "{name} is not given");
    }
    for _ in 0..10 {
        let next = Metrics::scrape(broker.http);
        for name in last.names().filter(|name| name.ends_with("_total")) {
            for (labels, value) in last.series(name, &[]) {
                let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
                let now = next.value(name, &labels);
                assert!(now >= value, "{name} {labels:?} fell from {value} to {now}");
            }
        }
        last = next;
    }
}

#[test]
fn a_restart_is_told_of_and_refusals_are_counted_by_reason() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    assert_eq!(Metrics::scrape(broker.http).value("corelane_incarnation", &[]), 0.0);
    let mut client = client_with_topic(&broker, "again", 1);
    // With the journal's last file comes a checkpoint, and the next one a minute later.
    scrape_when(&broker, |metrics| {
        let taken = metrics.series("corelane_checkpoint_seconds_count", &[]);
        !taken.is_empty() && taken.iter().all(|(_, count)| *count >= 1.0)
    });
    for _ in 0..10 {
        client.produce("again", 0, &batch_at(&[0], 50_000, None)).expect("the broker answers");
    }
    broker.kill();
    let broker = Broker::start(data.path(), &["--set", "disk.free_floor=60 TiB"]);
    let metrics = Metrics::scrape(broker.http);
    assert_eq!(metrics.value("corelane_incarnation", &[]), 1.0);
    assert!(metrics.value("corelane_recovery_seconds", &[]) > 0.0);
    let replayed = metrics.value("corelane_recovery_replayed_bytes", &[]);
    assert!(replayed >= 500_000.0, "{replayed} bytes were replayed");
    let mut client = tests::kafka::Client::connect(broker.kafka).expect("the broker serves");
    let refused = loop {
        // The disk is looked at soon after the start.
        let answer = client.ask(9, &produce_request("again", 0, &batch(1), -1)).expect("the broker answers");
        if answer.responses[0].partition_responses[0].error_code != 0 {
            break Metrics::scrape(broker.http);
        }
    };
    assert_eq!(refused.value("corelane_appends_refused_total", &[("reason", "no_space")]), 1.0);
    assert_eq!(refused.value("corelane_appends_refused_total", &[]), 1.0);
    assert!(refused.value("corelane_disk_short_of_space", &[]) >= 1.0);
    assert_eq!(refused.series("corelane_disk_free_floor_bytes", &[])[0].1, (60_u64 << 40) as f64);
    // It serves, and readers are well off with it.
    assert_eq!(http::get(broker.http, "/readyz").expect("the broker answers").body, "ready\n");
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it is a folder").flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| if path.is_dir() { segments(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect()
}

#[test]
fn damage_is_named_with_its_topic_file_and_place() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "hurt", 1);
    let topic = tests::native::Client::greeted(broker.native).and_then(|mut client| client.topic("hurt"));
    let id = topic.expect("the topic is there").0;
    for _ in 0..4 {
        let answer = client.produce("hurt", 0, &batch_at(&[0], 1_000, None)).expect("the broker answers");
        assert_eq!(code(answer.error_code), ErrorCode::None);
    }
    assert!(broker.stop().1, "the broker stops well");
    let folder = data.path().join("topics").join(id.to_string());
    let [segment] = &segments(&folder)[..] else { panic!("one segment in {}", folder.display()) };
    let mut bytes = std::fs::read(segment).expect("it can be read");
    bytes[2_500] ^= 1;
    std::fs::write(segment, bytes).expect("it can be written");
    let broker = Broker::start(data.path(), &[]);
    assert_eq!(Metrics::scrape(broker.http).value("corelane_damage_known", &[]), 0.0);
    let mut client = tests::kafka::Client::connect(broker.kafka).expect("the broker serves");
    client.fetch_all("hurt", 0).expect_err("the bytes are not what was written");
    let metrics = Metrics::scrape(broker.http);
    assert!(metrics.value("corelane_damage_found_total", &[]) >= 1.0);
    let named = metrics.series("corelane_damage", &[("topic", "hurt"), ("partition", "0")]);
    let [(labels, 1.0), ..] = named.as_slice() else { panic!("the damage is named: {named:?}") };
    assert!(segment.ends_with(&labels["file"]), "{labels:?}");
    let (offset, position) = (&labels["offset"], &labels["position"]);
    assert!(offset.parse::<u64>().is_ok() && position.parse::<u64>().is_ok_and(|at| at <= 2_500), "{labels:?}");
}
