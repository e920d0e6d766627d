//! CreateTopics (key 19). Versions 2-7.
//!
//! Generated from `schemas/kafka/create_topics.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::reader::Tag;
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatableReplicaAssignment {
    pub partition_index: i32,
    pub broker_ids: Vec<i32>,
}

impl CreatableReplicaAssignment {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("CreatableReplicaAssignment.partition_index")?;
        let broker_ids = reader.array("CreatableReplicaAssignment.broker_ids", layout, 4, |reader| {
            reader.i32("CreatableReplicaAssignment.broker_ids")
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatableReplicaAssignment")?;
        }
        Ok(Self { partition_index, broker_ids })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        write_len(out, "CreatableReplicaAssignment.broker_ids", self.broker_ids.len(), layout)?;
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
pub struct CreatableTopicConfig {
    pub name: String,
    pub value: Option<String>,
}

impl Default for CreatableTopicConfig {
    fn default() -> Self {
        Self { name: String::new(), value: Some(String::new()) }
    }
}

impl CreatableTopicConfig {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("CreatableTopicConfig.name", layout)?;
        let value = reader.nullable_string("CreatableTopicConfig.value", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatableTopicConfig")?;
        }
        Ok(Self { name, value })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "CreatableTopicConfig.name", &self.name, layout)?;
        match &self.value {
            Some(value) => {
                write_string(out, "CreatableTopicConfig.value", value, layout)?;
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
pub struct CreatableTopic {
    pub name: String,
    /// -1 for the broker's default, or when replicas are assigned below.
    pub num_partitions: i32,
    /// -1 for the broker's default, or when replicas are assigned below.
    pub replication_factor: i16,
    pub assignments: Vec<CreatableReplicaAssignment>,
    pub configs: Vec<CreatableTopicConfig>,
}

impl CreatableTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("CreatableTopic.name", layout)?;
        let num_partitions = reader.i32("CreatableTopic.num_partitions")?;
        let replication_factor = reader.i16("CreatableTopic.replication_factor")?;
        let assignments = reader.array("CreatableTopic.assignments", layout, 6, |reader| {
            CreatableReplicaAssignment::decode(reader, version)
        })?;
        let configs = reader
            .array("CreatableTopic.configs", layout, 3, |reader| CreatableTopicConfig::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreatableTopic")?;
        }
        Ok(Self { name, num_partitions, replication_factor, assignments, configs })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "CreatableTopic.name", &self.name, layout)?;
        out.put_i32(self.num_partitions);
        out.put_i16(self.replication_factor);
        write_len(out, "CreatableTopic.assignments", self.assignments.len(), layout)?;
        for item in &self.assignments {
            item.encode(out, version)?;
        }
        write_len(out, "CreatableTopic.configs", self.configs.len(), layout)?;
        for item in &self.configs {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopicsRequest {
    pub topics: Vec<CreatableTopic>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self { topics: Vec::new(), timeout_ms: 60000, validate_only: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatableTopicConfigs {
    pub name: String,
    pub value: Option<String>,
    pub read_only: bool,
    pub config_source: i8,
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: String::new(),
            value: Some(String::new()),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
        }
    }
}

impl CreatableTopicConfigs {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("CreatableTopicConfigs.name", Layout::Flexible)?;
        let value = reader.nullable_string("CreatableTopicConfigs.value", Layout::Flexible)?;
        let read_only = reader.bool("CreatableTopicConfigs.read_only")?;
        let config_source = reader.i8("CreatableTopicConfigs.config_source")?;
        let is_sensitive = reader.bool("CreatableTopicConfigs.is_sensitive")?;
        reader.skip_tags("CreatableTopicConfigs")?;
        Ok(Self { name, value, read_only, config_source, is_sensitive })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "CreatableTopicConfigs.name", &self.name, Layout::Flexible)?;
        match &self.value {
            Some(value) => {
                write_string(out, "CreatableTopicConfigs.value", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_bool(self.read_only);
        out.put_i8(self.config_source);
        out.put_bool(self.is_sensitive);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatableTopicResult {
    pub name: String,
    /// Versions 7+.
    pub topic_id: u128,
    pub error_code: i16,
    pub error_message: Option<String>,
    /// Why configs is null. Versions 5+.
    pub topic_config_error_code: i16,
    /// Versions 5+.
    pub num_partitions: i32,
    /// Versions 5+.
    pub replication_factor: i16,
    /// Versions 5+.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: String::new(),
            topic_id: 0,
            error_code: 0,
            error_message: Some(String::new()),
            topic_config_error_code: 0,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
        }
    }
}

impl CreatableTopicResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("CreatableTopicResult.name", layout)?;
        let topic_id = if version >= 7 { reader.uuid("CreatableTopicResult.topic_id")? } else { 0 };
        let error_code = reader.i16("CreatableTopicResult.error_code")?;
        let error_message = reader.nullable_string("CreatableTopicResult.error_message", layout)?;
        let num_partitions = if version >= 5 { reader.i32("CreatableTopicResult.num_partitions")? } else { -1 };
        let replication_factor = if version >= 5 { reader.i16("CreatableTopicResult.replication_factor")? } else { -1 };
        let configs = if version >= 5 {
            reader.nullable_array("CreatableTopicResult.configs", layout, 6, |reader| {
                CreatableTopicConfigs::decode(reader, version)
            })?
        } else {
            Some(Vec::new())
        };
        let mut topic_config_error_code = 0;
        if layout == Layout::Flexible {
            reader.tags("CreatableTopicResult", |reader, tag| {
                match tag {
                    0 => topic_config_error_code = reader.i16("CreatableTopicResult.topic_config_error_code")?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            name,
            topic_id,
            error_code,
            error_message,
            topic_config_error_code,
            num_partitions,
            replication_factor,
            configs,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "CreatableTopicResult.name", &self.name, layout)?;
        if version >= 7 {
            out.put_u128(self.topic_id);
        }
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "CreatableTopicResult.error_message", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        if version >= 5 {
            out.put_i32(self.num_partitions);
        }
        if version >= 5 {
            out.put_i16(self.replication_factor);
        }
        if version >= 5 {
            match &self.configs {
                Some(value) => {
                    write_len(out, "CreatableTopicResult.configs", value.len(), layout)?;
                    for item in value {
                        item.encode(out, version)?;
                    }
                }
                None => write_null(out, layout),
            }
        }
        if layout == Layout::Flexible {
            let has_topic_config_error_code = self.topic_config_error_code != 0;
            out.put_uvarint(u32::from(has_topic_config_error_code));
            if has_topic_config_error_code {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    out.put_i16(self.topic_config_error_code);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreateTopicsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<CreatableTopicResult>,
}

impl Message for CreateTopicsRequest {
    const API: ApiKey = ApiKey::CreateTopics;
    const NAME: &'static str = "CreateTopicsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let topics =
            reader.array("CreateTopicsRequest.topics", layout, 10, |reader| CreatableTopic::decode(reader, version))?;
        let timeout_ms = reader.i32("CreateTopicsRequest.timeout_ms")?;
        let validate_only = reader.bool("CreateTopicsRequest.validate_only")?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreateTopicsRequest")?;
        }
        Ok(Self { topics, timeout_ms, validate_only })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "CreateTopicsRequest.topics", self.topics.len(), layout)?;
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

impl Request for CreateTopicsRequest {
    type Response = CreateTopicsResponse;
}

impl Message for CreateTopicsResponse {
    const API: ApiKey = ApiKey::CreateTopics;
    const NAME: &'static str = "CreateTopicsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("CreateTopicsResponse.throttle_time_ms")?;
        let topics = reader
            .array("CreateTopicsResponse.topics", layout, 6, |reader| CreatableTopicResult::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("CreateTopicsResponse")?;
        }
        Ok(Self { throttle_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "CreateTopicsResponse.topics", self.topics.len(), layout)?;
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
    if version >= 5 { Layout::Flexible } else { Layout::Classic }
}
