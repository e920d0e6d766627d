//! Records as the log holds them.

use base::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use cluster::groups::{
    AssignorName, ClassicMemberMetadata, ClassicMetadata, CommittedOffset, CurrentAssignment, GroupRecord, InstanceId,
    MemberId, MemberMetadata, MemberState, Partitions,
};
use cluster::metadata::TopicName;
use wire::kafka::group_records::GroupRecord as WireRecord;
use wire::kafka::group_records::consumer_group_current_member_assignment::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
    TopicPartitions as CurrentPartitions,
};
use wire::kafka::group_records::consumer_group_member_metadata::{
    ClassicMemberMetadata as ClassicProtocols, ClassicProtocol, ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue,
};
use wire::kafka::group_records::consumer_group_metadata::{ConsumerGroupMetadataKey, ConsumerGroupMetadataValue};
use wire::kafka::group_records::consumer_group_regular_expression::{
    ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue,
};
use wire::kafka::group_records::consumer_group_target_assignment_member::{
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue, TopicPartition,
};
use wire::kafka::group_records::consumer_group_target_assignment_metadata::{
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue,
};
use wire::kafka::group_records::group_metadata::{GroupMetadataKey, GroupMetadataValue, MemberMetadata as WireMember};
use wire::kafka::group_records::offset_commit::{OffsetCommitKey, OffsetCommitValue};

pub(in crate::groups) fn record(record: &GroupRecord) -> WireRecord {
    let group_id = record.group().as_str().to_owned();
    match record {
        GroupRecord::Offset { topic, partition, value, .. } => {
            let (topic, partition) = (topic.as_str().to_owned(), index(*partition));
            let key = OffsetCommitKey { group: group_id, topic, partition };
            WireRecord::OffsetCommit(key, value.as_ref().map(offset))
        }
        GroupRecord::Classic { value, .. } => {
            WireRecord::GroupMetadata(GroupMetadataKey { group: group_id }, value.as_ref().map(|value| classic(value)))
        }
        GroupRecord::Consumer { value, .. } => {
            let value = value.map(|value| ConsumerGroupMetadataValue {
                epoch: value.epoch.0,
                metadata_hash: value.metadata_hash.cast_signed(),
            });
            WireRecord::ConsumerGroupMetadata(ConsumerGroupMetadataKey { group_id }, value)
        }
        GroupRecord::Member { member, value, .. } => {
            let key = ConsumerGroupMemberMetadataKey { group_id, member_id: text(member) };
            WireRecord::ConsumerGroupMemberMetadata(key, value.as_ref().map(|value| member_of(value)))
        }
        GroupRecord::TargetEpoch { value, .. } => {
            let value = value.map(|epoch| ConsumerGroupTargetAssignmentMetadataValue {
                assignment_epoch: epoch.0,
                ..ConsumerGroupTargetAssignmentMetadataValue::default()
            });
            let key = ConsumerGroupTargetAssignmentMetadataKey { group_id };
            WireRecord::ConsumerGroupTargetAssignmentMetadata(key, value)
        }
        GroupRecord::Target { member, value, .. } => {
            let key = ConsumerGroupTargetAssignmentMemberKey { group_id, member_id: text(member) };
            WireRecord::ConsumerGroupTargetAssignmentMember(key, value.as_ref().map(|value| target(value)))
        }
        GroupRecord::Current { member, value, .. } => {
            let key = ConsumerGroupCurrentMemberAssignmentKey { group_id, member_id: text(member) };
            WireRecord::ConsumerGroupCurrentMemberAssignment(key, value.as_ref().map(|value| current(value)))
        }
        GroupRecord::Regex { regex, value, .. } => {
            let key = ConsumerGroupRegularExpressionKey { group_id, regular_expression: regex.as_ref().to_owned() };
            let value = value.as_ref().map(|value| ConsumerGroupRegularExpressionValue {
                topics: names(&value.topics),
                metadata_version: value.version.cast_signed(),
                timestamp: value.resolved_at.to_wire(),
            });
            WireRecord::ConsumerGroupRegularExpression(key, value)
        }
    }
}

fn offset(value: &CommittedOffset) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: Offset::to_wire(value.offset),
        leader_epoch: value.leader_epoch.map_or(-1, LeaderEpoch::to_wire),
        metadata: value.metadata.as_ref().to_owned(),
        commit_timestamp: value.committed_at.to_wire(),
        expire_timestamp: value.expires_at.map_or(-1, base::Timestamp::to_wire),
        ..OffsetCommitValue::default()
    }
}

fn classic(value: &ClassicMetadata) -> GroupMetadataValue {
    GroupMetadataValue {
        protocol_type: value.protocol_type.as_ref().to_owned(),
        generation: value.generation.0,
        protocol: value.protocol.as_deref().map(str::to_owned),
        leader: value.leader.as_ref().map(text),
        current_state_timestamp: value.state_since.map_or(-1, base::Timestamp::to_wire),
        members: value.members.iter().map(classic_member).collect(),
    }
}

fn classic_member(member: &ClassicMemberMetadata) -> WireMember {
    WireMember {
        member_id: text(&member.member),
        group_instance_id: member.instance.as_ref().map(instance),
        client_id: member.client_id.as_ref().to_owned(),
        client_host: member.client_host.as_ref().to_owned(),
        rebalance_timeout: milliseconds(member.rebalance_timeout_ms),
        session_timeout: milliseconds(member.session_timeout_ms),
        subscription: Bytes::copy_from_slice(&member.subscription),
        assignment: Bytes::copy_from_slice(&member.assignment),
    }
}

fn member_of(value: &MemberMetadata) -> ConsumerGroupMemberMetadataValue {
    let classic = value.classic.as_ref().map(|classic| ClassicProtocols {
        session_timeout_ms: milliseconds(classic.session_timeout_ms),
        supported_protocols: classic
            .protocols
            .iter()
            .map(|protocol| ClassicProtocol {
                name: protocol.name.as_ref().to_owned(),
                metadata: Bytes::copy_from_slice(&protocol.metadata),
            })
            .collect(),
    });
    ConsumerGroupMemberMetadataValue {
        instance_id: value.instance.as_ref().map(instance),
        rack_id: value.rack.as_deref().map(str::to_owned),
        client_id: value.client_id.as_ref().to_owned(),
        client_host: value.client_host.as_ref().to_owned(),
        subscribed_topic_names: names(&value.topics),
        subscribed_topic_regex: value.regex.as_deref().map(str::to_owned),
        rebalance_timeout_ms: milliseconds(value.rebalance_timeout_ms),
        server_assignor: value.assignor.map(AssignorName::as_str).map(str::to_owned),
        classic_member_metadata: classic,
    }
}

fn target(partitions: &Partitions) -> ConsumerGroupTargetAssignmentMemberValue {
    let topics = partitions.topics().map(|(topic, indexes)| TopicPartition {
        topic_id: TopicId::as_u128(topic),
        partitions: indexes.iter().copied().map(index).collect(),
    });
    ConsumerGroupTargetAssignmentMemberValue { topic_partitions: topics.collect() }
}

fn current(value: &CurrentAssignment) -> ConsumerGroupCurrentMemberAssignmentValue {
    ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: value.epoch.0,
        previous_member_epoch: value.previous_epoch.0,
        state: match value.state {
            MemberState::Stable => 0,
            MemberState::Unrevoked => 1,
            MemberState::Unreleased => 2,
        },
        assigned_partitions: current_partitions(&value.assigned),
        partitions_pending_revocation: current_partitions(&value.revoking),
    }
}

fn current_partitions(partitions: &Partitions) -> Vec<CurrentPartitions> {
    let topics = partitions.topics().map(|(topic, indexes)| CurrentPartitions {
        topic_id: TopicId::as_u128(topic),
        partitions: indexes.iter().copied().map(index).collect(),
        ..CurrentPartitions::default()
    });
    topics.collect()
}

fn names(topics: &[TopicName]) -> Vec<String> {
    topics.iter().map(|topic| topic.as_str().to_owned()).collect()
}

fn text(member: &MemberId) -> String {
    member.as_str().to_owned()
}

fn instance(instance: &InstanceId) -> String {
    instance.as_str().to_owned()
}

fn index(partition: PartitionIndex) -> i32 {
    i32::try_from(partition.0).expect("the number of a topic's partitions is limited")
}

/// Timeouts come from the wire, where they are no greater.
fn milliseconds(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
