//! Bytes in and out, without I/O and without a clock.

mod generated;
pub mod internal;
pub mod native;
mod verification;
