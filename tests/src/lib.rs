//! What the suites share: real brokers as processes, plain clients for both doors, members of groups, free ports.

pub mod broker;
pub mod groups;
pub mod kafka;
pub mod native;
pub mod ports;
