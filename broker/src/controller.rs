//! The metadata's driver, on core 0: commands are decided, written to the metadata's log, applied once flushed, and
//! shown to all cores before they are answered.

mod moving;
mod snapshot;

pub(crate) use self::moving::Moved;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use base::{CoreId, LeaderEpoch, Offset, PartitionId, Timestamp, TopicId};
use cluster::metadata::{Command, Decision, Incarnation, Metadata, MetadataRecord, Reply, SettingsOwner};
use cluster::placement::Placement;
use rt::{Disk, Notify};
use shard::task_queues::FOREGROUND;
use shard::{AppendBatch, Reserve};
use wire::ErrorCode;
use wire::batch::{BatchHeader, HEADER_BYTES};

use crate::core::Core;
use crate::messages::Request;
use crate::refusal::Refusal;
use crate::start::METADATA_PARTITION;
use crate::view::{ClusterView, ViewChange};
use crate::{limits, placement_file, records};

pub(crate) struct Controller {
    metadata: RefCell<Metadata>,
    placement: RefCell<Placement>,
    disk: Rc<dyn Disk>,
    /// Epoch of the leader of the metadata's log: the broker's incarnation.
    epoch: LeaderEpoch,
    busy: Cell<bool>,
    waiting: Cell<usize>,
    freed: Notify,
    /// A partition is being moved to another core.
    moving: Cell<bool>,
    log: snapshot::LogLength,
}

impl Controller {
    /// `log_records` are there already.
    pub(crate) fn new(
        (metadata, log_records): (Metadata, u64),
        placement: Placement,
        disk: Rc<dyn Disk>,
        incarnation: u32,
    ) -> Rc<Self> {
        Rc::new(Self {
            metadata: RefCell::new(metadata),
            placement: RefCell::new(placement),
            disk,
            epoch: LeaderEpoch::new(incarnation).expect("a broker is not started 2^31 times"),
            busy: Cell::new(false),
            waiting: Cell::new(0),
            freed: Notify::new(),
            moving: Cell::new(false),
            log: snapshot::LogLength::new(log_records),
        })
    }

    /// Carries out a command. It goes on to its end even if whoever asked goes away.
    pub(crate) async fn ask(self: &Rc<Self>, core: &Rc<Core>, command: Command) -> Result<Reply, Refusal> {
        if self.waiting.get() >= limits::CONTROLLER_COMMANDS_MAX {
            let text = format!("queue controller.commands is full at its limit of {}", limits::CONTROLLER_COMMANDS_MAX);
            return Err(Refusal::new(ErrorCode::RequestTimedOut, text));
        }
        let (controller, core) = (Rc::clone(self), Rc::clone(core));
        rt::spawn(FOREGROUND, async move { controller.perform_alone(&core, command).await }).await
    }

    /// Says that this broker has started; every partition gets a new leader epoch by it.
    pub(crate) async fn register(self: &Rc<Self>, core: &Rc<Core>) -> Result<(), Refusal> {
        let broker = core.identity.broker;
        let incarnation: Incarnation = self.metadata.borrow().next_incarnation(broker);
        self.ask(core, Command::RegisterBroker { broker, incarnation }).await.map(drop)
    }

    /// What changes the view is done by one at a time.
    async fn lock(&self) {
        self.waiting.set(self.waiting.get() + 1);
        while self.busy.replace(true) {
            self.freed.notified().await;
        }
    }

    fn unlock(&self) {
        self.busy.set(false);
        self.waiting.set(self.waiting.get() - 1);
        self.freed.notify_all();
    }

    async fn perform_alone(&self, core: &Rc<Core>, command: Command) -> Result<Reply, Refusal> {
        self.lock().await;
        let result = self.perform(core, command).await;
        self.shorten_log(core).await;
        self.unlock();
        result
    }

    async fn perform(&self, core: &Rc<Core>, command: Command) -> Result<Reply, Refusal> {
        let Decision { records, reply } = self.metadata.borrow().decide(command)?;
        if records.is_empty() {
            return Ok(reply);
        }
        // Of a topic with many thousands of partitions each step is long enough.
        rt::yield_if_needed().await;
        self.commit(core, &records).await?;
        {
            let mut metadata = self.metadata.borrow_mut();
            for record in &records {
                metadata.apply(record);
            }
        }
        if let Some(topics) = changed_topics(&records) {
            self.place(&records).await?;
            self.publish(core, topics, None).await?;
        }
        Ok(reply)
    }

    /// Writes records to the metadata's log and waits until they are flushed.
    async fn commit(&self, core: &Rc<Core>, records: &[MetadataRecord]) -> Result<(), Refusal> {
        let bytes = records::encode(records, rt::wall_clock());
        rt::yield_if_needed().await;
        self.append(core, &bytes, reserve_for(records)).await?;
        self.log.grows(records.len() as u64);
        Ok(())
    }

    /// Appends a batch to the metadata's log and waits until it is flushed; gives its first offset.
    async fn append(&self, core: &Rc<Core>, bytes: &[u8], reserve: Reserve) -> Result<Offset, Refusal> {
        let header = BatchHeader::read(bytes).expect("a batch of our own is whole");
        let (head, payload) = bytes.split_first_chunk::<HEADER_BYTES>().expect("a batch of our own is whole");
        let batch = AppendBatch {
            header: head,
            payload,
            offsets: header.last_offset_delta() + 1,
            max_timestamp: header.max_timestamp().map_or(-1, Timestamp::to_wire),
            leader_epoch: self.epoch,
        };
        core.shard.room_for_own(batch.bytes(), reserve).await?;
        let appended = core.shard.append_now(METADATA_PARTITION, batch)?;
        let flushed = core.shard.safe(appended).await;
        flushed.map_err(|cause| Refusal::new(ErrorCode::KafkaStorageError, cause.to_string()))?;
        Ok(appended.base_offset)
    }

    /// Brings the placement up to the change, and stores it. In slices: a topic may have many thousands of partitions.
    async fn place(&self, records: &[MetadataRecord]) -> Result<(), Refusal> {
        let mut is_changed = false;
        for record in records {
            is_changed |= match record {
                MetadataRecord::TopicCreated(topic) => {
                    let ids = topic.indexed_partitions().map(|(index, _)| PartitionId { topic: topic.id, index });
                    self.assign(ids.collect()).await
                }
                MetadataRecord::PartitionsAdded { topic, first, partitions } => {
                    let indexes = (first.0..).take(partitions.len());
                    self.assign(indexes.map(|index| PartitionId::new(*topic, index)).collect()).await
                }
                MetadataRecord::TopicDeleted { topic } => self.forget(*topic).await,
                MetadataRecord::BrokerRegistered { .. }
                | MetadataRecord::SettingsAltered { .. }
                | MetadataRecord::OwnerSettingsAltered { .. }
                | MetadataRecord::SnapshotBegun { .. }
                | MetadataRecord::ProducerIdsReserved(_) => false,
            };
        }
        if !is_changed {
            return Ok(());
        }
        let table = self.placement.borrow().clone();
        // The change is committed already: without this file the next start merely places anew.
        if let Err(error) = placement_file::write(&*self.disk, &table).await {
            tracing::warn!(%error, "the placement could not be stored");
        }
        Ok(())
    }

    async fn assign(&self, ids: Vec<PartitionId>) -> bool {
        let mut is_changed = false;
        for slice in ids.chunks(limits::PARTITIONS_AT_ONCE_MAX) {
            is_changed |= !self.placement.borrow_mut().assign(slice.iter().copied()).is_empty();
            rt::yield_if_needed().await;
        }
        is_changed
    }

    async fn forget(&self, topic: TopicId) -> bool {
        let mut is_changed = false;
        while !self.placement.borrow_mut().remove_some(topic, limits::PARTITIONS_AT_ONCE_MAX).is_empty() {
            is_changed = true;
            rt::yield_if_needed().await;
        }
        is_changed
    }

    /// Has all cores serve the new state, and then has all of them tell clients of it.
    async fn publish(
        &self,
        core: &Rc<Core>,
        topics: Option<Vec<TopicId>>,
        moved: Option<PartitionId>,
    ) -> Result<(), Refusal> {
        let view = Arc::new(self.view());
        let change = ViewChange { view, topics, moved };
        let others = || CoreId::all(core.cores()).filter(|other| *other != core.id);
        let serving: Vec<_> = others().map(|other| core.call(other, Request::View(Box::new(change.clone())))).collect();
        core.take_view(&change).await;
        for call in serving {
            call.await?;
        }
        let showing: Vec<_> = others().map(|other| core.call(other, Request::ShowView)).collect();
        core.show_view();
        for call in showing {
            call.await?;
        }
        Ok(())
    }

    pub(crate) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    pub(crate) fn view(&self) -> ClusterView {
        ClusterView {
            image: self.metadata.borrow().image().clone(),
            placement: Arc::new(self.placement.borrow().clone()),
        }
    }
}

/// The last room of the journal is for what frees space, and for the record without which a broker does not start.
fn reserve_for(records: &[MetadataRecord]) -> Reserve {
    let matters = records.iter().any(|record| match record {
        MetadataRecord::TopicDeleted { .. }
        | MetadataRecord::BrokerRegistered { .. }
        | MetadataRecord::SettingsAltered { .. }
        | MetadataRecord::OwnerSettingsAltered { .. } => true,
        MetadataRecord::TopicCreated(_)
        | MetadataRecord::PartitionsAdded { .. }
        | MetadataRecord::SnapshotBegun { .. }
        | MetadataRecord::ProducerIdsReserved(_) => false,
    });
    if matters { Reserve::Use } else { Reserve::Keep }
}

/// Topics that records change: `None` when nothing changes that readers see, `Some(None)` when all do.
fn changed_topics(records: &[MetadataRecord]) -> Option<Option<Vec<TopicId>>> {
    let mut topics = Vec::new();
    let mut is_view_changed = false;
    for record in records {
        match record {
            // The defaults of topics may be other ones.
            MetadataRecord::BrokerRegistered { .. }
            | MetadataRecord::OwnerSettingsAltered {
                owner: SettingsOwner::AllBrokers | SettingsOwner::Broker(_),
                ..
            } => return Some(None),
            MetadataRecord::OwnerSettingsAltered { owner: SettingsOwner::Group(_), .. } => is_view_changed = true,
            MetadataRecord::TopicCreated(topic) => topics.push(topic.id),
            MetadataRecord::TopicDeleted { topic }
            | MetadataRecord::PartitionsAdded { topic, .. }
            | MetadataRecord::SettingsAltered { topic, .. } => topics.push(*topic),
            MetadataRecord::SnapshotBegun { .. } | MetadataRecord::ProducerIdsReserved(_) => {}
        }
    }
    if topics.is_empty() && !is_view_changed { None } else { Some(Some(topics)) }
}
