//! What the commands share when they speak the native protocol.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use base::PartitionIndex;
use client::{Client, ClientConfig, ClientError, ClientQueues, TASK_QUEUES};
use rt::{CoresConfig, WatchdogConfig, run_one};

const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

/// Failures cross from the executor's thread.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Runs `main` with a client of the broker, on an executor of its own, and closes the client after it.
pub(crate) fn run<T, F>(address: &str, main: impl FnOnce(Client) -> F + Send + 'static) -> Result<T, Box<dyn Error>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + 'static,
{
    let resolved = rt::net::resolve(address)
        .map_err(|error| format!("no broker can be reached at {address}: {error}; write --broker HOST:PORT"))?;
    let broker = address.to_owned();
    // A client's own delays are nobody's concern.
    let watchdog = WatchdogConfig { task_warn: Duration::MAX, ..WatchdogConfig::default() };
    let cores = CoresConfig { queues: TASK_QUEUES, watchdog, ..CoresConfig::default() };
    let outcome = run_one(cores, move || async move {
        let config = ClientConfig {
            software: "corelane-cli".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            queues: ClientQueues::OWN,
            ..ClientConfig::new(resolved)
        };
        let client = Client::connect(config).await.map_err(|error| explain(&broker, error))?;
        let result = main(client.clone()).await;
        // What was to be delivered has been waited for; after a failure nothing is.
        let _ = rt::timeout(CLOSE_TIME_MAX, client.close()).await;
        result
    })?;
    outcome.map_err(|error| error as Box<dyn Error>)
}

/// The failure with what to do about it.
pub(crate) fn explain(broker: &str, error: ClientError) -> Failure {
    match error {
        ClientError::NoBroker { last, .. } => {
            let hint = "is it running, and is this its native address (--broker)?";
            format!("no broker can be reached at {broker}: {last}; {hint}").into()
        }
        ClientError::UnknownTopic { topic } => format!(
            "broker {broker} has no topic {topic:?}: create it with `corelane topic create {topic}`, or look for its name with \
             `corelane topic list`"
        )
        .into(),
        other => Box::new(other),
    }
}

/// All partitions of a topic, or those that are named.
pub(crate) fn partitions(named: &[u32], count: usize) -> Vec<PartitionIndex> {
    match named.is_empty() {
        true => (0_u32..).take(count).map(PartitionIndex).collect(),
        false => named.iter().copied().map(PartitionIndex).collect(),
    }
}
