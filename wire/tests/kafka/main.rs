//! The Kafka codec, and the records of groups, against golden bytes, another implementation, and hostile bytes.

mod allocation;
mod captured;
mod fixture;
mod generated;
mod golden;
mod group_records;
mod hostile;
mod oracle;
mod tagged;
mod versions;
mod views;
