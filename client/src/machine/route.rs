//! Where requests go.

use std::fmt;

use base::{BrokerId, CoreId, PartitionId};

/// One core of one broker: the unit that requests are gathered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    pub broker: BrokerId,
    pub core: CoreId,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "core {} of broker {}", self.core, self.broker)
    }
}

/// The way to a partition, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    To(Destination),
    /// It has no leader at present, or has not been asked for yet.
    Unknown,
    /// Its topic was deleted, or deleted and made again: this partition is gone for good.
    Gone,
}

/// Whoever knows the way.
pub trait Routes {
    fn route(&self, partition: PartitionId) -> Route;
}
