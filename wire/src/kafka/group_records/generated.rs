//! One module a record or a kind of data, and the enum of the records.
//!
//! Generated from `schemas/kafka/group_records/*.txt` by `cargo run -p schemas -- generate`; edit the table.

pub mod consumer_group_current_member_assignment;
pub mod consumer_group_member_metadata;
pub mod consumer_group_metadata;
pub mod consumer_group_partition_metadata;
pub mod consumer_group_regular_expression;
pub mod consumer_group_target_assignment_member;
pub mod consumer_group_target_assignment_metadata;
pub mod consumer_protocol_assignment;
pub mod consumer_protocol_subscription;
pub mod group_metadata;
pub mod offset_commit;

use bytes::Bytes;

use crate::kafka::group_records::{RecordError, encode_key, encode_value, parts, record_type};
use crate::kafka::{EncodeError, Reader};
use consumer_group_current_member_assignment::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
};
use consumer_group_member_metadata::{ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue};
use consumer_group_metadata::{ConsumerGroupMetadataKey, ConsumerGroupMetadataValue};
use consumer_group_partition_metadata::{ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue};
use consumer_group_regular_expression::{ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue};
use consumer_group_target_assignment_member::{
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue,
};
use consumer_group_target_assignment_metadata::{
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue,
};
use group_metadata::{GroupMetadataKey, GroupMetadataValue};
use offset_commit::{OffsetCommitKey, OffsetCommitValue};

/// A record of `__consumer_offsets`: its key, and its value unless it is a tombstone.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupRecord {
    /// How far a group has read one partition.
    OffsetCommit(OffsetCommitKey, Option<OffsetCommitValue>),
    /// The generation and members of a group of the classic protocol.
    GroupMetadata(GroupMetadataKey, Option<GroupMetadataValue>),
    /// The epoch of a group of the consumer protocol.
    ConsumerGroupMetadata(ConsumerGroupMetadataKey, Option<ConsumerGroupMetadataValue>),
    /// The topics that a group subscribes to, as Kafka before 4.1 kept them.
    ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey, Option<ConsumerGroupPartitionMetadataValue>),
    /// What a member of the consumer protocol has said of itself.
    ConsumerGroupMemberMetadata(ConsumerGroupMemberMetadataKey, Option<ConsumerGroupMemberMetadataValue>),
    /// The group's epoch that the target assignment was made for.
    ConsumerGroupTargetAssignmentMetadata(
        ConsumerGroupTargetAssignmentMetadataKey,
        Option<ConsumerGroupTargetAssignmentMetadataValue>,
    ),
    /// What a member is going to be assigned.
    ConsumerGroupTargetAssignmentMember(
        ConsumerGroupTargetAssignmentMemberKey,
        Option<ConsumerGroupTargetAssignmentMemberValue>,
    ),
    /// What a member holds, and what it has to give back.
    ConsumerGroupCurrentMemberAssignment(
        ConsumerGroupCurrentMemberAssignmentKey,
        Option<ConsumerGroupCurrentMemberAssignmentValue>,
    ),
    /// The topics that a group's regular expression matched.
    ConsumerGroupRegularExpression(ConsumerGroupRegularExpressionKey, Option<ConsumerGroupRegularExpressionValue>),
}

impl GroupRecord {
    /// Reads a record. The error tells what this build does not know from what is damaged.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, RecordError> {
        let mut reader = Reader::new(key);
        Ok(match record_type(&mut reader)? {
            0..=1 => {
                let (key, value) = parts(reader, value)?;
                Self::OffsetCommit(key, value)
            }
            2 => {
                let (key, value) = parts(reader, value)?;
                Self::GroupMetadata(key, value)
            }
            3 => {
                let (key, value) = parts(reader, value)?;
                Self::ConsumerGroupMetadata(key, value)
            }
            4 => {
                let (key, value) = parts(reader, value)?;
                Self::ConsumerGroupPartitionMetadata(key, value)
            }
            5 => {
                let (key, value) = parts(reader, value)?;
                Self::ConsumerGroupMemberMetadata(key, value)
            }
            6 => {
                let (key, value) = parts(reader, value)?;
                Self::ConsumerGroupTargetAssignmentMetadata(key, value)
            }
            7 => {
                let (key, value) = parts(reader, value)?;
                Self::ConsumerGroupTargetAssignmentMember(key, value)
            }
            8 => {
                let (key, value) = parts(reader, value)?;
                Self::ConsumerGroupCurrentMemberAssignment(key, value)
            }
            16 => {
                let (key, value) = parts(reader, value)?;
                Self::ConsumerGroupRegularExpression(key, value)
            }
            other => return Err(RecordError::UnknownType(other)),
        })
    }

    /// The record's key, with its type in front.
    pub fn encode_key(&self) -> Result<Bytes, EncodeError> {
        match self {
            Self::OffsetCommit(key, _) => encode_key(key),
            Self::GroupMetadata(key, _) => encode_key(key),
            Self::ConsumerGroupMetadata(key, _) => encode_key(key),
            Self::ConsumerGroupPartitionMetadata(key, _) => encode_key(key),
            Self::ConsumerGroupMemberMetadata(key, _) => encode_key(key),
            Self::ConsumerGroupTargetAssignmentMetadata(key, _) => encode_key(key),
            Self::ConsumerGroupTargetAssignmentMember(key, _) => encode_key(key),
            Self::ConsumerGroupCurrentMemberAssignment(key, _) => encode_key(key),
            Self::ConsumerGroupRegularExpression(key, _) => encode_key(key),
        }
    }

    /// The record's value, with the version in front that Kafka 4.3 writes; nothing for a tombstone.
    pub fn encode_value(&self) -> Result<Option<Bytes>, EncodeError> {
        match self {
            Self::OffsetCommit(_, value) => encode_value(value.as_ref()),
            Self::GroupMetadata(_, value) => encode_value(value.as_ref()),
            Self::ConsumerGroupMetadata(_, value) => encode_value(value.as_ref()),
            Self::ConsumerGroupPartitionMetadata(_, value) => encode_value(value.as_ref()),
            Self::ConsumerGroupMemberMetadata(_, value) => encode_value(value.as_ref()),
            Self::ConsumerGroupTargetAssignmentMetadata(_, value) => encode_value(value.as_ref()),
            Self::ConsumerGroupTargetAssignmentMember(_, value) => encode_value(value.as_ref()),
            Self::ConsumerGroupCurrentMemberAssignment(_, value) => encode_value(value.as_ref()),
            Self::ConsumerGroupRegularExpression(_, value) => encode_value(value.as_ref()),
        }
    }

    /// Kafka's name for the kind of record.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OffsetCommit(..) => "OffsetCommit",
            Self::GroupMetadata(..) => "GroupMetadata",
            Self::ConsumerGroupMetadata(..) => "ConsumerGroupMetadata",
            Self::ConsumerGroupPartitionMetadata(..) => "ConsumerGroupPartitionMetadata",
            Self::ConsumerGroupMemberMetadata(..) => "ConsumerGroupMemberMetadata",
            Self::ConsumerGroupTargetAssignmentMetadata(..) => "ConsumerGroupTargetAssignmentMetadata",
            Self::ConsumerGroupTargetAssignmentMember(..) => "ConsumerGroupTargetAssignmentMember",
            Self::ConsumerGroupCurrentMemberAssignment(..) => "ConsumerGroupCurrentMemberAssignment",
            Self::ConsumerGroupRegularExpression(..) => "ConsumerGroupRegularExpression",
        }
    }
}
