//! A member of the classic protocol, eager: it gives up all it has before it joins again.

use std::collections::BTreeMap;

use base::PartitionIndex;
use cluster::groups::{
    Blob, Epoch, GroupError, HeartbeatRequest, JoinRequest, Joined, LeaveRequest, Leaver, MemberId, Protocol, Reply,
    Request, SyncRequest,
};
use cluster::metadata::TopicName;

use crate::client::{Client, Io, Partition, Phase, Tag};

const SESSION_MS: u32 = 10_000;
const REBALANCE_MS: u32 = 20_000;

impl Client {
    pub(crate) fn classic_start(&mut self, io: &mut Io<'_>) {
        self.phase = Phase::Joining;
        io.wake(3_000, Tag::Heartbeat);
        io.wake(1_000, Tag::Commit);
        self.classic_join(io);
    }

    fn classic_join(&mut self, io: &mut Io<'_>) {
        self.phase = Phase::Joining;
        self.owned.clear();
        let new_member = self.new_id();
        let request = JoinRequest {
            group: self.group.clone(),
            member: self.member.clone(),
            new_member,
            instance: self.instance.clone(),
            client: self.identity(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            protocol_type: "consumer".into(),
            protocols: vec![Protocol { name: "range".into(), metadata: subscription(&self.topics) }],
            knows_member_id_required: !self.number.is_multiple_of(3),
            knows_skip_assignment: self.number.is_multiple_of(2),
        };
        self.call = Some(io.call(Request::Join(request), u64::from(REBALANCE_MS) + 5_000));
    }

    pub(crate) fn classic_timer(&mut self, tag: Tag, io: &mut Io<'_>) {
        match tag {
            Tag::Join => {
                if self.phase == Phase::Joining && self.call.is_none() {
                    self.classic_join(io);
                }
            }
            Tag::Heartbeat => {
                io.wake(3_000, Tag::Heartbeat);
                if self.phase == Phase::Member && self.call.is_none() {
                    let request = HeartbeatRequest {
                        group: self.group.clone(),
                        member: self.member.clone(),
                        instance: self.instance.clone(),
                        generation: self.epoch,
                    };
                    self.call = Some(io.call(Request::Heartbeat(request), 5_000));
                }
            }
            Tag::Commit => self.commit(io),
            Tag::Timeout(call) => {
                if self.commit_call == Some(call) {
                    self.commit_call = None;
                }
                if self.call == Some(call) {
                    self.call = None;
                    if self.phase != Phase::Member {
                        self.classic_rejoin(io);
                    }
                }
            }
        }
    }

    pub(crate) fn classic_leave(&mut self, io: &mut Io<'_>) {
        if self.instance.is_none() && !self.member.is_empty() {
            let leaver = Leaver { member: self.member.clone(), instance: None };
            io.call(Request::Leave(LeaveRequest { group: self.group.clone(), members: vec![leaver] }), 5_000);
        }
        self.crash();
    }

    fn classic_rejoin(&mut self, io: &mut Io<'_>) {
        self.phase = Phase::Joining;
        self.owned.clear();
        self.call = None;
        io.wake_within(50, 200, Tag::Join);
    }

    pub(crate) fn classic_reply(
        &mut self,
        call: u64,
        reply: Reply,
        partitions: &BTreeMap<TopicName, u32>,
        leads_alone: bool,
        io: &mut Io<'_>,
    ) {
        if self.committed(call, &reply, io.oracle) || self.call != Some(call) {
            return;
        }
        self.call = None;
        match reply {
            Reply::Join(Ok(joined)) => self.classic_sync(joined, partitions, io),
            Reply::Join(Err(refused)) => {
                if refused.error == GroupError::MemberIdRequired {
                    self.member = refused.member;
                }
                self.classic_refused(&refused.error, io);
            }
            Reply::Sync(Ok(synced)) => {
                self.phase = Phase::Member;
                self.owned = read_assignment(&synced.assignment);
                if leads_alone {
                    io.oracle.owns(self);
                }
            }
            Reply::Sync(Err(error)) | Reply::Heartbeat(Err(error)) => self.classic_refused(&error, io),
            Reply::Heartbeat(Ok(())) => {}
            other => panic!("client {} got {other:?}", self.number),
        }
    }

    fn classic_sync(&mut self, joined: Joined, partitions: &BTreeMap<TopicName, u32>, io: &mut Io<'_>) {
        self.member = joined.member.clone();
        self.epoch = joined.generation;
        self.phase = Phase::Syncing;
        let leads = joined.leader == joined.member && !joined.skip_assignment;
        let assignments = if leads { assign(&joined, partitions) } else { Vec::new() };
        let request = SyncRequest {
            group: self.group.clone(),
            member: self.member.clone(),
            instance: self.instance.clone(),
            generation: joined.generation,
            protocol_type: joined.protocol_type,
            protocol: joined.protocol,
            assignments,
        };
        self.call = Some(io.call(Request::Sync(request), u64::from(REBALANCE_MS) + 5_000));
    }

    fn classic_refused(&mut self, error: &GroupError, io: &mut Io<'_>) {
        match error {
            GroupError::FencedInstanceId => {
                self.crash();
                self.phase = Phase::Fenced;
                return;
            }
            GroupError::UnknownMemberId => self.member = MemberId::new(""),
            GroupError::IllegalGeneration { .. } => self.epoch = Epoch::NONE,
            GroupError::CoordinatorNotAvailable { .. } if self.phase == Phase::Member => return,
            GroupError::MemberIdRequired
            | GroupError::RebalanceInProgress
            | GroupError::CoordinatorNotAvailable { .. } => {}
            other => panic!("client {} of {}: {other}", self.number, self.group),
        }
        self.classic_rejoin(io);
    }
}

/// Each topic's partitions in turn among those who subscribe to it.
fn assign(joined: &Joined, partitions: &BTreeMap<TopicName, u32>) -> Vec<(MemberId, Blob)> {
    let mut assigned: BTreeMap<&MemberId, Vec<Partition>> = BTreeMap::new();
    for (topic, count) in partitions {
        let subscribes =
            |metadata: &Blob| metadata.windows(topic.as_str().len()).any(|w| w == topic.as_str().as_bytes());
        let members: Vec<_> = joined.members.iter().filter(|member| subscribes(&member.metadata)).collect();
        for (index, member) in (0..*count).zip(members.iter().cycle()) {
            assigned.entry(&member.member).or_default().push((topic.clone(), PartitionIndex(index)));
        }
    }
    assigned.into_iter().map(|(member, partitions)| (member.clone(), write_assignment(&partitions))).collect()
}

/// Version 1 of what the type "consumer" says: topics, no user data, nothing owned.
fn subscription(topics: &[TopicName]) -> Blob {
    let mut bytes = vec![0, 1];
    write_len(&mut bytes, topics.len());
    topics.iter().for_each(|topic| write_name(&mut bytes, topic));
    bytes.extend([0xff; 4]);
    write_len(&mut bytes, 0);
    bytes.into()
}

fn write_assignment(partitions: &[Partition]) -> Blob {
    let mut bytes = vec![0, 1];
    write_len(&mut bytes, partitions.len());
    for (topic, partition) in partitions {
        write_name(&mut bytes, topic);
        write_len(&mut bytes, 1);
        bytes.extend(partition.0.to_be_bytes());
    }
    bytes.extend([0xff; 4]);
    bytes.into()
}

fn write_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend(u32::try_from(len).expect("short").to_be_bytes());
}

fn write_name(bytes: &mut Vec<u8>, topic: &TopicName) {
    bytes.extend(u16::try_from(topic.as_str().len()).expect("short").to_be_bytes());
    bytes.extend(topic.as_str().as_bytes());
}

fn read_assignment(bytes: &[u8]) -> std::collections::BTreeSet<Partition> {
    let mut partitions = std::collections::BTreeSet::new();
    let Some(mut rest) = bytes.get(2..) else { return partitions };
    let mut take = |len: usize| {
        let (taken, after) = rest.split_at(len);
        rest = after;
        taken
    };
    let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    for _ in 0..number(take(4)) {
        let len = number(take(2));
        let name = std::str::from_utf8(take(len as usize)).expect("a topic's name");
        let topic = TopicName::new(name).expect("a topic's name");
        for _ in 0..number(take(4)) {
            partitions.insert((topic.clone(), PartitionIndex(number(take(4)))));
        }
    }
    partitions
}
