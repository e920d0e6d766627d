//! ConsumerGroupTargetAssignmentMetadata (type 6): the group's epoch that the target assignment was made for. Versions 0.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_target_assignment_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::reader::Tag;
use crate::kafka::write::write_string;
use crate::kafka::{DecodeError, EncodeError, Reader};

/// The group's epoch that the target assignment was made for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupTargetAssignmentMetadataKey {
    pub group_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupTargetAssignmentMetadataValue {
    pub assignment_epoch: i32,
    /// When the assignment was made.
    pub assignment_timestamp: i64,
}

impl Versioned for ConsumerGroupTargetAssignmentMetadataKey {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMetadataKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupTargetAssignmentMetadataKey.group_id", Layout::Classic)?;
        Ok(Self { group_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "ConsumerGroupTargetAssignmentMetadataKey.group_id", &self.group_id, Layout::Classic)?;
        Ok(())
    }
}

impl RecordKey for ConsumerGroupTargetAssignmentMetadataKey {
    const TYPES: VersionRange = VersionRange { min: 6, max: 6 };
    type Value = ConsumerGroupTargetAssignmentMetadataValue;
}

impl Versioned for ConsumerGroupTargetAssignmentMetadataValue {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMetadataValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let assignment_epoch = reader.i32("ConsumerGroupTargetAssignmentMetadataValue.assignment_epoch")?;
        let mut assignment_timestamp = 0;
        reader.tags("ConsumerGroupTargetAssignmentMetadataValue", |reader, tag| {
            match tag {
                0 => {
                    assignment_timestamp =
                        reader.i64("ConsumerGroupTargetAssignmentMetadataValue.assignment_timestamp")?
                }
                _ => return Ok(Tag::Unknown),
            }
            Ok(Tag::Known)
        })?;
        Ok(Self { assignment_epoch, assignment_timestamp })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        out.put_i32(self.assignment_epoch);
        let has_assignment_timestamp = self.assignment_timestamp != 0;
        out.put_uvarint(u32::from(has_assignment_timestamp));
        if has_assignment_timestamp {
            out.put_uvarint(0);
            out.put_sized(|out| {
                out.put_i64(self.assignment_timestamp);
                Ok(())
            })?;
        }
        Ok(())
    }
}
