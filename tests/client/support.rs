//! What the tests have in common.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use base::{ByteSize, CoreId, PartitionIndex};
use client::{
    Client, ClientConfig, ClientError, ClientQueues, ConsumerConfig, NewTopic, Producer, ProducerRecord, Start,
};
use rt::{CoresConfig, run_one};

/// Nothing here takes so long, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a task with a client on an executor of its own, closes the client, and waits until nothing is left of it.
pub(crate) fn with_client<T: Send + 'static, F: Future<Output = T> + 'static>(
    native: SocketAddr,
    main: impl FnOnce(Client) -> F + Send + 'static,
) -> T {
    with_client_within(PATIENCE, native, main)
}

/// As [`with_client`], for what may take longer.
pub(crate) fn with_client_within<T: Send + 'static, F: Future<Output = T> + 'static>(
    patience: Duration,
    native: SocketAddr,
    main: impl FnOnce(Client) -> F + Send + 'static,
) -> T {
    let cores = CoresConfig { queues: client::TASK_QUEUES, io_memory: ByteSize::mib(2), ..CoresConfig::default() };
    run_one(cores, move || async move {
        let work = async {
            let client = Client::connect(config(native)).await.expect("the broker serves");
            let result = main(client.clone()).await;
            client.close().await;
            result
        };
        rt::timeout(patience, work).await.expect("something hangs")
    })
    .expect("this machine can run an executor")
}

pub(crate) fn has_two_cores() -> bool {
    let has_two = std::thread::available_parallelism().expect("the system knows").get() >= 2;
    if !has_two {
        println!("this needs two cores");
    }
    has_two
}

/// Moves all partitions of a topic to one core.
pub(crate) async fn gather(client: &Client, topic: &str, core: CoreId) {
    for (_, load) in client.admin().list_partitions(Some(topic)).await.expect("partitions are listed") {
        if load.core != core {
            let moved = client.admin().move_partition(topic, load.index, core).await.expect("the broker answers");
            moved.expect("the partition is moved");
        }
    }
}

pub(crate) fn config(native: SocketAddr) -> ClientConfig {
    ClientConfig {
        queues: ClientQueues::OWN,
        seed: Some(7),
        operation_timeout: Duration::from_secs(15),
        ..ClientConfig::new([native])
    }
}

pub(crate) async fn make_topic(client: &Client, name: &str, partitions: u32) {
    client.admin().create_topic(NewTopic::new(name, partitions)).await.expect("the topic is made");
}

/// Sends numbers to a partition, and gives the offset of each.
pub(crate) async fn send_numbers(
    producer: &Producer,
    topic: &str,
    partition: u32,
    numbers: std::ops::Range<u64>,
) -> Vec<u64> {
    let mut deliveries = Vec::new();
    for number in numbers {
        let value = number.to_string();
        let record = ProducerRecord::new(topic).partition(partition).value(value.as_bytes());
        deliveries.push(producer.send(record).await.expect("the record is taken"));
    }
    producer.flush().await;
    let mut offsets = Vec::new();
    for delivery in deliveries {
        assert!(delivery.is_settled(), "a flush waits for what was sent before");
        offsets.push(delivery.await.expect("the record is delivered").offset.expect("acks=all tells offsets").get());
    }
    offsets
}

pub(crate) fn number(value: Option<&[u8]>) -> u64 {
    let text = std::str::from_utf8(value.expect("a value")).expect("digits");
    text.parse().expect("a number")
}

/// Offset and number of every record that the topic holds now, by partition.
pub(crate) async fn read_all(
    client: &Client,
    topic: &str,
    config: ConsumerConfig,
) -> Result<BTreeMap<u32, Vec<(u64, u64)>>, ClientError> {
    let consumer = client.consumer(config)?;
    consumer.assign_topic(topic, Start::Earliest).await?;
    let ends = consumer.end_offsets().await?;
    let mut all: BTreeMap<u32, Vec<(u64, u64)>> = ends.iter().map(|end| (end.partition.0, Vec::new())).collect();
    while let Some(records) = consumer.poll_to(&ends, PATIENCE).await? {
        let PartitionIndex(partition) = records.partition();
        let read = all.get_mut(&partition).expect("an assigned partition");
        read.extend(records.iter().map(|record| (record.offset().get(), number(record.value()))));
    }
    assert!(consumer.has_reached(&ends), "the end was not reached in time: {:?}", consumer.lag());
    Ok(all)
}

pub(crate) fn offset(number: u64) -> base::Offset {
    base::Offset::ZERO.plus(number)
}
