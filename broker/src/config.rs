//! The broker's settings: each declared once, with its unit, default, bounds and one sentence. Help, documentation and
//! validation derive from the table.

mod file;
mod groups;
mod kafka_names;
mod live;
mod table;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base::{BrokerId, ByteSize};
use cluster::fetch_sessions::FetchSessionLimits;
use cluster::groups::GroupSettings;
use cluster::settings::TopicDefaults;

pub use file::ConfigError;
pub(crate) use kafka_names::{KAFKA_NAMES, KafkaName, Named, Spelling};
pub(crate) use live::{Altered, InForce, LiveSettings, Source};
pub use table::{Changes, SETTINGS, Setting, settings_markdown};
pub use value::{Cores, Kind, Value};

/// Prefix of the environment's variables: `CORELANE_KAFKA_LISTEN` sets `kafka.listen`.
pub const ENVIRONMENT_PREFIX: &str = "CORELANE_";
/// Names below this are defaults of topic settings, by Kafka's names: `topics.defaults."segment.bytes"`.
pub const TOPIC_DEFAULTS: &str = "topics.defaults";

/// Where a host and a port are told to clients instead of the address that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    pub host: String,
    /// `None` stands for the port that is listened on.
    pub port: Option<u16>,
}

/// What to do when acknowledged records are found damaged in a journal at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedJournal {
    Refuse,
    AcceptLoss,
}

/// All settings of one broker, validated. Those that can change are in [`LiveSettings`].
#[derive(Clone, Debug)]
pub struct Config {
    pub data: PathBuf,
    pub cores: Cores,
    pub node_id: BrokerId,
    pub kafka_listen: SocketAddr,
    pub kafka_advertise: Option<Advertised>,
    pub kafka_request_bytes_max: ByteSize,
    /// 0 for none.
    pub kafka_lanes: u16,
    pub kafka_lanes_listen: SocketAddr,
    pub kafka_lanes_advertise: Option<Advertised>,
    pub native_listen: SocketAddr,
    pub native_advertise: Option<Advertised>,
    pub native_payload_bytes_max: ByteSize,
    /// `None` for no HTTP door.
    pub http_listen: Option<SocketAddr>,
    pub connection_idle: Duration,
    pub connection_requests_max: usize,
    pub request_time_max: Duration,
    /// Bytes per core.
    pub cache_bytes: Option<ByteSize>,
    /// Bytes per core.
    pub request_memory: ByteSize,
    /// Bytes per core.
    pub answer_memory: ByteSize,
    /// What producers that partitions remember may take on one core.
    pub producer_memory: ByteSize,
    /// Of each core.
    pub fetch_sessions: FetchSessionLimits,
    /// Bytes per core.
    pub journal_bytes: ByteSize,
    pub flush_interval: Duration,
    pub checkpoint_interval: Duration,
    pub recovery_target: Duration,
    /// `None` for never.
    pub scrub_interval: Option<Duration>,
    pub scrub_bytes_per_second: ByteSize,
    /// Bytes over all cores.
    pub compaction_keys_memory: ByteSize,
    pub damaged_journal: DamagedJournal,
    /// Of `__consumer_offsets`, when it is made.
    pub offsets_partitions: u32,
    pub groups: GroupSettings,
    pub topic_defaults: TopicDefaults,
    pub spin: Duration,
    pub stop_time_max: Duration,
    /// As they were read.
    values: BTreeMap<&'static str, Value>,
    /// Those that somebody has set.
    given: BTreeSet<&'static str>,
}

/// Settings as they are gathered: the table's defaults, then the file, the environment and flags over them.
#[derive(Clone, Debug)]
pub struct Gathered {
    values: BTreeMap<&'static str, Value>,
    /// Those that are not as the table has them, or were set to just that.
    given: BTreeSet<&'static str>,
    topic_defaults: BTreeMap<String, String>,
}

impl Default for Gathered {
    fn default() -> Self {
        let values = SETTINGS.iter().map(|setting| (setting.name, setting.default_value())).collect();
        Self { values, given: BTreeSet::new(), topic_defaults: BTreeMap::new() }
    }
}

impl Gathered {
    /// Takes the settings of a TOML file's text over what is there. `path` is named in errors.
    pub fn file(&mut self, path: &str, text: &str) -> Result<(), ConfigError> {
        file::read(self, path, text)
    }

    /// Takes the variables that begin with [`ENVIRONMENT_PREFIX`] over what is there.
    pub fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) -> Result<(), ConfigError> {
        for (variable, text) in variables {
            let Some(rest) = variable.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            let known = SETTINGS.iter().find(|setting| setting.environment_name() == rest);
            // Variables of other programs of the family are none of ours.
            let Some(setting) = known else { continue };
            let invalid = |why| ConfigError::Environment { variable: variable.clone(), why };
            let value = setting.kind.parse(&text).map_err(invalid)?;
            self.put(setting, value);
        }
        Ok(())
    }

    /// Takes one setting, as from a flag `--set name=value`, over what is there.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        if let Some(topic_setting) = name.strip_prefix(TOPIC_DEFAULTS).and_then(|rest| rest.strip_prefix('.')) {
            self.topic_defaults.insert(topic_setting.to_owned(), text.to_owned());
            return Ok(());
        }
        let setting = table::find(name).ok_or_else(|| ConfigError::UnknownFlag { name: name.to_owned() })?;
        let invalid = |why| ConfigError::Flag { name: name.to_owned(), why };
        let value = setting.kind.parse(text).map_err(invalid)?;
        self.put(setting, value);
        Ok(())
    }

    fn put(&mut self, setting: &'static Setting, value: Value) {
        self.given.insert(setting.name);
        self.values.insert(setting.name, value);
    }

    fn put_topic_default(&mut self, name: String, value: String) {
        self.topic_defaults.insert(name, value);
    }

    /// Names and values as they stand, for `--print-config` and for reports.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// Checks what concerns several settings at once and gives the typed settings.
    pub fn finish(&self) -> Result<Config, ConfigError> {
        let pairs = self.topic_defaults.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let topic_defaults =
            TopicDefaults::new(pairs).map_err(|error| ConfigError::TopicDefault { why: error.to_string() })?;
        let advertise = |name| self.text(name).map(|text| Advertised::parse(name, text)).transpose();
        let data = self
            .text("data")
            .ok_or_else(|| ConfigError::Together { why: "data is empty: name a folder".to_owned() })?;
        let config = Config {
            data: PathBuf::from(data),
            cores: self.cores(),
            node_id: BrokerId(self.count("node.id")),
            kafka_listen: self.address("kafka.listen"),
            kafka_advertise: advertise("kafka.advertise")?,
            kafka_request_bytes_max: self.bytes("kafka.request_bytes_max"),
            kafka_lanes: u16::try_from(self.count("kafka.lanes")).expect("the table bounds it"),
            kafka_lanes_listen: self.address("kafka.lanes_listen"),
            kafka_lanes_advertise: advertise("kafka.lanes_advertise")?,
            native_listen: self.address("native.listen"),
            native_advertise: advertise("native.advertise")?,
            native_payload_bytes_max: self.bytes("native.payload_bytes_max"),
            http_listen: self.address_or_off("http.listen"),
            connection_idle: self.duration("connections.idle"),
            connection_requests_max: self.count("connections.requests_max") as usize,
            request_time_max: self.duration("connections.request_time_max"),
            cache_bytes: Some(self.bytes("memory.cache")).filter(|size| size.0 > 0),
            request_memory: self.bytes("memory.requests"),
            answer_memory: self.bytes("memory.answers"),
            producer_memory: self.bytes("memory.producers"),
            fetch_sessions: FetchSessionLimits {
                sessions: self.count("fetch.sessions_max") as usize,
                bytes: self.bytes("fetch.sessions_memory").as_usize(),
            },
            journal_bytes: self.bytes("journal.bytes"),
            flush_interval: self.duration("journal.flush_interval"),
            checkpoint_interval: self.duration("journal.checkpoint_interval"),
            recovery_target: self.duration("recovery.target"),
            scrub_interval: Some(self.duration("scrub.interval")).filter(|interval| !interval.is_zero()),
            scrub_bytes_per_second: self.bytes("scrub.bytes_per_second"),
            compaction_keys_memory: self.bytes("compaction.keys_memory"),
            damaged_journal: match self.text("recovery.damaged_journal") {
                Some("accept-loss") => DamagedJournal::AcceptLoss,
                _ => DamagedJournal::Refuse,
            },
            offsets_partitions: self.count("groups.offsets_partitions"),
            groups: self.group_settings()?,
            topic_defaults,
            spin: self.duration("runtime.spin"),
            stop_time_max: self.duration("runtime.stop_time_max"),
            values: self.values.clone(),
            given: self.given.clone(),
        };
        if config.request_memory < config.kafka_request_bytes_max {
            return Err(ConfigError::Together {
                why: format!(
                    "memory.requests ({}) must hold at least one request of kafka.request_bytes_max ({})",
                    config.request_memory, config.kafka_request_bytes_max
                ),
            });
        }
        Ok(config)
    }

    fn value(&self, name: &str) -> &Value {
        self.values.get(name).unwrap_or_else(|| panic!("{name} is not in the table of settings"))
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Value::Text(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            other => panic!("{name} is no text but {other:?}"),
        }
    }

    fn cores(&self) -> Cores {
        match self.value("cores") {
            Value::Cores(cores) => cores.clone(),
            other => panic!("cores is {other:?}"),
        }
    }

    fn address(&self, name: &str) -> SocketAddr {
        match self.value(name) {
            Value::Address(address) => *address,
            other => panic!("{name} is no address but {other:?}"),
        }
    }

    fn address_or_off(&self, name: &str) -> Option<SocketAddr> {
        match self.value(name) {
            Value::Text(off) if off == value::OFF => None,
            _ => Some(self.address(name)),
        }
    }

    fn bytes(&self, name: &str) -> ByteSize {
        match self.value(name) {
            Value::Bytes(size) => *size,
            other => panic!("{name} is no size but {other:?}"),
        }
    }

    fn count(&self, name: &str) -> u32 {
        match self.value(name) {
            Value::Count(count) => *count,
            other => panic!("{name} is no count but {other:?}"),
        }
    }

    fn duration(&self, name: &str) -> Duration {
        match self.value(name) {
            Value::Duration(duration) => *duration,
            other => panic!("{name} is no duration but {other:?}"),
        }
    }
}

impl Config {
    /// Whether somebody has set a setting, or it is as the table has it.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given.contains(name)
    }
}

impl Advertised {
    fn parse(name: &'static str, text: &str) -> Result<Self, ConfigError> {
        let invalid = |why: &str| ConfigError::Flag { name: name.to_owned(), why: format!("{text:?}: {why}") };
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port =
            port.map(|port| port.parse().map_err(|_| invalid("the port is no number up to 65535"))).transpose()?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.len() > 255 {
            return Err(invalid("a host name has 1 to 255 characters"));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        let mut gathered = Gathered::default();
        match gathered.file("broker.toml", text).and_then(|()| gathered.finish().map(drop)) {
            Ok(()) => panic!("{text:?} was accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_defaults_are_a_valid_configuration() {
        let config = Gathered::default().finish().unwrap();
        assert_eq!(config.kafka_listen.port(), 9092);
        assert_eq!(config.cores, Cores::All);
        assert!(config.live().auto_create_topics);
    }

    #[test]
    fn a_file_sets_what_it_names() {
        let mut gathered = Gathered::default();
        let text = "data = \"/srv/log\"\ncores = 2\n[kafka]\nlisten = \"127.0.0.1:0\"\nadvertise = \"example.org\"\n\
                    [memory]\ncache = \"1.5 GiB\"\n[connections]\nidle = \"90 s\"\n[topics]\nauto_create = false\n\
                    [topics.defaults]\n\"segment.bytes\" = 16777216\n";
        gathered.file("broker.toml", text).unwrap();
        let config = gathered.finish().unwrap();
        assert_eq!(config.data, PathBuf::from("/srv/log"));
        assert_eq!(config.cores, Cores::Count(2));
        assert_eq!(config.kafka_advertise, Some(Advertised { host: "example.org".to_owned(), port: None }));
        assert_eq!(config.cache_bytes, Some(ByteSize(3 << 29)));
        assert_eq!(config.connection_idle, Duration::from_secs(90));
        assert!(!config.live().auto_create_topics);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_line() {
        let text = "data = \"x\"\n\n[kafka]\nlisten = \"127.0.0.1:1\"\nlissten = 3\n";
        assert_eq!(
            error_of(text),
            "broker.toml, line 5: there is no setting `kafka.lissten`; did you mean `kafka.listen`?"
        );
        let error = error_of("[kafca]\nlisten = 1\n");
        assert!(error.starts_with("broker.toml, line 1: there is no setting `kafca`"), "{error}");
    }

    #[test]
    fn a_value_out_of_bounds_says_what_is_allowed() {
        let error = error_of("[topics]\npartitions = 0\n");
        assert!(error.starts_with("broker.toml, line 2: `topics.partitions`: 0 is below 1"), "{error}");
        for (text, expected) in [
            ("cores = \"x\"", "line 1: `cores`:"),
            ("[kafka]\nlisten = \"localhost\"", "line 2: `kafka.listen`:"),
            ("[memory]\ncache = true", "line 2: `memory.cache`:"),
            ("[connections]\nidle = \"10\"", "line 2: `connections.idle`:"),
            ("[recovery]\ndamaged_journal = \"maybe\"", "line 2: `recovery.damaged_journal`:"),
            ("[topics.defaults]\n\"segment.bites\" = 1", "segment.bites"),
            ("[memory]\nrequests = \"64 MiB\"", "must hold at least one request"),
            ("data = ", "line 1"),
            ("data = \"\"", "data is empty"),
        ] {
            let error = error_of(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let mut gathered = Gathered::default();
        gathered.file("f", "[node]\nid = 1\n[topics]\npartitions = 2\n[kafka]\nlisten = \"127.0.0.1:1\"").unwrap();
        let variables = [("CORELANE_NODE_ID", "5"), ("CORELANE_TOPICS_PARTITIONS", "6"), ("CORELANE_OTHER", "x")];
        gathered.environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        gathered.set("topics.partitions", "7").unwrap();
        let config = gathered.finish().unwrap();
        assert_eq!((config.node_id, config.live().partitions, config.kafka_listen.port()), (BrokerId(5), 7, 1));
        assert!(gathered.set("topics.partition", "7").unwrap_err().to_string().contains("topics.partitions"));
        let error = gathered.environment([("CORELANE_NODE_ID".to_owned(), "x".to_owned())]).unwrap_err();
        assert!(error.to_string().starts_with("CORELANE_NODE_ID:"), "{error}");
    }
}
