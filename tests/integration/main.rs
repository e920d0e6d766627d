//! One broker process, asked through the Kafka door what clients rely on beyond bytes in and bytes out.

mod admin;
mod asking;
mod compacting;
mod deleting;
mod descriptors;
mod fetching;
mod groups;
mod idempotence;
mod lanes;
mod metadata_log;
mod pressure;
mod producing;
mod semantics;
mod sessions;
mod watching;

use tests::kafka::Client;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp};
use wire::compress::Compressor;

/// Milliseconds of the first record that tests make.
const EPOCH: i64 = 1_700_000_000_000;

/// A batch of records with these timestamps after [`EPOCH`], each with a value of `bytes` bytes.
fn batch_at(milliseconds: &[i64], bytes: usize, producer: Option<ProducerStamp>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    let value = vec![b'v'; bytes];
    for offset in milliseconds {
        let timestamp = base::Timestamp::from_wire(EPOCH + offset);
        builder
            .push(&NewRecord { timestamp, value: Some(&value), ..NewRecord::default() })
            .expect("the batch has room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

/// A batch of `records` small records.
fn batch(records: usize) -> Vec<u8> {
    batch_at(&vec![0; records], 10, None)
}

/// The records of these tests are of 2023: a broker that lives for longer than 30 s would remove them otherwise.
const FOR_EVER: (&str, &str) = ("retention.ms", "-1");

fn client_with_topic(broker: &tests::broker::Broker, topic: &str, partitions: i32) -> Client {
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    let made = client.create_topic(topic, partitions, &[FOR_EVER]).expect("the broker answers");
    assert_eq!(made, wire::ErrorCode::None);
    client
}
