//! Fetches of sessions: taken out of their frames, brought together with what the session knows, and answered with what
//! is new.

use std::rc::Rc;

use base::Offset;
use cluster::fetch_sessions::{
    Content, FetchSessionError, FetchSessionId, Naming, PartitionAnswer, Resumed, Resumption, TopicRef,
};
use wire::ErrorCode;
use wire::kafka::fetch::{FetchRequestView, FetchResponse, FetchableTopicResponse, PartitionData};

use super::{Asked, FIRST_WITH_IDS, Terms, Wanted, WantedTopic, respond, serve, stopping, topic_of_id, topic_of_name};
use crate::core::Core;
use crate::kafka::{Answered, RequestId};
use crate::limits;
use crate::standing::StandingWaits;

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
pub(super) async fn resume(
    core: &Rc<Core>,
    waits: &StandingWaits,
    id: RequestId,
    terms: Terms,
    resumption: Resumption<Asked>,
) -> Answered {
    let resumed = core.fetch_sessions.borrow_mut().resume(rt::now(), resumption);
    let fetch = match resumed {
        Ok(Resumed::Fetch(fetch)) => fetch,
        Ok(Resumed::Emptied) => return id.answer(&FetchResponse::default()),
        Err(error) => return refused(id, error),
    };
    let (wanted, partitions) = want(core, fetch.id, terms);
    // The request was small; the work that it makes is not.
    let _working = core.request_memory.take_now(partitions * limits::SESSION_FETCH_PARTITION_BYTES);
    let Some(results) = serve(core, waits, &wanted).await else { return stopping() };
    let mut responses = respond(wanted, results);
    let news = core.fetch_sessions.borrow_mut().news(fetch, answers(&responses));
    match news {
        Ok(news) => {
            keep(&mut responses, &news);
            id.answer(&FetchResponse { responses, session_id: fetch.id.to_wire(), ..FetchResponse::default() })
        }
        Err(error) => refused(id, error),
    }
}

/// All that a session wants, in its order; and how many partitions that are.
fn want(core: &Core, session: FetchSessionId, terms: Terms) -> (Wanted, usize) {
    let sessions = core.fetch_sessions.borrow();
    let topics: Vec<_> = sessions.topics(session).collect();
    let known: Vec<_> = topics.iter().map(|topic| topic.map(|topic| find(core, topic))).collect();
    let mut wanted = Wanted { topics: Vec::new(), terms };
    let (mut last, mut count) = (None, 0);
    for (slot, index, asked) in sessions.partitions(session) {
        let at = slot as usize;
        if last != Some(slot) {
            let (name, id) = match topics[at].expect("a partition's topic is there") {
                TopicRef::Name(name) => ((**name).to_owned(), 0),
                TopicRef::Id(id) => (String::new(), *id),
            };
            wanted.topics.push(WantedTopic { name, id, partitions: Vec::new() });
            last = Some(slot);
        }
        let topic = known[at].expect("a partition's topic is there");
        let partitions = &mut wanted.topics.last_mut().expect("one was just pushed").partitions;
        partitions.push((index, terms.part(topic, index, asked)));
        count += 1;
    }
    (wanted, count)
}

fn find(core: &Core, topic: &TopicRef) -> Result<base::TopicId, ErrorCode> {
    match topic {
        TopicRef::Name(name) => topic_of_name(core, name),
        TopicRef::Id(id) => topic_of_id(core, *id),
    }
}

impl Seed {
    /// Makes the session, of what the client is about to be told.
    pub(super) fn plant(
        self,
        core: &Core,
        id: RequestId,
        responses: &[FetchableTopicResponse],
    ) -> Option<FetchSessionId> {
        let mut sessions = core.fetch_sessions.borrow_mut();
        let session = std::iter::repeat_with(|| random_id(core)).flatten().find(|id| !sessions.is_taken(*id))?;
        sessions.create(rt::now(), session, naming(id), self.0, answers(responses))
    }
}

/// Each core gives ids of its own: nobody goes on with another client's session because a connection has come to another
/// core.
fn random_id(core: &Core) -> Option<FetchSessionId> {
    let (cores, own) = (i64::from(core.cores()), i64::from(core.id.0));
    let number = i64::from(u32::try_from(rt::entropy() & 0x3fff_ffff).expect("30 bits"));
    FetchSessionId::from_wire(i32::try_from(number - number % cores + own).ok()?)
}

fn answers(responses: &[FetchableTopicResponse]) -> impl Iterator<Item = PartitionAnswer> {
    responses.iter().flat_map(|topic| &topic.partitions).map(|data| PartitionAnswer {
        log_start: Offset::from_wire(data.log_start_offset),
        high_watermark: Offset::from_wire(data.high_watermark),
        content: content_of(data),
    })
}

fn content_of(data: &PartitionData) -> Content {
    if data.error_code != 0 || data.diverging_epoch.epoch >= 0 {
        return Content::Notice;
    }
    let is_empty = data.records.as_ref().is_none_or(wire::payload::Payload::is_empty);
    if is_empty { Content::Nothing } else { Content::Records }
}

/// Leaves what is news.
fn keep(responses: &mut Vec<FetchableTopicResponse>, news: &[bool]) {
    let mut news = news.iter();
    for topic in responses.iter_mut() {
        topic.partitions.retain(|_| *news.next().expect("each partition was judged"));
    }
    responses.retain(|topic| !topic.partitions.is_empty());
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
