//! DescribeProducers (key 61): the producers that a partition knows. Versions 0.
//!
//! Generated from `schemas/kafka/describe_producers.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicRequest {
    pub name: String,
    pub partition_indexes: Vec<i32>,
}

impl TopicRequest {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("TopicRequest.name", Layout::Flexible)?;
        let partition_indexes = reader.array("TopicRequest.partition_indexes", Layout::Flexible, 4, |reader| {
            reader.i32("TopicRequest.partition_indexes")
        })?;
        reader.skip_tags("TopicRequest")?;
        Ok(Self { name, partition_indexes })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "TopicRequest.name", &self.name, Layout::Flexible)?;
        write_len(out, "TopicRequest.partition_indexes", self.partition_indexes.len(), Layout::Flexible)?;
        for &item in &self.partition_indexes {
            out.put_i32(item);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

/// The producers that a partition knows.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeProducersRequest {
    pub topics: Vec<TopicRequest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerState {
    pub producer_id: i64,
    pub producer_epoch: i32,
    pub last_sequence: i32,
    pub last_timestamp: i64,
    pub coordinator_epoch: i32,
    /// -1: no transaction is open.
    pub current_txn_start_offset: i64,
}

impl Default for ProducerState {
    fn default() -> Self {
        Self {
            producer_id: 0,
            producer_epoch: 0,
            last_sequence: -1,
            last_timestamp: -1,
            coordinator_epoch: 0,
            current_txn_start_offset: -1,
        }
    }
}

impl ProducerState {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let producer_id = reader.i64("ProducerState.producer_id")?;
        let producer_epoch = reader.i32("ProducerState.producer_epoch")?;
        let last_sequence = reader.i32("ProducerState.last_sequence")?;
        let last_timestamp = reader.i64("ProducerState.last_timestamp")?;
        let coordinator_epoch = reader.i32("ProducerState.coordinator_epoch")?;
        let current_txn_start_offset = reader.i64("ProducerState.current_txn_start_offset")?;
        reader.skip_tags("ProducerState")?;
        Ok(Self {
            producer_id,
            producer_epoch,
            last_sequence,
            last_timestamp,
            coordinator_epoch,
            current_txn_start_offset,
        })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i64(self.producer_id);
        out.put_i32(self.producer_epoch);
        out.put_i32(self.last_sequence);
        out.put_i64(self.last_timestamp);
        out.put_i32(self.coordinator_epoch);
        out.put_i64(self.current_txn_start_offset);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionResponse {
    pub partition_index: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub active_producers: Vec<ProducerState>,
}

impl PartitionResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let partition_index = reader.i32("PartitionResponse.partition_index")?;
        let error_code = reader.i16("PartitionResponse.error_code")?;
        let error_message = reader.nullable_string("PartitionResponse.error_message", Layout::Flexible)?;
        let active_producers = reader.array("PartitionResponse.active_producers", Layout::Flexible, 37, |reader| {
            ProducerState::decode(reader, version)
        })?;
        reader.skip_tags("PartitionResponse")?;
        Ok(Self { partition_index, error_code, error_message, active_producers })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "PartitionResponse.error_message", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        write_len(out, "PartitionResponse.active_producers", self.active_producers.len(), Layout::Flexible)?;
        for item in &self.active_producers {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicResponse {
    pub name: String,
    pub partitions: Vec<PartitionResponse>,
}

impl TopicResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("TopicResponse.name", Layout::Flexible)?;
        let partitions = reader.array("TopicResponse.partitions", Layout::Flexible, 9, |reader| {
            PartitionResponse::decode(reader, version)
        })?;
        reader.skip_tags("TopicResponse")?;
        Ok(Self { name, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "TopicResponse.name", &self.name, Layout::Flexible)?;
        write_len(out, "TopicResponse.partitions", self.partitions.len(), Layout::Flexible)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeProducersResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<TopicResponse>,
}

impl Message for DescribeProducersRequest {
    const API: ApiKey = ApiKey::DescribeProducers;
    const NAME: &'static str = "DescribeProducersRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let topics = reader.array("DescribeProducersRequest.topics", Layout::Flexible, 3, |reader| {
            TopicRequest::decode(reader, version)
        })?;
        reader.skip_tags("DescribeProducersRequest")?;
        Ok(Self { topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        write_len(out, "DescribeProducersRequest.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

impl Request for DescribeProducersRequest {
    type Response = DescribeProducersResponse;
}

impl Message for DescribeProducersResponse {
    const API: ApiKey = ApiKey::DescribeProducers;
    const NAME: &'static str = "DescribeProducersResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let throttle_time_ms = reader.i32("DescribeProducersResponse.throttle_time_ms")?;
        let topics = reader.array("DescribeProducersResponse.topics", Layout::Flexible, 3, |reader| {
            TopicResponse::decode(reader, version)
        })?;
        reader.skip_tags("DescribeProducersResponse")?;
        Ok(Self { throttle_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i32(self.throttle_time_ms);
        write_len(out, "DescribeProducersResponse.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}
