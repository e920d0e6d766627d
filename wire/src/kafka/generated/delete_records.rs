//! DeleteRecords (key 21): moves the start of logs forward. Versions 0-2.
//!
//! Generated from `schemas/kafka/delete_records.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeleteRecordsPartition {
    pub partition_index: i32,
    /// The first offset that is kept, -1 for the high watermark.
    pub offset: i64,
}

impl DeleteRecordsPartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("DeleteRecordsPartition.partition_index")?;
        let offset = reader.i64("DeleteRecordsPartition.offset")?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteRecordsPartition")?;
        }
        Ok(Self { partition_index, offset })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i64(self.offset);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteRecordsTopic {
    pub name: String,
    pub partitions: Vec<DeleteRecordsPartition>,
}

impl DeleteRecordsTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("DeleteRecordsTopic.name", layout)?;
        let partitions = reader.array("DeleteRecordsTopic.partitions", layout, 12, |reader| {
            DeleteRecordsPartition::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteRecordsTopic")?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DeleteRecordsTopic.name", &self.name, layout)?;
        write_len(out, "DeleteRecordsTopic.partitions", self.partitions.len(), layout)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Moves the start of logs forward.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteRecordsRequest {
    pub topics: Vec<DeleteRecordsTopic>,
    pub timeout_ms: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeleteRecordsPartitionResult {
    pub partition_index: i32,
    /// Where the log begins.
    pub low_watermark: i64,
    pub error_code: i16,
}

impl DeleteRecordsPartitionResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("DeleteRecordsPartitionResult.partition_index")?;
        let low_watermark = reader.i64("DeleteRecordsPartitionResult.low_watermark")?;
        let error_code = reader.i16("DeleteRecordsPartitionResult.error_code")?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteRecordsPartitionResult")?;
        }
        Ok(Self { partition_index, low_watermark, error_code })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i64(self.low_watermark);
        out.put_i16(self.error_code);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteRecordsTopicResult {
    pub name: String,
    pub partitions: Vec<DeleteRecordsPartitionResult>,
}

impl DeleteRecordsTopicResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("DeleteRecordsTopicResult.name", layout)?;
        let partitions = reader.array("DeleteRecordsTopicResult.partitions", layout, 14, |reader| {
            DeleteRecordsPartitionResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteRecordsTopicResult")?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DeleteRecordsTopicResult.name", &self.name, layout)?;
        write_len(out, "DeleteRecordsTopicResult.partitions", self.partitions.len(), layout)?;
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
pub struct DeleteRecordsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<DeleteRecordsTopicResult>,
}

impl Message for DeleteRecordsRequest {
    const API: ApiKey = ApiKey::DeleteRecords;
    const NAME: &'static str = "DeleteRecordsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let topics = reader
            .array("DeleteRecordsRequest.topics", layout, 3, |reader| DeleteRecordsTopic::decode(reader, version))?;
        let timeout_ms = reader.i32("DeleteRecordsRequest.timeout_ms")?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteRecordsRequest")?;
        }
        Ok(Self { topics, timeout_ms })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "DeleteRecordsRequest.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_i32(self.timeout_ms);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for DeleteRecordsRequest {
    type Response = DeleteRecordsResponse;
}

impl Message for DeleteRecordsResponse {
    const API: ApiKey = ApiKey::DeleteRecords;
    const NAME: &'static str = "DeleteRecordsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("DeleteRecordsResponse.throttle_time_ms")?;
        let topics = reader.array("DeleteRecordsResponse.topics", layout, 3, |reader| {
            DeleteRecordsTopicResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteRecordsResponse")?;
        }
        Ok(Self { throttle_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "DeleteRecordsResponse.topics", self.topics.len(), layout)?;
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
    if version >= 2 { Layout::Flexible } else { Layout::Classic }
}
