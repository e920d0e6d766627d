//! The native client: it finds the core that leads a partition and talks straight to it.
//!
//! [`machine`] decides, without I/O: order and repetition of batches, streams and credit, metadata, connections. The rest
//! of the crate drives it on one of `rt`'s executors. Everything here belongs to one core and is not shared between
//! threads; a program with several cores makes a client on each.
//!
//! ```no_run
//! use client::{Client, ClientConfig, ConsumerConfig, ProducerConfig, ProducerRecord, Start};
//! # async fn example() -> Result<(), client::ClientError> {
//! let client = Client::connect(ClientConfig::new(["127.0.0.1:9292".parse().expect("an address")])).await?;
//!
//! let producer = client.producer(ProducerConfig::default())?;
//! let delivery = producer.send(ProducerRecord::new("greetings").key(b"en").value(b"hello")).await?;
//! println!("written at offset {:?}", delivery.await?.offset);
//!
//! let consumer = client.consumer(ConsumerConfig::default())?;
//! consumer.assign(&[("greetings", base::PartitionIndex(0), Start::Earliest)]).await?;
//! if let Some(records) = consumer.poll(std::time::Duration::from_secs(1)).await? {
//!     records.iter().for_each(|record| println!("{}: {:?}", record.offset(), record.value()));
//! }
//! client.close().await;
//! # Ok(())
//! # }
//! ```

pub mod config;
mod driver;
pub mod error;
pub mod limits;
pub mod machine;
pub mod task_queues;

pub use config::{ClientConfig, ConfigError, ConsumerConfig, ProducerConfig};
pub use driver::Client;
pub use driver::admin::{
    Admin, BrokerStatus, DescribedTopic, ListedOffset, MovedPartition, NewTopic, PartitionTotal, TopicListing,
    TopicResult,
};
pub use driver::consumer::{ConsumedRecords, Consumer, PartitionEnd, PartitionLag};
pub use driver::producer::{DeliveryFuture, Producer, ProducerRecord, RecordMetadata};
pub use error::ClientError;
pub use machine::consumer::{Checksums, FetchedRecord, ResetPolicy, Start};
pub use machine::partitioner::{Choice, KeyPartitioner, Partitioner};
pub use machine::producer::Idempotence;
pub use task_queues::{ClientQueues, TASK_QUEUES};
