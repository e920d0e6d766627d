//! ConsumerGroupMetadata (type 3): the epoch of a group of the consumer protocol. Versions 0.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::reader::Tag;
use crate::kafka::write::write_string;
use crate::kafka::{DecodeError, EncodeError, Reader};

/// The epoch of a group of the consumer protocol.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupMetadataKey {
    pub group_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupMetadataValue {
    pub epoch: i32,
    /// Of the topics subscribed to: another hash asks for a new assignment.
    pub metadata_hash: i64,
}

impl Versioned for ConsumerGroupMetadataKey {
    const NAME: &'static str = "ConsumerGroupMetadataKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupMetadataKey.group_id", Layout::Classic)?;
        Ok(Self { group_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "ConsumerGroupMetadataKey.group_id", &self.group_id, Layout::Classic)?;
        Ok(())
    }
}

impl RecordKey for ConsumerGroupMetadataKey {
    const TYPES: VersionRange = VersionRange { min: 3, max: 3 };
    type Value = ConsumerGroupMetadataValue;
}

impl Versioned for ConsumerGroupMetadataValue {
    const NAME: &'static str = "ConsumerGroupMetadataValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let epoch = reader.i32("ConsumerGroupMetadataValue.epoch")?;
        let mut metadata_hash = 0;
        reader.tags("ConsumerGroupMetadataValue", |reader, tag| {
            match tag {
                0 => metadata_hash = reader.i64("ConsumerGroupMetadataValue.metadata_hash")?,
                _ => return Ok(Tag::Unknown),
            }
            Ok(Tag::Known)
        })?;
        Ok(Self { epoch, metadata_hash })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        out.put_i32(self.epoch);
        let has_metadata_hash = self.metadata_hash != 0;
        out.put_uvarint(u32::from(has_metadata_hash));
        if has_metadata_hash {
            out.put_uvarint(0);
            out.put_sized(|out| {
                out.put_i64(self.metadata_hash);
                Ok(())
            })?;
        }
        Ok(())
    }
}
