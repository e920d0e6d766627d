//! The consumer protocol (KIP-848): the coordinator assigns, and members reconcile one heartbeat after another.

mod group;

pub use group::ConsumerGroup;
