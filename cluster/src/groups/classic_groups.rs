//! The classic groups of a coordinator, and what they take of memory.

use std::collections::BTreeMap;
use std::ops::Index;

use super::GroupId;
use super::classic::ClassicGroup;

/// Counts what each change makes of a group's memory.
#[derive(Default)]
pub(super) struct ClassicGroups {
    groups: BTreeMap<GroupId, ClassicGroup>,
    memory: usize,
}

impl ClassicGroups {
    pub(super) fn insert(&mut self, id: GroupId, group: ClassicGroup) {
        self.memory += group.memory();
        if let Some(before) = self.groups.insert(id, group) {
            self.memory -= before.memory();
        }
    }

    pub(super) fn remove(&mut self, id: &GroupId) -> Option<ClassicGroup> {
        let removed = self.groups.remove(id)?;
        self.memory -= removed.memory();
        Some(removed)
    }

    /// Lets a group change, if there is one.
    pub(super) fn change<R>(&mut self, id: &GroupId, change: impl FnOnce(&mut ClassicGroup) -> R) -> Option<R> {
        let group = self.groups.get_mut(id)?;
        let before = group.memory();
        let result = change(group);
        self.memory = self.memory - before + group.memory();
        Some(result)
    }

    pub(super) fn get(&self, id: &GroupId) -> Option<&ClassicGroup> {
        self.groups.get(id)
    }

    pub(super) fn contains(&self, id: &GroupId) -> bool {
        self.groups.contains_key(id)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &ClassicGroup> {
        self.groups.values()
    }

    /// Bytes that all of them take.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}

impl Index<&GroupId> for ClassicGroups {
    type Output = ClassicGroup;

    fn index(&self, id: &GroupId) -> &ClassicGroup {
        &self.groups[id]
    }
}
