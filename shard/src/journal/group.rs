//! Groups of entries that are written and flushed together, and their order.

use std::collections::VecDeque;

use rt::{DiskError, JoinHandle};

use super::entry::Lsn;
use super::{Durability, Touched};
use crate::flush::Through;
use crate::log::chunks::DirectBlocks;

/// A group while it gathers.
#[derive(Default)]
pub(super) struct Group {
    pub(super) writes: Vec<JoinHandle<Result<(), DiskError>>>,
    /// Files of the ring that the writes go to: one, or two at a seam.
    files: Vec<usize>,
    touched: Vec<Touched>,
    pub(super) entries: u64,
    /// Blocks of partitions' segments that are to be there when the group is done.
    pub(super) direct: Vec<(u32, DirectBlocks)>,
    pub(super) flush: bool,
    /// Its only write flushes itself.
    pub(super) through: Through,
}

impl Group {
    pub(super) fn add_write(&mut self, file: usize, write: JoinHandle<Result<(), DiskError>>) {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
        self.writes.push(write);
    }

    pub(super) fn touch(&mut self, touched: Touched) {
        self.entries += 1;
        self.flush |= touched.durability == Durability::Flushed;
        // Runs of appends to one partition are the common case; anything else is settled by order.
        match self.touched.last_mut() {
            Some(last) if last.slot == touched.slot => *last = touched,
            _ => self.touched.push(touched),
        }
    }

    /// Flushes the group whatever its partitions otherwise ask for.
    pub(super) fn flush_if(&mut self, forced: bool) {
        self.flush |= forced;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Writing,
    Written,
    Flushed,
}

struct Sealed {
    number: u64,
    end: Lsn,
    /// Bytes up to here that went straight to segments.
    direct: u64,
    progress: Progress,
    files: Vec<usize>,
    touched: Vec<Touched>,
    flush: bool,
    announced_written: bool,
}

/// What has become safe, in the order of the journal.
pub(super) struct Reached {
    pub(super) end: Lsn,
    pub(super) direct: u64,
    pub(super) touched: Vec<Touched>,
}

/// Sealed groups from the oldest that is not yet flushed to the newest.
#[derive(Default)]
pub(super) struct Groups {
    sealed: VecDeque<Sealed>,
    next_number: u64,
}

impl Groups {
    pub(super) fn begin(&mut self, end: Lsn, direct: u64, group: &mut Group) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.sealed.push_back(Sealed {
            number,
            end,
            direct,
            progress: Progress::Writing,
            files: std::mem::take(&mut group.files),
            touched: std::mem::take(&mut group.touched),
            flush: group.flush,
            announced_written: false,
        });
        number
    }

    /// Groups that still have I/O of their own to finish.
    pub(super) fn in_flight(&self) -> usize {
        self.sealed.iter().filter(|group| group.progress == Progress::Writing || self.flushes_itself(group)).count()
    }

    fn flushes_itself(&self, group: &Sealed) -> bool {
        group.flush && group.progress < Progress::Flushed
    }

    /// Whether a group without a flush of its own waits for a later one's.
    pub(super) fn has_unflushed_debt(&self) -> bool {
        self.sealed.iter().any(|group| !group.flush && group.progress < Progress::Flushed)
    }

    pub(super) fn written(&mut self, number: u64) {
        self.find(number).progress = Progress::Written;
    }

    pub(super) fn earlier_still_writing(&self, number: u64) -> bool {
        self.sealed.iter().any(|group| group.number < number && !group.flush && group.progress == Progress::Writing)
    }

    /// The group's own files and those of earlier groups that have no flush of their own.
    pub(super) fn files_to_flush(&mut self, number: u64) -> Vec<usize> {
        let mut files: Vec<usize> = self
            .sealed
            .iter()
            .filter(|group| group.number == number || (group.number < number && !group.flush))
            .flat_map(|group| group.files.iter().copied())
            .collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The group's flush is done; it also covered earlier groups without one.
    pub(super) fn flushed(&mut self, number: u64) {
        for group in &mut self.sealed {
            if group.number == number || (group.number < number && !group.flush) {
                assert!(group.progress >= Progress::Written, "group {} is flushed before it is written", group.number);
                group.progress = Progress::Flushed;
            }
        }
    }

    /// Groups that are written, each reported once, in order.
    pub(super) fn take_written(&mut self) -> Option<Reached> {
        let mut reached: Option<Reached> = None;
        for group in &mut self.sealed {
            if group.progress == Progress::Writing {
                break;
            }
            if !std::mem::replace(&mut group.announced_written, true) {
                let so_far = reached.get_or_insert_with(|| Reached {
                    end: group.end,
                    direct: group.direct,
                    touched: Vec::new(),
                });
                so_far.end = group.end;
                so_far.direct = group.direct;
                so_far.touched.extend_from_slice(&group.touched);
            }
        }
        reached
    }

    /// Groups that are flushed, in order; they are forgotten here.
    pub(super) fn take_flushed(&mut self) -> Option<Reached> {
        let mut reached: Option<Reached> = None;
        while self.sealed.front().is_some_and(|group| group.progress == Progress::Flushed) {
            let group = self.sealed.pop_front().expect("the front was looked at");
            match &mut reached {
                None => reached = Some(Reached { end: group.end, direct: group.direct, touched: group.touched }),
                Some(so_far) => {
                    so_far.end = group.end;
                    so_far.direct = group.direct;
                    so_far.touched.extend_from_slice(&group.touched);
                }
            }
        }
        reached
    }

    fn find(&mut self, number: u64) -> &mut Sealed {
        self.sealed.iter_mut().find(|group| group.number == number).expect("a group in flight is in the list")
    }
}

#[cfg(test)]
mod tests {
    use base::Offset;

    use super::*;
    use crate::log::SegmentPosition;

    fn touched(slot: u32, end: u64, durability: Durability) -> Touched {
        let position = SegmentPosition { segment: Offset::ZERO, position: 0 };
        Touched { slot, end: Offset::new(end).unwrap(), position, log_start: Offset::ZERO, durability }
    }

    fn sealed(groups: &mut Groups, end: u64, durability: Durability) -> u64 {
        let mut group = Group::default();
        group.touch(touched(0, end, durability));
        group.files.push(usize::try_from(end).unwrap());
        groups.begin(Lsn(end), 0, &mut group)
    }

    #[test]
    fn a_later_group_that_is_flushed_first_waits_for_the_earlier_one() {
        let mut groups = Groups::default();
        let first = sealed(&mut groups, 1, Durability::Flushed);
        let second = sealed(&mut groups, 2, Durability::Flushed);
        groups.written(second);
        assert!(groups.take_written().is_none());
        groups.flushed(second);
        assert!(groups.take_flushed().is_none());
        groups.written(first);
        assert_eq!(groups.take_written().unwrap().end, Lsn(2));
        groups.flushed(first);
        assert_eq!(groups.take_flushed().unwrap().end, Lsn(2));
        assert_eq!(groups.in_flight(), 0);
    }

    #[test]
    fn a_flush_covers_earlier_groups_that_asked_for_none_but_only_once_they_are_written() {
        let mut groups = Groups::default();
        let relaxed = sealed(&mut groups, 1, Durability::Relaxed);
        let strict = sealed(&mut groups, 2, Durability::Flushed);
        groups.written(strict);
        assert!(groups.earlier_still_writing(strict));
        groups.written(relaxed);
        assert!(!groups.earlier_still_writing(strict));
        assert_eq!(groups.files_to_flush(strict), [1, 2]);
        assert_eq!(groups.in_flight(), 1, "the relaxed group has no I/O left");
        groups.flushed(strict);
        assert_eq!(groups.take_flushed().unwrap().end, Lsn(2));
    }

    #[test]
    fn only_the_last_of_a_run_of_appends_to_one_partition_is_kept() {
        let mut group = Group::default();
        group.touch(touched(7, 1, Durability::Flushed));
        group.touch(touched(7, 2, Durability::Flushed));
        group.touch(touched(8, 5, Durability::Flushed));
        group.touch(touched(7, 3, Durability::Flushed));
        assert_eq!(group.touched.iter().map(|t| (t.slot, t.end.get())).collect::<Vec<_>>(), [(7, 2), (8, 5), (7, 3)]);
    }
}
