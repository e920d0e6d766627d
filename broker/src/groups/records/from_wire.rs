//! Records as `cluster` knows them. The error is what is wrong with one, for people.

use std::sync::Arc;

use base::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId};
use cluster::groups::{
    AssignorName, ClassicMemberMetadata, ClassicMetadata, ClassicProtocols, CommittedOffset, ConsumerMetadata,
    CurrentAssignment, Epoch, GroupId, GroupRecord, InstanceId, MemberId, MemberMetadata, MemberState, Partitions,
    Protocol, ResolvedRegex,
};
use cluster::metadata::TopicName;
use wire::kafka::group_records::GroupRecord as WireRecord;
use wire::kafka::group_records::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentValue;
use wire::kafka::group_records::consumer_group_member_metadata::ConsumerGroupMemberMetadataValue;
use wire::kafka::group_records::consumer_group_regular_expression::ConsumerGroupRegularExpressionValue;
use wire::kafka::group_records::group_metadata::{GroupMetadataValue, MemberMetadata as WireMember};
use wire::kafka::group_records::offset_commit::OffsetCommitValue;

/// `None` for a record that says nothing that we keep.
pub(super) fn record(record: WireRecord) -> Result<Option<GroupRecord>, String> {
    Ok(Some(match record {
        WireRecord::OffsetCommit(key, value) => GroupRecord::Offset {
            group: GroupId::new(&key.group),
            topic: name(&key.topic)?,
            partition: index(key.partition)?,
            value: value.as_ref().and_then(offset),
        },
        WireRecord::GroupMetadata(key, value) => {
            GroupRecord::Classic { group: GroupId::new(&key.group), value: value.as_ref().map(classic).map(Arc::new) }
        }
        WireRecord::ConsumerGroupMetadata(key, value) => GroupRecord::Consumer {
            group: GroupId::new(&key.group_id),
            value: value.map(|value| ConsumerMetadata {
                epoch: Epoch(value.epoch),
                metadata_hash: value.metadata_hash.cast_unsigned(),
            }),
        },
        // As Kafka before 4.1 kept it; the hash in the group's own record has taken its place.
        WireRecord::ConsumerGroupPartitionMetadata(..) => return Ok(None),
        WireRecord::ConsumerGroupMemberMetadata(key, value) => GroupRecord::Member {
            group: GroupId::new(&key.group_id),
            member: MemberId::new(&key.member_id),
            value: value.as_ref().map(member_of).transpose()?.map(Arc::new),
        },
        WireRecord::ConsumerGroupTargetAssignmentMetadata(key, value) => GroupRecord::TargetEpoch {
            group: GroupId::new(&key.group_id),
            value: value.map(|value| Epoch(value.assignment_epoch)),
        },
        WireRecord::ConsumerGroupTargetAssignmentMember(key, value) => {
            let partitions = value.map(|value| {
                let topics = value.topic_partitions.iter();
                partitions_of(topics.map(|topic| (topic.topic_id, topic.partitions.as_slice())))
            });
            GroupRecord::Target {
                group: GroupId::new(&key.group_id),
                member: MemberId::new(&key.member_id),
                value: partitions.transpose()?.map(Arc::new),
            }
        }
        WireRecord::ConsumerGroupCurrentMemberAssignment(key, value) => GroupRecord::Current {
            group: GroupId::new(&key.group_id),
            member: MemberId::new(&key.member_id),
            value: value.as_ref().map(current).transpose()?.map(Arc::new),
        },
        WireRecord::ConsumerGroupRegularExpression(key, value) => GroupRecord::Regex {
            group: GroupId::new(&key.group_id),
            regex: key.regular_expression.as_str().into(),
            value: value.as_ref().map(regex).transpose()?.map(Arc::new),
        },
    }))
}

/// `None` for an offset below zero, which Kafka keeps and its clients take for none.
fn offset(value: &OffsetCommitValue) -> Option<CommittedOffset> {
    Some(CommittedOffset {
        offset: Offset::from_wire(value.offset)?,
        leader_epoch: LeaderEpoch::from_wire(value.leader_epoch),
        metadata: value.metadata.as_str().into(),
        committed_at: time(value.commit_timestamp),
        expires_at: Timestamp::from_wire(value.expire_timestamp),
    })
}

fn classic(value: &GroupMetadataValue) -> ClassicMetadata {
    ClassicMetadata {
        protocol_type: value.protocol_type.as_str().into(),
        generation: Epoch(value.generation),
        protocol: value.protocol.as_deref().map(Arc::from),
        leader: value.leader.as_deref().map(MemberId::new),
        state_since: Timestamp::from_wire(value.current_state_timestamp),
        members: value.members.iter().map(classic_member).collect(),
    }
}

fn classic_member(member: &WireMember) -> ClassicMemberMetadata {
    let session_timeout_ms = u32::try_from(member.session_timeout).unwrap_or(0);
    ClassicMemberMetadata {
        member: MemberId::new(&member.member_id),
        instance: member.group_instance_id.as_deref().map(InstanceId::new),
        client_id: member.client_id.as_str().into(),
        client_host: member.client_host.as_str().into(),
        // Old records have none; the session's stands for it.
        rebalance_timeout_ms: u32::try_from(member.rebalance_timeout).unwrap_or(session_timeout_ms),
        session_timeout_ms,
        subscription: Arc::from(&member.subscription[..]),
        assignment: Arc::from(&member.assignment[..]),
    }
}

fn member_of(value: &ConsumerGroupMemberMetadataValue) -> Result<MemberMetadata, String> {
    let classic = value.classic_member_metadata.as_ref().map(|classic| ClassicProtocols {
        session_timeout_ms: u32::try_from(classic.session_timeout_ms).unwrap_or(0),
        protocols: classic
            .supported_protocols
            .iter()
            .map(|protocol| Protocol {
                name: protocol.name.as_str().into(),
                metadata: Arc::from(&protocol.metadata[..]),
            })
            .collect(),
    });
    Ok(MemberMetadata {
        instance: value.instance_id.as_deref().map(InstanceId::new),
        rack: value.rack_id.as_deref().map(Arc::from),
        client_id: value.client_id.as_str().into(),
        client_host: value.client_host.as_str().into(),
        topics: names(&value.subscribed_topic_names)?,
        regex: value.subscribed_topic_regex.as_deref().filter(|regex| !regex.is_empty()).map(Arc::from),
        rebalance_timeout_ms: u32::try_from(value.rebalance_timeout_ms).unwrap_or(0),
        // One that only Kafka has: the group's default takes its place.
        assignor: value.server_assignor.as_deref().and_then(AssignorName::parse),
        classic,
    })
}

fn current(value: &ConsumerGroupCurrentMemberAssignmentValue) -> Result<CurrentAssignment, String> {
    let assigned = value.assigned_partitions.iter();
    let revoking = value.partitions_pending_revocation.iter();
    Ok(CurrentAssignment {
        epoch: Epoch(value.member_epoch),
        previous_epoch: Epoch(value.previous_member_epoch),
        state: match value.state {
            0 => MemberState::Stable,
            1 => MemberState::Unrevoked,
            2 => MemberState::Unreleased,
            other => return Err(format!("{other} is no state of a member")),
        },
        assigned: partitions_of(assigned.map(|topic| (topic.topic_id, topic.partitions.as_slice())))?,
        revoking: partitions_of(revoking.map(|topic| (topic.topic_id, topic.partitions.as_slice())))?,
    })
}

fn regex(value: &ConsumerGroupRegularExpressionValue) -> Result<ResolvedRegex, String> {
    Ok(ResolvedRegex {
        topics: names(&value.topics)?,
        version: value.metadata_version.cast_unsigned(),
        resolved_at: time(value.timestamp),
    })
}

fn partitions_of<'a>(topics: impl Iterator<Item = (u128, &'a [i32])>) -> Result<Partitions, String> {
    let mut partitions = Partitions::EMPTY;
    for (topic, indexes) in topics {
        let topic = TopicId::from_u128(topic).ok_or("a topic has no id")?;
        for partition in indexes {
            partitions.insert(topic, index(*partition)?);
        }
    }
    Ok(partitions)
}

/// Sorted, none twice.
fn names(topics: &[String]) -> Result<Vec<TopicName>, String> {
    let mut names = topics.iter().map(|topic| name(topic)).collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn name(topic: &str) -> Result<TopicName, String> {
    TopicName::new(topic).map_err(|error| error.to_string())
}

fn index(partition: i32) -> Result<PartitionIndex, String> {
    u32::try_from(partition).map(PartitionIndex).map_err(|_| format!("{partition} is no partition"))
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_wire(milliseconds).unwrap_or(Timestamp::from_millis(0))
}
