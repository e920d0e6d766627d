//! Where a group shall resume, worked out for one partition.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Earliest,
    Latest,
    Offset(u64),
    Shift(i64),
    /// The first record of this time or a later one, in milliseconds since 1970.
    Time(u64),
    Current,
}

/// What is known of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) committed: Option<u64>,
    pub(super) start: u64,
    pub(super) end: u64,
    /// The first offset of the time asked for, if a record is that late.
    pub(super) at_time: Option<u64>,
}

/// An offset to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) offset: u64,
    /// What was asked for, where the log does not have it.
    pub(super) asked: Option<i128>,
}

impl Target {
    /// `None` for a shift from nowhere.
    pub(super) fn resolve(self, known: Known) -> Option<Resolved> {
        let wanted = match self {
            Self::Earliest => i128::from(known.start),
            Self::Latest => i128::from(known.end),
            Self::Offset(offset) => i128::from(offset),
            Self::Shift(by) => i128::from(known.committed?) + i128::from(by),
            Self::Time(_) => i128::from(known.at_time.unwrap_or(known.end)),
            // As Kafka's tool: who has no place yet begins with what comes.
            Self::Current => i128::from(known.committed.unwrap_or(known.end)),
        };
        let clamped = wanted.clamp(i128::from(known.start), i128::from(known.end.max(known.start)));
        let offset = u64::try_from(clamped).expect("it lies between two of them");
        Some(Resolved { offset, asked: (clamped != wanted).then_some(wanted) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known { committed: Some(50), start: 10, end: 100, at_time: Some(70) };

    fn offset(target: Target, known: Known) -> (u64, Option<i128>) {
        let resolved = target.resolve(known).expect("it is somewhere");
        (resolved.offset, resolved.asked)
    }

    #[test]
    fn each_target_is_an_offset_of_the_log() {
        let cases = [
            (Target::Earliest, 10),
            (Target::Latest, 100),
            (Target::Offset(60), 60),
            (Target::Shift(-15), 35),
            (Target::Shift(20), 70),
            (Target::Time(1), 70),
            (Target::Current, 50),
        ];
        for (target, expected) in cases {
            assert_eq!(offset(target, KNOWN), (expected, None), "{target:?}");
        }
    }

    #[test]
    fn what_the_log_does_not_have_becomes_its_nearest_end_and_is_said() {
        let cases = [
            (Target::Offset(9), (10, Some(9))),
            (Target::Offset(101), (100, Some(101))),
            (Target::Shift(-60), (10, Some(-10))),
            (Target::Shift(i64::MAX), (100, Some(i128::from(i64::MAX) + 50))),
            (Target::Shift(i64::MIN), (10, Some(i128::from(i64::MIN) + 50))),
        ];
        for (target, expected) in cases {
            assert_eq!(offset(target, KNOWN), expected, "{target:?}");
        }
        let deleted = Known { committed: Some(5), ..KNOWN };
        assert_eq!(offset(Target::Current, deleted), (10, Some(5)));
    }

    #[test]
    fn a_partition_without_a_commit_or_without_records_has_a_place_where_there_can_be_one() {
        let new = Known { committed: None, start: 0, end: 0, at_time: None };
        assert_eq!(offset(Target::Current, Known { end: 9, ..new }), (9, None));
        assert_eq!(offset(Target::Time(5), Known { end: 9, ..new }), (9, None));
        assert_eq!(offset(Target::Earliest, new), (0, None));
        assert_eq!(Target::Shift(1).resolve(new), None);
    }
}
