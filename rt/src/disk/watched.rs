//! Watches what a disk is asked to do: an operation that takes too long is named while it does, and counted.
//!
//! An operation costs an entry in a list and two looks at the clock, no timer. Somebody has to call
//! [`WatchedDisk::look`] now and then.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use base::Instant;
use bytes::Bytes;

use super::operations::{DiskOperations, Operation, OperationCounts};
use super::{DirEntry, Disk, DiskError, DiskFile, DiskFuture, OpenMode};
use crate::buffer::IoBuf;
use crate::time::now;

/// Operations that are named in the log between two looks. Of a device that hangs, more would say nothing new.
const NAMED_MAX: u64 = 8;

/// Operations that took longer than the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskStalls {
    /// Those that were noticed, whether or not they have ended.
    pub count: u64,
    /// Those that are under way.
    pub under_way: usize,
    pub longest: Duration,
}

/// An operation that has been under way for longer than the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StalledOperation {
    /// One word, as [`DiskOperations`] has it.
    pub operation: &'static str,
    /// As the disk's user named it; empty for the disk itself.
    pub path: Rc<Path>,
    pub lasting: Duration,
}

/// A disk that is watched. Clones watch together.
#[derive(Clone)]
pub struct WatchedDisk {
    disk: Rc<dyn Disk>,
    watch: Rc<Watch>,
}

struct WatchedFile {
    file: Rc<dyn DiskFile>,
    path: Rc<Path>,
    watch: Rc<Watch>,
}

struct Watch {
    limit: Duration,
    flights: RefCell<Flights>,
    operations: OperationCounts,
    count: Cell<u64>,
    longest: Cell<Duration>,
    /// Named in the log since the last look.
    named: Cell<u64>,
}

/// Operations under way, each in a place of its own.
#[derive(Default)]
struct Flights {
    places: Vec<Option<Flight>>,
    free: Vec<usize>,
}

struct Flight {
    operation: Operation,
    path: Rc<Path>,
    begun: Instant,
    noticed: Noticed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noticed {
    No,
    Counted,
    Named,
}

/// Ends its operation when it is dropped.
struct Flying<'a> {
    watch: &'a Watch,
    operation: Operation,
    place: usize,
}

impl WatchedDisk {
    /// Operations that take longer than `limit` are stalls.
    pub fn new(disk: Rc<dyn Disk>, limit: Duration) -> Self {
        let watch = Watch {
            limit,
            flights: RefCell::default(),
            operations: OperationCounts::default(),
            count: Cell::new(0),
            longest: Cell::new(Duration::ZERO),
            named: Cell::new(0),
        };
        Self { disk, watch: Rc::new(watch) }
    }

    /// Names what has stalled since the last look.
    pub fn look(&self) {
        self.watch.look(now());
    }

    pub fn stalls(&self) -> DiskStalls {
        let now = now();
        let under_way = self.watch.stalled(now);
        let longest = under_way.iter().map(|stalled| stalled.lasting).max().unwrap_or_default();
        DiskStalls {
            count: self.watch.count.get(),
            under_way: under_way.len(),
            longest: self.watch.longest.get().max(longest),
        }
    }

    /// What became of what was asked of it, by kinds.
    pub fn operations(&self) -> Vec<DiskOperations> {
        self.watch.operations.all()
    }

    /// What takes too long at this moment.
    pub fn stalled(&self) -> Vec<StalledOperation> {
        self.watch.stalled(now())
    }

    fn watched<'a, T: 'a>(&'a self, operation: Operation, path: &Path, work: DiskFuture<'a, T>) -> DiskFuture<'a, T> {
        let path = Rc::from(path);
        Box::pin(async move { self.watch.begin(operation, path).through(work).await })
    }
}

impl Watch {
    fn begin(&self, operation: Operation, path: Rc<Path>) -> Flying<'_> {
        self.operations.begin(operation);
        let flight = Some(Flight { operation, path, begun: now(), noticed: Noticed::No });
        let mut flights = self.flights.borrow_mut();
        let place = match flights.free.pop() {
            Some(place) => {
                flights.places[place] = flight;
                place
            }
            None => {
                flights.places.push(flight);
                flights.places.len() - 1
            }
        };
        Flying { watch: self, operation, place }
    }

    fn end(&self, place: usize) {
        let flight = {
            let mut flights = self.flights.borrow_mut();
            flights.free.push(place);
            flights.places[place].take().expect("an operation ends once")
        };
        let took = now().since(flight.begun);
        self.operations.end(flight.operation, took);
        if took < self.limit {
            return;
        }
        self.longest.set(self.longest.get().max(took));
        if flight.noticed == Noticed::No {
            self.count_stall(flight.operation);
        }
        if flight.noticed == Noticed::Named || (flight.noticed == Noticed::No && self.may_name()) {
            let Flight { operation, path, .. } = flight;
            tracing::warn!(operation = operation.name(), ?path, ?took, "a disk operation took long");
        }
    }

    fn look(&self, now: Instant) {
        self.named.set(0);
        let mut unnamed = 0;
        for flight in self.flights.borrow_mut().places.iter_mut().flatten() {
            let lasting = now.since(flight.begun);
            if flight.noticed != Noticed::No || lasting < self.limit {
                continue;
            }
            self.count_stall(flight.operation);
            if self.may_name() {
                flight.noticed = Noticed::Named;
                let Flight { operation, path, .. } = flight;
                tracing::error!(operation = operation.name(), ?path, ?lasting, "a disk operation does not end");
            } else {
                flight.noticed = Noticed::Counted;
                unnamed += 1;
            }
        }
        if unnamed > 0 {
            tracing::error!(unnamed, "so many more disk operations do not end");
        }
    }

    fn count_stall(&self, operation: Operation) {
        self.count.set(self.count.get() + 1);
        self.operations.stall(operation);
    }

    fn may_name(&self) -> bool {
        self.named.replace(self.named.get() + 1) < NAMED_MAX
    }

    fn stalled(&self, now: Instant) -> Vec<StalledOperation> {
        let flights = self.flights.borrow();
        let lasting = flights.places.iter().flatten().map(|flight| (flight, now.since(flight.begun)));
        let stalled = lasting.filter(|(_, lasting)| *lasting >= self.limit);
        let named = stalled.map(|(flight, lasting)| StalledOperation {
            operation: flight.operation.word(),
            path: Rc::clone(&flight.path),
            lasting,
        });
        named.collect()
    }
}

impl Flying<'_> {
    /// Sees the operation to its end.
    async fn through<T>(self, work: DiskFuture<'_, T>) -> Result<T, DiskError> {
        work.await.inspect_err(|error| self.watch.operations.refuse(self.operation, error))
    }
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        self.watch.end(self.place);
    }
}

impl Disk for WatchedDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        let opened = self.disk.open(path, mode);
        let path: Rc<Path> = Rc::from(path);
        Box::pin(async move {
            let file = self.watch.begin(Operation::Open, Rc::clone(&path)).through(opened).await?;
            Ok(Rc::new(WatchedFile { file, path, watch: Rc::clone(&self.watch) }) as Rc<dyn DiskFile>)
        })
    }

    fn create_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.watched(Operation::Create, path, self.disk.create_dir_all(path))
    }

    fn list(&self, path: &Path) -> DiskFuture<'_, Vec<DirEntry>> {
        self.watched(Operation::List, path, self.disk.list(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskFuture<'_, ()> {
        self.watched(Operation::Rename, from, self.disk.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.watched(Operation::Remove, path, self.disk.remove_file(path))
    }

    fn remove_empty_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.watched(Operation::Remove, path, self.disk.remove_empty_dir(path))
    }

    fn remove_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.watched(Operation::Remove, path, self.disk.remove_dir_all(path))
    }

    fn sync_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.watched(Operation::SyncFolder, path, self.disk.sync_dir(path))
    }

    fn sync_all(&self) -> DiskFuture<'_, ()> {
        self.watched(Operation::SyncAll, Path::new(""), self.disk.sync_all())
    }

    fn read_small(&self, path: &Path, bytes_max: usize) -> DiskFuture<'_, Vec<u8>> {
        self.watched(Operation::Read, path, self.disk.read_small(path, bytes_max))
    }

    fn replace_small(&self, path: &Path, bytes: Vec<u8>) -> DiskFuture<'_, ()> {
        self.watched(Operation::Replace, path, self.disk.replace_small(path, bytes))
    }

    fn free_bytes(&self) -> DiskFuture<'_, u64> {
        self.watched(Operation::FreeSpace, Path::new(""), self.disk.free_bytes())
    }
}

impl WatchedFile {
    fn watched<'a, T: 'a>(&'a self, operation: Operation, work: DiskFuture<'a, T>) -> DiskFuture<'a, T> {
        Box::pin(async move { self.watch.begin(operation, Rc::clone(&self.path)).through(work).await })
    }
}

impl DiskFile for WatchedFile {
    fn write(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        self.watched(Operation::Write, self.file.write(buf, pos))
    }

    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes> {
        self.watched(Operation::Read, self.file.read(pos, len))
    }

    fn sync(&self) -> DiskFuture<'_, ()> {
        self.watched(Operation::Sync, self.file.sync())
    }

    fn write_through(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        self.watched(Operation::WriteThrough, self.file.write_through(buf, pos))
    }

    fn allocate(&self, len: u64) -> DiskFuture<'_, ()> {
        self.watched(Operation::Allocate, self.file.allocate(len))
    }

    fn set_len(&self, len: u64) -> DiskFuture<'_, ()> {
        self.watched(Operation::SetLength, self.file.set_len(len))
    }

    fn len(&self) -> DiskFuture<'_, u64> {
        self.file.len()
    }

    fn close(self: Rc<Self>) -> DiskFuture<'static, ()> {
        Box::pin(async move {
            match Rc::try_unwrap(self) {
                Ok(Self { file, path, watch }) => watch.begin(Operation::Close, path).through(file.close()).await,
                Err(_others_use_it) => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use base::CoreId;

    use super::*;
    use crate::BLOCK_BYTES;
    use crate::disk::DiskError;
    use crate::sim::{Sim, SimConfig, SimDisk, SimDiskConfig};

    const LIMIT: Duration = Duration::from_secs(1);

    fn on_a_disk(work: impl AsyncFnOnce(SimDisk, WatchedDisk) + 'static) {
        let simulated = SimDisk::new(1, SimDiskConfig::default());
        let sim = Sim::new(SimConfig::new(1));
        sim.block_on(CoreId(0), async move {
            let watched = WatchedDisk::new(simulated.attach(), LIMIT);
            work(simulated, watched).await;
        });
    }

    async fn file(disk: &WatchedDisk) -> Rc<dyn DiskFile> {
        disk.open(Path::new("topics-log"), OpenMode::Create).await.expect("it can be made")
    }

    fn block() -> IoBuf {
        let block = IoBuf::alloc(BLOCK_BYTES);
        block.append(&[7; BLOCK_BYTES]);
        block
    }

    #[test]
    fn an_operation_that_does_not_end_is_named_while_it_lasts_and_counted_once() {
        on_a_disk(async |simulated, disk| {
            let file = file(&disk).await;
            file.write(block(), 0).await.expect("a good disk");
            assert_eq!(disk.stalls(), DiskStalls::default());
            simulated.slow_down(1_000_000);
            let syncing = Rc::clone(&file);
            let synced = crate::spawn(crate::TaskQueue::DEFAULT, async move { syncing.sync().await });
            crate::sleep(Duration::from_millis(900)).await;
            disk.look();
            assert_eq!((disk.stalls().count, disk.stalled()), (0, Vec::new()));
            crate::sleep(Duration::from_millis(200)).await;
            disk.look();
            disk.look();
            let stalled = disk.stalled();
            let [StalledOperation { operation, path, lasting }] = stalled.as_slice() else {
                panic!("one operation hangs: {stalled:?}")
            };
            assert_eq!((*operation, &**path), ("sync", Path::new("topics-log")));
            assert!(*lasting >= Duration::from_secs(1) && *lasting < Duration::from_secs(2), "{lasting:?}");
            assert_eq!((disk.stalls().count, disk.stalls().under_way), (1, 1));
            synced.await.expect("it ends at last");
            let after = disk.stalls();
            assert_eq!((after.count, after.under_way), (1, 0));
            assert!(after.longest >= Duration::from_secs(40), "{after:?}");
        });
    }

    #[test]
    fn a_stall_that_nobody_looked_at_is_counted_when_it_ends() {
        on_a_disk(async |simulated, disk| {
            let file = file(&disk).await;
            simulated.slow_down(1_000_000);
            file.write(block(), 0).await.expect("a slow disk is a good one");
            assert_eq!((disk.stalls().count, disk.stalls().under_way), (1, 0));
        });
    }

    #[test]
    fn an_operation_whose_future_is_dropped_is_under_way_no_more() {
        on_a_disk(async |simulated, disk| {
            let file = file(&disk).await;
            simulated.slow_down(1_000_000);
            assert!(crate::timeout(Duration::from_secs(3), file.read(0, BLOCK_BYTES)).await.is_err());
            disk.look();
            assert_eq!((disk.stalls().count, disk.stalls().under_way), (1, 0));
        });
    }

    #[test]
    fn operations_are_counted_by_kind_with_their_time_and_what_came_of_them() {
        on_a_disk(async |simulated, disk| {
            let of = |word: &str| {
                disk.operations().into_iter().find(|counts| counts.operation == word).expect("it is a kind")
            };
            let file = file(&disk).await;
            simulated.fail_nth(crate::sim::DiskOperation::Sync, 1);
            file.sync().await.expect_err("it was told to fail");
            file.sync().await.expect("once only");
            let missing = disk.open(Path::new("none"), OpenMode::Existing).await;
            assert!(missing.is_err());
            let opened = of("open");
            assert_eq!((opened.begun, opened.ended, opened.failed), (2, 2, 0), "a missing file is an answer");
            let synced = of("sync");
            assert_eq!((synced.begun, synced.ended, synced.failed, synced.stalls), (2, 2, 1, 0));
            assert!(synced.time > Duration::ZERO);
            simulated.slow_down(1_000_000);
            let writing = Rc::clone(&file);
            let written = crate::spawn(crate::TaskQueue::DEFAULT, async move { writing.write(block(), 0).await });
            crate::sleep(Duration::from_secs(2)).await;
            assert_eq!((of("write").begun, of("write").ended, of("write").stalls), (1, 0, 0));
            disk.look();
            assert_eq!((of("write").begun, of("write").ended, of("write").stalls), (1, 0, 1));
            written.await.expect("it ends at last");
            assert_eq!((of("write").ended, of("write").stalls), (1, 1));
        });
    }

    #[test]
    fn what_the_disk_gives_and_refuses_passes_through() {
        on_a_disk(async |simulated, disk| {
            let file = file(&disk).await;
            file.write_through(block(), 0).await.expect("a good disk");
            assert_eq!(file.read(0, BLOCK_BYTES).await.expect("a good disk"), vec![7; BLOCK_BYTES]);
            assert_eq!(file.len().await, Ok(BLOCK_BYTES as u64));
            simulated.fail_nth(crate::sim::DiskOperation::Sync, 1);
            let error = file.sync().await.expect_err("it was told to fail");
            assert_eq!(error.to_string(), "cannot sync \"topics-log\": Input/output error (os error 5)");
            file.close().await.expect("it closes");
            let missing = disk.open(Path::new("none"), OpenMode::Existing).await.err().expect("it is not there");
            assert!(matches!(missing, DiskError::NotFound { .. }), "{missing}");
        });
    }
}
