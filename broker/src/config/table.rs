//! The table of settings.

use std::fmt::Write as _;
use std::time::Duration;

use super::value::{Kind, Value};
use crate::lanes::LANES_MAX;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// When a setting can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// It is read at start only.
    AtStart,
    /// It can also be altered while the broker runs, by clients of the Kafka door; that comes before the file.
    WhileRunning,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Kind,
    pub default: &'static str,
    /// One sentence.
    pub about: &'static str,
    pub changes: Changes,
}

const fn setting(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Setting {
    Setting { name, kind, default, about, changes: Changes::AtStart }
}

const fn live_setting(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Setting {
    Setting { name, kind, default, about, changes: Changes::WhileRunning }
}

const fn duration(min: Duration, max: Duration) -> Kind {
    Kind::Duration { min, max }
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Kafka has no such limit; see `cluster::limits`.
const GROUP_MEMBERS_MAX: u32 = 10_000;
const _: () = assert!(GROUP_MEMBERS_MAX as usize == cluster::limits::GROUP_MEMBERS_MAX);
const MILLISECOND: Duration = Duration::from_millis(1);

pub const SETTINGS: &[Setting] = &[
    setting("data", Kind::Text, "corelane-data", "Folder of all data; made if it is missing."),
    setting("cores", Kind::Cores, "all", "Cores to run on; each gets one executor and one shard of the partitions."),
    setting(
        "node.id",
        Kind::Count { min: 0, max: i32::MAX.cast_unsigned() },
        "1",
        "Id of this broker in its cluster; a data folder keeps the id that it was made with.",
    ),
    setting("kafka.listen", Kind::Address, "127.0.0.1:9092", "Where Kafka clients connect; port 0 takes any free one."),
    setting(
        "kafka.advertise",
        Kind::Text,
        "",
        "Host, or host:port, that Kafka clients are told to connect to; empty stands for the address listened on.",
    ),
    setting(
        "kafka.request_bytes_max",
        Kind::Bytes { min: 64 * KIB, max: GIB },
        "100 MiB",
        "Largest Kafka request (Kafka's socket.request.max.bytes); the connection of a larger one is closed.",
    ),
    setting(
        "kafka.lanes",
        Kind::Count { min: 0, max: LANES_MAX },
        "0",
        "Groups of cores that Kafka clients of kafka.lanes_listen see as nodes with ports of their own, so that they \
         connect straight to the core that owns a partition; 0 for none.",
    ),
    setting(
        "kafka.lanes_listen",
        Kind::Address,
        "127.0.0.1:9192",
        "Where Kafka clients connect that use lanes: lane n listens on this port plus n; port 0 takes any free ones.",
    ),
    setting(
        "kafka.lanes_advertise",
        Kind::Text,
        "",
        "Host, or host:port of lane 0, that clients of lanes are told to connect to, as kafka.advertise.",
    ),
    setting(
        "native.listen",
        Kind::Address,
        "127.0.0.1:9292",
        "Where native clients connect: core n listens on this port plus n; port 0 takes any free ones.",
    ),
    setting("native.advertise", Kind::Text, "", "Host that native clients are told to connect to, as kafka.advertise."),
    setting(
        "native.payload_bytes_max",
        Kind::Bytes { min: 64 * KIB, max: GIB },
        "64 MiB",
        "Largest payload of a native frame.",
    ),
    setting(
        "http.listen",
        Kind::AddressOrOff,
        "127.0.0.1:9644",
        "Where metrics (/metrics, for Prometheus) and the broker's health (/healthz, /readyz) are to be had over HTTP; port 0 \
         takes any free one. Without this setting there is no such door where the default is in use.",
    ),
    live_setting(
        "connections.max",
        Kind::Count { min: 1, max: 1_000_000 },
        "10000",
        "Connections over both doors; further ones are closed at once. Fewer where the limit on open files (ulimit -n), which \
         the broker raises as far as it may, leaves room for fewer.",
    ),
    setting(
        "connections.idle",
        duration(MILLISECOND, Duration::from_secs(30 * 86_400)),
        "10 min",
        "A connection without a request for so long is closed (Kafka's connections.max.idle.ms).",
    ),
    setting(
        "connections.requests_max",
        Kind::Count { min: 1, max: 10_000 },
        "64",
        "Requests of one connection that may wait for their answers; more are not read until some are answered.",
    ),
    setting(
        "connections.request_time_max",
        duration(MILLISECOND, HOUR),
        "30 s",
        "A request must have arrived whole, and an answer been taken, within this time. While others wait for the memory that it \
         has, a connection that brings less than 64 KiB of a request in 1 s, or twice in a row takes less of an answer in 2 s, is closed.",
    ),
    setting(
        "memory.cache",
        Kind::Bytes { min: 0, max: 64 * TIB },
        "0 B",
        "Recent data kept in memory, per core; 0 takes a sixteenth of the machine's memory over all cores.",
    ),
    setting(
        "memory.requests",
        Kind::Bytes { min: MIB, max: TIB },
        "128 MiB",
        "Requests being read or worked on, per core; beyond it sockets are not read, but small requests have 16 KiB more on each \
         connection.",
    ),
    setting(
        "memory.answers",
        Kind::Bytes { min: MIB, max: TIB },
        "128 MiB",
        "Answers and fetched data on their way to clients, per core; beyond it fetches wait.",
    ),
    setting(
        "memory.groups",
        Kind::Bytes { min: MIB, max: TIB },
        "256 MiB",
        "Groups, their members, and the offsets that they have committed, per core: about 200 bytes for each offset and 2 KiB \
         for each member; beyond it no new ones are taken.",
    ),
    setting(
        "memory.producers",
        Kind::Bytes { min: MIB, max: TIB },
        "128 MiB",
        "Idempotent producers that partitions remember, per core: 512 bytes for each in each partition; beyond it those that \
         wrote longest ago are forgotten, and their repetitions are not known as such any more.",
    ),
    setting(
        "fetch.sessions_max",
        Kind::Count { min: 0, max: 1_000_000 },
        "1000",
        "Fetch sessions of Kafka consumers (KIP-227), per core (Kafka's max.incremental.fetch.session.cache.slots); \
         consumers without one name all their partitions in each fetch.",
    ),
    setting(
        "fetch.sessions_memory",
        Kind::Bytes { min: 0, max: GIB },
        "32 MiB",
        "What those sessions may take, per core: about 450 bytes for each partition.",
    ),
    setting(
        "journal.bytes",
        Kind::Bytes { min: MIB, max: 4 * GIB },
        "256 MiB",
        "Size of a core's journal; it bounds the time of a restart.",
    ),
    setting(
        "journal.flush_interval",
        duration(MILLISECOND, HOUR),
        "1 s",
        "Longest time that a write to a topic with corelane.durability=relaxed stays unflushed.",
    ),
    setting(
        "journal.checkpoint_interval",
        duration(Duration::from_millis(100), DAY),
        "60 s",
        "Time between checkpoints while there is something to check; half a journal's data brings one earlier.",
    ),
    live_setting(
        "disk.free_floor",
        Kind::Bytes { min: 0, max: 64 * TIB },
        "256 MiB",
        "With less free space than this, produce requests are refused with a retriable error.",
    ),
    live_setting(
        "retention.check_interval",
        duration(MILLISECOND, Duration::from_secs(365 * 86_400)),
        "5 min",
        "How often records are looked for that retention deletes (Kafka's log.retention.check.interval.ms).",
    ),
    live_setting(
        "compaction.check_interval",
        duration(MILLISECOND, Duration::from_secs(365 * 86_400)),
        "15 s",
        "How often logs are looked for that are to be compacted, once none is left (Kafka's log.cleaner.backoff.ms).",
    ),
    setting(
        "compaction.keys_memory",
        Kind::Bytes { min: MIB, max: TIB },
        "128 MiB",
        "Memory for the keys of compactions, over all cores, while they run: 24 bytes for each key; with more keys a log \
         is compacted in several rounds (Kafka's log.cleaner.dedupe.buffer.size).",
    ),
    live_setting(
        "compaction.rate",
        Kind::Bytes { min: 64 * KIB, max: TIB },
        "64 MiB",
        "Bytes that compaction reads and writes in a second, per core (Kafka's log.cleaner.io.max.bytes.per.second).",
    ),
    live_setting(
        "balancer.enabled",
        Kind::Flag,
        "true",
        "Partitions are moved from a core that has much to do to one that has little, while they are used.",
    ),
    live_setting(
        "balancer.interval",
        duration(Duration::from_millis(100), HOUR),
        "10 s",
        "How often the balancer looks at what cores and partitions have taken of the time; three looks in a row must say \
         the same before it moves one partition.",
    ),
    live_setting(
        "balancer.threshold",
        Kind::Count { min: 1, max: 100 },
        "20",
        "The busiest core must be busy for so many percent of the time more than the least busy one.",
    ),
    live_setting(
        "producers.expiration",
        duration(MILLISECOND, Duration::from_secs(365 * 86_400)),
        "24 h",
        "How long the sequences of an idempotent producer that sends nothing are remembered (Kafka's \
         producer.id.expiration.ms).",
    ),
    setting(
        "recovery.damaged_journal",
        Kind::Word(&["refuse", "accept-loss"]),
        "refuse",
        "What to do at start when acknowledged records are damaged in a journal.",
    ),
    setting(
        "recovery.target",
        duration(Duration::from_millis(100), HOUR),
        "5 s",
        "Time that a start after a crash may take to bring the journals to segments: checkpoints come early enough for it, \
         by what the last such start measured.",
    ),
    setting(
        "scrub.interval",
        duration(Duration::ZERO, Duration::from_secs(365 * 86_400)),
        "7 d",
        "How often all segments are read and checked for damage, up to their last checkpoint; 0 s for never.",
    ),
    setting(
        "scrub.bytes_per_second",
        Kind::Bytes { min: 64 * KIB, max: TIB },
        "16 MiB",
        "Most that each core reads for that in a second.",
    ),
    setting(
        "groups.offsets_partitions",
        Kind::Count { min: 1, max: 10_000 },
        "50",
        "Partitions of __consumer_offsets, which is made when the first group looks for its coordinator (Kafka's \
         offsets.topic.num.partitions).",
    ),
    setting(
        "groups.offsets_retention",
        duration(MILLISECOND, Duration::from_secs(3_650 * 86_400)),
        "7 d",
        "How long the offsets of a group without members are kept, and those of topics that it is not subscribed to \
         (Kafka's offsets.retention.minutes).",
    ),
    setting(
        "groups.offsets_check_interval",
        duration(MILLISECOND, Duration::from_secs(365 * 86_400)),
        "10 min",
        "How often such offsets are looked for (Kafka's offsets.retention.check.interval.ms).",
    ),
    setting(
        "groups.offset_metadata_bytes_max",
        Kind::Bytes { min: 0, max: MIB },
        "4 KiB",
        "Largest metadata that a client may commit beside an offset (Kafka's offset.metadata.max.bytes).",
    ),
    setting(
        "groups.session_timeout_min",
        duration(MILLISECOND, DAY),
        "6 s",
        "Shortest session that a member of the classic protocol may ask for (Kafka's group.min.session.timeout.ms).",
    ),
    setting(
        "groups.session_timeout_max",
        duration(MILLISECOND, DAY),
        "30 min",
        "Longest session that a member of the classic protocol may ask for (Kafka's group.max.session.timeout.ms).",
    ),
    setting(
        "groups.initial_rebalance_delay",
        duration(Duration::ZERO, HOUR),
        "3 s",
        "How long an empty group of the classic protocol waits for more members after the first has come (Kafka's \
         group.initial.rebalance.delay.ms).",
    ),
    setting(
        "groups.members_max",
        Kind::Count { min: 1, max: GROUP_MEMBERS_MAX },
        "10000",
        "Members of one group of the classic protocol (Kafka's group.max.size).",
    ),
    setting(
        "groups.consumer.members_max",
        Kind::Count { min: 1, max: GROUP_MEMBERS_MAX },
        "10000",
        "Members of one group of the consumer protocol (Kafka's group.consumer.max.size).",
    ),
    setting(
        "groups.consumer.session_timeout",
        duration(MILLISECOND, DAY),
        "45 s",
        "A member of the consumer protocol without a heartbeat for so long is given up (Kafka's \
         group.consumer.session.timeout.ms).",
    ),
    setting(
        "groups.consumer.heartbeat_interval",
        duration(MILLISECOND, HOUR),
        "5 s",
        "How often members of the consumer protocol are told to send a heartbeat (Kafka's \
         group.consumer.heartbeat.interval.ms).",
    ),
    setting(
        "groups.consumer.assignor",
        Kind::Word(&["uniform", "range"]),
        "uniform",
        "How partitions are assigned in a group of the consumer protocol whose members do not say (the first of Kafka's \
         group.consumer.assignors).",
    ),
    setting(
        "groups.consumer.migration",
        Kind::Word(&["bidirectional", "upgrade", "downgrade", "disabled"]),
        "bidirectional",
        "Whether a group may change between the classic and the consumer protocol while it has members (Kafka's \
         group.consumer.migration.policy).",
    ),
    live_setting("topics.auto_create", Kind::Flag, "true", "Topics that clients ask for by name are made for them."),
    live_setting(
        "topics.partitions",
        Kind::Count { min: 1, max: 10_000 },
        "1",
        "Partitions of a new topic that does not say how many (Kafka's num.partitions).",
    ),
    setting(
        "runtime.spin",
        duration(Duration::ZERO, MILLISECOND),
        "0 us",
        "Time that a core looks for work before it sleeps; saves wake-ups on machines that run nothing else.",
    ),
    setting(
        "runtime.stop_time_max",
        duration(MILLISECOND, HOUR),
        "1 s",
        "Time that requests in progress are given when the broker is asked to stop.",
    ),
];

impl Setting {
    /// The default, as a value.
    pub fn default_value(&self) -> Value {
        self.kind.parse(self.default).unwrap_or_else(|why| panic!("the default of {} is invalid: {why}", self.name))
    }

    /// Behind the prefix: `kafka.listen` is `KAFKA_LISTEN`.
    pub fn environment_name(&self) -> String {
        self.name.replace('.', "_").to_uppercase()
    }
}

pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The known name that is nearest to a mistyped one, if any is near.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let near = SETTINGS.iter().map(|setting| (distance(name, setting.name), setting.name)).min()?;
    (near.0 <= 3).then_some(near.1)
}

/// Edits between two short texts (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// The reference page of the settings.
pub fn settings_markdown() -> String {
    let mut page = String::from("| setting | default | allowed | can change | meaning |\n|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "(empty)" } else { setting.default };
        let allowed = setting.kind.bounds().replace('|', "\\|");
        let changes = match setting.changes {
            Changes::AtStart => "at start",
            Changes::WhileRunning => "while running",
        };
        writeln!(page, "| `{}` | {default} | {allowed} | {changes} | {} |", setting.name, setting.about)
            .expect("a String takes all");
    }
    page
}
