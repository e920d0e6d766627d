//! The server: listeners, routing, and the drivers of what `cluster` decides.
//!
//! Each core has its [`Core`](core::Core): the shard with its partitions, the leaders' state, the view of the cluster,
//! and the connections that it serves. A request for a partition of another core travels through the [`mesh`]; the
//! owner answers. The metadata's driver, the [`controller`], runs on core 0.

mod activity;
mod addresses;
mod altered;
mod balancing;
pub mod config;
mod controller;
mod core;
mod descriptors;
mod ending;
mod followers;
mod following;
mod groups;
mod handover;
mod hops;
mod http;
mod identity_file;
mod inbound;
mod internal_topics;
mod kafka;
mod lanes;
mod leader;
mod limits;
mod listener;
mod memory;
mod mesh;
mod messages;
pub mod metrics;
mod native;
mod outbound;
mod placement_file;
mod produce;
mod producer_ids;
mod producer_memory;
mod producer_state;
mod reads;
mod recompress;
mod records;
mod refusal;
mod server;
mod stages;
mod standing;
mod start;
mod trims;
mod troubles;
mod view;

pub use descriptors::TooFewDescriptors;
pub use server::{Ready, ServeError, serve};
