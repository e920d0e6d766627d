//! ConsumerGroupTargetAssignmentMember (type 7): what a member is going to be assigned. Versions 0.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_target_assignment_member.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{DecodeError, EncodeError, Reader};

/// What a member is going to be assigned.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupTargetAssignmentMemberKey {
    pub group_id: String,
    pub member_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicPartition {
    pub topic_id: u128,
    pub partitions: Vec<i32>,
}

impl TopicPartition {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let topic_id = reader.uuid("TopicPartition.topic_id")?;
        let partitions = reader.array("TopicPartition.partitions", Layout::Flexible, 4, |reader| {
            reader.i32("TopicPartition.partitions")
        })?;
        reader.skip_tags("TopicPartition")?;
        Ok(Self { topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_u128(self.topic_id);
        write_len(out, "TopicPartition.partitions", self.partitions.len(), Layout::Flexible)?;
        for &item in &self.partitions {
            out.put_i32(item);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupTargetAssignmentMemberValue {
    pub topic_partitions: Vec<TopicPartition>,
}

impl Versioned for ConsumerGroupTargetAssignmentMemberKey {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMemberKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupTargetAssignmentMemberKey.group_id", Layout::Classic)?;
        let member_id = reader.string("ConsumerGroupTargetAssignmentMemberKey.member_id", Layout::Classic)?;
        Ok(Self { group_id, member_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "ConsumerGroupTargetAssignmentMemberKey.group_id", &self.group_id, Layout::Classic)?;
        write_string(out, "ConsumerGroupTargetAssignmentMemberKey.member_id", &self.member_id, Layout::Classic)?;
        Ok(())
    }
}

impl RecordKey for ConsumerGroupTargetAssignmentMemberKey {
    const TYPES: VersionRange = VersionRange { min: 7, max: 7 };
    type Value = ConsumerGroupTargetAssignmentMemberValue;
}

impl Versioned for ConsumerGroupTargetAssignmentMemberValue {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMemberValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let topic_partitions = reader.array(
            "ConsumerGroupTargetAssignmentMemberValue.topic_partitions",
            Layout::Flexible,
            18,
            |reader| TopicPartition::decode(reader, version),
        )?;
        reader.skip_tags("ConsumerGroupTargetAssignmentMemberValue")?;
        Ok(Self { topic_partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_len(
            out,
            "ConsumerGroupTargetAssignmentMemberValue.topic_partitions",
            self.topic_partitions.len(),
            Layout::Flexible,
        )?;
        for item in &self.topic_partitions {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}
