//! The table of metrics.

use std::fmt::Write as _;

/// How a metric's value moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, until a restart.
    Counter,
    Gauge,
    /// Counts of what fell below each of some bounds.
    Histogram,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [&'static str],
    /// One sentence.
    pub(super) about: &'static str,
}

macro_rules! metrics {
    ($($id:ident $kind:ident $name:literal [$($label:literal),*] $about:literal)*) => {
        /// Names a metric in the code, in the order of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Id { $($id),* }

        pub(super) const METRICS: &[Metric] =
            &[$(Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], about: $about }),*];
    };
}

metrics! {
    BuildInfo Gauge "corelane_build_info" ["version"] "1, with the version that runs."
    Ready Gauge "corelane_ready" ["reason"] "1 when the broker serves and takes records on all cores, else 0 with the reason, as GET /readyz says."
    Cores Gauge "corelane_cores" [] "Cores that the broker runs on."
    CoreAnswers Gauge "corelane_core_answers" ["core"] "1 for a core that has given its metrics in time, 0 for one that did not."
    ScrapeSeconds Gauge "corelane_scrape_seconds" [] "Time that it took to gather these metrics from all cores."
    Incarnation Gauge "corelane_incarnation" [] "Counts the starts of the data folder, from 0."
    RecoverySeconds Gauge "corelane_recovery_seconds" [] "Time that this start took to recover the data folder."
    RecoveryBytes Gauge "corelane_recovery_replayed_bytes" [] "Bytes of the journals that this start replayed."
    ConnectionsMax Gauge "corelane_connections_max" [] "Connections that may be open over the Kafka and native doors; connections.max, or what the limit on open files allows."
    HttpRequests Counter "corelane_http_requests_total" ["path"] "Requests to the HTTP door."
    HttpRefused Counter "corelane_http_connections_refused_total" [] "Connections to the HTTP door beyond its limit, closed at once."
    ProcessStart Gauge "process_start_time_seconds" [] "When the process began, in seconds since 1970."
    ProcessCpu Counter "process_cpu_seconds_total" [] "Processor time of the process, in the kernel and outside."
    ProcessResident Gauge "process_resident_memory_bytes" [] "Memory of the process that is in RAM."
    ProcessFiles Gauge "process_open_fds" [] "Files and sockets that the process has open."
    ProcessFilesMax Gauge "process_max_fds" [] "How many it may have open."

    Connections Gauge "corelane_connections" ["core", "door"] "Connections that are served."
    ConnectionsAccepted Counter "corelane_connections_accepted_total" ["core", "door"] "Connections that were taken, by the core that serves them."
    ConnectionsRefused Counter "corelane_connections_refused_total" ["core"] "Connections beyond the limit, closed at once."
    ConnectionsClosed Counter "corelane_connections_closed_total" ["core", "reason"] "Connections that the broker closed: idle, slow_request that did not arrive in time, answers_not_taken, or an invalid_request."
    Requests Counter "corelane_requests_total" ["core", "door", "api"] "Requests by API; those that were asked at least once."
    PartitionRequests Counter "corelane_partition_requests_total" ["core", "path"] "Appends and reads for clients of this core: direct where it owns the partition, else crossed to another core."
    StageSeconds Histogram "corelane_stage_seconds" ["core", "stage"] "Time of produce requests in each stage, and of all requests in parse and send."

    Partitions Gauge "corelane_partitions" ["core"] "Partitions that the core owns."
    SegmentBytes Gauge "corelane_segment_bytes" ["core"] "Bytes of all segments of these partitions."
    AppendBatches Counter "corelane_append_batches_total" ["core"] "Batches that were appended."
    AppendRecords Counter "corelane_append_records_total" ["core"] "Records of these batches."
    AppendBytes Counter "corelane_append_bytes_total" ["core"] "Bytes of these batches."
    AppendsRefused Counter "corelane_appends_refused_total" ["core", "reason"] "Appends that were refused: no_space while the disk is full or below disk.free_floor, overloaded with too many waiting, poisoned after a failed write or flush, too_large for the journal."
    AppendsWaiting Gauge "corelane_appends_waiting" ["core"] "Appends that wait for room in journal or cache."
    AppendsWaitingMax Gauge "corelane_appends_waiting_max" ["core"] "How many may wait."
    Fetches Counter "corelane_fetch_reads_total" ["core", "source"] "Reads of a partition that gave records, from memory or disk."
    FetchBytes Counter "corelane_fetch_bytes_total" ["core", "source"] "Bytes that they gave."

    GroupCommitSeconds Histogram "corelane_group_commit_seconds" ["core"] "Time from closing a group of appends until it was on the disk: the latency of a flush."
    GroupCommitBytes Histogram "corelane_group_commit_bytes" ["core"] "Bytes that a group commit wrote to the journal."
    GroupCommitEntries Histogram "corelane_group_commit_entries" ["core"] "Entries of a group commit: batches, and starts of logs that moved."
    JournalBytes Gauge "corelane_journal_used_bytes" ["core"] "Bytes that a start would replay now."
    JournalBytesMax Gauge "corelane_journal_max_bytes" ["core"] "How many there may be, by journal.bytes and recovery.target."
    DirectBytes Counter "corelane_direct_bytes_total" ["core"] "Bytes of large batches that were written straight to their segments."
    Checkpoints Histogram "corelane_checkpoint_seconds" ["core"] "Checkpoints that were taken, and how long they took."

    MemoryUsed Gauge "corelane_memory_used_bytes" ["core", "budget"] "What is taken of each budget: the setting is memory.BUDGET, or fetch.sessions_memory; standing is the part of answers for waits on other cores."
    MemoryMax Gauge "corelane_memory_max_bytes" ["core", "budget"] "What there is of it."
    MemoryWaiting Gauge "corelane_memory_waiting" ["core", "budget"] "Pieces of work that wait for room in it."
    CacheDirty Gauge "corelane_cache_dirty_bytes" ["core"] "Bytes of the cache that are in no segment yet."
    FetchSessions Gauge "corelane_fetch_sessions" ["core"] "Fetch sessions of Kafka consumers."
    ProduceParts Gauge "corelane_produce_parts" ["core"] "Partitions of produce requests that are not answered yet."
    GroupsWaiting Gauge "corelane_group_requests_waiting" ["core"] "Requests of group members that wait for their answers."

    OpenFiles Gauge "corelane_segment_files_open" ["core"] "Segment files that are kept open."
    OpenFilesMax Gauge "corelane_segment_files_open_max" ["core"] "How many may be."
    DiskFree Gauge "corelane_disk_free_bytes" ["core"] "Free space of the data folder's disk, as it last said."
    DiskFreeFloor Gauge "corelane_disk_free_floor_bytes" ["core"] "Below so much free space appends are refused (disk.free_floor)."
    DiskShort Gauge "corelane_disk_short_of_space" ["core"] "1 while appends are refused for want of space."
    DiskOperations Counter "corelane_disk_operations_total" ["core", "operation"] "Disk operations that have ended."
    DiskSeconds Counter "corelane_disk_operation_seconds_total" ["core", "operation"] "Time that they took together."
    DiskUnderWay Gauge "corelane_disk_operations_under_way" ["core", "operation"] "Disk operations that have not ended."
    DiskErrors Counter "corelane_disk_errors_total" ["core", "operation", "error"] "Disk operations that failed: no_space on a full disk, io for all else."
    DiskStalls Counter "corelane_disk_stalls_total" ["core", "operation"] "Disk operations that took longer than a second."
    DiskStalled Gauge "corelane_disk_stalled_operations" ["core"] "Those that are under way."
    DiskStalledSeconds Gauge "corelane_disk_stalled_seconds" ["core", "operation", "file"] "How long the oldest of them has lasted, by operation and file; the longest 16 of a core."
    DiskStallLongest Gauge "corelane_disk_stall_longest_seconds" ["core"] "The longest that a disk operation has taken beyond a second."

    Poisoned Gauge "corelane_core_poisoned" ["core", "reason"] "1 for a core that refuses appends until a restart, because a write or flush failed, with the reason; else 0."
    DamageFound Counter "corelane_damage_found_total" ["core"] "Places in segments that were found damaged, by readers and by scrubbing."
    DamageKnown Gauge "corelane_damage_known" ["core"] "Those that are still there."
    Damage Gauge "corelane_damage" ["core", "topic", "partition", "offset", "file", "position"] "1 for each of them: the first offset concerned, the file and the byte in it; the first 32 of a core."

    SegmentsRemoved Counter "corelane_segments_removed_total" ["core"] "Segments that retention, DeleteRecords or compaction put before the start of their log, removed."
    SegmentBytesRemoved Counter "corelane_segment_bytes_removed_total" ["core"] "Bytes of these segments."
    Cleanings Counter "corelane_compactions_total" ["core"] "Compactions of a log that came to their end."
    CleaningSeconds Counter "corelane_compaction_seconds_total" ["core"] "Time that compactions took, pauses included."
    CleaningRead Counter "corelane_compaction_read_bytes_total" ["core"] "Bytes that compaction read."
    CleaningWritten Counter "corelane_compaction_written_bytes_total" ["core"] "Bytes that compaction wrote."
    CleaningDropped Counter "corelane_compaction_dropped_records_total" ["core"] "Records that compaction dropped."
    ScrubPasses Counter "corelane_scrub_passes_total" ["core"] "Passes of scrubbing over all segments."
    ScrubSegments Counter "corelane_scrub_segments_total" ["core"] "Segments that scrubbing checked."
    ScrubBytes Counter "corelane_scrub_bytes_total" ["core"] "Bytes that scrubbing checked."

    Moves Counter "corelane_partition_moves_total" ["core", "direction"] "Partitions that came from another core (in) or went there (out); one that comes back after a failure counts again."
    BalancerMoves Counter "corelane_balancer_moves_total" ["core"] "Moves that the balancer asked for."

    CpuSeconds Counter "corelane_core_cpu_seconds_total" ["core"] "Processor time of the core's thread, the kernel's work for it included."
    QueueSeconds Counter "corelane_task_queue_seconds_total" ["core", "queue"] "Time that the tasks of a queue have had the core."
    TaskStalls Counter "corelane_task_stalls_total" ["core", "queue", "task"] "How often a task kept its core for longer than 500 us without a pause."
    TaskStallLongest Gauge "corelane_task_stall_longest_seconds" ["core", "queue", "task"] "The longest that it did."
    CoreStalls Counter "corelane_core_stalls_total" ["core"] "How often the core did not move for more than a second."
    CoreStallLongest Gauge "corelane_core_stall_longest_seconds" ["core"] "The longest that it did not."
    MeshCalls Gauge "corelane_mesh_calls" ["core"] "Calls to other cores that are not answered yet."
}

impl Id {
    pub(super) fn metric(self) -> &'static Metric {
        &METRICS[self as usize]
    }
}

/// The table as the reference page has it.
pub fn metrics_markdown() -> String {
    let mut page = String::from("| metric | kind | labels | |\n|---|---|---|---|\n");
    for Metric { name, kind, labels, about } in METRICS {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(page, "| `{name}` | {} | {} | {about} |", kind.name(), labels.join(" ")).expect("a String takes all");
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let mut names = BTreeSet::new();
        for Metric { name, kind, labels, about } in METRICS {
            assert!(names.insert(*name), "{name} is there twice");
            let of_us = name.starts_with("corelane_") || name.starts_with("process_");
            assert!(of_us && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(!["_bucket", "_sum", "_count", "_ms", "_us"].iter().any(|end| name.ends_with(end)), "{name}");
            assert!(about.ends_with('.') && !about.contains('|'), "{name}: {about}");
            assert!(!labels.contains(&"le") && labels.iter().all(|label| !label.starts_with("__")), "{name}");
            let at = labels.iter().position(|label| *label == "core");
            assert!(at.is_none_or(|at| at == 0), "{name}: the core comes first");
        }
    }
}
