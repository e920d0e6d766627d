//! Settings that can be altered while the broker runs: what was altered comes before what was read at start.

use std::time::Duration;

use base::ByteSize;
use cluster::settings::SettingOverrides;
use shard::ShardTuning;

use super::table::{Changes, SETTINGS, Setting};
use super::{Config, Value};

/// Those that are in force now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LiveSettings {
    pub(crate) connections_max: usize,
    pub(crate) free_space_floor: ByteSize,
    pub(crate) retention_check_interval: Duration,
    pub(crate) compaction_check_interval: Duration,
    /// Bytes per second and core.
    pub(crate) compaction_rate: ByteSize,
    pub(crate) balancer_enabled: bool,
    pub(crate) balancer_interval: Duration,
    /// In percent of a core's time.
    pub(crate) balancer_threshold: u32,
    /// How long a producer is remembered that sends nothing.
    pub(crate) producer_expiration: Duration,
    pub(crate) auto_create_topics: bool,
    pub(crate) partitions: u32,
}

/// Where a value of a broker's setting comes from, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Altered for this broker.
    Broker,
    /// Altered for all brokers.
    AllBrokers,
    /// The file, the environment or a flag.
    File,
    Default,
}

/// One of the values that a setting has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) value: Value,
    pub(crate) source: Source,
}

/// What was altered for brokers: all, and this one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Altered<'a> {
    pub(crate) all_brokers: Option<&'a SettingOverrides>,
    pub(crate) this_broker: Option<&'a SettingOverrides>,
}

impl Config {
    /// Every value that a setting has, the one in force first. A value that this version does not know (the log of a newer
    /// one) counts as not given.
    pub(crate) fn values_of(&self, setting: &Setting, altered: Altered<'_>) -> Vec<InForce> {
        let places = [(altered.this_broker, Source::Broker), (altered.all_brokers, Source::AllBrokers)];
        let changed = places.into_iter().filter(|_| setting.changes == Changes::WhileRunning);
        let changed = changed.filter_map(|(from, source)| {
            let value = setting.kind.parse(from?.get(setting.name)?).ok()?;
            Some(InForce { value, source })
        });
        let given = self.values.get(setting.name).filter(|_| self.given.contains(setting.name));
        let given = given.map(|value| InForce { value: value.clone(), source: Source::File });
        let default = InForce { value: setting.default_value(), source: Source::Default };
        changed.chain(given).chain([default]).collect()
    }

    /// As they are before anything is altered.
    pub(crate) fn live(&self) -> LiveSettings {
        self.live_with(Altered::default())
    }

    pub(crate) fn live_with(&self, altered: Altered<'_>) -> LiveSettings {
        let value = |name: &str| {
            let setting = SETTINGS.iter().find(|setting| setting.name == name);
            let setting = setting.unwrap_or_else(|| panic!("{name} is not in the table of settings"));
            assert_eq!(setting.changes, Changes::WhileRunning, "{name} is read at start");
            self.values_of(setting, altered).swap_remove(0).value
        };
        let bytes = |name| if let Value::Bytes(size) = value(name) { size } else { panic!("{name} is no size") };
        let count = |name| if let Value::Count(count) = value(name) { count } else { panic!("{name} is no count") };
        let flag = |name| if let Value::Flag(flag) = value(name) { flag } else { panic!("{name} is no flag") };
        let duration = |name| match value(name) {
            Value::Duration(duration) => duration,
            other => panic!("{name} is no duration but {other:?}"),
        };
        LiveSettings {
            connections_max: count("connections.max") as usize,
            free_space_floor: bytes("disk.free_floor"),
            retention_check_interval: duration("retention.check_interval"),
            compaction_check_interval: duration("compaction.check_interval"),
            compaction_rate: bytes("compaction.rate"),
            balancer_enabled: flag("balancer.enabled"),
            balancer_interval: duration("balancer.interval"),
            balancer_threshold: count("balancer.threshold"),
            producer_expiration: duration("producers.expiration"),
            auto_create_topics: flag("topics.auto_create"),
            partitions: count("topics.partitions"),
        }
    }
}

impl LiveSettings {
    /// What of them concerns a shard.
    pub(crate) fn tuning(&self) -> ShardTuning {
        ShardTuning {
            free_space_floor: self.free_space_floor.bytes(),
            retention_check_interval: self.retention_check_interval,
            compaction_check_interval: self.compaction_check_interval,
            compaction_bytes_per_second: self.compaction_rate.bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Gathered;
    use super::*;

    fn overrides(values: &[(&str, &str)]) -> SettingOverrides {
        SettingOverrides::from_record(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_was_altered_comes_before_the_file_and_one_broker_before_all() {
        let mut gathered = Gathered::default();
        gathered.set("compaction.rate", "64 MiB").unwrap();
        gathered.set("node.id", "4").unwrap();
        let config = gathered.finish().unwrap();
        let all = overrides(&[("compaction.rate", "2 MiB"), ("balancer.enabled", "false"), ("balancer.interval", "?")]);
        let own = overrides(&[("compaction.rate", "3 MiB"), ("node.id", "9")]);
        let altered = Altered { all_brokers: Some(&all), this_broker: Some(&own) };
        let live = config.live_with(altered);
        assert_eq!(live.compaction_rate, ByteSize::mib(3));
        assert!(!live.balancer_enabled);
        assert_eq!(live.balancer_interval, config.live().balancer_interval, "a value of a newer version");
        assert_eq!(config.live().compaction_rate, ByteSize::mib(64));
        let sources = |name: &str| {
            let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
            config.values_of(setting, altered).iter().map(|each| each.source).collect::<Vec<_>>()
        };
        // Given, though as the default: it is the file's.
        assert_eq!(sources("compaction.rate"), [Source::Broker, Source::AllBrokers, Source::File, Source::Default]);
        assert_eq!(sources("node.id"), [Source::File, Source::Default], "what is read at start cannot be altered");
        assert_eq!(sources("balancer.threshold"), [Source::Default]);
    }
}
