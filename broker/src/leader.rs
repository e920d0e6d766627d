//! A partition that this core leads: producer checks, the append, and the wait for its safety.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use base::{Instant, LeaderEpoch, Offset, PartitionId};
use cluster::producers::{AppendedBatch, ProducerTable, ProducerVerdict};
use cluster::settings::TopicSettings;
use shard::task_queues::FOREGROUND;
use shard::{AppendBatch, AppendError, Appended, Turn};
use wire::ErrorCode;
use wire::batch::HEADER_BYTES;
use wire::native::{Stage, StageTimings};

use crate::core::Core;
use crate::limits;
use crate::messages::{Acks, AppendReply, AppendRequest};
use crate::refusal::Refusal;
use crate::stages::microseconds;

pub(crate) struct Leader {
    pub(crate) epoch: LeaderEpoch,
    pub(crate) settings: Rc<TopicSettings>,
    pub(crate) producers: ProducerTable,
    /// Time that was spent on it lately; see [`crate::activity`].
    pub(crate) work: Cell<Duration>,
}

impl Leader {
    pub(crate) fn new(epoch: LeaderEpoch, settings: Rc<TopicSettings>) -> Self {
        let producers = ProducerTable::new(limits::PRODUCERS_PER_PARTITION_MAX);
        Self { epoch, settings, producers, work: Cell::default() }
    }
}

pub(crate) type AppendResult = Result<AppendReply, Refusal>;

/// What became of an append so far.
pub(crate) enum Progress {
    Done(AppendResult),
    /// Waits for its turn, or for its records to be safe.
    Waiting(Pin<Box<dyn Future<Output = AppendResult>>>),
}

/// An append that the log has, or had before.
enum Taken {
    Appended {
        appended: Appended,
        reply: AppendReply,
    },
    /// The same batch came before; its records end here.
    Repeated {
        end: Offset,
        reply: AppendReply,
    },
}

impl Core {
    /// Appends a batch of a partition of this core. Appends of one producer stay in the order of these calls.
    pub(crate) fn append(self: &Rc<Self>, request: AppendRequest) -> Progress {
        let bytes = u32::try_from(HEADER_BYTES + request.payload.len()).expect("frames are below 4 GiB");
        let begun = rt::now();
        match self.shard.room(bytes) {
            Some(Ok(())) => match self.take(&request, None, begun) {
                Ok(taken) => self.settle(request.id, request.acks, taken),
                Err(refusal) => Progress::Done(Err(refusal)),
            },
            Some(Err(error)) => Progress::Done(Err(error.into())),
            None => match self.shard.turn() {
                Ok(turn) => {
                    // A task of its own: whoever is first in line must go on, whether or not the connection that
                    // it came from gets to look at its answer. Everybody on this core stands in the same line.
                    let waiting = Rc::clone(self).append_in_turn(turn, request, bytes, begun);
                    Progress::Waiting(Box::pin(rt::spawn(FOREGROUND, waiting)))
                }
                Err(error) => Progress::Done(Err(error.into())),
            },
        }
    }

    async fn append_in_turn(
        self: Rc<Self>,
        turn: Turn,
        request: AppendRequest,
        bytes: u32,
        begun: Instant,
    ) -> AppendResult {
        turn.wait(bytes).await?;
        let taken = self.take(&request, Some(turn), begun)?;
        match self.settle(request.id, request.acks, taken) {
            Progress::Done(result) => result,
            Progress::Waiting(rest) => rest.await,
        }
    }

    /// Checks the producer and hands the batch to the log. There is room.
    fn take(&self, request: &AppendRequest, turn: Option<Turn>, begun: Instant) -> Result<Taken, Refusal> {
        let id = request.id;
        let mut leaders = self.leaders.borrow_mut();
        let leader = leaders.get_mut(&id).ok_or(ErrorCode::NotLeaderOrFollower)?;
        if request.acks == Acks::All && leader.settings.min_insync_replicas > 1 {
            let message =
                format!("1 replica is in sync, min.insync.replicas is {}", leader.settings.min_insync_replicas);
            return Err(Refusal::new(ErrorCode::NotEnoughReplicas, message));
        }
        let started = rt::now();
        let mut timings = StageTimings::default();
        timings.set(Stage::Queue, microseconds(started.since(begun)));
        let verdict = request.stamp.map_or(ProducerVerdict::Append, |stamp| leader.producers.check(&stamp));
        match verdict {
            ProducerVerdict::Append => {}
            ProducerVerdict::Refuse(error) => return Err(error.into()),
            ProducerVerdict::Duplicate { base_offset, last_offset, max_timestamp } => {
                let log_start = self.shard.offsets(id).map_or(Offset::ZERO, |offsets| offsets.log_start);
                let log_append_time = request.log_append_time.and(max_timestamp);
                let reply = AppendReply { base_offset, log_append_time, log_start, timings };
                return Ok(Taken::Repeated { end: last_offset.plus(1), reply });
            }
        }
        let batch = AppendBatch {
            header: &request.header,
            payload: &request.payload,
            offsets: request.offsets,
            max_timestamp: request.max_timestamp.map_or(-1, base::Timestamp::to_wire),
            leader_epoch: leader.epoch,
        };
        let appended = match turn {
            Some(turn) => turn.append(id, batch)?,
            None => self.shard.append_now(id, batch)?,
        };
        if let Some(stamp) = request.stamp {
            let (base_offset, max_timestamp) = (appended.base_offset, request.max_timestamp);
            let appended_at = rt::wall_clock();
            leader.producers.apply(&AppendedBatch { stamp, base_offset, max_timestamp, appended_at });
            self.producers.borrow_mut().note(id, &mut leader.producers);
        }
        let took = rt::now().since(started);
        self.activity.note(id, leader, took);
        drop(leaders);
        self.forget_producers_beyond_limit();
        timings.set(Stage::Append, microseconds(took));
        let reply = AppendReply {
            base_offset: appended.base_offset,
            log_append_time: request.log_append_time,
            log_start: appended.log_start,
            timings,
        };
        Ok(Taken::Appended { appended, reply })
    }

    /// Answers as soon as the acknowledgement asked for is true.
    fn settle(self: &Rc<Self>, id: PartitionId, acks: Acks, taken: Taken) -> Progress {
        let reply = match &taken {
            Taken::Appended { reply, .. } | Taken::Repeated { reply, .. } => *reply,
        };
        if acks != Acks::All {
            return Progress::Done(Ok(reply));
        }
        let core = Rc::clone(self);
        let appended_at = rt::now();
        let flushed = move |mut reply: AppendReply| {
            reply.timings.set(Stage::Flush, microseconds(rt::now().since(appended_at)));
            reply
        };
        let storage = |cause: rt::DiskError| Refusal::new(ErrorCode::KafkaStorageError, cause.to_string());
        match taken {
            Taken::Appended { appended, .. } => match self.shard.is_safe(appended) {
                Some(result) => Progress::Done(result.map(|()| flushed(reply)).map_err(storage)),
                None => Progress::Waiting(Box::pin(async move {
                    core.shard.safe(appended).await.map_err(storage)?;
                    Ok(flushed(reply))
                })),
            },
            Taken::Repeated { end, .. } => Progress::Waiting(Box::pin(async move {
                match core.shard.safe_up_to(id, end).await {
                    // All that it had was flushed when it went to another core.
                    Err(AppendError::UnknownPartition(_)) if core.is_elsewhere(id) => {}
                    result => result?,
                }
                Ok(flushed(reply))
            })),
        }
    }
}
