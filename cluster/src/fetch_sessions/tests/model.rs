//! Clients that keep sessions as Kafka's do, and a broker without any other state than what its partitions are like.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const TOPICS: u8 = 3;
const PARTITIONS: i32 = 5;
const CLIENTS: usize = 3;

type Key = (u8, i32);

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A partition has records up to here.
    Append(Key, u64),
    /// A partition begins later.
    Trim(Key, u64),
    /// A partition has, or has no longer, an error.
    Break(Key, bool),
    /// A client reads a partition, or does not any more.
    Assign(usize, Key, bool),
    /// A client fetches; the answer may be lost, and another fetch of the same session come in between.
    Fetch {
        client: usize,
        lost: bool,
        room: u64,
    },
    Pass(u64),
}

pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let key = || (0..TOPICS, 0..PARTITIONS);
    let step = prop_oneof![
        2 => (key(), 1_u64..4).prop_map(|(key, count)| Step::Append(key, count)),
        1 => (key(), 1_u64..3).prop_map(|(key, count)| Step::Trim(key, count)),
        1 => (key(), any::<bool>()).prop_map(|(key, broken)| Step::Break(key, broken)),
        3 => (0..CLIENTS, key(), prop::bool::weighted(0.7)).prop_map(|(client, key, on)| Step::Assign(client, key, on)),
        6 => (0..CLIENTS, prop::bool::weighted(0.1), 0_u64..6)
            .prop_map(|(client, lost, room)| Step::Fetch { client, lost, room }),
        1 => (1_u64..200).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..most)
}

#[derive(Clone, Copy, Debug, Default)]
struct Log {
    start: u64,
    end: u64,
    broken: bool,
}

/// What a client knows of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Bounds(Option<Offset>, Option<Offset>),
    Broken,
}

#[derive(Default)]
struct Client {
    wants: BTreeSet<Key>,
    positions: BTreeMap<Key, u64>,
    known: BTreeMap<Key, Known>,
    /// The session, the epoch of the next fetch, and what the broker was told of each partition.
    session: Option<(FetchSessionId, i32, BTreeMap<Key, u64>)>,
}

pub(super) struct World {
    now: Instant,
    next_id: i32,
    logs: BTreeMap<Key, Log>,
    clients: Vec<Client>,
    sessions: FetchSessions<u64>,
}

fn topic(number: u8) -> TopicRef {
    TopicRef::Id(u128::from(number))
}

fn grouped<T>(items: impl IntoIterator<Item = (Key, T)>) -> Vec<(TopicRef, Vec<T>)> {
    let mut groups: Vec<(TopicRef, Vec<T>)> = Vec::new();
    for ((number, _), item) in items {
        match groups.last_mut() {
            Some((last, group)) if *last == topic(number) => group.push(item),
            _ => groups.push((topic(number), vec![item])),
        }
    }
    groups
}

impl World {
    pub(super) fn new(limits: FetchSessionLimits) -> Self {
        let clients = (0..CLIENTS).map(|_| Client::default()).collect();
        Self { now: Instant(0), next_id: 1, logs: BTreeMap::new(), clients, sessions: FetchSessions::new(limits) }
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Append(key, count) => self.logs.entry(key).or_default().end += count,
            Step::Trim(key, count) => {
                let log = self.logs.entry(key).or_default();
                log.start = (log.start + count).min(log.end);
            }
            Step::Break(key, broken) => self.logs.entry(key).or_default().broken = broken,
            Step::Assign(client, key, true) => drop(self.clients[client].wants.insert(key)),
            Step::Assign(client, key, false) => drop(self.clients[client].wants.remove(&key)),
            Step::Fetch { client, lost, room } => self.fetch(client, lost, room),
            Step::Pass(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
        }
    }

    /// What the broker has for a fetch from `position` on, and where the client goes on.
    fn answer(&self, key: Key, position: u64, room: &mut u64) -> (PartitionAnswer, u64) {
        let log = self.logs.get(&key).copied().unwrap_or_default();
        if log.broken || position < log.start {
            // A client that is out of range goes on at the end.
            let next = if log.broken { position } else { log.end };
            let bounds = PartitionAnswer { log_start: offset(log.start), ..nothing(log.end) };
            return (PartitionAnswer { content: Content::Notice, ..bounds }, next);
        }
        let next = log.end.min(position + *room);
        *room -= next - position;
        let content = if next > position { Content::Records } else { Content::Nothing };
        (PartitionAnswer { log_start: offset(log.start), high_watermark: offset(log.end), content }, next)
    }

    fn fetch(&mut self, number: usize, lost: bool, mut room: u64) {
        let mut client = std::mem::take(&mut self.clients[number]);
        client.known.retain(|key, _| client.wants.contains(key));
        let positions: BTreeMap<Key, u64> =
            client.wants.iter().map(|key| (*key, client.positions.get(key).copied().unwrap_or_default())).collect();
        match client.session.take() {
            None => self.fetch_all(&mut client, positions, lost, &mut room),
            Some((id, epoch, sent)) => self.fetch_more(&mut client, positions, (id, epoch, sent), lost, &mut room),
        }
        // Nothing else happens before the client looks again: it knows what a full fetch would have told.
        if !lost && client.session.is_some() {
            for (key, known) in &client.known {
                let log = self.logs.get(key).copied().unwrap_or_default();
                let was_at = positions_before(&client, *key);
                let expected = if log.broken || was_at < log.start {
                    Known::Broken
                } else {
                    Known::Bounds(offset(log.start), offset(log.end))
                };
                assert_eq!(*known, expected, "client {number}, {key:?}");
            }
            assert!(client.known.keys().eq(client.wants.iter()), "each partition was told");
        }
        self.clients[number] = client;
    }

    fn fetch_all(&mut self, client: &mut Client, positions: BTreeMap<Key, u64>, lost: bool, room: &mut u64) {
        client.known.clear();
        let answers: Vec<_> =
            positions.iter().map(|(key, position)| (*key, self.answer(*key, *position, room))).collect();
        let wanted = grouped(positions.iter().map(|(key, position)| (*key, (key.1, *position))));
        let id = id(self.next_id);
        self.next_id += 1;
        let told = answers.iter().map(|(_, (answer, _))| *answer);
        let made = self.sessions.create(self.now, id, Naming::Ids, wanted, told);
        assert!(made.is_none() || !positions.is_empty());
        if lost {
            return;
        }
        for (key, (answer, next)) in answers {
            client.learn(key, answer, next);
        }
        client.session = made.map(|id| (id, 1, positions));
    }

    fn fetch_more(
        &mut self,
        client: &mut Client,
        positions: BTreeMap<Key, u64>,
        (id, epoch, sent): (FetchSessionId, i32, BTreeMap<Key, u64>),
        lost: bool,
        room: &mut u64,
    ) {
        let changed = positions.iter().filter(|(key, position)| sent.get(key) != Some(position));
        let gone = sent.keys().filter(|key| !positions.contains_key(key));
        let fetch = Resumption {
            id,
            epoch,
            naming: Naming::Ids,
            wanted: grouped(changed.map(|(key, position)| (*key, (key.1, *position)))),
            forgotten: grouped(gone.map(|key| (*key, key.1))),
        };
        let resumed = match self.sessions.resume(self.now, fetch) {
            Ok(Resumed::Fetch(resumed)) => resumed,
            Ok(Resumed::Emptied) => return assert!(positions.is_empty(), "it wanted something"),
            // It begins again; what it knows is what it was told before.
            Err(error) => return assert_eq!(error, FetchSessionError::NotFound, "only eviction may have come between"),
        };
        let topics: Vec<_> = self.sessions.topics(id).map(|topic| topic.cloned()).collect();
        let read: Vec<(Key, u64)> = self
            .sessions
            .partitions(id)
            .map(|(slot, index, position)| match topics[slot as usize] {
                Some(TopicRef::Id(number)) => ((u8::try_from(number).expect("small"), index), *position),
                _ => panic!("the session's topics are named by id"),
            })
            .collect();
        assert_eq!(read.iter().copied().collect::<BTreeMap<_, _>>(), positions, "the session is what the client wants");
        let answers: Vec<_> = read.iter().map(|(key, position)| (*key, self.answer(*key, *position, room))).collect();
        let told = self.sessions.news(resumed, answers.iter().map(|(_, (answer, _))| *answer));
        let told = told.expect("no other fetch came between");
        if lost {
            // The client cannot know whether the fetch arrived, and begins again.
            return;
        }
        for ((key, (answer, next)), told) in answers.into_iter().zip(told) {
            if told {
                client.learn(key, answer, next);
            }
        }
        client.session = Some((id, next_epoch(epoch), positions));
    }
}

/// Where a client was when it was told what it knows: behind the records that it has taken since.
fn positions_before(client: &Client, key: Key) -> u64 {
    let sent = client.session.as_ref().and_then(|(_, _, sent)| sent.get(&key).copied());
    sent.expect("what is known was asked for")
}

impl Client {
    fn learn(&mut self, key: Key, answer: PartitionAnswer, next: u64) {
        let known = match answer.content {
            Content::Notice => Known::Broken,
            Content::Nothing | Content::Records => Known::Bounds(answer.log_start, answer.high_watermark),
        };
        self.known.insert(key, known);
        self.positions.insert(key, next);
    }
}
