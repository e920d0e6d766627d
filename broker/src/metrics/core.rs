//! What one core has to say.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rt::{DiskOperations, StalledOperation};
use shard::task_queues::TASK_QUEUES;
use shard::{GroupCommits, Shard, ShardStats};

use super::samples::{Samples, Scale};
use super::table::Id;
use crate::core::Core;
use crate::limits;
use crate::memory::MemoryPool;

impl Core {
    /// This core's metrics, in slices.
    pub(crate) async fn metrics(self: &Rc<Self>) -> Samples {
        let (mut samples, mut slices) = (Samples::of_core(self.id), rt::Slices::begin());
        let stats = self.shard.stats();
        samples.add(Id::SegmentBytes, self.shard.segment_bytes().await);
        self.give_doors(&mut samples);
        slices.pause().await;
        for (stage, counts) in self.stages.histograms(&mut slices).await {
            samples.add_one(Id::StageSeconds, stage.name(), (counts, Scale::Microseconds));
        }
        give_traffic(&mut samples, &stats);
        slices.pause().await;
        give_journal(&mut samples, &self.shard, &stats);
        slices.pause().await;
        self.give_memory(&mut samples, &stats);
        slices.pause().await;
        give_disk(&mut samples, &self.shard, &stats);
        slices.pause().await;
        self.give_trouble(&mut samples, &stats);
        give_work(&mut samples, &stats);
        slices.pause().await;
        give_time(&mut samples);
        samples.add(Id::MeshCalls, self.mesh.open_calls());
        samples
    }

    fn give_doors(&self, samples: &mut Samples) {
        for (door, counts) in self.doors.all() {
            samples.add_one(Id::Connections, door, counts.open);
            samples.add_one(Id::ConnectionsAccepted, door, counts.accepted);
        }
        samples.add(Id::ConnectionsRefused, self.doors.refused());
        for (reason, count) in self.endings.all() {
            samples.add_one(Id::ConnectionsClosed, reason, count);
        }
        self.requests.give(samples);
        let hops = self.hops.get();
        samples.add_one(Id::PartitionRequests, "direct", hops.direct);
        samples.add_one(Id::PartitionRequests, "crossed", hops.crossed);
        samples.add_one(Id::Moves, "in", self.moves.arrived.get());
        samples.add_one(Id::Moves, "out", self.moves.departed.get());
        samples.add(Id::BalancerMoves, self.moves.balanced.get());
    }

    fn give_memory(&self, samples: &mut Samples, stats: &ShardStats) {
        let pools =
            [("requests", &self.request_memory), ("answers", &self.answer_memory), ("standing", &self.standing_memory)];
        for (budget, pool) in pools {
            samples.add_one(Id::MemoryWaiting, budget, pool.waiting());
        }
        let of_pool = |(budget, pool): (&'static str, &MemoryPool)| (budget, pool.taken() as u64, pool.limit() as u64);
        let (groups, groups_max) = self.groups.memory_and_limit();
        let sessions = self.fetch_sessions.borrow();
        let sessions_max = self.config.fetch_sessions.bytes;
        let producers = self.producers.borrow();
        let of_producers = |count: usize| (count * limits::PRODUCER_BYTES) as u64;
        let others = [
            ("cache", stats.cache_bytes, stats.cache_bytes_max),
            ("groups", groups as u64, groups_max as u64),
            ("fetch_sessions", sessions.bytes() as u64, sessions_max as u64),
            ("producers", of_producers(producers.remembered()), of_producers(producers.limit())),
        ];
        for (budget, used, max) in pools.map(of_pool).into_iter().chain(others) {
            samples.add_one(Id::MemoryUsed, budget, used);
            samples.add_one(Id::MemoryMax, budget, max);
        }
        samples.add(Id::CacheDirty, stats.dirty_bytes);
        samples.add(Id::FetchSessions, sessions.len());
        samples.add(Id::ProduceParts, self.produce_parts.taken());
        samples.add(Id::GroupsWaiting, self.groups.requests_waiting());
    }

    fn give_trouble(&self, samples: &mut Samples, stats: &ShardStats) {
        match self.shard.failed() {
            Some(cause) => samples.add_one(Id::Poisoned, cause.to_string(), true),
            None => samples.add_one(Id::Poisoned, "", false),
        }
        samples.add(Id::DamageFound, stats.damage_found);
        samples.add(Id::DamageKnown, stats.damage_known);
        for damage in self.shard.first_damage(limits::METRICS_DAMAGE_MAX) {
            let id = damage.partition;
            let topic = self.topic(id.topic).map_or_else(|| id.topic.to_string(), |known| known.topic.name.to_string());
            let labels = vec![
                topic.into(),
                id.index.to_string().into(),
                damage.offset.to_string().into(),
                named(&damage.file()).into(),
                damage.position.to_string().into(),
            ];
            samples.add_labelled(Id::Damage, labels, true);
        }
    }
}

fn give_traffic(samples: &mut Samples, stats: &ShardStats) {
    samples.add(Id::Partitions, stats.partitions);
    let traffic = stats.traffic;
    samples.add(Id::AppendBatches, traffic.append_batches);
    samples.add(Id::AppendRecords, traffic.append_records);
    samples.add(Id::AppendBytes, traffic.append_bytes);
    let shard::Refused { no_space, overloaded, poisoned, too_large } = traffic.refused;
    let reasons =
        [("no_space", no_space), ("overloaded", overloaded), ("poisoned", poisoned), ("too_large", too_large)];
    for (reason, count) in reasons {
        samples.add_one(Id::AppendsRefused, reason, count);
    }
    samples.add(Id::AppendsWaiting, stats.appends_waiting);
    samples.add(Id::AppendsWaitingMax, stats.appends_waiting_max);
    for (source, reads) in [("memory", traffic.memory), ("disk", traffic.disk)] {
        samples.add_one(Id::Fetches, source, reads.reads);
        samples.add_one(Id::FetchBytes, source, reads.bytes);
    }
}

fn give_journal(samples: &mut Samples, shard: &Shard, stats: &ShardStats) {
    let GroupCommits { bytes, entries, microseconds } = shard.group_commits();
    samples.add(Id::GroupCommitSeconds, (microseconds, Scale::Microseconds));
    samples.add(Id::GroupCommitBytes, (bytes, Scale::Whole));
    samples.add(Id::GroupCommitEntries, (entries, Scale::Whole));
    samples.add(Id::JournalBytes, stats.unreplayed_bytes);
    samples.add(Id::JournalBytesMax, stats.unreplayed_bytes_max);
    samples.add(Id::DirectBytes, stats.direct_bytes);
    samples.add(Id::Checkpoints, (shard.checkpoint_times(), Scale::Microseconds));
}

fn give_disk(samples: &mut Samples, shard: &Shard, stats: &ShardStats) {
    samples.add(Id::OpenFiles, stats.files_open);
    samples.add(Id::OpenFilesMax, stats.files_open_max);
    if let Some(free) = stats.free_bytes {
        samples.add(Id::DiskFree, free);
    }
    samples.add(Id::DiskFreeFloor, stats.free_bytes_floor);
    samples.add(Id::DiskShort, stats.is_short_of_space);
    for of_kind in shard.disk_operations().into_iter().filter(|of_kind| of_kind.begun > 0) {
        let DiskOperations { operation, begun, ended, time, no_space, failed, stalls } = of_kind;
        samples.add_one(Id::DiskOperations, operation, ended);
        samples.add_one(Id::DiskSeconds, operation, time);
        samples.add_one(Id::DiskUnderWay, operation, begun - ended);
        samples.add_labelled(Id::DiskErrors, vec![operation.into(), "no_space".into()], no_space);
        samples.add_labelled(Id::DiskErrors, vec![operation.into(), "io".into()], failed);
        samples.add_one(Id::DiskStalls, operation, stalls);
    }
    samples.add(Id::DiskStalled, stats.disk_stalls_under_way);
    samples.add(Id::DiskStallLongest, stats.disk_stall_longest);
    for (operation, file, lasting) in oldest_stalls(shard.stalled_operations()) {
        samples.add_labelled(Id::DiskStalledSeconds, vec![operation.into(), file.into()], lasting);
    }
}

/// The oldest of each operation and file, and of these those that have lasted for longest. Of a device that hangs, more
/// would say nothing new.
pub(crate) fn oldest_stalls(stalled: Vec<StalledOperation>) -> Vec<(&'static str, String, Duration)> {
    let mut oldest: BTreeMap<(&'static str, Rc<Path>), Duration> = BTreeMap::new();
    for StalledOperation { operation, path, lasting } in stalled {
        let longest = oldest.entry((operation, path)).or_default();
        *longest = lasting.max(*longest);
    }
    let mut named: Vec<_> =
        oldest.into_iter().map(|((operation, path), lasting)| (operation, named(&path), lasting)).collect();
    named.sort_by_key(|(.., lasting)| std::cmp::Reverse(*lasting));
    named.truncate(limits::METRICS_STALLS_MAX);
    named
}

/// A path below the data folder, which is empty itself.
pub(crate) fn named(path: &Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.to_string_lossy().into_owned() }
}

fn give_work(samples: &mut Samples, stats: &ShardStats) {
    samples.add(Id::SegmentsRemoved, stats.segments_removed);
    samples.add(Id::SegmentBytesRemoved, stats.segment_bytes_removed);
    samples.add(Id::Cleanings, stats.compaction.cleanings);
    samples.add(Id::CleaningSeconds, stats.compaction.time);
    samples.add(Id::CleaningRead, stats.compaction.bytes_read);
    samples.add(Id::CleaningWritten, stats.compaction.bytes_written);
    samples.add(Id::CleaningDropped, stats.compaction.records_dropped);
    samples.add(Id::ScrubPasses, stats.scrub_passes);
    samples.add(Id::ScrubSegments, stats.segments_scrubbed);
    samples.add(Id::ScrubBytes, stats.bytes_scrubbed);
}

fn give_time(samples: &mut Samples) {
    samples.add(Id::CpuSeconds, rt::processor_time());
    for (queue, spec) in (0..).zip(TASK_QUEUES) {
        samples.add_one(Id::QueueSeconds, spec.name, rt::queue_time(rt::TaskQueue::new(queue)));
    }
    for stall in rt::stalled_tasks() {
        let labels = || vec![stall.queue.into(), stall.task.into()];
        samples.add_labelled(Id::TaskStalls, labels(), stall.count);
        samples.add_labelled(Id::TaskStallLongest, labels(), stall.longest);
    }
    let stalls = rt::stalls();
    samples.add(Id::CoreStalls, stalls.count);
    samples.add(Id::CoreStallLongest, stalls.longest);
}

#[cfg(test)]
mod tests {
    use base::{LeaderEpoch, PartitionId, TopicId};
    use rt::Disk;
    use rt::sim::{Sim, SimConfig, SimDisk, SimDiskConfig};
    use shard::task_queues::FOREGROUND;
    use shard::{AppendBatch, Durability, PartitionRow, PartitionSpec, ScrubConfig, ShardConfig};
    use wire::batch::{BatchBuilder, BatchOptions, HEADER_BYTES, NewRecord};
    use wire::compress::Compressor;

    use super::*;
    use crate::config::Gathered;
    use crate::start;

    async fn shard_on(disk: Rc<dyn Disk>) -> Rc<Shard> {
        let mut settings = Gathered::default();
        settings.set("journal.bytes", "1 MiB").expect("it is one");
        let config = settings.finish().expect("they fit");
        let mut started = start::recover(&config, 1, &disk, 100).await.expect("a new folder is recovered");
        let live = config.live().tuning();
        let config = ShardConfig {
            core: base::CoreId(0),
            cache_bytes: 1 << 20,
            flush_interval: config.flush_interval,
            checkpoint_interval: config.checkpoint_interval,
            free_space_floor: 0,
            retention_check_interval: live.retention_check_interval,
            direct_bytes_min: shard::limits::DIRECT_BYTES_MIN,
            freed_at_once_bytes_max: shard::limits::FREED_AT_ONCE_BYTES_MAX,
            scrub: ScrubConfig { interval: None, bytes_per_second: 1 << 20 },
            compaction_check_interval: live.compaction_check_interval,
            compaction_key_bytes: 1 << 20,
            compaction_bytes_per_second: 1 << 20,
            open_files_max: 100,
        };
        Shard::open(disk, config, started.cores.remove(0).start, Vec::new()).await.expect("a good disk")
    }

    async fn append(shard: &Shard, id: PartitionId) {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(&NewRecord { value: Some(b"value"), ..NewRecord::default() }).expect("there is room");
        let batch = builder.finish(&mut Compressor::new()).to_vec();
        let (header, payload) = batch.split_first_chunk::<HEADER_BYTES>().expect("a batch has a header");
        let batch = AppendBatch { header, payload, offsets: 1, max_timestamp: 0, leader_epoch: LeaderEpoch::ZERO };
        let appended = shard.append_now(id, batch).expect("there is room");
        shard.safe(appended).await.expect("a slow disk is a good one");
    }

    async fn told(shard: &Shard) -> String {
        let mut samples = Samples::of_core(base::CoreId(0));
        give_disk(&mut samples, shard, &shard.stats());
        crate::metrics::render(&[samples]).await
    }

    /// The value of the one series that begins like this.
    fn value(text: &str, series: &str) -> Option<f64> {
        let line = text.lines().find(|line| line.starts_with(series))?;
        line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok())
    }

    #[test]
    fn a_disk_that_hangs_is_told_by_operation_and_file_while_it_does() {
        let simulated = SimDisk::new(1, SimDiskConfig::default());
        let sim = Sim::new(SimConfig { cores: 1, queues: TASK_QUEUES, ..SimConfig::new(1) });
        sim.block_on(base::CoreId(0), async move {
            let shard = shard_on(simulated.attach()).await;
            let id = PartitionId::new(TopicId::from_random(1), 0);
            let spec = PartitionSpec::new(id, 1 << 20, Durability::Flushed);
            shard.add_partition(spec, &PartitionRow::new(id));
            rt::sleep(Duration::from_secs(5)).await;
            append(&shard, id).await;
            let well = told(&shard).await;
            assert_eq!(value(&well, "corelane_disk_stalled_operations{"), Some(0.0));
            assert_eq!(value(&well, "corelane_disk_stalled_seconds{"), None, "{well}");
            simulated.slow_down(1_000_000);
            let appending = Rc::clone(&shard);
            let appended = rt::spawn(FOREGROUND, async move { append(&appending, id).await });
            let flush = "corelane_disk_stalled_seconds{core=\"0\",operation=\"write_through\",file=\"journal/0/";
            let mut lasting = None;
            while lasting.is_none_or(|seconds| seconds < 3.0) {
                rt::sleep(Duration::from_millis(100)).await;
                lasting = value(&told(&shard).await, flush).or(lasting);
                assert!(!appended.is_finished(), "the disk is too quick for this test");
            }
            let hanging = told(&shard).await;
            assert!(value(&hanging, "corelane_disk_stalled_operations{") >= Some(1.0), "{hanging}");
            let under_way = "corelane_disk_operations_under_way{core=\"0\",operation=\"write_through\"}";
            assert_eq!(value(&hanging, under_way), Some(1.0));
            let counted = "corelane_disk_stalls_total{core=\"0\",operation=\"write_through\"}";
            assert_eq!(value(&hanging, counted), Some(1.0));
            simulated.slow_down(1);
            appended.await;
            let after = told(&shard).await;
            assert_eq!((value(&after, flush), value(&after, under_way)), (None, Some(0.0)), "{after}");
            assert_eq!(value(&after, counted), Some(1.0));
            assert!(value(&after, "corelane_disk_stall_longest_seconds{") > Some(3.0), "{after}");
        });
    }

    fn stalled(operation: &'static str, path: &str, seconds: u64) -> StalledOperation {
        StalledOperation { operation, path: Rc::from(Path::new(path)), lasting: Duration::from_secs(seconds) }
    }

    #[test]
    fn of_many_stalls_the_oldest_of_each_file_and_the_longest_of_all_are_named() {
        let mut all =
            vec![stalled("write", "a", 3), stalled("write", "a", 5), stalled("sync", "a", 4), stalled("sync", "", 9)];
        let named = |operation, file: &str, seconds| (operation, file.to_owned(), Duration::from_secs(seconds));
        assert_eq!(oldest_stalls(all.clone()), [named("sync", ".", 9), named("write", "a", 5), named("sync", "a", 4)]);
        all.extend((0..100).map(|file| stalled("read", &format!("b{file}"), 2)));
        let oldest = oldest_stalls(all);
        assert_eq!(oldest.len(), limits::METRICS_STALLS_MAX);
        assert_eq!(oldest[2], named("sync", "a", 4));
    }
}
