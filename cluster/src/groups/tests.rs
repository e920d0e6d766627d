//! Exact tests, by protocol, and what they share.

mod classic_join;
mod classic_leave;
mod classic_static;
mod classic_sync;
mod desk;
mod failing;
mod offsets;
mod properties;
mod removal;
