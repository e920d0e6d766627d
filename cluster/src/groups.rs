//! Consumer groups: who consumes which partitions, and where each group resumes.
//!
//! A [`Coordinator`] has all groups of one partition of `__consumer_offsets`. Its state has two halves. [`GroupState`] is
//! the fold of the log's records. The rest, who waits for whom and until when, is in memory only and starts anew after a
//! restart; clients are made for that.
//!
//! The driver calls [`Coordinator::decide`] with each request and [`Coordinator::tick`] when [`Coordinator::next_deadline`]
//! has passed, sends the answers of each [`Decision`], and appends its batches. When a batch is flushed it calls
//! [`Coordinator::committed`], which applies the records and gives the answers that depended on them; when it cannot be,
//! [`Coordinator::failed`]. Until then the group stands still and what is asked of it waits (`lanes`), so nothing has to be
//! taken back.

mod assignor;
mod classic;
mod classic_groups;
mod consumer;
mod describe;
mod dispatch;
mod embedded;
mod error;
mod id;
mod lanes;
mod memory;
mod migration;
mod offsets;
mod partitions;
mod proposal;
mod record;
mod reply;
mod request;
mod settings;
mod settle;
mod state;
mod timers;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::Instant;

pub use consumer::ConsumerGroup;
pub use describe::{
    DescribedClassicGroup, DescribedClassicMember, DescribedConsumerGroup, DescribedConsumerMember, GroupPhase,
    GroupType, ListedGroup,
};
pub use error::{AppendFailure, GroupError};
pub use id::{BatchId, Blob, Epoch, GroupId, InstanceId, MemberId, Now, Token};
pub use offsets::FetchedOffsets;
pub use partitions::Partitions;
pub use proposal::{Append, Decision};
pub use record::{
    AssignorName, ClassicMemberMetadata, ClassicMetadata, ClassicProtocols, CommittedOffset, ConsumerMetadata,
    CurrentAssignment, GroupRecord, GroupRecordKey, MemberMetadata, MemberState, Protocol, ResolvedRegex,
};
pub use reply::{Answer, ConsumerHeartbeatReply, JoinRefused, Joined, JoinedMember, Left, Reply, Synced};
pub use request::{
    Client, ConsumerHeartbeatRequest, HeartbeatRequest, JoinRequest, LeaveRequest, Leaver, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetToCommit, Request, SyncRequest,
};
pub use settings::{GROUP_HEARTBEAT_INTERVAL, GROUP_SESSION_TIMEOUT, GroupSettings, MigrationPolicy};
pub use state::{GroupState, StoredGroup, StoredOffsets};

use crate::limits::{GROUP_ALARMS_PER_TICK_MAX, GROUPS_EXPIRED_PER_TICK_MAX};
use crate::metadata::{MetadataImage, TopicName};
use classic::ClassicGroup;
use classic_groups::ClassicGroups;
use consumer::{Confirmation, Topics};
use lanes::{Admission, Lanes};
use proposal::{Context, Work};
use timers::Timers;

/// All groups of one partition of `__consumer_offsets`.
pub struct Coordinator {
    settings: GroupSettings,
    state: GroupState,
    image: MetadataImage,
    /// Counts the images.
    topics_version: u64,
    /// Which image a consumer group was last compared with.
    checked: BTreeMap<GroupId, u64>,
    /// Members of consumer groups that may not know what they are assigned; all others do.
    unconfirmed: BTreeMap<(GroupId, MemberId), Confirmation>,
    classic: ClassicGroups,
    /// What others take of the memory that groups may take.
    memory_beside: usize,
    timers: Timers,
    lanes: Lanes,
    expiry: Expiry,
    /// Topics whose offsets could not be removed when the topics were.
    forget_again: BTreeMap<GroupId, BTreeSet<TopicName>>,
}

/// The round that looks for offsets to remove.
struct Expiry {
    next: Instant,
    /// The last group looked at in a round that goes on.
    after: Option<GroupId>,
}

impl Coordinator {
    /// A coordinator that has read its log: all sessions start now.
    pub fn new(settings: GroupSettings, state: GroupState, image: MetadataImage, now: Now) -> (Self, Decision) {
        let next = now.instant.plus(settings.offsets_retention_check_interval);
        let expiry = Expiry { next, after: None };
        let mut coordinator = Self {
            settings,
            // Larger than that of any record: what was matched before the start may be out of date.
            topics_version: now.wall.as_millis(),
            state,
            image,
            checked: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
            classic: ClassicGroups::default(),
            memory_beside: 0,
            timers: Timers::default(),
            lanes: Lanes::default(),
            expiry,
            forget_again: BTreeMap::new(),
        };
        let decision = coordinator.start_sessions(now);
        (coordinator, decision)
    }

    fn start_sessions(&mut self, now: Now) -> Decision {
        let mut decision = Decision::default();
        let ids: Vec<_> = self.state.groups().map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.start_consumer_sessions(&id, now);
            let group = self.state.group(&id).expect("the group was just listed");
            let Some(record) = group.classic().filter(|_| !group.consumer().exists()) else { continue };
            self.classic.insert(id.clone(), ClassicGroup::from_record(record));
            let calls_for_rebalance = record.calls_for_rebalance();
            let limit = self.settings.classic_members_max;
            let proposal = self.with_classic(&id, now, &mut decision.answers, |group, cx| {
                group.start_sessions(cx);
                if calls_for_rebalance || group.member_count() > limit { group.prepare_rebalance(cx) } else { None }
            });
            self.propose(id, proposal.flatten(), None, &mut decision);
        }
        decision
    }

    /// Takes a request. It is answered in this decision or in a later one.
    pub fn decide(&mut self, token: Token, request: Request, now: Now) -> Decision {
        let mut decision = Decision::default();
        if let Err(error) = self.validate(&request) {
            let reply = Reply::refusal(&request, error);
            decision.answers.push(Answer { token, reply });
            return decision;
        }
        let group = request.group().clone();
        self.admit(group, Work::Request(token, request), now, &mut decision);
        decision
    }

    /// Does what has become due.
    pub fn tick(&mut self, now: Now) -> Decision {
        let mut decision = Decision::default();
        for _ in 0..GROUP_ALARMS_PER_TICK_MAX {
            let Some(key) = self.timers.fire(now.instant) else { break };
            self.admit(key.group, Work::Alarm(key.alarm), now, &mut decision);
        }
        if self.expiry.next <= now.instant {
            self.expire_some(now, &mut decision);
        }
        decision
    }

    /// When [`Coordinator::tick`] has something to do next.
    pub fn next_deadline(&self) -> Instant {
        self.timers.next().map_or(self.expiry.next, |timer| timer.min(self.expiry.next))
    }

    /// Takes a new image of the cluster's metadata, in which some topics are not any more.
    pub fn topics_changed(&mut self, image: MetadataImage, deleted: &[TopicName], now: Now) -> Decision {
        self.image = image;
        self.topics_version += 1;
        let mut decision = Decision::default();
        if deleted.is_empty() {
            return decision;
        }
        let topics: Arc<[TopicName]> = deleted.into();
        // A commit that is under way may be the first one of its group in such a topic.
        let committing = self.lanes.groups_in_flight();
        let groups: BTreeSet<_> =
            deleted.iter().flat_map(|topic| self.state.committers(topic)).chain(committing).cloned().collect();
        for group in groups {
            self.admit(group, Work::ForgetTopics(topics.clone()), now, &mut decision);
        }
        decision
    }

    /// Another broker coordinates from now on: whoever waits is told.
    pub fn unload(self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for group in self.classic.values() {
            let (joins, syncs) = group.parked();
            answers.extend(joins.into_iter().map(|(member, token)| Answer {
                token,
                reply: Reply::join_refused(GroupError::NotCoordinator, member),
            }));
            let reply = Reply::Sync(Err(GroupError::NotCoordinator));
            answers.extend(syncs.into_iter().map(|token| Answer { token, reply: reply.clone() }));
        }
        let (in_flight, mut waiting) = self.lanes.into_parts();
        for batch in in_flight {
            let (dependent, work) = batch.then.into_parts();
            waiting.extend(work);
            answers.extend(dependent.into_iter().map(|answer| answer.refused(GroupError::NotCoordinator)));
        }
        answers.extend(waiting.into_iter().filter_map(|work| match work {
            Work::Request(token, request) => {
                Some(Answer { token, reply: Reply::refusal(&request, GroupError::NotCoordinator) })
            }
            Work::Alarm(_) | Work::ForgetTopics(_) | Work::Expire => None,
        }));
        answers
    }

    /// What the log says.
    pub fn state(&self) -> &GroupState {
        &self.state
    }

    fn topics(&self) -> Topics<'_> {
        Topics { image: &self.image, version: self.topics_version }
    }

    fn admit(&mut self, group: GroupId, work: Work, now: Now, decision: &mut Decision) {
        match self.lanes.admit(&group, work) {
            Admission::Go(work) => self.start(group, work, now, decision),
            Admission::Waits => {}
            Admission::Full(work) => {
                if let Work::Request(token, request) = work {
                    let reason = "too many requests wait for their groups";
                    let reply = Reply::refusal(&request, GroupError::CoordinatorNotAvailable { reason });
                    decision.answers.push(Answer { token, reply });
                }
            }
        }
    }

    fn with_classic<R>(
        &mut self,
        id: &GroupId,
        now: Now,
        answers: &mut Vec<Answer>,
        act: impl FnOnce(&mut ClassicGroup, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let mut cx = Context { group: id, settings: &self.settings, now, timers: &mut self.timers, answers };
        self.classic.change(id, |group| {
            let result = act(group, &mut cx);
            group.check();
            result
        })
    }

    /// One stretch of the round through all groups.
    fn expire_some(&mut self, now: Now, decision: &mut Decision) {
        if self.expiry.after.is_none() {
            for (group, topics) in std::mem::take(&mut self.forget_again) {
                let topics = topics.into_iter().collect();
                self.admit(group, Work::ForgetTopics(topics), now, decision);
            }
        }
        let after = self.expiry.after.take();
        let groups: Vec<_> =
            self.state.groups_after(after.as_ref()).take(GROUPS_EXPIRED_PER_TICK_MAX).cloned().collect();
        if groups.len() == GROUPS_EXPIRED_PER_TICK_MAX {
            self.expiry.after = groups.last().cloned();
            self.expiry.next = now.instant;
        } else {
            self.expiry.next = now.instant.plus(self.settings.offsets_retention_check_interval);
        }
        for group in groups {
            // A group that is busy is not one to expire; there will be another round.
            if self.lanes.is_idle(&group) {
                self.start(group, Work::Expire, now, decision);
            }
        }
    }
}

#[cfg(test)]
mod tests;
