//! Topics made, changed, looked at and deleted.

use base::{Offset, PartitionIndex, Timestamp};
use client::{ClientError, NewTopic, PartitionTotal, ProducerConfig, ProducerRecord};
use tests::broker::{Broker, folder};
use wire::ErrorCode;
use wire::native::OffsetAt;

use super::support::{make_topic, send_numbers, with_client};

#[test]
fn topics_live_from_their_making_to_their_end() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        let admin = client.admin();
        assert_eq!(admin.list_topics().await.unwrap(), []);
        let id = admin.create_topic(NewTopic::new("b", 3).setting("segment.bytes", "1048576")).await.unwrap();
        let refused = admin.create_topic(NewTopic::new("b", 1)).await.unwrap_err();
        let is_there = ErrorCode::TopicAlreadyExists;
        assert!(matches!(&refused, ClientError::Refused { refusal, .. } if refusal.is(is_there)), "{refused}");
        let several = [NewTopic::new("a", 1), NewTopic::new("not a name", 1)];
        let results = admin.create_topics(&several).await.unwrap();
        assert!(results[0].result.is_ok(), "{results:?}");
        assert!(
            results[1].result.as_ref().is_err_and(|refusal| refusal.is(ErrorCode::InvalidTopicException)),
            "{results:?}"
        );

        let listed = admin.list_topics().await.unwrap();
        let listed: Vec<_> =
            listed.iter().map(|topic| (&*topic.name, topic.partitions, topic.without_leader)).collect();
        assert_eq!(listed, [("a", 1, 0), ("b", 3, 0)]);
        let described = admin.describe_topic("b").await.unwrap();
        assert_eq!((described.id, described.partitions.len()), (id, 3));
        assert!(
            described
                .settings
                .iter()
                .any(|(name, value, _)| (name.as_str(), value.as_str()) == ("segment.bytes", "1048576"))
        );

        let producer = client.producer(ProducerConfig::default()).unwrap();
        let too_high = producer.send(ProducerRecord::new("b").partition(4).value(b"1")).await;
        assert!(matches!(too_high, Err(ClientError::NoSuchPartition { partitions: 3, .. })), "{too_high:?}");
        let total = PartitionTotal { topic: "b".to_owned(), total: 5, assignment: None };
        let grown = admin.create_partitions(&[total]).await.unwrap();
        assert!(grown[0].result.is_ok(), "{grown:?}");
        assert_eq!(admin.describe_topic("b").await.unwrap().partitions.len(), 5);
        // What the producer knows of the topic is refreshed by itself.
        let delivery = loop {
            match producer.send(ProducerRecord::new("b").partition(4).value(b"1")).await {
                Ok(delivery) => break delivery,
                Err(ClientError::NoSuchPartition { .. }) => rt::sleep(std::time::Duration::from_millis(20)).await,
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(delivery.await.unwrap().partition, PartitionIndex(4));

        admin.delete_topic("b").await.unwrap();
        let gone = admin.describe_topic("b").await.unwrap_err();
        assert!(matches!(gone, ClientError::UnknownTopic { .. }), "{gone}");
        let gone = admin.delete_topic("b").await.unwrap_err();
        assert!(matches!(gone, ClientError::Refused { .. } | ClientError::UnknownTopic { .. }), "{gone}");
    });
}

#[test]
fn offsets_are_told_by_place_and_by_time() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let offsets = with_client(broker.native, |client| async move {
        make_topic(&client, "times", 2).await;
        let producer = client.producer(ProducerConfig::default()).unwrap();
        for second in [1, 2, 3, 9, 4] {
            let record = ProducerRecord::new("times").partition(0).value(b"1");
            drop(producer.send(record.timestamp(Timestamp::from_millis(second * 1_000))).await.unwrap());
        }
        producer.flush().await;
        let at = |at| ("times", PartitionIndex(0), at);
        let queries = [
            at(OffsetAt::Latest),
            at(OffsetAt::Earliest),
            ("times", PartitionIndex(1), OffsetAt::Latest),
            at(OffsetAt::Timestamp(Timestamp::from_millis(2_500))),
            at(OffsetAt::Timestamp(Timestamp::from_millis(99_000))),
            at(OffsetAt::MaxTimestamp),
        ];
        client.admin().list_offsets(&queries).await
    });
    let offsets = offsets.unwrap_or_else(|error| panic!("{error}; the broker's log:\n{}", broker.log()));
    let offsets: Vec<_> = offsets.iter().map(|answer| answer.offset.map(Offset::get)).collect();
    assert_eq!(offsets, [Some(5), Some(0), Some(0), Some(2), None, Some(3)]);
}

#[test]
fn a_broker_tells_how_it_is() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "2"]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "some", 2).await;
        let producer = client.producer(ProducerConfig::default()).unwrap();
        send_numbers(&producer, "some", 0, 0..10).await;
        let status = client.admin().broker_status().await.unwrap();
        assert_eq!((&*status.software, status.status.cores.len()), ("corelane", 2));
        let all = client.admin().all_broker_statuses().await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1.as_ref().unwrap().cluster_id, status.cluster_id);
    });
}
