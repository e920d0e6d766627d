//! Settings of a broker that Kafka has too, by the names that Kafka's tools look for.

use super::table::{SETTINGS, Setting, find};
use super::value::Value;

/// How Kafka writes a value that we write with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As we do.
    Same,
    Bytes,
    Milliseconds,
    Minutes,
}

/// Another name for a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KafkaName {
    pub(crate) name: &'static str,
    ours: &'static str,
    pub(crate) spelling: Spelling,
}

const fn same(name: &'static str, ours: &'static str) -> KafkaName {
    KafkaName { name, ours, spelling: Spelling::Same }
}

const fn bytes(name: &'static str, ours: &'static str) -> KafkaName {
    KafkaName { name, ours, spelling: Spelling::Bytes }
}

const fn milliseconds(name: &'static str, ours: &'static str) -> KafkaName {
    KafkaName { name, ours, spelling: Spelling::Milliseconds }
}

pub(crate) const KAFKA_NAMES: &[KafkaName] = &[
    same("auto.create.topics.enable", "topics.auto_create"),
    same("broker.id", "node.id"),
    milliseconds("connections.max.idle.ms", "connections.idle"),
    same("group.consumer.assignors", "groups.consumer.assignor"),
    milliseconds("group.consumer.heartbeat.interval.ms", "groups.consumer.heartbeat_interval"),
    same("group.consumer.max.size", "groups.consumer.members_max"),
    same("group.consumer.migration.policy", "groups.consumer.migration"),
    milliseconds("group.consumer.session.timeout.ms", "groups.consumer.session_timeout"),
    milliseconds("group.initial.rebalance.delay.ms", "groups.initial_rebalance_delay"),
    milliseconds("group.max.session.timeout.ms", "groups.session_timeout_max"),
    same("group.max.size", "groups.members_max"),
    milliseconds("group.min.session.timeout.ms", "groups.session_timeout_min"),
    milliseconds("log.cleaner.backoff.ms", "compaction.check_interval"),
    bytes("log.cleaner.dedupe.buffer.size", "compaction.keys_memory"),
    bytes("log.cleaner.io.max.bytes.per.second", "compaction.rate"),
    same("log.dirs", "data"),
    milliseconds("log.retention.check.interval.ms", "retention.check_interval"),
    same("max.connections", "connections.max"),
    same("max.incremental.fetch.session.cache.slots", "fetch.sessions_max"),
    same("num.partitions", "topics.partitions"),
    bytes("offset.metadata.max.bytes", "groups.offset_metadata_bytes_max"),
    milliseconds("offsets.retention.check.interval.ms", "groups.offsets_check_interval"),
    KafkaName { name: "offsets.retention.minutes", ours: "groups.offsets_retention", spelling: Spelling::Minutes },
    same("offsets.topic.num.partitions", "groups.offsets_partitions"),
    milliseconds("producer.id.expiration.ms", "producers.expiration"),
    bytes("socket.request.max.bytes", "kafka.request_bytes_max"),
];

impl KafkaName {
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KAFKA_NAMES.iter().find(|known| known.name == name)
    }

    pub(crate) fn setting(&self) -> &'static Setting {
        find(self.ours).unwrap_or_else(|| panic!("{} stands for {}, which is no setting", self.name, self.ours))
    }

    /// A value as Kafka writes it.
    pub(crate) fn spell(&self, value: &Value) -> String {
        match (self.spelling, value) {
            (Spelling::Bytes, Value::Bytes(size)) => size.bytes().to_string(),
            (Spelling::Milliseconds, Value::Duration(time)) => time.as_millis().to_string(),
            (Spelling::Minutes, Value::Duration(time)) => time.as_secs().div_ceil(60).to_string(),
            _ => value.to_string(),
        }
    }

    /// Reads a value that is written as Kafka writes it.
    pub(crate) fn parse(&self, text: &str) -> Result<Value, String> {
        let setting = self.setting();
        if self.spelling == Spelling::Same {
            return setting.kind.parse(text.trim());
        }
        let number: u64 = text.trim().parse().map_err(|_| format!("{text:?} is no whole number"))?;
        let ours = match self.spelling {
            Spelling::Same | Spelling::Bytes => format!("{number} B"),
            Spelling::Milliseconds => format!("{number} ms"),
            Spelling::Minutes => format!("{number} min"),
        };
        setting.kind.parse(&ours)
    }
}

/// A setting that a client names: by our name or by Kafka's.
pub(crate) enum Named {
    Ours(&'static Setting),
    Kafkas(&'static KafkaName),
}

impl Named {
    pub(crate) fn find(name: &str) -> Option<Self> {
        let ours = SETTINGS.iter().find(|setting| setting.name == name).map(Self::Ours);
        ours.or_else(|| KafkaName::find(name).map(Self::Kafkas))
    }

    pub(crate) fn setting(&self) -> &'static Setting {
        match self {
            Self::Ours(setting) => setting,
            Self::Kafkas(name) => name.setting(),
        }
    }

    pub(crate) fn parse(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Ours(setting) => setting.kind.parse(text.trim()),
            Self::Kafkas(name) => name.parse(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_name_stands_for_a_setting_and_its_default_is_spelled_both_ways() {
        for name in KAFKA_NAMES {
            let default = name.setting().default_value();
            let spelled = name.spell(&default);
            assert_eq!(name.parse(&spelled), Ok(default), "{} as {spelled}", name.name);
            assert!(SETTINGS.iter().all(|setting| setting.name != name.name), "{} is ours, too", name.name);
        }
        assert!(KAFKA_NAMES.windows(2).all(|pair| pair[0].name < pair[1].name), "in the order of names");
    }

    #[test]
    fn values_have_the_units_of_the_name_that_was_used() {
        let name = KafkaName::find("producer.id.expiration.ms").unwrap();
        assert_eq!(name.parse("90000"), Ok(Value::Duration(Duration::from_secs(90))));
        assert_eq!(name.parse("90 s"), Err("\"90 s\" is no whole number".to_owned()));
        assert!(name.parse("0").is_err(), "below the setting's bound");
        let name = KafkaName::find("log.cleaner.io.max.bytes.per.second").unwrap();
        assert_eq!(name.parse("2097152").unwrap().to_string(), "2 MiB");
    }
}
