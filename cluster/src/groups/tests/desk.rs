//! A coordinator with its log, and short ways to ask it something.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::{BrokerId, Instant, Offset, PartitionIndex, Timestamp, TopicId};

use crate::groups::*;
use crate::metadata::{
    Command, CreateTopic, CreationDefaults, Incarnation, Metadata, MetadataImage, NewPartitions, TopicName,
};

pub(super) struct Desk {
    pub(super) coordinator: Coordinator,
    pub(super) log: Vec<GroupRecord>,
    pub(super) now: Now,
    /// Appends are left under way until [`Desk::flush`] or [`Desk::fail`].
    pub(super) holds: bool,
    pub(super) under_way: VecDeque<Append>,
    replies: BTreeMap<Token, Reply>,
    tokens: u64,
}

pub(super) fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

pub(super) fn settings() -> GroupSettings {
    GroupSettings { initial_rebalance_delay: Duration::ZERO, ..GroupSettings::default() }
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::with(settings())
    }

    pub(super) fn with(settings: GroupSettings) -> Self {
        let now = Now { instant: Instant(1_000_000_000_000), wall: Timestamp::from_millis(1_700_000_000_000) };
        let (coordinator, decision) = Coordinator::new(settings, GroupState::default(), MetadataImage::default(), now);
        assert_eq!(decision, Decision::default());
        Self {
            coordinator,
            log: Vec::new(),
            now,
            holds: false,
            under_way: VecDeque::new(),
            replies: BTreeMap::new(),
            tokens: 0,
        }
    }

    /// Another coordinator reads the log.
    pub(super) fn restart(&mut self) {
        let state = GroupState::from_records(&self.log);
        let (settings, image) = (self.coordinator.settings.clone(), self.coordinator.image.clone());
        let (coordinator, decision) = Coordinator::new(settings, state, image, self.now);
        self.coordinator = coordinator;
        self.under_way.clear();
        self.take(decision);
    }

    pub(super) fn ask(&mut self, request: Request) -> Token {
        let token = Token(self.tokens);
        self.tokens += 1;
        let decision = self.coordinator.decide(token, request, self.now);
        self.take(decision);
        token
    }

    /// Asks something that is answered at once.
    pub(super) fn answer(&mut self, request: Request) -> Reply {
        let token = self.ask(request);
        self.reply(token).unwrap_or_else(|| panic!("{token:?} waits"))
    }

    pub(super) fn reply(&mut self, token: Token) -> Option<Reply> {
        self.replies.remove(&token)
    }

    pub(super) fn take(&mut self, decision: Decision) {
        for Answer { token, reply } in decision.answers {
            let twice = self.replies.insert(token, reply);
            assert_eq!(twice, None, "{token:?} is answered twice");
        }
        self.under_way.extend(decision.appends);
        if !self.holds {
            self.flush();
        }
    }

    /// Lets all appends become durable.
    pub(super) fn flush(&mut self) {
        while let Some(append) = self.under_way.pop_front() {
            self.log.extend(append.records.iter().cloned());
            let decision = self.coordinator.committed(append.batch, self.now);
            for Answer { token, reply } in decision.answers {
                assert_eq!(self.replies.insert(token, reply), None, "{token:?} is answered twice");
            }
            self.under_way.extend(decision.appends);
        }
        assert_eq!(*self.coordinator.state(), GroupState::from_records(&self.log));
    }

    /// Lets the first append under way become durable.
    pub(super) fn flush_first(&mut self) {
        let append = self.under_way.pop_front().expect("something is under way");
        self.log.extend(append.records.iter().cloned());
        let decision = self.coordinator.committed(append.batch, self.now);
        self.take(decision);
    }

    /// Lets the first append under way fail.
    pub(super) fn fail(&mut self) {
        let append = self.under_way.pop_front().expect("something is under way");
        let decision = self.coordinator.failed(append.batch, AppendFailure::Unavailable, self.now);
        self.take(decision);
    }

    /// Time passes, and what becomes due is done when it does.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now.instant.plus(Duration::from_millis(ms));
        loop {
            let next = self.coordinator.next_deadline();
            if next > end {
                break;
            }
            self.set(next.max(self.now.instant));
            let decision = self.coordinator.tick(self.now);
            self.take(decision);
        }
        self.set(end);
    }

    fn set(&mut self, instant: Instant) {
        let passed = instant.since(self.now.instant);
        let millis = self.now.wall.as_millis() + u64::try_from(passed.as_millis()).unwrap();
        self.now = Now { instant, wall: Timestamp::from_millis(millis) };
    }

    /// The topics that there are from now on, with as many partitions.
    pub(super) fn topics(&mut self, topics: &[(&str, u32)]) {
        let decision = self.coordinator.topics_changed(image(topics), &[], self.now);
        self.take(decision);
    }

    // Members of the consumer protocol.

    pub(super) fn beat(&mut self, request: ConsumerHeartbeatRequest) -> Result<ConsumerHeartbeatReply, GroupError> {
        match self.answer(Request::ConsumerHeartbeat(request)) {
            Reply::ConsumerHeartbeat(result) => result,
            other => panic!("{other:?}"),
        }
    }

    /// The member joins, and is told what to own.
    pub(super) fn consume(&mut self, member: &str, topics: &[&str]) -> (i32, Vec<u32>) {
        let reply = self.beat(joins(member, topics)).unwrap();
        (reply.epoch.0, numbers(&reply.assignment.unwrap()))
    }

    /// The member says that it has these partitions of the first topic, and hears its epoch and what has changed.
    pub(super) fn has(&mut self, member: &str, epoch: i32, owned: &[u32]) -> (i32, Option<Vec<u32>>) {
        let reply = self.beat(stays(member, epoch, Some(owned))).unwrap();
        (reply.epoch.0, reply.assignment.as_ref().map(numbers))
    }

    /// The member says only that it lives.
    pub(super) fn lives(&mut self, member: &str, epoch: i32) -> Result<ConsumerHeartbeatReply, GroupError> {
        self.beat(stays(member, epoch, None))
    }

    pub(super) fn stored(&self) -> &ConsumerGroup {
        self.coordinator.state().group(&"g".into()).expect("the group is there").consumer()
    }

    // Classic members.

    pub(super) fn join(&mut self, request: JoinRequest) -> Result<Joined, JoinRefused> {
        match self.answer(Request::Join(request)) {
            Reply::Join(result) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn joined(&mut self, token: Token) -> Result<Joined, JoinRefused> {
        match self.reply(token) {
            Some(Reply::Join(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn synced(&mut self, token: Token) -> Result<Blob, GroupError> {
        match self.reply(token) {
            Some(Reply::Sync(result)) => result.map(|synced| synced.assignment),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn heartbeat(&mut self, member: &str, generation: i32) -> Result<(), GroupError> {
        let request = HeartbeatRequest {
            group: "g".into(),
            member: member.into(),
            instance: None,
            generation: Epoch(generation),
        };
        match self.answer(Request::Heartbeat(request)) {
            Reply::Heartbeat(result) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn leave(
        &mut self,
        leavers: &[(&str, Option<&str>)],
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        let leaver = |(member, instance): &(&str, Option<&str>)| Leaver {
            member: (*member).into(),
            instance: instance.map(InstanceId::new),
        };
        let members = leavers.iter().map(leaver).collect();
        match self.answer(Request::Leave(LeaveRequest { group: "g".into(), members })) {
            Reply::Leave(lefts) => lefts.map(|lefts| lefts.into_iter().map(|left| left.result).collect()),
            other => panic!("{other:?}"),
        }
    }

    /// A stable group of these members at generation 1; the first one leads. Each is assigned its own name.
    pub(super) fn stable(&mut self, members: &[&str]) {
        let tokens: Vec<_> = members.iter().map(|member| self.ask(Request::Join(join(member)))).collect();
        self.pass(0);
        for token in tokens {
            self.joined(token).unwrap();
        }
        self.sync_all(1, members);
    }

    /// All of them sync; the first one leads.
    pub(super) fn sync_all(&mut self, generation: i32, members: &[&str]) {
        let assignments = members.iter().map(|member| (*member, *member)).collect::<Vec<_>>();
        let tokens: Vec<_> =
            members.iter().skip(1).map(|m| self.ask(Request::Sync(sync(m, generation, &[])))).collect();
        let leader = self.ask(Request::Sync(sync(members[0], generation, &assignments)));
        assert_eq!(self.synced(leader).unwrap(), blob(members[0]));
        for (token, member) in tokens.into_iter().zip(&members[1..]) {
            assert_eq!(self.synced(token).unwrap(), blob(member));
        }
    }

    // Offsets.

    pub(super) fn commit(&mut self, request: OffsetCommitRequest) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        match self.answer(Request::OffsetCommit(request)) {
            Reply::OffsetCommit(result) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn committed(&self, topic: &str, partition: u32) -> Option<u64> {
        let offsets = self.coordinator.fetch_offsets(&"g".into(), None).unwrap();
        offsets.get(topic, PartitionIndex(partition)).map(|committed| committed.offset.get())
    }

    pub(super) fn delete_group(&mut self) -> Result<(), GroupError> {
        match self.answer(Request::DeleteGroup("g".into())) {
            Reply::DeleteGroup(result) => result,
            other => panic!("{other:?}"),
        }
    }
}

/// The id that a topic of this name has in all tests.
pub(super) fn topic_id(name: &str) -> TopicId {
    TopicId::from_random(name.bytes().fold(0, |bits, byte| bits << 8 | u128::from(byte)))
}

pub(super) fn image(topics: &[(&str, u32)]) -> MetadataImage {
    let mut metadata = Metadata::default();
    let mut decide = |command| {
        let decision = metadata.decide(command).unwrap();
        decision.records.iter().for_each(|record| metadata.apply(record));
    };
    decide(Command::RegisterBroker { broker: BrokerId(0), incarnation: Incarnation::FIRST });
    for (name, count) in topics {
        decide(Command::CreateTopic(CreateTopic {
            name: (*name).to_owned(),
            topic_id: topic_id(name),
            partitions: NewPartitions::Count(Some(*count)),
            replication_factor: None,
            settings: Vec::new(),
            validate_only: false,
            defaults: CreationDefaults { partitions: 1, replication_factor: 1 },
        }));
    }
    metadata.image().clone()
}

pub(super) fn numbers(partitions: &Partitions) -> Vec<u32> {
    partitions.iter().map(|(_, index)| index.0).collect()
}

/// These partitions of topic t.
pub(super) fn of_t(numbers: &[u32]) -> Partitions {
    numbers.iter().map(|number| (topic_id("t"), PartitionIndex(*number))).collect()
}

pub(super) fn joins(member: &str, topics: &[&str]) -> ConsumerHeartbeatRequest {
    ConsumerHeartbeatRequest {
        group: "g".into(),
        member: member.into(),
        new_member: "drawn".into(),
        epoch: Epoch::ZERO,
        instance: None,
        rack: None,
        rebalance_timeout_ms: Some(60_000),
        client: client(),
        topics: Some(topics.iter().map(|name| topic(name)).collect()),
        regex: None,
        assignor: None,
        owned: Some(Partitions::EMPTY),
    }
}

pub(super) fn stays(member: &str, epoch: i32, owned: Option<&[u32]>) -> ConsumerHeartbeatRequest {
    ConsumerHeartbeatRequest {
        epoch: Epoch(epoch),
        rebalance_timeout_ms: None,
        topics: None,
        owned: owned.map(of_t),
        ..joins(member, &[])
    }
}

pub(super) fn blob(text: &str) -> Blob {
    text.as_bytes().into()
}

pub(super) fn client() -> Client {
    Client { id: "client".into(), host: "/127.0.0.1".into() }
}

/// A subscription of the type "consumer" to these topics.
pub(super) fn subscription(topics: &[&str]) -> Blob {
    let mut bytes = vec![0, 0];
    bytes.extend(u32::try_from(topics.len()).unwrap().to_be_bytes());
    for topic in topics {
        bytes.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend([0xff; 4]);
    bytes.into()
}

/// A member that comes for the first time, in an old version that needs no id first: it becomes what it is called.
pub(super) fn join(member: &str) -> JoinRequest {
    JoinRequest {
        group: "g".into(),
        member: MemberId::new(""),
        new_member: member.into(),
        instance: None,
        client: client(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 30_000,
        protocol_type: "consumer".into(),
        protocols: vec![protocol("range", &["t"])],
        knows_member_id_required: false,
        knows_skip_assignment: false,
    }
}

pub(super) fn protocol(name: &str, topics: &[&str]) -> Protocol {
    Protocol { name: name.into(), metadata: subscription(topics) }
}

/// A member that has been here before.
pub(super) fn rejoin(member: &str) -> JoinRequest {
    JoinRequest { member: member.into(), ..join("unused") }
}

pub(super) fn join_static(instance: &str, member: &str) -> JoinRequest {
    JoinRequest { instance: Some(instance.into()), ..join(member) }
}

pub(super) fn sync(member: &str, generation: i32, assignments: &[(&str, &str)]) -> SyncRequest {
    SyncRequest {
        group: "g".into(),
        member: member.into(),
        instance: None,
        generation: Epoch(generation),
        protocol_type: Some("consumer".into()),
        protocol: Some("range".into()),
        assignments: assignments.iter().map(|(member, bytes)| ((*member).into(), blob(bytes))).collect(),
    }
}

pub(super) fn commit(member: &str, generation: i32, partition: u32, offset: u64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group: "g".into(),
        member: member.into(),
        instance: None,
        generation: Epoch(generation),
        knows_member_epoch: true,
        expires_at: None,
        offsets: vec![OffsetToCommit {
            topic: topic("t"),
            partition: PartitionIndex(partition),
            offset: Some(Offset::new(offset).unwrap()),
            leader_epoch: None,
            metadata: Arc::from("note"),
        }],
    }
}
