//! Records read, from where one likes to where one likes.

use std::time::{Duration, Instant};

use base::{Offset, PartitionIndex, Timestamp};
use client::{ClientError, ConsumerConfig, ProducerConfig, ProducerRecord, ResetPolicy, Start};
use tests::broker::{Broker, folder};

use super::support::{make_topic, number, offset, read_all, send_numbers, with_client};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_reader_at_the_end_of_a_log_is_given_what_comes_next_at_once() {
    let data = folder();
    // With two cores, the partitions lie on different ones.
    let broker = Broker::start(data.path(), &["--cores", "2"]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "live", 4).await;
        let linger = Duration::ZERO;
        let producer = client.producer(ProducerConfig { linger, ..ProducerConfig::default() }).unwrap();
        for partition in 0..4 {
            send_numbers(&producer, "live", partition, 0..10).await;
        }
        let consumer = client.consumer(ConsumerConfig::default()).unwrap();
        consumer.assign_topic("live", Start::Earliest).await.unwrap();
        let ends = consumer.end_offsets().await.unwrap();
        let mut read = 0;
        while let Some(records) = consumer.poll_to(&ends, LONG).await.unwrap() {
            read += records.len();
        }
        assert_eq!(read, 40);
        // The streams are at the end and stay open: each record is pushed without anybody asking again.
        for turn in 0..40_u32 {
            assert!(consumer.poll(Duration::from_millis(5)).await.unwrap().is_none(), "there is nothing more");
            let partition = turn % 4;
            let begun = Instant::now();
            send_numbers(&producer, "live", partition, 100..101).await;
            let records = consumer.poll(LONG).await.unwrap().expect("the record comes");
            let took = begun.elapsed();
            assert_eq!((records.partition(), records.len()), (PartitionIndex(partition), 1));
            assert_eq!(records.next().get(), 11 + u64::from(turn / 4));
            assert!(took < Duration::from_secs(2), "a record came after {took:?}");
        }
        assert!(consumer.lag().iter().all(|partition| partition.records == Some(0)), "{:?}", consumer.lag());
    });
}

#[test]
fn each_partition_begins_where_it_was_asked_to() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "starts", 5).await;
        let producer = client.producer(ProducerConfig::default()).unwrap();
        for partition in 0..5 {
            for number in 0..20_u64 {
                let value = number.to_string();
                let record = ProducerRecord::new("starts").partition(partition).value(value.as_bytes());
                drop(producer.send(record.timestamp(Timestamp::from_millis(1_000 + number))).await.unwrap());
            }
        }
        producer.flush().await;
        let consumer = client.consumer(ConsumerConfig::default()).unwrap();
        let at = |index, start| ("starts", PartitionIndex(index), start);
        let assignment = [
            at(0, Start::Earliest),
            at(1, Start::Latest),
            at(2, Start::Offset(offset(7))),
            at(3, Start::Timestamp(Timestamp::from_millis(1_012))),
            at(4, Start::Timestamp(Timestamp::from_millis(9_000))),
        ];
        consumer.assign(&assignment).await.unwrap();
        let ends = consumer.end_offsets().await.unwrap();
        let mut read = vec![Vec::new(); 5];
        while let Some(records) = consumer.poll_to(&ends, LONG).await.unwrap() {
            let index = usize::try_from(records.partition().0).unwrap();
            read[index].extend(records.iter().map(|record| number(record.value())));
        }
        assert!(consumer.has_reached(&ends));
        let range = |from| (from..20).collect::<Vec<u64>>();
        assert_eq!(read, [range(0), vec![], range(7), range(12), vec![]]);
        for partition in 0..5 {
            assert_eq!(consumer.position("starts", PartitionIndex(partition)).unwrap(), Some(offset(20)));
        }
        consumer.seek("starts", PartitionIndex(1), Start::Offset(offset(19))).unwrap();
        let again = consumer.poll(LONG).await.unwrap().expect("the last record");
        assert_eq!((again.partition(), again.from(), again.len()), (PartitionIndex(1), offset(19), 1));
    });
}

#[test]
fn what_is_empty_is_read_without_waiting() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "empty", 8).await;
        let begun = Instant::now();
        let all = read_all(&client, "empty", ConsumerConfig::default()).await.unwrap();
        assert_eq!(all.values().map(Vec::len).sum::<usize>(), 0);
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    });
}

#[test]
fn an_offset_beyond_the_end_is_an_error_or_a_reset_as_one_likes() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "short", 1).await;
        let producer = client.producer(ProducerConfig::default()).unwrap();
        send_numbers(&producer, "short", 0, 0..3).await;
        let beyond = [("short", PartitionIndex(0), Start::Offset(offset(50)))];
        let strict = ConsumerConfig { reset: ResetPolicy::Fail, ..ConsumerConfig::default() };
        let consumer = client.consumer(strict).unwrap();
        consumer.assign(&beyond).await.unwrap();
        let error = consumer.poll(LONG).await.unwrap_err();
        assert!(matches!(error, ClientError::Consume { .. }) && error.to_string().contains("50"), "{error}");
        let lenient = ConsumerConfig { reset: ResetPolicy::Earliest, ..ConsumerConfig::default() };
        let consumer = client.consumer(lenient).unwrap();
        consumer.assign(&beyond).await.unwrap();
        let records = consumer.poll(LONG).await.unwrap().expect("all from the beginning");
        assert_eq!((records.from(), records.next()), (Offset::ZERO, offset(3)));
    });
}

#[test]
fn batches_larger_than_a_readers_share_are_read_all_the_same() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "large", 2).await;
        let config = ProducerConfig { linger: Duration::ZERO, ..ProducerConfig::default() };
        let producer = client.producer(config).unwrap();
        // One batch each, some larger and some smaller than the reader's 16 KiB.
        let mut sizes = Vec::new();
        for turn in 0..120_usize {
            let size = [60_000, 200, 30_000, 9_000, 100_000, 15_000, 1_000][turn % 7];
            let value = vec![b'x'; size];
            let partition = u32::try_from(turn % 2).unwrap();
            let record = ProducerRecord::new("large").partition(partition).value(&value);
            producer.send(record).await.unwrap().await.unwrap();
            sizes.push((partition, size));
        }
        let small = ConsumerConfig {
            buffer_bytes_max: 64 << 10,
            partition_buffer_bytes_max: 16 << 10,
            frame_bytes_max: 4 << 10,
            ..ConsumerConfig::default()
        };
        let consumer = client.consumer(small).unwrap();
        consumer.assign_topic("large", Start::Earliest).await.unwrap();
        let ends = consumer.end_offsets().await.unwrap();
        let mut read = [Vec::new(), Vec::new()];
        while let Some(records) = consumer.poll_to(&ends, LONG).await.unwrap() {
            let sizes = records.iter().map(|record| record.value().unwrap().len());
            read[usize::try_from(records.partition().0).unwrap()].extend(sizes);
            // So slowly that the broker always has more to send than it may.
            rt::sleep(Duration::from_millis(3)).await;
        }
        assert!(consumer.has_reached(&ends), "{:?}", consumer.lag());
        for (index, read) in (0..2).zip(&read) {
            let sent: Vec<usize> =
                sizes.iter().filter(|(partition, _)| *partition == index).map(|(_, size)| *size).collect();
            assert_eq!(*read, sent);
        }
    });
}

#[test]
fn a_paused_partition_rests_while_the_others_are_read() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "paused", 2).await;
        let producer = client.producer(ProducerConfig::default()).unwrap();
        let consumer = client.consumer(ConsumerConfig::default()).unwrap();
        consumer.assign_topic("paused", Start::Earliest).await.unwrap();
        consumer.pause("paused", PartitionIndex(0)).unwrap();
        for partition in 0..2 {
            send_numbers(&producer, "paused", partition, 0..5).await;
        }
        let records = consumer.poll(LONG).await.unwrap().expect("the other partition's");
        assert_eq!((records.partition(), records.len()), (PartitionIndex(1), 5));
        assert!(consumer.poll(Duration::from_millis(100)).await.unwrap().is_none());
        consumer.resume("paused", PartitionIndex(0)).unwrap();
        let records = consumer.poll(LONG).await.unwrap().expect("what was held back");
        assert_eq!((records.partition(), records.len()), (PartitionIndex(0), 5));
        let error = consumer.pause("paused", PartitionIndex(2)).unwrap_err();
        assert!(matches!(error, ClientError::NotAssigned { .. }), "{error}");
    });
}
