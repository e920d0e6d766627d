//! What the suites share: real brokers as processes, and a plain client for the Kafka door.

pub mod broker;
pub mod kafka;
