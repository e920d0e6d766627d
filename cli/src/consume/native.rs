//! Reading by the native door.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use base::{Offset, PartitionIndex, Timestamp};
use client::machine::consumer::ConsumeError;
use client::{Client, ClientError, ConsumedRecords, Consumer, ConsumerConfig, ResetPolicy, Start};
use rt::now;
use wire::native::OffsetAt;

use super::output::{Output, Wanted};
use super::{Ended, From, Plan, out_of_range};
use crate::native::{Failure, explain, partitions, run};
use crate::record_json::Fields;

/// How often it is looked whether this shall stop.
const STOP_LOOK: Duration = Duration::from_millis(100);
/// While a partition cannot be read for so long, it is given up.
const TROUBLE_TIME_MAX: Duration = Duration::from_secs(30);
/// Memory for one batch that is decompressed.
const BATCH_BYTES_MAX: usize = 256 << 20;

pub(super) fn consume(address: &str, plan: Plan, output: &mut Output) -> Result<Ended, Box<dyn Error>> {
    let mut taken = std::mem::take(output);
    let broker = address.to_owned();
    let (back, result) = run(address, move |client: Client| async move {
        let result = read(&client, &broker, &plan, &mut taken).await;
        // What was read is printed, whatever the result is.
        Ok((taken, result))
    })?;
    *output = back;
    result.map_err(|error| error as Box<dyn Error>)
}

async fn read(client: &Client, broker: &str, plan: &Plan, output: &mut Output) -> Result<Ended, Failure> {
    let failed = |error| explain(broker, error);
    let config = ConsumerConfig {
        reset: ResetPolicy::Fail,
        decompressed_batch_bytes_max: BATCH_BYTES_MAX,
        ..ConsumerConfig::default()
    };
    let consumer = client.consumer(config).map_err(failed)?;
    let start = match plan.from {
        From::Earliest => Start::Earliest,
        From::Latest => Start::Latest,
        From::Offset(offset) => Start::Offset(Offset::new(offset).ok_or("an offset has 63 bits")?),
        From::Time(millis) => Start::Timestamp(Timestamp::from_millis(millis)),
    };
    let count = client.admin().describe_topic(&plan.topic).await.map_err(failed)?.partitions.len();
    let indexes = partitions(&plan.partitions, count);
    let assignment: Vec<_> = indexes.iter().map(|index| (&*plan.topic, *index, start)).collect();
    consumer.assign(&assignment).await.map_err(failed)?;
    let ends = consumer.end_offsets().await.map_err(failed)?;
    if let From::Offset(offset) = plan.from
        && let Some(end) = ends.iter().find(|end| end.end.get() < offset)
    {
        let at = Offset::new(offset).unwrap_or_default();
        return Err(wrong_offset(client, &plan.topic, end.partition, at).await);
    }
    let stop_at: BTreeMap<PartitionIndex, Offset> = match plan.to_end {
        true => ends.iter().map(|end| (end.partition, end.end)).collect(),
        false => BTreeMap::new(),
    };
    let mut failing_since = None;
    loop {
        if plan.stop.is_stopped() {
            return Ok(Ended::Stopped);
        }
        if plan.to_end && consumer.has_reached(&ends) {
            return Ok(Ended::Done);
        }
        let polled = poll(&consumer, &ends, plan.to_end, output).await?;
        match polled {
            Ok(Some(records)) => {
                failing_since = None;
                let end = stop_at.get(&records.partition()).copied();
                if print(&records, &plan.topic, end, output)? == Wanted::Enough {
                    return Ok(Ended::Done);
                }
            }
            Ok(None) => {}
            Err(ClientError::Consume { partition, error: ConsumeError::OutOfRange { offset, .. }, .. }) => {
                return Err(wrong_offset(client, &plan.topic, partition, offset).await);
            }
            Err(error) => {
                let since = *failing_since.get_or_insert_with(now);
                if !error.is_retriable() || now().since(since) > TROUBLE_TIME_MAX {
                    return Err(failed(error));
                }
                tracing::warn!(%error, "it is tried again");
            }
        }
    }
}

type Polled = Result<Option<ConsumedRecords>, ClientError>;

/// The next records; what was printed goes out before it is waited.
async fn poll(
    consumer: &Consumer,
    ends: &[client::PartitionEnd],
    to_end: bool,
    output: &mut Output,
) -> std::io::Result<Polled> {
    match consumer.poll(Duration::ZERO).await {
        Ok(None) => {}
        other => return Ok(other),
    }
    output.flush()?;
    Ok(match to_end {
        true => consumer.poll_to(ends, STOP_LOOK).await,
        false => consumer.poll(STOP_LOOK).await,
    })
}

fn print(records: &ConsumedRecords, topic: &str, end: Option<Offset>, output: &mut Output) -> std::io::Result<Wanted> {
    let partition = records.partition().0;
    for record in records.iter() {
        if end.is_some_and(|end| record.offset() >= end) {
            break;
        }
        let fields = Fields {
            offset: record.offset(),
            timestamp: record.timestamp(),
            key: record.key(),
            value: record.value(),
            headers: record.headers(),
        };
        if output.record(topic, partition, &fields)? == Wanted::Enough {
            return Ok(Wanted::Enough);
        }
    }
    Ok(Wanted::More)
}

async fn wrong_offset(client: &Client, topic: &str, partition: PartitionIndex, wanted: Offset) -> Failure {
    let queries = [(topic, partition, OffsetAt::Earliest), (topic, partition, OffsetAt::Latest)];
    match client.admin().list_offsets(&queries).await {
        Ok(found) => {
            let offset = |at: usize| found.get(at).and_then(|listed| listed.offset).unwrap_or_default().get();
            out_of_range(topic, partition.0, wanted.get(), offset(0), offset(1)).into()
        }
        Err(error) => Box::new(error),
    }
}
