//! DescribeQuorum (key 55): the replicas of the metadata log and how far each has come. Versions 0-2.
//!
//! Generated from `schemas/kafka/describe_quorum.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    pub replica_id: i32,
    /// Versions 2+.
    pub replica_directory_id: u128,
    pub log_end_offset: i64,
    /// -1 when not known. Versions 1+.
    pub last_fetch_timestamp: i64,
    /// -1 when not known. Versions 1+.
    pub last_caught_up_timestamp: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: 0,
            replica_directory_id: 0,
            log_end_offset: 0,
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl ReplicaState {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let replica_id = reader.i32("ReplicaState.replica_id")?;
        let replica_directory_id = if version >= 2 { reader.uuid("ReplicaState.replica_directory_id")? } else { 0 };
        let log_end_offset = reader.i64("ReplicaState.log_end_offset")?;
        let last_fetch_timestamp = if version >= 1 { reader.i64("ReplicaState.last_fetch_timestamp")? } else { -1 };
        let last_caught_up_timestamp =
            if version >= 1 { reader.i64("ReplicaState.last_caught_up_timestamp")? } else { -1 };
        reader.skip_tags("ReplicaState")?;
        Ok(Self { replica_id, replica_directory_id, log_end_offset, last_fetch_timestamp, last_caught_up_timestamp })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.replica_id);
        if version >= 2 {
            out.put_u128(self.replica_directory_id);
        } else if self.replica_directory_id != 0 {
            return Err(EncodeError::NotInVersion { field: "ReplicaState.replica_directory_id", version });
        }
        out.put_i64(self.log_end_offset);
        if version >= 1 {
            out.put_i64(self.last_fetch_timestamp);
        }
        if version >= 1 {
            out.put_i64(self.last_caught_up_timestamp);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RequestedPartition {
    pub partition_index: i32,
}

impl RequestedPartition {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let partition_index = reader.i32("RequestedPartition.partition_index")?;
        reader.skip_tags("RequestedPartition")?;
        Ok(Self { partition_index })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.partition_index);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RequestedTopic {
    pub topic_name: String,
    pub partitions: Vec<RequestedPartition>,
}

impl RequestedTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let topic_name = reader.string("RequestedTopic.topic_name", Layout::Flexible)?;
        let partitions = reader.array("RequestedTopic.partitions", Layout::Flexible, 5, |reader| {
            RequestedPartition::decode(reader, version)
        })?;
        reader.skip_tags("RequestedTopic")?;
        Ok(Self { topic_name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "RequestedTopic.topic_name", &self.topic_name, Layout::Flexible)?;
        write_len(out, "RequestedTopic.partitions", self.partitions.len(), Layout::Flexible)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

/// The replicas of the metadata log and how far each has come.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeQuorumRequest {
    pub topics: Vec<RequestedTopic>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    /// Versions 2+.
    pub error_message: Option<String>,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub high_watermark: i64,
    pub current_voters: Vec<ReplicaState>,
    pub observers: Vec<ReplicaState>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            error_message: Some(String::new()),
            leader_id: 0,
            leader_epoch: 0,
            high_watermark: 0,
            current_voters: Vec::new(),
            observers: Vec::new(),
        }
    }
}

impl PartitionData {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let partition_index = reader.i32("PartitionData.partition_index")?;
        let error_code = reader.i16("PartitionData.error_code")?;
        let error_message = if version >= 2 {
            reader.nullable_string("PartitionData.error_message", Layout::Flexible)?
        } else {
            Some(String::new())
        };
        let leader_id = reader.i32("PartitionData.leader_id")?;
        let leader_epoch = reader.i32("PartitionData.leader_epoch")?;
        let high_watermark = reader.i64("PartitionData.high_watermark")?;
        let current_voters = reader.array("PartitionData.current_voters", Layout::Flexible, 13, |reader| {
            ReplicaState::decode(reader, version)
        })?;
        let observers = reader
            .array("PartitionData.observers", Layout::Flexible, 13, |reader| ReplicaState::decode(reader, version))?;
        reader.skip_tags("PartitionData")?;
        Ok(Self {
            partition_index,
            error_code,
            error_message,
            leader_id,
            leader_epoch,
            high_watermark,
            current_voters,
            observers,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        if version >= 2 {
            match &self.error_message {
                Some(value) => {
                    write_string(out, "PartitionData.error_message", value, Layout::Flexible)?;
                }
                None => write_null_string(out, Layout::Flexible),
            }
        }
        out.put_i32(self.leader_id);
        out.put_i32(self.leader_epoch);
        out.put_i64(self.high_watermark);
        write_len(out, "PartitionData.current_voters", self.current_voters.len(), Layout::Flexible)?;
        for item in &self.current_voters {
            item.encode(out, version)?;
        }
        write_len(out, "PartitionData.observers", self.observers.len(), Layout::Flexible)?;
        for item in &self.observers {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicData {
    pub topic_name: String,
    pub partitions: Vec<PartitionData>,
}

impl TopicData {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let topic_name = reader.string("TopicData.topic_name", Layout::Flexible)?;
        let partitions = reader
            .array("TopicData.partitions", Layout::Flexible, 25, |reader| PartitionData::decode(reader, version))?;
        reader.skip_tags("TopicData")?;
        Ok(Self { topic_name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "TopicData.topic_name", &self.topic_name, Layout::Flexible)?;
        write_len(out, "TopicData.partitions", self.partitions.len(), Layout::Flexible)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Listener {
    pub name: String,
    pub host: String,
    pub port: u16,
}

impl Listener {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("Listener.name", Layout::Flexible)?;
        let host = reader.string("Listener.host", Layout::Flexible)?;
        let port = reader.u16("Listener.port")?;
        reader.skip_tags("Listener")?;
        Ok(Self { name, host, port })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "Listener.name", &self.name, Layout::Flexible)?;
        write_string(out, "Listener.host", &self.host, Layout::Flexible)?;
        out.put_u16(self.port);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Node {
    pub node_id: i32,
    pub listeners: Vec<Listener>,
}

impl Node {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let node_id = reader.i32("Node.node_id")?;
        let listeners =
            reader.array("Node.listeners", Layout::Flexible, 5, |reader| Listener::decode(reader, version))?;
        reader.skip_tags("Node")?;
        Ok(Self { node_id, listeners })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.node_id);
        write_len(out, "Node.listeners", self.listeners.len(), Layout::Flexible)?;
        for item in &self.listeners {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeQuorumResponse {
    pub error_code: i16,
    /// Versions 2+.
    pub error_message: Option<String>,
    pub topics: Vec<TopicData>,
    /// Versions 2+.
    pub nodes: Vec<Node>,
}

impl Default for DescribeQuorumResponse {
    fn default() -> Self {
        Self { error_code: 0, error_message: Some(String::new()), topics: Vec::new(), nodes: Vec::new() }
    }
}

impl Message for DescribeQuorumRequest {
    const API: ApiKey = ApiKey::DescribeQuorum;
    const NAME: &'static str = "DescribeQuorumRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let topics = reader.array("DescribeQuorumRequest.topics", Layout::Flexible, 3, |reader| {
            RequestedTopic::decode(reader, version)
        })?;
        reader.skip_tags("DescribeQuorumRequest")?;
        Ok(Self { topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        write_len(out, "DescribeQuorumRequest.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

impl Request for DescribeQuorumRequest {
    type Response = DescribeQuorumResponse;
}

impl Message for DescribeQuorumResponse {
    const API: ApiKey = ApiKey::DescribeQuorum;
    const NAME: &'static str = "DescribeQuorumResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let error_code = reader.i16("DescribeQuorumResponse.error_code")?;
        let error_message = if version >= 2 {
            reader.nullable_string("DescribeQuorumResponse.error_message", Layout::Flexible)?
        } else {
            Some(String::new())
        };
        let topics = reader
            .array("DescribeQuorumResponse.topics", Layout::Flexible, 3, |reader| TopicData::decode(reader, version))?;
        let nodes = if version >= 2 {
            reader.array("DescribeQuorumResponse.nodes", Layout::Flexible, 6, |reader| Node::decode(reader, version))?
        } else {
            Vec::new()
        };
        reader.skip_tags("DescribeQuorumResponse")?;
        Ok(Self { error_code, error_message, topics, nodes })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i16(self.error_code);
        if version >= 2 {
            match &self.error_message {
                Some(value) => {
                    write_string(out, "DescribeQuorumResponse.error_message", value, Layout::Flexible)?;
                }
                None => write_null_string(out, Layout::Flexible),
            }
        }
        write_len(out, "DescribeQuorumResponse.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if version >= 2 {
            write_len(out, "DescribeQuorumResponse.nodes", self.nodes.len(), Layout::Flexible)?;
            for item in &self.nodes {
                item.encode(out, version)?;
            }
        } else if !self.nodes.is_empty() {
            return Err(EncodeError::NotInVersion { field: "DescribeQuorumResponse.nodes", version });
        }
        out.put_uvarint(0);
        Ok(())
    }
}
