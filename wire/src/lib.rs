//! Bytes in and out: record batches, their checksums and compression, and Kafka's error codes. No I/O, no clock.

pub mod batch;
pub mod compress;
pub mod error_code;
pub mod varint;

pub use compress::{Codec, Compressor, DecompressError, Decompressor};
pub use error_code::ErrorCode;
