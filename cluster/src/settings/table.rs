//! The table of all topic settings.

use std::time::Duration;

use super::{
    Accepted, CleanupPolicy, CompressionType, Durability, Effect, SettingDefinition, SettingType, SettingValue,
    TimestampType, TopicSettings, Unit,
};

const MIB: i64 = 1 << 20;
const INT_MAX: i64 = i32::MAX as i64;

const FLUSH_IS_STRICTER: &str =
    "a flushed topic flushes each record before its ack and so meets every bound; a relaxed one refuses to have one";

const USUAL_LEVEL: &str = "batches are compressed at the codec's usual level";

/// Every setting, in the order of names that `DescribeConfigs` and the manual use.
pub static DEFINITIONS: &[SettingDefinition] = &[
    SettingDefinition {
        name: "cleanup.policy",
        broker_name: "log.cleanup.policy",
        kind: SettingType::List,
        unit: Unit::None,
        default: "delete",
        accepted: Accepted::Words(&["delete", "compact"]),
        effect: Effect::Served,
        doc: "How old records leave: `delete` drops whole segments past the retention, `compact` keeps the last record \
              of each key; `compact,delete` does both.",
        store: |settings, value| {
            let words = value.words();
            settings.cleanup = match (words.contains(&"compact"), words.contains(&"delete")) {
                (true, true) => CleanupPolicy::CompactAndDelete,
                (true, false) => CleanupPolicy::Compact,
                (false, _) => CleanupPolicy::Delete,
            };
        },
    },
    SettingDefinition {
        name: "compression.gzip.level",
        broker_name: "compression.gzip.level",
        kind: SettingType::Int,
        unit: Unit::None,
        default: "-1",
        accepted: Accepted::Range { min: -1, max: -1 },
        effect: Effect::Limited(USUAL_LEVEL),
        doc: "The level of gzip where batches are compressed anew.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "compression.lz4.level",
        broker_name: "compression.lz4.level",
        kind: SettingType::Int,
        unit: Unit::None,
        default: "9",
        accepted: Accepted::Range { min: 9, max: 9 },
        effect: Effect::Limited(USUAL_LEVEL),
        doc: "The level of lz4 where batches are compressed anew.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "compression.type",
        broker_name: "compression.type",
        kind: SettingType::Enum,
        unit: Unit::None,
        default: "producer",
        accepted: Accepted::Words(&["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"]),
        effect: Effect::Served,
        doc: "The codec of stored batches: `producer` keeps what the producer chose and costs nothing; with any other, \
              batches of another codec are compressed anew when they come in.",
        store: |settings, value| {
            settings.compression = match value.word() {
                "uncompressed" => CompressionType::Uncompressed,
                "gzip" => CompressionType::Gzip,
                "snappy" => CompressionType::Snappy,
                "lz4" => CompressionType::Lz4,
                "zstd" => CompressionType::Zstd,
                _ => CompressionType::Producer,
            };
        },
    },
    SettingDefinition {
        name: "compression.zstd.level",
        broker_name: "compression.zstd.level",
        kind: SettingType::Int,
        unit: Unit::None,
        default: "3",
        accepted: Accepted::Range { min: 3, max: 3 },
        effect: Effect::Limited(USUAL_LEVEL),
        doc: "The level of zstd where batches are compressed anew.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "corelane.durability",
        broker_name: "corelane.durability",
        kind: SettingType::Enum,
        unit: Unit::None,
        default: "flushed",
        accepted: Accepted::Words(&["flushed", "relaxed"]),
        effect: Effect::Served,
        doc: "When `acks=all` is answered: `flushed` once the records are on stable storage, `relaxed` once they are \
              written, with a flush by interval, so that a power cut may lose the last of them.",
        store: |settings, value| {
            settings.durability = if value.word() == "relaxed" { Durability::Relaxed } else { Durability::Flushed };
        },
    },
    SettingDefinition {
        name: "delete.retention.ms",
        broker_name: "log.cleaner.delete.retention.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "86400000",
        accepted: Accepted::Range { min: 0, max: i64::MAX },
        effect: Effect::Served,
        doc: "How long compaction keeps a tombstone (a record with a key and no value) after it first came across it.",
        store: |settings, value| settings.delete_retention = milliseconds(value),
    },
    SettingDefinition {
        name: "file.delete.delay.ms",
        broker_name: "log.segment.delete.delay.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "60000",
        accepted: Accepted::Range { min: 0, max: i64::MAX },
        effect: Effect::Limited("a removed segment goes once nobody reads it"),
        doc: "How long the files of a removed segment stay.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "flush.messages",
        broker_name: "log.flush.interval.messages",
        kind: SettingType::Long,
        unit: Unit::Messages,
        default: "9223372036854775807",
        accepted: Accepted::Range { min: 1, max: i64::MAX },
        effect: Effect::Limited(FLUSH_IS_STRICTER),
        doc: "Kafka's bound on records written but not flushed.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "flush.ms",
        broker_name: "log.flush.interval.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "9223372036854775807",
        accepted: Accepted::Range { min: 0, max: i64::MAX },
        effect: Effect::Limited(FLUSH_IS_STRICTER),
        doc: "Kafka's bound on how long a record is written but not flushed.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "index.interval.bytes",
        broker_name: "log.index.interval.bytes",
        kind: SettingType::Int,
        unit: Unit::Bytes,
        default: "4096",
        accepted: Accepted::Range { min: 0, max: INT_MAX },
        effect: Effect::Limited("an index has an entry for each 32 KiB, and for each larger batch"),
        doc: "How dense the index of a segment is.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "max.compaction.lag.ms",
        broker_name: "log.cleaner.max.compaction.lag.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "9223372036854775807",
        accepted: Accepted::Range { min: 1, max: i64::MAX },
        effect: Effect::Served,
        doc: "A record older than this is compacted at the next look, however little there is to clean.",
        store: |settings, value| {
            settings.compaction_lag_max = (value.number() < i64::MAX).then(|| milliseconds(value));
        },
    },
    SettingDefinition {
        name: "max.message.bytes",
        broker_name: "message.max.bytes",
        kind: SettingType::Int,
        unit: Unit::Bytes,
        default: "1048588",
        accepted: Accepted::Range { min: 0, max: 64 * MIB },
        effect: Effect::Served,
        doc: "The largest record batch accepted, as it travels: compressed and with its header.",
        store: |settings, value| settings.max_message_bytes = bytes(value),
    },
    SettingDefinition {
        name: "message.timestamp.after.max.ms",
        broker_name: "log.message.timestamp.after.max.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "3600000",
        accepted: Accepted::Range { min: 0, max: i64::MAX },
        effect: Effect::Served,
        doc: "How far a producer's timestamp may be ahead of the broker's clock.",
        store: |settings, value| settings.timestamp_after_max = milliseconds(value),
    },
    SettingDefinition {
        name: "message.timestamp.before.max.ms",
        broker_name: "log.message.timestamp.before.max.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "9223372036854775807",
        accepted: Accepted::Range { min: 0, max: i64::MAX },
        effect: Effect::Served,
        doc: "How far a producer's timestamp may lie behind the broker's clock.",
        store: |settings, value| settings.timestamp_before_max = milliseconds(value),
    },
    SettingDefinition {
        name: "message.timestamp.type",
        broker_name: "log.message.timestamp.type",
        kind: SettingType::Enum,
        unit: Unit::None,
        default: "CreateTime",
        accepted: Accepted::Words(&["CreateTime", "LogAppendTime"]),
        effect: Effect::Served,
        doc: "Whose clock stamps the records: the producer's or the broker's.",
        store: |settings, value| {
            settings.timestamp_type =
                if value.word() == "LogAppendTime" { TimestampType::LogAppend } else { TimestampType::Create };
        },
    },
    SettingDefinition {
        name: "min.cleanable.dirty.ratio",
        broker_name: "log.cleaner.min.cleanable.ratio",
        kind: SettingType::Double,
        unit: Unit::None,
        default: "0.5",
        accepted: Accepted::Ratio,
        effect: Effect::Served,
        doc: "A log is compacted once more than this share of it, in bytes, was not compacted before.",
        store: |settings, value| settings.cleanable_dirty_ratio = value.ratio(),
    },
    SettingDefinition {
        name: "min.compaction.lag.ms",
        broker_name: "log.cleaner.min.compaction.lag.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "0",
        accepted: Accepted::Range { min: 0, max: i64::MAX },
        effect: Effect::Served,
        doc: "A record is not compacted before it is older than this.",
        store: |settings, value| settings.compaction_lag_min = milliseconds(value),
    },
    SettingDefinition {
        name: "min.insync.replicas",
        broker_name: "min.insync.replicas",
        kind: SettingType::Int,
        unit: Unit::Replicas,
        default: "1",
        accepted: Accepted::Range { min: 1, max: INT_MAX },
        effect: Effect::Served,
        doc: "With fewer replicas in sync than this, `acks=all` is refused.",
        store: |settings, value| {
            settings.min_insync_replicas = u32::try_from(value.number()).expect("the bounds fit 32 bits");
        },
    },
    SettingDefinition {
        name: "preallocate",
        broker_name: "log.preallocate",
        kind: SettingType::Boolean,
        unit: Unit::None,
        default: "false",
        accepted: Accepted::Words(&["true", "false"]),
        effect: Effect::Limited("space is set aside ahead where large batches come, and nowhere else"),
        doc: "Whether the file of a segment has its whole size from its beginning.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "retention.bytes",
        broker_name: "log.retention.bytes",
        kind: SettingType::Long,
        unit: Unit::Bytes,
        default: "-1",
        accepted: Accepted::Range { min: i64::MIN, max: i64::MAX },
        effect: Effect::Served,
        doc: "The oldest segments of a partition are deleted as long as at least this much is left; a negative number \
              keeps everything.",
        store: |settings, value| settings.retention_bytes = u64::try_from(value.number()).ok(),
    },
    SettingDefinition {
        name: "retention.ms",
        broker_name: "log.retention.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "604800000",
        accepted: Accepted::Range { min: -1, max: i64::MAX },
        effect: Effect::Served,
        doc: "A segment is deleted when the newest timestamp of its records is older than this; -1 keeps it for ever.",
        store: |settings, value| settings.retention_time = (value.number() >= 0).then(|| milliseconds(value)),
    },
    SettingDefinition {
        name: "segment.bytes",
        broker_name: "log.segment.bytes",
        kind: SettingType::Int,
        unit: Unit::Bytes,
        default: "1073741824",
        accepted: Accepted::Range { min: MIB, max: INT_MAX },
        effect: Effect::Served,
        doc: "A segment file is closed, and the next one begun, before it grows beyond this.",
        store: |settings, value| settings.segment_bytes = bytes(value),
    },
    SettingDefinition {
        name: "segment.index.bytes",
        broker_name: "log.index.size.max.bytes",
        kind: SettingType::Int,
        unit: Unit::Bytes,
        default: "10485760",
        accepted: Accepted::Range { min: 4, max: INT_MAX },
        effect: Effect::Limited("an index is as large as its segment needs"),
        doc: "The size at which the index of a segment is full.",
        store: keep_nothing,
    },
    SettingDefinition {
        name: "segment.jitter.ms",
        broker_name: "log.roll.jitter.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "0",
        accepted: Accepted::Range { min: 0, max: i64::MAX },
        effect: Effect::Served,
        doc: "A segment is closed by time up to this much earlier, each one by another part of it.",
        store: |settings, value| settings.segment_jitter = milliseconds(value),
    },
    SettingDefinition {
        name: "segment.ms",
        broker_name: "log.roll.ms",
        kind: SettingType::Long,
        unit: Unit::Milliseconds,
        default: "604800000",
        accepted: Accepted::Range { min: 1, max: i64::MAX },
        effect: Effect::Served,
        doc: "A segment is closed, and the next one begun, by the first record whose timestamp is this much later than \
              the segment's first.",
        store: |settings, value| settings.segment_time = milliseconds(value),
    },
    SettingDefinition {
        name: "unclean.leader.election.enable",
        broker_name: "unclean.leader.election.enable",
        kind: SettingType::Boolean,
        unit: Unit::None,
        default: "false",
        accepted: Accepted::Words(&["true", "false"]),
        effect: Effect::Limited("a partition has one replica, so that there is nobody else to elect"),
        doc: "Whether a replica that is behind may become leader when there is no other.",
        store: keep_nothing,
    },
];

/// For settings whose accepted values all behave alike.
fn keep_nothing(_: &mut TopicSettings, _: &SettingValue) {}

fn bytes(value: &SettingValue) -> u32 {
    u32::try_from(value.number()).expect("the bounds fit 32 bits")
}

fn milliseconds(value: &SettingValue) -> Duration {
    Duration::from_millis(u64::try_from(value.number()).expect("the bounds exclude negative numbers"))
}
