//! Bytes in and out: record batches with their checksums and compression, the Kafka protocol, and the native one.
//! Pure functions on bytes: no I/O and no clock.

pub mod batch;
pub mod compress;
pub mod error_code;
pub mod gather;
mod generated;
pub mod internal;
pub mod kafka;
pub mod native;
pub mod payload;
pub mod varint;
mod verification;

pub use compress::{Codec, Compressor, DecompressError, Decompressor};
pub use error_code::ErrorCode;
