//! Records of the internal logs as bytes.
//!
//! A record is one FlatBuffer of `schemas/internal.fbs`. Whoever keeps it adds length and checksum; here it is verified
//! all the same, because a log may come from anywhere. The structs are plain: what may be in them is `cluster`'s to say.

use base::{BrokerId, LeaderEpoch, PartitionIndex, TopicId};
use flatbuffers::{FlatBufferBuilder, ForwardsUOffset, InvalidFlatbuffer, Vector, WIPOffset};

use crate::generated::internal as schema;
use crate::verification;

/// The version that this release writes, and the newest that it reads.
pub const METADATA_RECORD_VERSION: u16 = 1;

/// Bytes of one record. A topic of 10,000 partitions with 32 replicas each has less than 4 MiB.
pub const METADATA_RECORD_BYTES_MAX: usize = 8 << 20;

/// What happened to the cluster's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataRecord {
    BrokerRegistered {
        broker: BrokerId,
        incarnation: u64,
    },
    TopicCreated {
        id: TopicId,
        name: String,
        settings: Vec<(String, String)>,
        partitions: Vec<PartitionState>,
    },
    TopicDeleted {
        topic: TopicId,
    },
    PartitionsAdded {
        topic: TopicId,
        first: PartitionIndex,
        partitions: Vec<PartitionState>,
    },
    /// `None` returns a setting to its default.
    SettingsAltered {
        topic: TopicId,
        changes: Vec<(String, Option<String>)>,
    },
    /// Ids from `first` up to, not including, `end`.
    ProducerIdsReserved {
        broker: BrokerId,
        first: u64,
        end: u64,
    },
    /// As for topics.
    OwnerSettingsAltered {
        owner: SettingsOwner,
        changes: Vec<(String, Option<String>)>,
    },
    /// All that came before is replaced by what follows in the same batch.
    SnapshotBegun {
        /// Topics that were deleted and may have files still.
        deleted: Vec<TopicId>,
    },
}

/// Who beside topics has settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsOwner {
    AllBrokers,
    Broker(BrokerId),
    Group(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionState {
    pub leader: BrokerId,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: u32,
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
}

/// The bytes are no record of this release or an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("a record of {bytes} bytes is above the limit of {METADATA_RECORD_BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("the record is damaged")]
    Damaged(#[from] InvalidFlatbuffer),
    #[error("the record has version {got}, this release reads up to {METADATA_RECORD_VERSION}: start a newer release")]
    Version { got: u16 },
    #[error("the record is of kind {got}, which this release does not know")]
    Kind { got: u8 },
    #[error("{field} is {got}, which is not possible")]
    Field { field: &'static str, got: u64 },
    #[error("{field} is missing")]
    Missing { field: &'static str },
}

/// Writes a record.
///
/// # Panics
/// When the record is larger than [`METADATA_RECORD_BYTES_MAX`], which the limits of the metadata exclude.
pub fn encode_metadata_record(record: &MetadataRecord) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::with_capacity(1_024);
    let (body_type, body) = write_body(&mut builder, record);
    let args = schema::MetadataRecordArgs { version: METADATA_RECORD_VERSION, body_type, body: Some(body) };
    let root = schema::MetadataRecord::create(&mut builder, &args);
    builder.finish_minimal(root);
    let bytes = builder.finished_data();
    assert!(bytes.len() <= METADATA_RECORD_BYTES_MAX, "a metadata record of {} bytes", bytes.len());
    bytes.to_vec()
}

/// Reads a record, all of it.
pub fn decode_metadata_record(bytes: &[u8]) -> Result<MetadataRecord, RecordError> {
    if bytes.len() > METADATA_RECORD_BYTES_MAX {
        return Err(RecordError::TooLarge { bytes: bytes.len() });
    }
    let record = verification::root::<schema::MetadataRecord<'_>>(bytes)?;
    if record.version() != METADATA_RECORD_VERSION {
        return Err(RecordError::Version { got: record.version() });
    }
    read_body(&record)
}

fn write_body(
    builder: &mut FlatBufferBuilder<'_>,
    record: &MetadataRecord,
) -> (schema::MetadataBody, WIPOffset<flatbuffers::UnionWIPOffset>) {
    use schema::MetadataBody as Body;
    match record {
        MetadataRecord::BrokerRegistered { broker, incarnation } => {
            let args = schema::BrokerRegisteredArgs { broker: broker.0, incarnation: *incarnation };
            (Body::BrokerRegistered, schema::BrokerRegistered::create(builder, &args).as_union_value())
        }
        MetadataRecord::TopicCreated { id, name, settings, partitions } => {
            let settings = settings.iter().map(|(name, value)| (name.as_str(), Some(value.as_str())));
            let args = schema::TopicCreatedArgs {
                id: Some(&uuid(*id)),
                name: Some(builder.create_string(name)),
                settings: Some(write_settings(builder, settings)),
                partitions: Some(write_partitions(builder, partitions)),
            };
            (Body::TopicCreated, schema::TopicCreated::create(builder, &args).as_union_value())
        }
        MetadataRecord::TopicDeleted { topic } => {
            let args = schema::TopicDeletedArgs { topic: Some(&uuid(*topic)) };
            (Body::TopicDeleted, schema::TopicDeleted::create(builder, &args).as_union_value())
        }
        MetadataRecord::PartitionsAdded { topic, first, partitions } => {
            let partitions = Some(write_partitions(builder, partitions));
            let args = schema::PartitionsAddedArgs { topic: Some(&uuid(*topic)), first: first.0, partitions };
            (Body::PartitionsAdded, schema::PartitionsAdded::create(builder, &args).as_union_value())
        }
        MetadataRecord::SettingsAltered { topic, changes } => {
            let changes = changes.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            let changes = Some(write_settings(builder, changes));
            let args = schema::SettingsAlteredArgs { topic: Some(&uuid(*topic)), changes };
            (Body::SettingsAltered, schema::SettingsAltered::create(builder, &args).as_union_value())
        }
        MetadataRecord::ProducerIdsReserved { broker, first, end } => {
            let args = schema::ProducerIdsReservedArgs { broker: broker.0, first: *first, end: *end };
            (Body::ProducerIdsReserved, schema::ProducerIdsReserved::create(builder, &args).as_union_value())
        }
        MetadataRecord::OwnerSettingsAltered { owner, changes } => {
            let changes = changes.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            let changes = Some(write_settings(builder, changes));
            let (broker, group) = match owner {
                SettingsOwner::AllBrokers => (None, None),
                SettingsOwner::Broker(broker) => (Some(broker.0), None),
                SettingsOwner::Group(group) => (None, Some(builder.create_string(group))),
            };
            let args = schema::OwnerSettingsAlteredArgs { broker, group, changes };
            (Body::OwnerSettingsAltered, schema::OwnerSettingsAltered::create(builder, &args).as_union_value())
        }
        MetadataRecord::SnapshotBegun { deleted } => {
            let deleted = Some(builder.create_vector_from_iter(deleted.iter().map(|id| uuid(*id))));
            (
                Body::SnapshotBegun,
                schema::SnapshotBegun::create(builder, &schema::SnapshotBegunArgs { deleted }).as_union_value(),
            )
        }
    }
}

type Written<'b, T> = WIPOffset<Vector<'b, ForwardsUOffset<T>>>;

fn write_settings<'a, 'b>(
    builder: &mut FlatBufferBuilder<'b>,
    settings: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Written<'b, schema::Setting<'b>> {
    let written: Vec<_> = settings
        .map(|(name, value)| {
            let name = Some(builder.create_string(name));
            let value = value.map(|value| builder.create_string(value));
            schema::Setting::create(builder, &schema::SettingArgs { name, value })
        })
        .collect();
    builder.create_vector(&written)
}

fn write_partitions<'b>(
    builder: &mut FlatBufferBuilder<'b>,
    partitions: &[PartitionState],
) -> Written<'b, schema::Partition<'b>> {
    let written: Vec<_> = partitions
        .iter()
        .map(|partition| {
            let args = schema::PartitionArgs {
                leader: partition.leader.0,
                leader_epoch: partition.leader_epoch.get(),
                partition_epoch: partition.partition_epoch,
                replicas: Some(builder.create_vector_from_iter(partition.replicas.iter().map(|broker| broker.0))),
                isr: Some(builder.create_vector_from_iter(partition.isr.iter().map(|broker| broker.0))),
            };
            schema::Partition::create(builder, &args)
        })
        .collect();
    builder.create_vector(&written)
}

/// The body's union has been verified, so it is there and of the kind that it says.
fn read_body(record: &schema::MetadataRecord<'_>) -> Result<MetadataRecord, RecordError> {
    let unknown = RecordError::Kind { got: record.body_type().0 };
    if let Some(body) = record.body_as_broker_registered() {
        return Ok(MetadataRecord::BrokerRegistered {
            broker: BrokerId(body.broker()),
            incarnation: body.incarnation(),
        });
    }
    if let Some(body) = record.body_as_topic_created() {
        let setting = |setting: schema::Setting<'_>| {
            let value = setting.value().ok_or(RecordError::Missing { field: "a new topic's setting" })?;
            Ok((setting.name().to_owned(), value.to_owned()))
        };
        return Ok(MetadataRecord::TopicCreated {
            id: topic_id(body.id())?,
            name: body.name().to_owned(),
            settings: body.settings().iter().map(setting).collect::<Result<_, RecordError>>()?,
            partitions: read_partitions(body.partitions())?,
        });
    }
    if let Some(body) = record.body_as_topic_deleted() {
        return Ok(MetadataRecord::TopicDeleted { topic: topic_id(body.topic())? });
    }
    if let Some(body) = record.body_as_partitions_added() {
        return Ok(MetadataRecord::PartitionsAdded {
            topic: topic_id(body.topic())?,
            first: PartitionIndex(body.first()),
            partitions: read_partitions(body.partitions())?,
        });
    }
    if let Some(body) = record.body_as_settings_altered() {
        return Ok(MetadataRecord::SettingsAltered {
            topic: topic_id(body.topic())?,
            changes: read_changes(body.changes()),
        });
    }
    if let Some(body) = record.body_as_owner_settings_altered() {
        let owner = match (body.broker(), body.group()) {
            (None, None) => SettingsOwner::AllBrokers,
            (Some(broker), None) => SettingsOwner::Broker(BrokerId(broker)),
            (None, Some(group)) => SettingsOwner::Group(group.to_owned()),
            (Some(broker), Some(_)) => {
                return Err(RecordError::Field { field: "the broker beside a group", got: broker.into() });
            }
        };
        return Ok(MetadataRecord::OwnerSettingsAltered { owner, changes: read_changes(body.changes()) });
    }
    if let Some(body) = record.body_as_snapshot_begun() {
        let deleted = body.deleted().iter().map(topic_id).collect::<Result<_, _>>()?;
        return Ok(MetadataRecord::SnapshotBegun { deleted });
    }
    let body = record.body_as_producer_ids_reserved().ok_or(unknown)?;
    Ok(MetadataRecord::ProducerIdsReserved { broker: BrokerId(body.broker()), first: body.first(), end: body.end() })
}

fn read_changes(changes: Vector<'_, ForwardsUOffset<schema::Setting<'_>>>) -> Vec<(String, Option<String>)> {
    changes.iter().map(|change| (change.name().to_owned(), change.value().map(str::to_owned))).collect()
}

fn read_partitions(
    partitions: Vector<'_, ForwardsUOffset<schema::Partition<'_>>>,
) -> Result<Vec<PartitionState>, RecordError> {
    let read = |partition: schema::Partition<'_>| {
        let epoch = partition.leader_epoch();
        Ok(PartitionState {
            leader: BrokerId(partition.leader()),
            leader_epoch: LeaderEpoch::new(epoch)
                .ok_or(RecordError::Field { field: "leader epoch", got: u64::from(epoch) })?,
            partition_epoch: partition.partition_epoch(),
            replicas: partition.replicas().iter().map(BrokerId).collect(),
            isr: partition.isr().iter().map(BrokerId).collect(),
        })
    };
    partitions.iter().map(read).collect()
}

fn uuid(id: TopicId) -> schema::Uuid {
    let (high, low) = verification::halves(id);
    schema::Uuid::new(high, low)
}

fn topic_id(id: &schema::Uuid) -> Result<TopicId, RecordError> {
    verification::topic_id(id.high(), id.low()).ok_or(RecordError::Missing { field: "topic id" })
}

#[cfg(test)]
mod tests;
