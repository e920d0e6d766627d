//! Brokers that die and come back, and brokers that are not there.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use client::{Client, ClientConfig, ClientError, ConsumerConfig, ProducerConfig, Start};
use tests::broker::{Broker, folder};
use tests::ports::free_ports;

use super::support::{make_topic, number, read_all, with_client};

/// Where nobody listens, on as many ports in a row as a broker has cores.
fn free_addresses() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_ports(2)))
}

#[test]
fn producers_and_readers_outlive_a_broker_that_is_killed_and_started_again() {
    const ROUNDS: u64 = 4;
    let data = folder();
    let native = free_addresses();
    let listen = format!("native.listen={native}");
    let arguments = ["--cores", "2", "--set", &listen];
    let mut broker = Broker::start(data.path(), &arguments);
    assert_eq!(broker.native, native);
    let (progress, progressed) = mpsc::channel();
    let work = std::thread::spawn(move || {
        with_client(native, |client| async move {
            make_topic(&client, "lasting", 3).await;
            let producer = client.producer(ProducerConfig::default()).unwrap();
            let consumer = client.consumer(ConsumerConfig::default()).unwrap();
            consumer.assign_topic("lasting", Start::Earliest).await.unwrap();
            let mut next = [0_u64; 3];
            let mut deliveries = Vec::new();
            let mut sent = 0;
            let begun = Instant::now();
            let mut round = 0;
            while round <= ROUNDS {
                for _ in 0..50 {
                    let (partition, value) = (sent % 3, (sent / 3).to_string());
                    let record = client::ProducerRecord::new("lasting").value(value.as_bytes());
                    let record = record.partition(u32::try_from(partition).unwrap());
                    deliveries.push((sent, producer.send(record).await.unwrap()));
                    sent += 1;
                }
                // Everything comes once, in order, however the streams are torn.
                while let Some(records) = consumer.poll(Duration::from_millis(1)).await.unwrap() {
                    let index = usize::try_from(records.partition().0).unwrap();
                    for record in records.iter() {
                        assert_eq!((record.offset().get(), number(record.value())), (next[index], next[index]));
                        next[index] += 1;
                    }
                }
                if begun.elapsed() > Duration::from_millis(700) * u32::try_from(round + 1).unwrap() {
                    round += 1;
                    let _ = progress.send(());
                }
            }
            producer.flush().await;
            for (number, delivery) in deliveries {
                let told = delivery.await.expect("nothing is given up within the delivery timeout");
                assert_eq!(told.partition.0, u32::try_from(number % 3).unwrap());
                // A batch that was repeated after the broker forgot its offset has none; this broker does not forget.
                assert_eq!(told.offset.map(base::Offset::get), Some(number / 3));
            }
            let all = read_all(&client, "lasting", ConsumerConfig::default()).await.unwrap();
            for records in all.values() {
                assert!(records.iter().zip(0..).all(|(record, number)| *record == (number, number)));
            }
            assert_eq!(all.values().map(Vec::len).sum::<usize>(), usize::try_from(sent).unwrap());
            sent
        })
    });
    for _ in 0..ROUNDS {
        if progressed.recv_timeout(Duration::from_secs(30)).is_err() {
            break;
        }
        broker.kill();
        broker = Broker::start(data.path(), &arguments);
    }
    let sent = work.join().expect("nothing was lost, repeated or given up");
    println!("{ROUNDS} kills under a producer and a reader: {sent} records");
    assert!(sent > 1_000);
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let addr = free_addresses();
    let cores = rt::CoresConfig { io_memory: base::ByteSize::mib(2), ..rt::CoresConfig::default() };
    let error = rt::run_one(cores, move || async move { Client::connect(ClientConfig::new([addr])).await.err() });
    let error = error.expect("this machine can run an executor").expect("nobody listens");
    assert!(matches!(error, ClientError::NoBroker { .. }), "{error}");
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
}
