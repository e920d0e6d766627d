//! Conversions between the numbers of a measurement, each saturating where the other type ends.

/// Nearest whole number; zero for what is negative or no number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate, which is meant")]
pub(crate) fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// Whole nanoseconds of so many seconds.
pub(crate) fn nanos(seconds: f64) -> u64 {
    whole(seconds * 1e9)
}

/// Microseconds, rounded up, and one at least: a histogram holds no zero.
pub(crate) fn micros(nanos: u64) -> u64 {
    nanos.div_ceil(1_000).max(1)
}

/// An index from a number on the wire or in a record.
pub(crate) fn index(value: u32) -> usize {
    usize::try_from(value).expect("addresses have at least 32 bits")
}

/// A count or index that configuration bounds below 2^32.
pub(crate) fn short(value: usize) -> u32 {
    u32::try_from(value).expect("bounded by the scenario's validation")
}

pub(crate) fn large(value: usize) -> u64 {
    u64::try_from(value).expect("addresses have at most 64 bits")
}
