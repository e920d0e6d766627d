//! Prints what is in a topic now: `consume 127.0.0.1:9292 greetings`.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use client::{Client, ClientConfig, ClientError, ClientQueues, ConsumerConfig, Start, TASK_QUEUES};
use rt::{CoresConfig, run_one};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let broker: SocketAddr = arguments.next().ok_or("usage: consume ADDRESS TOPIC")?.parse()?;
    let topic = arguments.next().ok_or("which topic?")?;
    let cores = CoresConfig { queues: TASK_QUEUES, ..CoresConfig::default() };
    Ok(run_one(cores, move || consume(broker, topic))??)
}

async fn consume(broker: SocketAddr, topic: String) -> Result<(), ClientError> {
    let config = ClientConfig { queues: ClientQueues::OWN, ..ClientConfig::new([broker]) };
    let client = Client::connect(config).await?;
    let consumer = client.consumer(ConsumerConfig::default())?;
    consumer.assign_topic(&topic, Start::Earliest).await?;

    // Who wants to follow the topic polls without an end.
    let ends = consumer.end_offsets().await?;
    while !consumer.has_reached(&ends) {
        let Some(records) = consumer.poll_to(&ends, Duration::from_secs(1)).await? else { continue };
        for record in records.iter() {
            let value = String::from_utf8_lossy(record.value().unwrap_or_default());
            println!("{}/{} {value}", records.partition(), record.offset());
        }
    }
    client.close().await;
    Ok(())
}
