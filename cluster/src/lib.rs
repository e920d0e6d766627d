//! Decisions without I/O: what the cluster's metadata says, what a topic's settings mean, whether a producer's batch is
//! new, which core owns a partition, who consumes what in a group.
//!
//! Nothing here reads a clock, draws randomness, waits, or iterates in an order that differs between runs
//! (`clippy.toml` holds that). Machines whose state is kept in a log have two halves: `decide` reads and proposes
//! records, `apply` alone changes state, live and in recovery alike. So a state is always the fold of its records.

pub mod balancer;
pub mod fetch_sessions;
pub mod groups;
pub mod limits;
pub mod metadata;
pub mod placement;
pub mod producers;
pub mod settings;
mod shared_map;
