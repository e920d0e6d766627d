//! A member of the consumer protocol. It takes its time to give things back, and says everything again after an error.
//! Most report what they have with each heartbeat, and everything when one was not answered. Every third is terse, as
//! librdkafka is: it says what it has when that has changed, and sends a heartbeat that was not answered again as it was.

use std::collections::BTreeSet;

use base::PartitionIndex;
use cluster::groups::{
    ConsumerHeartbeatReply, ConsumerHeartbeatRequest, Epoch, GroupError, Partitions, Reply, Request,
};
use cluster::metadata::MetadataImage;

use crate::client::{Client, Io, Partition, Phase, Tag};

const REBALANCE_MS: u32 = 20_000;
const INTERVAL_MS: u64 = 1_500;

impl Client {
    pub(crate) fn consumer_start(&mut self, image: &MetadataImage, io: &mut Io<'_>) {
        self.member = self.new_id();
        self.epoch = Epoch::ZERO;
        self.phase = Phase::Joining;
        io.wake(INTERVAL_MS, Tag::Heartbeat);
        io.wake(1_000, Tag::Commit);
        self.consumer_heartbeat(image, io);
    }

    fn is_terse(&self) -> bool {
        self.number % 3 == 1
    }

    pub(crate) fn forget_heartbeats(&mut self) {
        (self.unanswered, self.said_to_own) = (None, None);
    }

    fn consumer_heartbeat(&mut self, image: &MetadataImage, io: &mut Io<'_>) {
        let request = match self.unanswered.take() {
            Some(unanswered) => unanswered,
            None => self.next_heartbeat(image),
        };
        self.unanswered = self.is_terse().then(|| request.clone());
        self.call = Some(io.call(Request::ConsumerHeartbeat(request), 5_000));
    }

    fn next_heartbeat(&mut self, image: &MetadataImage) -> ConsumerHeartbeatRequest {
        let says_all = self.epoch == Epoch::ZERO || self.says_all;
        let regex = self.number.is_multiple_of(5).then(|| "topic-.*".into());
        let topics = if regex.is_some() { Vec::new() } else { self.topics.clone() };
        // While it takes up what it was given it does not say that it has nothing of it.
        let has = self.owned.iter().chain(self.assigned.iter().flatten());
        let owned: Partitions =
            has.filter_map(|(name, index)| Some((image.topic_id(name.as_str())?, *index))).collect();
        let is_news = !self.is_terse() || self.said_to_own.as_ref() != Some(&owned);
        let owned = (says_all || (self.assigned.is_none() && is_news)).then_some(owned);
        if owned.is_some() {
            self.said_to_own.clone_from(&owned);
        }
        ConsumerHeartbeatRequest {
            group: self.group.clone(),
            member: self.member.clone(),
            new_member: self.member.clone(),
            epoch: self.epoch,
            instance: self.instance.clone(),
            rack: None,
            rebalance_timeout_ms: says_all.then_some(REBALANCE_MS),
            client: self.identity(),
            topics: says_all.then_some(topics),
            regex: regex.filter(|_| says_all),
            assignor: self.number.is_multiple_of(3).then(|| "range".into()).filter(|_| says_all),
            owned,
        }
    }

    pub(crate) fn consumer_timer(&mut self, tag: Tag, image: &MetadataImage, io: &mut Io<'_>) {
        match tag {
            Tag::Join => {}
            Tag::Heartbeat => {
                io.wake_within(INTERVAL_MS, 100, Tag::Heartbeat);
                if io.random.percent(70)
                    && let Some(assigned) = self.assigned.take()
                {
                    self.owned = assigned;
                }
                if self.call.is_none() {
                    self.consumer_heartbeat(image, io);
                }
            }
            Tag::Commit => self.commit(io),
            Tag::Timeout(call) => {
                if self.commit_call == Some(call) {
                    self.commit_call = None;
                }
                if self.call == Some(call) {
                    self.call = None;
                    self.says_all = !self.is_terse();
                }
            }
        }
    }

    pub(crate) fn consumer_leave(&mut self, io: &mut Io<'_>) {
        let epoch = if self.instance.is_some() { Epoch::AWAY } else { Epoch::NONE };
        if self.phase == Phase::Member {
            let request = ConsumerHeartbeatRequest {
                group: self.group.clone(),
                member: self.member.clone(),
                new_member: self.member.clone(),
                epoch,
                instance: self.instance.clone(),
                rack: None,
                rebalance_timeout_ms: None,
                client: self.identity(),
                topics: None,
                regex: None,
                assignor: None,
                owned: None,
            };
            io.call(Request::ConsumerHeartbeat(request), 5_000);
        }
        self.crash();
    }

    pub(crate) fn consumer_reply(&mut self, call: u64, reply: &Reply, image: &MetadataImage, io: &Io<'_>) {
        if self.committed(call, reply, io.oracle) || self.call != Some(call) {
            return;
        }
        self.call = None;
        self.unanswered = None;
        match reply {
            Reply::ConsumerHeartbeat(Ok(reply)) => self.consumer_advanced(reply, image),
            Reply::ConsumerHeartbeat(Err(error)) => self.consumer_refused(error),
            other => panic!("client {} got {other:?}", self.number),
        }
    }

    fn consumer_advanced(&mut self, reply: &ConsumerHeartbeatReply, image: &MetadataImage) {
        self.phase = Phase::Member;
        self.epoch = reply.epoch;
        self.says_all = false;
        if let Some(assigned) = &reply.assignment {
            self.assigned = Some(named(assigned, image));
        }
    }

    fn consumer_refused(&mut self, error: &GroupError) {
        match error {
            GroupError::FencedInstanceId => {
                self.crash();
                self.phase = Phase::Fenced;
            }
            GroupError::FencedMemberEpoch { .. } | GroupError::UnknownMemberId | GroupError::GroupIdNotFound => {
                self.owned.clear();
                self.assigned = None;
                self.forget_heartbeats();
                self.epoch = Epoch::ZERO;
                self.phase = Phase::Joining;
            }
            GroupError::UnreleasedInstanceId | GroupError::CoordinatorNotAvailable { .. } => self.says_all = true,
            other => panic!("client {} of {}: {other}", self.number, self.group),
        }
    }
}

fn named(assigned: &Partitions, image: &MetadataImage) -> BTreeSet<Partition> {
    let named =
        assigned.iter().filter_map(|(id, index): (_, PartitionIndex)| Some((image.topic(id)?.name.clone(), index)));
    named.collect()
}
