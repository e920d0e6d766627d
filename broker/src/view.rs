//! What every core knows of the cluster: one value, replaced whole.

use std::sync::Arc;

use base::{BrokerId, CoreId, PartitionId, TopicId};
use cluster::metadata::{MetadataImage, Topic};
use cluster::placement::Placement;

use crate::lanes::Lanes;

/// The metadata and where partitions are, as of one change of the metadata.
#[derive(Clone, Debug)]
pub(crate) struct ClusterView {
    pub(crate) image: MetadataImage,
    pub(crate) placement: Arc<Placement>,
}

/// A view and what is different in it.
#[derive(Clone, Debug)]
pub(crate) struct ViewChange {
    pub(crate) view: Arc<ClusterView>,
    /// Topics that were made, changed or deleted; `None` when the view is the first one.
    pub(crate) topics: Option<Vec<TopicId>>,
    /// A partition that was held because it was to change its core, whether or not it has.
    pub(crate) moved: Option<PartitionId>,
}

impl ClusterView {
    pub(crate) fn topic_named(&self, name: &str) -> Option<&Arc<Topic>> {
        self.image.topic_named(name)
    }

    /// Topics in the order of their names: all, or those after one.
    pub(crate) fn topics_after<'a>(&'a self, after: Option<&'a str>) -> Box<dyn Iterator<Item = &'a Arc<Topic>> + 'a> {
        match after {
            Some(after) => Box::new(self.image.topics_after(after)),
            None => Box::new(self.image.topics()),
        }
    }

    /// The core that owns a partition.
    pub(crate) fn core_of(&self, id: PartitionId) -> Option<CoreId> {
        self.placement.core_of(id)
    }
}

/// What the broker says about itself to clients.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) cluster_id: String,
    pub(crate) broker: BrokerId,
    pub(crate) kafka: Endpoint,
    /// Native address of each core.
    pub(crate) native: Vec<Endpoint>,
    pub(crate) lanes: Option<Lanes>,
}

impl Identity {
    /// Whether a node id is this broker's, or that of one of its lanes, which stand for it at every listener.
    pub(crate) fn is_here(&self, node: BrokerId) -> bool {
        node == self.broker || self.lanes.as_ref().is_some_and(|lanes| lanes.has_node(node))
    }

    /// Puts brokers in the place of nodes that replicas are assigned to: two lanes of a host are one replica twice.
    pub(crate) fn to_brokers(&self, assigned: &mut [i32]) {
        for node in assigned {
            if u32::try_from(*node).is_ok_and(|id| self.is_here(BrokerId(id))) {
                *node = i32::try_from(self.broker.0).expect("the settings bound it");
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Endpoint {
    pub(crate) fn to_wire(&self) -> wire::native::Endpoint<'_> {
        wire::native::Endpoint { host: &self.host, port: self.port }
    }
}
