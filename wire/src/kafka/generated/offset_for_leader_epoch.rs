//! OffsetForLeaderEpoch (key 23): where a leader epoch ended, to find where two logs part. Versions 2-4.
//!
//! Generated from `schemas/kafka/offset_for_leader_epoch.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetForLeaderPartition {
    pub partition: i32,
    pub current_leader_epoch: i32,
    /// The epoch whose end is asked for.
    pub leader_epoch: i32,
}

impl Default for OffsetForLeaderPartition {
    fn default() -> Self {
        Self { partition: 0, current_leader_epoch: -1, leader_epoch: 0 }
    }
}

impl OffsetForLeaderPartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition = reader.i32("OffsetForLeaderPartition.partition")?;
        let current_leader_epoch = reader.i32("OffsetForLeaderPartition.current_leader_epoch")?;
        let leader_epoch = reader.i32("OffsetForLeaderPartition.leader_epoch")?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetForLeaderPartition")?;
        }
        Ok(Self { partition, current_leader_epoch, leader_epoch })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition);
        out.put_i32(self.current_leader_epoch);
        out.put_i32(self.leader_epoch);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetForLeaderTopic {
    pub topic: String,
    pub partitions: Vec<OffsetForLeaderPartition>,
}

impl OffsetForLeaderTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = reader.string("OffsetForLeaderTopic.topic", layout)?;
        let partitions = reader.array("OffsetForLeaderTopic.partitions", layout, 12, |reader| {
            OffsetForLeaderPartition::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetForLeaderTopic")?;
        }
        Ok(Self { topic, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "OffsetForLeaderTopic.topic", &self.topic, layout)?;
        write_len(out, "OffsetForLeaderTopic.partitions", self.partitions.len(), layout)?;
        for item in &self.partitions {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Where a leader epoch ended, to find where two logs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetForLeaderEpochRequest {
    /// -1 for a consumer, -2 when the version has no field for it. Versions 3+.
    pub replica_id: i32,
    pub topics: Vec<OffsetForLeaderTopic>,
}

impl Default for OffsetForLeaderEpochRequest {
    fn default() -> Self {
        Self { replica_id: -2, topics: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEndOffset {
    pub error_code: i16,
    pub partition: i32,
    pub leader_epoch: i32,
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self { error_code: 0, partition: 0, leader_epoch: -1, end_offset: -1 }
    }
}

impl EpochEndOffset {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let error_code = reader.i16("EpochEndOffset.error_code")?;
        let partition = reader.i32("EpochEndOffset.partition")?;
        let leader_epoch = reader.i32("EpochEndOffset.leader_epoch")?;
        let end_offset = reader.i64("EpochEndOffset.end_offset")?;
        if layout == Layout::Flexible {
            reader.skip_tags("EpochEndOffset")?;
        }
        Ok(Self { error_code, partition, leader_epoch, end_offset })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.error_code);
        out.put_i32(self.partition);
        out.put_i32(self.leader_epoch);
        out.put_i64(self.end_offset);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetForLeaderTopicResult {
    pub topic: String,
    pub partitions: Vec<EpochEndOffset>,
}

impl OffsetForLeaderTopicResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = reader.string("OffsetForLeaderTopicResult.topic", layout)?;
        let partitions = reader.array("OffsetForLeaderTopicResult.partitions", layout, 18, |reader| {
            EpochEndOffset::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetForLeaderTopicResult")?;
        }
        Ok(Self { topic, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "OffsetForLeaderTopicResult.topic", &self.topic, layout)?;
        write_len(out, "OffsetForLeaderTopicResult.partitions", self.partitions.len(), layout)?;
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
pub struct OffsetForLeaderEpochResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetForLeaderTopicResult>,
}

impl Message for OffsetForLeaderEpochRequest {
    const API: ApiKey = ApiKey::OffsetForLeaderEpoch;
    const NAME: &'static str = "OffsetForLeaderEpochRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let replica_id = if version >= 3 { reader.i32("OffsetForLeaderEpochRequest.replica_id")? } else { -2 };
        let topics = reader.array("OffsetForLeaderEpochRequest.topics", layout, 3, |reader| {
            OffsetForLeaderTopic::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetForLeaderEpochRequest")?;
        }
        Ok(Self { replica_id, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 3 {
            out.put_i32(self.replica_id);
        }
        write_len(out, "OffsetForLeaderEpochRequest.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for OffsetForLeaderEpochRequest {
    type Response = OffsetForLeaderEpochResponse;
}

impl Message for OffsetForLeaderEpochResponse {
    const API: ApiKey = ApiKey::OffsetForLeaderEpoch;
    const NAME: &'static str = "OffsetForLeaderEpochResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("OffsetForLeaderEpochResponse.throttle_time_ms")?;
        let topics = reader.array("OffsetForLeaderEpochResponse.topics", layout, 3, |reader| {
            OffsetForLeaderTopicResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("OffsetForLeaderEpochResponse")?;
        }
        Ok(Self { throttle_time_ms, topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "OffsetForLeaderEpochResponse.topics", self.topics.len(), layout)?;
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
    if version >= 4 { Layout::Flexible } else { Layout::Classic }
}
