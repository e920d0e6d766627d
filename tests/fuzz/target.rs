//! What a target is.

use crate::counting_allocator::measure;

/// What a decoder made of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Refused,
    /// It was read, written back and read again to the same.
    Accepted,
}

pub(crate) struct Target {
    /// Panics when something is wrong.
    pub(crate) run: fn(&[u8]) -> Verdict,
    /// Makes lengths and checksums right, so that mutations reach what lies behind them.
    pub(crate) seal: fn(&mut [u8]),
    /// Longest input that is tried.
    pub(crate) input_bytes_max: usize,
    /// Inputs of a run without a time.
    pub(crate) inputs: usize,
}

/// Of a format without lengths and checksums of the whole.
pub(crate) fn unsealed(_: &mut [u8]) {}

/// Runs a decoder and panics when it takes more memory than a constant and so many bytes for each byte of its input.
pub(crate) fn bounded<R>(input: usize, constant: usize, per_byte: usize, decode: impl FnOnce() -> R) -> R {
    let (result, _, peak) = measure(decode);
    let bound = constant + per_byte * input;
    assert!(peak <= bound, "{peak} bytes of memory for an input of {input}: {bound} are allowed");
    result
}
