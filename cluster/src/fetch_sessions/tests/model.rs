//! Clients that keep sessions as Kafka's do, and a broker without any other state than what its partitions are like and
//! who follows them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::walker::Walker;
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
    /// A client fetches; the answer may be lost. The fetch may find too little, and wait until something has come.
    Fetch {
        client: usize,
        lost: bool,
        room: u64,
        meanwhile: Option<(Key, u64)>,
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
        6 => (0..CLIENTS, prop::bool::weighted(0.1), 0_u64..6, prop::option::of((key(), 1_u64..4)))
            .prop_map(|(client, lost, room, meanwhile)| Step::Fetch { client, lost, room, meanwhile }),
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
    session: Option<Kept>,
}

/// A session as its client sees it.
struct Kept {
    id: FetchSessionId,
    /// Of the next fetch.
    epoch: i32,
    /// What the broker was told of each partition.
    sent: BTreeMap<Key, u64>,
    walker: Walker<Key>,
}

/// What a look has found in a partition, and where its client then goes on.
struct Found {
    name: Key,
    key: PartitionKey,
    answer: PartitionAnswer,
    next: u64,
}

pub(super) struct World {
    now: Instant,
    next_id: i32,
    logs: BTreeMap<Key, Log>,
    clients: Vec<Client>,
    sessions: FetchSessions<u64>,
    /// Who is told when a partition moves next.
    followers: BTreeMap<Key, BTreeSet<(FetchSessionId, PartitionKey)>>,
    /// What was told and nobody has heard yet.
    moved: BTreeSet<(FetchSessionId, PartitionKey)>,
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
        Self {
            now: Instant(0),
            next_id: 1,
            logs: BTreeMap::new(),
            clients,
            sessions: FetchSessions::new(limits),
            followers: BTreeMap::new(),
            moved: BTreeSet::new(),
        }
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Append(key, count) => self.change(key, |log| log.end += count),
            Step::Trim(key, count) => self.change(key, |log| log.start = (log.start + count).min(log.end)),
            Step::Break(key, broken) => self.change(key, |log| log.broken = broken),
            Step::Assign(client, key, true) => drop(self.clients[client].wants.insert(key)),
            Step::Assign(client, key, false) => drop(self.clients[client].wants.remove(&key)),
            Step::Fetch { client, lost, room, meanwhile } => self.fetch(client, lost, room, meanwhile),
            Step::Pass(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
        }
    }

    fn change(&mut self, key: Key, act: impl FnOnce(&mut Log)) {
        act(self.logs.entry(key).or_default());
        self.moved.append(&mut self.followers.remove(&key).unwrap_or_default());
    }

    fn hear(&mut self) {
        for (session, key) in std::mem::take(&mut self.moved) {
            self.sessions.stir(session, [key]);
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
        let content = match next {
            next if next > position => Content::Records,
            _ if position < log.end => Content::Withheld,
            _ => Content::Nothing,
        };
        (PartitionAnswer { log_start: offset(log.start), high_watermark: offset(log.end), content }, next)
    }

    fn fetch(&mut self, number: usize, lost: bool, mut room: u64, meanwhile: Option<(Key, u64)>) {
        let mut client = std::mem::take(&mut self.clients[number]);
        client.known.retain(|key, _| client.wants.contains(key));
        let positions: BTreeMap<Key, u64> =
            client.wants.iter().map(|key| (*key, client.positions.get(key).copied().unwrap_or_default())).collect();
        match client.session.take() {
            None => self.fetch_all(&mut client, positions, lost, &mut room),
            Some(kept) => self.fetch_more(&mut client, positions, kept, (lost, meanwhile), room),
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
        let id = id(self.next_id);
        self.next_id += 1;
        let wanted =
            answers.iter().zip(positions.values()).map(|((key, _), position)| (topic(key.0), key.1, *position));
        let told = answers.iter().map(|(_, (answer, _))| *answer);
        let made = make(&mut self.sessions, self.now, id.to_wire(), wanted.collect(), told);
        assert!(made.is_none() || !positions.is_empty());
        if lost {
            return;
        }
        let walker = Walker::new(answers.iter().map(|(key, (answer, _))| (*key, positions[key], *answer)));
        for (key, (answer, next)) in answers {
            client.learn(key, answer, next);
        }
        client.session = made.map(|id| Kept { id, epoch: 1, sent: positions, walker });
    }

    /// Looks at what is restless, a few at a time, with room for so many records.
    fn look(&mut self, fetch: SessionFetch, positions: &BTreeMap<Key, u64>, mut room: u64) -> Vec<Found> {
        self.hear();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let looks = self.sessions.look(fetch, after, 3).expect("no other fetch came between");
            let Some(last) = looks.last() else { return found };
            after = Some(last.place);
            for look in looks {
                let Some(TopicRef::Id(number)) = self.sessions.topic(fetch.id, look.topic) else {
                    panic!("it has an id")
                };
                let (name, key) = ((u8::try_from(*number).expect("small"), look.index), look.key);
                assert_eq!(positions.get(&name), Some(&look.asked), "the session is what the client wants");
                self.sessions.follow(fetch, key, CORE).expect("no other fetch came between");
                self.followers.entry(name).or_default().insert((fetch.id, key));
                let (answer, next) = self.answer(name, look.asked, &mut room);
                found.push(Found { name, key, answer, next });
            }
        }
    }

    fn fetch_more(
        &mut self,
        client: &mut Client,
        positions: BTreeMap<Key, u64>,
        Kept { id, epoch, sent, mut walker }: Kept,
        (lost, meanwhile): (bool, Option<(Key, u64)>),
        room: u64,
    ) {
        let changed: Vec<_> = positions.iter().filter(|(key, position)| sent.get(key) != Some(position)).collect();
        let gone: Vec<_> = sent.keys().filter(|key| !positions.contains_key(key)).collect();
        changed.iter().for_each(|(key, position)| walker.want(**key, **position));
        gone.iter().for_each(|key| walker.forget(**key));
        let fetch = Resumption {
            id,
            epoch,
            naming: Naming::Ids,
            wanted: grouped(changed.iter().map(|(key, position)| (**key, (key.1, **position)))),
            forgotten: grouped(gone.iter().map(|key| (**key, key.1))),
        };
        let resumed = match self.sessions.resume(self.now, fetch) {
            Ok(Resumed::Fetch(resumed)) => resumed,
            Ok(Resumed::Emptied) => return assert!(positions.is_empty(), "it wanted something"),
            // It begins again; what it knows is what it was told before.
            Err(error) => return assert_eq!(error, FetchSessionError::NotFound, "only eviction may have come between"),
        };
        let size = self.sessions.size(resumed).expect("it was just resumed");
        assert_eq!((size.partitions, size.asked_bytes), (positions.len(), 1_000 * positions.len() as u64));
        if let Some((key, count)) = meanwhile {
            for look in self.look(resumed, &positions, room) {
                self.sessions.settle(resumed, [(look.key, look.answer)]).expect("no other fetch came between");
            }
            self.change(key, |log| log.end += count);
        }
        let looks = self.look(resumed, &positions, room);
        let mut left = room;
        let expected = walker.fetch(|key, position| self.answer(key, position, &mut left).0);
        let mut told = Vec::new();
        for Found { name, key, answer, next } in looks {
            if self.sessions.tell(resumed, key, answer).expect("no other fetch came between") {
                told.push((name, answer, next));
            }
        }
        self.sessions.told(resumed).expect("no other fetch came between");
        assert_eq!(told.iter().map(|(key, answer, _)| (*key, *answer)).collect::<Vec<_>>(), expected);
        if lost {
            // The client cannot know whether the fetch arrived, and begins again.
            return;
        }
        for (key, answer, next) in told {
            client.learn(key, answer, next);
        }
        client.session = Some(Kept { id, epoch: next_epoch(epoch), sent: positions, walker });
    }
}

/// Where a client was when it was told what it knows: behind the records that it has taken since.
fn positions_before(client: &Client, key: Key) -> u64 {
    let sent = client.session.as_ref().and_then(|kept| kept.sent.get(&key).copied());
    sent.expect("what is known was asked for")
}

impl Client {
    fn learn(&mut self, key: Key, answer: PartitionAnswer, next: u64) {
        let known = match answer.content {
            Content::Notice => Known::Broken,
            Content::Nothing | Content::Withheld | Content::Records => {
                Known::Bounds(answer.log_start, answer.high_watermark)
            }
        };
        self.known.insert(key, known);
        self.positions.insert(key, next);
    }
}
