//! Fetch: data at once if there is enough, else a wait for the high watermark to move.
//!
//! A fetch names all its partitions, or goes on with a session, which knows them.

mod sessions;

use std::rc::Rc;
use std::time::Duration;

use base::{Instant, LeaderEpoch, Offset, TopicId};
use cluster::fetch_sessions::{Asks, FINAL_EPOCH, FIRST_EPOCH, FetchSessionError, FetchSessionId};
use wire::ErrorCode;
use wire::kafka::Reader;
use wire::kafka::fetch::{
    EpochEndOffset, FetchPartition, FetchRequestView, FetchResponse, FetchableTopicResponse, PartitionData,
};
use wire::payload::Payload;

use self::sessions::Seed;
use super::connection::Answer;
use super::dispatch::{damaged, later, ready};
use super::{Answered, RequestId, partition_id};
use crate::core::Core;
use crate::limits;
use crate::memory::Held;
use crate::messages::{ReadPart, ReadRefusal, ReadReply, Room};
use crate::reads::ReadResult;
use crate::standing::StandingWaits;

/// Topics are named by id from this version on.
const FIRST_WITH_IDS: i16 = 13;
const READ_COMMITTED: i8 = 1;

/// What a fetch says beside its partitions.
#[derive(Clone, Copy)]
struct Terms {
    min_bytes: u32,
    max_bytes: u32,
    deadline: Instant,
    committed_only: bool,
    /// Only brokers of this cluster may read as replicas, and there are no others yet.
    is_replica: bool,
}

/// What a fetch asks of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    offset: Option<Offset>,
    bytes_max: u32,
    current_epoch: Option<LeaderEpoch>,
    last_epoch: Option<LeaderEpoch>,
}

/// A fetch, taken out of its frame or out of its session.
struct Wanted {
    topics: Vec<WantedTopic>,
    terms: Terms,
}

struct WantedTopic {
    name: String,
    id: u128,
    partitions: Vec<(i32, Result<ReadPart, ErrorCode>)>,
}

pub(super) fn fetch(
    core: &Rc<Core>,
    waits: &Rc<StandingWaits>,
    id: RequestId,
    mut reader: Reader<'_>,
) -> Result<Answer, String> {
    let request = FetchRequestView::parse(&mut reader, id.version).map_err(|error| damaged("FetchRequest", &error))?;
    let count: usize = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    if count > limits::FETCH_PARTITIONS_MAX {
        return Err(format!("a fetch names {count} partitions; {} are allowed", limits::FETCH_PARTITIONS_MAX));
    }
    let terms = Terms::of(&request);
    let (core, waits) = (Rc::clone(core), Rc::clone(waits));
    let session = FetchSessionId::from_wire(request.session_id);
    let is_full = matches!(request.session_epoch, FIRST_EPOCH | FINAL_EPOCH);
    match session {
        Some(session) if !is_full => {
            let resumption = sessions::resumption(id, session, &request);
            Ok(later(async move { sessions::resume(&core, id, terms, resumption).await }))
        }
        None if !is_full => Ok(ready(sessions::refused(id, FetchSessionError::NotFound))),
        _ => {
            let wanted = want(&core, id, &request, terms);
            let seed = sessions::seed(&core, id, &request, count);
            Ok(later(async move { full(&core, &waits, id, wanted, (session, seed)).await }))
        }
    }
}

/// A fetch that names all it wants. It ends the session that its client had, and may make one.
async fn full(
    core: &Rc<Core>,
    waits: &StandingWaits,
    id: RequestId,
    wanted: Wanted,
    (ended, seed): (Option<FetchSessionId>, Option<Seed>),
) -> Answered {
    if let Some(ended) = ended {
        core.fetch_sessions.borrow_mut().remove(ended);
        core.end_followings();
    }
    let Some((results, _room)) = serve(core, waits, &wanted).await else { return stopping() };
    let responses = respond(wanted, results).await;
    let session = match seed {
        Some(seed) => seed.plant(core, id, &responses).await,
        None => None,
    };
    let session_id = session.map_or(0, FetchSessionId::to_wire);
    id.answer(&FetchResponse { responses, session_id, ..FetchResponse::default() })
}

fn stopping() -> Answered {
    Answered::Close("the broker stops".to_owned())
}

impl Terms {
    fn of(request: &FetchRequestView<'_>) -> Self {
        let wait = u64::try_from(request.max_wait_ms).unwrap_or(0).min(limits::FETCH_WAIT_MS_MAX);
        Self {
            min_bytes: u32::try_from(request.min_bytes).unwrap_or(0),
            max_bytes: u32::try_from(request.max_bytes).unwrap_or(0).min(limits::FETCH_BYTES_MAX),
            deadline: rt::now().plus(Duration::from_millis(wait)),
            committed_only: request.isolation_level == READ_COMMITTED,
            is_replica: request.replica_id >= 0 || request.replica_state.replica_id >= 0,
        }
    }

    fn part(&self, topic: Result<TopicId, ErrorCode>, index: i32, asked: &Asked) -> Result<ReadPart, ErrorCode> {
        let topic = topic?;
        if self.is_replica {
            return Err(ErrorCode::ClusterAuthorizationFailed);
        }
        Ok(ReadPart {
            id: partition_id(topic, index).ok_or(ErrorCode::UnknownTopicOrPartition)?,
            offset: asked.offset.ok_or(ErrorCode::OffsetOutOfRange)?,
            bytes_max: asked.bytes_max.min(self.max_bytes),
            current_epoch: asked.current_epoch,
            last_epoch: asked.last_epoch,
        })
    }
}

impl Asks for Asked {
    fn bytes_max(&self) -> u32 {
        self.bytes_max
    }
}

impl Asked {
    fn of(partition: &FetchPartition) -> Self {
        Self {
            offset: Offset::from_wire(partition.fetch_offset),
            bytes_max: u32::try_from(partition.partition_max_bytes).unwrap_or(0),
            current_epoch: LeaderEpoch::from_wire(partition.current_leader_epoch),
            last_epoch: LeaderEpoch::from_wire(partition.last_fetched_epoch),
        }
    }
}

fn topic_of_id(core: &Core, id: u128) -> Result<TopicId, ErrorCode> {
    TopicId::from_u128(id).filter(|id| core.topic(*id).is_some()).ok_or(ErrorCode::UnknownTopicId)
}

fn topic_of_name(core: &Core, name: &str) -> Result<TopicId, ErrorCode> {
    core.topic_named(name).map(|known| known.topic.id).ok_or(ErrorCode::UnknownTopicOrPartition)
}

fn want(core: &Rc<Core>, id: RequestId, request: &FetchRequestView<'_>, terms: Terms) -> Wanted {
    let mut topics = Vec::with_capacity(request.topics.len());
    // A topic without partitions asks for nothing, and is not answered.
    for topic in request.topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let known = if id.version >= FIRST_WITH_IDS {
            topic_of_id(core, topic.topic_id)
        } else {
            topic_of_name(core, topic.topic)
        };
        let part = |partition: FetchPartition| {
            (partition.partition, terms.part(known, partition.partition, &Asked::of(&partition)))
        };
        let partitions = topic.partitions.iter().map(part).collect();
        topics.push(WantedTopic { name: topic.topic.to_owned(), id: topic.topic_id, partitions });
    }
    Wanted { topics, terms }
}

/// Reads, and waits for more if need be. What is read comes with the memory that it has; `None` when the broker stops.
async fn serve(core: &Rc<Core>, waits: &StandingWaits, wanted: &Wanted) -> Option<(Vec<ReadResult>, Held)> {
    let terms = wanted.terms;
    let parts: Vec<ReadPart> =
        wanted.topics.iter().flat_map(|topic| &topic.partitions).filter_map(|(_, part)| part.ok()).collect();
    let some_refused = wanted.topics.iter().flat_map(|topic| &topic.partitions).any(|(_, part)| part.is_err());
    let most: u64 = parts.iter().map(|part| u64::from(part.bytes_max)).sum();
    let most = u32::try_from(most).unwrap_or(u32::MAX).min(terms.max_bytes);
    let mut again = None;
    loop {
        let Granted { mut room, bytes: granted } = room_for(core, most, again.take()).await?;
        // Whoever does not wait wants to know what is there now.
        let standing = (terms.deadline > rt::now()).then_some(waits);
        let results = core.read(&parts, granted, standing).await;
        let bytes = bytes_of(&results);
        if !room.try_resize(bytes) {
            again = Some(Again { granted, found: bytes });
            continue;
        }
        // With less memory than the client asks for, a part of it is enough: what one partition's share may be.
        let shares = u32::try_from(parts.len()).unwrap_or(u32::MAX).max(1);
        let enough = terms.min_bytes.min((granted / shares).max(1));
        let urgent = some_refused
            || parts.is_empty()
            || results.iter().any(|result| result.as_ref().map_or(true, |reply| reply.diverging.is_some()));
        let now = rt::now();
        if bytes >= enough as usize || urgent || now >= terms.deadline || core.connections.is_closing() {
            return Some((results, room));
        }
        drop(room);
        let milliseconds = u64::try_from(terms.deadline.since(now).as_millis()).unwrap_or(0).max(1);
        let moved = core.wait_on((&parts, &results), milliseconds, waits);
        futures_lite::future::or(moved, core.connections.closing()).await;
    }
}

fn bytes_of(results: &[ReadResult]) -> usize {
    results.iter().flatten().map(|reply| reply.bytes as usize).sum()
}

/// Memory for a read of so many bytes; batches are given whole, so that it may bring more.
struct Granted {
    room: Held,
    bytes: u32,
}

/// A read that has found more than there was room for, because the first batches of partitions are given whole.
struct Again {
    granted: u32,
    found: usize,
}

/// Memory for a read of up to `most` bytes, of which a part will do, or for the same read once more; `None` when the broker
/// stops.
async fn room_for(core: &Core, most: u32, again: Option<Again>) -> Option<Granted> {
    let taken = match &again {
        // Nothing is going to be read.
        None if most == 0 => return Some(Granted { room: core.answer_memory.take_now(0), bytes: 0 }),
        None => core.answer_memory.take_some(limits::FETCH_ROOM_BYTES_MIN, most as usize),
        Some(again) => core.answer_memory.take(again.found),
    };
    let stopping = async {
        core.connections.closing().await;
        None
    };
    let room = futures_lite::future::or(async { Some(taken.await) }, stopping).await?;
    let whole = || u32::try_from(room.bytes()).unwrap_or(u32::MAX).min(most);
    let bytes = again.map_or_else(whole, |again| again.granted);
    Some(Granted { room, bytes })
}

async fn respond(wanted: Wanted, results: Vec<ReadResult>) -> Vec<FetchableTopicResponse> {
    let mut results = results.into_iter();
    let mut room = AnswerRoom::of(wanted.terms);
    let mut responses = Vec::with_capacity(wanted.topics.len());
    for topic in wanted.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for (index, part) in topic.partitions {
            let result = part.map(|_| results.next().expect("each part that was read has a result"));
            partitions.push(room.data(index, result));
            rt::yield_if_needed().await;
        }
        responses.push(FetchableTopicResponse { topic: topic.name, topic_id: topic.id, partitions });
    }
    responses
}

/// What an answer still takes, while it is put together.
struct AnswerRoom {
    room: Room,
    committed_only: bool,
}

impl AnswerRoom {
    fn of(terms: Terms) -> Self {
        Self { room: Room::of(terms.max_bytes), committed_only: terms.committed_only }
    }

    fn data(&mut self, index: i32, result: Result<ReadResult, ErrorCode>) -> PartitionData {
        let mut data = match result {
            Err(code) => refusal_data(index, code, None),
            Ok(Err(ReadRefusal { refusal, bounds })) => refusal_data(index, refusal.code, bounds),
            Ok(Ok(reply)) => {
                // The first data is given whole, however large (KIP-74); the rest as far as it fits.
                let fits = reply.bytes <= self.room.bytes || self.room.is_first;
                if fits {
                    self.room.take(reply.bytes);
                }
                reply_data(index, reply, fits)
            }
        };
        data.aborted_transactions = self.committed_only.then(Vec::new);
        data
    }
}

fn reply_data(index: i32, reply: ReadReply, with_records: bool) -> PartitionData {
    let mut records = Payload::new();
    if with_records {
        for part in reply.parts {
            records.push(part);
        }
    }
    let diverging_epoch = reply.diverging.map_or_else(EpochEndOffset::default, |(epoch, end)| EpochEndOffset {
        epoch: epoch.to_wire(),
        end_offset: end.to_wire(),
    });
    PartitionData {
        partition_index: index,
        high_watermark: reply.high_watermark.to_wire(),
        last_stable_offset: reply.high_watermark.to_wire(),
        log_start_offset: reply.log_start.to_wire(),
        diverging_epoch,
        records: Some(records),
        ..PartitionData::default()
    }
}

fn refusal_data(index: i32, code: ErrorCode, bounds: Option<(Offset, Offset)>) -> PartitionData {
    PartitionData {
        partition_index: index,
        error_code: code.code(),
        high_watermark: bounds.map_or(-1, |(_, end)| end.to_wire()),
        last_stable_offset: bounds.map_or(-1, |(_, end)| end.to_wire()),
        log_start_offset: bounds.map_or(-1, |(start, _)| start.to_wire()),
        records: Some(Payload::new()),
        ..PartitionData::default()
    }
}
