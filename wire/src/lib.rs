//! Bytes in and out: the protocols that Corelane speaks, as pure functions on bytes. No I/O and no clock.

pub mod gather;
pub mod kafka;
pub mod payload;
