//! Which broker a command talks to, and in which protocol.

use clap::{Args, ValueEnum};

/// Where a broker of this host listens for Kafka clients if nothing else is set.
const KAFKA_DEFAULT: &str = "127.0.0.1:9092";

/// Where a broker of this host listens for native clients if nothing else is set.
pub(crate) const NATIVE_DEFAULT: &str = "127.0.0.1:9292";

/// The protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Door {
    /// Kafka's protocol; also works with Apache Kafka.
    Kafka,
    /// Corelane's own protocol, straight to the core that owns a partition.
    Native,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Broker")]
pub(crate) struct BrokerArguments {
    /// The broker [default: 127.0.0.1:9092, or 127.0.0.1:9292 with --door native].
    #[arg(long, global = true, value_name = "HOST:PORT", env = "CORELANE_BROKER", hide_env_values = true)]
    broker: Option<String>,
    /// The protocol to speak; each has a port of its own.
    #[arg(long, global = true, value_enum, default_value = "kafka")]
    pub(crate) door: Door,
}

impl BrokerArguments {
    pub(crate) fn address(&self) -> String {
        let default = match self.door {
            Door::Kafka => KAFKA_DEFAULT,
            Door::Native => NATIVE_DEFAULT,
        };
        self.broker.clone().unwrap_or_else(|| default.to_owned())
    }
}

/// For what only Kafka's protocol has.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Broker")]
pub(crate) struct KafkaArguments {
    /// The broker's Kafka address [default: 127.0.0.1:9092].
    #[arg(long, global = true, value_name = "HOST:PORT", env = "CORELANE_BROKER", hide_env_values = true)]
    broker: Option<String>,
}

impl KafkaArguments {
    pub(crate) fn address(&self) -> String {
        self.broker.clone().unwrap_or_else(|| KAFKA_DEFAULT.to_owned())
    }
}
