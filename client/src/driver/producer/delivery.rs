//! What became of a record.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base::{Offset, PartitionIndex, Timestamp};
use wire::native::StageTimings;

use crate::error::ClientError;
use crate::machine::producer::{Delivered, DeliveryError};

/// A record that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    pub topic: Arc<str>,
    pub partition: PartitionIndex,
    /// `None` without acknowledgement, and where the broker has forgotten at which offset it has a repeated batch.
    pub offset: Option<Offset>,
    /// As it is in the log: the broker's, where the topic asks for that.
    pub timestamp: Timestamp,
    /// Where the broker spent its time on the request.
    pub timings: Option<StageTimings>,
    /// From the beginning of the record's batch to its first departure.
    pub queued: Duration,
    /// From its last departure to the answer.
    pub answered: Duration,
}

/// What became of one batch, for all who wait for its records.
pub(super) struct Outcome {
    topic: Arc<str>,
    result: RefCell<Option<Result<Delivered, DeliveryError>>>,
    waiters: RefCell<Vec<Option<Waker>>>,
}

impl Outcome {
    pub(super) fn new(topic: Arc<str>) -> Self {
        Self { topic, result: RefCell::new(None), waiters: RefCell::default() }
    }

    pub(super) fn settle(&self, result: Result<Delivered, DeliveryError>) {
        *self.result.borrow_mut() = Some(result);
        let waiters = std::mem::take(&mut *self.waiters.borrow_mut());
        waiters.into_iter().flatten().for_each(Waker::wake);
    }
}

/// Resolves when a record has been delivered, or given up. Dropping it changes nothing for the record.
#[must_use = "drop it explicitly if nobody wants to know what became of the record"]
pub struct DeliveryFuture {
    outcome: Rc<Outcome>,
    /// Position in its batch.
    index: u32,
    timestamp: Timestamp,
    /// Its waker's place among the waiters.
    slot: Option<usize>,
}

impl DeliveryFuture {
    pub(super) fn new(outcome: Rc<Outcome>, index: u32, timestamp: Timestamp) -> Self {
        Self { outcome, index, timestamp, slot: None }
    }

    /// Whether it is known what became of the record.
    pub fn is_settled(&self) -> bool {
        self.outcome.result.borrow().is_some()
    }

    fn of_record(&self, result: &Result<Delivered, DeliveryError>) -> Result<RecordMetadata, ClientError> {
        let topic = self.outcome.topic.clone();
        match result {
            Ok(delivered) => Ok(RecordMetadata {
                topic,
                partition: delivered.partition.index,
                offset: delivered.base_offset.map(|base| base.plus(u64::from(self.index))),
                timestamp: delivered.log_append_time.unwrap_or(self.timestamp),
                timings: delivered.timings,
                queued: delivered.queued,
                answered: delivered.answered,
            }),
            Err(error) => {
                Err(ClientError::Delivery { topic, partition: error.partition().index, error: error.clone() })
            }
        }
    }
}

impl Future for DeliveryFuture {
    type Output = Result<RecordMetadata, ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = &*self.outcome.result.borrow() {
            return Poll::Ready(self.of_record(result));
        }
        let outcome = self.outcome.clone();
        let mut waiters = outcome.waiters.borrow_mut();
        let slot = *self.slot.get_or_insert_with(|| {
            waiters.push(None);
            waiters.len() - 1
        });
        waiters[slot] = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for DeliveryFuture {
    fn drop(&mut self) {
        if let Some(slot) = self.slot
            && let Some(waiter) = self.outcome.waiters.borrow_mut().get_mut(slot)
        {
            *waiter = None;
        }
    }
}

impl fmt::Debug for DeliveryFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, result) = (&self.index, &self.outcome.result);
        f.debug_struct("DeliveryFuture").field("index", index).field("result", result).finish_non_exhaustive()
    }
}
