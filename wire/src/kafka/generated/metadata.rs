//! Metadata (key 3): the brokers, the topics, and who leads each partition. Versions 0-13.
//!
//! Generated from `schemas/kafka/metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRequestTopic {
    /// Versions 10+.
    pub topic_id: u128,
    /// Null when the topic is asked for by id (served from version 12).
    pub name: Option<String>,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self { topic_id: 0, name: Some(String::new()) }
    }
}

impl MetadataRequestTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic_id = if version >= 10 { reader.uuid("MetadataRequestTopic.topic_id")? } else { 0 };
        let name = if version >= 10 {
            reader.nullable_string("MetadataRequestTopic.name", layout)?
        } else {
            Some(reader.string("MetadataRequestTopic.name", layout)?)
        };
        if layout == Layout::Flexible {
            reader.skip_tags("MetadataRequestTopic")?;
        }
        Ok(Self { topic_id, name })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version >= 10 {
            out.put_u128(self.topic_id);
        }
        match &self.name {
            Some(value) => {
                write_string(out, "MetadataRequestTopic.name", value, layout)?;
            }
            None if version >= 10 => write_null_string(out, layout),
            None => return Err(EncodeError::Null { field: "MetadataRequestTopic.name", version }),
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// The brokers, the topics, and who leads each partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRequest {
    /// Null asks for every topic; so does the empty list, in version 0 only.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// Versions 4+.
    pub allow_auto_topic_creation: bool,
    /// Versions 8-10.
    pub include_cluster_authorized_operations: bool,
    /// Versions 8+.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MetadataResponseBroker {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    /// Versions 1+.
    pub rack: Option<String>,
}

impl MetadataResponseBroker {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let node_id = reader.i32("MetadataResponseBroker.node_id")?;
        let host = reader.string("MetadataResponseBroker.host", layout)?;
        let port = reader.i32("MetadataResponseBroker.port")?;
        let rack = if version >= 1 { reader.nullable_string("MetadataResponseBroker.rack", layout)? } else { None };
        if layout == Layout::Flexible {
            reader.skip_tags("MetadataResponseBroker")?;
        }
        Ok(Self { node_id, host, port, rack })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.node_id);
        write_string(out, "MetadataResponseBroker.host", &self.host, layout)?;
        out.put_i32(self.port);
        if version >= 1 {
            match &self.rack {
                Some(value) => {
                    write_string(out, "MetadataResponseBroker.rack", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    /// -1 while there is no leader.
    pub leader_id: i32,
    /// Versions 7+.
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    /// Versions 5+.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            offline_replicas: Vec::new(),
        }
    }
}

impl MetadataResponsePartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let error_code = reader.i16("MetadataResponsePartition.error_code")?;
        let partition_index = reader.i32("MetadataResponsePartition.partition_index")?;
        let leader_id = reader.i32("MetadataResponsePartition.leader_id")?;
        let leader_epoch = if version >= 7 { reader.i32("MetadataResponsePartition.leader_epoch")? } else { -1 };
        let replica_nodes = reader.array("MetadataResponsePartition.replica_nodes", layout, 4, |reader| {
            reader.i32("MetadataResponsePartition.replica_nodes")
        })?;
        let isr_nodes = reader.array("MetadataResponsePartition.isr_nodes", layout, 4, |reader| {
            reader.i32("MetadataResponsePartition.isr_nodes")
        })?;
        let offline_replicas = if version >= 5 {
            reader.array("MetadataResponsePartition.offline_replicas", layout, 4, |reader| {
                reader.i32("MetadataResponsePartition.offline_replicas")
            })?
        } else {
            Vec::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("MetadataResponsePartition")?;
        }
        Ok(Self { error_code, partition_index, leader_id, leader_epoch, replica_nodes, isr_nodes, offline_replicas })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.error_code);
        out.put_i32(self.partition_index);
        out.put_i32(self.leader_id);
        if version >= 7 {
            out.put_i32(self.leader_epoch);
        }
        write_len(out, "MetadataResponsePartition.replica_nodes", self.replica_nodes.len(), layout)?;
        for &item in &self.replica_nodes {
            out.put_i32(item);
        }
        write_len(out, "MetadataResponsePartition.isr_nodes", self.isr_nodes.len(), layout)?;
        for &item in &self.isr_nodes {
            out.put_i32(item);
        }
        if version >= 5 {
            write_len(out, "MetadataResponsePartition.offline_replicas", self.offline_replicas.len(), layout)?;
            for &item in &self.offline_replicas {
                out.put_i32(item);
            }
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponseTopic {
    pub error_code: i16,
    pub name: Option<String>,
    /// Versions 10+.
    pub topic_id: u128,
    /// Versions 1+.
    pub is_internal: bool,
    pub partitions: Vec<MetadataResponsePartition>,
    /// A bit per operation; the smallest number when not asked for. Versions 8+.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
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

impl MetadataResponseTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let error_code = reader.i16("MetadataResponseTopic.error_code")?;
        let name = if version >= 12 {
            reader.nullable_string("MetadataResponseTopic.name", layout)?
        } else {
            Some(reader.string("MetadataResponseTopic.name", layout)?)
        };
        let topic_id = if version >= 10 { reader.uuid("MetadataResponseTopic.topic_id")? } else { 0 };
        let is_internal = if version >= 1 { reader.bool("MetadataResponseTopic.is_internal")? } else { false };
        let partitions = reader.array("MetadataResponseTopic.partitions", layout, 18, |reader| {
            MetadataResponsePartition::decode(reader, version)
        })?;
        let topic_authorized_operations =
            if version >= 8 { reader.i32("MetadataResponseTopic.topic_authorized_operations")? } else { i32::MIN };
        if layout == Layout::Flexible {
            reader.skip_tags("MetadataResponseTopic")?;
        }
        Ok(Self { error_code, name, topic_id, is_internal, partitions, topic_authorized_operations })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.error_code);
        match &self.name {
            Some(value) => {
                write_string(out, "MetadataResponseTopic.name", value, layout)?;
            }
            None if version >= 12 => write_null_string(out, layout),
            None => return Err(EncodeError::Null { field: "MetadataResponseTopic.name", version }),
        }
        if version >= 10 {
            out.put_u128(self.topic_id);
        }
        if version >= 1 {
            out.put_bool(self.is_internal);
        }
        write_len(out, "MetadataResponseTopic.partitions", self.partitions.len(), layout)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        if version >= 8 {
            out.put_i32(self.topic_authorized_operations);
        } else if self.topic_authorized_operations != i32::MIN {
            return Err(EncodeError::NotInVersion {
                field: "MetadataResponseTopic.topic_authorized_operations",
                version,
            });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponse {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataResponseBroker>,
    /// Versions 2+.
    pub cluster_id: Option<String>,
    /// Versions 1+.
    pub controller_id: i32,
    pub topics: Vec<MetadataResponseTopic>,
    /// A bit per operation; the smallest number when not asked for. Versions 8-10.
    pub cluster_authorized_operations: i32,
    /// Versions 13+.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: i32::MIN,
            error_code: 0,
        }
    }
}

impl Message for MetadataRequest {
    const API: ApiKey = ApiKey::Metadata;
    const NAME: &'static str = "MetadataRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let topics =
            if version >= 1 {
                reader.nullable_array("MetadataRequest.topics", layout, 2, |reader| {
                    MetadataRequestTopic::decode(reader, version)
                })?
            } else {
                Some(reader.array("MetadataRequest.topics", layout, 2, |reader| {
                    MetadataRequestTopic::decode(reader, version)
                })?)
            };
        let allow_auto_topic_creation =
            if version >= 4 { reader.bool("MetadataRequest.allow_auto_topic_creation")? } else { true };
        let include_cluster_authorized_operations = if (8..=10).contains(&version) {
            reader.bool("MetadataRequest.include_cluster_authorized_operations")?
        } else {
            false
        };
        let include_topic_authorized_operations =
            if version >= 8 { reader.bool("MetadataRequest.include_topic_authorized_operations")? } else { false };
        if layout == Layout::Flexible {
            reader.skip_tags("MetadataRequest")?;
        }
        Ok(Self {
            topics,
            allow_auto_topic_creation,
            include_cluster_authorized_operations,
            include_topic_authorized_operations,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        match &self.topics {
            Some(value) => {
                write_len(out, "MetadataRequest.topics", value.len(), layout)?;
                for item in value {
                    item.encode(out, version)?;
                }
            }
            None if version >= 1 => write_null(out, layout),
            None => return Err(EncodeError::Null { field: "MetadataRequest.topics", version }),
        }
        if version >= 4 {
            out.put_bool(self.allow_auto_topic_creation);
        } else if !self.allow_auto_topic_creation {
            return Err(EncodeError::NotInVersion { field: "MetadataRequest.allow_auto_topic_creation", version });
        }
        if (8..=10).contains(&version) {
            out.put_bool(self.include_cluster_authorized_operations);
        } else if self.include_cluster_authorized_operations {
            return Err(EncodeError::NotInVersion {
                field: "MetadataRequest.include_cluster_authorized_operations",
                version,
            });
        }
        if version >= 8 {
            out.put_bool(self.include_topic_authorized_operations);
        } else if self.include_topic_authorized_operations {
            return Err(EncodeError::NotInVersion {
                field: "MetadataRequest.include_topic_authorized_operations",
                version,
            });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for MetadataRequest {
    type Response = MetadataResponse;
}

impl Message for MetadataResponse {
    const API: ApiKey = ApiKey::Metadata;
    const NAME: &'static str = "MetadataResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 3 { reader.i32("MetadataResponse.throttle_time_ms")? } else { 0 };
        let brokers = reader
            .array("MetadataResponse.brokers", layout, 10, |reader| MetadataResponseBroker::decode(reader, version))?;
        let cluster_id =
            if version >= 2 { reader.nullable_string("MetadataResponse.cluster_id", layout)? } else { None };
        let controller_id = if version >= 1 { reader.i32("MetadataResponse.controller_id")? } else { -1 };
        let topics = reader
            .array("MetadataResponse.topics", layout, 8, |reader| MetadataResponseTopic::decode(reader, version))?;
        let cluster_authorized_operations = if (8..=10).contains(&version) {
            reader.i32("MetadataResponse.cluster_authorized_operations")?
        } else {
            i32::MIN
        };
        let error_code = if version >= 13 { reader.i16("MetadataResponse.error_code")? } else { 0 };
        if layout == Layout::Flexible {
            reader.skip_tags("MetadataResponse")?;
        }
        Ok(Self {
            throttle_time_ms,
            brokers,
            cluster_id,
            controller_id,
            topics,
            cluster_authorized_operations,
            error_code,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 3 {
            out.put_i32(self.throttle_time_ms);
        }
        write_len(out, "MetadataResponse.brokers", self.brokers.len(), layout)?;
        for item in &self.brokers {
            item.encode(out, version)?;
        }
        if version >= 2 {
            match &self.cluster_id {
                Some(value) => {
                    write_string(out, "MetadataResponse.cluster_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        if version >= 1 {
            out.put_i32(self.controller_id);
        }
        write_len(out, "MetadataResponse.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if (8..=10).contains(&version) {
            out.put_i32(self.cluster_authorized_operations);
        } else if self.cluster_authorized_operations != i32::MIN {
            return Err(EncodeError::NotInVersion { field: "MetadataResponse.cluster_authorized_operations", version });
        }
        if version >= 13 {
            out.put_i16(self.error_code);
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 9 { Layout::Flexible } else { Layout::Classic }
}
