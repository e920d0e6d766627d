//! The Kafka codec against golden bytes, another implementation, and hostile bytes.

mod allocation;
mod fixture;
mod generated;
mod golden;
mod hostile;
mod oracle;
mod tagged;
mod versions;
mod views;
