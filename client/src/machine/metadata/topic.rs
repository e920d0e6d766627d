//! One topic as it was at one time.

use std::sync::Arc;

use base::{PartitionId, PartitionIndex, TopicId};
use wire::native::PartitionRoute;

use crate::machine::route::{Destination, Route};

/// A topic's partitions and who leads them.
#[derive(Debug)]
pub struct Topic {
    name: Arc<str>,
    id: TopicId,
    /// By index; `None` where nobody leads.
    routes: Vec<Option<PartitionRoute>>,
    available: Vec<PartitionIndex>,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, id: TopicId, partitions: &[PartitionRoute]) -> Self {
        // Brokers list all partitions; one that lists a single one of them under a high number gets no memory for it.
        let count = partitions.len();
        let mut routes = vec![None; count];
        for route in partitions.iter().filter(|route| route.error.is_none()) {
            let slot = usize::try_from(route.index.0).ok().and_then(|index| routes.get_mut(index));
            if let Some(slot) = slot {
                *slot = Some(*route);
            }
        }
        let available = routes.iter().flatten().map(|route| route.index).collect();
        Self { name, id, routes, available }
    }

    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub fn id(&self) -> TopicId {
        self.id
    }

    pub fn partition_count(&self) -> u32 {
        u32::try_from(self.routes.len()).expect("a frame holds fewer partitions")
    }

    pub fn partitions(&self) -> impl Iterator<Item = PartitionIndex> {
        (0..self.partition_count()).map(PartitionIndex)
    }

    pub fn partition(&self, index: PartitionIndex) -> Option<PartitionId> {
        (index.0 < self.partition_count()).then_some(PartitionId { topic: self.id, index })
    }

    /// Partitions that have a leader, ascending.
    pub fn available(&self) -> &[PartitionIndex] {
        &self.available
    }

    pub(super) fn routes(&self) -> &[Option<PartitionRoute>] {
        &self.routes
    }

    pub(super) fn is_complete(&self) -> bool {
        self.available.len() == self.routes.len()
    }

    pub(super) fn route(&self, index: PartitionIndex) -> Route {
        let route = usize::try_from(index.0).ok().and_then(|index| self.routes.get(index));
        match route {
            Some(Some(route)) => Route::To(Destination { broker: route.leader, core: route.core }),
            Some(None) => Route::Unknown,
            None => Route::Gone,
        }
    }
}
