//! The metadata's records as the log holds them.

use std::collections::BTreeMap;

use base::{Offset, Timestamp};
use bytes::Bytes;
use cluster::metadata::{
    Incarnation, MetadataRecord, Partition, PartitionEpoch, ProducerIdBlock, SettingsOwner, Snapshot, Topic, TopicName,
};
use cluster::settings::SettingOverrides;
use wire::batch::{Batch, BatchBuilder, BatchFull, BatchOptions, NewRecord};
use wire::compress::{Compressor, Decompressor};
use wire::internal::{self, PartitionState};

/// Memory for looking into one batch of the metadata's log.
const BATCH_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub(crate) enum MetadataLogError {
    #[error("the metadata's log is damaged at offset {offset}: {what}")]
    Damaged { offset: Offset, what: String },
}

/// Records as one batch.
pub(crate) fn encode(records: &[MetadataRecord], now: Timestamp) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for record in records {
        push(&mut builder, record, now).expect("a change of the metadata fits in a batch");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

/// A snapshot as one batch, with pauses; an error if that would be larger than what is read back.
pub(crate) async fn encode_snapshot(snapshot: &Snapshot, now: Timestamp) -> Result<Vec<u8>, BatchFull> {
    let mut builder = BatchBuilder::new(BatchOptions { size_max: BATCH_BYTES_MAX, ..BatchOptions::default() });
    for record in snapshot.records() {
        push(&mut builder, &record, now)?;
        rt::yield_if_needed().await;
    }
    Ok(builder.finish(&mut Compressor::new()).to_vec())
}

fn push(builder: &mut BatchBuilder, record: &MetadataRecord, now: Timestamp) -> Result<(), BatchFull> {
    let value = internal::encode_metadata_record(&to_wire(record));
    let new = NewRecord { timestamp: Some(now), value: Some(&value), ..NewRecord::default() };
    builder.push(&new).map(drop)
}

/// Records of a batch of the log.
pub(crate) fn decode(batch: &Bytes) -> Result<Vec<MetadataRecord>, MetadataLogError> {
    let whole = Batch::parse(batch).map_err(|error| damaged(Offset::ZERO, &error))?.0;
    let base = whole.header().base_offset();
    let mut decompressor = Decompressor::new();
    let records = whole.decode(&mut decompressor, BATCH_BYTES_MAX).map_err(|error| damaged(base, &error))?;
    let mut decoded = Vec::new();
    for record in records {
        let record = record.map_err(|error| damaged(base, &error))?;
        let value = record.value.unwrap_or_default();
        let plain = internal::decode_metadata_record(value).map_err(|error| damaged(record.offset, &error))?;
        decoded.push(from_wire(plain).map_err(|what| MetadataLogError::Damaged { offset: record.offset, what })?);
    }
    Ok(decoded)
}

fn damaged(offset: Offset, error: &dyn std::fmt::Display) -> MetadataLogError {
    MetadataLogError::Damaged { offset, what: error.to_string() }
}

fn to_wire(record: &MetadataRecord) -> internal::MetadataRecord {
    use internal::MetadataRecord as Wire;
    match record {
        MetadataRecord::BrokerRegistered { broker, incarnation } => {
            Wire::BrokerRegistered { broker: *broker, incarnation: incarnation.0 }
        }
        MetadataRecord::TopicCreated(topic) => Wire::TopicCreated {
            id: topic.id,
            name: topic.name.as_str().to_owned(),
            settings: topic.settings.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            partitions: topic.partitions.iter().map(state_of).collect(),
        },
        MetadataRecord::TopicDeleted { topic } => Wire::TopicDeleted { topic: *topic },
        MetadataRecord::PartitionsAdded { topic, first, partitions } => Wire::PartitionsAdded {
            topic: *topic,
            first: *first,
            partitions: partitions.iter().map(state_of).collect(),
        },
        MetadataRecord::SettingsAltered { topic, changes } => Wire::SettingsAltered {
            topic: *topic,
            changes: changes.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        },
        MetadataRecord::ProducerIdsReserved(block) => {
            Wire::ProducerIdsReserved { broker: block.broker, first: block.first, end: block.end }
        }
        MetadataRecord::OwnerSettingsAltered { owner, changes } => Wire::OwnerSettingsAltered {
            owner: match owner {
                SettingsOwner::AllBrokers => internal::SettingsOwner::AllBrokers,
                SettingsOwner::Broker(broker) => internal::SettingsOwner::Broker(*broker),
                SettingsOwner::Group(group) => internal::SettingsOwner::Group(group.clone()),
            },
            changes: changes.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        },
        MetadataRecord::SnapshotBegun { deleted } => Wire::SnapshotBegun { deleted: deleted.clone() },
    }
}

fn from_wire(record: internal::MetadataRecord) -> Result<MetadataRecord, String> {
    use internal::MetadataRecord as Wire;
    Ok(match record {
        Wire::BrokerRegistered { broker, incarnation } => {
            MetadataRecord::BrokerRegistered { broker, incarnation: Incarnation(incarnation) }
        }
        Wire::TopicCreated { id, name, settings, partitions } => MetadataRecord::TopicCreated(Topic {
            id,
            name: TopicName::new(&name).map_err(|error| error.to_string())?,
            settings: SettingOverrides::from_record(settings),
            partitions: partitions.into_iter().map(partition_of).collect::<Result<_, _>>()?,
        }),
        Wire::TopicDeleted { topic } => MetadataRecord::TopicDeleted { topic },
        Wire::PartitionsAdded { topic, first, partitions } => MetadataRecord::PartitionsAdded {
            topic,
            first,
            partitions: partitions.into_iter().map(partition_of).collect::<Result<_, _>>()?,
        },
        Wire::SettingsAltered { topic, changes } => {
            MetadataRecord::SettingsAltered { topic, changes: changes.into_iter().collect::<BTreeMap<_, _>>() }
        }
        Wire::ProducerIdsReserved { broker, first, end } => {
            MetadataRecord::ProducerIdsReserved(ProducerIdBlock { broker, first, end })
        }
        Wire::OwnerSettingsAltered { owner, changes } => MetadataRecord::OwnerSettingsAltered {
            owner: match owner {
                internal::SettingsOwner::AllBrokers => SettingsOwner::AllBrokers,
                internal::SettingsOwner::Broker(broker) => SettingsOwner::Broker(broker),
                internal::SettingsOwner::Group(group) => SettingsOwner::Group(group),
            },
            changes: changes.into_iter().collect::<BTreeMap<_, _>>(),
        },
        Wire::SnapshotBegun { deleted } => MetadataRecord::SnapshotBegun { deleted },
    })
}

fn state_of(partition: &Partition) -> PartitionState {
    PartitionState {
        leader: partition.leader,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch.get(),
        replicas: partition.replicas.clone(),
        isr: partition.isr.clone(),
    }
}

fn partition_of(state: PartitionState) -> Result<Partition, String> {
    let epoch = state.partition_epoch;
    Ok(Partition {
        leader: state.leader,
        leader_epoch: state.leader_epoch,
        replicas: state.replicas,
        isr: state.isr,
        partition_epoch: PartitionEpoch::new(epoch).ok_or_else(|| format!("partition epoch {epoch} is too large"))?,
    })
}

#[cfg(test)]
mod tests {
    use base::{BrokerId, LeaderEpoch, PartitionIndex, TopicId};

    use super::*;

    #[test]
    fn every_record_survives_the_log() {
        let partition = Partition {
            leader: BrokerId(1),
            leader_epoch: LeaderEpoch::new(3).unwrap(),
            replicas: vec![BrokerId(1), BrokerId(2)],
            isr: vec![BrokerId(1)],
            partition_epoch: PartitionEpoch::new(7).unwrap(),
        };
        let topic = TopicId::from_random(9);
        let altered = |owner| MetadataRecord::OwnerSettingsAltered {
            owner,
            changes: BTreeMap::from([("log.retention.ms".to_owned(), Some("5".to_owned())), ("a".to_owned(), None)]),
        };
        let settings = SettingOverrides::from_record([("segment.bytes".to_owned(), "2097152".to_owned())]);
        let records = vec![
            MetadataRecord::BrokerRegistered { broker: BrokerId(1), incarnation: Incarnation(4) },
            MetadataRecord::TopicCreated(Topic {
                name: TopicName::new("flights").unwrap(),
                id: topic,
                settings,
                partitions: vec![partition.clone()],
            }),
            MetadataRecord::PartitionsAdded { topic, first: PartitionIndex(1), partitions: vec![partition] },
            MetadataRecord::SettingsAltered {
                topic,
                changes: BTreeMap::from([("segment.bytes".to_owned(), None), ("a".to_owned(), Some("b".to_owned()))]),
            },
            MetadataRecord::ProducerIdsReserved(ProducerIdBlock { broker: BrokerId(1), first: 1_000, end: 2_000 }),
            MetadataRecord::TopicDeleted { topic },
            altered(SettingsOwner::AllBrokers),
            altered(SettingsOwner::Broker(BrokerId(0))),
            altered(SettingsOwner::Group("readers".to_owned())),
            MetadataRecord::SnapshotBegun { deleted: vec![topic] },
        ];
        let batch = Bytes::from(encode(&records, Timestamp::from_millis(5)));
        assert_eq!(decode(&batch).unwrap(), records);
        assert!(decode(&batch.slice(..batch.len() - 1)).is_err());
    }
}
