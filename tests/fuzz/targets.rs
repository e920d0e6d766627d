//! The decoders.

pub(crate) mod batch;
pub(crate) mod group_records;
pub(crate) mod kafka;
pub(crate) mod native;
pub(crate) mod storage;
pub(crate) mod text;
