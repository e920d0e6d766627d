//! What a broker with default settings costs while nobody uses it: memory and descriptors for each idle partition, and
//! processor time.
//!
//! The figures are printed; `bench-results/limits.md` keeps those of a release build. Memory and descriptors decide;
//! processor time fails only far above its aim, since other programs run here too.

mod connections;

use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::Client;
use wire::ErrorCode;

const FEW: i32 = 10;
const MANY: i32 = 1_000;
const VERY_MANY: i32 = 5_000;

/// Aims of the design.
const BYTES_PER_PARTITION_MAX: f64 = 8.0 * 1_024.0;
const DESCRIPTORS_PER_PARTITION_MAX: f64 = 1.0;
const IDLE_CPU_PERCENT_AIM: f64 = 1.0;
/// Where it fails.
const IDLE_CPU_PERCENT_MAX: f64 = 5.0;

const IDLE: Duration = Duration::from_secs(10);

/// The defaults, over what the harness sets for small machines.
const DEFAULTS: [&str; 6] =
    ["--set", "journal.bytes=256 MiB", "--set", "memory.cache=0 B", "--set", "disk.free_floor=256 MiB"];

struct Figures {
    resident_bytes: f64,
    descriptors: f64,
}

/// Memory once it has settled: the least over some time.
fn figures(broker: &Broker) -> Figures {
    let mut resident_kib = u64::MAX;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        resident_kib = resident_kib.min(broker.status_kib("VmRSS"));
        std::thread::sleep(Duration::from_millis(100));
    }
    Figures { resident_bytes: (resident_kib << 10) as f64, descriptors: broker.descriptors() as f64 }
}

fn make(client: &mut Client, topics: std::ops::Range<i32>, partitions: i32) {
    for topic in topics {
        let code = client.create_topic(&format!("idle-{topic}"), partitions, &[]).expect("the broker answers");
        assert_eq!(code, ErrorCode::None);
    }
}

/// Percent of one core over some seconds in which nothing is asked.
fn idle_cpu_percent(broker: &Broker) -> f64 {
    let (before, begun) = (broker.cpu_seconds(), Instant::now());
    std::thread::sleep(IDLE);
    (broker.cpu_seconds() - before) / begun.elapsed().as_secs_f64() * 100.0
}

/// What each of the partitions between two counts costs.
fn each(fewer: &Figures, more: &Figures, count: i32) -> (f64, f64) {
    let count = f64::from(count);
    ((more.resident_bytes - fewer.resident_bytes) / count, (more.descriptors - fewer.descriptors) / count)
}

#[test]
fn idle_partitions_cost_little_memory_few_descriptors_and_no_time() {
    let data = folder();
    let broker = Broker::start(data.path(), &DEFAULTS);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    make(&mut client, 0..1, FEW);
    let few = figures(&broker);
    // Many small topics and some large ones.
    make(&mut client, 1..10, FEW);
    make(&mut client, 10..19, (MANY - 10 * FEW) / 9);
    let many = figures(&broker);
    let cpu = idle_cpu_percent(&broker);
    make(&mut client, 19..20, VERY_MANY - MANY);
    let very_many = figures(&broker);
    for (from, to, (bytes, descriptors)) in
        [(FEW, MANY, each(&few, &many, MANY - FEW)), (MANY, VERY_MANY, each(&many, &very_many, VERY_MANY - MANY))]
    {
        println!(
            "from {from} to {to} idle partitions: {:.1} KiB and {descriptors:.2} descriptors each",
            bytes / 1_024.0
        );
        assert!(bytes < BYTES_PER_PARTITION_MAX, "{bytes} bytes for each idle partition");
        assert!(descriptors <= DESCRIPTORS_PER_PARTITION_MAX, "{descriptors} descriptors for each idle partition");
    }
    println!(
        "{MANY} idle partitions: {:.0} MiB and {:.0} descriptors in all, {cpu:.2} % of a core (aim {IDLE_CPU_PERCENT_AIM} %)",
        many.resident_bytes / f64::from(1 << 20),
        many.descriptors
    );
    assert!(cpu < IDLE_CPU_PERCENT_MAX, "an idle broker uses {cpu} % of a core");
}

/// After a restart the partitions come from the journal and the checkpoint instead of from a client. The allocator keeps
/// what recovery has used and freed, some 20 MiB that differ from start to start, so memory has a looser bound here, and
/// there are many.
#[test]
fn idle_partitions_cost_little_after_a_restart() {
    let data = folder();
    let broker = Broker::start(data.path(), &DEFAULTS);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    make(&mut client, 0..1, FEW);
    broker.stop();
    let broker = Broker::start(data.path(), &DEFAULTS);
    let few = figures(&broker);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    make(&mut client, 1..2, MANY - FEW);
    make(&mut client, 2..3, VERY_MANY - MANY);
    broker.stop();
    let begun = Instant::now();
    let broker = Broker::start(data.path(), &DEFAULTS);
    let took = begun.elapsed();
    let (bytes, descriptors) = each(&few, &figures(&broker), VERY_MANY - FEW);
    println!(
        "after a restart, which took {took:.0?}: {:.1} KiB and {descriptors:.2} descriptors for each idle partition",
        bytes / 1_024.0
    );
    assert!(bytes < 2.0 * BYTES_PER_PARTITION_MAX, "{bytes} bytes for each idle partition");
    assert!(descriptors <= DESCRIPTORS_PER_PARTITION_MAX, "{descriptors} descriptors for each idle partition");
}
