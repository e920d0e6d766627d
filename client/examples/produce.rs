//! Sends each of its arguments as a record: `produce 127.0.0.1:9292 greetings hello world`.

use std::error::Error;
use std::net::SocketAddr;

use client::{Client, ClientConfig, ClientError, ClientQueues, NewTopic, ProducerConfig, ProducerRecord, TASK_QUEUES};
use rt::{CoresConfig, run_one};
use wire::ErrorCode;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let broker: SocketAddr = arguments.next().ok_or("usage: produce ADDRESS TOPIC [VALUE…]")?.parse()?;
    let topic = arguments.next().ok_or("which topic?")?;
    let values: Vec<String> = arguments.collect();
    let cores = CoresConfig { queues: TASK_QUEUES, ..CoresConfig::default() };
    Ok(run_one(cores, move || produce(broker, topic, values))??)
}

async fn produce(broker: SocketAddr, topic: String, values: Vec<String>) -> Result<(), ClientError> {
    let config = ClientConfig { queues: ClientQueues::OWN, ..ClientConfig::new([broker]) };
    let client = Client::connect(config).await?;
    match client.admin().create_topic(NewTopic::new(&topic, 3)).await {
        Err(ClientError::Refused { refusal, .. }) if refusal.is(ErrorCode::TopicAlreadyExists) => {}
        created => drop(created?),
    }

    let producer = client.producer(ProducerConfig::default())?;
    let mut deliveries = Vec::new();
    for value in &values {
        // Waits only while the buffer is full; what becomes of the record is in the delivery.
        deliveries.push(producer.send(ProducerRecord::new(&topic).value(value.as_bytes())).await?);
    }
    producer.flush().await;
    for (value, delivery) in values.iter().zip(deliveries) {
        let written = delivery.await?;
        println!("{value:?} is at offset {:?} of partition {}", written.offset.map(|at| at.get()), written.partition);
    }
    client.close().await;
    Ok(())
}
