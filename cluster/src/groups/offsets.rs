//! Where groups resume: committing, fetching, deleting and expiring offsets.

use std::sync::Arc;

use base::{PartitionIndex, Timestamp};

use super::classic::ClassicState;
use super::dispatch::{Kind, answered, not_there};
use super::proposal::{Proposal, Sharing, Then, Work};
use super::{
    Answer, CommittedOffset, ConsumerGroup, Coordinator, Epoch, GroupError, GroupId, GroupRecord, MemberId, Now,
    OffsetCommitRequest, OffsetDeleteRequest, OffsetToCommit, Reply, Request, StoredOffsets, Token,
};
use crate::limits::{
    COORDINATOR_OFFSETS_MAX, GROUP_OFFSETS_MAX, GROUPS_PER_COORDINATOR_MAX, OFFSETS_REMOVED_PER_BATCH_MAX,
};
use crate::metadata::TopicName;

/// The offsets of one group, as they were committed and flushed. When transactions come, one whose transaction is open
/// will be said to be unstable here.
#[derive(Debug, Clone, Copy)]
pub struct FetchedOffsets<'a>(Option<&'a StoredOffsets>);

impl<'a> FetchedOffsets<'a> {
    /// `None` where nothing was committed.
    pub fn get(&self, topic: &str, partition: PartitionIndex) -> Option<&'a CommittedOffset> {
        self.0?.get(topic, partition)
    }

    /// All of them, in the order of topics and partitions.
    pub fn all(&self) -> impl Iterator<Item = (&'a TopicName, PartitionIndex, &'a CommittedOffset)> + use<'a> {
        self.0.into_iter().flat_map(StoredOffsets::iter)
    }
}

impl Coordinator {
    /// One group of `OffsetFetch`. A member of the consumer protocol says who it is, so that one that has been fenced
    /// does not resume where its successor has been; others say neither.
    pub fn fetch_offsets(
        &self,
        group: &GroupId,
        member: Option<(&MemberId, Epoch)>,
    ) -> Result<FetchedOffsets<'_>, GroupError> {
        let Some(stored) = self.state.group(group) else { return Ok(FetchedOffsets(None)) };
        if let Some((member, epoch)) = member
            && stored.consumer().exists()
            && !(member.is_empty() && epoch < Epoch::ZERO)
        {
            check_epoch(stored.consumer(), member, epoch)?;
        }
        Ok(FetchedOffsets(Some(stored.offsets())))
    }

    pub(super) fn commit_offsets(
        &mut self,
        id: &GroupId,
        token: Token,
        request: &OffsetCommitRequest,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        if let Err(error) = self.check_commit(id, request) {
            answers.push(Answer { token, reply: Reply::OffsetCommit(Err(error)) });
            return None;
        }
        self.with_classic(id, now, answers, |group, cx| {
            if matches!(group.state(), ClassicState::Stable | ClassicState::Preparing) {
                group.hear_from(cx, &request.member);
            }
        });
        let (mut results, mut records) = (Vec::with_capacity(request.offsets.len()), Vec::new());
        let stored = self.state.group(id).map(|group| group.offsets());
        let known = stored.map_or(0, StoredOffsets::len);
        let mut grown = 0;
        for (offset, grows) in request.offsets.iter().zip(self.of_commit(id, request)) {
            let is_known = stored.is_some_and(|stored| stored.get(offset.topic.as_str(), offset.partition).is_some());
            let added = if is_known || offset.offset.is_none() { 0 } else { records.len() + 1 };
            let limit = self.settings.memory_bytes_max;
            let room = || self.check_room(|| if grows > 0 { grown + grows } else { 0 }, limit);
            let result = self.check_offset(offset, known + added, added).and_then(|()| room());
            if result.is_ok() {
                grown += grows;
                records.push(record(id, request, offset, now));
            }
            results.push(result);
        }
        let answer = Answer { token, reply: Reply::OffsetCommit(Ok(results)) };
        if records.is_empty() {
            answers.push(answer);
            return None;
        }
        Some(Proposal { records, sharing: Sharing::Shared, then: Then::Answer(vec![answer]) })
    }

    fn check_commit(&self, id: &GroupId, request: &OffsetCommitRequest) -> Result<(), GroupError> {
        let is_no_member = request.generation < Epoch::ZERO;
        match self.kind(id) {
            Kind::Absent if is_no_member && self.is_full() => {
                Err(GroupError::CoordinatorFull { what: "groups", limit: GROUPS_PER_COORDINATOR_MAX })
            }
            Kind::Absent | Kind::OffsetsOnly if is_no_member => Ok(()),
            Kind::Absent if request.knows_member_epoch => Err(GroupError::GroupIdNotFound),
            Kind::Absent => Err(not_there(request.generation)),
            Kind::OffsetsOnly => Err(GroupError::UnknownMemberId),
            Kind::Classic => self.classic[id].check_commit(request),
            Kind::Consumer => {
                let group = self.state.group(id).expect("a consumer group is stored").consumer();
                if is_no_member && group.member_count() == 0 {
                    return Ok(());
                }
                let member = group.member(&request.member).ok_or(GroupError::UnknownMemberId)?;
                if member.classic.is_none() && !request.knows_member_epoch {
                    let reason = "members of the consumer protocol commit with version 9 or later";
                    return Err(GroupError::UnsupportedVersion { reason });
                }
                check_epoch(group, &request.member, request.generation)
            }
        }
    }

    fn check_offset(&self, offset: &OffsetToCommit, of_group: usize, added: usize) -> Result<(), GroupError> {
        let (bytes, limit) = (offset.metadata.len(), self.settings.offset_metadata_bytes_max);
        if bytes > limit {
            return Err(GroupError::OffsetMetadataTooLarge { bytes, limit });
        }
        if added > 0 && of_group > GROUP_OFFSETS_MAX {
            return Err(GroupError::LimitReached { what: "offsets in a group", limit: GROUP_OFFSETS_MAX });
        }
        if added > 0 && self.state.offset_count() + added > COORDINATOR_OFFSETS_MAX {
            return Err(GroupError::CoordinatorFull { what: "offsets", limit: COORDINATOR_OFFSETS_MAX });
        }
        Ok(())
    }

    pub(super) fn delete_offsets(
        &self,
        id: &GroupId,
        token: Token,
        request: &OffsetDeleteRequest,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        let refusal = match self.kind(id) {
            Kind::Absent => Some(GroupError::GroupIdNotFound),
            Kind::Classic => {
                let group = &self.classic[id];
                let may = group.state() == ClassicState::Empty || group.uses_consumer_protocol_type();
                (!may).then_some(GroupError::NonEmptyGroup)
            }
            Kind::OffsetsOnly | Kind::Consumer => None,
        };
        if let Some(error) = refusal {
            answers.push(Answer { token, reply: Reply::OffsetDelete(Err(error)) });
            return None;
        }
        let stored = self.state.group(id).map(|group| group.offsets());
        let (mut results, mut records) = (Vec::with_capacity(request.partitions.len()), Vec::new());
        for (topic, partition) in &request.partitions {
            if self.is_subscribed(id, topic) {
                results.push(Err(GroupError::GroupSubscribedToTopic));
                continue;
            }
            if stored.is_some_and(|stored| stored.get(topic.as_str(), *partition).is_some()) {
                records.push(tombstone(id, topic, *partition));
            }
            results.push(Ok(()));
        }
        let reply = Reply::OffsetDelete(Ok(results));
        if records.is_empty() {
            answers.push(Answer { token, reply });
            return None;
        }
        Some(answered(records, token, reply))
    }

    /// A group without members goes, and its offsets with it.
    pub(super) fn delete_group(&self, id: &GroupId, token: Token, answers: &mut Vec<Answer>) -> Option<Proposal> {
        let refusal = match self.kind(id) {
            Kind::Absent => Some(GroupError::GroupIdNotFound),
            Kind::OffsetsOnly => None,
            Kind::Classic | Kind::Consumer => self.has_members(id).then_some(GroupError::NonEmptyGroup),
        };
        if let Some(error) = refusal {
            answers.push(Answer { token, reply: Reply::DeleteGroup(Err(error)) });
            return None;
        }
        let stored = self.state.group(id).map(|group| group.offsets());
        let mut records: Vec<_> = stored
            .into_iter()
            .flat_map(StoredOffsets::iter)
            .take(OFFSETS_REMOVED_PER_BATCH_MAX)
            .map(|(topic, partition, _)| tombstone(id, topic, partition))
            .collect();
        // A group that is nothing but offsets goes with the last of them.
        if stored.is_some_and(|stored| stored.len() > records.len()) {
            return Some(Proposal::again(records, Work::Request(token, Request::DeleteGroup(id.clone()))));
        }
        self.remove_group(id, &mut records);
        Some(answered(records, token, Reply::DeleteGroup(Ok(()))))
    }

    /// Tombstones of all that a group is, apart from its offsets.
    pub(super) fn remove_group(&self, id: &GroupId, records: &mut Vec<GroupRecord>) {
        match self.kind(id) {
            Kind::Consumer => {
                let group = self.state.group(id).expect("a consumer group is stored");
                group.consumer().tombstones(id, records);
            }
            Kind::Absent | Kind::OffsetsOnly | Kind::Classic => {
                records.push(GroupRecord::Classic { group: id.clone(), value: None });
            }
        }
    }

    pub(super) fn has_members(&self, id: &GroupId) -> bool {
        let consumers = self.state.group(id).map_or(0, |group| group.consumer().member_count());
        consumers > 0 || self.classic.get(id).is_some_and(|group| group.state() != ClassicState::Empty)
    }

    /// Topics were deleted: nobody can resume in them.
    pub(super) fn forget_topics(&self, id: &GroupId, topics: Arc<[TopicName]>) -> Option<Proposal> {
        let offsets = self.state.group(id)?.offsets();
        let partitions = topics.iter().flat_map(|topic| offsets.of_topic(topic).map(move |index| (topic, index)));
        let records: Vec<_> = partitions
            .take(OFFSETS_REMOVED_PER_BATCH_MAX)
            .map(|(topic, partition)| tombstone(id, topic, partition))
            .collect();
        if records.is_empty() {
            return None;
        }
        Some(Proposal::again(records, Work::ForgetTopics(topics)))
    }

    /// Removes offsets that nobody has use for any more, and a group that has nothing left.
    pub(super) fn expire(&self, id: &GroupId, now: Now) -> Option<Proposal> {
        let stored = self.state.group(id)?;
        // While members are about, offsets of topics that they consume stay, and others go by their age.
        let since: Box<dyn Fn(&CommittedOffset) -> Timestamp> = match self.classic.get(id) {
            Some(group) if group.protocol_type().is_some() => match group.state() {
                ClassicState::Empty => {
                    let emptied = group.state_since();
                    Box::new(move |offset| emptied.unwrap_or(offset.committed_at))
                }
                ClassicState::Stable if group.knows_its_topics() => Box::new(|offset| offset.committed_at),
                ClassicState::Stable | ClassicState::Preparing | ClassicState::Completing => return None,
            },
            Some(_) | None => Box::new(|offset| offset.committed_at),
        };
        let mut records = Vec::new();
        let mut last: Option<(&TopicName, bool)> = None;
        for (topic, partition, offset) in stored.offsets().iter() {
            let subscribed = match last {
                Some((known, subscribed)) if known == topic => subscribed,
                Some(_) | None => self.is_subscribed(id, topic),
            };
            last = Some((topic, subscribed));
            let expired = match offset.expires_at {
                Some(at) => now.wall >= at,
                None => now.wall.since(since(offset)) >= self.settings.offsets_retention,
            };
            if expired && !subscribed {
                records.push(tombstone(id, topic, partition));
            }
            if records.len() == OFFSETS_REMOVED_PER_BATCH_MAX {
                return Some(Proposal::again(records, Work::Expire));
            }
        }
        let deserted = self.classic.get(id).is_none_or(|group| group.is_deserted());
        if records.len() == stored.offsets().len() && deserted && !self.has_members(id) {
            self.remove_group(id, &mut records);
        }
        if records.is_empty() { None } else { Some(Proposal::exclusive(records, Then::Answer(Vec::new()))) }
    }

    fn is_subscribed(&self, id: &GroupId, topic: &TopicName) -> bool {
        match self.kind(id) {
            Kind::Classic => self.classic[id].is_subscribed_to(topic),
            Kind::Consumer => self.state.group(id).is_some_and(|group| group.consumer().is_subscribed_to(topic)),
            Kind::Absent | Kind::OffsetsOnly => false,
        }
    }
}

fn check_epoch(group: &ConsumerGroup, member: &MemberId, got: Epoch) -> Result<(), GroupError> {
    let metadata = group.member(member).ok_or(GroupError::UnknownMemberId)?;
    let current = group.member_epoch(member);
    if got == current {
        return Ok(());
    }
    Err(match metadata.classic {
        Some(_) => GroupError::IllegalGeneration { got, current },
        None => GroupError::StaleMemberEpoch { got, current },
    })
}

fn record(id: &GroupId, request: &OffsetCommitRequest, offset: &OffsetToCommit, now: Now) -> GroupRecord {
    let value = offset.offset.map(|place| CommittedOffset {
        offset: place,
        leader_epoch: offset.leader_epoch,
        metadata: offset.metadata.clone(),
        committed_at: now.wall,
        expires_at: request.expires_at,
    });
    // A tombstone even if nothing is there: a commit may be on its way into the log.
    GroupRecord::Offset { group: id.clone(), topic: offset.topic.clone(), partition: offset.partition, value }
}

fn tombstone(id: &GroupId, topic: &TopicName, partition: PartitionIndex) -> GroupRecord {
    GroupRecord::Offset { group: id.clone(), topic: topic.clone(), partition, value: None }
}
