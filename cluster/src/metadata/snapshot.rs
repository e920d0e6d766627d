//! The metadata as the fewest records that say the same.

use std::iter;

use base::TopicId;

use super::{Broker, MetadataImage, MetadataRecord, ProducerIdBlock, Topic};

/// One state, of one moment. Made in no time; the records are made one by one.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) image: MetadataImage,
    pub(super) last_producer_ids: Option<ProducerIdBlock>,
    pub(super) deleted: Vec<TopicId>,
}

impl Snapshot {
    /// Records whose fold is the state, whatever came before: brokers before the topics they lead, so that no leader epoch
    /// advances. The log has to have all or none of them, so they belong in one batch.
    pub fn records(&self) -> impl Iterator<Item = MetadataRecord> + '_ {
        let begun = MetadataRecord::SnapshotBegun { deleted: self.deleted.clone() };
        let brokers = self
            .image
            .brokers()
            .map(|(broker, &Broker { incarnation })| MetadataRecord::BrokerRegistered { broker, incarnation });
        let producer_ids = self.last_producer_ids.map(MetadataRecord::ProducerIdsReserved);
        let owners = self.image.owner_settings().map(|(owner, settings)| MetadataRecord::OwnerSettingsAltered {
            owner: owner.clone(),
            changes: settings.iter().map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).collect(),
        });
        let topics = self.image.topics().map(|topic| MetadataRecord::TopicCreated(Topic::clone(topic)));
        iter::once(begun).chain(brokers).chain(producer_ids).chain(owners).chain(topics)
    }
}
