//! What is run, as a TOML file says it. Every key has a default; unknown keys are errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod check;
pub mod library;
mod read;

#[cfg(test)]
mod tests;

pub use read::{ScenarioError, read};

/// A load, and how it is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub about: String,
    #[serde(default)]
    pub topic: Topic,
    #[serde(default)]
    pub load: Load,
    #[serde(default)]
    pub produce: Produce,
    #[serde(default)]
    pub records: Records,
    #[serde(default)]
    pub consume: Consume,
    #[serde(default)]
    pub time: Time,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topic {
    /// Made for the run, and removed after it unless `keep` is set. Empty: a name of its own.
    pub name: String,
    pub partitions: u32,
    /// Only the first so many partitions are used; 0 stands for all.
    pub active_partitions: u32,
    /// -1 stands for the broker's default.
    pub replication: i16,
    pub durability: Durability,
    pub keep: bool,
    /// Further topic settings, passed on as they are.
    pub settings: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// Flushed before the ack: `flush.messages=1` on Kafka; Corelane's default.
    Durable,
    /// Acknowledged from memory: Kafka's default; `corelane.durability=relaxed`.
    Relaxed,
    /// Whatever the broker does when nothing is said.
    BrokerDefault,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    #[serde(rename = "loop")]
    pub kind: LoopKind,
    pub schedule: ScheduleKind,
    /// Records per second of all producers together.
    pub rate: f64,
    /// Records that arrive at the same moment, for the same partition.
    pub burst: u32,
    /// on-off: the rate between bursts, and the seconds of each part.
    pub low_rate: f64,
    pub on_s: f64,
    pub off_s: f64,
    /// ramp: the rate at the end.
    pub to_rate: f64,
    /// step: [records per second, seconds], one after the other; the last one goes on.
    pub steps: Vec<(f64, f64)>,
    /// recorded: a file with one arrival a line, in seconds.
    pub file: String,
    pub seed: u64,
}

/// Who decides when a record is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoopKind {
    /// The schedule. Latency counts from the due time.
    Open,
    /// The answers: each producer keeps `produce.in_flight` batches under way. A stall of the broker holds the load back,
    /// so that latency in a closed loop hides it.
    Closed,
    /// Nothing is produced but what `consume.backlog_records` says.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    Constant,
    Poisson,
    OnOff,
    Step,
    Ramp,
    Recorded,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Produce {
    pub producers: u32,
    pub acks: Acks,
    /// Requests of one connection that wait for their answers; in a closed loop batches of one producer, over all of its
    /// connections.
    pub in_flight: u32,
    /// A batch is full at so many bytes before compression, or so many records. It always has a record, however large, so
    /// that 0 bytes make batches of one record, as `batch.size=0` does in Kafka's producer.
    pub batch_bytes: usize,
    pub batch_records: u32,
    /// Bytes of batches in one request.
    pub request_bytes: usize,
    pub linger_ms: f64,
    pub codec: String,
    pub idempotent: bool,
    /// A closed loop makes as many batches as it has under way, then sends those again and again, as they are: what
    /// records cost the generator (copies, checksums) is left out, and nobody can follow them.
    pub repeat_batches: bool,
    /// Each connection is closed and opened again after so many requests; 0 stands for never.
    pub reconnect_every: u32,
    /// Bytes of one producer that may wait; beyond it the schedule waits, and the latency goes on counting.
    pub buffer_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acks {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "leader")]
    Leader,
    #[serde(rename = "all")]
    All,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Records {
    /// Of the value.
    pub size: SizeKind,
    /// fixed: the size; log-normal: the median.
    pub bytes: usize,
    pub bytes_min: usize,
    pub bytes_max: usize,
    /// log-normal: the spread.
    pub sigma: f64,
    /// weighted: [bytes, weight].
    pub weights: Vec<(usize, u32)>,
    pub keys: KeyKind,
    pub key_count: u64,
    pub zipf_exponent: f64,
    pub payload: PayloadSource,
    /// lines: the file.
    pub file: String,
    pub headers: u32,
    pub header_bytes: usize,
    /// Each record carries a checksum of itself.
    pub checksum: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SizeKind {
    Fixed,
    Uniform,
    LogNormal,
    Weighted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    None,
    Uniform,
    Zipf,
    Unique,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayloadSource {
    Random,
    Compressible,
    Lines,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consume {
    /// Each reader reads everything.
    pub readers: u32,
    /// Connections of one reader, which share the partitions.
    pub connections: u32,
    /// The readers start so long after the producers, at the beginning of the topic.
    pub delay_s: f64,
    /// Records produced before the measurement begins, as fast as possible; readers find them as a backlog.
    pub backlog_records: u64,
    /// Bytes of one fetch, or of a native stream's credit.
    pub fetch_bytes: u32,
    pub fetch_wait_ms: u32,
    /// Readers read the topic into which `corelane loadgen echo` on another host writes every record again.
    pub echo: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    /// Cut off at the front.
    pub warm_up_s: f64,
    pub measured_s: f64,
    /// Cut off at the end; the load goes on.
    pub cool_down_s: f64,
    /// How long to wait for answers and readers after the last arrival.
    pub drain_s: f64,
}

impl Time {
    /// Of the load as a whole.
    pub fn seconds(&self) -> f64 {
        self.warm_up_s + self.measured_s + self.cool_down_s
    }
}

impl Default for Topic {
    fn default() -> Self {
        Self {
            name: String::new(),
            partitions: 1,
            active_partitions: 0,
            replication: -1,
            durability: Durability::Durable,
            keep: false,
            settings: BTreeMap::new(),
        }
    }
}

impl Topic {
    pub fn active(&self) -> u32 {
        if self.active_partitions == 0 { self.partitions } else { self.active_partitions }
    }
}

impl Default for Load {
    fn default() -> Self {
        Self {
            kind: LoopKind::Open,
            schedule: ScheduleKind::Constant,
            rate: 1_000.0,
            burst: 1,
            low_rate: 0.0,
            on_s: 1.0,
            off_s: 1.0,
            to_rate: 0.0,
            steps: Vec::new(),
            file: String::new(),
            seed: 1,
        }
    }
}

impl Default for Produce {
    fn default() -> Self {
        Self {
            producers: 1,
            acks: Acks::All,
            in_flight: 5,
            batch_bytes: 16 << 10,
            batch_records: 1_000_000,
            request_bytes: 1 << 20,
            linger_ms: 0.0,
            codec: "none".to_owned(),
            idempotent: false,
            repeat_batches: false,
            reconnect_every: 0,
            buffer_bytes: 8 << 20,
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self {
            size: SizeKind::Fixed,
            bytes: 1_024,
            bytes_min: 0,
            bytes_max: 0,
            sigma: 1.0,
            weights: Vec::new(),
            keys: KeyKind::None,
            key_count: 10_000,
            zipf_exponent: 1.0,
            payload: PayloadSource::Random,
            file: String::new(),
            headers: 0,
            header_bytes: 16,
            checksum: true,
        }
    }
}

impl Default for Consume {
    fn default() -> Self {
        Self {
            readers: 0,
            connections: 1,
            delay_s: 0.0,
            backlog_records: 0,
            fetch_bytes: 1 << 20,
            fetch_wait_ms: 500,
            echo: false,
        }
    }
}

impl Default for Time {
    fn default() -> Self {
        Self { warm_up_s: 5.0, measured_s: 30.0, cool_down_s: 1.0, drain_s: 15.0 }
    }
}
