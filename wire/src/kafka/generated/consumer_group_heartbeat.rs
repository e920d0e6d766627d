//! ConsumerGroupHeartbeat (key 68): joins, stays in and leaves a group of the consumer protocol (KIP-848). Versions 0-1.
//!
//! Generated from `schemas/kafka/consumer_group_heartbeat.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicPartitions {
    pub topic_id: u128,
    pub partitions: Vec<i32>,
}

impl TopicPartitions {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let topic_id = reader.uuid("TopicPartitions.topic_id")?;
        let partitions = reader.array("TopicPartitions.partitions", Layout::Flexible, 4, |reader| {
            reader.i32("TopicPartitions.partitions")
        })?;
        reader.skip_tags("TopicPartitions")?;
        Ok(Self { topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_u128(self.topic_id);
        write_len(out, "TopicPartitions.partitions", self.partitions.len(), Layout::Flexible)?;
        for &item in &self.partitions {
            out.put_i32(item);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

/// Joins, stays in and leaves a group of the consumer protocol (KIP-848).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupHeartbeatRequest {
    pub group_id: String,
    /// From version 1 on the member makes it.
    pub member_id: String,
    /// 0 joins, -1 leaves, -2 leaves for a while as a static member.
    pub member_epoch: i32,
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    /// -1: not changed since the last heartbeat.
    pub rebalance_timeout_ms: i32,
    /// Null: not changed since the last heartbeat.
    pub subscribed_topic_names: Option<Vec<String>>,
    /// Null: not changed since the last heartbeat. Versions 1+.
    pub subscribed_topic_regex: Option<String>,
    /// Null: not changed, or the broker's choice.
    pub server_assignor: Option<String>,
    /// What the member holds; null: not changed since the last heartbeat.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            member_id: String::new(),
            member_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            subscribed_topic_names: None,
            subscribed_topic_regex: None,
            server_assignor: None,
            topic_partitions: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Assignment {
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Assignment {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let topic_partitions = reader.array("Assignment.topic_partitions", Layout::Flexible, 18, |reader| {
            TopicPartitions::decode(reader, version)
        })?;
        reader.skip_tags("Assignment")?;
        Ok(Self { topic_partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_len(out, "Assignment.topic_partitions", self.topic_partitions.len(), Layout::Flexible)?;
        for item in &self.topic_partitions {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupHeartbeatResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub member_id: Option<String>,
    pub member_epoch: i32,
    pub heartbeat_interval_ms: i32,
    /// Null: not changed since the last heartbeat.
    pub assignment: Option<Assignment>,
}

impl Message for ConsumerGroupHeartbeatRequest {
    const API: ApiKey = ApiKey::ConsumerGroupHeartbeat;
    const NAME: &'static str = "ConsumerGroupHeartbeatRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupHeartbeatRequest.group_id", Layout::Flexible)?;
        let member_id = reader.string("ConsumerGroupHeartbeatRequest.member_id", Layout::Flexible)?;
        let member_epoch = reader.i32("ConsumerGroupHeartbeatRequest.member_epoch")?;
        let instance_id = reader.nullable_string("ConsumerGroupHeartbeatRequest.instance_id", Layout::Flexible)?;
        let rack_id = reader.nullable_string("ConsumerGroupHeartbeatRequest.rack_id", Layout::Flexible)?;
        let rebalance_timeout_ms = reader.i32("ConsumerGroupHeartbeatRequest.rebalance_timeout_ms")?;
        let subscribed_topic_names = reader.nullable_array(
            "ConsumerGroupHeartbeatRequest.subscribed_topic_names",
            Layout::Flexible,
            1,
            |reader| reader.string("ConsumerGroupHeartbeatRequest.subscribed_topic_names", Layout::Flexible),
        )?;
        let subscribed_topic_regex = if version >= 1 {
            reader.nullable_string("ConsumerGroupHeartbeatRequest.subscribed_topic_regex", Layout::Flexible)?
        } else {
            None
        };
        let server_assignor =
            reader.nullable_string("ConsumerGroupHeartbeatRequest.server_assignor", Layout::Flexible)?;
        let topic_partitions = reader.nullable_array(
            "ConsumerGroupHeartbeatRequest.topic_partitions",
            Layout::Flexible,
            18,
            |reader| TopicPartitions::decode(reader, version),
        )?;
        reader.skip_tags("ConsumerGroupHeartbeatRequest")?;
        Ok(Self {
            group_id,
            member_id,
            member_epoch,
            instance_id,
            rack_id,
            rebalance_timeout_ms,
            subscribed_topic_names,
            subscribed_topic_regex,
            server_assignor,
            topic_partitions,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        write_string(out, "ConsumerGroupHeartbeatRequest.group_id", &self.group_id, Layout::Flexible)?;
        write_string(out, "ConsumerGroupHeartbeatRequest.member_id", &self.member_id, Layout::Flexible)?;
        out.put_i32(self.member_epoch);
        match &self.instance_id {
            Some(value) => {
                write_string(out, "ConsumerGroupHeartbeatRequest.instance_id", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        match &self.rack_id {
            Some(value) => {
                write_string(out, "ConsumerGroupHeartbeatRequest.rack_id", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_i32(self.rebalance_timeout_ms);
        match &self.subscribed_topic_names {
            Some(value) => {
                write_len(out, "ConsumerGroupHeartbeatRequest.subscribed_topic_names", value.len(), Layout::Flexible)?;
                for item in value {
                    write_string(out, "ConsumerGroupHeartbeatRequest.subscribed_topic_names", item, Layout::Flexible)?;
                }
            }
            None => write_null(out, Layout::Flexible),
        }
        if version >= 1 {
            match &self.subscribed_topic_regex {
                Some(value) => {
                    write_string(out, "ConsumerGroupHeartbeatRequest.subscribed_topic_regex", value, Layout::Flexible)?;
                }
                None => write_null_string(out, Layout::Flexible),
            }
        } else if self.subscribed_topic_regex.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "ConsumerGroupHeartbeatRequest.subscribed_topic_regex",
                version,
            });
        }
        match &self.server_assignor {
            Some(value) => {
                write_string(out, "ConsumerGroupHeartbeatRequest.server_assignor", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        match &self.topic_partitions {
            Some(value) => {
                write_len(out, "ConsumerGroupHeartbeatRequest.topic_partitions", value.len(), Layout::Flexible)?;
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

impl Request for ConsumerGroupHeartbeatRequest {
    type Response = ConsumerGroupHeartbeatResponse;
}

impl Message for ConsumerGroupHeartbeatResponse {
    const API: ApiKey = ApiKey::ConsumerGroupHeartbeat;
    const NAME: &'static str = "ConsumerGroupHeartbeatResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let throttle_time_ms = reader.i32("ConsumerGroupHeartbeatResponse.throttle_time_ms")?;
        let error_code = reader.i16("ConsumerGroupHeartbeatResponse.error_code")?;
        let error_message = reader.nullable_string("ConsumerGroupHeartbeatResponse.error_message", Layout::Flexible)?;
        let member_id = reader.nullable_string("ConsumerGroupHeartbeatResponse.member_id", Layout::Flexible)?;
        let member_epoch = reader.i32("ConsumerGroupHeartbeatResponse.member_epoch")?;
        let heartbeat_interval_ms = reader.i32("ConsumerGroupHeartbeatResponse.heartbeat_interval_ms")?;
        let assignment = reader.nullable_struct("ConsumerGroupHeartbeatResponse.assignment", |reader| {
            Assignment::decode(reader, version)
        })?;
        reader.skip_tags("ConsumerGroupHeartbeatResponse")?;
        Ok(Self {
            throttle_time_ms,
            error_code,
            error_message,
            member_id,
            member_epoch,
            heartbeat_interval_ms,
            assignment,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i32(self.throttle_time_ms);
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "ConsumerGroupHeartbeatResponse.error_message", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        match &self.member_id {
            Some(value) => {
                write_string(out, "ConsumerGroupHeartbeatResponse.member_id", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_i32(self.member_epoch);
        out.put_i32(self.heartbeat_interval_ms);
        match &self.assignment {
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
