//! How much memory groups take, and whether there is room for more.
//!
//! It is counted, not measured: the lengths of what clients have said, and for each kind of entry what it takes beside.
//! What the log says is counted in [`GroupState`](super::GroupState) as it is applied, so a restart comes to the same sum;
//! what is in memory only is counted with the classic groups.
//!
//! At the limit, no new group, member or offset is taken, nor a longer one. What makes nothing longer always is: members
//! go on, leave, commit where they have committed before. Members of a group that is there may go somewhat beyond, as
//! otherwise a group could neither assign what it has nor come to rest.

use std::sync::Arc;

use super::{
    ClassicMemberMetadata, ClassicMetadata, CommittedOffset, Coordinator, CurrentAssignment, GroupError, GroupId,
    GroupRecord, InstanceId, JoinRequest, MemberId, MemberMetadata, OffsetCommitRequest, Partitions, Protocol, Request,
    ResolvedRegex, SyncRequest,
};
use crate::metadata::TopicName;

/// An entry in each of the maps that know a group.
pub(super) const GROUP_BYTES: usize = 512;
/// A topic that a group has offsets of, with its place among those who have.
const TOPIC_BYTES: usize = 256;
/// A committed offset with an allocation for its metadata.
const OFFSET_BYTES: usize = 160;
/// A member in one of the maps, with the allocations of its texts; and its timers.
pub(super) const MEMBER_BYTES: usize = 512;
/// A client that was told to join with an id: its timer.
pub(super) const PENDING_BYTES: usize = 256;
/// A text or blob of its own in a list.
const ITEM_BYTES: usize = 48;
/// A topic in a set of partitions, and one partition of it.
const PARTITIONS_TOPIC_BYTES: usize = 96;
const PARTITION_BYTES: usize = 8;
/// A partition and by how many members it is held.
const HOLDER_BYTES: usize = 48;
/// A name that the metadata's image has as well.
const SHARED_NAME_BYTES: usize = 16;

/// Members of groups that are there may take this share of the limit beyond it.
const SLACK: usize = 8;

pub(super) fn of_group(id: &GroupId) -> usize {
    GROUP_BYTES + id.as_str().len()
}

pub(super) fn of_topic(topic: &TopicName) -> usize {
    TOPIC_BYTES + topic.as_str().len()
}

pub(super) fn of_offset(value: &CommittedOffset) -> usize {
    OFFSET_BYTES + value.metadata.len()
}

pub(super) fn of_classic(value: &ClassicMetadata) -> usize {
    let one = |member: &ClassicMemberMetadata| {
        let ids = member.member.as_str().len() + member.instance.as_ref().map_or(0, |instance| instance.as_str().len());
        let client = member.client_id.len() + member.client_host.len();
        MEMBER_BYTES + ids + client + member.subscription.len() + member.assignment.len()
    };
    value.members.iter().map(one).sum()
}

pub(super) fn of_member(id: &MemberId, value: &MemberMetadata) -> usize {
    let texts = [&value.rack, &value.regex].into_iter().flatten().map(|text| text.len()).sum::<usize>();
    let instance = value.instance.as_ref().map_or(0, |instance| instance.as_str().len());
    let client = value.client_id.len() + value.client_host.len();
    let protocols = value.classic.as_ref().map_or(0, |classic| of_protocols(&classic.protocols));
    MEMBER_BYTES + id.as_str().len() + instance + client + texts + of_names(&value.topics) + protocols
}

pub(super) fn of_protocols(protocols: &[Protocol]) -> usize {
    protocols.iter().map(|protocol| ITEM_BYTES + protocol.name.len() + protocol.metadata.len()).sum()
}

fn of_names(topics: &[TopicName]) -> usize {
    topics.iter().map(|topic| ITEM_BYTES + topic.as_str().len()).sum()
}

pub(super) fn of_partitions(value: &Partitions) -> usize {
    value.topics().map(|(_, partitions)| PARTITIONS_TOPIC_BYTES + partitions.len() * PARTITION_BYTES).sum()
}

pub(super) fn of_current(value: &CurrentAssignment) -> usize {
    let both = [&value.assigned, &value.revoking];
    both.into_iter().map(|partitions| of_partitions(partitions) + partitions.len() * HOLDER_BYTES).sum()
}

/// What a record adds at most when it is applied.
pub(super) fn of_record(record: &GroupRecord) -> usize {
    let value = match record {
        GroupRecord::Offset { topic, value: Some(value), .. } => of_topic(topic) + of_offset(value),
        GroupRecord::Classic { value: Some(value), .. } => of_classic(value),
        GroupRecord::Member { member, value: Some(value), .. } => of_member(member, value),
        GroupRecord::Target { value: Some(value), .. } => of_partitions(value),
        GroupRecord::Current { value: Some(value), .. } => of_current(value),
        GroupRecord::Regex { regex, value: Some(value), .. } => of_regex(regex, value),
        _ => return 0,
    };
    of_group(record.group()) + value
}

pub(super) fn of_regex(regex: &str, value: &ResolvedRegex) -> usize {
    ITEM_BYTES + regex.len() + value.topics.len() * SHARED_NAME_BYTES
}

impl Coordinator {
    /// Bytes that all groups here take.
    pub fn memory(&self) -> usize {
        self.state.memory() + self.classic.memory()
    }

    /// Others take so much of the same memory.
    pub fn share_memory(&mut self, beside: usize) {
        self.memory_beside = beside;
    }

    /// Whether there is room for what a request makes longer. Offsets are looked at one by one, by
    /// [`Coordinator::check_room`].
    pub(super) fn check_memory(&self, id: &GroupId, request: &Request) -> Result<(), GroupError> {
        let limit = self.settings.memory_bytes_max;
        match request {
            Request::Join(request) => {
                let known = self.known_protocols(id, request);
                if known.is_none() && !request.member.is_empty() && !self.is_expected(id, &request.member) {
                    // It will be told that it is not known, and takes nothing.
                    return Ok(());
                }
                let added = || match known {
                    Some(known) => of_protocols(&request.protocols).saturating_sub(of_protocols(known)),
                    None => self.of_new(id) + of_join(request),
                };
                self.check_room(added, if known.is_some() { limit + limit / SLACK } else { limit })
            }
            Request::Sync(request) if self.is_classic_member(id, &request.member) => {
                let added = || of_assignments(request).saturating_sub(self.assigned_bytes(id));
                self.check_room(added, limit + limit / SLACK)
            }
            Request::ConsumerHeartbeat(request) if request.epoch >= super::Epoch::ZERO => {
                let known = self.known_member(id, &request.member, request.instance.as_ref());
                if known.is_none() && request.epoch > super::Epoch::ZERO {
                    return Ok(());
                }
                let regex = request.regex.as_ref().map_or(0, |regex| regex.len());
                let said = request.topics.as_ref().map_or(0, |topics| of_names(topics)) + regex;
                let added = || match known {
                    Some(known) => {
                        let topics = if request.topics.is_some() { of_names(&known.topics) } else { 0 };
                        let before =
                            if request.regex.is_some() { known.regex.as_ref().map_or(0, |re| re.len()) } else { 0 };
                        said.saturating_sub(topics + before)
                    }
                    None => self.of_new(id) + MEMBER_BYTES + said,
                };
                self.check_room(added, if known.is_some() { limit + limit / SLACK } else { limit })
            }
            Request::ConsumerHeartbeat(_)
            | Request::Sync(_)
            | Request::Heartbeat(_)
            | Request::Leave(_)
            | Request::OffsetCommit(_)
            | Request::OffsetDelete(_)
            | Request::DeleteGroup(_) => Ok(()),
        }
    }

    /// Whether there is room for so many bytes more; none are always there.
    pub(super) fn check_room(&self, added: impl FnOnce() -> usize, limit: usize) -> Result<(), GroupError> {
        let taken = self.memory_beside + self.memory() + self.lanes.memory();
        let added = added();
        if added > 0 && taken + added > limit {
            return Err(GroupError::CoordinatorFull {
                what: "bytes of memory.groups",
                limit: self.settings.memory_bytes_max,
            });
        }
        Ok(())
    }

    /// What the offsets of a commit make longer, one after the other.
    pub(super) fn of_commit<'a>(
        &'a self,
        id: &'a GroupId,
        request: &'a OffsetCommitRequest,
    ) -> impl Iterator<Item = usize> + 'a {
        let stored = self.state.group(id).map(|group| group.offsets());
        let (mut new_group, mut new_topic) = (stored.is_none(), None);
        request.offsets.iter().map(move |offset| {
            if offset.offset.is_none() {
                return 0;
            }
            if let Some(known) = stored.and_then(|stored| stored.get(offset.topic.as_str(), offset.partition)) {
                return offset.metadata.len().saturating_sub(known.metadata.len());
            }
            let is_known = stored.is_some_and(|stored| stored.has_topic(&offset.topic));
            let topic = if is_known || new_topic == Some(&offset.topic) { 0 } else { of_topic(&offset.topic) };
            new_topic = Some(&offset.topic);
            let group = if std::mem::take(&mut new_group) { of_group(id) } else { 0 };
            group + topic + OFFSET_BYTES + offset.metadata.len()
        })
    }

    fn of_new(&self, id: &GroupId) -> usize {
        if self.state.group(id).is_some() { 0 } else { of_group(id) }
    }

    /// What the member that joins has said before, if it is one.
    fn known_protocols(&self, id: &GroupId, request: &JoinRequest) -> Option<&[Protocol]> {
        if let Some(group) = self.classic.get(id) {
            return group.known(&request.member, request.instance.as_ref()).map(|member| member.protocols.as_slice());
        }
        let known = self.known_member(id, &request.member, request.instance.as_ref())?;
        Some(known.classic.as_ref().map_or(&[], |classic| classic.protocols.as_slice()))
    }

    /// A member of the consumer protocol's group by its id, or the one in whose place it comes.
    fn known_member(
        &self,
        id: &GroupId,
        member: &MemberId,
        instance: Option<&InstanceId>,
    ) -> Option<&Arc<MemberMetadata>> {
        let group = self.state.group(id)?.consumer();
        group.member(member).or_else(|| group.member(group.static_member(instance?)?))
    }

    /// Whether a client has been told to join with this id.
    fn is_expected(&self, id: &GroupId, member: &MemberId) -> bool {
        self.classic.get(id).is_some_and(|group| group.expects(member))
    }

    fn is_classic_member(&self, id: &GroupId, member: &MemberId) -> bool {
        self.classic.get(id).is_some_and(|group| group.known(member, None).is_some())
    }

    fn assigned_bytes(&self, id: &GroupId) -> usize {
        let members = self.classic.get(id).into_iter().flat_map(|group| group.members());
        members.map(|(_, member)| member.assignment.len()).sum()
    }
}

fn of_join(request: &JoinRequest) -> usize {
    // In memory, and in the record once the group has synced.
    2 * (MEMBER_BYTES + of_protocols(&request.protocols))
}

fn of_assignments(request: &SyncRequest) -> usize {
    request.assignments.iter().map(|(_, assignment): &(_, Arc<[u8]>)| assignment.len()).sum()
}
