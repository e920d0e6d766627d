//! The start of a broker: what recovery finds is joined with the metadata, and each core gets its part.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, PartitionId, TopicId};
use cluster::metadata::{Metadata, MetadataImage, MetadataRecord, SettingsOwner};
use cluster::placement::{Placement, PlacementError, PlacementRow};
use cluster::settings::{Durability as TopicDurability, TopicDefaults, TopicSettings};
use rt::{Disk, DiskError};
use shard::journal::ring::RingLayout;
use shard::recovery::{OnDamage, RecoveredCore, Recovery, RecoveryError, RecoveryPlan, ReplayedProducerBatch};
use shard::{Compaction, Durability, PartitionRow, PartitionSpec, Retention};

use crate::config::{Altered, Config, DamagedJournal};
use crate::producer_memory::producers_max;
use crate::records::MetadataLogError;
use crate::server::Restart;
use crate::{placement_file, producer_state, records};

/// The metadata's log is a partition of core 0.
pub(crate) const METADATA_PARTITION: PartitionId = PartitionId::new(TopicId::METADATA, 0);
const METADATA_SEGMENT_BYTES: u32 = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    #[error(transparent)]
    Metadata(#[from] MetadataLogError),
    #[error(transparent)]
    Placement(#[from] PlacementError),
}

/// What a start has come to.
pub(crate) struct Started {
    pub(crate) metadata: Metadata,
    /// Records that the metadata's log has.
    pub(crate) log_records: u64,
    pub(crate) placement: Placement,
    pub(crate) cores: Vec<RecoveredCore>,
    pub(crate) restart: Restart,
}

pub(crate) fn metadata_spec() -> PartitionSpec {
    PartitionSpec::new(METADATA_PARTITION, METADATA_SEGMENT_BYTES, Durability::Flushed)
}

pub(crate) fn spec_of(id: PartitionId, settings: &TopicSettings) -> PartitionSpec {
    let durability = match settings.durability {
        TopicDurability::Flushed => Durability::Flushed,
        TopicDurability::Relaxed => Durability::Relaxed,
    };
    let retention = Retention { time: settings.retention_time, bytes: settings.retention_bytes };
    let compacts = settings.cleanup.compacts();
    let lag_max = settings.compaction_lag_max;
    PartitionSpec {
        id,
        segment_bytes: settings.segment_bytes,
        // Only closed segments are compacted.
        segment_time: lag_max.filter(|_| compacts).map_or(settings.segment_time, |lag| lag.min(settings.segment_time)),
        segment_jitter: settings.segment_jitter,
        retention: if settings.cleanup.deletes() { retention } else { Retention::default() },
        compaction: compacts.then(|| Compaction {
            dirty_millionths: settings.cleanable_dirty_ratio.millionths(),
            delete_retention: settings.delete_retention,
            lag_min: settings.compaction_lag_min,
            lag_max,
        }),
        durability,
    }
}

/// What topics have that say nothing themselves, on this broker.
pub(crate) fn defaults_of(config: &Config, image: &MetadataImage) -> TopicDefaults {
    let Altered { all_brokers, this_broker } = altered_of(config, image);
    config.topic_defaults.altered(all_brokers, this_broker)
}

/// What was altered for brokers: for all, and for this one.
pub(crate) fn altered_of<'a>(config: &Config, image: &'a MetadataImage) -> Altered<'a> {
    Altered {
        all_brokers: image.settings_of(&SettingsOwner::AllBrokers),
        this_broker: image.settings_of(&SettingsOwner::Broker(config.node_id)),
    }
}

/// Specs of all partitions that exist.
pub(crate) fn specs(image: &MetadataImage, defaults: &TopicDefaults) -> BTreeMap<PartitionId, PartitionSpec> {
    let mut specs = BTreeMap::from([(METADATA_PARTITION, metadata_spec())]);
    for topic in image.topics() {
        let settings = TopicSettings::resolve(&topic.settings, defaults);
        for (index, _) in topic.indexed_partitions() {
            let id = PartitionId { topic: topic.id, index };
            specs.insert(id, spec_of(id, &settings));
        }
    }
    specs
}

struct Plan<'a> {
    deleted: &'a BTreeSet<TopicId>,
    cores: u16,
    layout: RingLayout,
    target: Duration,
    placement: &'a Placement,
    /// Of each core.
    producers_max: usize,
}

impl RecoveryPlan for Plan<'_> {
    fn cores(&self) -> u16 {
        self.cores
    }

    fn layout(&self) -> RingLayout {
        self.layout
    }

    fn target(&self) -> Duration {
        self.target
    }

    fn core_of(&self, id: PartitionId) -> Option<CoreId> {
        if id == METADATA_PARTITION { Some(CoreId(0)) } else { self.placement.core_of(id) }
    }

    fn was_deleted(&self, topic: TopicId) -> bool {
        self.deleted.contains(&topic)
    }

    fn attachment(&self, _: PartitionId, old: &[u8], replayed: &[ReplayedProducerBatch]) -> Vec<u8> {
        producer_state::replay(old, replayed, rt::wall_clock())
    }

    fn bound_attachments(&self, rows: &mut [PartitionRow]) {
        producer_state::bring_under(self.producers_max, rows);
    }
}

/// Recovers the data folder for a broker on so many cores. Runs on core 0.
pub(crate) async fn recover(
    config: &Config,
    cores: u16,
    disk: &Rc<dyn Disk>,
    open_files_max: usize,
) -> Result<Started, StartError> {
    let on_damage = match config.damaged_journal {
        DamagedJournal::Refuse => OnDamage::Refuse,
        DamagedJournal::AcceptLoss => OnDamage::AcceptLoss,
    };
    let begun = rt::now();
    let mut recovery = Recovery::begin(Rc::clone(disk), on_damage, open_files_max).await?;
    let incarnation = recovery.incarnation();
    // The metadata first: it says which partitions exist.
    recovery.replay_core(CoreId(0), |id| (id == METADATA_PARTITION).then(metadata_spec)).await?;
    let mut log = Vec::new();
    for batch in recovery.read_all(metadata_spec()).await? {
        log.extend(records::decode(&batch)?);
    }
    let metadata = Metadata::from_records(&log);
    let deleted = deleted_topics(&log);
    let specs = specs(metadata.image(), &defaults_of(config, metadata.image()));
    recovery.remove_deleted(|topic| deleted.contains(&topic)).await?;
    recovery.replay(|id| specs.get(&id).copied()).await?;
    let placement = place(&**disk, cores, &specs).await?;
    let layout = RingLayout::of_total(config.journal_bytes.bytes());
    let replayed_bytes = recovery.replayed_bytes();
    let (target, producers_max) = (config.recovery_target, producers_max(config, cores));
    let plan = Plan { deleted: &deleted, cores, layout, target, placement: &placement, producers_max };
    let cores = recovery.finish(&plan).await?;
    let took = rt::now().since(begun);
    let milliseconds = took.as_millis();
    tracing::info!(incarnation, partitions = specs.len() - 1, milliseconds, "the data folder is recovered");
    let log_records = log.len() as u64;
    Ok(Started { metadata, log_records, placement, cores, restart: Restart { incarnation, took, replayed_bytes } })
}

fn deleted_topics(log: &[MetadataRecord]) -> BTreeSet<TopicId> {
    let mut deleted = BTreeSet::new();
    for record in log {
        match record {
            MetadataRecord::TopicDeleted { topic } => drop(deleted.insert(*topic)),
            MetadataRecord::SnapshotBegun { deleted: before } => deleted.extend(before),
            MetadataRecord::BrokerRegistered { .. }
            | MetadataRecord::TopicCreated(_)
            | MetadataRecord::PartitionsAdded { .. }
            | MetadataRecord::SettingsAltered { .. }
            | MetadataRecord::OwnerSettingsAltered { .. }
            | MetadataRecord::ProducerIdsReserved(_) => {}
        }
    }
    deleted
}

/// The stored table, brought up to the partitions and cores that there are.
async fn place(
    disk: &dyn Disk,
    cores: u16,
    specs: &BTreeMap<PartitionId, PartitionSpec>,
) -> Result<Placement, StartError> {
    let stored = placement_file::read(disk).await?;
    let known = |row: &PlacementRow| specs.contains_key(&row.partition) && row.partition != METADATA_PARTITION;
    let mut placement = match stored {
        Some((cores, rows)) => match Placement::from_rows(cores, rows.into_iter().filter(known)) {
            Ok(placement) => placement,
            Err(error) => {
                tracing::warn!(%error, "the stored placement makes no sense; partitions are placed anew");
                Placement::new(cores)?
            }
        },
        None => Placement::new(cores)?,
    };
    // On as many cores as before everything stays where it was moved to, however uneven their numbers are.
    let moves = if placement.cores() == cores { Vec::new() } else { placement.resize(cores)? };
    let missing = specs.keys().filter(|id| **id != METADATA_PARTITION && placement.core_of(**id).is_none());
    let missing: Vec<PartitionId> = missing.copied().collect();
    let placed = placement.assign(missing);
    if !moves.is_empty() || !placed.is_empty() {
        match placement_file::write(disk, &placement).await {
            // No harm: see there.
            Err(error @ DiskError::NoSpace { .. }) => tracing::warn!(%error, "the placement could not be stored"),
            written => written?,
        }
    }
    Ok(placement)
}
