//! Fetches of sessions: taken out of their frames, brought together with what the session knows, and answered with what
//! is new.

use std::rc::Rc;
use std::sync::Arc;

use base::Offset;
use cluster::fetch_sessions::{
    Content, FetchSessionError, FetchSessionId, Naming, PartitionAnswer, PartitionKey, Resumed, Resumption,
    SessionFetch, ToLook, TopicRef,
};
use wire::ErrorCode;
use wire::kafka::fetch::{FetchRequestView, FetchResponse, FetchableTopicResponse, PartitionData};

use super::{
    Again, AnswerRoom, Asked, FIRST_WITH_IDS, Granted, Terms, bytes_of, room_for, stopping, topic_of_id, topic_of_name,
};
use crate::core::Core;
use crate::following::{Following, Heard, LookAt, Looked};
use crate::kafka::{Answered, RequestId};
use crate::limits;
use crate::memory::Held;
use crate::messages::ReadPart;
use crate::reads::ReadResult;
use crate::view::ClusterView;

/// Partitions by their topics.
type Partitions = Vec<(TopicRef, Vec<(i32, Asked)>)>;

/// What a session will remember of a full fetch.
pub(super) struct Seed(Partitions);

/// The seed of a session, if the fetch asks for one and there may be room.
pub(super) fn seed(core: &Core, id: RequestId, request: &FetchRequestView<'_>, partitions: usize) -> Option<Seed> {
    let is_asked_for = request.session_epoch == cluster::fetch_sessions::FIRST_EPOCH;
    (is_asked_for && core.fetch_sessions.borrow().may_hold(partitions)).then(|| Seed(partitions_of(id, request)))
}

/// What a fetch changes in its session.
pub(super) fn resumption(id: RequestId, session: FetchSessionId, request: &FetchRequestView<'_>) -> Resumption<Asked> {
    let forgotten = request.forgotten_topics_data.iter();
    let forgotten =
        forgotten.map(|topic| (topic_ref(id, topic.topic, topic.topic_id), topic.partitions.iter().collect()));
    Resumption {
        id: session,
        epoch: request.session_epoch,
        naming: naming(id),
        wanted: partitions_of(id, request),
        forgotten: forgotten.collect(),
    }
}

pub(super) fn refused(id: RequestId, error: FetchSessionError) -> Answered {
    let code = match error {
        FetchSessionError::NotFound => ErrorCode::FetchSessionIdNotFound,
        FetchSessionError::WrongEpoch => ErrorCode::InvalidFetchSessionEpoch,
        FetchSessionError::WrongNaming => ErrorCode::FetchSessionTopicIdError,
    };
    id.answer(&FetchResponse { error_code: code.code(), ..FetchResponse::default() })
}

/// Answers a fetch that goes on with its session.
pub(super) async fn resume(core: &Rc<Core>, id: RequestId, terms: Terms, resumption: Resumption<Asked>) -> Answered {
    let resumed = core.fetch_sessions.borrow_mut().resume(rt::now(), resumption);
    core.end_followings();
    let fetch = match resumed {
        Ok(Resumed::Fetch(fetch)) => fetch,
        Ok(Resumed::Emptied) => return id.answer(&FetchResponse::default()),
        Err(error) => return refused(id, error),
    };
    match serve(core, terms, fetch).await {
        Ok(Some((responses, _room))) => {
            id.answer(&FetchResponse { responses, session_id: fetch.id.to_wire(), ..FetchResponse::default() })
        }
        Ok(None) => stopping(),
        Err(error) => refused(id, error),
    }
}

/// Partitions of a session that a fetch looks at.
#[derive(Default)]
struct Looks {
    /// Of each run of partitions of one topic, its name and id.
    topics: Vec<(String, u128)>,
    partitions: Vec<Look>,
    /// Those of them that can be read, in order.
    parts: Vec<LookAt>,
}

struct Look {
    key: PartitionKey,
    topic: usize,
    index: i32,
    part: Result<ReadPart, ErrorCode>,
}

/// What there is to tell, and the memory that it has.
type Told = (Vec<FetchableTopicResponse>, Held);

/// Looks at what has moved, and waits for more if need be; `None` when the broker stops.
async fn serve(core: &Rc<Core>, terms: Terms, fetch: SessionFetch) -> Result<Option<Told>, FetchSessionError> {
    let sessions = &core.fetch_sessions;
    let following = core.followings.get(fetch.id).ok_or(FetchSessionError::NotFound)?;
    following.superseded.notify_all();
    if terms.is_replica {
        // All are refused, whether or not they have moved.
        sessions.borrow_mut().stir_all(fetch.id);
    }
    loop {
        hear(core, &following, fetch.id, terms).await;
        match look(core, terms, fetch, &following).await? {
            Looking::Answer(told) => return Ok(Some(told)),
            Looking::Stopping => return Ok(None),
            Looking::TooLittle => {}
        }
        let superseded = following.superseded.notified();
        if sessions.borrow_mut().is_due(fetch)? {
            // Something has moved meanwhile, or nobody would tell of it.
            continue;
        }
        let waiting = async {
            // Time passing is as good an end as records arriving.
            let _ = rt::timeout(terms.deadline.since(rt::now()), following.moved()).await;
        };
        let given_up = futures_lite::future::or(superseded, core.connections.closing());
        futures_lite::future::or(given_up, waiting).await;
    }
}

/// What comes of a look.
enum Looking {
    Answer(Told),
    /// The client would rather wait.
    TooLittle,
    Stopping,
}

/// Looks at all that is restless.
async fn look(
    core: &Rc<Core>,
    terms: Terms,
    fetch: SessionFetch,
    following: &Following,
) -> Result<Looking, FetchSessionError> {
    let sessions = &core.fetch_sessions;
    let size = sessions.borrow_mut().size(fetch)?;
    // The request was small; the work that it makes need not be.
    core.request_memory.near_limit().await;
    let _working = core.request_memory.take_now(size.restless * limits::SESSION_FETCH_PARTITION_BYTES);
    let view = core.view();
    let looks = want(core, &view, fetch, terms).await?;
    following.unfollow(core, sessions.borrow_mut().take_unfollowed(fetch)?);
    let asked = looks.parts.iter().map(|look| u64::from(look.part.bytes_max)).sum();
    let most = clamped(asked).min(terms.max_bytes);
    let mut again = None;
    let (room, granted, results) = loop {
        let granted = room_for(core, most, again.take()).await;
        let Some(Granted { mut room, bytes: granted }) = granted else { return Ok(Looking::Stopping) };
        let Looked { results, strayed, lost } = following.look(core, Arc::clone(&view), &looks.parts, granted).await;
        sessions.borrow_mut().stir(fetch.id, strayed);
        lost.into_iter().for_each(|on| sessions.borrow_mut().stir_core(fetch.id, on));
        let bytes = bytes_of(&results);
        if room.try_resize(bytes) {
            break (room, granted, results);
        }
        again = Some(Again { granted, found: bytes });
    };
    // With less memory than the client asks for, a part of it is enough: what one partition's share may be.
    let whole = if granted < most { granted } else { clamped(size.asked_bytes).min(terms.max_bytes) };
    let enough = terms.min_bytes.min((whole / clamped(size.partitions as u64).max(1)).max(1));
    let is_urgent = |result: &ReadResult| result.as_ref().map_or(true, |reply| reply.diverging.is_some());
    let urgent = looks.parts.len() < looks.partitions.len() || results.iter().any(is_urgent);
    if room.bytes() >= enough as usize || urgent || terms.deadline <= rt::now() || core.connections.is_closing() {
        let responses = tell(core, terms, fetch, looks, results).await?;
        return Ok(Looking::Answer((responses, room)));
    }
    for (looks, results) in looks.parts.chunks(SLICE).zip(results.chunks(SLICE)) {
        let answers = looks.iter().zip(results).map(|(look, result)| (look.key, found(look.part, result)));
        sessions.borrow_mut().settle(fetch, answers)?;
        rt::yield_if_needed().await;
    }
    Ok(Looking::TooLittle)
}

/// So many partitions are worked on before others have their turn.
const SLICE: usize = limits::LOOK_PARTITIONS_MAX;

fn clamped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Brings the session up to what has moved.
async fn hear(core: &Rc<Core>, following: &Following, id: FetchSessionId, terms: Terms) {
    loop {
        let mut has_more = take_in(core, following, id);
        // Whoever does not wait wants to know what is there now.
        if terms.deadline <= rt::now() {
            following.catch_up(core).await;
            has_more = take_in(core, following, id);
        }
        if !has_more {
            return;
        }
        rt::yield_if_needed().await;
    }
}

/// Brings the session up to what has come here. Whether there is more.
fn take_in(core: &Rc<Core>, following: &Following, id: FetchSessionId) -> bool {
    let Heard { keys, lost, has_more } = following.hear(core);
    let mut sessions = core.fetch_sessions.borrow_mut();
    sessions.stir(id, keys);
    lost.into_iter().for_each(|on| sessions.stir_core(id, on));
    has_more
}

/// All that a session has to look at, in its order.
async fn want(core: &Core, view: &ClusterView, fetch: SessionFetch, terms: Terms) -> Result<Looks, FetchSessionError> {
    let mut looks = Looks::default();
    let mut after = None;
    loop {
        let slice = core.fetch_sessions.borrow_mut().look(fetch, after, SLICE)?;
        let Some(end) = slice.last() else { return Ok(looks) };
        after = Some(end.place);
        looks.add(core, view, (fetch, terms), slice)?;
        rt::yield_if_needed().await;
    }
}

impl Looks {
    fn add(
        &mut self,
        core: &Core,
        view: &ClusterView,
        (fetch, terms): (SessionFetch, Terms),
        slice: Vec<ToLook<Asked>>,
    ) -> Result<(), FetchSessionError> {
        let mut sessions = core.fetch_sessions.borrow_mut();
        let (mut last, mut topic) = (None, Err(ErrorCode::UnknownTopicOrPartition));
        for look in slice {
            if last.replace(look.topic) != Some(look.topic) {
                let named = sessions.topic(fetch.id, look.topic).expect("a partition's topic is there");
                topic = find(core, named);
                let named = match named {
                    TopicRef::Name(name) => ((**name).to_owned(), 0),
                    TopicRef::Id(id) => (String::new(), *id),
                };
                // The slice before may have ended in this topic.
                if self.topics.last() != Some(&named) {
                    self.topics.push(named);
                }
            }
            let part = terms.part(topic, look.index, &look.asked);
            if let Ok(part) = part {
                let owner = view.core_of(part.id);
                if let Some(owner) = owner {
                    sessions.follow(fetch, look.key, owner)?;
                }
                self.parts.push(LookAt { key: look.key, part, owner });
            }
            self.partitions.push(Look { key: look.key, topic: self.topics.len() - 1, index: look.index, part });
        }
        Ok(())
    }
}

/// What a look has found in a partition.
fn found(part: ReadPart, result: &ReadResult) -> PartitionAnswer {
    let notice = |bounds: Option<(Offset, Offset)>| PartitionAnswer {
        log_start: bounds.map(|(start, _)| start),
        high_watermark: bounds.map(|(_, end)| end),
        content: Content::Notice,
    };
    let reply = match result {
        Err(refusal) => return notice(refusal.bounds),
        Ok(reply) => reply,
    };
    let content = match reply {
        reply if reply.diverging.is_some() => Content::Notice,
        reply if reply.bytes > 0 => Content::Records,
        reply if part.offset < reply.high_watermark => Content::Withheld,
        _ => Content::Nothing,
    };
    PartitionAnswer { log_start: Some(reply.log_start), high_watermark: Some(reply.high_watermark), content }
}

/// The answer: what the client does not know.
async fn tell(
    core: &Core,
    terms: Terms,
    fetch: SessionFetch,
    looks: Looks,
    results: Vec<ReadResult>,
) -> Result<Vec<FetchableTopicResponse>, FetchSessionError> {
    let mut results = results.into_iter();
    let mut room = AnswerRoom::of(terms);
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    let mut last = None;
    for look in looks.partitions {
        let result = look.part.map(|_| results.next().expect("each part that was read has a result"));
        let offset = look.part.ok().map(|part| part.offset);
        let data = room.data(look.index, result);
        if core.fetch_sessions.borrow_mut().tell(fetch, look.key, answer(offset, &data))? {
            if last.replace(look.topic) != Some(look.topic) {
                let (topic, topic_id) = looks.topics[look.topic].clone();
                responses.push(FetchableTopicResponse { topic, topic_id, partitions: Vec::new() });
            }
            responses.last_mut().expect("one was just pushed").partitions.push(data);
        }
        rt::yield_if_needed().await;
    }
    core.fetch_sessions.borrow_mut().told(fetch)?;
    Ok(responses)
}

fn find(core: &Core, topic: &TopicRef) -> Result<base::TopicId, ErrorCode> {
    match topic {
        TopicRef::Name(name) => topic_of_name(core, name),
        TopicRef::Id(id) => topic_of_id(core, *id),
    }
}

impl Seed {
    /// Makes the session, of what the client is about to be told.
    pub(super) async fn plant(
        self,
        core: &Core,
        id: RequestId,
        responses: &[FetchableTopicResponse],
    ) -> Option<FetchSessionId> {
        let sessions = &core.fetch_sessions;
        let mut new = sessions.borrow().begin(rt::now(), naming(id));
        let mut told = responses.iter().flat_map(|topic| &topic.partitions);
        for (topic, partitions) in self.0 {
            for (index, asked) in partitions {
                let data = told.next().expect("each partition is answered");
                sessions.borrow_mut().add(&mut new, &topic, (index, asked), answer(asked.offset, data));
                rt::yield_if_needed().await;
            }
        }
        let session = {
            let mut sessions = sessions.borrow_mut();
            let free = std::iter::repeat_with(|| random_id(core)).flatten().find(|id| !sessions.is_taken(*id))?;
            sessions.create(rt::now(), free, new)
        };
        core.end_followings();
        session.inspect(|session| core.follow_for(*session))
    }
}

/// Each core gives ids of its own: nobody goes on with another client's session because a connection has come to another
/// core.
fn random_id(core: &Core) -> Option<FetchSessionId> {
    let (cores, own) = (i64::from(core.cores()), i64::from(core.id.0));
    let number = i64::from(u32::try_from(rt::entropy() & 0x3fff_ffff).expect("30 bits"));
    FetchSessionId::from_wire(i32::try_from(number - number % cores + own).ok()?)
}

/// What a client is told of a partition that it asked for from an offset on.
fn answer(offset: Option<Offset>, data: &PartitionData) -> PartitionAnswer {
    let high_watermark = Offset::from_wire(data.high_watermark);
    let has_records = data.records.as_ref().is_some_and(|records| !records.is_empty());
    let content = if data.error_code != 0 || data.diverging_epoch.epoch >= 0 {
        Content::Notice
    } else if has_records {
        Content::Records
    } else if offset < high_watermark {
        Content::Withheld
    } else {
        Content::Nothing
    };
    PartitionAnswer { log_start: Offset::from_wire(data.log_start_offset), high_watermark, content }
}

fn partitions_of(id: RequestId, request: &FetchRequestView<'_>) -> Partitions {
    let asked = request.topics.iter().filter(|topic| !topic.partitions.is_empty());
    asked
        .map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| (partition.partition, Asked::of(&partition)));
            (topic_ref(id, topic.topic, topic.topic_id), partitions.collect())
        })
        .collect()
}

fn topic_ref(id: RequestId, name: &str, topic: u128) -> TopicRef {
    match naming(id) {
        Naming::Names => TopicRef::Name(name.into()),
        Naming::Ids => TopicRef::Id(topic),
    }
}

fn naming(id: RequestId) -> Naming {
    if id.version >= FIRST_WITH_IDS { Naming::Ids } else { Naming::Names }
}

#[cfg(test)]
mod tests {
    use base::{LeaderEpoch, PartitionId, TopicId};

    use super::super::reply_data;
    use super::*;
    use crate::messages::{ReadRefusal, ReadReply};

    fn at(offset: u64) -> Offset {
        Offset::new(offset).expect("small")
    }

    /// What a fetch makes of a partition while it goes on, and what it tells when it answers, are the same.
    #[test]
    fn only_what_stands_at_its_end_has_nothing() {
        let id = PartitionId::new(TopicId::from_random(1), 0);
        let part = ReadPart { id, offset: at(5), bytes_max: 100, current_epoch: None, last_epoch: None };
        let reply = |bytes: u32, high_watermark, diverging| ReadReply {
            parts: vec![vec![0; bytes as usize].into()],
            bytes,
            next_offset: at(5),
            high_watermark: at(high_watermark),
            log_start: at(1),
            diverging,
        };
        for (reply, expected) in [
            (reply(0, 5, None), Content::Nothing),
            (reply(0, 6, None), Content::Withheld),
            (reply(9, 6, None), Content::Records),
            (reply(0, 5, Some((LeaderEpoch::ZERO, at(4)))), Content::Notice),
        ] {
            let high_watermark = Some(reply.high_watermark);
            let expected = PartitionAnswer { log_start: Some(at(1)), high_watermark, content: expected };
            assert_eq!(answer(Some(part.offset), &reply_data(0, reply.clone(), true)), expected);
            assert_eq!(found(part, &Ok(reply)), expected);
        }
        let withheld = answer(Some(part.offset), &reply_data(0, reply(9, 6, None), false));
        assert_eq!(withheld.content, Content::Withheld, "it had records, and no room for them");
        let refusal = ReadRefusal { refusal: ErrorCode::OffsetOutOfRange.into(), bounds: Some((at(1), at(4))) };
        let expected =
            PartitionAnswer { log_start: Some(at(1)), high_watermark: Some(at(4)), content: Content::Notice };
        assert_eq!(found(part, &Err(refusal)), expected);
    }
}
