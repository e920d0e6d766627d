//! The topics that a folder's metadata log tells of.

use std::collections::BTreeMap;

use base::{Offset, TopicId};
use wire::Decompressor;
use wire::batch::Batch;
use wire::internal::{MetadataRecord, decode_metadata_record};

/// Memory for looking into one batch.
const BATCH_BYTES_MAX: usize = 64 << 20;

pub(super) struct Topic {
    pub(super) name: String,
    pub(super) partitions: usize,
    pub(super) settings: BTreeMap<String, String>,
}

/// Records of the log by their offsets, so that a batch may be seen both in the journal and in a segment.
#[derive(Default)]
pub(super) struct MetadataLog {
    records: BTreeMap<Offset, MetadataRecord>,
}

impl MetadataLog {
    /// Takes the records of a batch; the error says what is wrong with it.
    pub(super) fn take(&mut self, batch: &[u8]) -> Result<(), String> {
        let (batch, _) = Batch::parse(batch).map_err(|error| error.to_string())?;
        let mut decompressor = Decompressor::new();
        for record in batch.decode(&mut decompressor, BATCH_BYTES_MAX).map_err(|error| error.to_string())? {
            let record = record.map_err(|error| error.to_string())?;
            let decoded = decode_metadata_record(record.value.unwrap_or_default());
            let decoded =
                decoded.map_err(|error| format!("the metadata record at offset {}: {error}", record.offset))?;
            self.records.insert(record.offset, decoded);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn topics(&self) -> BTreeMap<TopicId, Topic> {
        let mut topics: BTreeMap<TopicId, Topic> = BTreeMap::new();
        for record in self.records.values() {
            match record {
                MetadataRecord::TopicCreated { id, name, settings, partitions } => {
                    let settings = settings.iter().cloned().collect();
                    topics.insert(*id, Topic { name: name.clone(), partitions: partitions.len(), settings });
                }
                MetadataRecord::TopicDeleted { topic } => drop(topics.remove(topic)),
                MetadataRecord::PartitionsAdded { topic, partitions, .. } => {
                    if let Some(topic) = topics.get_mut(topic) {
                        topic.partitions += partitions.len();
                    }
                }
                MetadataRecord::SettingsAltered { topic, changes } => {
                    let Some(topic) = topics.get_mut(topic) else { continue };
                    for (name, value) in changes {
                        match value {
                            Some(value) => drop(topic.settings.insert(name.clone(), value.clone())),
                            None => drop(topic.settings.remove(name)),
                        }
                    }
                }
                MetadataRecord::SnapshotBegun { .. } => topics.clear(),
                MetadataRecord::BrokerRegistered { .. }
                | MetadataRecord::ProducerIdsReserved { .. }
                | MetadataRecord::OwnerSettingsAltered { .. } => {}
            }
        }
        topics
    }
}
