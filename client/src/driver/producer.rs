//! Records sent.

mod delivery;
mod driver;

use std::rc::Rc;
use std::time::Duration;

use base::{PartitionIndex, Timestamp};
use rt::{now, timeout, wall_clock};
use wire::batch::{Header, NewRecord};

pub use delivery::{DeliveryFuture, RecordMetadata};
pub(crate) use driver::ProducerInner;

use super::client::{Owned, Shared};
use crate::config::ProducerConfig;
use crate::error::ClientError;
use crate::machine::accumulator::RecordRefused;
use crate::machine::metadata::{Lookup, Topic};
use crate::machine::partitioner::{Choice, Partitioner};

/// A record to be sent. Its bytes are copied when it is taken.
#[derive(Clone, Copy, Debug)]
pub struct ProducerRecord<'a> {
    pub topic: &'a str,
    /// `None` leaves it to the partitioner.
    pub partition: Option<PartitionIndex>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [Header<'a>],
    /// `None` is the time at which it is taken.
    pub timestamp: Option<Timestamp>,
}

impl<'a> ProducerRecord<'a> {
    pub fn new(topic: &'a str) -> Self {
        Self { topic, partition: None, key: None, value: None, headers: &[], timestamp: None }
    }

    pub fn partition(self, index: u32) -> Self {
        Self { partition: Some(PartitionIndex(index)), ..self }
    }

    pub fn key(self, key: &'a [u8]) -> Self {
        Self { key: Some(key), ..self }
    }

    pub fn value(self, value: &'a [u8]) -> Self {
        Self { value: Some(value), ..self }
    }

    pub fn headers(self, headers: &'a [Header<'a>]) -> Self {
        Self { headers, ..self }
    }

    pub fn timestamp(self, timestamp: Timestamp) -> Self {
        Self { timestamp: Some(timestamp), ..self }
    }
}

/// Sends records, in batches, to the cores that lead their partitions. Clones are the same producer.
///
/// Records for one partition are appended in the order in which they were taken. When the last clone is dropped, what has
/// not been delivered is given up; [`flush`](Self::flush) or [`close`](Self::close) before waits for it.
#[derive(Clone)]
pub struct Producer {
    handle: Rc<Handle>,
}

/// Gives up what is left when the last clone is dropped.
struct Handle {
    inner: Rc<ProducerInner>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inner.abort();
    }
}

impl Producer {
    pub(super) fn new(
        shared: Rc<Shared>,
        config: ProducerConfig,
        partitioner: Box<dyn Partitioner>,
    ) -> Result<Self, ClientError> {
        let inner = ProducerInner::start(shared.clone(), config, partitioner)?;
        let weak = Rc::downgrade(&inner);
        shared.own(Owned::Producer(weak.clone()), weak);
        Ok(Self { handle: Rc::new(Handle { inner }) })
    }

    /// Takes a record, and says by a future what becomes of it; dropping that does not take the record back.
    ///
    /// Waits for metadata of a topic that is new, and for room while the buffer is full. A future that is dropped before it
    /// has resolved has not taken the record.
    pub async fn send(&self, record: ProducerRecord<'_>) -> Result<DeliveryFuture, ClientError> {
        let inner = &self.handle.inner;
        let mut deadline = None;
        // What is taken has to leave, too, while there is still room for more.
        rt::yield_if_needed().await;
        loop {
            inner.check_open()?;
            let known = inner.shared.metadata.borrow_mut().look_up(now(), record.topic);
            let topic = match known {
                Lookup::Known(topic) => topic,
                Lookup::Missing | Lookup::Refused(_) | Lookup::Awaited => inner.shared.topic(record.topic).await?,
            };
            let room = inner.room.notified();
            let refused = match self.take(&topic, &record) {
                Ok(delivery) => return Ok(delivery),
                Err(refused @ ClientError::Record { refused: RecordRefused::BufferFull { .. }, .. }) => refused,
                Err(refused) => return Err(refused),
            };
            let deadline = *deadline.get_or_insert_with(|| now().plus(inner.config.buffer_wait_max));
            let left = deadline.since(now());
            if left == Duration::ZERO || timeout(left, room).await.is_err() {
                return Err(refused);
            }
        }
    }

    /// Takes a record if that needs no waiting. What a record of a new topic waits for has begun when this returns.
    pub fn try_send(&self, record: ProducerRecord<'_>) -> Result<DeliveryFuture, ClientError> {
        let inner = &self.handle.inner;
        inner.check_open()?;
        let lookup = inner.shared.metadata.borrow_mut().look_up(now(), record.topic);
        let topic = record.topic;
        let error = match lookup {
            Lookup::Known(topic) => return self.take(&topic, &record),
            Lookup::Missing => ClientError::UnknownTopic { topic: topic.into() },
            Lookup::Refused(_) | Lookup::Awaited => ClientError::TopicAwaited { topic: topic.into() },
        };
        inner.shared.metadata.borrow_mut().doubt_name(now(), topic);
        inner.shared.refresh_metadata();
        Err(error)
    }

    /// Waits until all records that were taken before have been delivered or given up.
    pub async fn flush(&self) {
        self.handle.inner.flush().await;
    }

    /// Takes no more records, and waits as [`flush`](Self::flush) does.
    pub async fn close(&self) {
        self.handle.inner.close().await;
    }

    /// Bytes of records that were taken and are not done.
    pub fn buffered_bytes(&self) -> usize {
        self.handle.inner.buffered_bytes()
    }

    fn take(&self, topic: &Topic, record: &ProducerRecord<'_>) -> Result<DeliveryFuture, ClientError> {
        let inner = &self.handle.inner;
        let partitions = topic.partition_count();
        let index = match record.partition {
            Some(index) => index,
            None if partitions == 0 => PartitionIndex(0),
            None => inner.choose(&Choice {
                topic_name: topic.name(),
                topic: topic.id(),
                key: record.key,
                value: record.value,
                partitions,
                available: topic.available(),
            }),
        };
        let partition = topic.partition(index).ok_or_else(|| {
            // It may have been added since.
            inner.shared.metadata.borrow_mut().doubt(now(), topic.id());
            inner.shared.refresh_metadata();
            ClientError::NoSuchPartition { topic: topic.name().clone(), partition: index, partitions }
        })?;
        let timestamp = record.timestamp.unwrap_or_else(wall_clock);
        let ProducerRecord { key, value, headers, .. } = *record;
        let new = NewRecord { timestamp: Some(timestamp), key, value, headers };
        inner.append(topic.name(), partition, &new, timestamp)
    }
}
