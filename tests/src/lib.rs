//! What the suites share: real brokers as processes, and plain clients for both doors.

pub mod broker;
pub mod kafka;
pub mod native;
