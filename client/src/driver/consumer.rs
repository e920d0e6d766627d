//! Records read.

mod driver;

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use base::{Offset, PartitionId, PartitionIndex};
use rt::{now, timeout};
use wire::native::OffsetAt;

pub(crate) use driver::ConsumerInner;

use super::client::{Owned, Shared};
use crate::config::ConsumerConfig;
use crate::error::ClientError;
use crate::machine::consumer::{FetchedRecords, Start};

/// Reads the partitions that it is assigned, each in order.
///
/// The broker pushes records as they become readable; the consumer holds what has come until it is polled, within
/// [`ConsumerConfig::buffer_bytes_max`]. Dropping it closes its streams.
pub struct Consumer {
    inner: Rc<ConsumerInner>,
}

/// Some records of one partition.
#[derive(Clone, Debug)]
pub struct ConsumedRecords {
    topic: Arc<str>,
    records: FetchedRecords,
}

impl ConsumedRecords {
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub fn partition(&self) -> PartitionIndex {
        self.records.partition().index
    }
}

impl Deref for ConsumedRecords {
    type Target = FetchedRecords;

    fn deref(&self) -> &FetchedRecords {
        &self.records
    }
}

/// How far a consumer is behind, as the broker last said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionLag {
    pub topic: Arc<str>,
    pub partition: PartitionIndex,
    /// The next record that will be given out.
    pub position: Option<Offset>,
    pub high_watermark: Option<Offset>,
    pub log_start_offset: Option<Offset>,
    /// Records between the two; `None` while one of them is not known.
    pub records: Option<u64>,
}

/// Where a partition ended when [`Consumer::end_offsets`] asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionEnd {
    pub topic: Arc<str>,
    pub partition: PartitionIndex,
    /// The offset after the last readable record.
    pub end: Offset,
    id: PartitionId,
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.inner.close();
    }
}

impl Consumer {
    pub(super) fn new(shared: Rc<Shared>, config: ConsumerConfig) -> Result<Self, ClientError> {
        let inner = ConsumerInner::start(shared.clone(), config)?;
        let weak = Rc::downgrade(&inner);
        shared.own(Owned::Consumer(weak.clone()), weak);
        Ok(Self { inner })
    }

    /// Reads these partitions from these places on, and no others.
    pub async fn assign(&self, assignment: &[(&str, PartitionIndex, Start)]) -> Result<(), ClientError> {
        let mut resolved = Vec::with_capacity(assignment.len());
        for (name, index, start) in assignment {
            let (topic, partition) = self.inner.partition(name, *index).await?;
            resolved.push((topic, partition, *start));
        }
        self.inner.assign(&resolved)
    }

    /// Reads all partitions of a topic, and no others.
    pub async fn assign_topic(&self, name: &str, start: Start) -> Result<(), ClientError> {
        let topic = self.inner.shared.topic(name).await?;
        let partition = |index| topic.partition(index).expect("one of the topic's own");
        let all: Vec<_> = topic.partitions().map(|index| (topic.name().clone(), partition(index), start)).collect();
        self.inner.assign(&all)
    }

    /// The next records of some partition; `None` if there are none within the time.
    ///
    /// The position moves as records are given out. An error is about one partition, and the others go on.
    pub async fn poll(&self, wait_max: Duration) -> Result<Option<ConsumedRecords>, ClientError> {
        self.poll_unless(wait_max, || false).await
    }

    /// As [`poll`](Self::poll), but does not wait once all these ends are reached: for those who read what there is.
    ///
    /// Records that were written since may come with the last ones below an end. `None` also means that the time is over;
    /// [`has_reached`](Self::has_reached) tells which.
    pub async fn poll_to(
        &self,
        ends: &[PartitionEnd],
        wait_max: Duration,
    ) -> Result<Option<ConsumedRecords>, ClientError> {
        self.poll_unless(wait_max, || self.has_reached(ends)).await
    }

    async fn poll_unless(
        &self,
        wait_max: Duration,
        is_over: impl Fn() -> bool,
    ) -> Result<Option<ConsumedRecords>, ClientError> {
        let give_up_at = now().plus(wait_max);
        // Before anything is taken, so that nothing is lost with a future that is dropped.
        rt::yield_if_needed().await;
        loop {
            let available = self.inner.available.notified();
            self.inner.check_open()?;
            if let Some(error) = self.inner.take_error() {
                return Err(error);
            }
            if let Some(records) = self.inner.take() {
                return Ok(Some(records));
            }
            if self.inner.has_error() {
                continue;
            }
            let left = give_up_at.since(now());
            if is_over() || left == Duration::ZERO || timeout(left, available).await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Goes on elsewhere.
    pub fn seek(&self, topic: &str, partition: PartitionIndex, start: Start) -> Result<(), ClientError> {
        let id = self.assigned(topic, partition)?;
        self.inner.seek(id, start);
        Ok(())
    }

    /// The next record that will be given out; `None` while that is not known.
    pub fn position(&self, topic: &str, partition: PartitionIndex) -> Result<Option<Offset>, ClientError> {
        let id = self.assigned(topic, partition)?;
        Ok(self.inner.with_core(|core| core.position(id)))
    }

    /// Gives out no records of a partition until it is resumed.
    pub fn pause(&self, topic: &str, partition: PartitionIndex) -> Result<(), ClientError> {
        let id = self.assigned(topic, partition)?;
        self.inner.pause(id);
        Ok(())
    }

    pub fn resume(&self, topic: &str, partition: PartitionIndex) -> Result<(), ClientError> {
        let id = self.assigned(topic, partition)?;
        self.inner.resume(id);
        Ok(())
    }

    /// Where each assigned partition stands, as far as is known without asking.
    pub fn lag(&self) -> Vec<PartitionLag> {
        self.inner.lag()
    }

    /// Asks for the end of each assigned partition.
    pub async fn end_offsets(&self) -> Result<Vec<PartitionEnd>, ClientError> {
        let assigned = self.inner.assigned();
        let queries: Vec<_> = assigned.iter().map(|(_, id)| (*id, OffsetAt::Latest)).collect();
        let answers = self.inner.shared.list_offsets(&queries).await?;
        let ends = assigned.into_iter().zip(answers).map(|((topic, id), answer)| PartitionEnd {
            topic,
            partition: id.index,
            end: answer.offset.unwrap_or_default(),
            id,
        });
        Ok(ends.collect())
    }

    /// Whether everything before these ends has been given out.
    pub fn has_reached(&self, ends: &[PartitionEnd]) -> bool {
        let reached = |end: &PartitionEnd| self.inner.with_core(|core| core.position(end.id)) >= Some(end.end);
        ends.iter().all(reached)
    }

    /// Bytes of batches that wait to be polled.
    pub fn buffered_bytes(&self) -> usize {
        self.inner.with_core(|core| core.buffered_bytes())
    }

    fn assigned(&self, topic: &str, partition: PartitionIndex) -> Result<PartitionId, ClientError> {
        let found = self.inner.find(topic, partition);
        found.ok_or_else(|| ClientError::NotAssigned { topic: topic.into(), partition })
    }
}
