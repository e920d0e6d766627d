//! Which group may do something, and which must wait for its records.
//!
//! While records that change a group are on their way into the log, the group stands still: what is asked of it waits
//! in line. So its memory never runs ahead of the log, and when an append fails there is nothing to undo. Commits of
//! offsets do not change the group and overlap with each other and with everything but the removal of offsets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::proposal::{Sharing, Then, Work};
use super::timers::Alarm;
use super::{Append, BatchId, GroupId, GroupRecord, memory};
use crate::limits::GROUP_REQUESTS_WAITING_MAX;

#[derive(Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<GroupId, Lane>,
    in_flight: BTreeMap<BatchId, InFlight>,
    next_batch: u64,
    waiting: usize,
    /// What the records under way add at most to the memory of groups when they are applied.
    memory: usize,
}

#[derive(Default)]
struct Lane {
    exclusive: bool,
    shared: usize,
    waiting: VecDeque<Work>,
}

pub(super) struct InFlight {
    pub(super) group: GroupId,
    pub(super) records: Arc<Vec<GroupRecord>>,
    memory: usize,
    pub(super) sharing: Sharing,
    pub(super) then: Then,
    /// The deadline that the records follow from.
    pub(super) alarm: Option<Alarm>,
}

/// The answer to somebody who wants to do something.
pub(super) enum Admission {
    Go(Work),
    /// It is in line.
    Waits,
    /// The line is full.
    Full(Work),
}

impl Lanes {
    pub(super) fn admit(&mut self, group: &GroupId, work: Work) -> Admission {
        let Some(lane) = self.lanes.get_mut(group) else { return Admission::Go(work) };
        if lane.waiting.is_empty() && lane.admits(&work) {
            return Admission::Go(work);
        }
        // Alarms are as many as members, and the rest is the coordinator's own: both are bounded elsewhere.
        if matches!(work, Work::Request(..)) && self.waiting >= GROUP_REQUESTS_WAITING_MAX {
            return Admission::Full(work);
        }
        self.waiting += 1;
        lane.waiting.push_back(work);
        Admission::Waits
    }

    /// Whether nothing is under way in a group.
    pub(super) fn is_idle(&self, group: &GroupId) -> bool {
        !self.lanes.contains_key(group)
    }

    /// The next work of a group that can be done now.
    pub(super) fn next(&mut self, group: &GroupId) -> Option<Work> {
        let lane = self.lanes.get_mut(group)?;
        if lane.waiting.front().is_some_and(|work| lane.admits(work)) {
            self.waiting -= 1;
            return lane.waiting.pop_front();
        }
        if lane.is_idle() {
            self.lanes.remove(group);
        }
        None
    }

    pub(super) fn begin(
        &mut self,
        group: GroupId,
        records: Vec<GroupRecord>,
        sharing: Sharing,
        then: Then,
        alarm: Option<Alarm>,
    ) -> Append {
        assert!(!records.is_empty(), "group {group} proposed no records");
        let lane = self.lanes.entry(group.clone()).or_default();
        assert!(!lane.exclusive, "group {group} proposed records while others were under way");
        match sharing {
            Sharing::Exclusive => lane.exclusive = true,
            Sharing::Shared => lane.shared += 1,
        }
        let batch = BatchId(self.next_batch);
        self.next_batch += 1;
        let memory = records.iter().map(memory::of_record).sum();
        self.memory += memory;
        let records = Arc::new(records);
        self.in_flight.insert(batch, InFlight { group, records: records.clone(), memory, sharing, then, alarm });
        Append { batch, records }
    }

    /// Ends what a batch held up. `None` for a batch that is not under way.
    pub(super) fn end(&mut self, batch: BatchId) -> Option<InFlight> {
        let ended = self.in_flight.remove(&batch)?;
        self.memory -= ended.memory;
        let lane = self.lanes.get_mut(&ended.group).expect("a batch under way keeps its lane");
        match ended.sharing {
            Sharing::Exclusive => lane.exclusive = false,
            Sharing::Shared => lane.shared -= 1,
        }
        Some(ended)
    }

    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// The first batch under way.
    pub(super) fn first_in_flight(&self) -> Option<BatchId> {
        self.in_flight.first_key_value().map(|(batch, _)| *batch)
    }

    pub(super) fn groups_in_flight(&self) -> impl Iterator<Item = &GroupId> {
        self.in_flight.values().map(|batch| &batch.group)
    }

    /// All that is under way and all that waits.
    pub(super) fn into_parts(self) -> (Vec<InFlight>, Vec<Work>) {
        let waiting = self.lanes.into_values().flat_map(|lane| lane.waiting).collect();
        (self.in_flight.into_values().collect(), waiting)
    }
}

impl Lane {
    fn admits(&self, work: &Work) -> bool {
        !self.exclusive && (self.shared == 0 || !work.needs_quiet())
    }

    fn is_idle(&self) -> bool {
        !self.exclusive && self.shared == 0 && self.waiting.is_empty()
    }
}
