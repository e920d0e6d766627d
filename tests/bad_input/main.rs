//! Bad input: what a real broker answers to bytes and requests that are not as they should be, as a table.
//!
//! After the whole table the broker works, has kept to its memory, and has closed every connection that ended.
//! `docs/bad-input.md` is this table for people; `CORELANE_BLESS=1` writes it anew.

mod administration;
mod batches;
mod case;
mod connections;
mod frames;
mod groups;
mod http;
mod native;
mod page;
mod requests;

use std::path::Path;
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder, workspace};
use tests::kafka::Client;
use tests::metrics::Metrics;
use wire::ErrorCode;

use case::{Case, Setup};

pub(crate) const TOPIC: &str = "bad-input";
/// Has 1,000 partitions.
pub(crate) const WIDE: &str = "wide";
/// Has more data than the cache holds.
pub(crate) const BULK: &str = "bulk";
pub(crate) const REQUEST_BYTES_MAX: u64 = 4 << 20;

const CACHE_BYTES: u64 = 16 << 20;
const REQUEST_MEMORY: u64 = 16 << 20;
const ANSWER_MEMORY: u64 = 8 << 20;
/// What one request may become while it is worked on, read-ahead and indexes of the disk, the allocator's slack.
const CONSTANT: u64 = 48 << 20;

fn table() -> Vec<Case> {
    let mut cases = frames::cases();
    cases.extend(batches::cases());
    cases.extend(requests::cases());
    cases.extend(administration::cases());
    cases.extend(native::cases());
    // They make a topic, which the cases before count.
    cases.extend(groups::cases());
    cases.extend(connections::cases());
    cases.extend(http::cases());
    cases
}

fn start(data: &Path, more: &[&str]) -> Broker {
    let settings = [
        format!("kafka.request_bytes_max={REQUEST_BYTES_MAX}"),
        format!("native.payload_bytes_max={REQUEST_BYTES_MAX}"),
        format!("memory.cache={CACHE_BYTES}"),
        format!("memory.requests={REQUEST_MEMORY}"),
        format!("memory.answers={ANSWER_MEMORY}"),
        "topics.auto_create=false".to_owned(),
    ];
    let mut arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    arguments.extend(more.iter().flat_map(|setting| ["--set", setting]));
    Broker::start(data, &arguments)
}

fn make(broker: &Broker, topic: &str, partitions: i32) -> Client {
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    // The records are years old, and all cases together may take longer than retention's first look.
    let settings = [("segment.bytes", "4194304"), ("retention.ms", "-1")];
    let code = client.create_topic(topic, partitions, &settings).expect("it answers");
    assert_eq!(code, ErrorCode::None, "{topic}");
    client
}

fn set_up(folders: [&Path; 3]) -> Setup {
    let short = ["connections.idle=600 ms", "connections.request_time_max=600 ms"];
    let before = start(folders[1], &short);
    drop(make(&before, TOPIC, 1));
    before.stop();
    let impatient = start(folders[1], &short);
    let narrow = start(folders[2], &["connections.max=8"]);
    let broker = start(folders[0], &[]);
    drop(make(&broker, TOPIC, 2));
    drop(make(&broker, WIDE, 1_000));
    let mut client = make(&broker, BULK, 1);
    let batch = large_batch();
    for _ in 0..96 {
        let response = client.produce(BULK, 0, &batch).expect("the broker answers");
        assert_eq!(response.error_code, 0);
    }
    let good = batches::good(1, wire::batch::BatchOptions::default());
    assert_eq!(client.produce(TOPIC, 0, &good).expect("the broker answers").error_code, 0);
    let topic = tests::native::Client::greeted(broker.native).and_then(|mut client| client.topic(TOPIC));
    Setup { topic: topic.expect("the topic is there").0, broker, impatient, narrow }
}

/// Half a MiB that cannot be compressed.
fn large_batch() -> Vec<u8> {
    let mut value = vec![0; 512 << 10];
    base::SeededRandom::new(7).fill(&mut value);
    let mut builder = wire::batch::BatchBuilder::new(wire::batch::BatchOptions::default());
    let record = wire::batch::NewRecord { value: Some(&value), ..wire::batch::NewRecord::default() };
    builder.push(&record).expect("there is room");
    builder.finish(&mut wire::compress::Compressor::new()).to_vec()
}

fn sockets(broker: &Broker) -> usize {
    let folder = format!("/proc/{}/fd", broker.id());
    let entries = std::fs::read_dir(folder).expect("the broker runs").flatten();
    entries
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter(|to| to.to_string_lossy().starts_with("socket:"))
        .count()
}

#[test]
fn every_bad_input_has_its_answer_and_none_harms_the_broker() {
    let folders = [folder(), folder(), folder()];
    let mut setup = set_up([folders[0].path(), folders[1].path(), folders[2].path()]);
    let base_kib = setup.broker.status_kib("VmRSS");
    let connections = sockets(&setup.broker);
    let only = std::env::var("CORELANE_CASE").unwrap_or_default();
    let cases: Vec<Case> = table().into_iter().filter(|case| case.name.contains(&only)).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let begun = Instant::now();
        if let Err(why) = case.check(&setup) {
            eprintln!("WRONG {why}");
            wrong.push(why);
        }
        assert!(setup.broker.is_running(), "{}: the broker is gone", case.name);
        if only.is_empty() && begun.elapsed() > Duration::from_secs(5) || !only.is_empty() {
            println!("{}: {:.1?}, peak {} MiB", case.name, begun.elapsed(), setup.broker.status_kib("VmHWM") >> 10);
        }
    }
    connections::works(&setup).expect("the broker works as before");
    let cores = std::thread::available_parallelism().expect("the system knows").get() as u64;
    let bound = (base_kib << 10) + cores * (CACHE_BYTES + REQUEST_MEMORY + ANSWER_MEMORY) + CONSTANT;
    let peak = setup.broker.status_kib("VmHWM") << 10;
    let deadline = Instant::now() + Duration::from_secs(10);
    while sockets(&setup.broker) > connections && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    println!(
        "{} cases; memory {} MiB before, {} MiB at most, bound {} MiB; {connections} sockets before, {} after",
        cases.len(),
        base_kib >> 10,
        peak >> 20,
        bound >> 20,
        sockets(&setup.broker)
    );
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    if only.is_empty() {
        let (all, impatient) = (Metrics::scrape(setup.broker.http), Metrics::scrape(setup.impatient.http));
        for (metrics, reason) in [(all, "invalid_request"), (impatient.clone(), "idle"), (impatient, "slow_request")] {
            let closed = metrics.value("corelane_connections_closed_total", &[("reason", reason)]);
            assert!(closed >= 2.0, "{closed} connections were closed: {reason}");
        }
    }
    assert!(peak <= bound, "{peak} bytes of memory were used, {bound} are allowed");
    assert!(sockets(&setup.broker) <= connections, "connections are left open");
}

#[test]
fn the_page_of_bad_input_shows_the_table() {
    let path = workspace().join("docs/bad-input.md");
    let page = page::render(&table());
    if std::env::var_os("CORELANE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder can be made");
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/bad-input.md is not what the table says: run with CORELANE_BLESS=1");
}

#[test]
fn no_two_cases_have_one_name() {
    let mut names: Vec<&str> = table().iter().map(|case| case.name).collect();
    let count = names.len();
    assert!(count >= 45, "{count} cases");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
