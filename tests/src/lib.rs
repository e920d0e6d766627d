//! What the suites share: real brokers as processes, plain clients for both doors, members of groups, free ports.

pub mod broker;
pub mod groups;
pub mod http;
pub mod kafka;
pub mod metrics;
pub mod native;
pub mod ports;
