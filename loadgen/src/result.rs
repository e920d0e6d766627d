//! What a run says, as JSON: `docs/loadgen.md` documents each field.

use serde::{Deserialize, Serialize};

use crate::engine::stats::Counts;
use crate::health::Health;
use crate::host::Machine;
use crate::latency::Percentiles;
use crate::scenario::Scenario;
use crate::verify::Findings;

/// Changes with every change that a reader of the files could notice.
pub const SCHEMA: &str = "corelane-loadgen-result/2";
/// Read as well; what it lacks is empty.
const SCHEMA_BEFORE: &str = "corelane-loadgen-result/1";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    pub schema: String,
    pub scenario: Scenario,
    /// "open" or "closed": what the latency means.
    pub loop_label: String,
    /// What end-to-end latency means: one way, or by echo.
    #[serde(default = "one_process")]
    pub end_to_end_label: String,
    pub target: String,
    pub topic: String,
    /// Settings that the topic was made with.
    pub topic_settings: std::collections::BTreeMap<String, String>,
    /// What an ack meant, in words.
    pub durability: String,
    pub server: Server,
    pub machine: Machine,
    pub generator: Generator,
    /// Seconds since 1970 when the load began.
    pub started_at: u64,
    /// False when the run is to be thrown away; `problems` says why.
    pub is_valid: bool,
    pub problems: Vec<String>,
    pub health: Health,
    /// `None` where the generator was the bottleneck: the latency would be its own.
    pub latency: Option<LatencyResult>,
    pub throughput: Throughput,
    pub counts: Counts,
    pub verification: Vec<Findings>,
    pub damaged_batches: u64,
    pub service: ServiceTime,
    pub series: Vec<SecondResult>,
}

pub(crate) const ONE_PROCESS: &str = "due to consumed, in one process";

fn one_process() -> String {
    ONE_PROCESS.to_owned()
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    pub software: String,
    pub pid: Option<u32>,
    pub command_line: Option<String>,
    /// In the measured time.
    pub cpu_seconds: Option<f64>,
    pub cpu_seconds_per_million_records: Option<f64>,
    pub rss_mib_max: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    pub version: String,
    pub commit: String,
    pub threads: u32,
    pub connections: u32,
    /// Its threads ran before all ordinary ones of the host.
    #[serde(default)]
    pub runs_first: bool,
}

/// Milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyResult {
    /// Due to acknowledged.
    pub due: Percentiles,
    /// Request written to answered.
    pub service: Percentiles,
    /// Due to consumed, or the round trip by echo; `None` without readers.
    pub end_to_end: Option<Percentiles>,
    pub connect: Percentiles,
    /// (quantile, milliseconds) of `due` and `end_to_end`.
    pub due_curve: Vec<(f64, f64)>,
    pub service_curve: Vec<(f64, f64)>,
    pub end_to_end_curve: Vec<(f64, f64)>,
    /// HdrHistogram V2, deflated, base64, microseconds.
    pub due_hdr: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    pub seconds: f64,
    pub acked_per_second: f64,
    pub acked_mb_per_second: f64,
    pub requests_per_second: f64,
    pub consumed_per_second: f64,
    pub consumed_mb_per_second: f64,
    /// Seconds from the readers' start until they had read everything.
    pub drained_after_s: Option<f64>,
}

/// How the broker's absence was felt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceTime {
    /// Times in which a connection had no successful answer after an error.
    pub outages: u64,
    /// Time in which at least one connection was so.
    pub without_service_s: f64,
    pub longest_s: f64,
    pub records_retried: u64,
    pub records_failed: u64,
}

/// One second of the load, by when answers came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SecondResult {
    pub second: u64,
    /// Inside of the measured time.
    pub is_measured: bool,
    pub counts: Counts,
    pub lag_max_ms: f64,
    pub due: Percentiles,
    #[serde(default)]
    pub service: Percentiles,
    pub end_to_end: Percentiles,
    pub due_hdr: String,
    #[serde(default)]
    pub service_hdr: String,
    pub end_to_end_hdr: String,
    /// Cores of the server's machine.
    pub server_cores: Option<f64>,
    pub server_rss_mib: Option<f64>,
}

impl RunResult {
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("results have only texts, numbers and lists")
    }

    /// Reads a result file; the error says what is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Front {
            schema: String,
        }
        let front: Front = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if front.schema != SCHEMA && front.schema != SCHEMA_BEFORE {
            return Err(format!(
                "the file has schema {:?}, this program reads {SCHEMA:?} and {SCHEMA_BEFORE:?}",
                front.schema
            ));
        }
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}
