//! The consumer protocol (KIP-848): the coordinator assigns, and members reconcile one heartbeat after another.
//!
//! Each change of what members want or of what topics there are gives the group its next epoch, and the epoch its
//! target: who should have what. A member moves towards the target by itself. It is told what to give back, says that it
//! has, takes the epoch, and gets the rest as soon as nobody else holds it. So no two members have a partition at a time,
//! and nobody waits for members that have nothing to do with it.

mod classic_member;
mod confirmed;
mod fence;
mod group;
mod heartbeat;
mod reconcile;
mod subscription;
mod target;

pub(super) use classic_member::classic_assignment;
pub(super) use confirmed::Confirmation;
pub use group::ConsumerGroup;
pub(super) use group::remove_member;
pub(super) use subscription::Topics;
