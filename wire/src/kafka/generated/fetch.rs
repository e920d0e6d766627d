//! Fetch (key 1): reads record batches, for consumers and for followers. Versions 4-18.
//!
//! Generated from `schemas/kafka/fetch.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::reader::Tag;
use crate::kafka::write::{write_len, write_null, write_null_string, write_payload, write_string};
use crate::kafka::{ApiKey, ArrayView, DecodeError, EncodeError, Message, Reader, Request, View};
use crate::payload::Payload;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    pub replica_id: i32,
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self { replica_id: -1, replica_epoch: -1 }
    }
}

impl ReplicaState {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let replica_id = reader.i32("ReplicaState.replica_id")?;
        let replica_epoch = reader.i64("ReplicaState.replica_epoch")?;
        reader.skip_tags("ReplicaState")?;
        Ok(Self { replica_id, replica_epoch })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.replica_id);
        out.put_i64(self.replica_epoch);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchPartition {
    pub partition: i32,
    /// Versions 9+.
    pub current_leader_epoch: i32,
    pub fetch_offset: i64,
    /// Versions 12+.
    pub last_fetched_epoch: i32,
    /// A follower's own log start offset. Versions 5+.
    pub log_start_offset: i64,
    pub partition_max_bytes: i32,
    /// Versions 17+.
    pub replica_directory_id: u128,
    /// The follower's own high watermark. Versions 18+.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: 0,
            high_watermark: i64::MAX,
        }
    }
}

impl FetchPartition {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition = reader.i32("FetchPartition.partition")?;
        let current_leader_epoch = if version >= 9 { reader.i32("FetchPartition.current_leader_epoch")? } else { -1 };
        let fetch_offset = reader.i64("FetchPartition.fetch_offset")?;
        let last_fetched_epoch = if version >= 12 { reader.i32("FetchPartition.last_fetched_epoch")? } else { -1 };
        let log_start_offset = if version >= 5 { reader.i64("FetchPartition.log_start_offset")? } else { -1 };
        let partition_max_bytes = reader.i32("FetchPartition.partition_max_bytes")?;
        let mut replica_directory_id = 0;
        let mut high_watermark = i64::MAX;
        if layout == Layout::Flexible {
            reader.tags("FetchPartition", |reader, tag| {
                match tag {
                    0 if version >= 17 => replica_directory_id = reader.uuid("FetchPartition.replica_directory_id")?,
                    1 if version >= 18 => high_watermark = reader.i64("FetchPartition.high_watermark")?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            partition,
            current_leader_epoch,
            fetch_offset,
            last_fetched_epoch,
            log_start_offset,
            partition_max_bytes,
            replica_directory_id,
            high_watermark,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition);
        if version >= 9 {
            out.put_i32(self.current_leader_epoch);
        }
        out.put_i64(self.fetch_offset);
        if version >= 12 {
            out.put_i32(self.last_fetched_epoch);
        } else if self.last_fetched_epoch != -1 {
            return Err(EncodeError::NotInVersion { field: "FetchPartition.last_fetched_epoch", version });
        }
        if version >= 5 {
            out.put_i64(self.log_start_offset);
        }
        out.put_i32(self.partition_max_bytes);
        if layout == Layout::Flexible {
            let has_replica_directory_id = version >= 17 && self.replica_directory_id != 0;
            let has_high_watermark = version >= 18 && self.high_watermark != i64::MAX;
            out.put_uvarint(u32::from(has_replica_directory_id) + u32::from(has_high_watermark));
            if has_replica_directory_id {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    out.put_u128(self.replica_directory_id);
                    Ok(())
                })?;
            }
            if has_high_watermark {
                out.put_uvarint(1);
                out.put_sized(|out| {
                    out.put_i64(self.high_watermark);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FetchTopic {
    /// Versions 0-12.
    pub topic: String,
    /// Versions 13+.
    pub topic_id: u128,
    pub partitions: Vec<FetchPartition>,
}

impl FetchTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = if version <= 12 { reader.string("FetchTopic.topic", layout)? } else { String::new() };
        let topic_id = if version >= 13 { reader.uuid("FetchTopic.topic_id")? } else { 0 };
        let partitions =
            reader.array("FetchTopic.partitions", layout, 16, |reader| FetchPartition::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("FetchTopic")?;
        }
        Ok(Self { topic, topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version <= 12 {
            write_string(out, "FetchTopic.topic", &self.topic, layout)?;
        }
        if version >= 13 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "FetchTopic.partitions", self.partitions.len(), layout)?;
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
pub struct ForgottenTopic {
    /// Versions 7-12.
    pub topic: String,
    /// Versions 13+.
    pub topic_id: u128,
    pub partitions: Vec<i32>,
}

impl ForgottenTopic {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = if version <= 12 { reader.string("ForgottenTopic.topic", layout)? } else { String::new() };
        let topic_id = if version >= 13 { reader.uuid("ForgottenTopic.topic_id")? } else { 0 };
        let partitions =
            reader.array("ForgottenTopic.partitions", layout, 4, |reader| reader.i32("ForgottenTopic.partitions"))?;
        if layout == Layout::Flexible {
            reader.skip_tags("ForgottenTopic")?;
        }
        Ok(Self { topic, topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version <= 12 {
            write_string(out, "ForgottenTopic.topic", &self.topic, layout)?;
        }
        if version >= 13 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "ForgottenTopic.partitions", self.partitions.len(), layout)?;
        for &item in &self.partitions {
            out.put_i32(item);
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Reads record batches, for consumers and for followers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// Versions 12+.
    pub cluster_id: Option<String>,
    /// The follower's broker id, -1 for a consumer. Versions 0-14.
    pub replica_id: i32,
    /// Versions 15+.
    pub replica_state: ReplicaState,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    /// 0 read uncommitted, 1 read committed.
    pub isolation_level: i8,
    /// 0 with session_epoch -1: no session. Versions 7+.
    pub session_id: i32,
    /// Versions 7+.
    pub session_epoch: i32,
    pub topics: Vec<FetchTopic>,
    /// What to take out of the session. Versions 7+.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Versions 11+.
    pub rack_id: String,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            replica_state: ReplicaState::default(),
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten_topics_data: Vec::new(),
            rack_id: String::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEndOffset {
    pub epoch: i32,
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self { epoch: -1, end_offset: -1 }
    }
}

impl EpochEndOffset {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let epoch = reader.i32("EpochEndOffset.epoch")?;
        let end_offset = reader.i64("EpochEndOffset.end_offset")?;
        reader.skip_tags("EpochEndOffset")?;
        Ok(Self { epoch, end_offset })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.epoch);
        out.put_i64(self.end_offset);
        out.put_uvarint(0);
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotId {
    pub end_offset: i64,
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self { end_offset: -1, epoch: -1 }
    }
}

impl SnapshotId {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let end_offset = reader.i64("SnapshotId.end_offset")?;
        let epoch = reader.i32("SnapshotId.epoch")?;
        reader.skip_tags("SnapshotId")?;
        Ok(Self { end_offset, epoch })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i64(self.end_offset);
        out.put_i32(self.epoch);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AbortedTransaction {
    pub producer_id: i64,
    pub first_offset: i64,
}

impl AbortedTransaction {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let producer_id = reader.i64("AbortedTransaction.producer_id")?;
        let first_offset = reader.i64("AbortedTransaction.first_offset")?;
        if layout == Layout::Flexible {
            reader.skip_tags("AbortedTransaction")?;
        }
        Ok(Self { producer_id, first_offset })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i64(self.producer_id);
        out.put_i64(self.first_offset);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    /// Versions 5+.
    pub log_start_offset: i64,
    /// Where the follower's log leaves the leader's. Versions 12+.
    pub diverging_epoch: EpochEndOffset,
    /// Versions 12+.
    pub current_leader: LeaderIdAndEpoch,
    /// Versions 12+.
    pub snapshot_id: SnapshotId,
    /// Null for read uncommitted; ordered by first offset.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// Versions 11+.
    pub preferred_read_replica: i32,
    pub records: Option<Payload>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Some(Vec::new()),
            preferred_read_replica: -1,
            records: None,
        }
    }
}

impl PartitionData {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("PartitionData.partition_index")?;
        let error_code = reader.i16("PartitionData.error_code")?;
        let high_watermark = reader.i64("PartitionData.high_watermark")?;
        let last_stable_offset = reader.i64("PartitionData.last_stable_offset")?;
        let log_start_offset = if version >= 5 { reader.i64("PartitionData.log_start_offset")? } else { -1 };
        let aborted_transactions =
            reader.nullable_array("PartitionData.aborted_transactions", layout, 16, |reader| {
                AbortedTransaction::decode(reader, version)
            })?;
        let preferred_read_replica =
            if version >= 11 { reader.i32("PartitionData.preferred_read_replica")? } else { -1 };
        let records = reader.nullable_bytes("PartitionData.records", layout).map(|bytes| bytes.map(Payload::from))?;
        let mut diverging_epoch = EpochEndOffset::default();
        let mut current_leader = LeaderIdAndEpoch::default();
        let mut snapshot_id = SnapshotId::default();
        if layout == Layout::Flexible {
            reader.tags("PartitionData", |reader, tag| {
                match tag {
                    0 => diverging_epoch = EpochEndOffset::decode(reader, version)?,
                    1 => current_leader = LeaderIdAndEpoch::decode(reader, version)?,
                    2 => snapshot_id = SnapshotId::decode(reader, version)?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            partition_index,
            error_code,
            high_watermark,
            last_stable_offset,
            log_start_offset,
            diverging_epoch,
            current_leader,
            snapshot_id,
            aborted_transactions,
            preferred_read_replica,
            records,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        out.put_i64(self.high_watermark);
        out.put_i64(self.last_stable_offset);
        if version >= 5 {
            out.put_i64(self.log_start_offset);
        }
        match &self.aborted_transactions {
            Some(value) => {
                write_len(out, "PartitionData.aborted_transactions", value.len(), layout)?;
                for item in value {
                    item.encode(out, version)?;
                }
            }
            None => write_null(out, layout),
        }
        if version >= 11 {
            out.put_i32(self.preferred_read_replica);
        } else if self.preferred_read_replica != -1 {
            return Err(EncodeError::NotInVersion { field: "PartitionData.preferred_read_replica", version });
        }
        match &self.records {
            Some(value) => {
                write_payload(out, "PartitionData.records", value, layout)?;
            }
            None => write_null(out, layout),
        }
        if version < 12 && self.diverging_epoch != EpochEndOffset::default() {
            return Err(EncodeError::NotInVersion { field: "PartitionData.diverging_epoch", version });
        }
        if version < 12 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::NotInVersion { field: "PartitionData.current_leader", version });
        }
        if version < 12 && self.snapshot_id != SnapshotId::default() {
            return Err(EncodeError::NotInVersion { field: "PartitionData.snapshot_id", version });
        }
        if layout == Layout::Flexible {
            let has_diverging_epoch = self.diverging_epoch != EpochEndOffset::default();
            let has_current_leader = self.current_leader != LeaderIdAndEpoch::default();
            let has_snapshot_id = self.snapshot_id != SnapshotId::default();
            out.put_uvarint(
                u32::from(has_diverging_epoch) + u32::from(has_current_leader) + u32::from(has_snapshot_id),
            );
            if has_diverging_epoch {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    self.diverging_epoch.encode(out, version)?;
                    Ok(())
                })?;
            }
            if has_current_leader {
                out.put_uvarint(1);
                out.put_sized(|out| {
                    self.current_leader.encode(out, version)?;
                    Ok(())
                })?;
            }
            if has_snapshot_id {
                out.put_uvarint(2);
                out.put_sized(|out| {
                    self.snapshot_id.encode(out, version)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FetchableTopicResponse {
    /// Versions 0-12.
    pub topic: String,
    /// Versions 13+.
    pub topic_id: u128,
    pub partitions: Vec<PartitionData>,
}

impl FetchableTopicResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = if version <= 12 { reader.string("FetchableTopicResponse.topic", layout)? } else { String::new() };
        let topic_id = if version >= 13 { reader.uuid("FetchableTopicResponse.topic_id")? } else { 0 };
        let partitions = reader
            .array("FetchableTopicResponse.partitions", layout, 30, |reader| PartitionData::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("FetchableTopicResponse")?;
        }
        Ok(Self { topic, topic_id, partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        if version <= 12 {
            write_string(out, "FetchableTopicResponse.topic", &self.topic, layout)?;
        }
        if version >= 13 {
            out.put_u128(self.topic_id);
        }
        write_len(out, "FetchableTopicResponse.partitions", self.partitions.len(), layout)?;
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
pub struct FetchResponse {
    pub throttle_time_ms: i32,
    /// Versions 7+.
    pub error_code: i16,
    /// Versions 7+.
    pub session_id: i32,
    pub responses: Vec<FetchableTopicResponse>,
    /// Addresses of the leaders named above. Versions 16+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for FetchRequest {
    const API: ApiKey = ApiKey::Fetch;
    const NAME: &'static str = "FetchRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let replica_id = if version <= 14 { reader.i32("FetchRequest.replica_id")? } else { -1 };
        let max_wait_ms = reader.i32("FetchRequest.max_wait_ms")?;
        let min_bytes = reader.i32("FetchRequest.min_bytes")?;
        let max_bytes = reader.i32("FetchRequest.max_bytes")?;
        let isolation_level = reader.i8("FetchRequest.isolation_level")?;
        let session_id = if version >= 7 { reader.i32("FetchRequest.session_id")? } else { 0 };
        let session_epoch = if version >= 7 { reader.i32("FetchRequest.session_epoch")? } else { -1 };
        let topics = reader.array("FetchRequest.topics", layout, 3, |reader| FetchTopic::decode(reader, version))?;
        let forgotten_topics_data = if version >= 7 {
            reader.array("FetchRequest.forgotten_topics_data", layout, 3, |reader| {
                ForgottenTopic::decode(reader, version)
            })?
        } else {
            Vec::new()
        };
        let rack_id = if version >= 11 { reader.string("FetchRequest.rack_id", layout)? } else { String::new() };
        let mut cluster_id = None;
        let mut replica_state = ReplicaState::default();
        if layout == Layout::Flexible {
            reader.tags("FetchRequest", |reader, tag| {
                match tag {
                    0 => cluster_id = reader.nullable_string("FetchRequest.cluster_id", layout)?,
                    1 if version >= 15 => replica_state = ReplicaState::decode(reader, version)?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            cluster_id,
            replica_id,
            replica_state,
            max_wait_ms,
            min_bytes,
            max_bytes,
            isolation_level,
            session_id,
            session_epoch,
            topics,
            forgotten_topics_data,
            rack_id,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version <= 14 {
            out.put_i32(self.replica_id);
        } else if self.replica_id != -1 {
            return Err(EncodeError::NotInVersion { field: "FetchRequest.replica_id", version });
        }
        out.put_i32(self.max_wait_ms);
        out.put_i32(self.min_bytes);
        out.put_i32(self.max_bytes);
        out.put_i8(self.isolation_level);
        if version >= 7 {
            out.put_i32(self.session_id);
        }
        if version >= 7 {
            out.put_i32(self.session_epoch);
        }
        write_len(out, "FetchRequest.topics", self.topics.len(), layout)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        if version >= 7 {
            write_len(out, "FetchRequest.forgotten_topics_data", self.forgotten_topics_data.len(), layout)?;
            for item in &self.forgotten_topics_data {
                item.encode(out, version)?;
            }
        } else if !self.forgotten_topics_data.is_empty() {
            return Err(EncodeError::NotInVersion { field: "FetchRequest.forgotten_topics_data", version });
        }
        if version >= 11 {
            write_string(out, "FetchRequest.rack_id", &self.rack_id, layout)?;
        }
        if version < 15 && self.replica_state != ReplicaState::default() {
            return Err(EncodeError::NotInVersion { field: "FetchRequest.replica_state", version });
        }
        if layout == Layout::Flexible {
            let has_cluster_id = self.cluster_id.is_some();
            let has_replica_state = version >= 15 && self.replica_state != ReplicaState::default();
            out.put_uvarint(u32::from(has_cluster_id) + u32::from(has_replica_state));
            if has_cluster_id {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    match &self.cluster_id {
                        Some(value) => {
                            write_string(out, "FetchRequest.cluster_id", value, layout)?;
                        }
                        None => write_null_string(out, layout),
                    }
                    Ok(())
                })?;
            }
            if has_replica_state {
                out.put_uvarint(1);
                out.put_sized(|out| {
                    self.replica_state.encode(out, version)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

impl Request for FetchRequest {
    type Response = FetchResponse;
}

impl View<'_> for ReplicaState {
    const BYTES_MIN: usize = 13;

    #[inline]
    fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        Self::decode(reader, version)
    }
}

impl View<'_> for FetchPartition {
    const BYTES_MIN: usize = 16;

    #[inline]
    fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        Self::decode(reader, version)
    }
}

/// A [`FetchTopic`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct FetchTopicView<'a> {
    /// Versions 0-12.
    pub topic: &'a str,
    /// Versions 13+.
    pub topic_id: u128,
    pub partitions: ArrayView<'a, FetchPartition>,
}

impl<'a> View<'a> for FetchTopicView<'a> {
    const BYTES_MIN: usize = 3;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = if version <= 12 { reader.str("FetchTopic.topic", layout)? } else { "" };
        let topic_id = if version >= 13 { reader.uuid("FetchTopic.topic_id")? } else { 0 };
        let partitions = reader.array_view("FetchTopic.partitions", layout, version)?;
        if layout == Layout::Flexible {
            reader.skip_tags("FetchTopic")?;
        }
        Ok(Self { topic, topic_id, partitions })
    }
}

/// A [`ForgottenTopic`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct ForgottenTopicView<'a> {
    /// Versions 7-12.
    pub topic: &'a str,
    /// Versions 13+.
    pub topic_id: u128,
    pub partitions: ArrayView<'a, i32>,
}

impl<'a> View<'a> for ForgottenTopicView<'a> {
    const BYTES_MIN: usize = 3;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = if version <= 12 { reader.str("ForgottenTopic.topic", layout)? } else { "" };
        let topic_id = if version >= 13 { reader.uuid("ForgottenTopic.topic_id")? } else { 0 };
        let partitions = reader.array_view("ForgottenTopic.partitions", layout, version)?;
        if layout == Layout::Flexible {
            reader.skip_tags("ForgottenTopic")?;
        }
        Ok(Self { topic, topic_id, partitions })
    }
}

/// A [`FetchRequest`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequestView<'a> {
    /// Versions 12+.
    pub cluster_id: Option<&'a str>,
    /// The follower's broker id, -1 for a consumer. Versions 0-14.
    pub replica_id: i32,
    /// Versions 15+.
    pub replica_state: ReplicaState,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    /// 0 read uncommitted, 1 read committed.
    pub isolation_level: i8,
    /// 0 with session_epoch -1: no session. Versions 7+.
    pub session_id: i32,
    /// Versions 7+.
    pub session_epoch: i32,
    pub topics: ArrayView<'a, FetchTopicView<'a>>,
    /// What to take out of the session. Versions 7+.
    pub forgotten_topics_data: ArrayView<'a, ForgottenTopicView<'a>>,
    /// Versions 11+.
    pub rack_id: &'a str,
}

impl<'a> View<'a> for FetchRequestView<'a> {
    const BYTES_MIN: usize = 21;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let replica_id = if version <= 14 { reader.i32("FetchRequest.replica_id")? } else { -1 };
        let max_wait_ms = reader.i32("FetchRequest.max_wait_ms")?;
        let min_bytes = reader.i32("FetchRequest.min_bytes")?;
        let max_bytes = reader.i32("FetchRequest.max_bytes")?;
        let isolation_level = reader.i8("FetchRequest.isolation_level")?;
        let session_id = if version >= 7 { reader.i32("FetchRequest.session_id")? } else { 0 };
        let session_epoch = if version >= 7 { reader.i32("FetchRequest.session_epoch")? } else { -1 };
        let topics = reader.array_view("FetchRequest.topics", layout, version)?;
        let forgotten_topics_data = if version >= 7 {
            reader.array_view("FetchRequest.forgotten_topics_data", layout, version)?
        } else {
            ArrayView::empty()
        };
        let rack_id = if version >= 11 { reader.str("FetchRequest.rack_id", layout)? } else { "" };
        let mut cluster_id = None;
        let mut replica_state = ReplicaState::default();
        if layout == Layout::Flexible {
            reader.tags("FetchRequest", |reader, tag| {
                match tag {
                    0 => cluster_id = reader.nullable_str("FetchRequest.cluster_id", layout)?,
                    1 if version >= 15 => replica_state = ReplicaState::decode(reader, version)?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            cluster_id,
            replica_id,
            replica_state,
            max_wait_ms,
            min_bytes,
            max_bytes,
            isolation_level,
            session_id,
            session_epoch,
            topics,
            forgotten_topics_data,
            rack_id,
        })
    }
}

impl<'a> FetchRequestView<'a> {
    /// Walks the whole message once, and allocates nothing.
    pub fn parse(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<FetchRequest>(version)?;
        Self::read(reader, version)
    }
}

impl Message for FetchResponse {
    const API: ApiKey = ApiKey::Fetch;
    const NAME: &'static str = "FetchResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("FetchResponse.throttle_time_ms")?;
        let error_code = if version >= 7 { reader.i16("FetchResponse.error_code")? } else { 0 };
        let session_id = if version >= 7 { reader.i32("FetchResponse.session_id")? } else { 0 };
        let responses = reader
            .array("FetchResponse.responses", layout, 3, |reader| FetchableTopicResponse::decode(reader, version))?;
        let mut node_endpoints = Vec::new();
        if layout == Layout::Flexible {
            reader.tags("FetchResponse", |reader, tag| {
                match tag {
                    0 if version >= 16 => {
                        node_endpoints = reader.array("FetchResponse.node_endpoints", layout, 11, |reader| {
                            NodeEndpoint::decode(reader, version)
                        })?
                    }
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self { throttle_time_ms, error_code, session_id, responses, node_endpoints })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        if version >= 7 {
            out.put_i16(self.error_code);
        }
        if version >= 7 {
            out.put_i32(self.session_id);
        } else if self.session_id != 0 {
            return Err(EncodeError::NotInVersion { field: "FetchResponse.session_id", version });
        }
        write_len(out, "FetchResponse.responses", self.responses.len(), layout)?;
        for item in &self.responses {
            item.encode(out, version)?;
        }
        if version < 16 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::NotInVersion { field: "FetchResponse.node_endpoints", version });
        }
        if layout == Layout::Flexible {
            let has_node_endpoints = version >= 16 && !self.node_endpoints.is_empty();
            out.put_uvarint(u32::from(has_node_endpoints));
            if has_node_endpoints {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    write_len(out, "FetchResponse.node_endpoints", self.node_endpoints.len(), layout)?;
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

impl View<'_> for EpochEndOffset {
    const BYTES_MIN: usize = 13;

    #[inline]
    fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        Self::decode(reader, version)
    }
}

impl View<'_> for LeaderIdAndEpoch {
    const BYTES_MIN: usize = 9;

    #[inline]
    fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        Self::decode(reader, version)
    }
}

impl View<'_> for SnapshotId {
    const BYTES_MIN: usize = 13;

    #[inline]
    fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        Self::decode(reader, version)
    }
}

impl View<'_> for AbortedTransaction {
    const BYTES_MIN: usize = 16;

    #[inline]
    fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        Self::decode(reader, version)
    }
}

/// A [`PartitionData`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct PartitionDataView<'a> {
    pub partition_index: i32,
    pub error_code: i16,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    /// Versions 5+.
    pub log_start_offset: i64,
    /// Where the follower's log leaves the leader's. Versions 12+.
    pub diverging_epoch: EpochEndOffset,
    /// Versions 12+.
    pub current_leader: LeaderIdAndEpoch,
    /// Versions 12+.
    pub snapshot_id: SnapshotId,
    /// Null for read uncommitted; ordered by first offset.
    pub aborted_transactions: Option<ArrayView<'a, AbortedTransaction>>,
    /// Versions 11+.
    pub preferred_read_replica: i32,
    pub records: Option<&'a [u8]>,
}

impl<'a> View<'a> for PartitionDataView<'a> {
    const BYTES_MIN: usize = 30;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let partition_index = reader.i32("PartitionData.partition_index")?;
        let error_code = reader.i16("PartitionData.error_code")?;
        let high_watermark = reader.i64("PartitionData.high_watermark")?;
        let last_stable_offset = reader.i64("PartitionData.last_stable_offset")?;
        let log_start_offset = if version >= 5 { reader.i64("PartitionData.log_start_offset")? } else { -1 };
        let aborted_transactions = reader.nullable_array_view("PartitionData.aborted_transactions", layout, version)?;
        let preferred_read_replica =
            if version >= 11 { reader.i32("PartitionData.preferred_read_replica")? } else { -1 };
        let records = reader.nullable_slice("PartitionData.records", layout)?;
        let mut diverging_epoch = EpochEndOffset::default();
        let mut current_leader = LeaderIdAndEpoch::default();
        let mut snapshot_id = SnapshotId::default();
        if layout == Layout::Flexible {
            reader.tags("PartitionData", |reader, tag| {
                match tag {
                    0 => diverging_epoch = EpochEndOffset::decode(reader, version)?,
                    1 => current_leader = LeaderIdAndEpoch::decode(reader, version)?,
                    2 => snapshot_id = SnapshotId::decode(reader, version)?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            partition_index,
            error_code,
            high_watermark,
            last_stable_offset,
            log_start_offset,
            diverging_epoch,
            current_leader,
            snapshot_id,
            aborted_transactions,
            preferred_read_replica,
            records,
        })
    }
}

/// A [`FetchableTopicResponse`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct FetchableTopicResponseView<'a> {
    /// Versions 0-12.
    pub topic: &'a str,
    /// Versions 13+.
    pub topic_id: u128,
    pub partitions: ArrayView<'a, PartitionDataView<'a>>,
}

impl<'a> View<'a> for FetchableTopicResponseView<'a> {
    const BYTES_MIN: usize = 3;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let topic = if version <= 12 { reader.str("FetchableTopicResponse.topic", layout)? } else { "" };
        let topic_id = if version >= 13 { reader.uuid("FetchableTopicResponse.topic_id")? } else { 0 };
        let partitions = reader.array_view("FetchableTopicResponse.partitions", layout, version)?;
        if layout == Layout::Flexible {
            reader.skip_tags("FetchableTopicResponse")?;
        }
        Ok(Self { topic, topic_id, partitions })
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

/// A [`FetchResponse`] that borrows from the frame.
#[derive(Clone, Copy, Debug)]
pub struct FetchResponseView<'a> {
    pub throttle_time_ms: i32,
    /// Versions 7+.
    pub error_code: i16,
    /// Versions 7+.
    pub session_id: i32,
    pub responses: ArrayView<'a, FetchableTopicResponseView<'a>>,
    /// Addresses of the leaders named above. Versions 16+.
    pub node_endpoints: ArrayView<'a, NodeEndpointView<'a>>,
}

impl<'a> View<'a> for FetchResponseView<'a> {
    const BYTES_MIN: usize = 8;

    #[inline]
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let throttle_time_ms = reader.i32("FetchResponse.throttle_time_ms")?;
        let error_code = if version >= 7 { reader.i16("FetchResponse.error_code")? } else { 0 };
        let session_id = if version >= 7 { reader.i32("FetchResponse.session_id")? } else { 0 };
        let responses = reader.array_view("FetchResponse.responses", layout, version)?;
        let mut node_endpoints = ArrayView::empty();
        if layout == Layout::Flexible {
            reader.tags("FetchResponse", |reader, tag| {
                match tag {
                    0 if version >= 16 => {
                        node_endpoints = reader.array_view("FetchResponse.node_endpoints", layout, version)?
                    }
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self { throttle_time_ms, error_code, session_id, responses, node_endpoints })
    }
}

impl<'a> FetchResponseView<'a> {
    /// Walks the whole message once, and allocates nothing.
    pub fn parse(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<FetchResponse>(version)?;
        Self::read(reader, version)
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 12 { Layout::Flexible } else { Layout::Classic }
}
