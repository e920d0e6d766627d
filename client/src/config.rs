//! What a client, a producer and a consumer are made with. Every value has a default; [`ConfigError`] says which one is
//! out of its bounds.

use std::net::SocketAddr;
use std::time::Duration;

use wire::Codec;
use wire::native::Acks;

use crate::limits;
use crate::machine::accumulator::AccumulatorOptions;
use crate::machine::backoff::BackoffOptions;
use crate::machine::connection::ConnectionOptions;
use crate::machine::consumer::{Checksums, ConsumerOptions, ResetPolicy};
use crate::machine::metadata::MetadataOptions;
use crate::machine::producer::{Idempotence, ProducerOptions};
use crate::task_queues::ClientQueues;

/// A setting is out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {got}, which is not within {bounds}")]
pub struct ConfigError {
    pub setting: &'static str,
    pub got: String,
    pub bounds: String,
}

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Brokers to begin with, in the order in which they are tried. The others are learned from these.
    pub bootstrap: Vec<SocketAddr>,
    /// What the program is called in the broker's logs, and its version.
    pub software: String,
    pub version: String,
    /// For one connection to be made.
    pub connect_timeout: Duration,
    /// For one request to be answered; the connection is given up after it. Kafka's default.
    pub request_timeout: Duration,
    /// For a lookup or an administrative operation as a whole, repetitions included. Kafka's default.
    pub operation_timeout: Duration,
    /// A connection that listens and hears nothing for so long asks whether the broker is alive.
    pub keepalive: Duration,
    /// What is known of topics is asked for again when it is older. Kafka's default.
    pub metadata_age_max: Duration,
    /// Between attempts to connect.
    pub reconnect_backoff: BackoffOptions,
    /// Between attempts of anything else.
    pub retry_backoff: BackoffOptions,
    pub queues: ClientQueues,
    /// What jitter and the choice of partitions are drawn from; `None` takes the system's entropy.
    pub seed: Option<u64>,
}

impl ClientConfig {
    pub fn new(bootstrap: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            bootstrap: bootstrap.into_iter().collect(),
            software: "corelane-client".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            operation_timeout: Duration::from_secs(60),
            keepalive: Duration::from_secs(10),
            metadata_age_max: Duration::from_secs(300),
            reconnect_backoff: BackoffOptions { first: Duration::from_millis(50), max: Duration::from_secs(1) },
            retry_backoff: BackoffOptions { first: Duration::from_millis(100), max: Duration::from_secs(1) },
            queues: ClientQueues::DEFAULT,
            seed: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.bootstrap.is_empty() {
            let bounds = "at least one broker's address".to_owned();
            return Err(ConfigError { setting: "bootstrap", got: "empty".to_owned(), bounds });
        }
        for (setting, got) in [
            ("connect_timeout", self.connect_timeout),
            ("request_timeout", self.request_timeout),
            ("operation_timeout", self.operation_timeout),
            ("keepalive", self.keepalive),
            ("metadata_age_max", self.metadata_age_max),
        ] {
            within(setting, got, TIME_MIN, TIME_MAX)?;
        }
        for (setting, backoff) in [("reconnect_backoff", self.reconnect_backoff), ("retry_backoff", self.retry_backoff)]
        {
            within(setting, backoff.first, TIME_MIN, backoff.max)?;
            within(setting, backoff.max, backoff.first, TIME_MAX)?;
        }
        Ok(())
    }

    pub(crate) fn connection(&self) -> ConnectionOptions {
        ConnectionOptions { request_timeout: self.request_timeout, keepalive: self.keepalive }
    }

    pub(crate) fn metadata(&self) -> MetadataOptions {
        MetadataOptions { age_max: self.metadata_age_max, backoff: self.retry_backoff }
    }
}

/// How records are sent.
#[derive(Clone, Copy, Debug)]
pub struct ProducerConfig {
    /// When a record counts as delivered.
    pub acks: Acks,
    /// Goes with [`Acks::All`] only; the other kinds of acknowledgement always do without.
    pub idempotence: Idempotence,
    pub codec: Codec,
    /// The codec's own scale; `None` is its default.
    pub level: Option<i32>,
    /// Bytes of a batch before compression at which it is sent.
    pub batch_bytes: usize,
    /// How long a batch waits for more records.
    pub linger: Duration,
    /// Bytes of one request, and of the largest record.
    pub request_bytes_max: usize,
    /// Unanswered requests to one core.
    pub requests_in_flight_max: usize,
    /// Unanswered batches of one partition, with idempotence. Without there is one, so that a repetition overtakes nothing.
    pub batches_in_flight_max: usize,
    /// Bytes of records that wait or are on their way.
    pub buffer_bytes_max: usize,
    /// How long [`send`](crate::Producer::send) waits for room in the buffer. Kafka's default.
    pub buffer_wait_max: Duration,
    /// From a record's batch's beginning to its failure.
    pub delivery_timeout: Duration,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            idempotence: Idempotence::On,
            codec: Codec::None,
            level: None,
            batch_bytes: limits::BATCH_BYTES_DEFAULT,
            linger: limits::LINGER_DEFAULT,
            request_bytes_max: limits::REQUEST_BYTES_DEFAULT,
            requests_in_flight_max: limits::PRODUCE_REQUESTS_IN_FLIGHT_DEFAULT,
            batches_in_flight_max: limits::PARTITION_BATCHES_IN_FLIGHT_MAX,
            buffer_bytes_max: limits::PRODUCER_BUFFER_BYTES_DEFAULT,
            buffer_wait_max: Duration::from_secs(60),
            delivery_timeout: limits::DELIVERY_TIMEOUT_DEFAULT,
        }
    }
}

impl ProducerConfig {
    pub(crate) fn options(&self, retry: BackoffOptions) -> Result<ProducerOptions, ConfigError> {
        within("request_bytes_max", self.request_bytes_max, REQUEST_BYTES_MIN, limits::REQUEST_BYTES_MAX)?;
        within("batch_bytes", self.batch_bytes, BATCH_BYTES_MIN, self.request_bytes_max)?;
        within("linger", self.linger, Duration::ZERO, self.delivery_timeout)?;
        within("delivery_timeout", self.delivery_timeout, TIME_MIN, TIME_MAX)?;
        within("buffer_wait_max", self.buffer_wait_max, Duration::ZERO, TIME_MAX)?;
        within("requests_in_flight_max", self.requests_in_flight_max, 1, REQUESTS_IN_FLIGHT_MAX)?;
        let batches_max = limits::PARTITION_BATCHES_IN_FLIGHT_MAX;
        within("batches_in_flight_max", self.batches_in_flight_max, 1, batches_max)?;
        within("buffer_bytes_max", self.buffer_bytes_max, self.request_bytes_max, BUFFER_BYTES_MAX)?;
        if let (Some(level), Some(levels)) = (self.level, self.codec.levels()) {
            within("level", level, *levels.start(), *levels.end())?;
        }
        let (idempotence, batches_in_flight_max) = match (self.acks, self.idempotence) {
            (Acks::All, Idempotence::On) => (Idempotence::On, self.batches_in_flight_max),
            (Acks::All | Acks::Leader, _) => (Idempotence::Off, 1),
            (Acks::None, _) => (Idempotence::Off, self.batches_in_flight_max),
        };
        Ok(ProducerOptions {
            accumulator: AccumulatorOptions {
                codec: self.codec,
                level: self.level,
                batch_bytes: self.batch_bytes,
                linger: self.linger,
                batch_bytes_max: self.request_bytes_max,
                buffer_bytes_max: self.buffer_bytes_max,
            },
            acks: self.acks,
            idempotence,
            request_bytes_max: self.request_bytes_max,
            requests_in_flight_max: self.requests_in_flight_max,
            batches_in_flight_max,
            delivery_timeout: self.delivery_timeout,
            retry,
        })
    }
}

/// How records are read.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerConfig {
    /// Where to go on when the log does not have the wanted offset.
    pub reset: ResetPolicy,
    /// Bytes of batches held or asked for, of all partitions.
    pub buffer_bytes_max: usize,
    /// Of one partition.
    pub partition_buffer_bytes_max: usize,
    /// Bytes of batches that come in one piece, but always one whole batch.
    pub frame_bytes_max: usize,
    pub checksums: Checksums,
    /// Bytes that one batch may decompress to.
    pub decompressed_batch_bytes_max: usize,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            reset: ResetPolicy::Latest,
            buffer_bytes_max: limits::CONSUMER_BUFFER_BYTES_DEFAULT,
            partition_buffer_bytes_max: limits::PARTITION_BUFFER_BYTES_DEFAULT,
            frame_bytes_max: limits::FETCH_FRAME_BYTES_DEFAULT,
            checksums: Checksums::Verify,
            decompressed_batch_bytes_max: limits::DECOMPRESSED_BATCH_BYTES_DEFAULT,
        }
    }
}

impl ConsumerConfig {
    pub(crate) fn options(&self, retry: BackoffOptions) -> Result<ConsumerOptions, ConfigError> {
        let share_min = limits::PARTITION_BUFFER_BYTES_MIN;
        within("buffer_bytes_max", self.buffer_bytes_max, share_min, BUFFER_BYTES_MAX)?;
        within("partition_buffer_bytes_max", self.partition_buffer_bytes_max, share_min, self.buffer_bytes_max)?;
        let frame_max = usize::try_from(limits::FRAME_PAYLOAD_BYTES_MAX).expect("64 MiB can be addressed");
        within("frame_bytes_max", self.frame_bytes_max, FRAME_BYTES_MIN, frame_max)?;
        within("decompressed_batch_bytes_max", self.decompressed_batch_bytes_max, BATCH_BYTES_MIN, BUFFER_BYTES_MAX)?;
        Ok(ConsumerOptions {
            buffer_bytes_max: self.buffer_bytes_max,
            partition_buffer_bytes_max: self.partition_buffer_bytes_max,
            frame_bytes_max: self.frame_bytes_max,
            reset: self.reset,
            checksums: self.checksums,
            retry,
        })
    }
}

const TIME_MIN: Duration = Duration::from_millis(1);
const TIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// A header, and a record or two.
const BATCH_BYTES_MIN: usize = 128;
const REQUEST_BYTES_MIN: usize = 1 << 10;
const FRAME_BYTES_MIN: usize = 1 << 10;
const REQUESTS_IN_FLIGHT_MAX: usize = 10_000;
const BUFFER_BYTES_MAX: usize = 1 << 40;

fn within<T: PartialOrd + std::fmt::Debug>(setting: &'static str, got: T, min: T, max: T) -> Result<(), ConfigError> {
    if (&min..=&max).contains(&&got) {
        return Ok(());
    }
    Err(ConfigError { setting, got: format!("{got:?}"), bounds: format!("{min:?} to {max:?}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: BackoffOptions = BackoffOptions { first: Duration::from_millis(100), max: Duration::from_secs(1) };

    #[test]
    fn defaults_are_within_bounds() {
        assert_eq!(ClientConfig::new(["127.0.0.1:1".parse().unwrap()]).check(), Ok(()));
        let producer = ProducerConfig::default().options(RETRY).unwrap();
        assert_eq!((producer.idempotence, producer.batches_in_flight_max), (Idempotence::On, 5));
        assert!(ConsumerConfig::default().options(RETRY).is_ok());
    }

    #[test]
    fn a_setting_out_of_bounds_is_named() {
        let error = ClientConfig::new([]).check().unwrap_err();
        assert_eq!(error.to_string(), "bootstrap is empty, which is not within at least one broker's address");
        let config = ProducerConfig { batch_bytes: 2 << 20, ..ProducerConfig::default() };
        let error = config.options(RETRY).unwrap_err();
        assert_eq!(error.to_string(), "batch_bytes is 2097152, which is not within 128 to 1048576");
        let config = ProducerConfig { codec: Codec::Gzip, level: Some(77), ..ProducerConfig::default() };
        assert_eq!(config.options(RETRY).unwrap_err().setting, "level");
        let config = ConsumerConfig { partition_buffer_bytes_max: 1 << 30, ..ConsumerConfig::default() };
        assert_eq!(config.options(RETRY).unwrap_err().setting, "partition_buffer_bytes_max");
    }

    #[test]
    fn weaker_acknowledgements_go_without_idempotence_and_keep_the_order() {
        let leader = ProducerConfig { acks: Acks::Leader, ..ProducerConfig::default() }.options(RETRY).unwrap();
        assert_eq!((leader.idempotence, leader.batches_in_flight_max), (Idempotence::Off, 1));
        let none = ProducerConfig { acks: Acks::None, ..ProducerConfig::default() }.options(RETRY).unwrap();
        assert_eq!(none.idempotence, Idempotence::Off);
    }
}
