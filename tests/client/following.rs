//! A client that knew a partition on another core than where it is now finds out soon, and not by its metadata's age.

use std::time::Duration;

use base::{CoreId, PartitionIndex};
use client::{ConsumerConfig, Producer, ProducerConfig, ProducerRecord, Start};
use tests::broker::{Broker, folder};
use wire::native::Stage;

use super::support::{has_two_cores, make_topic, with_client};

/// Answers in a row without a hop.
const SETTLED: u32 = 5;

/// Microseconds that a record's batch was between cores.
async fn hop(producer: &Producer) -> u32 {
    let record = ProducerRecord::new("followed").partition(0).value(b"value");
    let delivery = producer.send(record).await.expect("the record is taken");
    delivery.await.expect("it is delivered").timings.expect("the broker says them").get(Stage::CrossCore)
}

#[test]
fn after_a_move_a_producer_and_a_consumer_soon_go_to_the_new_core() {
    if !has_two_cores() {
        return;
    }
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "2", "--set", "balancer.enabled=false"]);
    let native = broker.native;
    with_client(native, move |client| async move {
        make_topic(&client, "followed", 1).await;
        let producer = client.producer(ProducerConfig::default()).expect("a producer");
        let consumer = client.consumer(ConsumerConfig::default()).expect("a consumer");
        consumer.assign_topic("followed", Start::Earliest).await.expect("the topic is there");
        assert_eq!(hop(&producer).await, 0, "the client goes to the core that has it");
        let mut sent = 1;
        for _ in 0..2 {
            let listed = client.admin().list_partitions(Some("followed")).await.expect("partitions are listed");
            let to = CoreId(1 - listed[0].1.core.0);
            let moved = client.admin().move_partition("followed", PartitionIndex(0), to).await;
            moved.expect("the broker answers").expect("it is moved");
            let (mut hops, mut direct, begun) = (0, 0, rt::now());
            while direct < SETTLED {
                assert!(rt::now().since(begun) < Duration::from_secs(20), "{hops} answers took a hop");
                let has_hopped = hop(&producer).await > 0;
                sent += 1;
                hops += u32::from(has_hopped);
                direct = if has_hopped { 0 } else { direct + 1 };
                rt::sleep(Duration::from_millis(20)).await;
            }
            assert!(hops > 0, "nothing told the client of the move");
        }
        let mut read = 0;
        while read < sent {
            let records = consumer.poll(Duration::from_secs(10)).await.expect("the stream goes on");
            for record in records.expect("there is more").iter() {
                assert_eq!(record.offset().get(), read);
                read += 1;
            }
        }
    });
}
