//! The nodes that a client is shown: the broker as one, or its lanes.

use base::{BrokerId, CoreId, PartitionId};

use super::wire_index;
use crate::core::Core;
use crate::lanes::{Lanes, Shown};
use crate::view::{ClusterView, Endpoint};

pub(super) struct Nodes<'a> {
    core: &'a Core,
    lanes: Option<&'a Lanes>,
}

impl Core {
    pub(super) fn nodes(&self, shown: Shown) -> Nodes<'_> {
        let lanes = match shown {
            Shown::Host => None,
            Shown::Lanes => self.identity.lanes.as_ref(),
        };
        Nodes { core: self, lanes }
    }
}

impl<'a> Nodes<'a> {
    /// Ids and addresses of all nodes.
    pub(super) fn all(&self) -> Vec<(i32, &'a Endpoint)> {
        match self.lanes {
            Some(lanes) => lanes.nodes().map(|(id, endpoint)| (wire_index(id.0), endpoint)).collect(),
            None => vec![(wire_index(self.core.identity.broker.0), &self.core.identity.kafka)],
        }
    }

    pub(super) fn controller(&self) -> i32 {
        // Core 0 decides; the others send it what they are asked.
        wire_index(self.lanes.map_or(self.core.identity.broker, |lanes| lanes.node_of_core(CoreId(0))).0)
    }

    /// The node to go to for a partition of this broker.
    pub(super) fn of_partition(&self, view: &ClusterView, id: PartitionId) -> (i32, &'a Endpoint) {
        let node = self.of_broker(view, id, self.core.identity.broker);
        *self.all().iter().find(|(id, _)| *id == node).expect("it is one of those shown")
    }

    /// A broker among those that have or lead a partition, as a node.
    pub(super) fn of_broker(&self, view: &ClusterView, id: PartitionId, broker: BrokerId) -> i32 {
        let node = match self.lanes {
            Some(lanes) if broker == self.core.identity.broker => {
                lanes.node_of_core(view.core_of(id).unwrap_or(CoreId(0)))
            }
            _ => broker,
        };
        wire_index(node.0)
    }

    pub(super) fn of_brokers(&self, view: &ClusterView, id: PartitionId, brokers: &[BrokerId]) -> Vec<i32> {
        brokers.iter().map(|broker| self.of_broker(view, id, *broker)).collect()
    }
}
