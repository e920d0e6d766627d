//! Requests of clients that keep to no protocol, in any order and state: whatever they ask, the coordinator does not
//! stumble, answers each once, and is what its log says.
//!
//! `CORELANE_SEEDS=n` runs so many seeds, `CORELANE_SEED=s` one. A failure names its seed.

mod desk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::{Offset, PartitionIndex, SeededRandom, Timestamp};
use cluster::groups::{
    Blob, Client, ConsumerHeartbeatRequest, Epoch, GroupId, GroupSettings, GroupState, HeartbeatRequest, InstanceId,
    JoinRequest, LeaveRequest, Leaver, MemberId, OffsetCommitRequest, OffsetDeleteRequest, OffsetToCommit, Partitions,
    Protocol, Reply, Request, SyncRequest, Token,
};
use cluster::metadata::TopicName;

use desk::{Desk, subscription, topic, topic_id};

const GROUPS: [&str; 2] = ["g", "h"];
const INSTANCES: [&str; 2] = ["i", "j"];
const TOPICS: [&str; 4] = ["t", "u", "v", "gone"];
const STEPS: usize = 400;

struct Clients {
    random: SeededRandom,
    /// Ids that somebody was told of, and two that nobody was.
    members: Vec<MemberId>,
    /// Generations and epochs that somebody was told of.
    epochs: Vec<Epoch>,
    /// Whom each group took in last, and as of which generation or epoch.
    taken_in: BTreeMap<GroupId, (MemberId, Epoch)>,
    ids: u64,
    /// How often each kind of request was granted.
    granted: BTreeMap<&'static str, usize>,
}

impl Clients {
    fn new(seed: u64) -> Self {
        let members = ["", "nobody"].map(MemberId::new).to_vec();
        #[expect(clippy::disallowed_methods, reason = "the seed of a test is drawn from here")]
        let random = SeededRandom::new(seed);
        let (taken_in, granted) = Default::default();
        Self { random, members, epochs: vec![Epoch::ZERO], taken_in, ids: 0, granted }
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.index(of.len())]
    }

    fn group(&mut self) -> GroupId {
        self.one(&GROUPS).into()
    }

    /// Rather one of late.
    fn member(&mut self) -> MemberId {
        let late = self.members.len().saturating_sub(6);
        let from = if self.random.percent(80) { late } else { 0 };
        self.members[from + self.random.index(self.members.len() - from)].clone()
    }

    /// A member and its epoch: as the group told them last, or any two.
    fn who(&mut self, group: &GroupId) -> (MemberId, Epoch) {
        match self.taken_in.get(group) {
            Some(last) if self.random.percent(50) => last.clone(),
            _ => (self.member(), self.epoch()),
        }
    }

    fn instance(&mut self) -> Option<InstanceId> {
        self.random.percent(20).then(|| self.one(&INSTANCES).into())
    }

    fn epoch(&mut self) -> Epoch {
        let told = self.epochs[self.epochs.len() - 1 - self.random.index(self.epochs.len().min(4))];
        match self.random.below(10) {
            0 => Epoch(told.0.saturating_add(1)),
            1 => Epoch(told.0 - 1),
            2 => Epoch::ZERO,
            3 => Epoch::NONE,
            4 => self.one(&[Epoch::AWAY, Epoch(-3), Epoch(i32::MAX), Epoch(i32::MIN)]),
            _ => told,
        }
    }

    /// An id that the driver draws.
    fn drawn(&mut self) -> MemberId {
        self.ids += 1;
        MemberId::new(&format!("m{}", self.ids))
    }

    fn topics(&mut self) -> Vec<TopicName> {
        let count = self.random.index(4);
        (0..count).map(|_| topic(self.one(&TOPICS))).collect()
    }

    fn bytes(&mut self) -> Blob {
        match self.random.below(4) {
            0 => Arc::from([]),
            1 => Arc::from([0, 0, 0, 0, 0, 9]),
            2 => {
                let mut bytes = vec![0; self.random.index(40)];
                self.random.fill(&mut bytes);
                bytes.into()
            }
            _ => {
                let topics = self.topics();
                subscription(&topics.iter().map(TopicName::as_str).collect::<Vec<_>>())
            }
        }
    }

    fn partitions(&mut self) -> Partitions {
        let count = self.random.index(6);
        (0..count).map(|_| (topic_id(self.one(&TOPICS)), PartitionIndex(self.one(&[0, 1, 2, 7])))).collect()
    }

    fn request(&mut self) -> Request {
        let group = self.group();
        match self.random.below(16) {
            0..4 => self.join(group),
            4..8 => self.sync(group),
            8 => {
                let (instance, (member, generation)) = (self.instance(), self.who(&group));
                Request::Heartbeat(HeartbeatRequest { group, member, instance, generation })
            }
            9 if self.random.percent(50) => {
                let count = self.random.index(4);
                let members = (0..count).map(|_| Leaver { member: self.member(), instance: self.instance() }).collect();
                Request::Leave(LeaveRequest { group, members })
            }
            9..13 => self.beat(group),
            13 => self.commit(group),
            14 => {
                let count = self.random.index(3);
                let partitions =
                    (0..count).map(|_| (topic(self.one(&TOPICS)), PartitionIndex(self.one(&[0, 1, 7])))).collect();
                Request::OffsetDelete(OffsetDeleteRequest { group, partitions })
            }
            _ if self.random.percent(30) => Request::DeleteGroup(group),
            _ => self.sync(group),
        }
    }

    fn join(&mut self, group: GroupId) -> Request {
        let count = self.random.index(4);
        let protocols = (0..count)
            .map(|_| Protocol { name: self.one(&["range", "sticky", "x"]).into(), metadata: self.bytes() })
            .collect();
        let protocols = if self.random.percent(60) {
            vec![Protocol { name: "range".into(), metadata: subscription(&["t", "u"]) }]
        } else {
            protocols
        };
        Request::Join(JoinRequest {
            group,
            member: if self.random.percent(40) { MemberId::new("") } else { self.member() },
            new_member: self.drawn(),
            instance: self.instance(),
            session_timeout_ms: self.one(&[6_000, 10_000, 30_000, 30_000, 30_000, 30_000, 0, u32::MAX]),
            rebalance_timeout_ms: self.one(&[0, 1_000, 30_000, u32::MAX]),
            protocol_type: if self.random.percent(90) { "consumer" } else { self.one(&["connect", ""]) }.into(),
            protocols,
            knows_member_id_required: self.random.percent(30),
            knows_skip_assignment: self.random.percent(50),
            client: client(),
        })
    }

    fn sync(&mut self, group: GroupId) -> Request {
        let count = self.random.index(4);
        let (member, generation) = self.who(&group);
        Request::Sync(SyncRequest {
            group,
            member,
            instance: self.instance(),
            generation,
            protocol_type: self.one(&[None, Some("consumer"), Some("consumer"), Some("connect")]).map(Into::into),
            protocol: self.one(&[None, Some("range"), Some("range"), Some("x")]).map(Into::into),
            assignments: (0..count).map(|_| (self.member(), self.bytes())).collect(),
        })
    }

    fn beat(&mut self, group: GroupId) -> Request {
        let (member, epoch) = self.who(&group);
        let regex = self.one(&[None, None, Some("t.*"), Some(""), Some("("), Some(".*")]);
        Request::ConsumerHeartbeat(ConsumerHeartbeatRequest {
            group,
            member: if self.random.percent(20) { self.drawn() } else { member },
            new_member: self.drawn(),
            epoch,
            instance: self.instance(),
            rack: self.one(&[None, Some(""), Some("r")]).map(Into::into),
            rebalance_timeout_ms: self.one(&[None, Some(0), Some(1_000), Some(u32::MAX)]),
            client: client(),
            topics: self.random.percent(70).then(|| self.topics()),
            regex: regex.map(Into::into),
            assignor: self.one(&[None, None, Some("range"), Some("uniform"), Some("x")]).map(Into::into),
            owned: match self.random.below(3) {
                0 => None,
                1 => Some(Partitions::EMPTY),
                _ => Some(self.partitions()),
            },
        })
    }

    fn commit(&mut self, group: GroupId) -> Request {
        let count = self.random.index(4);
        let offsets = (0..count).map(|_| OffsetToCommit {
            topic: topic(self.one(&TOPICS)),
            partition: PartitionIndex(self.one(&[0, 1, 7, u32::MAX])),
            offset: Offset::new(self.one(&[0, 5, u64::MAX])),
            leader_epoch: None,
            metadata: "m".repeat(self.one(&[0, 10, 5_000])).into(),
        });
        let offsets = offsets.collect();
        let (member, generation) = self.who(&group);
        Request::OffsetCommit(OffsetCommitRequest {
            group,
            member,
            instance: self.instance(),
            generation,
            knows_member_epoch: self.random.percent(80),
            expires_at: self.one(&[None, Some(Timestamp::from_millis(0)), Some(Timestamp::from_millis(u64::MAX >> 1))]),
            offsets,
        })
    }

    /// Takes note of what a reply of a group tells, if there is one.
    fn hears(&mut self, group: &GroupId, reply: Option<Reply>) -> bool {
        let Some(reply) = reply else { return false };
        let granted = match &reply {
            Reply::Join(Ok(_)) => "join",
            Reply::Sync(Ok(synced)) if !synced.assignment.is_empty() => "sync",
            Reply::Heartbeat(Ok(())) => "heartbeat",
            Reply::Leave(Ok(lefts)) if !lefts.is_empty() => "leave",
            Reply::ConsumerHeartbeat(Ok(reply)) if reply.epoch > Epoch::ZERO => "stay",
            Reply::ConsumerHeartbeat(Ok(_)) => "go",
            Reply::OffsetCommit(Ok(results)) if results.iter().any(Result::is_ok) => "commit",
            Reply::OffsetDelete(Ok(results)) if results.iter().any(Result::is_ok) => "forget",
            Reply::DeleteGroup(Ok(())) => "delete",
            _ => "none",
        };
        *self.granted.entry(granted).or_default() += 1;
        let (member, epoch) = match &reply {
            Reply::Join(Ok(joined)) => (&joined.member, joined.generation),
            Reply::Join(Err(refused)) => (&refused.member, self.epochs[0]),
            Reply::ConsumerHeartbeat(Ok(reply)) => (&reply.member, reply.epoch),
            _ => return true,
        };
        if !member.is_empty() {
            self.members.push(member.clone());
        }
        if epoch > Epoch::ZERO {
            self.epochs.push(epoch);
            self.taken_in.insert(group.clone(), (member.clone(), epoch));
        }
        true
    }
}

fn client() -> Client {
    Client { id: "client".into(), host: "/127.0.0.1".into() }
}

/// Runs a seed, and says how often each kind of request was granted.
fn run(seed: u64) -> BTreeMap<&'static str, usize> {
    let mut clients = Clients::new(seed);
    // Sometimes with little memory and few places.
    let tight = clients.random.percent(30);
    let mut desk = Desk::with(GroupSettings {
        memory_bytes_max: if tight { 8_000 } else { 64 << 20 },
        classic_members_max: if tight { 2 } else { 10 },
        consumer_members_max: if tight { 2 } else { 10 },
        initial_rebalance_delay: Duration::ZERO,
        ..GroupSettings::default()
    });
    desk.topics(&[("t", 4), ("u", 2), ("gone", 1)], &[]);
    let mut open = BTreeMap::new();
    for step in 0..STEPS {
        match clients.random.below(12) {
            0..6 => {
                let request = clients.request();
                let group = request.group().clone();
                open.insert(desk.ask(request), group);
            }
            6..9 if !desk.under_way.is_empty() => desk.flush_first(),
            9 if !desk.under_way.is_empty() => match clients.random.below(3) {
                0 => desk.fail(true),
                // The log refused it at once, while others are on their way.
                1 => desk.fail(false),
                _ => desk.flush_first(),
            },
            10 => {
                let (short, long) = (clients.random.below(2_000), clients.random.below(100_000));
                desk.pass(if clients.random.percent(90) { short } else { long });
            }
            11 => match clients.random.below(8) {
                0 => {
                    // Nobody is told of what was asked before.
                    desk.restart();
                    open.clear();
                }
                1 => desk.topics(&[("t", 4), ("u", 2), ("v", 3)], &[]),
                2 => desk.topics(&[("t", 9), ("u", 2), ("gone", 1)], &[]),
                3 => desk.topics(&[("t", 9), ("u", 2)], &["gone", "v"]),
                _ => {
                    while !desk.under_way.is_empty() {
                        desk.flush_first();
                    }
                }
            },
            _ => {}
        }
        open.retain(|token, group| !clients.hears(group, desk.reply(*token)));
        if step % 16 == 0 {
            desk.pass(0);
            check(&desk);
        }
    }
    desk.pass(0);
    open.retain(|token, group| !clients.hears(group, desk.reply(*token)));
    check(&desk);
    // Whoever waits is told in the end, and nobody else is.
    let answers: BTreeSet<Token> = desk.coordinator.unload().into_iter().map(|answer| answer.token).collect();
    assert_eq!(answers, open.into_keys().collect());
    clients.granted
}

/// What can be looked at can be looked at in any state.
fn check(desk: &Desk) {
    let coordinator = &desk.coordinator;
    assert_eq!(*coordinator.state(), GroupState::from_records(&desk.log));
    assert!(coordinator.next_deadline() > desk.now.instant, "something is due and is not done");
    for listed in coordinator.list() {
        for described in
            [coordinator.describe_classic(&listed.group).is_ok(), coordinator.describe_consumer(&listed.group).is_ok()]
        {
            let _ = described;
        }
    }
    for group in GROUPS.map(GroupId::from) {
        let _ = coordinator.fetch_offsets(&group, Some((&MemberId::new("nobody"), Epoch(1))));
        let held: Vec<_> = coordinator
            .state()
            .group(&group)
            .into_iter()
            .flat_map(|stored| stored.consumer().members().filter_map(|(id, _)| stored.consumer().current(id)))
            .flat_map(|current| current.assigned.iter().chain(current.revoking.iter()))
            .collect();
        let once: BTreeSet<_> = held.iter().collect();
        assert_eq!(held.len(), once.len(), "a partition of {group} is held twice");
    }
}

#[test]
fn clients_that_keep_to_no_protocol_do_no_harm() {
    let variable = |name| {
        #[expect(clippy::disallowed_methods, reason = "a test is told by its environment how long to run")]
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    if let Some(seed) = variable("CORELANE_SEED") {
        run(seed);
        return;
    }
    let mut granted: BTreeMap<&str, usize> = BTreeMap::new();
    let seeds = variable("CORELANE_SEEDS").unwrap_or(200);
    for seed in 0..seeds {
        match std::panic::catch_unwind(|| run(seed)) {
            Ok(of_seed) => of_seed.into_iter().for_each(|(kind, count)| *granted.entry(kind).or_default() += count),
            Err(panic) => {
                eprintln!("failed with CORELANE_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("granted: {granted:?}");
    // Whose requests are all refused does not come far.
    for kind in ["join", "sync", "heartbeat", "leave", "stay", "go", "commit", "forget", "delete"] {
        let count = granted.get(kind).copied().unwrap_or(0) as u64;
        assert!(count >= seeds / 100, "{kind}: {granted:?}");
    }
}
