//! Sending by the native door.

use std::collections::VecDeque;
use std::error::Error;

use base::{PartitionIndex, Timestamp};
use client::machine::accumulator::RecordRefused;
use client::{Client, ClientError, DeliveryFuture, Producer, ProducerConfig, ProducerRecord};
use wire::batch::Header;
use wire::native::Acks as NativeAcks;

use super::input::{Input, Next};
use super::lines::{Parsed, Parser};
use super::{Acks, Plan, Totals};
use crate::native::{Failure, explain, run};

/// Of one request, and of the largest record that is tried.
const REQUEST_BYTES_MAX: usize = 8 << 20;
const BUFFER_BYTES_MAX: usize = 64 << 20;

pub(super) fn produce(
    address: &str,
    plan: Plan,
    input: Input,
    parser: Parser,
    totals: &mut Totals,
) -> Result<(), Box<dyn Error>> {
    let broker = address.to_owned();
    let (sent, result) = run(address, move |client: Client| async move {
        let mut sender = Sender { plan, deliveries: VecDeque::new(), totals: Totals::default() };
        let result = send_all(&client, &broker, &mut sender, input, parser).await;
        Ok((sender.totals, result))
    })?;
    *totals = sent;
    result.map_err(|error| error as Box<dyn Error>)
}

/// Records under way.
struct Sender {
    plan: Plan,
    /// What becomes of each record, and bytes of its key and value.
    deliveries: VecDeque<(DeliveryFuture, u64)>,
    totals: Totals,
}

async fn send_all(
    client: &Client,
    broker: &str,
    sender: &mut Sender,
    input: Input,
    mut parser: Parser,
) -> Result<(), Failure> {
    let config = ProducerConfig {
        acks: match sender.plan.acks {
            Acks::All => NativeAcks::All,
            Acks::Leader => NativeAcks::Leader,
            Acks::None => NativeAcks::None,
        },
        codec: sender.plan.codec,
        batch_bytes: sender.plan.batch_bytes,
        linger: sender.plan.linger,
        request_bytes_max: REQUEST_BYTES_MAX,
        buffer_bytes_max: BUFFER_BYTES_MAX,
        ..ProducerConfig::default()
    };
    let producer = client.producer(config).map_err(|error| explain(broker, error))?;
    // That there is no such topic is told even if nothing is to be sent.
    let topic = sender.plan.topic.clone();
    client.admin().describe_topic(&topic).await.map_err(|error| explain(broker, error))?;
    let result = feed(&producer, broker, sender, input, &mut parser).await;
    match result {
        Ok(()) => sender.finish(&producer, broker).await,
        Err(Stop::BadInput(what)) => {
            sender.finish(&producer, broker).await?;
            Err(what.into())
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Why not all of the input was sent.
enum Stop {
    /// What came before it can still be delivered.
    BadInput(String),
    Failed(Failure),
}

async fn feed(
    producer: &Producer,
    broker: &str,
    sender: &mut Sender,
    mut input: Input,
    parser: &mut Parser,
) -> Result<(), Stop> {
    loop {
        match input.next().map_err(Stop::BadInput)? {
            Next::End => return Ok(()),
            Next::Line(line) => {
                let sent = match parser.parse(line) {
                    Ok(Some(record)) => sender.send(producer, &record).await,
                    Ok(None) => Ok(()),
                    Err(what) => return Err(Stop::BadInput(format!("{}: {what}", input.place()))),
                };
                sent.map_err(|error| match is_bad_record(&error) {
                    true => Stop::BadInput(format!("{}: {error}", input.place())),
                    false => Stop::Failed(explain(broker, error)),
                })?;
            }
            Next::Starved => {
                sender.settle().await.map_err(|error| Stop::Failed(explain(broker, error)))?;
                let waited = rt::blocking(move || {
                    let waited = input.wait(None);
                    (input, waited)
                });
                let waited = waited.await.map_err(|error| Stop::Failed(Box::new(error)))?;
                input = waited.0;
                waited.1.map_err(Stop::BadInput)?;
            }
        }
    }
}

/// It is about one record, and those before it can still be delivered.
fn is_bad_record(error: &ClientError) -> bool {
    match error {
        ClientError::NoSuchPartition { .. } => true,
        ClientError::Record { refused, .. } => !matches!(refused, RecordRefused::BufferFull { .. }),
        _ => false,
    }
}

impl Sender {
    async fn send(&mut self, producer: &Producer, record: &Parsed<'_>) -> Result<(), ClientError> {
        let own = record.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() });
        let common = self.plan.headers.iter();
        let common = common.map(|(key, value)| Header { key: key.as_bytes(), value: Some(value.as_bytes()) });
        let headers: Vec<Header<'_>> = own.chain(common).collect();
        let timestamp = record.timestamp.map(|millis| millis.min(i64::MAX.cast_unsigned()));
        let new = ProducerRecord {
            topic: &self.plan.topic,
            partition: self.plan.partition.or(record.partition).map(PartitionIndex),
            key: record.key,
            value: record.value,
            headers: &headers,
            timestamp: timestamp.map(Timestamp::from_millis),
        };
        let delivery = producer.send(new).await?;
        let bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        self.deliveries.push_back((delivery, bytes as u64));
        rt::yield_if_needed().await;
        self.settle().await
    }

    /// Counts what is known to be delivered.
    async fn settle(&mut self) -> Result<(), ClientError> {
        while self.deliveries.front().is_some_and(|(delivery, _)| delivery.is_settled()) {
            self.settle_first().await?;
        }
        Ok(())
    }

    async fn settle_first(&mut self) -> Result<(), ClientError> {
        let Some((delivery, bytes)) = self.deliveries.pop_front() else { return Ok(()) };
        delivery.await?;
        self.totals.records += 1;
        self.totals.bytes += bytes;
        Ok(())
    }

    /// Waits until everything is acknowledged.
    async fn finish(&mut self, producer: &Producer, broker: &str) -> Result<(), Failure> {
        producer.flush().await;
        while !self.deliveries.is_empty() {
            self.settle_first().await.map_err(|error| explain(broker, error))?;
        }
        Ok(())
    }
}
