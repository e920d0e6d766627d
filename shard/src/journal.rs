//! The journal of one core: every partition's new batches in one stream, flushed together.
//!
//! An append copies its entry into the open buffer and returns. A buffer that is full is written at once. The
//! committer seals what has gathered into a *group*, waits for its writes, flushes once, and then tells everybody who
//! waits: one flush carries all partitions of the core (group commit, without a timer: the next group gathers while
//! this one is on its way). A flushed block is never written again before its bytes have been recycled.
//!
//! A write or flush that fails poisons the journal: nothing after it is acknowledged, and the next start decides from
//! what can be read back. A failed flush is never tried again, because the kernel may say "done" the second time.

mod commit;
pub mod direct;
pub mod entry;
mod found;
mod group;
pub(crate) mod measured;
mod preparing;
pub mod replay;
pub mod ring;
mod room;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::task::{Poll, Waker};

use base::{Offset, PartitionId};
use rt::{Disk, DiskError, DiskFile, Flag, IoBuf, JoinHandle, Notify};
use wire::batch::HEADER_BYTES;

use self::direct::Marker;
use self::entry::{ENTRY_ALIGNMENT, EntryHeader, EntryKind, JournalIdentity, Lsn, log_start_body};
use self::group::{Group, Groups};
use self::measured::{GroupCommits, Measured};
use self::ring::{RingLayout, RingState};
use crate::bytes::length;
use crate::flush::{self, Through};
use crate::limits;
use crate::log::SegmentPosition;
use crate::log::chunks::DirectBlocks;
use crate::task_queues::{FOREGROUND, WRITE_BACK};

/// When a partition's records count as safe, and with that may be acknowledged and read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Written to the disk, flushed within the flush interval (`corelane.durability=relaxed`).
    Relaxed,
    /// Written and flushed.
    #[default]
    Flushed,
}

/// How far a partition has come in a group. The last one of each partition counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    pub slot: u32,
    pub end: Offset,
    pub position: SegmentPosition,
    /// Where the log begins once the group is flushed.
    pub log_start: Offset,
    pub durability: Durability,
}

/// Hears which partitions have become safe up to where.
pub type StableListener = Rc<dyn Fn(&[Touched], Durability)>;

/// Brings blocks of a partition's segment to the disk and flushes them.
pub type DirectWriter = Rc<dyn Fn(u32, DirectBlocks) -> JoinHandle<Result<(), DiskError>>>;

/// What a journal needs of its owner.
pub struct JournalOwner {
    pub listener: StableListener,
    pub write_direct: DirectWriter,
}

/// Where a journal stands: what a checkpoint has to remember to replay from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalPosition {
    pub lsn: Lsn,
    /// CRC of the entry before, which the next entry names.
    pub previous_crc: u32,
}

/// How a journal begins after recovery: empty, at a position that was never used in this incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalStart {
    pub identity: JournalIdentity,
    pub layout: RingLayout,
    pub lsn: Lsn,
    /// Files of the ring that recovery has found ready; see [`RingState::prepared`].
    pub prepared: u64,
}

impl JournalStart {
    pub(crate) fn ring(&self) -> RingState {
        RingState { layout: self.layout, prepared: self.prepared }
    }
}

/// What an append does with the last part of the ring. When the disk is full the ring cannot be recycled, and it must
/// still take the records that free space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    Keep,
    Use,
}

/// One batch on its way into the journal.
#[derive(Clone, Copy, Debug)]
pub struct JournalBatch<'a> {
    pub partition: PartitionId,
    /// With base offset and leader epoch assigned.
    pub header: &'a [u8; HEADER_BYTES],
    pub payload: &'a [u8],
    /// Where it lies in its segment.
    pub at: SegmentPosition,
}

/// An entry's body in pieces.
#[derive(Clone, Copy)]
struct Entry<'a> {
    kind: EntryKind,
    partition: PartitionId,
    front: &'a [u8; HEADER_BYTES],
    rest: &'a [&'a [u8]],
    /// Where the batch goes, if only its marker is here.
    direct: Option<DirectBlocks>,
}

struct OpenBuffer {
    buffer: IoBuf,
    start: Lsn,
}

struct State {
    open: Option<OpenBuffer>,
    next: JournalPosition,
    gathering: Group,
    groups: Groups,
    written: Lsn,
    flushed: Lsn,
    /// Everything before this is in segments and may be overwritten.
    recycled: Lsn,
    /// Bytes of batches that went straight to segments: all, flushed ones, and those that no replay looks at any more.
    /// They take no place in the ring, but a replay reads them like the ring: so they count as if they were in it.
    direct: DirectBytes,
    /// Files ready for writing, counted along the ring from the one that the journal began in.
    prepared: u32,
    ring: RingState,
    poisoned: Option<DiskError>,
}

#[derive(Clone, Copy, Default)]
struct DirectBytes {
    all: u64,
    flushed: u64,
    recycled: u64,
}

struct Waiter {
    lsn: Lsn,
    waker: Waker,
}

/// See the module's documentation. Belongs to one core; cheap to share on it.
pub struct Journal {
    start: JournalStart,
    files: RefCell<Vec<Option<Rc<dyn DiskFile>>>>,
    state: RefCell<State>,
    work: Flag,
    changed: Notify,
    room: Notify,
    waiters: [RefCell<Vec<Waiter>>; 2],
    owner: JournalOwner,
    flush_wanted: Cell<bool>,
    closing: Cell<bool>,
    /// Bytes that may wait to be recycled, so that a start can replay them in time.
    unreplayed_bytes_max: Cell<u64>,
    measured: Measured,
}

impl Journal {
    /// Opens or makes the ring's first file and starts the committer; the other files are made in the background.
    pub async fn open(
        disk: Rc<dyn Disk>,
        folder: PathBuf,
        start: JournalStart,
        owner: JournalOwner,
    ) -> Result<Rc<Self>, DiskError> {
        assert!(start.lsn.0.is_multiple_of(rt::BLOCK_BYTES as u64), "a journal begins at a block");
        disk.create_dir_all(&folder).await?;
        let journal = Rc::new(Self {
            start,
            files: RefCell::new(vec![None; length(u64::from(start.layout.files))]),
            state: RefCell::new(State {
                open: None,
                next: JournalPosition { lsn: start.lsn, previous_crc: 0 },
                gathering: Group::default(),
                groups: Groups::default(),
                written: start.lsn,
                flushed: start.lsn,
                recycled: start.lsn,
                direct: DirectBytes::default(),
                prepared: 0,
                ring: start.ring(),
                poisoned: None,
            }),
            work: Flag::new(),
            changed: Notify::new(),
            room: Notify::new(),
            waiters: [const { RefCell::new(Vec::new()) }; 2],
            owner,
            flush_wanted: Cell::new(false),
            closing: Cell::new(false),
            unreplayed_bytes_max: Cell::new(u64::MAX),
            measured: Measured::new(start.lsn),
        });
        journal.prepare_next(&*disk, &folder).await?;
        drop(rt::spawn(WRITE_BACK, Rc::clone(&journal).prepare_rest(disk, folder)));
        drop(rt::spawn(FOREGROUND, Rc::clone(&journal).commit_groups()));
        Ok(journal)
    }

    /// Adds a batch to the open group and returns the end of its entry. Copies; waits for nothing.
    ///
    /// The caller has made sure that [`Journal::room_for`] is true.
    pub fn append(&self, batch: JournalBatch<'_>, touched: Touched) -> Result<Lsn, DiskError> {
        let kind = if batch.at.position == 0 { EntryKind::FirstBatch } else { EntryKind::Batch };
        let (partition, front, rest) = (batch.partition, batch.header, &[batch.payload]);
        self.add(Entry { kind, partition, front, rest, direct: None }, touched)
    }

    /// As [`Journal::append`], but only a marker goes into the ring; the group writes the batch's blocks to its segment.
    pub fn append_direct(
        &self,
        batch: JournalBatch<'_>,
        blocks: DirectBlocks,
        touched: Touched,
    ) -> Result<Lsn, DiskError> {
        let marker = Marker::new(batch.at, batch.header, batch.payload);
        let (partition, front, rest) = (batch.partition, batch.header, &marker.pieces());
        let direct = Some(blocks);
        let end = self.add(Entry { kind: EntryKind::Direct, partition, front, rest, direct }, touched)?;
        // More groups may be under way with this one.
        self.changed.notify_all();
        Ok(end)
    }

    /// Adds an entry that moves the start of a partition's log to `touched.log_start`, and returns its end. The group
    /// that it is in is flushed. The caller has made sure that there is room for [`entry::LOG_START_BYTES`].
    pub fn append_log_start(&self, partition: PartitionId, touched: Touched) -> Result<Lsn, DiskError> {
        let front = &log_start_body(touched.log_start);
        self.add(Entry { kind: EntryKind::LogStart, partition, front, rest: &[], direct: None }, touched)
    }

    fn add(&self, entry: Entry<'_>, touched: Touched) -> Result<Lsn, DiskError> {
        let mut state = self.state.borrow_mut();
        if let Some(cause) = &state.poisoned {
            return Err(cause.clone());
        }
        let end = self.put_entry(&mut state, entry);
        state.gathering.touch(touched);
        state.gathering.flush_if(entry.kind == EntryKind::LogStart);
        if let Some(blocks) = entry.direct {
            state.direct.all += u64::from(blocks.to - blocks.from);
            state.gathering.direct.push((touched.slot, blocks));
        }
        drop(state);
        self.work.raise();
        Ok(end)
    }

    /// Copies one entry; gives the end of it.
    fn put_entry(&self, state: &mut State, entry: Entry<'_>) -> Lsn {
        let body_bytes = HEADER_BYTES + entry.rest.iter().map(|piece| piece.len()).sum::<usize>();
        let body_bytes = u32::try_from(body_bytes).expect("batches are below 4 GiB");
        let header = EntryHeader {
            kind: entry.kind,
            lsn: state.next.lsn,
            flushed: state.flushed,
            partition: entry.partition,
            body_bytes,
            previous_crc: state.next.previous_crc,
            identity: self.start.identity,
        };
        let (envelope, crc) = header.encode(entry.front);
        let end = state.next.lsn.plus(EntryHeader::total_bytes(body_bytes));
        self.put(state, &envelope);
        self.put(state, entry.front);
        entry.rest.iter().for_each(|piece| self.put(state, piece));
        let padding = length(end.since(state.next.lsn));
        self.put(state, &[0; ENTRY_ALIGNMENT][..padding]);
        assert_eq!(state.next.lsn, end, "an entry takes exactly its size");
        state.next.previous_crc = crc;
        end
    }

    /// Copies bytes into the open buffer, and sends each buffer off as it fills.
    fn put(&self, state: &mut State, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let start = state.next.lsn;
            let open = state.open.get_or_insert_with(|| {
                let room = self.start.layout.place(start).room;
                let capacity = limits::JOURNAL_BUFFER_BYTES.min(usize::try_from(room).unwrap_or(usize::MAX));
                OpenBuffer { buffer: IoBuf::alloc(capacity), start }
            });
            let taken = open.buffer.append(bytes);
            bytes = &bytes[taken..];
            let full = open.buffer.remaining() == 0;
            state.next.lsn = start.plus(taken as u64);
            if full {
                self.send_buffer(state, Through::No);
            }
        }
    }

    /// Starts the write of the open buffer, if there is one.
    fn send_buffer(&self, state: &mut State, through: Through) {
        let Some(OpenBuffer { buffer, start }) = state.open.take() else { return };
        let place = self.start.layout.place(start);
        let file = Rc::clone(self.files.borrow()[place.file].as_ref().expect("room is given in prepared files only"));
        let write = rt::spawn(FOREGROUND, async move { flush::write(&*file, buffer, place.position, through).await });
        state.gathering.add_write(place.file, write);
    }

    /// Resolves once everything before `lsn` is safe in the sense of `durability`, or the journal is poisoned.
    pub async fn reached(&self, lsn: Lsn, durability: Durability) -> Result<(), DiskError> {
        std::future::poll_fn(|context| {
            if let Some(result) = self.has_reached(lsn, durability) {
                return Poll::Ready(result);
            }
            self.waiters[durability as usize].borrow_mut().push(Waiter { lsn, waker: context.waker().clone() });
            Poll::Pending
        })
        .await
    }

    /// Whether [`Journal::reached`] would resolve at once, and how.
    pub fn has_reached(&self, lsn: Lsn, durability: Durability) -> Option<Result<(), DiskError>> {
        let state = self.state.borrow();
        let reached = match durability {
            Durability::Relaxed => state.written,
            Durability::Flushed => state.flushed,
        };
        if reached >= lsn {
            return Some(Ok(()));
        }
        state.poisoned.clone().map(Err)
    }

    pub fn position(&self) -> JournalPosition {
        self.state.borrow().next
    }

    pub fn flushed(&self) -> Lsn {
        self.state.borrow().flushed
    }

    pub fn poisoned(&self) -> Option<DiskError> {
        self.state.borrow().poisoned.clone()
    }

    /// What group commits were like so far.
    pub fn group_commits(&self) -> GroupCommits {
        self.measured.counts()
    }

    pub fn start(&self) -> JournalStart {
        self.start
    }

    /// The ring as the next checkpoint has to know it.
    pub fn ring(&self) -> RingState {
        self.state.borrow().ring
    }

    /// Asks for a flush of everything written so far, for partitions that do not wait for one.
    pub fn request_flush(&self) {
        let behind = {
            let state = self.state.borrow();
            state.flushed < state.next.lsn
        };
        if behind {
            self.flush_wanted.set(true);
            self.work.raise();
        }
    }

    /// Flushes everything and ends the committer. Appends after this are a mistake of the caller.
    pub async fn close(&self) -> Result<(), DiskError> {
        self.request_flush();
        let end = self.position().lsn;
        let result = self.reached(end, Durability::Flushed).await;
        self.closing.set(true);
        self.work.raise();
        result
    }
}
