//! Identity, fence and order of an idempotent producer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Identity of an idempotent producer, given out once and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerId(u64);

impl ProducerId {
    pub const fn new(value: u64) -> Option<Self> {
        if value > i64::MAX as u64 { None } else { Some(Self(value)) }
    }

    /// -1 means "not idempotent" on the wire and is `None` here.
    pub const fn from_wire(value: i64) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value.cast_unsigned())) }
    }

    pub const fn to_wire(self) -> i64 {
        self.0.cast_signed()
    }

    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts the incarnations of one producer id; older ones are fenced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerEpoch(u16);

impl ProducerEpoch {
    pub const ZERO: Self = Self(0);

    pub const fn from_wire(value: i16) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value.cast_unsigned())) }
    }

    pub const fn to_wire(self) -> i16 {
        self.0.cast_signed()
    }

    /// `None` once the signed 16 bits of the wire are used up: the producer then needs a new id (KIP-360).
    pub const fn next(self) -> Option<Self> {
        if self.0 < i16::MAX.cast_unsigned() { Some(Self(self.0 + 1)) } else { None }
    }
}

impl fmt::Display for ProducerEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a record in the order in which one producer sent to one partition. After 2^31 - 1 comes 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sequence(u32);

impl Sequence {
    pub const ZERO: Self = Self(0);
    const MODULUS: u32 = 1 << 31;

    /// -1 means "not idempotent" on the wire and is `None` here.
    pub const fn from_wire(value: i32) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value.cast_unsigned())) }
    }

    pub const fn to_wire(self) -> i32 {
        self.0.cast_signed()
    }

    /// The sequence `count` records further on, wrapping to 0 after 2^31 - 1.
    pub const fn plus(self, count: u32) -> Self {
        assert!(count < Self::MODULUS, "a batch cannot span all sequences");
        Self((self.0 + count) % Self::MODULUS)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_wrap_to_zero_after_the_largest_signed_number() {
        let last = Sequence::from_wire(i32::MAX).unwrap();
        assert_eq!(last.plus(1), Sequence::ZERO);
        assert_eq!(last.plus(3).to_wire(), 2);
        assert_eq!(Sequence::from_wire(-1), None);
    }

    #[test]
    fn the_last_epoch_has_no_next() {
        assert_eq!(ProducerEpoch::from_wire(i16::MAX).unwrap().next(), None);
        assert_eq!(ProducerEpoch::ZERO.next(), ProducerEpoch::from_wire(1));
    }
}
