//! Fetch sessions (KIP-227), through the raw client.

mod moving;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, fetch_request};
use wire::ErrorCode;
use wire::batch::batches;
use wire::kafka::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic};
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::{batch, batch_at, client_with_topic};

fn part(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition { partition, fetch_offset: offset, partition_max_bytes: 1 << 20, ..FetchPartition::default() }
}

/// A fetch of partitions of one topic, at these offsets.
fn request(session: i32, epoch: i32, topic: &str, parts: &[(i32, i64)]) -> FetchRequest {
    let partitions: Vec<_> = parts.iter().map(|(partition, offset)| part(*partition, *offset)).collect();
    let topics = vec![FetchTopic { topic: topic.to_owned(), partitions, ..FetchTopic::default() }];
    let topics = if parts.is_empty() { Vec::new() } else { topics };
    FetchRequest { session_id: session, session_epoch: epoch, topics, ..fetch_request(topic, 0, 0, 0) }
}

/// The error of an answer, and of each of its partitions the number, the error and how many batches there are.
fn told(answer: &FetchResponse) -> (ErrorCode, Vec<(i32, ErrorCode, usize)>) {
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions).map(|data| {
        let records = data.records.as_ref().map_or_else(Vec::new, |records| records.to_vec());
        (data.partition_index, code(data.error_code), batches(&records).count())
    });
    (code(answer.error_code), partitions.collect())
}

const OK: ErrorCode = ErrorCode::None;

#[test]
fn a_session_is_told_only_what_it_does_not_know() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut producer = client_with_topic(&broker, "news", 3);
    let mut client = Client::connect(broker.kafka).unwrap();
    let all = [(0, 0), (1, 0), (2, 0)];
    let first = client.ask(12, &request(0, 0, "news", &all)).unwrap();
    assert_eq!(told(&first), (OK, vec![(0, OK, 0), (1, OK, 0), (2, OK, 0)]));
    let id = first.session_id;
    assert!(id > 0);
    let mut ask = |epoch, parts: &[(i32, i64)]| {
        let answer = client.ask(12, &request(id, epoch, "news", parts)).unwrap();
        assert_eq!(answer.session_id, if answer.error_code == 0 { id } else { 0 });
        told(&answer)
    };
    assert_eq!(ask(1, &[]), (OK, vec![]), "nothing is new");
    producer.produce("news", 1, &batch(3)).unwrap();
    assert_eq!(ask(2, &[]), (OK, vec![(1, OK, 1)]));
    // As long as the client does not go on, it gets the records again.
    assert_eq!(ask(3, &[]), (OK, vec![(1, OK, 1)]));
    assert_eq!(ask(4, &[(1, 3)]), (OK, vec![]));
    // What is wrong is told each time, and once more when it is over.
    let beyond = vec![(2, ErrorCode::OffsetOutOfRange, 0)];
    assert_eq!(ask(5, &[(2, 7)]), (OK, beyond.clone()));
    assert_eq!(ask(6, &[]), (OK, beyond));
    assert_eq!(ask(7, &[(2, 0)]), (OK, vec![(2, OK, 0)]));
    assert_eq!(ask(8, &[(9, 0)]), (OK, vec![(9, ErrorCode::UnknownTopicOrPartition, 0)]), "a new one is told at once");
    assert_eq!(ask(8, &[]).0, ErrorCode::InvalidFetchSessionEpoch, "that epoch was used");
    assert_eq!(ask(7, &[]).0, ErrorCode::InvalidFetchSessionEpoch);
    assert_eq!(ask(9, &[]).1.len(), 1, "an epoch that is refused changes nothing");
    let forgotten =
        vec![ForgottenTopic { topic: "news".to_owned(), partitions: vec![9, 0], ..ForgottenTopic::default() }];
    let forget = FetchRequest { forgotten_topics_data: forgotten, ..request(id, 10, "news", &[]) };
    assert_eq!(told(&client.ask(12, &forget).unwrap()), (OK, vec![]));
    producer.produce("news", 0, &batch(1)).unwrap();
    producer.produce("news", 2, &batch(1)).unwrap();
    let answer = client.ask(12, &request(id, 11, "news", &[])).unwrap();
    assert_eq!(told(&answer), (OK, vec![(2, OK, 1)]), "the other one was forgotten");
}

#[test]
fn a_session_that_is_not_there_or_is_used_otherwise_is_refused_by_its_code() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "codes", 1);
    let id = client.ask(12, &request(0, 0, "codes", &[(0, 0)])).unwrap().session_id;
    let mut ask = |version: i16, session: i32, epoch: i32| {
        let answer = client.ask(version, &request(session, epoch, "codes", &[])).unwrap();
        (code(answer.error_code), answer.responses.len())
    };
    assert_eq!(ask(12, 0, 1), (ErrorCode::FetchSessionIdNotFound, 0));
    assert_eq!(ask(12, -5, 1), (ErrorCode::FetchSessionIdNotFound, 0));
    assert_eq!(ask(12, id ^ 2, 1), (ErrorCode::FetchSessionIdNotFound, 0));
    assert_eq!(ask(12, id, 2), (ErrorCode::InvalidFetchSessionEpoch, 0));
    assert_eq!(ask(13, id, 1), (ErrorCode::FetchSessionTopicIdError, 0), "it names topics by name");
    assert_eq!(ask(7, id, 1), (OK, 0), "all versions without ids are alike");
    // The last epoch ends a session; a fetch without any, as of versions before 7, has none.
    assert_eq!(ask(12, id, -1), (OK, 0));
    assert_eq!(ask(12, id, 2), (ErrorCode::FetchSessionIdNotFound, 0));
    let sessionless = client.ask(4, &fetch_request("codes", 0, 0, 0)).unwrap();
    assert_eq!((sessionless.session_id, sessionless.responses.len()), (0, 1));
    let sessionless = client.ask(12, &request(0, -1, "codes", &[(0, 0)])).unwrap();
    assert_eq!((sessionless.session_id, sessionless.responses.len()), (0, 1));
    // A full fetch in place of a session that the client gives up makes another one.
    let first = client.ask(12, &request(0, 0, "codes", &[(0, 0)])).unwrap().session_id;
    let second = client.ask(12, &request(first, 0, "codes", &[(0, 0)])).unwrap().session_id;
    assert!(second != first && second != 0);
    let gone = client.ask(12, &request(first, 1, "codes", &[])).unwrap();
    assert_eq!(code(gone.error_code), ErrorCode::FetchSessionIdNotFound);
    // A session without partitions has ended.
    let forgotten =
        vec![ForgottenTopic { topic: "codes".to_owned(), partitions: vec![0], ..ForgottenTopic::default() }];
    let forget = FetchRequest { forgotten_topics_data: forgotten, ..request(second, 1, "codes", &[]) };
    let emptied = client.ask(12, &forget).unwrap();
    assert_eq!((code(emptied.error_code), emptied.session_id), (OK, 0));
    let gone = client.ask(12, &request(second, 2, "codes", &[])).unwrap();
    assert_eq!(code(gone.error_code), ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn without_room_for_sessions_consumers_are_told_that_they_have_none() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "fetch.sessions_max=0"]);
    let mut client = client_with_topic(&broker, "none", 1);
    for version in [7, 12] {
        let answer = client.ask(version, &request(0, 0, "none", &[(0, 0)])).unwrap();
        assert_eq!((answer.session_id, answer.responses.len()), (0, 1));
    }
}

/// A connection may come to another core than the one that has the session: the client is then told to begin again, and
/// never gets another client's session.
#[test]
fn a_session_goes_on_over_another_connection_or_is_not_found() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "cores", 1);
    let id = client.ask(12, &request(0, 0, "cores", &[(0, 0)])).unwrap().session_id;
    drop(client);
    let (mut epoch, mut found) = (1, 0);
    for _ in 0..16 {
        let mut client = Client::connect(broker.kafka).unwrap();
        let answer = client.ask(12, &request(id, epoch, "cores", &[])).unwrap();
        if code(answer.error_code) == OK {
            epoch += 1;
            found += 1;
        } else {
            assert_eq!(code(answer.error_code), ErrorCode::FetchSessionIdNotFound);
            let own = client.ask(12, &request(0, 0, "cores", &[(0, 0)])).unwrap().session_id;
            assert_ne!(own, id);
            assert_eq!(code(client.ask(12, &request(own, 1, "cores", &[])).unwrap().error_code), OK);
        }
    }
    assert!(found > 0, "connections come to all cores");
}

#[test]
fn topic_ids_of_a_session_are_those_of_topics_that_live() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "ids", 2);
    let id_of = |client: &mut Client| {
        let asked = MetadataRequestTopic { name: Some("ids".to_owned()), ..MetadataRequestTopic::default() };
        let request = MetadataRequest { topics: Some(vec![asked]), ..MetadataRequest::default() };
        client.ask(12, &request).unwrap().topics[0].topic_id
    };
    let old = id_of(&mut client);
    let by_id = |session, epoch, topic_id, parts: &[(i32, i64)]| {
        let mut asked = request(session, epoch, "", parts);
        asked.topics.iter_mut().for_each(|topic| topic.topic_id = topic_id);
        asked
    };
    for version in [13, 17, 18] {
        let session = client.ask(version, &by_id(0, 0, old, &[(0, 0), (1, 0)])).unwrap().session_id;
        assert!(session > 0);
        let named = client.ask(12, &request(session, 1, "ids", &[])).unwrap();
        assert_eq!(code(named.error_code), ErrorCode::FetchSessionTopicIdError, "it names topics by id");
        assert_eq!(told(&client.ask(version, &by_id(session, 1, old, &[])).unwrap()), (OK, vec![]));
    }
    let session = client.ask(13, &by_id(0, 0, old, &[(0, 0), (1, 0)])).unwrap().session_id;
    assert_eq!(client.delete_topic("ids").unwrap(), OK);
    assert_eq!(client.create_topic("ids", 2, &[]).unwrap(), OK);
    client.produce("ids", 0, &batch(1)).unwrap();
    let unknown = |index| (index, ErrorCode::UnknownTopicId, 0);
    assert_eq!(told(&client.ask(13, &by_id(session, 1, old, &[])).unwrap()), (OK, vec![unknown(0), unknown(1)]));
    // As Java does: the old topic is forgotten, and the new one of that name comes in.
    let new = id_of(&mut client);
    assert_ne!(new, old);
    let forgotten = vec![ForgottenTopic { topic_id: old, partitions: vec![0, 1], ..ForgottenTopic::default() }];
    let change = FetchRequest { forgotten_topics_data: forgotten, ..by_id(session, 2, new, &[(0, 0), (1, 0)]) };
    let answer = client.ask(13, &change).unwrap();
    assert_eq!(told(&answer), (OK, vec![(0, OK, 1), (1, OK, 0)]));
    assert!(answer.responses.iter().all(|topic| topic.topic_id == new));
}

#[test]
fn a_fetch_of_a_session_waits_for_records_on_any_core_and_for_min_bytes() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut producer = client_with_topic(&broker, "wait", 4);
    let mut client = Client::connect(broker.kafka).unwrap();
    let all = [(0, 0), (1, 0), (2, 0), (3, 0)];
    let id = client.ask(12, &request(0, 0, "wait", &all)).unwrap().session_id;
    for (partition, epoch) in (0..4).zip(1..) {
        let parts: &[(i32, i64)] = if partition == 0 { &[] } else { &[(partition - 1, 1)] };
        client.send(12, &FetchRequest { max_wait_ms: 60_000, ..request(id, epoch, "wait", parts) }).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let begun = Instant::now();
        producer.produce("wait", partition, &batch(1)).unwrap();
        let answer = client.receive::<FetchRequest>(12).unwrap();
        assert_eq!(told(&answer), (OK, vec![(partition, OK, 1)]));
        assert!(begun.elapsed() < Duration::from_secs(30), "the fetch was not woken");
    }
    let begun = Instant::now();
    let idle = FetchRequest { max_wait_ms: 300, ..request(id, 5, "wait", &[(3, 1)]) };
    assert_eq!(told(&client.ask(12, &idle).unwrap()), (OK, vec![]));
    assert!(begun.elapsed() >= Duration::from_millis(290), "{:?}", begun.elapsed());
}

/// With room for one batch in an answer, partitions bring records in turn.
#[test]
fn partitions_of_a_session_have_their_turns() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "turns", 3);
    for partition in 0..3 {
        for _ in 0..4 {
            client.produce("turns", partition, &batch_at(&[0], 10_000, None)).unwrap();
        }
    }
    let mut next: BTreeMap<i32, i64> = (0..3).map(|partition| (partition, 0)).collect();
    let (mut session, mut changed) = (0, vec![(0, 0), (1, 0), (2, 0)]);
    for epoch in 0..12 {
        let fetch = FetchRequest { max_bytes: 1, ..request(session, epoch, "turns", &changed) };
        let answer = client.ask(12, &fetch).unwrap();
        session = answer.session_id;
        let (error, partitions) = told(&answer);
        let brought: Vec<_> = partitions.into_iter().filter(|(_, _, batches)| *batches > 0).collect();
        assert_eq!((error, brought.len()), (OK, 1), "{epoch}");
        let (partition, _, batches) = brought[0];
        assert_eq!(batches, 1);
        *next.get_mut(&partition).unwrap() += 1;
        changed = vec![(partition, next[&partition])];
        let (most, least) = (next.values().max().unwrap(), next.values().min().unwrap());
        assert!(most - least <= 1, "{next:?}");
    }
    assert!(next.values().all(|offset| *offset == 4));
}
