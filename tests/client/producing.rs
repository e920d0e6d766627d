//! Records sent, and what is said of them.

use std::time::Duration;

use base::Timestamp;
use client::{ClientError, ConsumerConfig, Idempotence, ProducerConfig, ProducerRecord, Start};
use tests::broker::{Broker, folder};
use wire::Codec;
use wire::batch::Header;
use wire::native::Acks;

use super::support::{make_topic, read_all, send_numbers, with_client};

#[test]
fn every_record_is_read_back_once_and_in_order_at_the_offset_that_was_reported() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "numbers", 5).await;
        let producer = client.producer(ProducerConfig::default()).unwrap();
        let mut deliveries = Vec::new();
        for number in 0_u64..20_000 {
            let (key, value) = ((number % 97).to_string(), number.to_string());
            let record = ProducerRecord::new("numbers").key(key.as_bytes()).value(value.as_bytes());
            deliveries.push((number, producer.send(record).await.unwrap()));
        }
        producer.flush().await;
        assert_eq!(producer.buffered_bytes(), 0);
        let all = read_all(&client, "numbers", ConsumerConfig::default()).await.unwrap();
        for (number, delivery) in deliveries {
            let told = delivery.await.unwrap();
            let offset = told.offset.unwrap().get();
            assert_eq!(all[&told.partition.0][usize::try_from(offset).unwrap()], (offset, number));
            assert!(told.timings.is_some(), "the broker says where its time went");
        }
        assert_eq!(all.values().map(Vec::len).sum::<usize>(), 20_000);
        assert!(all.values().all(|records| records.is_sorted_by(|a, b| a.1 < b.1)), "keys keep their order");
        assert!(all.values().all(|records| !records.is_empty()), "97 keys reach all partitions");
    });
}

#[test]
fn all_of_a_record_survives_every_codec() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "codecs", 1).await;
        let consumer = client.consumer(ConsumerConfig::default()).unwrap();
        consumer.assign_topic("codecs", Start::Earliest).await.unwrap();
        let value = b"all work and no play makes jack a dull boy. ".repeat(100);
        for (codec, second) in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd].into_iter().zip(1..) {
            let producer = client.producer(ProducerConfig { codec, ..ProducerConfig::default() }).unwrap();
            let headers = [Header { key: b"a", value: Some(b"1") }, Header { key: b"b", value: None }];
            let timestamp = Timestamp::from_millis(second * 1_000);
            let record = ProducerRecord::new("codecs").key(b"k").value(&value).headers(&headers).timestamp(timestamp);
            let delivery = producer.send(record).await.unwrap();
            let told = delivery.await.unwrap();
            assert_eq!(told.timestamp, timestamp);
            let records = consumer.poll(Duration::from_secs(10)).await.unwrap();
            let records = records.unwrap_or_else(|| panic!("{codec:?}: {told:?} does not come: {:?}", consumer.lag()));
            assert_eq!(records.len(), 1);
            let read = records.iter().next().unwrap();
            assert_eq!(Some(read.offset()), told.offset);
            assert_eq!((read.key(), read.value()), (Some(&b"k"[..]), Some(&value[..])));
            assert_eq!(read.timestamp(), Some(timestamp));
            assert_eq!(read.headers().into_iter().collect::<Vec<_>>(), headers);
        }
    });
}

#[test]
fn a_full_buffer_makes_the_sender_wait_and_refuses_who_does_not_want_to() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "much", 2).await;
        let small = 64 << 10;
        let config = ProducerConfig {
            batch_bytes: 4 << 10,
            request_bytes_max: small,
            buffer_bytes_max: small,
            ..ProducerConfig::default()
        };
        let producer = client.producer(config).unwrap();
        // Twenty times as much as there is room for.
        for number in 0_u64..1_300 {
            let value = format!("{number:01000}");
            drop(producer.send(ProducerRecord::new("much").value(value.as_bytes())).await.unwrap());
            assert!(producer.buffered_bytes() <= small, "{} bytes are buffered", producer.buffered_bytes());
        }
        let value = [b'7'; 1_000];
        let mut sent = 1_300;
        let refused = loop {
            match producer.try_send(ProducerRecord::new("much").value(&value)) {
                Ok(_) => sent += 1,
                Err(refused) => break refused,
            }
        };
        assert!(sent <= 1_300 + 64, "{sent} records were taken, and the last of them have no room");
        assert!(matches!(refused, ClientError::Record { .. }) && refused.is_retriable(), "{refused}");
        producer.flush().await;
        let all = client.consumer(ConsumerConfig::default()).unwrap();
        all.assign_topic("much", Start::Earliest).await.unwrap();
        let ends = all.end_offsets().await.unwrap();
        assert_eq!(ends.iter().map(|end| end.end.get()).sum::<u64>(), sent);
    });
}

#[test]
fn weaker_acknowledgements_deliver_too() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "weak", 1).await;
        for acks in [Acks::Leader, Acks::None] {
            let config = ProducerConfig { acks, idempotence: Idempotence::Off, ..ProducerConfig::default() };
            let producer = client.producer(config).unwrap();
            let delivery = producer.send(ProducerRecord::new("weak").value(b"1")).await.unwrap();
            producer.flush().await;
            assert_eq!(delivery.await.unwrap().offset.is_some(), acks == Acks::Leader);
        }
        let consumer = client.consumer(ConsumerConfig::default()).unwrap();
        consumer.assign_topic("weak", Start::Earliest).await.unwrap();
        let mut read = 0;
        while read < 2 {
            read += consumer.poll(Duration::from_secs(10)).await.unwrap().expect("both come").len();
        }
    });
}

#[test]
fn closing_the_client_delivers_what_was_taken() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let delivery = with_client(broker.native, |client| async move {
        make_topic(&client, "last", 1).await;
        let linger = Duration::from_secs(30);
        let producer = client.producer(ProducerConfig { linger, ..ProducerConfig::default() }).unwrap();
        let delivery = producer.send(ProducerRecord::new("last").value(b"1")).await.unwrap();
        client.close().await;
        let closed = producer.send(ProducerRecord::new("last").value(b"2")).await;
        assert!(matches!(closed, Err(ClientError::Closed { .. })), "{closed:?}");
        delivery.await.unwrap().offset
    });
    assert_eq!(delivery, Some(base::Offset::ZERO));
}

#[test]
fn a_record_for_what_is_not_there_is_refused_by_name() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "two", 2).await;
        let producer = client.producer(ProducerConfig::default()).unwrap();
        let error = producer.send(ProducerRecord::new("none").value(b"1")).await.unwrap_err();
        assert!(matches!(&error, ClientError::UnknownTopic { topic } if &**topic == "none"), "{error}");
        let error = producer.send(ProducerRecord::new("two").partition(2).value(b"1")).await.unwrap_err();
        assert!(matches!(error, ClientError::NoSuchPartition { partitions: 2, .. }), "{error}");
        // The topic's limit is smaller than the producer's.
        let topic = client::NewTopic::new("small", 1).setting("max.message.bytes", "1000");
        client.admin().create_topic(topic).await.unwrap();
        let delivery = producer.send(ProducerRecord::new("small").value(&[b'7'; 2_000])).await.unwrap();
        let error = delivery.await.unwrap_err();
        assert!(error.to_string().contains("MESSAGE_TOO_LARGE"), "{error}");
        assert_eq!(send_numbers(&producer, "small", 0, 0..3).await, [0, 1, 2], "others go on");
    });
}
