//! What a disk can be asked to do, by name, and how often and with what success it was.

use std::cell::Cell;
use std::time::Duration;

use super::DiskError;

/// What a disk can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Open,
    Create,
    List,
    Rename,
    Remove,
    SyncFolder,
    SyncAll,
    Replace,
    FreeSpace,
    Write,
    Read,
    Sync,
    WriteThrough,
    Allocate,
    SetLength,
    Close,
}

impl Operation {
    const ALL: [Self; 16] = [
        Self::Open,
        Self::Create,
        Self::List,
        Self::Rename,
        Self::Remove,
        Self::SyncFolder,
        Self::SyncAll,
        Self::Replace,
        Self::FreeSpace,
        Self::Write,
        Self::Read,
        Self::Sync,
        Self::WriteThrough,
        Self::Allocate,
        Self::SetLength,
        Self::Close,
    ];

    /// As a sentence has it before the name of a file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::List => "list",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::SyncFolder | Self::Sync => "sync",
            Self::SyncAll => "sync all of",
            Self::Replace => "replace",
            Self::FreeSpace => "look at the free space of",
            Self::Write => "write",
            Self::Read => "read",
            Self::WriteThrough => "write through",
            Self::Allocate => "allocate space for",
            Self::SetLength => "set the length of",
            Self::Close => "close",
        }
    }

    /// As one word, different for each.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::SyncFolder => "sync_folder",
            Self::SyncAll => "sync_all",
            Self::FreeSpace => "free_space",
            Self::WriteThrough => "write_through",
            Self::Allocate => "allocate",
            Self::SetLength => "set_length",
            Self::Open
            | Self::Create
            | Self::List
            | Self::Rename
            | Self::Remove
            | Self::Replace
            | Self::Write
            | Self::Read
            | Self::Sync
            | Self::Close => self.name(),
        }
    }
}

/// What became of the operations of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskOperations {
    /// One word, different for each kind.
    pub operation: &'static str,
    pub begun: u64,
    /// Ended, or given up by whoever waited.
    pub ended: u64,
    /// Time from their begin to their end, together.
    pub time: Duration,
    /// Those that found the disk full.
    pub no_space: u64,
    /// Those that the disk failed.
    pub failed: u64,
    /// Those that took longer than the limit, once noticed.
    pub stalls: u64,
}

#[derive(Default)]
pub(super) struct OperationCounts([Cell<DiskOperations>; Operation::ALL.len()]);

impl OperationCounts {
    pub(super) fn begin(&self, operation: Operation) {
        self.change(operation, |counts| counts.begun += 1);
    }

    pub(super) fn end(&self, operation: Operation, took: Duration) {
        self.change(operation, |counts| {
            counts.ended += 1;
            counts.time += took;
        });
    }

    pub(super) fn stall(&self, operation: Operation) {
        self.change(operation, |counts| counts.stalls += 1);
    }

    /// Files that are missing, there already, or longer than expected are answers; their asker knows what they mean.
    pub(super) fn refuse(&self, operation: Operation, error: &DiskError) {
        self.change(operation, |counts| match error {
            DiskError::NoSpace { .. } => counts.no_space += 1,
            DiskError::Io { .. } => counts.failed += 1,
            DiskError::NotFound { .. } | DiskError::AlreadyExists { .. } | DiskError::TooLarge { .. } => {}
        });
    }

    pub(super) fn all(&self) -> Vec<DiskOperations> {
        let named =
            |operation: Operation| DiskOperations { operation: operation.word(), ..self.0[operation as usize].get() };
        Operation::ALL.into_iter().map(named).collect()
    }

    fn change(&self, operation: Operation, change: impl FnOnce(&mut DiskOperations)) {
        let cell = &self.0[operation as usize];
        let mut counts = cell.get();
        change(&mut counts);
        cell.set(counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_place_and_a_word_of_its_own() {
        let mut words: Vec<&str> = Operation::ALL.into_iter().map(Operation::word).collect();
        for (place, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, place);
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Operation::ALL.len());
        assert!(words.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_')), "{words:?}");
    }
}
