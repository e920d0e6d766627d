//! OffsetFetch (key 9): how far a group has read. Versions 1-10.
//!
//! Generated from `schemas/kafka/offset_fetch.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchRequestTopic {
    pub name: String,
    pub partition_indexes: Vec<i32>,
}

impl OffsetFetchRequestTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("OffsetFetchRequestTopic.name", layout)?;
        let partition_indexes = reader.array("OffsetFetchRequestTopic.partition_indexes", layout, 4, |reader| {
            reader.i32("OffsetFetchRequestTopic.partition_indexes")
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetFetchRequestTopic")?;
        }
        Ok(Self { name, partition_indexes })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "OffsetFetchRequestTopic.name", &self.name, layout)?;
        write_len(out, "OffsetFetchRequestTopic.partition_indexes", self.partition_indexes.len(), layout)?;
        for &item in &self.partition_indexes {
            out.put_i32(item);
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchRequestTopics {
    /// Versions 8-9.
    pub name: String,
    /// Versions 10+.
    pub topic_id: u128,
    pub partition_indexes: Vec<i32>,
}

impl OffsetFetchRequestTopics {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let name = if version <= 9 {
            reader.string("OffsetFetchRequestTopics.name", Layout::Flexible)?
        } else {
            String::new()
        };
        let topic_id = if version >= 10 { reader.uuid("OffsetFetchRequestTopics.topic_id")? } else { 0 };
        let partition_indexes =
            reader.array("OffsetFetchRequestTopics.partition_indexes", Layout::Flexible, 4, |reader| {
                reader.i32("OffsetFetchRequestTopics.partition_indexes")
            })?;
        reader.skip_tags("OffsetFetchRequestTopics")?;
        Ok(Self { name, topic_id, partition_indexes })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        if version <= 9 {
            write_string(out, "OffsetFetchRequestTopics.name", &self.name, Layout::Flexible)?;
        }
        if version >= 10 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "OffsetFetchRequestTopics.partition_indexes", self.partition_indexes.len(), Layout::Flexible)?;
        for &item in &self.partition_indexes {
            out.put_i32(item);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchRequestGroup {
    pub group_id: String,
    /// Versions 9+.
    pub member_id: Option<String>,
    /// -1: not a member of the consumer protocol. Versions 9+.
    pub member_epoch: i32,
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self { group_id: String::new(), member_id: None, member_epoch: -1, topics: Some(Vec::new()) }
    }
}

impl OffsetFetchRequestGroup {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let group_id = reader.string("OffsetFetchRequestGroup.group_id", Layout::Flexible)?;
        let member_id = if version >= 9 {
            reader.nullable_string("OffsetFetchRequestGroup.member_id", Layout::Flexible)?
        } else {
            None
        };
        let member_epoch = if version >= 9 { reader.i32("OffsetFetchRequestGroup.member_epoch")? } else { -1 };
        let topics = reader.nullable_array("OffsetFetchRequestGroup.topics", Layout::Flexible, 3, |reader| {
            OffsetFetchRequestTopics::decode(reader, version)
        })?;
        reader.skip_tags("OffsetFetchRequestGroup")?;
        Ok(Self { group_id, member_id, member_epoch, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "OffsetFetchRequestGroup.group_id", &self.group_id, Layout::Flexible)?;
        if version >= 9 {
            match &self.member_id {
                Some(value) => {
                    write_string(out, "OffsetFetchRequestGroup.member_id", value, Layout::Flexible)?;
                }
                None => write_null_string(out, Layout::Flexible),
            }
        }
        if version >= 9 {
            out.put_i32(self.member_epoch);
        }
        match &self.topics {
            Some(value) => {
                write_len(out, "OffsetFetchRequestGroup.topics", value.len(), Layout::Flexible)?;
                for item in value {
                    item.encode(out, version)?;
                }
            }
            None => write_null(out, Layout::Flexible),
        }
        out.put_uvarint(0);
        Ok(())
    }
}

/// How far a group has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchRequest {
    /// Versions 0-7.
    pub group_id: String,
    /// Null asks for every topic. Versions 0-7.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// Versions 8+.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// Refuse partitions with offsets of open transactions. Versions 7+.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self { group_id: String::new(), topics: Some(Vec::new()), groups: Vec::new(), require_stable: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchResponsePartition {
    pub partition_index: i32,
    /// -1: nothing is committed.
    pub committed_offset: i64,
    /// Versions 5-7.
    pub committed_leader_epoch: i32,
    pub metadata: Option<String>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(String::new()),
            error_code: 0,
        }
    }
}

impl OffsetFetchResponsePartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("OffsetFetchResponsePartition.partition_index")?;
        let committed_offset = reader.i64("OffsetFetchResponsePartition.committed_offset")?;
        let committed_leader_epoch =
            if version >= 5 { reader.i32("OffsetFetchResponsePartition.committed_leader_epoch")? } else { -1 };
        let metadata = reader.nullable_string("OffsetFetchResponsePartition.metadata", layout)?;
        let error_code = reader.i16("OffsetFetchResponsePartition.error_code")?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetFetchResponsePartition")?;
        }
        Ok(Self { partition_index, committed_offset, committed_leader_epoch, metadata, error_code })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i64(self.committed_offset);
        if version >= 5 {
            out.put_i32(self.committed_leader_epoch);
        }
        match &self.metadata {
            Some(value) => {
                write_string(out, "OffsetFetchResponsePartition.metadata", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_i16(self.error_code);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponseTopic {
    pub name: String,
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl OffsetFetchResponseTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("OffsetFetchResponseTopic.name", layout)?;
        let partitions = reader.array("OffsetFetchResponseTopic.partitions", layout, 16, |reader| {
            OffsetFetchResponsePartition::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetFetchResponseTopic")?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "OffsetFetchResponseTopic.name", &self.name, layout)?;
        write_len(out, "OffsetFetchResponseTopic.partitions", self.partitions.len(), layout)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchResponsePartitions {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub metadata: Option<String>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(String::new()),
            error_code: 0,
        }
    }
}

impl OffsetFetchResponsePartitions {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let partition_index = reader.i32("OffsetFetchResponsePartitions.partition_index")?;
        let committed_offset = reader.i64("OffsetFetchResponsePartitions.committed_offset")?;
        let committed_leader_epoch = reader.i32("OffsetFetchResponsePartitions.committed_leader_epoch")?;
        let metadata = reader.nullable_string("OffsetFetchResponsePartitions.metadata", Layout::Flexible)?;
        let error_code = reader.i16("OffsetFetchResponsePartitions.error_code")?;
        reader.skip_tags("OffsetFetchResponsePartitions")?;
        Ok(Self { partition_index, committed_offset, committed_leader_epoch, metadata, error_code })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.partition_index);
        out.put_i64(self.committed_offset);
        out.put_i32(self.committed_leader_epoch);
        match &self.metadata {
            Some(value) => {
                write_string(out, "OffsetFetchResponsePartitions.metadata", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_i16(self.error_code);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponseTopics {
    /// Versions 8-9.
    pub name: String,
    /// Versions 10+.
    pub topic_id: u128,
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl OffsetFetchResponseTopics {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let name = if version <= 9 {
            reader.string("OffsetFetchResponseTopics.name", Layout::Flexible)?
        } else {
            String::new()
        };
        let topic_id = if version >= 10 { reader.uuid("OffsetFetchResponseTopics.topic_id")? } else { 0 };
        let partitions = reader.array("OffsetFetchResponseTopics.partitions", Layout::Flexible, 20, |reader| {
            OffsetFetchResponsePartitions::decode(reader, version)
        })?;
        reader.skip_tags("OffsetFetchResponseTopics")?;
        Ok(Self { name, topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        if version <= 9 {
            write_string(out, "OffsetFetchResponseTopics.name", &self.name, Layout::Flexible)?;
        }
        if version >= 10 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "OffsetFetchResponseTopics.partitions", self.partitions.len(), Layout::Flexible)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponseGroup {
    pub group_id: String,
    pub topics: Vec<OffsetFetchResponseTopics>,
    pub error_code: i16,
}

impl OffsetFetchResponseGroup {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let group_id = reader.string("OffsetFetchResponseGroup.group_id", Layout::Flexible)?;
        let topics = reader.array("OffsetFetchResponseGroup.topics", Layout::Flexible, 3, |reader| {
            OffsetFetchResponseTopics::decode(reader, version)
        })?;
        let error_code = reader.i16("OffsetFetchResponseGroup.error_code")?;
        reader.skip_tags("OffsetFetchResponseGroup")?;
        Ok(Self { group_id, topics, error_code })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "OffsetFetchResponseGroup.group_id", &self.group_id, Layout::Flexible)?;
        write_len(out, "OffsetFetchResponseGroup.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_i16(self.error_code);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponse {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    /// Versions 0-7.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// Versions 2-7.
    pub error_code: i16,
    /// Versions 8+.
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Message for OffsetFetchRequest {
    const API: ApiKey = ApiKey::OffsetFetch;
    const NAME: &'static str = "OffsetFetchRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let group_id = if version <= 7 { reader.string("OffsetFetchRequest.group_id", layout)? } else { String::new() };
        let topics = if version <= 7 {
            if version >= 2 {
                reader.nullable_array("OffsetFetchRequest.topics", layout, 3, |reader| {
                    OffsetFetchRequestTopic::decode(reader, version)
                })?
            } else {
                Some(reader.array("OffsetFetchRequest.topics", layout, 3, |reader| {
                    OffsetFetchRequestTopic::decode(reader, version)
                })?)
            }
        } else {
            Some(Vec::new())
        };
        let groups = if version >= 8 {
            reader.array("OffsetFetchRequest.groups", layout, 3, |reader| {
                OffsetFetchRequestGroup::decode(reader, version)
            })?
        } else {
            Vec::new()
        };
        let require_stable = if version >= 7 { reader.bool("OffsetFetchRequest.require_stable")? } else { false };
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetFetchRequest")?;
        }
        Ok(Self { group_id, topics, groups, require_stable })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version <= 7 {
            write_string(out, "OffsetFetchRequest.group_id", &self.group_id, layout)?;
        } else if !self.group_id.is_empty() {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchRequest.group_id", version });
        }
        if version <= 7 {
            match &self.topics {
                Some(value) => {
                    write_len(out, "OffsetFetchRequest.topics", value.len(), layout)?;
                    for item in value {
                        item.encode(out, version)?;
                    }
                }
                None if version >= 2 => write_null(out, layout),
                None => return Err(EncodeError::Null { field: "OffsetFetchRequest.topics", version }),
            }
        } else if self.topics.as_ref().is_none_or(|value| !value.is_empty()) {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchRequest.topics", version });
        }
        if version >= 8 {
            write_len(out, "OffsetFetchRequest.groups", self.groups.len(), layout)?;
            for item in &self.groups {
                item.encode(out, version)?;
            }
        } else if !self.groups.is_empty() {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchRequest.groups", version });
        }
        if version >= 7 {
            out.put_bool(self.require_stable);
        } else if self.require_stable {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchRequest.require_stable", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for OffsetFetchRequest {
    type Response = OffsetFetchResponse;
}

impl Message for OffsetFetchResponse {
    const API: ApiKey = ApiKey::OffsetFetch;
    const NAME: &'static str = "OffsetFetchResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 3 { reader.i32("OffsetFetchResponse.throttle_time_ms")? } else { 0 };
        let topics = if version <= 7 {
            reader.array("OffsetFetchResponse.topics", layout, 3, |reader| {
                OffsetFetchResponseTopic::decode(reader, version)
            })?
        } else {
            Vec::new()
        };
        let error_code = if (2..=7).contains(&version) { reader.i16("OffsetFetchResponse.error_code")? } else { 0 };
        let groups = if version >= 8 {
            reader.array("OffsetFetchResponse.groups", layout, 5, |reader| {
                OffsetFetchResponseGroup::decode(reader, version)
            })?
        } else {
            Vec::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetFetchResponse")?;
        }
        Ok(Self { throttle_time_ms, topics, error_code, groups })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 3 {
            out.put_i32(self.throttle_time_ms);
        }
        if version <= 7 {
            write_len(out, "OffsetFetchResponse.topics", self.topics.len(), layout)?;
            for item in &self.topics {
                item.encode(out, version)?;
            }
        } else if !self.topics.is_empty() {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchResponse.topics", version });
        }
        if (2..=7).contains(&version) {
            out.put_i16(self.error_code);
        }
        if version >= 8 {
            write_len(out, "OffsetFetchResponse.groups", self.groups.len(), layout)?;
            for item in &self.groups {
                item.encode(out, version)?;
            }
        } else if !self.groups.is_empty() {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchResponse.groups", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 6 { Layout::Flexible } else { Layout::Classic }
}
