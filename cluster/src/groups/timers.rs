//! Deadlines, the earliest first.

use std::collections::{BTreeMap, BTreeSet};

use base::Instant;

use super::{GroupId, MemberId};

/// What a deadline is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// Members of a classic group had this long to join.
    ClassicJoin,
    /// Members of a classic group had this long to sync.
    ClassicSync,
    /// A classic member, or one that was told to join with its id, has been silent.
    ClassicSession(MemberId),
    /// A member of a consumer group has been silent.
    ConsumerSession(MemberId),
    /// A member of a consumer group had this long to give its partitions back.
    ConsumerRevocation(MemberId),
    /// A classic member of a consumer group had this long to join again.
    ConsumerJoin(MemberId),
    /// A classic member of a consumer group had this long to sync.
    ConsumerSync(MemberId),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey {
    pub(super) group: GroupId,
    pub(super) alarm: Alarm,
}

/// A set of deadlines. One that has passed may have to wait for its group; until it is taken, it can still be cancelled
/// or put off.
#[derive(Debug, Default)]
pub(super) struct Timers {
    at: BTreeMap<TimerKey, Deadline>,
    order: BTreeSet<(Instant, TimerKey)>,
    fired: BTreeSet<TimerKey>,
}

#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Instant,
    /// Where it stands in the order. Sessions are put off with each sign of life: they stay where they are until that
    /// comes, and only then take their new place.
    place: Instant,
}

impl Timers {
    pub(super) fn schedule(&mut self, key: TimerKey, at: Instant) {
        if let Some(deadline) = self.at.get_mut(&key).filter(|deadline| deadline.place <= at) {
            deadline.at = at;
            return;
        }
        self.cancel(&key);
        self.at.insert(key.clone(), Deadline { at, place: at });
        self.order.insert((at, key));
    }

    pub(super) fn schedule_if_absent(&mut self, key: TimerKey, at: Instant) {
        if !self.at.contains_key(&key) && !self.fired.contains(&key) {
            self.schedule(key, at);
        }
    }

    pub(super) fn cancel(&mut self, key: &TimerKey) {
        if let Some(Deadline { place, .. }) = self.at.remove(key) {
            let removed = self.order.remove(&(place, key.clone()));
            assert!(removed, "the deadline of {key:?} was not in order");
        }
        self.fired.remove(key);
    }

    /// Cancels all deadlines of one group.
    pub(super) fn cancel_group(&mut self, group: &GroupId) {
        let first = TimerKey { group: group.clone(), alarm: Alarm::ClassicJoin };
        let scheduled = self.at.range(&first..).map(|(key, _)| key);
        let of_group: Vec<_> = scheduled.take_while(|key| key.group == *group).cloned().collect();
        let fired: Vec<_> = self.fired.range(&first..).take_while(|key| key.group == *group).cloned().collect();
        of_group.iter().chain(&fired).for_each(|key| self.cancel(key));
    }

    /// The earliest deadline that has passed. It counts as fired until it is taken.
    pub(super) fn fire(&mut self, now: Instant) -> Option<TimerKey> {
        loop {
            if self.order.first()?.0 > now {
                return None;
            }
            let (_, key) = self.order.pop_first()?;
            let deadline = self.at.get_mut(&key).expect("what is in order has a deadline");
            if deadline.at <= now {
                self.at.remove(&key);
                self.fired.insert(key.clone());
                return Some(key);
            }
            deadline.place = deadline.at;
            self.order.insert((deadline.place, key));
        }
    }

    /// Whether a deadline that fired still stands; it is forgotten with the answer.
    pub(super) fn take(&mut self, key: &TimerKey) -> bool {
        self.fired.remove(key)
    }

    /// When to look again; a deadline that was put off is looked at once too often.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(group: &str, member: &str) -> TimerKey {
        TimerKey { group: group.into(), alarm: Alarm::ClassicSession(member.into()) }
    }

    #[test]
    fn the_earliest_deadline_fires_first_and_only_once() {
        let mut timers = Timers::default();
        timers.schedule(key("g", "b"), Instant(20));
        timers.schedule(key("g", "a"), Instant(10));
        timers.schedule(key("g", "b"), Instant(30));
        assert_eq!(timers.next(), Some(Instant(10)));
        assert_eq!(timers.fire(Instant(9)), None);
        assert_eq!(timers.fire(Instant(25)), Some(key("g", "a")));
        assert_eq!(timers.fire(Instant(25)), None, "the later deadline replaced the earlier one");
        assert!(timers.take(&key("g", "a")));
        assert!(!timers.take(&key("g", "a")));
    }

    #[test]
    fn a_deadline_that_is_put_off_again_and_again_fires_at_the_last_time_and_one_that_is_brought_forward_at_the_first()
    {
        let mut timers = Timers::default();
        for at in 10..40 {
            timers.schedule(key("g", "a"), Instant(at));
            assert_eq!(timers.fire(Instant(at - 1)), None);
        }
        assert_eq!(timers.fire(Instant(38)), None);
        assert_eq!((timers.next(), timers.order.len()), (Some(Instant(39)), 1));
        timers.schedule(key("g", "a"), Instant(20));
        assert_eq!(timers.fire(Instant(20)), Some(key("g", "a")));
        assert_eq!((timers.next(), timers.order.len()), (None, 0));
        timers.schedule(key("g", "a"), Instant(50));
        timers.schedule(key("g", "a"), Instant(60));
        timers.cancel(&key("g", "a"));
        assert_eq!((timers.fire(Instant(99)), timers.order.len()), (None, 0));
    }

    #[test]
    fn a_deadline_that_was_put_off_or_cancelled_after_it_fired_does_not_stand() {
        let mut timers = Timers::default();
        for member in ["a", "b", "c"] {
            timers.schedule(key("g", member), Instant(1));
            timers.fire(Instant(1));
        }
        timers.schedule(key("g", "a"), Instant(5));
        timers.cancel(&key("g", "b"));
        timers.schedule_if_absent(key("g", "c"), Instant(5));
        assert!(!timers.take(&key("g", "a")) && !timers.take(&key("g", "b")));
        assert!(timers.take(&key("g", "c")));
    }

    #[test]
    fn cancelling_a_group_leaves_the_others_alone() {
        let mut timers = Timers::default();
        for group in ["a", "b", "c"] {
            timers.schedule(key(group, "m"), Instant(1));
            timers.schedule(TimerKey { group: group.into(), alarm: Alarm::ConsumerSync("z".into()) }, Instant(2));
        }
        timers.cancel_group(&"b".into());
        let mut fired = Vec::new();
        while let Some(key) = timers.fire(Instant(9)) {
            fired.push(key.group.as_str().to_owned());
        }
        assert_eq!(fired, ["a", "c", "a", "c"]);
    }
}
