//! Segments: the files that a partition's batches end up in, and the index beside each.

pub(crate) mod checked;
mod extents;
pub mod index;
mod read_ahead;
mod read_files;
mod read_pace;
pub(crate) mod reader;
pub(crate) mod scan;
mod search;
mod sequences;
mod spans;
mod timestamps;
