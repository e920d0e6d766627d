//! What one core asks of another. Everything in here is owned, and batches travel as references to received bytes.

use base::{CoreId, LeaderEpoch, Offset, PartitionId, PartitionIndex, Timestamp};
use bytes::Bytes;
use cluster::fetch_sessions::PartitionKey;
use cluster::metadata::Command;
use cluster::producers::{BatchStamp, ProducerEntry};
use shard::{DepartureNumber, TrimTo};
use wire::batch::HEADER_BYTES;
use wire::native::StageTimings;

use crate::activity::{CoreActivity, Look};
use crate::controller::Moved;
use crate::groups::{Ask, AskResult, Listed};
use crate::handover::HandedOver;
use crate::hops::Hops;
use crate::mesh::CallId;
use crate::metrics::{Samples, Standing};
use crate::reads::ReadResult;
use crate::refusal::Refusal;
use crate::stages::StageSummary;
use crate::view::ViewChange;

/// How much must be true before a produce request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acks {
    /// Nothing: there is no answer.
    None,
    /// The leader has the records in memory.
    Leader,
    /// The records are on stable storage of every in-sync replica.
    All,
}

/// One batch for one partition, validated at the door.
#[derive(Debug)]
pub(crate) struct AppendRequest {
    pub(crate) id: PartitionId,
    /// With the producer's timestamps or the log append time; base offset and leader epoch are assigned by the owner.
    pub(crate) header: [u8; HEADER_BYTES],
    pub(crate) payload: Bytes,
    pub(crate) offsets: u32,
    pub(crate) max_timestamp: Option<Timestamp>,
    /// The time of the append, where the topic wants that instead of the producer's time.
    pub(crate) log_append_time: Option<Timestamp>,
    pub(crate) stamp: Option<BatchStamp>,
    pub(crate) acks: Acks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AppendReply {
    pub(crate) base_offset: Offset,
    pub(crate) log_append_time: Option<Timestamp>,
    pub(crate) log_start: Offset,
    pub(crate) timings: StageTimings,
}

/// One partition of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadPart {
    pub(crate) id: PartitionId,
    pub(crate) offset: Offset,
    pub(crate) bytes_max: u32,
    /// What the reader believes to be the leader's epoch.
    pub(crate) current_epoch: Option<LeaderEpoch>,
    /// Epoch of the last record that the reader has, to be told of a divergence (KIP-595).
    pub(crate) last_epoch: Option<LeaderEpoch>,
}

#[derive(Clone, Debug)]
pub(crate) struct ReadReply {
    pub(crate) parts: Vec<Bytes>,
    pub(crate) bytes: u32,
    /// Where to read on.
    pub(crate) next_offset: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) log_start: Offset,
    /// The reader's log ends elsewhere in this epoch.
    pub(crate) diverging: Option<(LeaderEpoch, Offset)>,
}

/// What a core gets of `bytes`, by what its partitions wish for of all that is wished for.
pub(crate) fn share_of(bytes: u32, wish: u64, wishes: u64) -> u32 {
    let share = u128::from(bytes) * u128::from(wish.min(wishes)) / u128::from(wishes.max(1));
    u32::try_from(share).expect("a share is no more than the whole").max(bytes.min(1))
}

/// How much a read may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) bytes: u32,
    /// Nothing was brought yet: the first data is given whole, however large (KIP-74).
    pub(crate) is_first: bool,
}

impl Room {
    pub(crate) const fn of(bytes: u32) -> Self {
        Self { bytes, is_first: true }
    }

    pub(crate) fn take(&mut self, bytes: u32) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.is_first &= bytes == 0;
    }
}

/// Reads partitions, and makes sure before that the next move of each is told.
#[derive(Debug)]
pub(crate) struct LookRequest {
    pub(crate) follower: CallId,
    /// These need not be followed any more.
    pub(crate) unfollowed: Vec<PartitionKey>,
    /// Of no more than [`limits::LOOK_PARTITIONS_MAX`](crate::limits::LOOK_PARTITIONS_MAX).
    pub(crate) parts: Vec<(PartitionKey, ReadPart)>,
    pub(crate) room: Room,
}

/// A partition that was followed and has moved.
#[derive(Debug)]
pub(crate) struct MovedPart {
    pub(crate) key: PartitionKey,
    /// What it gave when it had, if that was asked for and is little. It is followed again then.
    pub(crate) brought: Option<(ReadPart, ReadResult)>,
}

/// Why a partition of a fetch gave nothing.
#[derive(Clone, Debug)]
pub(crate) struct ReadRefusal {
    pub(crate) refusal: Refusal,
    /// Where the log begins and ends, if that is known.
    pub(crate) bounds: Option<(Offset, Offset)>,
}

/// What is asked about a partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryKind {
    Earliest,
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record at or after a time.
    AtTime(Timestamp),
    /// The end of a leader epoch.
    EndOfEpoch(LeaderEpoch),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) id: PartitionId,
    pub(crate) current_epoch: Option<LeaderEpoch>,
    pub(crate) kind: QueryKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueryAnswer {
    /// `None` when no record or epoch fits.
    pub(crate) offset: Option<Offset>,
    pub(crate) timestamp: Option<Timestamp>,
    /// The leader's epoch, or the epoch that was found.
    pub(crate) epoch: Option<LeaderEpoch>,
    pub(crate) log_start: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) log_end: Offset,
    /// Bytes of the partition's segments.
    pub(crate) bytes: u64,
}

/// One partition whose log shall begin later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrimPart {
    pub(crate) id: PartitionId,
    pub(crate) to: TrimTo,
}

/// Figures of one core.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoreStatus {
    pub(crate) connections: u32,
    pub(crate) partitions: u32,
    pub(crate) stages: Vec<(wire::native::Stage, StageSummary)>,
    pub(crate) hops: Hops,
    /// What somebody should look after.
    pub(crate) troubles: Vec<String>,
}

/// How far the metadata's log has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetadataLogState {
    pub(crate) epoch: LeaderEpoch,
    pub(crate) high_watermark: Offset,
    pub(crate) log_end: Offset,
}

pub(crate) enum Request {
    Append(Box<AppendRequest>),
    /// These parts, about so many bytes in all.
    Read(Vec<ReadPart>, u32),
    /// Wait until records beyond these offsets are safe in one of the partitions, at most so many milliseconds.
    Wait(Vec<(PartitionId, Offset)>, u64),
    /// Wait until there are records beyond the ends at which these parts stand, at most so many milliseconds. The answer
    /// brings them if they are few, as copies: whoever does not take them soon keeps no chunk in memory.
    Await(Vec<ReadPart>, u64),
    /// Follow partitions for a fetch session of the asking core: none yet, and all that [`Request::Look`] brings. This call
    /// names the follower, who ends with it.
    Follow,
    Look(Box<LookRequest>),
    /// Tell which partitions of a follower have moved, once some have. There is one such call of each follower at a time.
    Moves {
        follower: CallId,
        /// The answer may bring few records with it, as copies.
        may_bring: bool,
    },
    Query(Vec<Query>),
    Trim(Vec<TrimPart>),
    /// For the coordinator that has this partition of the groups' topic. The answer may take minutes.
    Group(PartitionIndex, Box<Ask>),
    ListGroups,
    /// For the controller.
    Control(Box<Command>),
    /// Serve this.
    View(Box<ViewChange>),
    /// Tell clients what is served: all cores do now.
    ShowView,
    /// Keep appends to this partition until a view says where it is.
    Hold(PartitionId),
    PrepareHandOver(PartitionId),
    HandOver(PartitionId),
    TakeOver(Box<HandedOver>),
    /// A partition that has left is kept by a checkpoint elsewhere.
    Forget(PartitionId, DepartureNumber),
    Activity(Look),
    /// For the controller.
    Move(PartitionId, CoreId),
    Status,
    Metrics,
    Standing,
    /// Whom this partition remembers.
    Producers(PartitionId),
    /// For the controller's core.
    MetadataLog,
    /// A connection that this core shall serve.
    Connection(Box<crate::listener::HandedOver>),
}

pub(crate) enum Reply {
    Append(Result<AppendReply, Refusal>),
    Read(Vec<Result<ReadReply, ReadRefusal>>),
    Moved,
    /// To [`Request::Look`]: `None` when there is no such follower.
    Looked(Option<Vec<Result<ReadReply, ReadRefusal>>>),
    /// Partitions that have moved, and whether there are more of them.
    Moves(Vec<MovedPart>, bool),
    Query(Vec<Result<QueryAnswer, Refusal>>),
    /// Where the logs begin now.
    Trim(Vec<Result<Offset, Refusal>>),
    Group(Box<AskResult>),
    Groups(Listed),
    Control(Box<Result<cluster::metadata::Reply, Refusal>>),
    Prepared(Result<(), Refusal>),
    HandedOver(Result<Box<HandedOver>, Refusal>),
    /// With the partition that could not be taken in.
    TakenOver(Result<(), Box<HandedOver>>),
    Activity(Box<CoreActivity>),
    Moving(Box<Result<Moved, Refusal>>),
    Status(Box<CoreStatus>),
    Metrics(Box<Samples>),
    Standing(Standing),
    Producers(Result<Vec<ProducerEntry>, Refusal>),
    MetadataLog(Result<MetadataLogState, Refusal>),
    Done,
}

/// Where the answer to a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Caller {
    pub(crate) core: CoreId,
    pub(crate) call: CallId,
}
