//! Segments: the files that a partition's batches end up in, and the index beside each.

pub(crate) mod checked;
pub mod index;
pub(crate) mod reader;
pub(crate) mod scan;
mod search;
mod spans;
mod timestamps;
