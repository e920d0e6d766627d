//! The simulated tree of folders: what a listing sees, what is durable, and the changes in between.

use std::collections::{BTreeMap, BTreeSet};

use base::SeededRandom;

/// Identity of a file or folder, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InodeId(pub(super) u64);

pub(super) const ROOT: InodeId = InodeId(0);

type Entries = BTreeMap<String, InodeId>;

/// The entries of all folders.
#[derive(Clone, Default)]
pub(super) struct Tree(BTreeMap<InodeId, Entries>);

impl Tree {
    pub(super) fn with_root() -> Self {
        Self(BTreeMap::from([(ROOT, Entries::new())]))
    }

    pub(super) fn is_folder(&self, inode: InodeId) -> bool {
        self.0.contains_key(&inode)
    }

    pub(super) fn entries(&self, folder: InodeId) -> impl Iterator<Item = (&String, InodeId)> {
        self.0.get(&folder).into_iter().flatten().map(|(name, inode)| (name, *inode))
    }

    pub(super) fn get(&self, folder: InodeId, name: &str) -> Option<InodeId> {
        self.0.get(&folder)?.get(name).copied()
    }

    fn insert(&mut self, place: &Place, inode: InodeId) {
        self.0.entry(place.folder).or_default().insert(place.name.clone(), inode);
    }

    /// True if the name led to `inode`.
    fn remove(&mut self, place: &Place, inode: InodeId) -> bool {
        let led_there = self.get(place.folder, &place.name) == Some(inode);
        if led_there && let Some(entries) = self.0.get_mut(&place.folder) {
            entries.remove(&place.name);
        }
        led_there
    }

    /// Everything that can be reached from the root.
    pub(super) fn reachable(&self) -> BTreeSet<InodeId> {
        let mut found = BTreeSet::from([ROOT]);
        let mut open = vec![ROOT];
        while let Some(folder) = open.pop() {
            for (_, inode) in self.entries(folder) {
                if found.insert(inode) {
                    open.push(inode);
                }
            }
        }
        found
    }

    fn retain(&mut self, kept: &BTreeSet<InodeId>) {
        self.0.retain(|folder, _| kept.contains(folder));
    }
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: InodeId,
    pub(super) name: String,
}

#[derive(Clone, Debug)]
enum Change {
    Link(Place),
    Unlink(Place),
    Rename(Place, Place),
}

/// A change of one or two folders that is not durable yet.
#[derive(Clone, Debug)]
struct Volatile {
    number: u64,
    inode: InodeId,
    change: Change,
}

impl Volatile {
    fn is_in(&self, folder: InodeId) -> bool {
        match &self.change {
            Change::Link(place) | Change::Unlink(place) => place.folder == folder,
            Change::Rename(from, to) => from.folder == folder || to.folder == folder,
        }
    }
}

pub(super) struct Folders {
    pub(super) current: Tree,
    durable: Tree,
    volatile: Vec<Volatile>,
    completed: u64,
}

impl Folders {
    pub(super) fn new() -> Self {
        Self { current: Tree::with_root(), durable: Tree::with_root(), volatile: Vec::new(), completed: 0 }
    }

    pub(super) fn link(&mut self, place: Place, inode: InodeId) {
        self.current.insert(&place, inode);
        self.complete(inode, Change::Link(place));
    }

    /// Makes an empty folder.
    pub(super) fn link_folder(&mut self, place: Place, inode: InodeId) {
        self.current.0.insert(inode, Entries::new());
        // Empty and without a name it means nothing on the medium: it can be there at once.
        self.durable.0.insert(inode, Entries::new());
        self.link(place, inode);
    }

    pub(super) fn unlink(&mut self, place: Place, inode: InodeId) {
        assert!(self.current.remove(&place, inode), "{place:?} was looked up before it is removed");
        self.current.0.remove(&inode);
        self.complete(inode, Change::Unlink(place));
    }

    pub(super) fn rename(&mut self, from: Place, to: Place, inode: InodeId) {
        assert!(self.current.remove(&from, inode), "{from:?} was looked up before it is renamed");
        self.current.insert(&to, inode);
        self.complete(inode, Change::Rename(from, to));
    }

    fn complete(&mut self, inode: InodeId, change: Change) {
        self.completed += 1;
        self.volatile.push(Volatile { number: self.completed, inode, change });
    }

    /// What a sync that is issued now will cover.
    pub(super) fn sync_mark(&self) -> u64 {
        self.completed
    }

    /// Makes the changes of a folder durable, and the earlier ones elsewhere of the same files and folders: a rename
    /// into it can't be durable without the file.
    pub(super) fn sync(&mut self, folder: InodeId, mark: u64) {
        let covered = self.take_covered(folder, mark);
        self.make_durable(covered);
    }

    /// The same for all folders.
    pub(super) fn sync_all(&mut self, mark: u64) {
        let covered = self.volatile.extract_if(.., |volatile| volatile.number <= mark).collect();
        self.make_durable(covered);
    }

    pub(super) fn fail_sync_all(&mut self, mark: u64) {
        self.volatile.retain(|volatile| volatile.number > mark);
    }

    fn make_durable(&mut self, covered: Vec<Volatile>) {
        for Volatile { inode, change, .. } in covered {
            match change {
                Change::Link(place) => self.durable.insert(&place, inode),
                Change::Unlink(place) => drop(self.durable.remove(&place, inode)),
                Change::Rename(from, to) => {
                    self.durable.remove(&from, inode);
                    self.durable.insert(&to, inode);
                }
            }
        }
    }

    /// The changes that the sync should have covered will not survive a crash.
    pub(super) fn fail_sync(&mut self, folder: InodeId, mark: u64) {
        drop(self.take_covered(folder, mark));
    }

    fn take_covered(&mut self, folder: InodeId, mark: u64) -> Vec<Volatile> {
        let mut covered = BTreeSet::new();
        let mut files = BTreeSet::new();
        for volatile in self.volatile.iter().rev().filter(|volatile| volatile.number <= mark) {
            if volatile.is_in(folder) || files.contains(&volatile.inode) {
                covered.insert(volatile.number);
                files.insert(volatile.inode);
            }
        }
        self.volatile.extract_if(.., |volatile| covered.contains(&volatile.number)).collect()
    }

    /// What the medium holds after the power was cut: each change that was not synced has happened or not.
    pub(super) fn crash(&mut self, random: &mut SeededRandom, keep_percent: u64) -> BTreeSet<InodeId> {
        for Volatile { inode, change, .. } in self.volatile.drain(..) {
            if !random.percent(keep_percent) {
                continue;
            }
            match change {
                Change::Link(place) => self.durable.insert(&place, inode),
                Change::Unlink(place) => drop(self.durable.remove(&place, inode)),
                // Of a file whose creation was lost there is nothing to rename.
                Change::Rename(from, to) => {
                    if self.durable.remove(&from, inode) {
                        self.durable.insert(&to, inode);
                    }
                }
            }
        }
        let reachable = self.durable.reachable();
        self.durable.retain(&reachable);
        self.current = self.durable.clone();
        reachable
    }
}
