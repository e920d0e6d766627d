//! DescribeTopicPartitions (key 75): the partitions of topics, page by page. Versions 0.
//!
//! Generated from `schemas/kafka/describe_topic_partitions.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// Where a page starts.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cursor {
    pub topic_name: String,
    pub partition_index: i32,
}

impl Cursor {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let topic_name = reader.string("Cursor.topic_name", Layout::Flexible)?;
        let partition_index = reader.i32("Cursor.partition_index")?;
        reader.skip_tags("Cursor")?;
        Ok(Self { topic_name, partition_index })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "Cursor.topic_name", &self.topic_name, Layout::Flexible)?;
        out.put_i32(self.partition_index);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicRequest {
    pub name: String,
}

impl TopicRequest {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("TopicRequest.name", Layout::Flexible)?;
        reader.skip_tags("TopicRequest")?;
        Ok(Self { name })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "TopicRequest.name", &self.name, Layout::Flexible)?;
        out.put_uvarint(0);
        Ok(())
    }
}

/// The partitions of topics, page by page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeTopicPartitionsRequest {
    pub topics: Vec<TopicRequest>,
    pub response_partition_limit: i32,
    pub cursor: Option<Cursor>,
}

impl Default for DescribeTopicPartitionsRequest {
    fn default() -> Self {
        Self { topics: Vec::new(), response_partition_limit: 2000, cursor: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeTopicPartitionsResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    pub eligible_leader_replicas: Option<Vec<i32>>,
    pub last_known_elr: Option<Vec<i32>>,
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            eligible_leader_replicas: None,
            last_known_elr: None,
            offline_replicas: Vec::new(),
        }
    }
}

impl DescribeTopicPartitionsResponsePartition {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let error_code = reader.i16("DescribeTopicPartitionsResponsePartition.error_code")?;
        let partition_index = reader.i32("DescribeTopicPartitionsResponsePartition.partition_index")?;
        let leader_id = reader.i32("DescribeTopicPartitionsResponsePartition.leader_id")?;
        let leader_epoch = reader.i32("DescribeTopicPartitionsResponsePartition.leader_epoch")?;
        let replica_nodes =
            reader.array("DescribeTopicPartitionsResponsePartition.replica_nodes", Layout::Flexible, 4, |reader| {
                reader.i32("DescribeTopicPartitionsResponsePartition.replica_nodes")
            })?;
        let isr_nodes =
            reader.array("DescribeTopicPartitionsResponsePartition.isr_nodes", Layout::Flexible, 4, |reader| {
                reader.i32("DescribeTopicPartitionsResponsePartition.isr_nodes")
            })?;
        let eligible_leader_replicas = reader.nullable_array(
            "DescribeTopicPartitionsResponsePartition.eligible_leader_replicas",
            Layout::Flexible,
            4,
            |reader| reader.i32("DescribeTopicPartitionsResponsePartition.eligible_leader_replicas"),
        )?;
        let last_known_elr = reader.nullable_array(
            "DescribeTopicPartitionsResponsePartition.last_known_elr",
            Layout::Flexible,
            4,
            |reader| reader.i32("DescribeTopicPartitionsResponsePartition.last_known_elr"),
        )?;
        let offline_replicas = reader.array(
            "DescribeTopicPartitionsResponsePartition.offline_replicas",
            Layout::Flexible,
            4,
            |reader| reader.i32("DescribeTopicPartitionsResponsePartition.offline_replicas"),
        )?;
        reader.skip_tags("DescribeTopicPartitionsResponsePartition")?;
        Ok(Self {
            error_code,
            partition_index,
            leader_id,
            leader_epoch,
            replica_nodes,
            isr_nodes,
            eligible_leader_replicas,
            last_known_elr,
            offline_replicas,
        })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i16(self.error_code);
        out.put_i32(self.partition_index);
        out.put_i32(self.leader_id);
        out.put_i32(self.leader_epoch);
        write_len(
            out,
            "DescribeTopicPartitionsResponsePartition.replica_nodes",
            self.replica_nodes.len(),
            Layout::Flexible,
        )?;
        for &item in &self.replica_nodes {
            out.put_i32(item);
        }
        write_len(out, "DescribeTopicPartitionsResponsePartition.isr_nodes", self.isr_nodes.len(), Layout::Flexible)?;
        for &item in &self.isr_nodes {
            out.put_i32(item);
        }
        match &self.eligible_leader_replicas {
            Some(value) => {
                write_len(
                    out,
                    "DescribeTopicPartitionsResponsePartition.eligible_leader_replicas",
                    value.len(),
                    Layout::Flexible,
                )?;
                for &item in value {
                    out.put_i32(item);
                }
            }
            None => write_null(out, Layout::Flexible),
        }
        match &self.last_known_elr {
            Some(value) => {
                write_len(
                    out,
                    "DescribeTopicPartitionsResponsePartition.last_known_elr",
                    value.len(),
                    Layout::Flexible,
                )?;
                for &item in value {
                    out.put_i32(item);
                }
            }
            None => write_null(out, Layout::Flexible),
        }
        write_len(
            out,
            "DescribeTopicPartitionsResponsePartition.offline_replicas",
            self.offline_replicas.len(),
            Layout::Flexible,
        )?;
        for &item in &self.offline_replicas {
            out.put_i32(item);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeTopicPartitionsResponseTopic {
    pub error_code: i16,
    pub name: Option<String>,
    pub topic_id: u128,
    pub is_internal: bool,
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(String::new()),
            topic_id: 0,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl DescribeTopicPartitionsResponseTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let error_code = reader.i16("DescribeTopicPartitionsResponseTopic.error_code")?;
        let name = reader.nullable_string("DescribeTopicPartitionsResponseTopic.name", Layout::Flexible)?;
        let topic_id = reader.uuid("DescribeTopicPartitionsResponseTopic.topic_id")?;
        let is_internal = reader.bool("DescribeTopicPartitionsResponseTopic.is_internal")?;
        let partitions =
            reader.array("DescribeTopicPartitionsResponseTopic.partitions", Layout::Flexible, 20, |reader| {
                DescribeTopicPartitionsResponsePartition::decode(reader, version)
            })?;
        let topic_authorized_operations =
            reader.i32("DescribeTopicPartitionsResponseTopic.topic_authorized_operations")?;
        reader.skip_tags("DescribeTopicPartitionsResponseTopic")?;
        Ok(Self { error_code, name, topic_id, is_internal, partitions, topic_authorized_operations })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i16(self.error_code);
        match &self.name {
            Some(value) => {
                write_string(out, "DescribeTopicPartitionsResponseTopic.name", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_u128(self.topic_id);
        out.put_bool(self.is_internal);
        write_len(out, "DescribeTopicPartitionsResponseTopic.partitions", self.partitions.len(), Layout::Flexible)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        out.put_i32(self.topic_authorized_operations);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeTopicPartitionsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// Null on the last page.
    pub next_cursor: Option<Cursor>,
}

impl Message for DescribeTopicPartitionsRequest {
    const API: ApiKey = ApiKey::DescribeTopicPartitions;
    const NAME: &'static str = "DescribeTopicPartitionsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let topics = reader.array("DescribeTopicPartitionsRequest.topics", Layout::Flexible, 2, |reader| {
            TopicRequest::decode(reader, version)
        })?;
        let response_partition_limit = reader.i32("DescribeTopicPartitionsRequest.response_partition_limit")?;
        let cursor = reader
            .nullable_struct("DescribeTopicPartitionsRequest.cursor", |reader| Cursor::decode(reader, version))?;
        reader.skip_tags("DescribeTopicPartitionsRequest")?;
        Ok(Self { topics, response_partition_limit, cursor })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        write_len(out, "DescribeTopicPartitionsRequest.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_i32(self.response_partition_limit);
        match &self.cursor {
            Some(value) => {
                out.put_i8(1);
                value.encode(out, version)?;
            }
            None => out.put_i8(-1),
        }
        out.put_uvarint(0);
        Ok(())
    }
}

impl Request for DescribeTopicPartitionsRequest {
    type Response = DescribeTopicPartitionsResponse;
}

impl Message for DescribeTopicPartitionsResponse {
    const API: ApiKey = ApiKey::DescribeTopicPartitions;
    const NAME: &'static str = "DescribeTopicPartitionsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let throttle_time_ms = reader.i32("DescribeTopicPartitionsResponse.throttle_time_ms")?;
        let topics = reader.array("DescribeTopicPartitionsResponse.topics", Layout::Flexible, 26, |reader| {
            DescribeTopicPartitionsResponseTopic::decode(reader, version)
        })?;
        let next_cursor = reader
            .nullable_struct("DescribeTopicPartitionsResponse.next_cursor", |reader| Cursor::decode(reader, version))?;
        reader.skip_tags("DescribeTopicPartitionsResponse")?;
        Ok(Self { throttle_time_ms, topics, next_cursor })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i32(self.throttle_time_ms);
        write_len(out, "DescribeTopicPartitionsResponse.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        match &self.next_cursor {
            Some(value) => {
                out.put_i8(1);
                value.encode(out, version)?;
            }
            None => out.put_i8(-1),
        }
        out.put_uvarint(0);
        Ok(())
    }
}
