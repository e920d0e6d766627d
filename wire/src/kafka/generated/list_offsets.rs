//! ListOffsets (key 2): the offset that belongs to a timestamp, or to an end of the log. Versions 1-11.
//!
//! Generated from `schemas/kafka/list_offsets.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListOffsetsPartition {
    pub partition_index: i32,
    /// Versions 4+.
    pub current_leader_epoch: i32,
    /// -1 latest, -2 earliest, -3 of the largest timestamp, -4 earliest local, -5 latest tiered, -6 earliest that waits for its upload.
    pub timestamp: i64,
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        Self { partition_index: 0, current_leader_epoch: -1, timestamp: 0 }
    }
}

impl ListOffsetsPartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("ListOffsetsPartition.partition_index")?;
        let current_leader_epoch =
            if version >= 4 { reader.i32("ListOffsetsPartition.current_leader_epoch")? } else { -1 };
        let timestamp = reader.i64("ListOffsetsPartition.timestamp")?;
        if layout == Layout::Flexible {
            reader.skip_tags("ListOffsetsPartition")?;
        }
        Ok(Self { partition_index, current_leader_epoch, timestamp })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        if version >= 4 {
            out.put_i32(self.current_leader_epoch);
        }
        out.put_i64(self.timestamp);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListOffsetsTopic {
    pub name: String,
    pub partitions: Vec<ListOffsetsPartition>,
}

impl ListOffsetsTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("ListOffsetsTopic.name", layout)?;
        let partitions = reader
            .array("ListOffsetsTopic.partitions", layout, 12, |reader| ListOffsetsPartition::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("ListOffsetsTopic")?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "ListOffsetsTopic.name", &self.name, layout)?;
        write_len(out, "ListOffsetsTopic.partitions", self.partitions.len(), layout)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// The offset that belongs to a timestamp, or to an end of the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListOffsetsRequest {
    /// -1 for a consumer.
    pub replica_id: i32,
    /// 0 read uncommitted, 1 read committed. Versions 2+.
    pub isolation_level: i8,
    pub topics: Vec<ListOffsetsTopic>,
    /// Versions 10+.
    pub timeout_ms: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListOffsetsPartitionResponse {
    pub partition_index: i32,
    pub error_code: i16,
    pub timestamp: i64,
    pub offset: i64,
    /// Versions 4+.
    pub leader_epoch: i32,
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        Self { partition_index: 0, error_code: 0, timestamp: -1, offset: -1, leader_epoch: -1 }
    }
}

impl ListOffsetsPartitionResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("ListOffsetsPartitionResponse.partition_index")?;
        let error_code = reader.i16("ListOffsetsPartitionResponse.error_code")?;
        let timestamp = reader.i64("ListOffsetsPartitionResponse.timestamp")?;
        let offset = reader.i64("ListOffsetsPartitionResponse.offset")?;
        let leader_epoch = if version >= 4 { reader.i32("ListOffsetsPartitionResponse.leader_epoch")? } else { -1 };
        if layout == Layout::Flexible {
            reader.skip_tags("ListOffsetsPartitionResponse")?;
        }
        Ok(Self { partition_index, error_code, timestamp, offset, leader_epoch })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        out.put_i64(self.timestamp);
        out.put_i64(self.offset);
        if version >= 4 {
            out.put_i32(self.leader_epoch);
        } else if self.leader_epoch != -1 {
            return Err(EncodeError::NotInVersion { field: "ListOffsetsPartitionResponse.leader_epoch", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListOffsetsTopicResponse {
    pub name: String,
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

impl ListOffsetsTopicResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("ListOffsetsTopicResponse.name", layout)?;
        let partitions = reader.array("ListOffsetsTopicResponse.partitions", layout, 22, |reader| {
            ListOffsetsPartitionResponse::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("ListOffsetsTopicResponse")?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "ListOffsetsTopicResponse.name", &self.name, layout)?;
        write_len(out, "ListOffsetsTopicResponse.partitions", self.partitions.len(), layout)?;
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
pub struct ListOffsetsResponse {
    /// Versions 2+.
    pub throttle_time_ms: i32,
    pub topics: Vec<ListOffsetsTopicResponse>,
}

impl Message for ListOffsetsRequest {
    const API: ApiKey = ApiKey::ListOffsets;
    const NAME: &'static str = "ListOffsetsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let replica_id = reader.i32("ListOffsetsRequest.replica_id")?;
        let isolation_level = if version >= 2 { reader.i8("ListOffsetsRequest.isolation_level")? } else { 0 };
        let topics =
            reader.array("ListOffsetsRequest.topics", layout, 3, |reader| ListOffsetsTopic::decode(reader, version))?;
        let timeout_ms = if version >= 10 { reader.i32("ListOffsetsRequest.timeout_ms")? } else { 0 };
        if layout == Layout::Flexible {
            reader.skip_tags("ListOffsetsRequest")?;
        }
        Ok(Self { replica_id, isolation_level, topics, timeout_ms })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.replica_id);
        if version >= 2 {
            out.put_i8(self.isolation_level);
        } else if self.isolation_level != 0 {
            return Err(EncodeError::NotInVersion { field: "ListOffsetsRequest.isolation_level", version });
        }
        write_len(out, "ListOffsetsRequest.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if version >= 10 {
            out.put_i32(self.timeout_ms);
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for ListOffsetsRequest {
    type Response = ListOffsetsResponse;
}

impl Message for ListOffsetsResponse {
    const API: ApiKey = ApiKey::ListOffsets;
    const NAME: &'static str = "ListOffsetsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 2 { reader.i32("ListOffsetsResponse.throttle_time_ms")? } else { 0 };
        let topics = reader.array("ListOffsetsResponse.topics", layout, 3, |reader| {
            ListOffsetsTopicResponse::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("ListOffsetsResponse")?;
        }
        Ok(Self { throttle_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 2 {
            out.put_i32(self.throttle_time_ms);
        }
        write_len(out, "ListOffsetsResponse.topics", self.topics.len(), layout)?;
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
    if version >= 6 { Layout::Flexible } else { Layout::Classic }
}
