//! Sessions of many partitions of which few move: each of those is told, wherever it lies, and none is forgotten.

use std::collections::BTreeMap;
use std::process::Command;

use tests::broker::{binary, folder};
use tests::kafka::produce_request;

use super::*;

/// Nothing that is waited for here takes so long; a fetch that comes back only then has missed something.
const LONG: i32 = 60_000;

/// A client that goes on with a session of all partitions of a topic.
struct Follower {
    client: Client,
    topic: &'static str,
    session: i32,
    epoch: i32,
    next: BTreeMap<i32, i64>,
    /// What the broker has to be told.
    changed: Vec<(i32, i64)>,
    max_bytes: i32,
}

impl Follower {
    fn new(broker: &Broker, topic: &'static str, partitions: i32) -> Self {
        let client = Client::connect(broker.kafka).unwrap();
        let next: BTreeMap<i32, i64> = (0..partitions).map(|partition| (partition, 0)).collect();
        let changed = next.clone().into_iter().collect();
        Self { client, topic, session: 0, epoch: 0, next, changed, max_bytes: 8 << 20 }
    }

    fn send(&mut self, max_wait_ms: i32) {
        let fetch = request(self.session, self.epoch, self.topic, &std::mem::take(&mut self.changed));
        self.client.send(12, &FetchRequest { max_wait_ms, max_bytes: self.max_bytes, ..fetch }).unwrap();
        self.epoch += 1;
    }

    /// What the answer tells; where it brings records, the client goes on after them.
    fn receive(&mut self) -> Vec<(i32, ErrorCode, usize)> {
        let answer = self.client.receive::<FetchRequest>(12).unwrap();
        let (error, mut told) = told(&answer);
        assert_eq!(error, OK);
        self.session = answer.session_id;
        for (partition, _, batches) in told.iter().filter(|(_, _, batches)| *batches > 0) {
            let next = self.next.get_mut(partition).unwrap();
            *next += i64::try_from(*batches).unwrap();
            self.changed.push((*partition, *next));
        }
        told.sort_unstable_by_key(|(partition, ..)| *partition);
        told
    }

    fn fetch(&mut self, max_wait_ms: i32) -> Vec<(i32, ErrorCode, usize)> {
        self.send(max_wait_ms);
        self.receive()
    }
}

fn begin_later_in(client: &mut Client, topic: &str, partition: i32, offset: i64) {
    assert_eq!(client.delete_records(topic, partition, offset).unwrap().error_code, 0);
}

#[test]
fn what_moves_in_a_large_session_is_told_at_once_and_nothing_else() {
    const PARTITIONS: i32 = 300;
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut producer = client_with_topic(&broker, "large", PARTITIONS);
    let mut follower = Follower::new(&broker, "large", PARTITIONS);
    assert_eq!(follower.fetch(0).len(), 300);
    assert_eq!(follower.fetch(0), []);
    for round in 0..40 {
        let mut moved: Vec<i32> = (0..1 + round % 5).map(|number| (round * 97 + number * 59) % PARTITIONS).collect();
        moved.sort_unstable();
        moved.dedup();
        let waits = round % 2 == 0;
        if waits {
            follower.send(LONG);
        }
        for partition in &moved {
            // What is acknowledged is there, also for a fetch that does not wait.
            producer.produce("large", *partition, &batch(1)).unwrap();
        }
        let mut told = if waits { follower.receive() } else { follower.fetch(0) };
        while waits && told.len() < moved.len() {
            told.extend(follower.fetch(LONG));
        }
        told.sort_unstable_by_key(|(partition, ..)| *partition);
        assert_eq!(told, moved.iter().map(|partition| (*partition, OK, 1)).collect::<Vec<_>>(), "round {round}");
        assert_eq!(follower.fetch(0), []);
        begin_later_in(&mut producer, "large", moved[0], follower.next[&moved[0]]);
        assert_eq!(follower.fetch(0), [(moved[0], OK, 0)], "the start of its log");
    }
}

#[test]
fn what_did_not_fit_into_an_answer_is_brought_by_the_next_though_nothing_has_come() {
    const PARTITIONS: i32 = 60;
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut producer = client_with_topic(&broker, "backlog", PARTITIONS);
    let mut follower = Follower::new(&broker, "backlog", PARTITIONS);
    follower.fetch(0);
    follower.fetch(0);
    for partition in 0..PARTITIONS {
        for _ in 0..3 {
            let produced =
                producer.ask(9, &produce_request("backlog", partition, &batch_at(&[0], 5_000, None), 1)).unwrap();
            assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);
        }
    }
    follower.max_bytes = 12_000;
    let mut batches = 0;
    while batches < 3 * PARTITIONS as usize {
        let brought: usize = follower.fetch(LONG).iter().map(|(_, _, batches)| batches).sum();
        assert!(brought > 0, "{batches} batches were brought, and then nothing");
        batches += brought;
    }
    assert!(follower.next.values().all(|offset| *offset == 3), "{:?}", follower.next);
    assert_eq!(follower.fetch(0), []);
}

#[test]
fn a_session_that_waits_is_told_of_topics_that_are_deleted_and_made_again() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "again", 4);
    let mut follower = Follower::new(&broker, "again", 4);
    follower.fetch(0);
    for _ in 0..3 {
        assert_eq!(follower.fetch(0), []);
        follower.send(LONG);
        assert_eq!(client.delete_topic("again").unwrap(), OK);
        let told = follower.receive();
        assert!(!told.is_empty() && told.iter().all(|(_, error, _)| *error != OK), "{told:?}");
        let unknown = |partition| (partition, ErrorCode::UnknownTopicOrPartition, 0);
        assert_eq!(follower.fetch(LONG), (0..4).map(unknown).collect::<Vec<_>>());
        assert_eq!(client.create_topic("again", 4, &[]).unwrap(), OK);
        // This one begins at zero.
        follower.next.insert(2, 0);
        follower.changed = vec![(2, 0)];
        assert_eq!(follower.fetch(0), (0..4).map(|partition| (partition, OK, 0)).collect::<Vec<_>>());
        assert_eq!(follower.fetch(0), []);
        follower.send(LONG);
        client.produce("again", 2, &batch(1)).unwrap();
        assert_eq!(follower.receive(), [(2, OK, 1)]);
    }
}

#[test]
fn a_session_follows_partitions_from_core_to_core() {
    if std::thread::available_parallelism().expect("the system knows").get() < 2 {
        return println!("this needs two cores");
    }
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "2", "--set", "balancer.enabled=false"]);
    let mut producer = client_with_topic(&broker, "moves", 6);
    let mut follower = Follower::new(&broker, "moves", 6);
    follower.fetch(0);
    assert_eq!(follower.fetch(0), []);
    let address = broker.native.to_string();
    let move_to = |partition: i32, core: i32| {
        let (partition, core) = (partition.to_string(), core.to_string());
        let arguments = ["partition", "move", "moves", &partition, "--to-core", &core, "--broker", &address];
        // It may be there already.
        let _ = Command::new(binary()).args(arguments).output().unwrap();
    };
    for round in 0..12 {
        let partition = round % 6;
        let waits = round % 4 < 2;
        if waits {
            follower.send(LONG);
        }
        for core in [round % 2, 1 - round % 2] {
            move_to(partition, core);
        }
        let other = (partition + 1) % 6;
        producer.produce("moves", other, &batch(1)).unwrap();
        let told = if waits { follower.receive() } else { follower.fetch(0) };
        assert_eq!(told, [(other, OK, 1)], "round {round}");
        follower.send(LONG);
        producer.produce("moves", partition, &batch(1)).unwrap();
        assert_eq!(follower.receive(), [(partition, OK, 1)], "round {round}");
        assert_eq!(follower.fetch(0), []);
    }
}
