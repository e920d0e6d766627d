//! A coordinator with its log, whose appends end when they are told to.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{BrokerId, Instant, Timestamp, TopicId};
use cluster::groups::{
    Answer, Append, AppendFailure, Blob, Coordinator, Decision, GroupRecord, GroupSettings, GroupState, Now, Reply,
    Request, Token,
};
use cluster::metadata::{
    Command, CreateTopic, CreationDefaults, Incarnation, Metadata, MetadataImage, NewPartitions, TopicName,
};

pub(crate) struct Desk {
    pub(crate) coordinator: Coordinator,
    pub(crate) log: Vec<GroupRecord>,
    pub(crate) now: Now,
    pub(crate) under_way: VecDeque<Append>,
    settings: GroupSettings,
    image: MetadataImage,
    replies: BTreeMap<Token, Reply>,
    tokens: u64,
}

impl Desk {
    pub(crate) fn with(settings: GroupSettings) -> Self {
        let now = Now { instant: Instant(1_000_000_000_000), wall: Timestamp::from_millis(1_700_000_000_000) };
        let image = MetadataImage::default();
        let (coordinator, _) = Coordinator::new(settings.clone(), GroupState::default(), image.clone(), now);
        let (log, under_way, replies) = Default::default();
        Self { coordinator, log, now, under_way, settings, image, replies, tokens: 0 }
    }

    /// Another coordinator reads the log.
    pub(crate) fn restart(&mut self) {
        let state = GroupState::from_records(&self.log);
        let (coordinator, decision) = Coordinator::new(self.settings.clone(), state, self.image.clone(), self.now);
        self.coordinator = coordinator;
        self.under_way.clear();
        self.replies.clear();
        self.take(decision);
    }

    pub(crate) fn ask(&mut self, request: Request) -> Token {
        let token = Token(self.tokens);
        self.tokens += 1;
        let decision = self.coordinator.decide(token, request, self.now);
        self.take(decision);
        token
    }

    pub(crate) fn reply(&mut self, token: Token) -> Option<Reply> {
        self.replies.remove(&token)
    }

    /// Topics have come or gone.
    pub(crate) fn topics(&mut self, topics: &[(&str, u32)], deleted: &[&str]) {
        self.image = image(topics);
        let deleted: Vec<_> = deleted.iter().map(|name| topic(name)).collect();
        let decision = self.coordinator.topics_changed(self.image.clone(), &deleted, self.now);
        self.take(decision);
    }

    /// The first append under way is in the log.
    pub(crate) fn flush_first(&mut self) {
        let append = self.under_way.pop_front().expect("something is under way");
        self.log.extend(append.records.iter().cloned());
        let decision = self.coordinator.committed(append.batch, self.now);
        self.take(decision);
    }

    /// The first append under way fails, or the last: the log refused it at once.
    pub(crate) fn fail(&mut self, first: bool) {
        let append = if first { self.under_way.pop_front() } else { self.under_way.pop_back() };
        let batch = append.expect("something is under way").batch;
        let decision = self.coordinator.failed(batch, AppendFailure::Unavailable, self.now);
        self.take(decision);
    }

    /// Time passes, and what becomes due is done when it does.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now.instant.plus(Duration::from_millis(ms));
        while self.coordinator.next_deadline() <= end {
            self.set(self.coordinator.next_deadline().max(self.now.instant));
            let decision = self.coordinator.tick(self.now);
            self.take(decision);
        }
        self.set(end);
    }

    fn take(&mut self, decision: Decision) {
        for Answer { token, reply } in decision.answers {
            let twice = self.replies.insert(token, reply);
            assert_eq!(twice, None, "{token:?} is answered twice");
        }
        self.under_way.extend(decision.appends);
    }

    fn set(&mut self, instant: Instant) {
        let passed = instant.since(self.now.instant);
        let millis = self.now.wall.as_millis() + u64::try_from(passed.as_millis()).expect("days at most");
        self.now = Now { instant, wall: Timestamp::from_millis(millis) };
    }
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName::new(name).expect("a topic's name")
}

/// The id that a topic of this name always has.
pub(crate) fn topic_id(name: &str) -> TopicId {
    TopicId::from_random(name.bytes().fold(0, |bits, byte| bits << 8 | u128::from(byte)))
}

/// A subscription of the type "consumer" to these topics.
pub(crate) fn subscription(topics: &[&str]) -> Blob {
    let mut bytes = vec![0, 0];
    bytes.extend(u32::try_from(topics.len()).expect("few").to_be_bytes());
    for topic in topics {
        bytes.extend(u16::try_from(topic.len()).expect("short").to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend([0xff; 4]);
    bytes.into()
}

fn image(topics: &[(&str, u32)]) -> MetadataImage {
    let mut metadata = Metadata::default();
    let mut decide = |command| {
        let decision = metadata.decide(command).expect("a valid command");
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
