//! OffsetCommit (key 8): keeps how far a group has read. Versions 2-10.
//!
//! Generated from `schemas/kafka/offset_commit.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitRequestPartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Of the last record read, -1 when not known. Versions 6+.
    pub committed_leader_epoch: i32,
    pub committed_metadata: Option<String>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(String::new()),
        }
    }
}

impl OffsetCommitRequestPartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("OffsetCommitRequestPartition.partition_index")?;
        let committed_offset = reader.i64("OffsetCommitRequestPartition.committed_offset")?;
        let committed_leader_epoch =
            if version >= 6 { reader.i32("OffsetCommitRequestPartition.committed_leader_epoch")? } else { -1 };
        let committed_metadata = reader.nullable_string("OffsetCommitRequestPartition.committed_metadata", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetCommitRequestPartition")?;
        }
        Ok(Self { partition_index, committed_offset, committed_leader_epoch, committed_metadata })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i64(self.committed_offset);
        if version >= 6 {
            out.put_i32(self.committed_leader_epoch);
        }
        match &self.committed_metadata {
            Some(value) => {
                write_string(out, "OffsetCommitRequestPartition.committed_metadata", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetCommitRequestTopic {
    /// Versions 0-9.
    pub name: String,
    /// Versions 10+.
    pub topic_id: u128,
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl OffsetCommitRequestTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = if version <= 9 { reader.string("OffsetCommitRequestTopic.name", layout)? } else { String::new() };
        let topic_id = if version >= 10 { reader.uuid("OffsetCommitRequestTopic.topic_id")? } else { 0 };
        let partitions = reader.array("OffsetCommitRequestTopic.partitions", layout, 14, |reader| {
            OffsetCommitRequestPartition::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetCommitRequestTopic")?;
        }
        Ok(Self { name, topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version <= 9 {
            write_string(out, "OffsetCommitRequestTopic.name", &self.name, layout)?;
        }
        if version >= 10 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "OffsetCommitRequestTopic.partitions", self.partitions.len(), layout)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Keeps how far a group has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitRequest {
    pub group_id: String,
    /// -1 with an empty member id: from outside of the group.
    pub generation_id_or_member_epoch: i32,
    pub member_id: String,
    /// Versions 7+.
    pub group_instance_id: Option<String>,
    /// -1: as long as the broker says. Versions 2-4.
    pub retention_time_ms: i64,
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            generation_id_or_member_epoch: -1,
            member_id: String::new(),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OffsetCommitResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl OffsetCommitResponsePartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("OffsetCommitResponsePartition.partition_index")?;
        let error_code = reader.i16("OffsetCommitResponsePartition.error_code")?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetCommitResponsePartition")?;
        }
        Ok(Self { partition_index, error_code })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetCommitResponseTopic {
    /// Versions 0-9.
    pub name: String,
    /// Versions 10+.
    pub topic_id: u128,
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

impl OffsetCommitResponseTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = if version <= 9 { reader.string("OffsetCommitResponseTopic.name", layout)? } else { String::new() };
        let topic_id = if version >= 10 { reader.uuid("OffsetCommitResponseTopic.topic_id")? } else { 0 };
        let partitions = reader.array("OffsetCommitResponseTopic.partitions", layout, 6, |reader| {
            OffsetCommitResponsePartition::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetCommitResponseTopic")?;
        }
        Ok(Self { name, topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version <= 9 {
            write_string(out, "OffsetCommitResponseTopic.name", &self.name, layout)?;
        }
        if version >= 10 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "OffsetCommitResponseTopic.partitions", self.partitions.len(), layout)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetCommitResponse {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetCommitResponseTopic>,
}

impl Message for OffsetCommitRequest {
    const API: ApiKey = ApiKey::OffsetCommit;
    const NAME: &'static str = "OffsetCommitRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let group_id = reader.string("OffsetCommitRequest.group_id", layout)?;
        let generation_id_or_member_epoch = reader.i32("OffsetCommitRequest.generation_id_or_member_epoch")?;
        let member_id = reader.string("OffsetCommitRequest.member_id", layout)?;
        let group_instance_id =
            if version >= 7 { reader.nullable_string("OffsetCommitRequest.group_instance_id", layout)? } else { None };
        let retention_time_ms = if version <= 4 { reader.i64("OffsetCommitRequest.retention_time_ms")? } else { -1 };
        let topics = reader.array("OffsetCommitRequest.topics", layout, 3, |reader| {
            OffsetCommitRequestTopic::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetCommitRequest")?;
        }
        Ok(Self { group_id, generation_id_or_member_epoch, member_id, group_instance_id, retention_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_string(out, "OffsetCommitRequest.group_id", &self.group_id, layout)?;
        out.put_i32(self.generation_id_or_member_epoch);
        write_string(out, "OffsetCommitRequest.member_id", &self.member_id, layout)?;
        if version >= 7 {
            match &self.group_instance_id {
                Some(value) => {
                    write_string(out, "OffsetCommitRequest.group_instance_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion { field: "OffsetCommitRequest.group_instance_id", version });
        }
        if version <= 4 {
            out.put_i64(self.retention_time_ms);
        }
        write_len(out, "OffsetCommitRequest.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for OffsetCommitRequest {
    type Response = OffsetCommitResponse;
}

impl Message for OffsetCommitResponse {
    const API: ApiKey = ApiKey::OffsetCommit;
    const NAME: &'static str = "OffsetCommitResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 3 { reader.i32("OffsetCommitResponse.throttle_time_ms")? } else { 0 };
        let topics = reader.array("OffsetCommitResponse.topics", layout, 3, |reader| {
            OffsetCommitResponseTopic::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetCommitResponse")?;
        }
        Ok(Self { throttle_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 3 {
            out.put_i32(self.throttle_time_ms);
        }
        write_len(out, "OffsetCommitResponse.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 8 { Layout::Flexible } else { Layout::Classic }
}
