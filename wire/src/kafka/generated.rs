//! One module an API, and the table of the APIs.
//!
//! Generated from `schemas/kafka/*.txt` by `cargo run -p schemas -- generate`; edit the table.

pub(super) mod api_key;
pub mod api_versions;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_topic_partitions;
pub mod fetch;
pub mod find_coordinator;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
pub mod offset_for_leader_epoch;
pub mod produce;
