//! The coordinator, its log, the network and the clients, on one virtual clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{Instant, SeededRandom, Timestamp};
use cluster::groups::{
    Answer, Append, AppendFailure, Coordinator, Decision, GroupId, GroupRecord, GroupSettings, GroupState, InstanceId,
    MemberId, Now, Partitions, Reply, Request, Token,
};
use cluster::metadata::{MetadataImage, TopicName};

use crate::classic::Topics;
use crate::client::{Client, Io, Knows, Partition, Speaks, Tag};
use crate::oracle::Oracle;
use crate::plan::{Mix, Plan, random_of};
use crate::sabotage::Sabotage;
use crate::summary::Summary;
use crate::topics::topics;

/// After the disturbance everything must be well within this time.
const SETTLE_MS: u64 = 300_000;

pub(crate) enum Event {
    Request {
        from: Sender,
        request: Request,
    },
    Reply {
        to: Sender,
        reply: Reply,
    },
    Timer {
        client: usize,
        life: u64,
        tag: Tag,
    },
    /// The first append under way has come to its end.
    Appended {
        incarnation: u64,
    },
    CrashCoordinator,
    StartCoordinator,
    Churn,
    /// A topic gets more partitions.
    Growth,
    /// The processes of a group begin to come back with the other protocol, one after another.
    Roll,
    /// A process goes and comes back.
    Bounce {
        client: usize,
        life: u64,
        speaks: Speaks,
    },
}

#[derive(Clone, Copy)]
pub(crate) struct Sender {
    client: usize,
    life: u64,
    call: u64,
}

struct UnderWay {
    append: Append,
    fails: bool,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) random: SeededRandom,
    pub(crate) now_ms: u64,
    events: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    pub(crate) coordinator: Option<Coordinator>,
    incarnation: u64,
    pub(crate) image: MetadataImage,
    pub(crate) partitions: BTreeMap<TopicName, u32>,
    log: Vec<GroupRecord>,
    under_way: VecDeque<UnderWay>,
    last_append_ms: u64,
    tokens: BTreeMap<Token, Sender>,
    /// Commits that the coordinator has and has not answered, and whose they are.
    commits: BTreeMap<Token, usize>,
    next_token: u64,
    calls: u64,
    pub(crate) clients: Vec<Client>,
    pub(crate) oracle: Oracle,
    /// By the last answers that gave something, for sabotage.
    pub(crate) given_last: BTreeSet<Partition>,
    pub(crate) partitions_given_last: Partitions,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut random = random_of(plan.seed);
        let (image, partitions) = topics(plan);
        let names: Vec<_> = partitions.keys().cloned().collect();
        let are_cooperative: Vec<_> = (0..plan.groups).map(|_| random.percent(50)).collect();
        let clients = (0..plan.members).map(|number| {
            let group = random.index(plan.groups);
            let knows = match are_cooperative[group] {
                true if random.percent(80) => Knows::Cooperative,
                true => Knows::Both,
                false => Knows::Eager,
            };
            let group = GroupId::new(&format!("group-{group}"));
            let speaks = match plan.mix {
                Mix::Classic => Speaks::Classic,
                Mix::Consumer => Speaks::Consumer,
                Mix::Both if random.percent(50) => Speaks::Classic,
                Mix::Both => Speaks::Consumer,
            };
            // Of classic ones each instance id has two processes at times, as after a restart that was too fast.
            let shared = if plan.mix == Mix::Classic { number / 2 } else { number };
            let instance = random.percent(30).then(|| InstanceId::new(&format!("i{shared}")));
            let mut wanted = |topic: &TopicName| *topic == names[0] || random.percent(60);
            let wants_all = plan.mix != Mix::Classic && number.is_multiple_of(5);
            let topics = names.iter().filter(|name| wants_all || wanted(name)).cloned().collect();
            let mut client = Client::new(number, (speaks, knows), group, instance, topics);
            // What a cooperative member says that it keeps must not be stale; eager ones stand a lot more.
            client.in_order = plan.mix != Mix::Classic || knows != Knows::Eager;
            client
        });
        let mut clients: Vec<_> = clients.collect();
        // A process under the instance id of another takes its assignment without a rebalance, even if it asks for other
        // topics (KIP-345, and Kafka): here it does not.
        for number in 1..clients.len() {
            let (before, this) = (&clients[number - 1], &clients[number]);
            if this.instance.is_some() && (&before.group, &before.instance) == (&this.group, &this.instance) {
                clients[number].topics = before.topics.clone();
            }
        }
        let names_by_id = names.iter().map(|name| (image.topic_id(name.as_str()).expect("it is there"), name.clone()));
        let oracle = Oracle::new(names_by_id.collect());
        Self {
            plan: plan.clone(),
            random,
            now_ms: 1_000,
            events: BTreeMap::new(),
            sequence: 0,
            coordinator: None,
            incarnation: 0,
            image,
            partitions,
            log: Vec::new(),
            under_way: VecDeque::new(),
            last_append_ms: 0,
            tokens: BTreeMap::new(),
            commits: BTreeMap::new(),
            next_token: 0,
            calls: 0,
            clients,
            oracle,
            given_last: BTreeSet::new(),
            partitions_given_last: Partitions::EMPTY,
        }
    }

    pub(crate) fn run(mut self) -> Summary {
        self.start_coordinator();
        for number in 0..self.clients.len() {
            if self.random.percent(70) {
                self.at(0, Event::Timer { client: number, life: 0, tag: Tag::Join });
            }
        }
        self.at(self.plan.churn_ms, Event::Churn);
        self.at(self.plan.restart_ms, Event::CrashCoordinator);
        match self.plan.mix {
            Mix::Classic => {}
            Mix::Consumer => self.at(self.plan.restart_ms / 2, Event::Growth),
            Mix::Both => self.at(self.plan.roll_ms / 2, Event::Roll),
        }
        let end = self.now_ms + self.plan.disturbed_ms + SETTLE_MS;
        while self.now_ms < end {
            self.step();
        }
        self.check_end();
        self.oracle.summary.seeds = 1;
        self.oracle.summary
    }

    pub(crate) fn is_disturbed(&self) -> bool {
        self.now_ms < 1_000 + self.plan.disturbed_ms
    }

    pub(crate) fn at(&mut self, after_ms: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now_ms + after_ms, self.sequence), event);
    }

    pub(crate) fn now(&self) -> Now {
        Now { instant: Instant(self.now_ms * 1_000_000), wall: Timestamp::from_millis(1_700_000_000_000 + self.now_ms) }
    }

    /// The next event, or the coordinator's next deadline if that comes first.
    fn step(&mut self) {
        let ticks = self.plan.sabotage != Some(Sabotage::Sleeps);
        let coordinator = self.coordinator.as_ref().filter(|_| ticks);
        let deadline = coordinator.map(|known| known.next_deadline().0.div_ceil(1_000_000));
        let next = self.events.first_key_value().map(|((at, _), _)| *at).expect("there is always churn");
        if let Some(deadline) = deadline
            && deadline <= next
        {
            self.now_ms = self.now_ms.max(deadline);
            let now = self.now();
            let decision = self.coordinator.as_mut().expect("it has a deadline").tick(now);
            self.take(decision);
            return;
        }
        let ((at, _), event) = self.events.pop_first().expect("there is always churn");
        self.now_ms = at;
        match event {
            Event::Request { from, request } => self.deliver(from, request),
            Event::Reply { to, reply } => self.reply(to, reply),
            Event::Timer { client, life, tag } => self.timer(client, life, tag),
            Event::Appended { incarnation } => {
                if incarnation == self.incarnation {
                    self.appended();
                }
            }
            Event::CrashCoordinator => self.crash_coordinator(),
            Event::StartCoordinator => self.start_coordinator(),
            Event::Churn => self.churn(),
            Event::Growth => self.grow(),
            Event::Roll => self.roll(),
            Event::Bounce { client, life, speaks } => self.bounce(client, life, speaks),
        }
    }

    fn deliver(&mut self, from: Sender, mut request: Request) {
        if let Request::Join(join) = &mut request {
            // Drawn for each message, as a driver does.
            join.new_member = MemberId::new(&format!("{}-{}", join.client.id, self.next_token));
        }
        let sender = &self.clients[from.client];
        if matches!(request, Request::OffsetCommit(_)) && sender.life == from.life && from.call < sender.resumed_with {
            self.oracle.summary.lost_messages += 1;
            return;
        }
        if let Some(sabotage) = self.plan.sabotage {
            sabotage.of_request(&mut request);
            self.forget_progress(&mut request);
        }
        let now = self.now();
        let Some(coordinator) = &mut self.coordinator else { return };
        let token = Token(self.next_token);
        self.next_token += 1;
        self.tokens.insert(token, from);
        if matches!(request, Request::OffsetCommit(_)) {
            self.commits.insert(token, from.client);
        }
        let decision = coordinator.decide(token, request, now);
        self.take(decision);
    }

    pub(crate) fn take(&mut self, decision: Decision) {
        for Answer { token, mut reply } in decision.answers {
            self.sabotage(&mut reply);
            let to = self.tokens.remove(&token).unwrap_or_else(|| panic!("{token:?} is answered twice"));
            self.commits.remove(&token);
            if self.clients[to.client].life == to.life {
                self.oracle.answered(&self.clients[to.client], to.call, &reply);
            }
            self.send(Event::Reply { to, reply });
        }
        for append in decision.appends {
            let disturbed = self.is_disturbed();
            let fails = disturbed && self.random.percent(self.plan.failed);
            // A slow disk is a disturbance: with 50 ms for each append, one after another, a large group takes longer for
            // all of its members than they wait for an answer.
            let slow = disturbed && self.random.percent(5);
            let delay = 1 + if slow { self.random.below(2_000) } else { self.random.below(10) };
            let at = (self.now_ms + delay).max(self.last_append_ms);
            self.last_append_ms = at;
            self.under_way.push_back(UnderWay { append, fails });
            self.at(at - self.now_ms, Event::Appended { incarnation: self.incarnation });
        }
    }

    fn appended(&mut self) {
        let UnderWay { append, fails } = self.under_way.pop_front().expect("each append has its end");
        let now = self.now();
        let coordinator = self.coordinator.as_mut().expect("the incarnation is this one");
        let decision = if fails {
            self.oracle.summary.failed_appends += 1;
            if self.plan.sabotage == Some(Sabotage::LosesAppends) {
                coordinator.committed(append.batch, now)
            } else {
                coordinator.failed(append.batch, AppendFailure::Unavailable, now)
            }
        } else {
            self.oracle.flushed(&append.records, &self.clients);
            self.log.extend(append.records.iter().cloned());
            coordinator.committed(append.batch, now)
        };
        self.take(decision);
    }

    /// What was under way may have reached the log, in its order, or not.
    fn crash_coordinator(&mut self) {
        if !self.is_disturbed() {
            return;
        }
        self.oracle.summary.restarts += 1;
        let survivors = self.random.index(self.under_way.len() + 1);
        for UnderWay { append, fails } in std::mem::take(&mut self.under_way).into_iter().take(survivors) {
            if !fails {
                self.oracle.flushed(&append.records, &self.clients);
                self.log.extend(append.records.iter().cloned());
            }
        }
        self.coordinator = None;
        self.incarnation += 1;
        self.tokens.clear();
        self.commits.clear();
        let (down_ms, up_ms) = (self.random.below(3_000), self.random.below(2 * self.plan.restart_ms));
        self.at(down_ms, Event::StartCoordinator);
        self.at(down_ms + 1 + up_ms, Event::CrashCoordinator);
    }

    fn start_coordinator(&mut self) {
        let state = GroupState::from_records(&self.log);
        self.oracle.check_offsets(&state);
        let (coordinator, decision) = Coordinator::new(GroupSettings::default(), state, self.image.clone(), self.now());
        self.coordinator = Some(coordinator);
        self.last_append_ms = self.now_ms;
        self.take(decision);
    }

    fn send(&mut self, event: Event) {
        let disturbed = self.is_disturbed();
        if disturbed && self.random.percent(self.plan.lost) {
            self.oracle.summary.lost_messages += 1;
            return;
        }
        let slow = disturbed && self.random.percent(3);
        let delay = if slow { self.random.below(8_000) } else { self.random.below(20) };
        let Event::Request { from, request } = event else { return self.at(delay, event) };
        // A consumer that was not answered says everything anew, and so what it has by then.
        let may_be_repeated = !matches!(request, Request::ConsumerHeartbeat(_));
        let again = disturbed && may_be_repeated && self.random.percent(self.plan.repeated);
        let later = self.random.below(8_000);
        let client = &mut self.clients[from.client];
        let mut arrival = self.now_ms + delay;
        let commits = matches!(request, Request::OffsetCommit(_));
        if commits {
            arrival = arrival.max(client.last_commit_arrival_ms);
            client.last_commit_arrival_ms = arrival;
        }
        if client.in_order {
            arrival = arrival.max(client.last_arrival_ms);
            client.last_arrival_ms = arrival;
        }
        if again {
            // Where a stale report of what a member has, or of where it is, would do harm, a repetition comes right behind.
            let behind = if client.in_order || commits { 0 } else { later };
            let request = request.clone();
            self.at(arrival - self.now_ms + behind, Event::Request { from, request });
        }
        self.at(arrival - self.now_ms, Event::Request { from, request });
    }

    fn reply(&mut self, to: Sender, reply: Reply) {
        let client = &self.clients[to.client];
        if client.life != to.life || !client.is_running() {
            return;
        }
        let (partitions, image) = (self.partitions.clone(), self.image.clone());
        let topics = Topics { partitions: &partitions, hasty: self.plan.sabotage == Some(Sabotage::HastyLeader) };
        self.with_client(to.client, |client, io| match client.speaks {
            Speaks::Classic => client.classic_reply(to.call, reply, &topics, io),
            Speaks::Consumer => client.consumer_reply(to.call, &reply, &image, io),
        });
    }

    fn timer(&mut self, number: usize, life: u64, tag: Tag) {
        let client = &self.clients[number];
        if client.life != life || (!client.is_running() && tag != Tag::Join) {
            return;
        }
        let (starts, image) = (!client.is_running(), self.image.clone());
        self.with_client(number, |client, io| match (client.speaks, starts) {
            (Speaks::Classic, true) => client.classic_start(io),
            (Speaks::Classic, false) => client.classic_timer(tag, io),
            (Speaks::Consumer, true) => client.consumer_start(&image, io),
            (Speaks::Consumer, false) => client.consumer_timer(tag, &image, io),
        });
    }

    pub(crate) fn with_client(&mut self, number: usize, act: impl FnOnce(&mut Client, &mut Io<'_>)) {
        let (random, oracle, calls) = (&mut self.random, &mut self.oracle, &mut self.calls);
        let mut io = Io { random, oracle, calls, sent: Vec::new(), timers: Vec::new() };
        let life_before = self.clients[number].life;
        act(&mut self.clients[number], &mut io);
        let Io { sent, timers, .. } = io;
        let life = self.clients[number].life;
        // On its connection the answer to a commit comes before that to what it asks later.
        let commits = self.commits.values().any(|committer| *committer == number);
        self.clients[number].resume(self.coordinator.as_ref().filter(|_| !commits), self.calls);
        self.oracle.check_reads(&self.clients[number]);
        for (call, request) in sent {
            self.send(Event::Request { from: Sender { client: number, life: life_before, call }, request });
        }
        for (after, tag) in timers {
            self.at(after, Event::Timer { client: number, life, tag });
        }
    }

    fn check_end(&mut self) {
        let coordinator = self.coordinator.as_ref().expect("nobody crashes it any more");
        self.oracle.check_offsets(coordinator.state());
        assert!(*coordinator.state() == GroupState::from_records(&self.log), "the state is not the fold of the log");
        self.oracle.check_settled(&self.clients, &self.partitions);
    }
}
