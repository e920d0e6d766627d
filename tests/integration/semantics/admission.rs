//! What is let in: topics by their names, acks by their number; and what stands in every answer.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, fetch_request, produce_request};
use wire::ErrorCode;
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};

use crate::{batch, client_with_topic};

use super::stored;

fn described(client: &mut Client, version: i16, name: &str, may_create: bool) -> MetadataResponseTopic {
    let topic = MetadataRequestTopic { name: Some(name.to_owned()), ..MetadataRequestTopic::default() };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        allow_auto_topic_creation: may_create,
        ..MetadataRequest::default()
    };
    client.ask(version, &request).unwrap().topics.remove(0)
}

#[test]
fn names_of_topics_are_kafkas_and_do_not_differ_in_dots_and_underscores_only() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let longest = "x".repeat(249);
    for name in [&longest[..], "...", "a.b", "A-9"] {
        assert_eq!(client.create_topic(name, 1, &[]).unwrap(), ErrorCode::None, "{name}");
    }
    let too_long = "x".repeat(250);
    for name in ["", ".", "..", "a b", "a/b", "ä", &too_long[..]] {
        assert_eq!(client.create_topic(name, 1, &[]).unwrap(), ErrorCode::InvalidTopicException, "{name}");
        let asked = described(&mut client, 9, name, true);
        assert_eq!(code(asked.error_code), ErrorCode::InvalidTopicException, "{name}");
    }
    assert_eq!(client.create_topic("a_b", 1, &[]).unwrap(), ErrorCode::InvalidTopicException);
    assert_eq!(code(described(&mut client, 9, "a_b", true).error_code), ErrorCode::InvalidTopicException);
    assert_eq!(client.create_topic("a.b", 1, &[]).unwrap(), ErrorCode::TopicAlreadyExists);
}

/// A request of metadata may make topics if both sides want it; produce and fetch never do, as in Kafka.
#[test]
fn topics_are_made_by_metadata_only_where_broker_and_client_allow_it() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(code(client.produce("made", 0, &batch(1)).unwrap().error_code), unknown);
    assert_eq!(client.fetch("made", 0, 0, 0).unwrap().error, unknown);
    assert_eq!(code(described(&mut client, 9, "made", false).error_code), unknown);
    // Before version 4 there is no such field, and clients expect it.
    let old = described(&mut client, 3, "of-old-clients", true);
    assert_eq!((code(old.error_code), old.partitions.len()), (ErrorCode::None, 1));
    let made = described(&mut client, 12, "made", true);
    assert_eq!((code(made.error_code), made.partitions.len()), (ErrorCode::None, 1));
    assert!(made.topic_id != 0 && made.partitions[0].leader_epoch >= 0);
    assert_eq!(code(client.produce("made", 0, &batch(1)).unwrap().error_code), ErrorCode::None);
    broker.stop();
    let broker = Broker::start(data.path(), &["--set", "topics.auto_create=false"]);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(code(described(&mut client, 9, "another", true).error_code), unknown);
    assert_eq!(described(&mut client, 12, "made", true).topic_id, made.topic_id, "an id stays");
}

#[test]
fn acks_other_than_kafkas_are_refused_and_nothing_is_stored() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "acks", 1);
    for acks in [2, -2, i16::MAX, i16::MIN] {
        let answer = client.ask(9, &produce_request("acks", 0, &batch(1), acks)).unwrap();
        let answer = &answer.responses[0].partition_responses[0];
        assert_eq!((code(answer.error_code), answer.base_offset), (ErrorCode::InvalidRequiredAcks, -1), "{acks}");
    }
    assert!(stored(&mut client, "acks").is_empty());
}

/// "Supported" epochs of -1 made clients believe that epochs went backwards.
#[test]
fn the_leader_epoch_of_metadata_is_that_of_batches_and_of_fetches() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "epochs", 1);
    client.produce("epochs", 0, &batch(1)).unwrap();
    let epoch = described(&mut client, 9, "epochs", false).partitions[0].leader_epoch;
    assert!(epoch >= 0);
    let (header, _) = stored(&mut client, "epochs").remove(0);
    assert_eq!(header.leader_epoch().map(base::LeaderEpoch::to_wire), Some(epoch));
    for (believed, expected) in [
        (epoch, ErrorCode::None),
        (-1, ErrorCode::None),
        (epoch + 1, ErrorCode::UnknownLeaderEpoch),
        (epoch - 1, if epoch == 0 { ErrorCode::None } else { ErrorCode::FencedLeaderEpoch }),
    ] {
        let mut request = fetch_request("epochs", 0, 0, 0);
        request.topics[0].partitions[0].current_leader_epoch = believed;
        let answer = client.ask(12, &request).unwrap();
        assert_eq!(code(answer.responses[0].partitions[0].error_code), expected, "{believed}");
    }
}

/// Isolation levels are taken; the list of aborted transactions is null without one, and empty with one.
#[test]
fn answers_have_no_throttle_time_no_preferred_replica_and_well_formed_lists() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "fields", 1);
    let produced = client.ask(9, &produce_request("fields", 0, &batch(1), -1)).unwrap();
    assert_eq!(produced.throttle_time_ms, 0);
    for (isolation_level, expected) in [(0, None), (1, Some(0))] {
        let request = wire::kafka::fetch::FetchRequest { isolation_level, ..fetch_request("fields", 0, 0, 0) };
        let answer = client.ask(12, &request).unwrap();
        assert_eq!((answer.throttle_time_ms, answer.error_code, answer.session_id), (0, 0, 0));
        let data = &answer.responses[0].partitions[0];
        assert_eq!(data.aborted_transactions.as_ref().map(Vec::len), expected);
        assert_eq!((data.preferred_read_replica, data.last_stable_offset), (-1, data.high_watermark));
    }
}

/// KIP-360: whoever has an identity, of whatever epoch, gets a new one that works at once.
#[test]
fn a_producer_that_asks_again_with_its_old_identity_gets_one_that_works() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "identity", 1);
    let first = client.producer_id().unwrap();
    let again = InitProducerIdRequest {
        transactional_id: None,
        producer_id: first,
        producer_epoch: 3,
        ..InitProducerIdRequest::default()
    };
    let second = client.ask(4, &again).unwrap();
    assert_eq!((code(second.error_code), second.producer_epoch), (ErrorCode::None, 0));
    assert!(second.producer_id > first);
}
