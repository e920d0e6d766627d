//! Many who want more than there is: everybody is answered in the end, and none can stop the others.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, encode, fetch_request, produce_request};
use wire::ErrorCode;
use wire::kafka::metadata::MetadataRequest;
use wire::kafka::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use crate::{batch_at, client_with_topic};

/// One request with a batch for each of these partitions.
fn produce_to(topic: &str, partitions: impl Iterator<Item = i32>, batch: &Bytes) -> ProduceRequest {
    let data = partitions.map(|index| PartitionProduceData { index, records: Some(batch.clone().into()) });
    let topic =
        TopicProduceData { name: topic.to_owned(), partition_data: data.collect(), ..TopicProduceData::default() };
    ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..ProduceRequest::default() }
}

/// Each connection has parts of several requests in the lines of both cores.
#[test]
fn producers_that_fill_every_core_are_all_answered() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "journal.bytes=2 MiB", "--set", "memory.cache=4 MiB"]);
    drop(client_with_topic(&broker, "full", 16));
    let address = broker.kafka;
    let producers: Vec<_> = (0..6)
        .map(|producer| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address).unwrap();
                let batch = Bytes::from(batch_at(&[0], 30_000, None));
                for _ in 0..12 {
                    for turn in 0..8 {
                        // In another order each time.
                        let order = (0..16).map(|index| (index * 5 + turn + producer) % 16);
                        client.send(9, &produce_to("full", order, &batch)).unwrap();
                    }
                    for _ in 0..8 {
                        let answer = client.receive::<ProduceRequest>(9).expect("an answer within 30 s");
                        for part in &answer.responses[0].partition_responses {
                            assert_eq!(code(part.error_code), ErrorCode::None);
                        }
                    }
                }
            })
        })
        .collect();
    for producer in producers {
        producer.join().unwrap();
    }
}

/// The fetch at the head of the first connection waits longer than anybody's patience.
#[test]
fn produces_behind_a_parked_fetch_stop_nobody_else() {
    let data = folder();
    let small = ["--cores", "1", "--set", "journal.bytes=2 MiB", "--set", "memory.cache=4 MiB"];
    let broker = Broker::start(data.path(), &small);
    let mut first = client_with_topic(&broker, "line", 2);
    let batch = batch_at(&[0], 200_000, None);
    first.send(12, &fetch_request("line", 1, 0, 60_000)).unwrap();
    for _ in 0..28 {
        first.send(9, &produce_request("line", 0, &batch, -1)).unwrap();
    }
    let mut second = Client::connect(broker.kafka).unwrap();
    for _ in 0..40 {
        let made = second.produce("line", 0, &batch).expect("an answer within 30 s");
        assert_eq!(code(made.error_code), ErrorCode::None);
    }
}

#[test]
fn more_batches_than_cores_can_have_in_flight_are_answered_one_by_one() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    drop(client_with_topic(&broker, "tiny", 2));
    let address = broker.kafka;
    let senders: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address).unwrap();
                let batch = Bytes::from(batch_at(&[0], 1, None));
                let request = produce_to("tiny", (0..25_000).map(|index| index % 2), &batch);
                client.stream().set_read_timeout(Some(Duration::from_secs(120))).unwrap();
                let answer = client.ask(9, &request).expect("an answer");
                let parts = &answer.responses[0].partition_responses;
                assert_eq!(parts.len(), 25_000);
                let refused = parts.iter().filter(|part| part.error_code != 0);
                refused.for_each(|part| assert_eq!(code(part.error_code), ErrorCode::RequestTimedOut));
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
}

/// More partitions in requests than one core works on at a time: the last of them wait for the first.
#[test]
fn requests_that_name_more_partitions_than_a_core_works_on_wait_for_each_other() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "1", "--set", "memory.requests=1 GiB"]);
    drop(client_with_topic(&broker, "tiny", 2));
    let batch = Bytes::from(batch_at(&[0], 1, None));
    let request = produce_to("tiny", (0..30_000).map(|index| index % 2), &batch);
    let mut senders: Vec<_> = (0..6).map(|_| Client::connect(broker.kafka).unwrap()).collect();
    for sender in &mut senders {
        sender.send(9, &request).unwrap();
    }
    for sender in &mut senders {
        sender.stream().set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let answer = sender.receive::<ProduceRequest>(9).expect("an answer, not the end of the connection");
        assert_eq!(answer.responses[0].partition_responses.len(), 30_000);
    }
}

/// They are settled long before the fetch is, and are no longer work in progress then.
#[test]
fn partitions_of_requests_behind_a_parked_fetch_stop_nobody_else() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "1", "--set", "memory.requests=1 GiB"]);
    let mut first = client_with_topic(&broker, "tiny", 3);
    let batch = batch_at(&[0], 1, None);
    // Refused at once.
    let request = produce_to("tiny", (0..30_000).map(|index| index % 2), &Bytes::new());
    first.send(12, &fetch_request("tiny", 2, 0, 60_000)).unwrap();
    (0..3).for_each(|_| first.send(9, &request).unwrap());
    let mut second = Client::connect(broker.kafka).unwrap();
    for _ in 0..20 {
        let made = second.produce("tiny", 1, &batch).expect("an answer within 30 s");
        assert_eq!(code(made.error_code), ErrorCode::None);
    }
}

/// Of each partition whatever there is: products of such wishes have more than 64 bits.
#[test]
fn a_fetch_that_wants_everything_of_very_many_partitions_is_answered() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "1"]);
    let mut client = client_with_topic(&broker, "all", 1);
    let mut fetch = fetch_request("all", 0, 0, 0);
    fetch.max_bytes = i32::MAX;
    let partitions = &mut fetch.topics[0].partitions;
    partitions[0].partition_max_bytes = i32::MAX;
    *partitions = vec![partitions[0]; 20_000];
    partitions[0].partition = 7;
    let answer = client.ask(12, &fetch).expect("an answer within 30 s");
    let codes: Vec<i16> = answer.responses[0].partitions.iter().map(|part| part.error_code).collect();
    assert_eq!(code(codes[0]), ErrorCode::UnknownTopicOrPartition);
    assert!(codes[1..].iter().all(|found| code(*found) == ErrorCode::None));
    assert_eq!(codes.len(), 20_000);
}

/// What a request waits for memory is not its client's doing.
#[test]
fn whoever_has_waited_in_line_has_all_the_time_to_send() {
    const LARGE: usize = 1 << 20;
    let data = folder();
    let sizes = ["--cores", "1", "--set", "kafka.request_bytes_max=4 MiB", "--set", "memory.requests=4 MiB"];
    let times = ["--set", "connections.request_time_max=2 s"];
    let broker = Broker::start(data.path(), &[&sizes[..], &times].concat());
    drop(client_with_topic(&broker, "line", 1));
    let large = encode(9, &produce_request("line", 0, &vec![0; LARGE], -1)).unwrap();
    let half_sent: Vec<_> = (0..24)
        .map(|_| {
            let mut client = Client::connect(broker.kafka).unwrap();
            client.send_raw(&large[..LARGE / 16]).unwrap();
            client
        })
        .collect();
    let largest = encode(9, &produce_request("line", 0, &vec![0; 4 * LARGE - 4_096], -1)).unwrap();
    let mut last = Client::connect(broker.kafka).unwrap();
    for piece in largest.chunks(32 << 10) {
        last.send_raw(piece).expect("the broker takes all of it");
        // Four seconds for all of it: twice the time that there is, but nobody reads it for longer.
        std::thread::sleep(Duration::from_millis(30));
    }
    let refused = last.receive::<ProduceRequest>(9).expect("an answer within 30 s");
    assert_ne!(refused.responses[0].partition_responses[0].error_code, 0, "zeroes are no batch");
    drop(half_sent);
}

#[test]
fn a_few_bytes_that_announce_large_requests_do_not_keep_others_from_being_read() {
    let data = folder();
    // Far longer than the test waits.
    let broker = Broker::start(data.path(), &["--cores", "1", "--set", "connections.request_time_max=10 min"]);
    let mut patient: Vec<Client> = Vec::new();
    for mebibytes in [99_u32, 28, 99, 99] {
        let mut client = Client::connect(broker.kafka).unwrap();
        // Produce, version 9, and nothing more of it.
        let front: [u8; 14] = [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0];
        let mut frame = front.to_vec();
        frame[..4].copy_from_slice(&(mebibytes << 20).to_be_bytes());
        client.stream().write_all(&frame).unwrap();
        patient.push(client);
    }
    let mut other = Client::connect(broker.kafka).unwrap();
    let answer = other.ask(9, &MetadataRequest::default()).expect("an answer within 30 s");
    assert_eq!(answer.brokers.len(), 1);
    // Requests as large come through as well.
    assert_eq!(other.create_topic("large", 1, &[]).unwrap(), ErrorCode::None);
    let mut frame = encode(9, &produce_request("large", 0, &vec![0; 60 << 20], -1)).unwrap();
    frame.truncate(64 << 20);
    other.send_raw(&frame).unwrap();
    let refused = other.receive::<ProduceRequest>(9).expect("an answer within 30 s");
    assert_ne!(refused.responses[0].partition_responses[0].error_code, 0, "zeroes are no batch");
}

/// Idle connections do not keep the memory that their largest requests took.
#[test]
fn who_waits_after_a_large_request_holds_little_memory() {
    const LARGE: usize = 8 << 20;
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "1"]);
    drop(client_with_topic(&broker, "large", 1));
    let batch = batch_at(&[0], LARGE, None);
    let before_kib = broker.status_kib("VmRSS");
    let idle: Vec<_> = (0..12)
        .map(|_| {
            let mut client = Client::connect(broker.kafka).unwrap();
            let refused = client.produce("large", 0, &batch).expect("an answer");
            assert_eq!(code(refused.error_code), ErrorCode::MessageTooLarge);
            client
        })
        .collect();
    // The allocator gives memory back a little later.
    let most_kib = before_kib + (idle.len() * LARGE / 2 / 1024) as u64;
    let begun = std::time::Instant::now();
    while broker.status_kib("VmRSS") > most_kib {
        let held = broker.status_kib("VmRSS") - before_kib;
        assert!(begun.elapsed() < Duration::from_secs(20), "{held} KiB are held by {} idle connections", idle.len());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Each of the large requests has its second in turn, so the last of them is answered long after those who ask for little.
#[test]
fn whoever_asks_for_little_does_not_wait_for_large_requests_that_arrive_slowly() {
    const LARGE: usize = 1 << 20;
    let data = folder();
    let settings = ["--cores", "1", "--set", "kafka.request_bytes_max=4 MiB", "--set", "memory.requests=4 MiB"];
    let broker = Broker::start(data.path(), &settings);
    let mut other = client_with_topic(&broker, "line", 1);
    let large = encode(9, &produce_request("line", 0, &vec![0; LARGE], -1)).unwrap();
    let half_sent: Vec<_> = (0..120)
        .map(|_| {
            let mut client = Client::connect(broker.kafka).unwrap();
            client.send_raw(&large[..LARGE / 16]).unwrap();
            client
        })
        .collect();
    let mut last = Client::connect(broker.kafka).unwrap();
    last.send_raw(&large).unwrap();

    let made = other.produce("line", 0, &batch_at(&[0], 10, None)).expect("an answer within 30 s");
    assert_eq!(code(made.error_code), ErrorCode::None);
    assert!(!other.fetch_all("line", 0).expect("an answer within 30 s").is_empty());
    let answer = other.ask(9, &MetadataRequest::default()).expect("an answer within 30 s");
    assert_eq!(answer.brokers.len(), 1);

    last.stream().set_nonblocking(true).unwrap();
    let waits = last.receive_raw().expect_err("there are some thirty seconds before it");
    assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock);
    drop(half_sent);
    last.stream().set_nonblocking(false).unwrap();
    let refused = last.receive::<ProduceRequest>(9).expect("an answer within 30 s");
    assert_ne!(refused.responses[0].partition_responses[0].error_code, 0, "zeroes are no batch");
}

#[test]
fn those_who_do_not_take_their_answers_do_not_keep_others_from_theirs() {
    const LARGE: usize = 900 << 10;
    let data = folder();
    // Far longer than the test waits.
    let times = ["--cores", "1", "--set", "connections.request_time_max=10 min", "--set", "memory.answers=4 MiB"];
    let broker = Broker::start(data.path(), &times);
    let mut other = client_with_topic(&broker, "large", 1);
    let batch = batch_at(&[0], LARGE, None);
    for _ in 0..2 {
        let made = other.produce("large", 0, &batch).expect("an answer within 30 s");
        assert_eq!(code(made.error_code), ErrorCode::None);
    }
    // More than all sockets keep.
    let not_reading: Vec<_> = (0..8)
        .map(|_| {
            let mut client = Client::connect(broker.kafka).unwrap();
            (0..30).for_each(|_| client.send(12, &fetch_request("large", 0, 0, 100)).unwrap());
            client
        })
        .collect();
    for _ in 0..3 {
        let fetched = other.fetch("large", 0, 1, 100).expect("an answer within 30 s");
        assert!(fetched.records.len() >= LARGE, "a batch is given whole");
        let answer = other.ask(9, &MetadataRequest::default()).expect("an answer within 30 s");
        assert_eq!(answer.brokers.len(), 1);
    }
    drop(not_reading);
}
