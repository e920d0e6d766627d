//! OffsetCommit (type 0-1): how far a group has read one partition. Versions 0-4.
//!
//! Generated from `schemas/kafka/group_records/offset_commit.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::reader::Tag;
use crate::kafka::write::write_string;
use crate::kafka::{DecodeError, EncodeError, Reader};

/// How far a group has read one partition.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetCommitKey {
    pub group: String,
    pub topic: String,
    pub partition: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitValue {
    pub offset: i64,
    /// Of the last record read, -1 when not known. Versions 3+.
    pub leader_epoch: i32,
    pub metadata: String,
    pub commit_timestamp: i64,
    /// -1: when the group's retention says so. Versions 1.
    pub expire_timestamp: i64,
    /// Versions 4+.
    pub topic_id: u128,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: 0,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: 0,
        }
    }
}

impl Versioned for OffsetCommitKey {
    const NAME: &'static str = "OffsetCommitKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group = reader.string("OffsetCommitKey.group", Layout::Classic)?;
        let topic = reader.string("OffsetCommitKey.topic", Layout::Classic)?;
        let partition = reader.i32("OffsetCommitKey.partition")?;
        Ok(Self { group, topic, partition })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "OffsetCommitKey.group", &self.group, Layout::Classic)?;
        write_string(out, "OffsetCommitKey.topic", &self.topic, Layout::Classic)?;
        out.put_i32(self.partition);
        Ok(())
    }
}

impl RecordKey for OffsetCommitKey {
    const TYPES: VersionRange = VersionRange { min: 0, max: 1 };
    type Value = OffsetCommitValue;
}

impl Versioned for OffsetCommitValue {
    const NAME: &'static str = "OffsetCommitValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 4 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let layout = layout(version);
        let offset = reader.i64("OffsetCommitValue.offset")?;
        let leader_epoch = if version >= 3 { reader.i32("OffsetCommitValue.leader_epoch")? } else { -1 };
        let metadata = reader.string("OffsetCommitValue.metadata", layout)?;
        let commit_timestamp = reader.i64("OffsetCommitValue.commit_timestamp")?;
        let expire_timestamp = if version == 1 { reader.i64("OffsetCommitValue.expire_timestamp")? } else { -1 };
        let mut topic_id = 0;
        if layout == Layout::Flexible {
            reader.tags("OffsetCommitValue", |reader, tag| {
                match tag {
                    0 => topic_id = reader.uuid("OffsetCommitValue.topic_id")?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self { offset, leader_epoch, metadata, commit_timestamp, expire_timestamp, topic_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        let layout = layout(version);
        out.put_i64(self.offset);
        if version >= 3 {
            out.put_i32(self.leader_epoch);
        }
        write_string(out, "OffsetCommitValue.metadata", &self.metadata, layout)?;
        out.put_i64(self.commit_timestamp);
        if version == 1 {
            out.put_i64(self.expire_timestamp);
        }
        if layout == Layout::Flexible {
            let has_topic_id = self.topic_id != 0;
            out.put_uvarint(u32::from(has_topic_id));
            if has_topic_id {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    out.put_u128(self.topic_id);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 4 { Layout::Flexible } else { Layout::Classic }
}
