//! CreatePartitions (key 37): gives topics more partitions. Versions 0-3.
//!
//! Generated from `schemas/kafka/create_partitions.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatePartitionsAssignment {
    pub broker_ids: Vec<i32>,
}

impl CreatePartitionsAssignment {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let broker_ids = reader.array("CreatePartitionsAssignment.broker_ids", layout, 4, |reader| {
            reader.i32("CreatePartitionsAssignment.broker_ids")
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatePartitionsAssignment")?;
        }
        Ok(Self { broker_ids })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_len(out, "CreatePartitionsAssignment.broker_ids", self.broker_ids.len(), layout)?;
        for &item in &self.broker_ids {
            out.put_i32(item);
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitionsTopic {
    pub name: String,
    /// Of all partitions afterwards.
    pub count: i32,
    /// Of the new partitions; null lets the broker place them.
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

impl Default for CreatePartitionsTopic {
    fn default() -> Self {
        Self { name: String::new(), count: 0, assignments: Some(Vec::new()) }
    }
}

impl CreatePartitionsTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("CreatePartitionsTopic.name", layout)?;
        let count = reader.i32("CreatePartitionsTopic.count")?;
        let assignments = reader.nullable_array("CreatePartitionsTopic.assignments", layout, 2, |reader| {
            CreatePartitionsAssignment::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatePartitionsTopic")?;
        }
        Ok(Self { name, count, assignments })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "CreatePartitionsTopic.name", &self.name, layout)?;
        out.put_i32(self.count);
        match &self.assignments {
            Some(value) => {
                write_len(out, "CreatePartitionsTopic.assignments", value.len(), layout)?;
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

/// Gives topics more partitions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatePartitionsRequest {
    pub topics: Vec<CreatePartitionsTopic>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatePartitionsTopicResult {
    pub name: String,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl CreatePartitionsTopicResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("CreatePartitionsTopicResult.name", layout)?;
        let error_code = reader.i16("CreatePartitionsTopicResult.error_code")?;
        let error_message = reader.nullable_string("CreatePartitionsTopicResult.error_message", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatePartitionsTopicResult")?;
        }
        Ok(Self { name, error_code, error_message })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "CreatePartitionsTopicResult.name", &self.name, layout)?;
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "CreatePartitionsTopicResult.error_message", value, layout)?;
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
pub struct CreatePartitionsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<CreatePartitionsTopicResult>,
}

impl Message for CreatePartitionsRequest {
    const API: ApiKey = ApiKey::CreatePartitions;
    const NAME: &'static str = "CreatePartitionsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let topics = reader.array("CreatePartitionsRequest.topics", layout, 7, |reader| {
            CreatePartitionsTopic::decode(reader, version)
        })?;
        let timeout_ms = reader.i32("CreatePartitionsRequest.timeout_ms")?;
        let validate_only = reader.bool("CreatePartitionsRequest.validate_only")?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatePartitionsRequest")?;
        }
        Ok(Self { topics, timeout_ms, validate_only })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "CreatePartitionsRequest.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_i32(self.timeout_ms);
        out.put_bool(self.validate_only);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for CreatePartitionsRequest {
    type Response = CreatePartitionsResponse;
}

impl Message for CreatePartitionsResponse {
    const API: ApiKey = ApiKey::CreatePartitions;
    const NAME: &'static str = "CreatePartitionsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("CreatePartitionsResponse.throttle_time_ms")?;
        let results = reader.array("CreatePartitionsResponse.results", layout, 5, |reader| {
            CreatePartitionsTopicResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatePartitionsResponse")?;
        }
        Ok(Self { throttle_time_ms, results })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "CreatePartitionsResponse.results", self.results.len(), layout)?;
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
