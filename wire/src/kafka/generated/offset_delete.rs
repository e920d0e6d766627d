//! OffsetDelete (key 47): forgets what a group has committed for some partitions. Versions 0.
//!
//! Generated from `schemas/kafka/offset_delete.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OffsetDeleteRequestPartition {
    pub partition_index: i32,
}

impl OffsetDeleteRequestPartition {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let partition_index = reader.i32("OffsetDeleteRequestPartition.partition_index")?;
        Ok(Self { partition_index })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.partition_index);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetDeleteRequestTopic {
    pub name: String,
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

impl OffsetDeleteRequestTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("OffsetDeleteRequestTopic.name", Layout::Classic)?;
        let partitions = reader.array("OffsetDeleteRequestTopic.partitions", Layout::Classic, 4, |reader| {
            OffsetDeleteRequestPartition::decode(reader, version)
        })?;
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "OffsetDeleteRequestTopic.name", &self.name, Layout::Classic)?;
        write_len(out, "OffsetDeleteRequestTopic.partitions", self.partitions.len(), Layout::Classic)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        Ok(())
    }
}

/// Forgets what a group has committed for some partitions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetDeleteRequest {
    pub group_id: String,
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OffsetDeleteResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl OffsetDeleteResponsePartition {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let partition_index = reader.i32("OffsetDeleteResponsePartition.partition_index")?;
        let error_code = reader.i16("OffsetDeleteResponsePartition.error_code")?;
        Ok(Self { partition_index, error_code })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetDeleteResponseTopic {
    pub name: String,
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

impl OffsetDeleteResponseTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("OffsetDeleteResponseTopic.name", Layout::Classic)?;
        let partitions = reader.array("OffsetDeleteResponseTopic.partitions", Layout::Classic, 6, |reader| {
            OffsetDeleteResponsePartition::decode(reader, version)
        })?;
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "OffsetDeleteResponseTopic.name", &self.name, Layout::Classic)?;
        write_len(out, "OffsetDeleteResponseTopic.partitions", self.partitions.len(), Layout::Classic)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetDeleteResponse {
    pub error_code: i16,
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

impl Message for OffsetDeleteRequest {
    const API: ApiKey = ApiKey::OffsetDelete;
    const NAME: &'static str = "OffsetDeleteRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let group_id = reader.string("OffsetDeleteRequest.group_id", Layout::Classic)?;
        let topics = reader.array("OffsetDeleteRequest.topics", Layout::Classic, 6, |reader| {
            OffsetDeleteRequestTopic::decode(reader, version)
        })?;
        Ok(Self { group_id, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        write_string(out, "OffsetDeleteRequest.group_id", &self.group_id, Layout::Classic)?;
        write_len(out, "OffsetDeleteRequest.topics", self.topics.len(), Layout::Classic)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        Ok(())
    }
}

impl Request for OffsetDeleteRequest {
    type Response = OffsetDeleteResponse;
}

impl Message for OffsetDeleteResponse {
    const API: ApiKey = ApiKey::OffsetDelete;
    const NAME: &'static str = "OffsetDeleteResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let error_code = reader.i16("OffsetDeleteResponse.error_code")?;
        let throttle_time_ms = reader.i32("OffsetDeleteResponse.throttle_time_ms")?;
        let topics = reader.array("OffsetDeleteResponse.topics", Layout::Classic, 6, |reader| {
            OffsetDeleteResponseTopic::decode(reader, version)
        })?;
        Ok(Self { error_code, throttle_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i16(self.error_code);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "OffsetDeleteResponse.topics", self.topics.len(), Layout::Classic)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        Ok(())
    }
}
