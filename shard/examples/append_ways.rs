//! Which way to the disk suits which appends: through the journal and later to segments, straight to segments with a
//! marker in the journal, or a flush of each partition and no journal. Everything else that a broker does is left out.
//!
//! `cargo run --release -p shard --example append_ways FOLDER [SECONDS [PARTITIONS [KIB]]]`, on a machine that does
//! nothing else. FOLDER needs 16 GB; what is made there is removed again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use base::{ByteSize, SeededRandom};
use rt::{
    BLOCK_BYTES, CoresConfig, CpuPlacement, DirectDisk, Disk, DiskFile, IoBuf, Notify, OpenMode, now, run_one, spawn,
};
use shard::task_queues::{FOREGROUND, TASK_QUEUES, WRITE_BACK};

const JOURNAL_BYTES: u64 = 1 << 30;
const JOURNAL_WRITE_BYTES: usize = 1 << 20;
const GROUPS_IN_FLIGHT: usize = 2;
const CHUNK_BYTES: usize = 1 << 20;
const CHUNK_WRITES_IN_FLIGHT: usize = 8;
const CHECKPOINT_FLUSHES_IN_FLIGHT: usize = 16;
/// An entry's envelope and its batch's header.
const MARKER_BYTES: usize = 128;
/// Blocks that exist already, over all partitions.
const WRITTEN_BYTES: u64 = 4 << 30;
const ALLOCATED_AHEAD: u64 = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Twice: the journal is flushed, segments are written behind and flushed by a checkpoint.
    Journal,
    /// Once, and a marker with the unfinished block into the journal.
    Marker,
    /// Once, flushed for each partition.
    Partition,
}

/// What the segments' files are when appends come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Grown,
    Allocated,
    /// Blocks that were written before: a removed segment's.
    Written,
}

#[derive(Clone, Copy, Debug)]
struct Setup {
    way: Way,
    space: Space,
    partitions: u32,
    batch: usize,
    outstanding: u32,
    time: Duration,
}

struct Segment {
    file: Rc<dyn DiskFile>,
    end: u64,
    allocated: u64,
    /// For [`Way::Journal`]: bytes that wait to be written.
    waiting: usize,
    dirty: bool,
}

struct Run {
    setup: Setup,
    source: Vec<u8>,
    disk: Rc<dyn Disk>,
    journal: Rc<dyn DiskFile>,
    journal_end: Cell<u64>,
    recycled: Cell<u64>,
    segments: RefCell<BTreeMap<u32, Segment>>,
    gathering: RefCell<Vec<u32>>,
    group: Cell<u64>,
    done: Cell<u64>,
    finished: RefCell<Vec<u64>>,
    in_flight: Cell<usize>,
    writing_back: Cell<usize>,
    checkpointing: Cell<bool>,
    changed: Notify,
    stopped: Cell<bool>,
    groups: Cell<u64>,
}

fn main() {
    rt::preflight().expect("this machine can run executors");
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder is named"));
    let mut number =
        || arguments.next().map(|text| text.to_str().and_then(|text| text.parse().ok()).expect("a number"));
    let seconds: u64 = number().unwrap_or(4);
    let partitions = number().map_or_else(|| vec![10, 200, 5_000], |one| vec![one]);
    let sizes = number().map_or_else(|| vec![1, 16, 64, 1_024], |one| vec![one]);
    println!("| partitions | batch KiB | way | files | MB/s | p50 ms | p99 ms | batches a group | CPU s per GB |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for partitions in &partitions {
        for kib in &sizes {
            for (way, space) in [
                (Way::Journal, Space::Grown),
                (Way::Marker, Space::Grown),
                (Way::Marker, Space::Allocated),
                (Way::Marker, Space::Written),
                (Way::Partition, Space::Grown),
                (Way::Partition, Space::Written),
            ] {
                let outstanding = if *kib == 1_024 { 32 } else { 128 };
                let time = Duration::from_secs(seconds);
                let batch = usize::try_from(kib << 10).expect("batches are small");
                let partitions = u32::try_from(*partitions).expect("partitions are few");
                let setup = Setup { way, space, partitions, batch, outstanding, time };
                let folder = folder.join("append-ways");
                let used = folder.clone();
                let cpus = vec![CpuPlacement::Pinned(rt::online_cpus()[0])];
                let io_memory = ByteSize::mib(64);
                let config = CoresConfig { cpus, io_memory, queues: TASK_QUEUES, ..CoresConfig::default() };
                run_one(config, move || measure(used, setup)).expect("a core");
                std::fs::remove_dir_all(&folder).expect("what was made can be removed");
            }
        }
    }
}

/// Processor time of this process in clock ticks of 10 ms.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a process may read its own state");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("the name is in brackets").split_whitespace().collect();
    [11, 12].map(|field| fields[field].parse::<u64>().expect("a number")).iter().sum()
}

async fn measure(folder: PathBuf, setup: Setup) {
    let disk = DirectDisk::open(folder).await.expect("a disk");
    let journal = disk.open(Path::new("journal"), OpenMode::Create).await.expect("a file");
    fill(&*journal, JOURNAL_BYTES).await;
    let run = Rc::new(Run {
        setup,
        source: vec![7; setup.batch],
        disk,
        journal,
        journal_end: Cell::new(0),
        recycled: Cell::new(0),
        segments: RefCell::default(),
        gathering: RefCell::default(),
        group: Cell::new(0),
        done: Cell::new(0),
        finished: RefCell::default(),
        in_flight: Cell::new(0),
        writing_back: Cell::new(0),
        checkpointing: Cell::new(false),
        changed: Notify::new(),
        stopped: Cell::new(false),
        groups: Cell::new(0),
    });
    for partition in 0..setup.partitions {
        run.open(partition).await;
    }
    let (begun, ticks_before) = (now(), ticks());
    let committer = spawn(FOREGROUND, Rc::clone(&run).commit());
    let producers: Vec<_> =
        (0..setup.outstanding).map(|seed| spawn(FOREGROUND, Rc::clone(&run).produce(seed))).collect();
    let mut times = Vec::new();
    for producer in producers {
        times.extend(producer.await);
    }
    let elapsed = now().since(begun).as_secs_f64();
    let cpu = (ticks() - ticks_before) as f64 / 100.0;
    run.stopped.set(true);
    run.changed.notify_all();
    committer.await;
    while run.in_flight.get() + run.writing_back.get() > 0 || run.checkpointing.get() {
        run.changed.notified().await;
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let bytes = (times.len() * setup.batch) as f64;
    println!(
        "| {} | {} | {:?} | {:?} | {:.0} | {:.2} | {:.2} | {:.1} | {:.2} |",
        setup.partitions,
        setup.batch >> 10,
        setup.way,
        setup.space,
        bytes / elapsed / 1e6,
        at(50),
        at(99),
        times.len() as f64 / run.groups.get() as f64,
        cpu / (bytes / 1e9),
    );
}

async fn fill(file: &dyn DiskFile, bytes: u64) {
    let mut at = 0;
    while at < bytes {
        let count = bytes.saturating_sub(at).min(4 << 20);
        let buffer = IoBuf::alloc(usize::try_from(count).expect("at most 4 MiB"));
        buffer.advance(buffer.capacity());
        file.write(buffer, at).await.expect("a good disk");
        at += count;
    }
    file.sync().await.expect("a good disk");
}

impl Run {
    async fn open(&self, partition: u32) {
        let name = format!("segment-{partition}");
        let file = self.disk.open(Path::new(&name), OpenMode::Create).await.expect("a file");
        if self.setup.space == Space::Written {
            fill(&*file, self.lap()).await;
        }
        let segment = Segment { file, end: 0, allocated: 0, waiting: 0, dirty: false };
        self.segments.borrow_mut().insert(partition, segment);
    }

    /// Bytes after which a file of written blocks begins anew.
    fn lap(&self) -> u64 {
        let share = WRITTEN_BYTES / u64::from(self.setup.partitions);
        share.next_multiple_of(self.setup.batch.next_multiple_of(BLOCK_BYTES) as u64)
    }

    async fn produce(self: Rc<Self>, seed: u32) -> Vec<Duration> {
        let mut random = SeededRandom::new(u64::from(seed) + 1);
        let mut times = Vec::new();
        let begun = now();
        while now().since(begun) < self.setup.time {
            let sent = now();
            let partition = random.below(u64::from(self.setup.partitions));
            self.gathering.borrow_mut().push(u32::try_from(partition).expect("few partitions"));
            let group = self.group.get();
            self.changed.notify_all();
            while self.done.get() <= group {
                self.changed.notified().await;
            }
            times.push(now().since(sent));
        }
        times
    }

    async fn commit(self: Rc<Self>) {
        while !self.stopped.get() {
            let full = self.journal_end.get() - self.recycled.get() + (64 << 20) > JOURNAL_BYTES;
            if self.gathering.borrow().is_empty() || self.in_flight.get() >= GROUPS_IN_FLIGHT || full {
                self.changed.notified().await;
                continue;
            }
            let batches = std::mem::take(&mut *self.gathering.borrow_mut());
            let number = self.group.get();
            self.group.set(number + 1);
            self.groups.set(self.groups.get() + 1);
            self.in_flight.set(self.in_flight.get() + 1);
            drop(spawn(FOREGROUND, Rc::clone(&self).group(number, batches)));
        }
    }

    async fn group(self: Rc<Self>, number: u64, batches: Vec<u32>) {
        match self.setup.way {
            Way::Journal => self.to_journal(&batches).await,
            Way::Marker | Way::Partition => self.to_segments(&batches).await,
        }
        // In order, as a journal says it.
        self.finished.borrow_mut().push(number);
        loop {
            let mut finished = self.finished.borrow_mut();
            let Some(index) = finished.iter().position(|group| *group == self.done.get()) else { break };
            finished.swap_remove(index);
            self.done.set(self.done.get() + 1);
        }
        self.in_flight.set(self.in_flight.get() - 1);
        self.changed.notify_all();
        if self.setup.way == Way::Journal {
            self.write_back(&batches);
            self.checkpoint_if_due();
        }
    }

    /// Space for so many bytes in the journal, from a block on and without a seam.
    fn journal_space(&self, bytes: usize) -> u64 {
        let bytes = bytes.next_multiple_of(BLOCK_BYTES) as u64;
        let end = self.journal_end.get();
        let from = if end % JOURNAL_BYTES + bytes > JOURNAL_BYTES { end.next_multiple_of(JOURNAL_BYTES) } else { end };
        self.journal_end.set(from + bytes);
        if self.setup.way == Way::Marker {
            self.recycled.set(from);
        }
        from % JOURNAL_BYTES
    }

    async fn to_journal(&self, batches: &[u32]) {
        let total = batches.len() * (self.setup.batch + MARKER_BYTES);
        let mut at = self.journal_space(total);
        let mut writes = Vec::new();
        let mut left = total;
        while left > 0 {
            let buffer = IoBuf::alloc(left.next_multiple_of(BLOCK_BYTES).min(JOURNAL_WRITE_BYTES));
            let bytes = left.min(JOURNAL_WRITE_BYTES);
            self.copy_into(&buffer, bytes);
            let journal = Rc::clone(&self.journal);
            writes.push(spawn(FOREGROUND, async move { journal.write(buffer, at).await.expect("a good disk") }));
            at += JOURNAL_WRITE_BYTES as u64;
            left -= bytes;
        }
        for write in writes {
            write.await;
        }
        self.journal.sync().await.expect("a good disk");
    }

    fn copy_into(&self, buffer: &IoBuf, mut bytes: usize) {
        while bytes > 0 {
            let taken = bytes.min(self.source.len());
            buffer.append(&self.source[..taken]);
            bytes -= taken;
        }
    }

    async fn to_segments(&self, batches: &[u32]) {
        let mut by_partition: BTreeMap<u32, usize> = BTreeMap::new();
        for partition in batches {
            *by_partition.entry(*partition).or_default() += 1;
        }
        let mut writes = Vec::new();
        if self.setup.way == Way::Marker {
            let bytes = batches.len() * MARKER_BYTES + by_partition.len() * BLOCK_BYTES;
            let buffer = IoBuf::alloc(bytes.next_multiple_of(BLOCK_BYTES));
            buffer.advance(bytes);
            let (at, journal) = (self.journal_space(bytes), Rc::clone(&self.journal));
            let write = async move { journal.write_through(buffer, at).await.expect("a good disk") };
            writes.push(spawn(FOREGROUND, write));
        }
        for (partition, count) in by_partition {
            let (file, at, allocate, bytes) = self.space_in(partition, count);
            let buffer = IoBuf::alloc(bytes);
            self.copy_into(&buffer, bytes);
            writes.push(spawn(FOREGROUND, async move {
                if let Some(length) = allocate {
                    file.allocate(length).await.expect("a good disk");
                }
                file.write_through(buffer, at).await.expect("a good disk");
            }));
        }
        for write in writes {
            write.await;
        }
    }

    /// Where batches of a partition go, and how long the file has to be made first.
    fn space_in(&self, partition: u32, count: usize) -> (Rc<dyn DiskFile>, u64, Option<u64>, usize) {
        let bytes = (count * self.setup.batch).next_multiple_of(BLOCK_BYTES);
        let mut segments = self.segments.borrow_mut();
        let segment = segments.get_mut(&partition).expect("it was opened");
        if self.setup.space == Space::Written && segment.end + bytes as u64 > self.lap() {
            segment.end = 0;
        }
        let at = segment.end;
        segment.end += bytes as u64;
        let allocate = (self.setup.space == Space::Allocated && segment.end > segment.allocated).then(|| {
            let ahead = (ALLOCATED_AHEAD / u64::from(self.setup.partitions)).max(1 << 20);
            segment.allocated = (segment.end + ahead).next_multiple_of(1 << 20);
            segment.allocated
        });
        (Rc::clone(&segment.file), at, allocate, bytes)
    }

    fn write_back(self: &Rc<Self>, batches: &[u32]) {
        for partition in batches {
            let mut segments = self.segments.borrow_mut();
            let segment = segments.get_mut(partition).expect("it was opened");
            segment.waiting += self.setup.batch;
            segment.dirty = true;
            if segment.waiting >= CHUNK_BYTES {
                let bytes = std::mem::take(&mut segment.waiting).next_multiple_of(BLOCK_BYTES);
                let (file, at) = (Rc::clone(&segment.file), segment.end);
                segment.end += bytes as u64;
                drop(segments);
                self.writing_back.set(self.writing_back.get() + 1);
                drop(spawn(WRITE_BACK, Rc::clone(self).write_chunk(file, at, bytes)));
            }
        }
    }

    async fn write_chunk(self: Rc<Self>, file: Rc<dyn DiskFile>, at: u64, bytes: usize) {
        let buffer = IoBuf::alloc(bytes);
        self.copy_into(&buffer, bytes);
        file.write(buffer, at).await.expect("a good disk");
        self.writing_back.set(self.writing_back.get() - 1);
        self.changed.notify_all();
    }

    fn checkpoint_if_due(self: &Rc<Self>) {
        let used = self.journal_end.get() - self.recycled.get();
        if used * 2 > JOURNAL_BYTES && !self.checkpointing.replace(true) {
            drop(spawn(WRITE_BACK, Rc::clone(self).checkpoint(self.journal_end.get())));
        }
    }

    async fn checkpoint(self: Rc<Self>, end: u64) {
        while self.writing_back.get() > CHUNK_WRITES_IN_FLIGHT {
            self.changed.notified().await;
        }
        let mut due = Vec::new();
        for segment in self.segments.borrow_mut().values_mut() {
            if std::mem::take(&mut segment.dirty) {
                let bytes = std::mem::take(&mut segment.waiting).next_multiple_of(BLOCK_BYTES);
                due.push((Rc::clone(&segment.file), segment.end, bytes));
                segment.end += bytes as u64;
            }
        }
        for some in due.chunks(CHECKPOINT_FLUSHES_IN_FLIGHT) {
            let flushes: Vec<_> =
                some.iter().cloned().map(|job| spawn(WRITE_BACK, Rc::clone(&self).settle(job))).collect();
            for flush in flushes {
                flush.await;
            }
        }
        self.recycled.set(end);
        self.checkpointing.set(false);
        self.changed.notify_all();
    }

    async fn settle(self: Rc<Self>, (file, at, bytes): (Rc<dyn DiskFile>, u64, usize)) {
        if bytes > 0 {
            let buffer = IoBuf::alloc(bytes);
            self.copy_into(&buffer, bytes);
            file.write(buffer, at).await.expect("a good disk");
        }
        file.sync().await.expect("a good disk");
    }
}
