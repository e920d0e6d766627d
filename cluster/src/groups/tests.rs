//! Exact tests, by protocol, and what they share.

mod classic_join;
mod classic_leave;
mod classic_static;
mod classic_sync;
mod consumer_epochs;
mod consumer_join;
mod consumer_losses;
mod consumer_static;
mod consumer_topics;
mod cooperative;
mod describe;
mod desk;
mod failing;
mod memory;
mod migration;
mod offsets;
mod properties;
mod removal;
