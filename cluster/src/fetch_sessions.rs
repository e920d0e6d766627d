//! Fetch sessions (KIP-227): what a consumer asks for and was told is remembered, so that its next fetch names, and its
//! next answer brings, only what is different.
//!
//! A fetch with epoch 0 makes a session, one with a later epoch goes on with it: [`FetchSessions::resume`] brings the
//! session up to what the client wants, [`FetchSessions::tell`] picks from the answers what the client does not know. A
//! client that loses an answer, or whose session was evicted, is told so and begins again.
//!
//! Nobody walks through a session. A fetch [looks](FetchSessions::look) at its restless partitions only: those that were
//! not looked at yet, have [moved](FetchSessions::stir) since, or had something to give or to tell when they were looked
//! at last. It makes sure first that whoever owns them [tells](FetchSessions::follow) of moves from then on. What had
//! nothing and has not moved since the look began is quiet, and costs nothing until it does.
//!
//! What a fetch asks of a partition is the driver's type `A`; it is kept here and hardly looked at.

mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{CoreId, Instant, Offset};

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

/// What a fetch asks of a partition.
pub trait Asks: Clone {
    fn bytes_max(&self) -> u32;
}

/// Names a partition of a session among all sessions of a core; never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionKey(u64);

impl PartitionKey {
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Names a topic of one session; never given again there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicNumber(u64);

/// Where a partition stands in the order in which its session is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

/// A partition that has to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToLook<A> {
    pub key: PartitionKey,
    pub place: Place,
    /// See [`FetchSessions::topic`].
    pub topic: TopicNumber,
    pub index: i32,
    pub asked: A,
}

/// Figures of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSize {
    pub partitions: usize,
    /// Those that are not quiet.
    pub restless: usize,
    /// What is asked of all partitions together.
    pub asked_bytes: u64,
}

/// A session that is being made, outside of the others.
#[derive(Debug)]
pub struct NewSession<A> {
    session: Session<A>,
    brought_records: Vec<PartitionKey>,
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
    /// There is nothing beyond what was asked for.
    Nothing,
    /// There are records, but none of them fits any more.
    Withheld,
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
    next_key: u64,
    /// Those that have ended since somebody asked.
    ended: Vec<FetchSessionId>,
}

impl<A: Asks> FetchSessions<A> {
    pub fn new(limits: FetchSessionLimits) -> Self {
        Self {
            limits,
            sessions: BTreeMap::new(),
            by_use: BTreeSet::new(),
            by_size: BTreeSet::new(),
            bytes: 0,
            next_key: 0,
            ended: Vec::new(),
        }
    }

    /// Whether a session of so many partitions could be made; saves gathering what it would remember.
    pub fn may_hold(&self, partitions: usize) -> bool {
        self.limits.sessions > 0 && partitions > 0 && SESSION_BYTES + partitions * PARTITION_BYTES <= self.limits.bytes
    }

    /// Begins a session of a full fetch; each partition and what the client is told of it is [added](Self::add) in order.
    pub fn begin(&self, now: Instant, naming: Naming) -> NewSession<A> {
        NewSession { session: Session::new(naming, now), brought_records: Vec::new() }
    }

    /// A partition may stand twice in a fetch.
    pub fn add(&mut self, new: &mut NewSession<A>, topic: &TopicRef, partition: (i32, A), answer: PartitionAnswer) {
        let key = new.session.want(topic, partition, next_key(&mut self.next_key));
        new.session.know(key, answer);
        if answer.content == Content::Records {
            new.brought_records.push(key);
        }
    }

    /// Makes the session. `None` when there is no room, nor a session that may be evicted for it: the client then sends
    /// full fetches.
    ///
    /// # Panics
    /// When `id` is taken.
    pub fn create(&mut self, now: Instant, id: FetchSessionId, new: NewSession<A>) -> Option<FetchSessionId> {
        assert!(!self.sessions.contains_key(&id), "fetch session {} is there already", id.0);
        let mut session = new.session;
        new.brought_records.into_iter().for_each(|key| session.move_last(key));
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
        if session.telling {
            // Nobody knows how much of that answer the client has seen.
            self.remove(id);
            return Err(FetchSessionError::NotFound);
        }
        let mut session = self.take_out(id).expect("it was just seen");
        for (topic, partitions) in fetch.wanted {
            for partition in partitions {
                session.want(&topic, partition, next_key(&mut self.next_key));
            }
        }
        for (topic, indexes) in &fetch.forgotten {
            session.forget(topic, indexes);
        }
        session.epoch = next_epoch(session.epoch);
        session.used = now;
        let epoch = session.epoch;
        if session.is_empty() || !self.make_room(now, &session) {
            self.ended.push(id);
            return if session.is_empty() { Ok(Resumed::Emptied) } else { Err(FetchSessionError::NotFound) };
        }
        self.keep(id, session);
        Ok(Resumed::Fetch(SessionFetch { id, epoch }))
    }

    /// Partitions have moved since somebody was asked to follow them; he has told of it, and follows them no more unless
    /// asked again. Keys that are not in the session any more mean nothing.
    pub fn stir(&mut self, id: FetchSessionId, keys: impl IntoIterator<Item = PartitionKey>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        keys.into_iter().for_each(|key| session.stir(key));
    }

    /// Any partition of a session may have something else to tell.
    pub fn stir_all(&mut self, id: FetchSessionId) {
        self.sessions.get_mut(&id).into_iter().for_each(Session::stir_all);
    }

    /// A core follows nothing for a session any more.
    pub fn stir_core(&mut self, id: FetchSessionId, core: CoreId) {
        self.sessions.get_mut(&id).into_iter().for_each(|session| session.stir_core(core));
    }

    /// Up to so many of the partitions that have to be looked at, in the order in which they are to be read; `after` is the
    /// last one that this look has given so far.
    ///
    /// Before it is looked at, a partition must be [followed](Self::follow): only what moves after that is told.
    pub fn look(
        &mut self,
        fetch: SessionFetch,
        after: Option<Place>,
        most: usize,
    ) -> Result<Vec<ToLook<A>>, FetchSessionError> {
        Ok(self.of(fetch)?.look(after, most))
    }

    /// A core is asked to tell when a partition moves. One that is not followed does not become quiet.
    pub fn follow(&mut self, fetch: SessionFetch, key: PartitionKey, core: CoreId) -> Result<(), FetchSessionError> {
        self.of(fetch)?.follow(key, core);
        Ok(())
    }

    /// Which partitions each core need not follow any more; given once.
    pub fn take_unfollowed(
        &mut self,
        fetch: SessionFetch,
    ) -> Result<BTreeMap<CoreId, Vec<PartitionKey>>, FetchSessionError> {
        Ok(self.of(fetch)?.take_unfollowed())
    }

    /// What a look has found in partitions, of which the client is not told yet: the fetch goes on.
    pub fn settle(
        &mut self,
        fetch: SessionFetch,
        answers: impl IntoIterator<Item = (PartitionKey, PartitionAnswer)>,
    ) -> Result<(), FetchSessionError> {
        let session = self.of(fetch)?;
        answers.into_iter().for_each(|(key, answer)| session.settle(key, answer));
        Ok(())
    }

    /// Whether partitions have moved that no look has begun to look at since.
    pub fn is_due(&mut self, fetch: SessionFetch) -> Result<bool, FetchSessionError> {
        Ok(self.of(fetch)?.is_due())
    }

    /// Whether the client has to be told of a partition, of which the last look found this; it is taken to know that from
    /// then on. To be called in the order of the look: what brings records goes to the end of the session. With little room
    /// in each answer, every partition so has its turn.
    pub fn tell(
        &mut self,
        fetch: SessionFetch,
        key: PartitionKey,
        answer: PartitionAnswer,
    ) -> Result<bool, FetchSessionError> {
        let session = self.of(fetch)?;
        session.telling = true;
        Ok(session.tell(key, answer))
    }

    /// All that the last look has found was told. A fetch that goes on with the session before that finds none.
    pub fn told(&mut self, fetch: SessionFetch) -> Result<(), FetchSessionError> {
        let session = self.of(fetch)?;
        session.telling = false;
        session.check();
        Ok(())
    }

    pub fn size(&mut self, fetch: SessionFetch) -> Result<SessionSize, FetchSessionError> {
        let session = self.of(fetch)?;
        let (partitions, restless) = (session.len(), session.restless());
        Ok(SessionSize { partitions, restless, asked_bytes: session.asked_bytes() })
    }

    /// How a session's client names a topic.
    pub fn topic(&self, id: FetchSessionId, number: TopicNumber) -> Option<&TopicRef> {
        self.sessions.get(&id)?.topic(number)
    }

    fn of(&mut self, fetch: SessionFetch) -> Result<&mut Session<A>, FetchSessionError> {
        let session = self.sessions.get_mut(&fetch.id).ok_or(FetchSessionError::NotFound)?;
        if session.epoch == fetch.epoch { Ok(session) } else { Err(FetchSessionError::WrongEpoch) }
    }

    /// Sessions that have ended, for whatever reason, since this was asked last.
    pub fn take_ended(&mut self) -> Vec<FetchSessionId> {
        std::mem::take(&mut self.ended)
    }

    /// Ends a session, if there is one.
    pub fn remove(&mut self, id: FetchSessionId) {
        if self.take_out(id).is_some() {
            self.ended.push(id);
        }
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

fn next_key(next: &mut u64) -> impl FnOnce() -> PartitionKey {
    move || {
        *next += 1;
        PartitionKey(*next)
    }
}

/// Epochs go round without the two that mean something else.
fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests;
