//! The content of a simulated disk.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::rc::Rc;

use base::SeededRandom;

use super::file::{Change, File};
use super::folder::{Folders, InodeId, Place, ROOT, Tree};
use super::image::SECTOR_BYTES;
use super::{Allocation, SimDiskConfig};
use crate::BLOCK_BYTES;
use crate::disk::{DirEntry, OpenMode, components};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// What a disk without a limit says is free.
const FREE_WITHOUT_LIMIT: u64 = 1 << 40;

/// An error number, as the kernel would give it.
pub(super) type Errno = i32;

/// How far each file and the folders had come when a sync of all was issued.
pub(super) struct SyncMarks {
    files: Vec<(InodeId, u64)>,
    pub(super) folders: u64,
}

pub(super) struct State {
    pub(super) folders: Folders,
    files: BTreeMap<InodeId, File>,
    /// Changes of files that have begun and not completed, in the order of their beginning.
    under_way: BTreeMap<u64, (InodeId, Change)>,
    next_inode: u64,
    begun: u64,
    capacity: Option<u64>,
    allocation: Allocation,
}

impl State {
    pub(super) fn new(capacity: Option<u64>, allocation: Allocation) -> Self {
        Self {
            folders: Folders::new(),
            files: BTreeMap::new(),
            under_way: BTreeMap::new(),
            next_inode: 1,
            begun: 0,
            capacity,
            allocation,
        }
    }

    pub(super) fn crash(&mut self, random: &mut SeededRandom, config: &SimDiskConfig) {
        for id in self.under_way.keys().copied().collect::<Vec<u64>>() {
            self.abandon(id, random);
        }
        let reachable = self.folders.crash(random, config.keep_percent);
        self.files.retain(|inode, _| reachable.contains(inode));
        self.files.values_mut().for_each(|file| file.crash(random, config));
    }

    pub(super) fn set_capacity(&mut self, capacity: Option<u64>) {
        self.capacity = capacity;
    }

    pub(super) fn open(&mut self, path: &Path, mode: OpenMode) -> Result<(InodeId, Created), Errno> {
        let place = self.place(path)?;
        match self.tree().get(place.folder, &place.name) {
            Some(inode) if self.tree().is_folder(inode) => Err(libc::EISDIR),
            Some(_) if mode == OpenMode::CreateNew => Err(libc::EEXIST),
            Some(inode) => Ok((inode, Created::No)),
            None if mode == OpenMode::Existing => Err(libc::ENOENT),
            None => {
                let inode = self.new_inode();
                self.files.insert(inode, File::default());
                self.folders.link(place, inode);
                Ok((inode, Created::Yes))
            }
        }
    }

    /// Says how many folders it made.
    pub(super) fn create_dir_all(&mut self, path: &Path) -> Result<u64, Errno> {
        let mut folder = ROOT;
        let mut made = 0;
        for name in components(path).ok_or(libc::EINVAL)? {
            folder = match self.tree().get(folder, name) {
                Some(inode) if self.tree().is_folder(inode) => inode,
                Some(_) => return Err(libc::EEXIST),
                None => {
                    let inode = self.new_inode();
                    self.folders.link_folder(Place { folder, name: name.to_owned() }, inode);
                    made += 1;
                    inode
                }
            };
        }
        Ok(made)
    }

    pub(super) fn list(&self, path: &Path) -> Result<Vec<DirEntry>, Errno> {
        let folder = self.folder(path)?;
        let entries = self.tree().entries(folder).map(|(name, inode)| DirEntry {
            name: name.clone(),
            is_dir: self.tree().is_folder(inode),
            len: self.files.get(&inode).map_or(0, |file| file.current.len()),
        });
        Ok(entries.collect())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Errno> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        let inode = self.tree().get(from.folder, &from.name).ok_or(libc::ENOENT)?;
        if from == to {
            return Ok(());
        }
        let is_folder = self.tree().is_folder(inode);
        if is_folder && self.is_below(to.folder, inode) {
            return Err(libc::EINVAL);
        }
        if let Some(replaced) = self.tree().get(to.folder, &to.name) {
            match (is_folder, self.tree().is_folder(replaced)) {
                (false, true) => return Err(libc::EISDIR),
                (true, false) => return Err(libc::ENOTDIR),
                (true, true) if self.tree().entries(replaced).next().is_some() => return Err(libc::ENOTEMPTY),
                (true, true) | (false, false) => {}
            }
        }
        self.folders.rename(from, to, inode);
        Ok(())
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> Result<(), Errno> {
        let place = self.place(path)?;
        let inode = self.tree().get(place.folder, &place.name).ok_or(libc::ENOENT)?;
        if self.tree().is_folder(inode) {
            return Err(libc::EISDIR);
        }
        self.folders.unlink(place, inode);
        Ok(())
    }

    pub(super) fn remove_empty_dir(&mut self, path: &Path) -> Result<(), Errno> {
        let place = self.place(path)?;
        let folder = self.folder(path)?;
        if self.tree().entries(folder).next().is_some() {
            return Err(libc::ENOTEMPTY);
        }
        self.folders.unlink(place, folder);
        Ok(())
    }

    /// Says how many files and folders it removed.
    pub(super) fn remove_dir_all(&mut self, path: &Path) -> Result<u64, Errno> {
        let place = self.place(path)?;
        let folder = self.folder(path)?;
        let removed = self.remove_entries(folder);
        self.folders.unlink(place, folder);
        Ok(removed + 1)
    }

    fn remove_entries(&mut self, folder: InodeId) -> u64 {
        let entries: Vec<(String, InodeId)> =
            self.tree().entries(folder).map(|(name, inode)| (name.clone(), inode)).collect();
        let mut removed = 0;
        for (name, inode) in entries {
            removed += 1 + self.remove_entries(inode);
            self.folders.unlink(Place { folder, name }, inode);
        }
        removed
    }

    /// The folder at a path.
    pub(super) fn folder(&self, path: &Path) -> Result<InodeId, Errno> {
        let inode = self.lookup(path)?;
        if self.tree().is_folder(inode) { Ok(inode) } else { Err(libc::ENOTDIR) }
    }

    /// The file at a path.
    pub(super) fn file_at(&self, path: &Path) -> Result<InodeId, Errno> {
        let inode = self.lookup(path)?;
        if self.tree().is_folder(inode) { Err(libc::EISDIR) } else { Ok(inode) }
    }

    pub(super) fn file(&mut self, inode: InodeId) -> &mut File {
        self.files.get_mut(&inode).expect("a file lives as long as its disk's power lasts")
    }

    /// Begins a sync of the whole disk; gives what it will cover.
    pub(super) fn begin_sync_all(&mut self) -> SyncMarks {
        let files = self.files.iter_mut().map(|(inode, file)| (*inode, file.begin_sync()));
        SyncMarks { files: files.collect(), folders: self.folders.sync_mark() }
    }

    pub(super) fn sync_all(&mut self, marks: &SyncMarks) {
        for (inode, mark) in &marks.files {
            self.file(*inode).sync(*mark);
        }
        self.folders.sync_all(marks.folders);
    }

    pub(super) fn fail_sync_all(&mut self, marks: &SyncMarks) {
        for (inode, mark) in &marks.files {
            self.file(*inode).fail_sync(*mark);
        }
        self.folders.fail_sync_all(marks.folders);
    }

    pub(super) fn read(&self, inode: InodeId, pos: u64, len: usize) -> Vec<u8> {
        self.files[&inode].current.get(pos..pos.saturating_add(len as u64))
    }

    pub(super) fn len(&self, inode: InodeId) -> u64 {
        self.files[&inode].current.len()
    }

    pub(super) fn begin(&mut self, inode: InodeId, change: Change) -> u64 {
        self.begun += 1;
        self.under_way.insert(self.begun, (inode, change));
        self.begun
    }

    /// Takes out a change that is under way; `None` if a crash did.
    pub(super) fn end(&mut self, id: u64) -> Option<Change> {
        self.under_way.remove(&id).map(|(_, change)| change)
    }

    /// Nobody waits for the change any more: it has happened or not.
    pub(super) fn abandon(&mut self, id: u64, random: &mut SeededRandom) {
        if let Some((inode, change)) = self.under_way.remove(&id)
            && random.one_in(2)
        {
            // A write that found no space is no news to anybody.
            self.complete(inode, change).ok();
        }
    }

    /// A write fails and leaves some of its sectors, or none.
    pub(super) fn tear(&mut self, inode: InodeId, pos: u64, bytes: &[u8], mut coin: impl FnMut() -> bool) {
        if coin() {
            return;
        }
        let mut torn = self.read(inode, pos, bytes.len());
        torn.resize(bytes.len(), 0);
        for (old, new) in torn.chunks_mut(SECTOR_BYTES).zip(bytes.chunks(SECTOR_BYTES)) {
            if coin() {
                old.copy_from_slice(new);
            }
        }
        self.complete(inode, Change::Write { pos, bytes: torn.into() }).ok();
    }

    /// Does what fits: a write that doesn't leaves its first blocks.
    pub(super) fn complete(&mut self, inode: InodeId, change: Change) -> Result<(), Errno> {
        let Err(errno) = self.check_space(inode, &change) else {
            self.file(inode).complete(change);
            return Ok(());
        };
        if let Change::Write { pos, bytes } = change {
            let fits = (1..=bytes.len() / BLOCK_BYTES)
                .rev()
                .map(|blocks| Change::Write { pos, bytes: Rc::from(&bytes[..blocks * BLOCK_BYTES]) });
            let fits = fits.into_iter().find(|part| self.check_space(inode, part).is_ok());
            if let Some(part) = fits {
                self.file(inode).complete(part);
            }
        }
        Err(errno)
    }

    fn check_space(&self, inode: InodeId, change: &Change) -> Result<(), Errno> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        let file = &self.files[&inode].current;
        let more = match (self.allocation, change) {
            (Allocation::Reserved, change) => {
                change.len_after(file.len()).div_ceil(BLOCK).saturating_sub(file.len().div_ceil(BLOCK))
            }
            (Allocation::Thin, Change::Write { pos, bytes }) => {
                let mut after = file.clone();
                after.put(*pos, bytes);
                after.blocks() - file.blocks()
            }
            (Allocation::Thin, Change::SetLen(_) | Change::Allocate(_)) => 0,
        };
        if more == 0 || (self.used_blocks() + more) * BLOCK <= capacity { Ok(()) } else { Err(libc::ENOSPC) }
    }

    fn used_blocks(&self) -> u64 {
        // Files that have no name any more give their space back.
        let named = self.tree().reachable();
        let files = self.files.iter().filter(|(inode, _)| named.contains(inode));
        files
            .map(|(_, file)| match self.allocation {
                Allocation::Reserved => file.current.len().div_ceil(BLOCK),
                Allocation::Thin => file.current.blocks(),
            })
            .sum()
    }

    pub(super) fn free_bytes(&self) -> u64 {
        match self.capacity {
            Some(capacity) => capacity.saturating_sub(self.used_blocks() * BLOCK),
            None => FREE_WITHOUT_LIMIT,
        }
    }

    pub(super) fn flip_bit(&mut self, path: &Path, pos: u64, bit: u8) {
        let inode = self.file_at(path).unwrap_or_else(|_| panic!("there is no file {path:?}"));
        assert!(pos < self.len(inode), "{path:?} has no byte {pos}");
        self.file(inode).flip(pos, bit);
    }

    pub(super) fn dump(&self, path: &Path) -> Option<Vec<u8>> {
        let inode = self.file_at(path).ok()?;
        Some(self.files[&inode].current.get(0..u64::MAX))
    }

    pub(super) fn files(&self) -> VecDeque<(String, u64)> {
        let mut found = VecDeque::new();
        let mut open = vec![(String::new(), ROOT)];
        while let Some((path, folder)) = open.pop() {
            for (name, inode) in self.tree().entries(folder) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                match self.files.get(&inode) {
                    Some(file) => found.push_back((path, file.current.len())),
                    None => open.push((path, inode)),
                }
            }
        }
        found.make_contiguous().sort();
        found
    }

    fn tree(&self) -> &Tree {
        &self.folders.current
    }

    fn lookup(&self, path: &Path) -> Result<InodeId, Errno> {
        let names = components(path).ok_or(libc::EINVAL)?;
        names.into_iter().try_fold(ROOT, |folder, name| self.tree().get(folder, name).ok_or(libc::ENOENT))
    }

    fn place(&self, path: &Path) -> Result<Place, Errno> {
        let mut names = components(path).ok_or(libc::EINVAL)?;
        let name = names.pop().ok_or(libc::EINVAL)?.to_owned();
        let folder =
            names.into_iter().try_fold(ROOT, |folder, name| self.tree().get(folder, name).ok_or(libc::ENOENT))?;
        if self.tree().is_folder(folder) { Ok(Place { folder, name }) } else { Err(libc::ENOTDIR) }
    }

    fn is_below(&self, inode: InodeId, folder: InodeId) -> bool {
        inode == folder || self.tree().entries(folder).any(|(_, entry)| self.is_below(inode, entry))
    }

    fn new_inode(&mut self) -> InodeId {
        self.next_inode += 1;
        InodeId(self.next_inode - 1)
    }
}

/// Whether opening made the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Created {
    Yes,
    No,
}
