//! Fetch sessions (KIP-227): what a consumer asks for and was told is remembered, so that its next fetch names, and its
//! next answer brings, only what is different.
//!
//! A fetch with epoch 0 makes a session, one with a later epoch goes on with it: [`FetchSessions::resume`] brings the
//! session up to what the client wants, [`FetchSessions::news`] picks from the answers what the client does not know. A
//! client that loses an answer, or whose session was evicted, is told so and begins again.
//!
//! What a fetch asks of a partition is the driver's type `A`; it is kept here and not looked at.

mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{Instant, Offset};

pub use session::TopicRef;
use session::{PARTITION_BYTES, SESSION_BYTES, Session};

/// A session is not evicted for a larger one before it has this age, nor for any other one while it was used within this
/// time (Kafka's `MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
pub const EVICTION_AGE: Duration = Duration::from_secs(120);

/// Epoch of a fetch that names all it wants, to make a session.
pub const FIRST_EPOCH: i32 = 0;
/// Epoch of a fetch that wants no session.
pub const FINAL_EPOCH: i32 = -1;

/// Number of a session; never zero, which means none on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchSessionId(i32);

impl FetchSessionId {
    pub const fn from_wire(id: i32) -> Option<Self> {
        if id > 0 { Some(Self(id)) } else { None }
    }

    pub const fn to_wire(self) -> i32 {
        self.0
    }
}

/// How a client names topics. A session keeps to one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    Names,
    Ids,
}

/// Why a fetch cannot go on with its session. The client begins again with a full fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchSessionError {
    /// It was evicted, or is that of another core or of an earlier life of the broker.
    #[error("there is no such fetch session")]
    NotFound,
    /// An answer was lost, or two fetches use one session at a time.
    #[error("the fetch is not the next one of its session")]
    WrongEpoch,
    /// The session names topics in the other way.
    #[error("a fetch session names its topics either by name or by id")]
    WrongNaming,
}

/// What the sessions of one core may take.
#[derive(Clone, Copy, Debug)]
pub struct FetchSessionLimits {
    pub sessions: usize,
    pub bytes: usize,
}

/// A fetch that goes on with a session.
#[derive(Clone, Debug)]
pub struct Resumption<A> {
    pub id: FetchSessionId,
    pub epoch: i32,
    pub naming: Naming,
    /// Partitions that are new in the session, or are asked for something else.
    pub wanted: Vec<(TopicRef, Vec<(i32, A)>)>,
    /// Partitions to take out of the session.
    pub forgotten: Vec<(TopicRef, Vec<i32>)>,
}

/// A fetch that is being answered: no other one may use its session meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionFetch {
    pub id: FetchSessionId,
    epoch: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    Fetch(SessionFetch),
    /// Nothing is left in the session, which has ended.
    Emptied,
}

/// What there is to tell of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionAnswer {
    pub log_start: Option<Offset>,
    pub high_watermark: Option<Offset>,
    pub content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Nothing,
    Records,
    /// Records or not, the client has to be told: an error, or that its log has diverged.
    Notice,
}

/// The sessions of one core.
#[derive(Debug)]
pub struct FetchSessions<A> {
    limits: FetchSessionLimits,
    sessions: BTreeMap<FetchSessionId, Session<A>>,
    /// The one that was not used for longest comes first.
    by_use: BTreeSet<(Instant, FetchSessionId)>,
    /// Those old enough to make way for a larger one, the smallest first.
    by_size: BTreeSet<(usize, FetchSessionId)>,
    bytes: usize,
}

impl<A> FetchSessions<A> {
    pub fn new(limits: FetchSessionLimits) -> Self {
        Self { limits, sessions: BTreeMap::new(), by_use: BTreeSet::new(), by_size: BTreeSet::new(), bytes: 0 }
    }

    /// Whether a session of so many partitions could be made; saves gathering what it would remember.
    pub fn may_hold(&self, partitions: usize) -> bool {
        self.limits.sessions > 0 && partitions > 0 && SESSION_BYTES + partitions * PARTITION_BYTES <= self.limits.bytes
    }

    /// Makes a session of a full fetch and its answers, which are in the order of the partitions. `None` when there is no
    /// room, nor a session that may be evicted for it: the client then sends full fetches.
    ///
    /// # Panics
    /// When `id` is taken.
    pub fn create(
        &mut self,
        now: Instant,
        id: FetchSessionId,
        naming: Naming,
        wanted: Vec<(TopicRef, Vec<(i32, A)>)>,
        answers: impl IntoIterator<Item = PartitionAnswer>,
    ) -> Option<FetchSessionId> {
        assert!(!self.sessions.contains_key(&id), "fetch session {} is there already", id.0);
        let mut session = Session::new(naming, now);
        let mut answers = answers.into_iter();
        for (topic, partitions) in wanted {
            session.want(&topic, partitions, |_| answers.next());
        }
        session.rotate();
        if session.is_empty() || !self.make_room(now, &session) {
            return None;
        }
        self.keep(id, session);
        Some(id)
    }

    /// Brings a session up to what its client wants now. An error leaves the session as it was, except that one which has
    /// outgrown the limits has ended.
    pub fn resume(&mut self, now: Instant, fetch: Resumption<A>) -> Result<Resumed, FetchSessionError> {
        let id = fetch.id;
        let session = self.sessions.get(&id).ok_or(FetchSessionError::NotFound)?;
        if session.epoch != fetch.epoch {
            return Err(FetchSessionError::WrongEpoch);
        }
        if session.naming != fetch.naming {
            return Err(FetchSessionError::WrongNaming);
        }
        let mut session = self.take_out(id).expect("it was just seen");
        for (topic, partitions) in fetch.wanted {
            session.want(&topic, partitions, |_| None);
        }
        session.forget(&fetch.forgotten);
        if session.is_empty() {
            return Ok(Resumed::Emptied);
        }
        session.epoch = next_epoch(session.epoch);
        session.used = now;
        let epoch = session.epoch;
        if !self.make_room(now, &session) {
            return Err(FetchSessionError::NotFound);
        }
        self.keep(id, session);
        Ok(Resumed::Fetch(SessionFetch { id, epoch }))
    }

    /// Which of the answers the client has to be told, in the order of [`partitions`](Self::partitions); it is taken to know
    /// them from then on. What brings records goes to the end of the session: with little room in each answer, every
    /// partition has its turn.
    pub fn news(
        &mut self,
        fetch: SessionFetch,
        answers: impl IntoIterator<Item = PartitionAnswer>,
    ) -> Result<Vec<bool>, FetchSessionError> {
        let session = self.sessions.get_mut(&fetch.id).ok_or(FetchSessionError::NotFound)?;
        if session.epoch != fetch.epoch {
            return Err(FetchSessionError::WrongEpoch);
        }
        Ok(session.news(answers))
    }

    /// The partitions of a session in the order in which they are to be read, each with the number of its topic among the
    /// session's [`topics`](Self::topics).
    pub fn partitions(&self, id: FetchSessionId) -> impl Iterator<Item = (u32, i32, &A)> {
        self.sessions.get(&id).into_iter().flat_map(Session::partitions)
    }

    /// The topics of a session. A number whose topic has left the session has none.
    pub fn topics(&self, id: FetchSessionId) -> impl Iterator<Item = Option<&TopicRef>> {
        self.sessions.get(&id).into_iter().flat_map(Session::topics)
    }

    /// Ends a session, if there is one.
    pub fn remove(&mut self, id: FetchSessionId) {
        drop(self.take_out(id));
    }

    pub fn is_taken(&self, id: FetchSessionId) -> bool {
        self.sessions.contains_key(&id)
    }

    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Bytes that the sessions take, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn keep(&mut self, id: FetchSessionId, session: Session<A>) {
        self.bytes += session.bytes();
        self.by_use.insert((session.used, id));
        if session.used.since(session.created) > EVICTION_AGE {
            self.by_size.insert((session.len(), id));
        }
        self.sessions.insert(id, session);
        self.check();
    }

    fn take_out(&mut self, id: FetchSessionId) -> Option<Session<A>> {
        let session = self.sessions.remove(&id)?;
        self.bytes -= session.bytes();
        self.by_use.remove(&(session.used, id));
        self.by_size.remove(&(session.len(), id));
        Some(session)
    }

    /// Evicts until there is room for one more, if Kafka's rules allow.
    fn make_room(&mut self, now: Instant, session: &Session<A>) -> bool {
        if self.limits.sessions == 0 || session.bytes() > self.limits.bytes {
            return false;
        }
        while self.sessions.len() >= self.limits.sessions || self.bytes + session.bytes() > self.limits.bytes {
            let Some(victim) = self.victim(now, session.len()) else { return false };
            self.remove(victim);
        }
        true
    }

    /// A session that nobody uses any more, else the smallest of those that are old enough and smaller than the new one.
    fn victim(&self, now: Instant, partitions: usize) -> Option<FetchSessionId> {
        let unused = self.by_use.first().filter(|(used, _)| now.since(*used) > EVICTION_AGE);
        let smaller = || self.by_size.first().filter(|(size, _)| *size < partitions).map(|(_, id)| *id);
        unused.map(|(_, id)| *id).or_else(smaller)
    }

    fn check(&self) {
        assert!(self.sessions.len() <= self.limits.sessions, "{} sessions are kept", self.sessions.len());
        assert!(self.bytes <= self.limits.bytes, "sessions take {} bytes", self.bytes);
        assert_eq!(self.by_use.len(), self.sessions.len(), "each session was used once last");
        debug_assert_eq!(self.bytes, self.sessions.values().map(Session::bytes).sum::<usize>());
    }
}

/// Epochs go round without the two that mean something else.
fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests;
