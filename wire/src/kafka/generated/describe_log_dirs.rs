//! DescribeLogDirs (key 35): the folders of a broker, and how much each partition takes there. Versions 1-5.
//!
//! Generated from `schemas/kafka/describe_log_dirs.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribableLogDirTopic {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl DescribableLogDirTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = reader.string("DescribableLogDirTopic.topic", layout)?;
        let partitions = reader.array("DescribableLogDirTopic.partitions", layout, 4, |reader| {
            reader.i32("DescribableLogDirTopic.partitions")
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribableLogDirTopic")?;
        }
        Ok(Self { topic, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DescribableLogDirTopic.topic", &self.topic, layout)?;
        write_len(out, "DescribableLogDirTopic.partitions", self.partitions.len(), layout)?;
        for &item in &self.partitions {
            out.put_i32(item);
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// The folders of a broker, and how much each partition takes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeLogDirsRequest {
    /// Null asks for every topic.
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

impl Default for DescribeLogDirsRequest {
    fn default() -> Self {
        Self { topics: Some(Vec::new()) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DescribeLogDirsPartition {
    pub partition_index: i32,
    pub partition_size: i64,
    /// Records that the copy there is behind.
    pub offset_lag: i64,
    /// A copy that will take the place of another one.
    pub is_future_key: bool,
}

impl DescribeLogDirsPartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("DescribeLogDirsPartition.partition_index")?;
        let partition_size = reader.i64("DescribeLogDirsPartition.partition_size")?;
        let offset_lag = reader.i64("DescribeLogDirsPartition.offset_lag")?;
        let is_future_key = reader.bool("DescribeLogDirsPartition.is_future_key")?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeLogDirsPartition")?;
        }
        Ok(Self { partition_index, partition_size, offset_lag, is_future_key })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i64(self.partition_size);
        out.put_i64(self.offset_lag);
        out.put_bool(self.is_future_key);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeLogDirsTopic {
    pub name: String,
    pub partitions: Vec<DescribeLogDirsPartition>,
}

impl DescribeLogDirsTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("DescribeLogDirsTopic.name", layout)?;
        let partitions = reader.array("DescribeLogDirsTopic.partitions", layout, 21, |reader| {
            DescribeLogDirsPartition::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeLogDirsTopic")?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DescribeLogDirsTopic.name", &self.name, layout)?;
        write_len(out, "DescribeLogDirsTopic.partitions", self.partitions.len(), layout)?;
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
pub struct DescribeLogDirsResult {
    pub error_code: i16,
    pub log_dir: String,
    pub topics: Vec<DescribeLogDirsTopic>,
    /// Of the volume, -1 when not known. Versions 4+.
    pub total_bytes: i64,
    /// Of the volume, -1 when not known. Versions 4+.
    pub usable_bytes: i64,
    /// Takes no new partitions. Versions 5+.
    pub is_cordoned: bool,
}

impl Default for DescribeLogDirsResult {
    fn default() -> Self {
        Self {
            error_code: 0,
            log_dir: String::new(),
            topics: Vec::new(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: false,
        }
    }
}

impl DescribeLogDirsResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let error_code = reader.i16("DescribeLogDirsResult.error_code")?;
        let log_dir = reader.string("DescribeLogDirsResult.log_dir", layout)?;
        let topics = reader
            .array("DescribeLogDirsResult.topics", layout, 3, |reader| DescribeLogDirsTopic::decode(reader, version))?;
        let total_bytes = if version >= 4 { reader.i64("DescribeLogDirsResult.total_bytes")? } else { -1 };
        let usable_bytes = if version >= 4 { reader.i64("DescribeLogDirsResult.usable_bytes")? } else { -1 };
        let is_cordoned = if version >= 5 { reader.bool("DescribeLogDirsResult.is_cordoned")? } else { false };
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeLogDirsResult")?;
        }
        Ok(Self { error_code, log_dir, topics, total_bytes, usable_bytes, is_cordoned })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.error_code);
        write_string(out, "DescribeLogDirsResult.log_dir", &self.log_dir, layout)?;
        write_len(out, "DescribeLogDirsResult.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if version >= 4 {
            out.put_i64(self.total_bytes);
        }
        if version >= 4 {
            out.put_i64(self.usable_bytes);
        }
        if version >= 5 {
            out.put_bool(self.is_cordoned);
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeLogDirsResponse {
    pub throttle_time_ms: i32,
    /// Versions 3+.
    pub error_code: i16,
    pub results: Vec<DescribeLogDirsResult>,
}

impl Message for DescribeLogDirsRequest {
    const API: ApiKey = ApiKey::DescribeLogDirs;
    const NAME: &'static str = "DescribeLogDirsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let topics = reader.nullable_array("DescribeLogDirsRequest.topics", layout, 3, |reader| {
            DescribableLogDirTopic::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeLogDirsRequest")?;
        }
        Ok(Self { topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        match &self.topics {
            Some(value) => {
                write_len(out, "DescribeLogDirsRequest.topics", value.len(), layout)?;
                for item in value {
                    item.encode(out, version)?;
                }
            }
            None => write_null(out, layout),
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for DescribeLogDirsRequest {
    type Response = DescribeLogDirsResponse;
}

impl Message for DescribeLogDirsResponse {
    const API: ApiKey = ApiKey::DescribeLogDirs;
    const NAME: &'static str = "DescribeLogDirsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("DescribeLogDirsResponse.throttle_time_ms")?;
        let error_code = if version >= 3 { reader.i16("DescribeLogDirsResponse.error_code")? } else { 0 };
        let results = reader.array("DescribeLogDirsResponse.results", layout, 5, |reader| {
            DescribeLogDirsResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeLogDirsResponse")?;
        }
        Ok(Self { throttle_time_ms, error_code, results })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        if version >= 3 {
            out.put_i16(self.error_code);
        }
        write_len(out, "DescribeLogDirsResponse.results", self.results.len(), layout)?;
        for item in &self.results {
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
