//! Batches of topics with a `compression.type` of their own: those of another codec are compressed anew on their way in.
//!
//! A core works on one such batch at a time, and on all but small ones beside its own thread. What waits stands in one
//! line, in which batches of one partition stay in the order in which they came: also those that need nothing done stand
//! behind those that do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use base::{Bounded, PartitionId};
use bytes::Bytes;
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;
use wire::batch::validate::{ProduceRules, validate_produced};
use wire::batch::{BatchError, HEADER_BYTES, Recompressed, Recompressor};
use wire::compress::{Codec, DecompressError};

use crate::core::Core;
use crate::handover::Place;
use crate::limits;
use crate::messages::AppendRequest;
use crate::produce::Part;
use crate::refusal::Refusal;

/// A batch that is to be compressed anew.
pub(crate) struct Recompression {
    /// As it came.
    pub(crate) batch: Bytes,
    pub(crate) rules: ProduceRules,
    pub(crate) codec: Codec,
}

struct Waiting {
    request: AppendRequest,
    work: Option<Recompression>,
    place: Rc<Place>,
}

/// The line of one core.
pub(crate) struct Recompressions {
    line: RefCell<Bounded<Waiting>>,
    /// How many batches of a partition are in the line or being worked on.
    of_partition: RefCell<BTreeMap<PartitionId, usize>>,
    is_working: Cell<bool>,
    tools: RefCell<Option<Box<Recompressor>>>,
}

impl Recompressions {
    pub(crate) fn new() -> Self {
        Self {
            line: RefCell::new(Bounded::new("core.recompressions", limits::RECOMPRESSIONS_MAX)),
            of_partition: RefCell::default(),
            is_working: Cell::new(false),
            tools: RefCell::default(),
        }
    }

    /// Whether a batch of a partition need not wait for others before it.
    pub(crate) fn may_pass(&self, id: PartitionId) -> bool {
        !self.is_working.get() || !self.of_partition.borrow().contains_key(&id)
    }

    fn left(&self, id: PartitionId) {
        let mut counts = self.of_partition.borrow_mut();
        let count = counts.get_mut(&id).expect("what leaves the line was counted");
        *count -= 1;
        if *count == 0 {
            counts.remove(&id);
        }
    }
}

impl Core {
    /// Gives a batch its place in the line.
    pub(crate) fn recompress_in_line(self: &Rc<Self>, request: AppendRequest, work: Option<Recompression>) -> Part {
        let (id, place) = (request.id, Rc::new(Place::new()));
        let waiting = Waiting { request, work, place: Rc::clone(&place) };
        if let Err(full) = self.recompressions.line.borrow_mut().try_push(waiting) {
            let text = format!("queue {} is full at its limit of {}", full.queue, full.limit);
            return Part::Done(Err(Refusal::new(ErrorCode::RequestTimedOut, text)));
        }
        *self.recompressions.of_partition.borrow_mut().entry(id).or_default() += 1;
        if !self.recompressions.is_working.replace(true) {
            drop(rt::spawn(FOREGROUND, Rc::clone(self).recompress_all()));
        }
        Part::Held(place)
    }

    async fn recompress_all(self: Rc<Self>) {
        loop {
            let next = self.recompressions.line.borrow_mut().pop();
            let Some(Waiting { request, work, place }) = next else { break };
            let id = request.id;
            // What it becomes counts beside the request, and whoever has gone beyond the limit so does not wait for others.
            self.request_memory.near_limit().await;
            self.room_among_held().await;
            let ready = match work {
                None => Ok(request),
                Some(work) => self.recompress(request, work, &place).await,
            };
            let part = match ready {
                Ok(request) => self.route(request),
                Err(refusal) => Part::Done(Err(refusal)),
            };
            self.recompressions.left(id);
            place.release(part);
            rt::yield_if_needed().await;
        }
        self.recompressions.is_working.set(false);
    }

    async fn recompress(
        &self,
        request: AppendRequest,
        work: Recompression,
        place: &Place,
    ) -> Result<AppendRequest, Refusal> {
        let tools = self.recompressions.tools.borrow_mut().take().unwrap_or_default();
        let (mut tools, result) = match work.at_once(tools) {
            Done::Yes(tools, result) => (tools, result),
            Done::TooLarge(tools) => {
                let elsewhere = rt::blocking(move || work.run(tools, limits::RECOMPRESSED_BYTES_MAX)).await;
                elsewhere.map_err(|panicked| {
                    tracing::error!(%panicked, id = %request.id, "a batch could not be compressed anew");
                    Refusal::from(ErrorCode::UnknownServerError)
                })?
            }
        };
        tools.trim(limits::DECOMPRESSOR_RETAINED_BYTES_MAX);
        *self.recompressions.tools.borrow_mut() = Some(tools);
        let Recompressed { bytes, max_timestamp } = result.map_err(|error| Refusal::from(&error))?;
        // Beside the request that it came with, which is counted until it is answered.
        place.keep(self.request_memory.take_now(bytes.len()));
        let header = *bytes.first_chunk::<HEADER_BYTES>().expect("a batch has a header");
        let payload = Bytes::from(bytes).slice(HEADER_BYTES..);
        Ok(AppendRequest { header, payload, max_timestamp, ..request })
    }
}

type Finished = (Box<Recompressor>, Result<Recompressed, BatchError>);

enum Done {
    Yes(Box<Recompressor>, Result<Recompressed, BatchError>),
    TooLarge(Box<Recompressor>),
}

impl Recompression {
    /// Does what takes less time than going to another thread.
    fn at_once(&self, tools: Box<Recompressor>) -> Done {
        if self.batch.len() > limits::RECOMPRESSED_HERE_BYTES_MAX {
            return Done::TooLarge(tools);
        }
        match self.run(tools, limits::RECOMPRESSED_HERE_BYTES_MAX) {
            (tools, Err(BatchError::Decompress(DecompressError::OverBudget { .. }))) => Done::TooLarge(tools),
            (tools, result) => Done::Yes(tools, result),
        }
    }

    fn run(&self, mut tools: Box<Recompressor>, budget: usize) -> Finished {
        // No more than what may be stored, where it is to be stored as it is.
        let budget = if self.codec == Codec::None { budget.min(self.rules.batch_bytes_max) } else { budget };
        let result = validate_produced(&self.batch, &self.rules)
            .and_then(|produced| tools.recompress(&produced, &self.rules, self.codec, budget));
        (tools, result)
    }
}
