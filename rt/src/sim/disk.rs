//! A simulated disk with a volatile cache, for crashes and faults under a seed.
//!
//! Whatever has completed but was not synced is volatile: writes, changes of a file's length, changes of a folder. A
//! [crash](SimDisk::crash) keeps, loses or tears each of them on its own. A sync makes durable exactly what had
//! completed before it was issued, and nothing of other files; [`Disk::sync_dir`] does so for the entries of one folder.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use base::SeededRandom;

use crate::disk::{Disk, DiskError};

mod attached;
mod between;
mod file;
mod folder;
mod image;
mod state;

pub use between::{Between, Flush, Interference};

use attached::Attached;
use state::State;

/// What a simulated disk is like.
#[derive(Clone, Debug)]
pub struct SimDiskConfig {
    /// Bytes that fit; `None` is without end.
    pub capacity: Option<u64>,
    /// Whether space that was allocated is set aside. On a thin disk it isn't, and a write into it may find no space.
    pub allocation: Allocation,
    /// In a crash, of 100 writes that were not synced, so many survive whole ...
    pub keep_percent: u64,
    /// ... and so many lose any of their sectors. The others are lost.
    pub tear_percent: u64,
    /// A read takes from the first up to the second, and likewise the others.
    pub read_delay: (Duration, Duration),
    pub write_delay: (Duration, Duration),
    pub sync_delay: (Duration, Duration),
    pub folder_delay: (Duration, Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    Reserved,
    Thin,
}

impl Default for SimDiskConfig {
    fn default() -> Self {
        let micros = |from, to| (Duration::from_micros(from), Duration::from_micros(to));
        Self {
            capacity: None,
            allocation: Allocation::Reserved,
            keep_percent: 40,
            tear_percent: 30,
            read_delay: micros(40, 1_000),
            write_delay: micros(20, 1_000),
            sync_delay: micros(40, 3_000),
            folder_delay: micros(20, 2_000),
        }
    }
}

/// What an operation is to the fault switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskOperation {
    Read,
    Write,
    /// Of a file.
    Sync,
    /// Of a folder.
    SyncDir,
    /// Of a file's length.
    SetLen,
    /// Of space.
    Allocate,
    /// Whatever looks into the tree of folders or changes it: open, create, list, rename, remove.
    Folders,
}

/// How much a disk has been asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCounters {
    /// Files that were opened, new ones among them.
    pub opens: u64,
    pub reads: u64,
    pub read_bytes: u64,
    pub writes: u64,
    pub write_bytes: u64,
    pub syncs: u64,
    pub dir_syncs: u64,
    /// Files that were cut, or extended with zeroes.
    pub lengths_set: u64,
    /// Creations, renames and removals.
    pub folder_changes: u64,
}

/// A handle to a simulated disk. It outlives the simulations that use the disk; clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    shared: Rc<Shared>,
}

/// What the handle and the attached disks have in common.
struct Shared {
    state: RefCell<State>,
    config: SimDiskConfig,
    random: RefCell<SeededRandom>,
    /// Counts the crashes: what was opened before one is dead.
    epoch: Cell<u64>,
    slowness: Cell<u32>,
    faults: RefCell<Vec<Fault>>,
    counters: Cell<DiskCounters>,
}

/// The `countdown`-th operation of its kind from now fails, and so do `more` after it.
struct Fault {
    operation: DiskOperation,
    countdown: u64,
    more: u64,
}

impl SimDisk {
    pub fn new(seed: u64, config: SimDiskConfig) -> Self {
        assert!(config.keep_percent + config.tear_percent <= 100, "more than all writes survive or tear");
        let state = State::new(config.capacity, config.allocation);
        Self {
            shared: Rc::new(Shared {
                state: RefCell::new(state),
                config,
                random: RefCell::new(SeededRandom::new(seed)),
                epoch: Cell::new(0),
                slowness: Cell::new(1),
                faults: RefCell::default(),
                counters: Cell::default(),
            }),
        }
    }

    /// The disk as the programs of a simulation use it. Attach it again after a crash.
    pub fn attach(&self) -> Rc<dyn Disk> {
        Rc::new(Attached::new(self.shared.clone()))
    }

    /// Cuts the power: what was not synced is kept, lost or torn, each on its own. What is still open is dead from now
    /// on. (A process that just dies loses only what it had not handed over yet: no call is needed for that.)
    pub fn crash(&self) {
        let Shared { state, config, random, epoch, .. } = &*self.shared;
        epoch.set(epoch.get() + 1);
        state.borrow_mut().crash(&mut random.borrow_mut(), config);
    }

    /// Lets the `nth` such operation from now fail with EIO, counted from 1.
    ///
    /// A failed write may leave any of its sectors written. A failed sync loses what it should have made durable, while
    /// the next one says that all is well.
    pub fn fail_nth(&self, operation: DiskOperation, nth: u64) {
        assert!(nth > 0, "operations are counted from 1");
        self.shared.faults.borrow_mut().push(Fault { operation, countdown: nth, more: 0 });
    }

    /// Lets all such operations fail with EIO from now on.
    pub fn fail_all(&self, operation: DiskOperation) {
        self.shared.faults.borrow_mut().push(Fault { operation, countdown: 1, more: u64::MAX });
    }

    /// Takes back all failures that are set and have not happened.
    pub fn heal(&self) {
        self.shared.faults.borrow_mut().clear();
    }

    /// Makes the disk larger or smaller. What is already there stays.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.shared.state.borrow_mut().set_capacity(capacity);
    }

    /// Lets everything take `factor` times as long.
    pub fn slow_down(&self, factor: u32) {
        assert!(factor > 0, "a disk takes time");
        self.shared.slowness.set(factor);
    }

    /// Turns one bit of a file around, on the medium and in what is read. Panics if the file has no such byte.
    pub fn flip_bit(&self, path: &Path, pos: u64, bit: u8) {
        self.shared.state.borrow_mut().flip_bit(path, pos, bit);
    }

    /// The content of a file as a read would see it, or `None` if there is no such file.
    pub fn dump(&self, path: &Path) -> Option<Vec<u8>> {
        self.shared.state.borrow().dump(path)
    }

    /// Every file with its length, as a listing would see it, by path.
    pub fn files(&self) -> VecDeque<(String, u64)> {
        self.shared.state.borrow().files()
    }

    pub fn counters(&self) -> DiskCounters {
        self.shared.counters.get()
    }
}

impl Shared {
    /// Counts an operation against the faults that are set; whether it fails.
    fn fails(&self, operation: DiskOperation) -> bool {
        let mut fails = false;
        self.faults.borrow_mut().retain_mut(|fault| {
            if fault.operation != operation {
                return true;
            }
            fault.countdown -= 1;
            if fault.countdown > 0 {
                return true;
            }
            fails = true;
            fault.countdown = 1;
            let again = fault.more > 0;
            fault.more = fault.more.saturating_sub(1);
            again
        });
        fails
    }

    fn delay(&self, (from, to): (Duration, Duration)) -> Duration {
        super::world::draw_delay(&mut self.random.borrow_mut(), from, to) * self.slowness.get()
    }

    fn count(&self, add: impl FnOnce(&mut DiskCounters)) {
        let mut counters = self.counters.get();
        add(&mut counters);
        self.counters.set(counters);
    }
}

/// The error of a file that was opened before a crash.
fn stale(operation: &'static str, path: &Path) -> DiskError {
    DiskError::from_errno(operation, path, libc::ESTALE)
}

#[cfg(test)]
mod tests;
