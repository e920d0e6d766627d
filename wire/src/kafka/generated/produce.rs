//! Produce (key 0): appends record batches. Versions 3-13.
//!
//! Generated from `schemas/kafka/produce.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::reader::Tag;
use crate::kafka::write::{write_len, write_null, write_null_string, write_payload, write_string};
use crate::kafka::{ApiKey, ArrayView, DecodeError, EncodeError, Message, Reader, Request, View};
use crate::payload::Payload;

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionProduceData {
    pub index: i32,
    pub records: Option<Payload>,
}

impl PartitionProduceData {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let index = reader.i32("PartitionProduceData.index")?;
        let records =
            reader.nullable_bytes("PartitionProduceData.records", layout).map(|bytes| bytes.map(Payload::from))?;
        if layout == Layout::Flexible {
            reader.skip_tags("PartitionProduceData")?;
        }
        Ok(Self { index, records })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.index);
        match &self.records {
            Some(value) => {
                write_payload(out, "PartitionProduceData.records", value, layout)?;
            }
            None => write_null(out, layout),
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicProduceData {
    /// Versions 0-12.
    pub name: String,
    /// Versions 13+.
    pub topic_id: u128,
    pub partition_data: Vec<PartitionProduceData>,
}

impl TopicProduceData {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = if version <= 12 { reader.string("TopicProduceData.name", layout)? } else { String::new() };
        let topic_id = if version >= 13 { reader.uuid("TopicProduceData.topic_id")? } else { 0 };
        let partition_data = reader.array("TopicProduceData.partition_data", layout, 6, |reader| {
            PartitionProduceData::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("TopicProduceData")?;
        }
        Ok(Self { name, topic_id, partition_data })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version <= 12 {
            write_string(out, "TopicProduceData.name", &self.name, layout)?;
        }
        if version >= 13 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "TopicProduceData.partition_data", self.partition_data.len(), layout)?;
        for item in &self.partition_data {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Appends record batches.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProduceRequest {
    pub transactional_id: Option<String>,
    /// 0 none, 1 the leader's, -1 the whole ISR's.
    pub acks: i16,
    pub timeout_ms: i32,
    pub topic_data: Vec<TopicProduceData>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BatchIndexAndErrorMessage {
    pub batch_index: i32,
    pub batch_index_error_message: Option<String>,
}

impl BatchIndexAndErrorMessage {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let batch_index = reader.i32("BatchIndexAndErrorMessage.batch_index")?;
        let batch_index_error_message =
            reader.nullable_string("BatchIndexAndErrorMessage.batch_index_error_message", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("BatchIndexAndErrorMessage")?;
        }
        Ok(Self { batch_index, batch_index_error_message })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.batch_index);
        match &self.batch_index_error_message {
            Some(value) => {
                write_string(out, "BatchIndexAndErrorMessage.batch_index_error_message", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1 }
    }
}

impl LeaderIdAndEpoch {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let leader_id = reader.i32("LeaderIdAndEpoch.leader_id")?;
        let leader_epoch = reader.i32("LeaderIdAndEpoch.leader_epoch")?;
        reader.skip_tags("LeaderIdAndEpoch")?;
        Ok(Self { leader_id, leader_epoch })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.leader_id);
        out.put_i32(self.leader_epoch);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionProduceResponse {
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    /// -1 unless the topic stamps records with the append time.
    pub log_append_time_ms: i64,
    /// Versions 5+.
    pub log_start_offset: i64,
    /// The records that made the whole batch fail. Versions 8+.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// Versions 8+.
    pub error_message: Option<String>,
    /// Who leads now, when the request came to the wrong broker. Versions 10+.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: 0,
            error_code: 0,
            base_offset: 0,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            error_message: None,
            current_leader: LeaderIdAndEpoch::default(),
        }
    }
}

impl PartitionProduceResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let index = reader.i32("PartitionProduceResponse.index")?;
        let error_code = reader.i16("PartitionProduceResponse.error_code")?;
        let base_offset = reader.i64("PartitionProduceResponse.base_offset")?;
        let log_append_time_ms = reader.i64("PartitionProduceResponse.log_append_time_ms")?;
        let log_start_offset = if version >= 5 { reader.i64("PartitionProduceResponse.log_start_offset")? } else { -1 };
        let record_errors = if version >= 8 {
            reader.array("PartitionProduceResponse.record_errors", layout, 6, |reader| {
                BatchIndexAndErrorMessage::decode(reader, version)
            })?
        } else {
            Vec::new()
        };
        let error_message =
            if version >= 8 { reader.nullable_string("PartitionProduceResponse.error_message", layout)? } else { None };
        let mut current_leader = LeaderIdAndEpoch::default();
        if layout == Layout::Flexible {
            reader.tags("PartitionProduceResponse", |reader, tag| {
                match tag {
                    0 if version >= 10 => current_leader = LeaderIdAndEpoch::decode(reader, version)?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            index,
            error_code,
            base_offset,
            log_append_time_ms,
            log_start_offset,
            record_errors,
            error_message,
            current_leader,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.index);
        out.put_i16(self.error_code);
        out.put_i64(self.base_offset);
        out.put_i64(self.log_append_time_ms);
        if version >= 5 {
            out.put_i64(self.log_start_offset);
        }
        if version >= 8 {
            write_len(out, "PartitionProduceResponse.record_errors", self.record_errors.len(), layout)?;
            for item in &self.record_errors {
                item.encode(out, version)?;
            }
        }
        if version >= 8 {
            match &self.error_message {
                Some(value) => {
                    write_string(out, "PartitionProduceResponse.error_message", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        if version < 10 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::NotInVersion { field: "PartitionProduceResponse.current_leader", version });
        }
        if layout == Layout::Flexible {
            let has_current_leader = version >= 10 && self.current_leader != LeaderIdAndEpoch::default();
            out.put_uvarint(u32::from(has_current_leader));
            if has_current_leader {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    self.current_leader.encode(out, version)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicProduceResponse {
    /// Versions 0-12.
    pub name: String,
    /// Versions 13+.
    pub topic_id: u128,
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl TopicProduceResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = if version <= 12 { reader.string("TopicProduceResponse.name", layout)? } else { String::new() };
        let topic_id = if version >= 13 { reader.uuid("TopicProduceResponse.topic_id")? } else { 0 };
        let partition_responses = reader.array("TopicProduceResponse.partition_responses", layout, 22, |reader| {
            PartitionProduceResponse::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("TopicProduceResponse")?;
        }
        Ok(Self { name, topic_id, partition_responses })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version <= 12 {
            write_string(out, "TopicProduceResponse.name", &self.name, layout)?;
        }
        if version >= 13 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "TopicProduceResponse.partition_responses", self.partition_responses.len(), layout)?;
        for item in &self.partition_responses {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
}

impl NodeEndpoint {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let node_id = reader.i32("NodeEndpoint.node_id")?;
        let host = reader.string("NodeEndpoint.host", Layout::Flexible)?;
        let port = reader.i32("NodeEndpoint.port")?;
        let rack = reader.nullable_string("NodeEndpoint.rack", Layout::Flexible)?;
        reader.skip_tags("NodeEndpoint")?;
        Ok(Self { node_id, host, port, rack })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.node_id);
        write_string(out, "NodeEndpoint.host", &self.host, Layout::Flexible)?;
        out.put_i32(self.port);
        match &self.rack {
            Some(value) => {
                write_string(out, "NodeEndpoint.rack", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProduceResponse {
    pub responses: Vec<TopicProduceResponse>,
    pub throttle_time_ms: i32,
    /// Addresses of the leaders named above. Versions 10+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ProduceRequest {
    const API: ApiKey = ApiKey::Produce;
    const NAME: &'static str = "ProduceRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let transactional_id = reader.nullable_string("ProduceRequest.transactional_id", layout)?;
        let acks = reader.i16("ProduceRequest.acks")?;
        let timeout_ms = reader.i32("ProduceRequest.timeout_ms")?;
        let topic_data =
            reader.array("ProduceRequest.topic_data", layout, 3, |reader| TopicProduceData::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("ProduceRequest")?;
        }
        Ok(Self { transactional_id, acks, timeout_ms, topic_data })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        match &self.transactional_id {
            Some(value) => {
                write_string(out, "ProduceRequest.transactional_id", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_i16(self.acks);
        out.put_i32(self.timeout_ms);
        write_len(out, "ProduceRequest.topic_data", self.topic_data.len(), layout)?;
        for item in &self.topic_data {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for ProduceRequest {
    type Response = ProduceResponse;
}

/// A [`PartitionProduceData`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct PartitionProduceDataView<'a> {
    pub index: i32,
    pub records: Option<&'a [u8]>,
}

impl<'a> View<'a> for PartitionProduceDataView<'a> {
    const BYTES_MIN: usize = 6;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let index = reader.i32("PartitionProduceData.index")?;
        let records = reader.nullable_slice("PartitionProduceData.records", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("PartitionProduceData")?;
        }
        Ok(Self { index, records })
    }
}

/// A [`TopicProduceData`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct TopicProduceDataView<'a> {
    /// Versions 0-12.
    pub name: &'a str,
    /// Versions 13+.
    pub topic_id: u128,
    pub partition_data: ArrayView<'a, PartitionProduceDataView<'a>>,
}

impl<'a> View<'a> for TopicProduceDataView<'a> {
    const BYTES_MIN: usize = 3;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = if version <= 12 { reader.str("TopicProduceData.name", layout)? } else { "" };
        let topic_id = if version >= 13 { reader.uuid("TopicProduceData.topic_id")? } else { 0 };
        let partition_data = reader.array_view("TopicProduceData.partition_data", layout, version)?;
        if layout == Layout::Flexible {
            reader.skip_tags("TopicProduceData")?;
        }
        Ok(Self { name, topic_id, partition_data })
    }
}

/// A [`ProduceRequest`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct ProduceRequestView<'a> {
    pub transactional_id: Option<&'a str>,
    /// 0 none, 1 the leader's, -1 the whole ISR's.
    pub acks: i16,
    pub timeout_ms: i32,
    pub topic_data: ArrayView<'a, TopicProduceDataView<'a>>,
}

impl<'a> View<'a> for ProduceRequestView<'a> {
    const BYTES_MIN: usize = 9;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let transactional_id = reader.nullable_str("ProduceRequest.transactional_id", layout)?;
        let acks = reader.i16("ProduceRequest.acks")?;
        let timeout_ms = reader.i32("ProduceRequest.timeout_ms")?;
        let topic_data = reader.array_view("ProduceRequest.topic_data", layout, version)?;
        if layout == Layout::Flexible {
            reader.skip_tags("ProduceRequest")?;
        }
        Ok(Self { transactional_id, acks, timeout_ms, topic_data })
    }
}

impl<'a> ProduceRequestView<'a> {
    /// Walks the whole message once, and allocates nothing.
    pub fn parse(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<ProduceRequest>(version)?;
        Self::read(reader, version)
    }
}

impl Message for ProduceResponse {
    const API: ApiKey = ApiKey::Produce;
    const NAME: &'static str = "ProduceResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let responses = reader
            .array("ProduceResponse.responses", layout, 3, |reader| TopicProduceResponse::decode(reader, version))?;
        let throttle_time_ms = reader.i32("ProduceResponse.throttle_time_ms")?;
        let mut node_endpoints = Vec::new();
        if layout == Layout::Flexible {
            reader.tags("ProduceResponse", |reader, tag| {
                match tag {
                    0 if version >= 10 => {
                        node_endpoints = reader.array("ProduceResponse.node_endpoints", layout, 11, |reader| {
                            NodeEndpoint::decode(reader, version)
                        })?
                    }
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self { responses, throttle_time_ms, node_endpoints })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "ProduceResponse.responses", self.responses.len(), layout)?;
        for item in &self.responses {
            item.encode(out, version)?;
        }
        out.put_i32(self.throttle_time_ms);
        if version < 10 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::NotInVersion { field: "ProduceResponse.node_endpoints", version });
        }
        if layout == Layout::Flexible {
            let has_node_endpoints = version >= 10 && !self.node_endpoints.is_empty();
            out.put_uvarint(u32::from(has_node_endpoints));
            if has_node_endpoints {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    write_len(out, "ProduceResponse.node_endpoints", self.node_endpoints.len(), layout)?;
                    for item in &self.node_endpoints {
                        item.encode(out, version)?;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// A [`BatchIndexAndErrorMessage`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct BatchIndexAndErrorMessageView<'a> {
    pub batch_index: i32,
    pub batch_index_error_message: Option<&'a str>,
}

impl<'a> View<'a> for BatchIndexAndErrorMessageView<'a> {
    const BYTES_MIN: usize = 6;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let batch_index = reader.i32("BatchIndexAndErrorMessage.batch_index")?;
        let batch_index_error_message =
            reader.nullable_str("BatchIndexAndErrorMessage.batch_index_error_message", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("BatchIndexAndErrorMessage")?;
        }
        Ok(Self { batch_index, batch_index_error_message })
    }
}

impl View<'_> for LeaderIdAndEpoch {
    const BYTES_MIN: usize = 9;

    #[inline]
    fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        Self::decode(reader, version)
    }
}

/// A [`PartitionProduceResponse`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct PartitionProduceResponseView<'a> {
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    /// -1 unless the topic stamps records with the append time.
    pub log_append_time_ms: i64,
    /// Versions 5+.
    pub log_start_offset: i64,
    /// The records that made the whole batch fail. Versions 8+.
    pub record_errors: ArrayView<'a, BatchIndexAndErrorMessageView<'a>>,
    /// Versions 8+.
    pub error_message: Option<&'a str>,
    /// Who leads now, when the request came to the wrong broker. Versions 10+.
    pub current_leader: LeaderIdAndEpoch,
}

impl<'a> View<'a> for PartitionProduceResponseView<'a> {
    const BYTES_MIN: usize = 22;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let index = reader.i32("PartitionProduceResponse.index")?;
        let error_code = reader.i16("PartitionProduceResponse.error_code")?;
        let base_offset = reader.i64("PartitionProduceResponse.base_offset")?;
        let log_append_time_ms = reader.i64("PartitionProduceResponse.log_append_time_ms")?;
        let log_start_offset = if version >= 5 { reader.i64("PartitionProduceResponse.log_start_offset")? } else { -1 };
        let record_errors = if version >= 8 {
            reader.array_view("PartitionProduceResponse.record_errors", layout, version)?
        } else {
            ArrayView::empty()
        };
        let error_message =
            if version >= 8 { reader.nullable_str("PartitionProduceResponse.error_message", layout)? } else { None };
        let mut current_leader = LeaderIdAndEpoch::default();
        if layout == Layout::Flexible {
            reader.tags("PartitionProduceResponse", |reader, tag| {
                match tag {
                    0 if version >= 10 => current_leader = LeaderIdAndEpoch::decode(reader, version)?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            index,
            error_code,
            base_offset,
            log_append_time_ms,
            log_start_offset,
            record_errors,
            error_message,
            current_leader,
        })
    }
}

/// A [`TopicProduceResponse`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct TopicProduceResponseView<'a> {
    /// Versions 0-12.
    pub name: &'a str,
    /// Versions 13+.
    pub topic_id: u128,
    pub partition_responses: ArrayView<'a, PartitionProduceResponseView<'a>>,
}

impl<'a> View<'a> for TopicProduceResponseView<'a> {
    const BYTES_MIN: usize = 3;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = if version <= 12 { reader.str("TopicProduceResponse.name", layout)? } else { "" };
        let topic_id = if version >= 13 { reader.uuid("TopicProduceResponse.topic_id")? } else { 0 };
        let partition_responses = reader.array_view("TopicProduceResponse.partition_responses", layout, version)?;
        if layout == Layout::Flexible {
            reader.skip_tags("TopicProduceResponse")?;
        }
        Ok(Self { name, topic_id, partition_responses })
    }
}

/// A [`NodeEndpoint`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct NodeEndpointView<'a> {
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub rack: Option<&'a str>,
}

impl<'a> View<'a> for NodeEndpointView<'a> {
    const BYTES_MIN: usize = 11;

    #[inline]
    fn read(reader: &mut Reader<'a>, _version: i16) -> Result<Self, DecodeError> {
        let node_id = reader.i32("NodeEndpoint.node_id")?;
        let host = reader.str("NodeEndpoint.host", Layout::Flexible)?;
        let port = reader.i32("NodeEndpoint.port")?;
        let rack = reader.nullable_str("NodeEndpoint.rack", Layout::Flexible)?;
        reader.skip_tags("NodeEndpoint")?;
        Ok(Self { node_id, host, port, rack })
    }
}

/// A [`ProduceResponse`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct ProduceResponseView<'a> {
    pub responses: ArrayView<'a, TopicProduceResponseView<'a>>,
    pub throttle_time_ms: i32,
    /// Addresses of the leaders named above. Versions 10+.
    pub node_endpoints: ArrayView<'a, NodeEndpointView<'a>>,
}

impl<'a> View<'a> for ProduceResponseView<'a> {
    const BYTES_MIN: usize = 6;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let responses = reader.array_view("ProduceResponse.responses", layout, version)?;
        let throttle_time_ms = reader.i32("ProduceResponse.throttle_time_ms")?;
        let mut node_endpoints = ArrayView::empty();
        if layout == Layout::Flexible {
            reader.tags("ProduceResponse", |reader, tag| {
                match tag {
                    0 if version >= 10 => {
                        node_endpoints = reader.array_view("ProduceResponse.node_endpoints", layout, version)?
                    }
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self { responses, throttle_time_ms, node_endpoints })
    }
}

impl<'a> ProduceResponseView<'a> {
    /// Walks the whole message once, and allocates nothing.
    pub fn parse(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<ProduceResponse>(version)?;
        Self::read(reader, version)
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 9 { Layout::Flexible } else { Layout::Classic }
}
