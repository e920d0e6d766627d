//! Positions in a partition's log, and the epochs of its leaders.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Position of a record in one partition's log; dense, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Offset(u64);

impl Offset {
    pub const ZERO: Self = Self(0);
    /// Offsets travel as signed 64-bit numbers, so this is the last one.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// `None` above [`Offset::MAX`].
    pub const fn new(value: u64) -> Option<Self> {
        if value > Self::MAX.0 { None } else { Some(Self(value)) }
    }

    /// The offset that the wire carries; negative numbers have special meanings there and are `None` here.
    pub const fn from_wire(value: i64) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value.cast_unsigned())) }
    }

    pub const fn to_wire(self) -> i64 {
        self.0.cast_signed()
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// The offset `count` records further on.
    pub const fn plus(self, count: u64) -> Self {
        let value = self.0 + count;
        assert!(value <= Self::MAX.0, "a partition has run out of offsets");
        Self(value)
    }

    /// The offset just before; `None` at the beginning of the log.
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// How many records lie between `earlier` and this offset.
    pub const fn since(self, earlier: Self) -> u64 {
        assert!(self.0 >= earlier.0, "the earlier offset is the later one");
        self.0 - earlier.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts the leaders of a partition; a leader of an older epoch is fenced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaderEpoch(u32);

impl LeaderEpoch {
    pub const ZERO: Self = Self(0);

    /// `None` above what the wire's signed 32 bits can carry.
    pub const fn new(value: u32) -> Option<Self> {
        if value > i32::MAX as u32 { None } else { Some(Self(value)) }
    }

    /// The epoch that the wire carries; -1 means "not known" there and is `None` here.
    pub const fn from_wire(value: i32) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value.cast_unsigned())) }
    }

    pub const fn to_wire(self) -> i32 {
        self.0.cast_signed()
    }

    pub const fn get(self) -> u32 {
        self.0
    }

    pub const fn next(self) -> Self {
        assert!(self.0 < i32::MAX.cast_unsigned(), "a partition has run out of leader epochs");
        Self(self.0 + 1)
    }
}

impl fmt::Display for LeaderEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_on_the_wire_are_no_offsets_and_no_epochs() {
        assert_eq!(Offset::from_wire(-1), None);
        assert_eq!(Offset::from_wire(i64::MIN), None);
        assert_eq!(Offset::from_wire(i64::MAX), Some(Offset::MAX));
        assert_eq!(Offset::MAX.to_wire(), i64::MAX);
        assert_eq!(Offset::new(u64::MAX), None);
        assert_eq!(LeaderEpoch::from_wire(-1), None);
        assert_eq!(LeaderEpoch::from_wire(7).map(LeaderEpoch::next), LeaderEpoch::new(8));
    }

    #[test]
    fn distance_and_advance_are_inverse() {
        let base = Offset::new(40).unwrap();
        assert_eq!(base.plus(2).since(base), 2);
        assert_eq!(Offset::ZERO.previous(), None);
        assert_eq!(base.plus(1).previous(), Some(base));
    }
}
