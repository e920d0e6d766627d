//! ConsumerGroupCurrentMemberAssignment (type 8): what a member holds, and what it has to give back. Versions 0.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_current_member_assignment.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::reader::Tag;
use crate::kafka::write::{write_len, write_null, write_string};
use crate::kafka::{DecodeError, EncodeError, Reader};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPartitions {
    pub topic_id: u128,
    pub partitions: Vec<i32>,
    /// Of each partition, the member's epoch when it got it.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Default for TopicPartitions {
    fn default() -> Self {
        Self { topic_id: 0, partitions: Vec::new(), assignment_epochs: Some(Vec::new()) }
    }
}

impl TopicPartitions {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let topic_id = reader.uuid("TopicPartitions.topic_id")?;
        let partitions = reader.array("TopicPartitions.partitions", Layout::Flexible, 4, |reader| {
            reader.i32("TopicPartitions.partitions")
        })?;
        let mut assignment_epochs = Some(Vec::new());
        reader.tags("TopicPartitions", |reader, tag| {
            match tag {
                0 => {
                    assignment_epochs =
                        reader.nullable_array("TopicPartitions.assignment_epochs", Layout::Flexible, 4, |reader| {
                            reader.i32("TopicPartitions.assignment_epochs")
                        })?
                }
                _ => return Ok(Tag::Unknown),
            }
            Ok(Tag::Known)
        })?;
        Ok(Self { topic_id, partitions, assignment_epochs })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_u128(self.topic_id);
        write_len(out, "TopicPartitions.partitions", self.partitions.len(), Layout::Flexible)?;
        for &item in &self.partitions {
            out.put_i32(item);
        }
        let has_assignment_epochs = self.assignment_epochs.as_ref().is_none_or(|value| !value.is_empty());
        out.put_uvarint(u32::from(has_assignment_epochs));
        if has_assignment_epochs {
            out.put_uvarint(0);
            out.put_sized(|out| {
                match &self.assignment_epochs {
                    Some(value) => {
                        write_len(out, "TopicPartitions.assignment_epochs", value.len(), Layout::Flexible)?;
                        for &item in value {
                            out.put_i32(item);
                        }
                    }
                    None => write_null(out, Layout::Flexible),
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// What a member holds, and what it has to give back.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupCurrentMemberAssignmentKey {
    pub group_id: String,
    pub member_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupCurrentMemberAssignmentValue {
    pub member_epoch: i32,
    /// A member that missed the last epoch still names this one.
    pub previous_member_epoch: i32,
    /// 0 stable, 1 has partitions to revoke, 2 waits for partitions of others, 127 unknown.
    pub state: i8,
    pub assigned_partitions: Vec<TopicPartitions>,
    pub partitions_pending_revocation: Vec<TopicPartitions>,
}

impl Versioned for ConsumerGroupCurrentMemberAssignmentKey {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupCurrentMemberAssignmentKey.group_id", Layout::Classic)?;
        let member_id = reader.string("ConsumerGroupCurrentMemberAssignmentKey.member_id", Layout::Classic)?;
        Ok(Self { group_id, member_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "ConsumerGroupCurrentMemberAssignmentKey.group_id", &self.group_id, Layout::Classic)?;
        write_string(out, "ConsumerGroupCurrentMemberAssignmentKey.member_id", &self.member_id, Layout::Classic)?;
        Ok(())
    }
}

impl RecordKey for ConsumerGroupCurrentMemberAssignmentKey {
    const TYPES: VersionRange = VersionRange { min: 8, max: 8 };
    type Value = ConsumerGroupCurrentMemberAssignmentValue;
}

impl Versioned for ConsumerGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let member_epoch = reader.i32("ConsumerGroupCurrentMemberAssignmentValue.member_epoch")?;
        let previous_member_epoch = reader.i32("ConsumerGroupCurrentMemberAssignmentValue.previous_member_epoch")?;
        let state = reader.i8("ConsumerGroupCurrentMemberAssignmentValue.state")?;
        let assigned_partitions = reader.array(
            "ConsumerGroupCurrentMemberAssignmentValue.assigned_partitions",
            Layout::Flexible,
            18,
            |reader| TopicPartitions::decode(reader, version),
        )?;
        let partitions_pending_revocation = reader.array(
            "ConsumerGroupCurrentMemberAssignmentValue.partitions_pending_revocation",
            Layout::Flexible,
            18,
            |reader| TopicPartitions::decode(reader, version),
        )?;
        reader.skip_tags("ConsumerGroupCurrentMemberAssignmentValue")?;
        Ok(Self { member_epoch, previous_member_epoch, state, assigned_partitions, partitions_pending_revocation })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        out.put_i32(self.member_epoch);
        out.put_i32(self.previous_member_epoch);
        out.put_i8(self.state);
        write_len(
            out,
            "ConsumerGroupCurrentMemberAssignmentValue.assigned_partitions",
            self.assigned_partitions.len(),
            Layout::Flexible,
        )?;
        for item in &self.assigned_partitions {
            item.encode(out, version)?;
        }
        write_len(
            out,
            "ConsumerGroupCurrentMemberAssignmentValue.partitions_pending_revocation",
            self.partitions_pending_revocation.len(),
            Layout::Flexible,
        )?;
        for item in &self.partitions_pending_revocation {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}
