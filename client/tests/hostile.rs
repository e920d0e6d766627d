//! Servers that answer garbage, break off or stay silent: the client says what happened, in time, and leaves nothing.

#[path = "hostile/server.rs"]
mod server;

use std::rc::Rc;
use std::time::Duration;

use base::{ByteSize, Offset, PartitionIndex};
use bytes::Bytes;
use client::machine::backoff::BackoffOptions;
use client::{Client, ClientConfig, ClientError, ConsumerConfig, ProducerConfig, ProducerRecord, ResetPolicy, Start};
use rt::{CoresConfig, run_one, timeout};
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;
use wire::native::{ApiKey, CorrelationId, FetchData, FetchOpen, FetchOpened, Incoming, InitProducerReply};

use server::{Asked, Behaviour, Count, Reply, Server, TOPIC, Then};

const MS: Duration = Duration::from_millis(1);

/// Runs a test on an executor of its own, and fails it when something hangs.
fn on_core<F: Future<Output = ()> + 'static>(main: impl FnOnce() -> F + Send + 'static) {
    let config = CoresConfig { io_memory: ByteSize::mib(2), ..CoresConfig::default() };
    let within = async |work: F| timeout(Duration::from_secs(30), work).await.expect("something hangs");
    run_one(config, move || async move { within(main()).await }).expect("this machine can run an executor");
}

fn config(server: &Server) -> ClientConfig {
    ClientConfig {
        connect_timeout: 300 * MS,
        request_timeout: 200 * MS,
        operation_timeout: 700 * MS,
        reconnect_backoff: BackoffOptions { first: 10 * MS, max: 50 * MS },
        retry_backoff: BackoffOptions { first: 10 * MS, max: 50 * MS },
        seed: Some(1),
        ..ClientConfig::new([server.addr])
    }
}

fn behaviour(act: impl Fn(&mut Reply, &Asked) -> Then + 'static) -> Behaviour {
    Rc::new(act)
}

async fn close(client: Client, server: &Server) {
    timeout(2_000 * MS, client.close()).await.expect("a client closes at once when nothing is to be delivered");
    server.left_alone().await;
}

type Greeting = (fn(&mut Reply, &Asked) -> Then, &'static str);

#[test]
fn a_greeting_that_is_none_is_told_in_time() {
    const CASES: [Greeting; 6] = [
        (
            |reply, _| (reply.raw(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), Then::Closed).1,
            "no Corelane",
        ),
        (|reply, _| (reply.raw(&[0xff; 64]), Then::Sent).1, "no Corelane broker"),
        (|_, _| Then::Closed, "closed the connection"),
        (|_, _| Then::Sent, "did not answer a request of API Hello"),
        (
            |reply, asked| {
                reply.message(asked.correlation(), &identity());
                if asked.prefix.is_none() {
                    reply.tear(0)
                }
                Then::Sent
            },
            "broke the protocol",
        ),
        (
            |reply, asked| {
                if asked.prefix.is_none() {
                    return Then::Sent;
                }
                reply.message(asked.correlation(), &identity());
                reply.tear(5);
                Then::Closed
            },
            "in the middle of a frame",
        ),
    ];
    on_core(|| async {
        for (act, expected) in CASES {
            let server = Server::start(behaviour(act));
            let begun = rt::now();
            let error = Client::connect(config(&server)).await.err().expect("that is no broker");
            assert!(matches!(error, ClientError::NoBroker { .. }), "{error}");
            assert!(error.to_string().contains(expected), "{error} does not say {expected:?}");
            assert!(rt::now().since(begun) < 2_000 * MS, "it took {:?}", rt::now().since(begun));
            server.left_alone().await;
        }
    });
}

fn identity() -> InitProducerReply {
    let producer = base::ProducerId::from_wire(1).expect("an id");
    InitProducerReply { producer, epoch: base::ProducerEpoch::ZERO }
}

type Answer = (fn(&mut Reply, CorrelationId) -> Then, &'static str);

#[test]
fn a_question_that_is_answered_with_garbage_ends_with_the_reason() {
    const CASES: [Answer; 6] = [
        (|reply, _| (reply.raw(&[0x11; 100]), Then::Sent).1, "no Corelane broker"),
        // As if a frame of 4 GiB followed.
        (|reply, _| (reply.raw(&[0xff; 32]), Then::Sent).1, "no Corelane broker"),
        (|reply, at| (reply.message(at, &identity()), Then::Sent).1, "another API"),
        (|reply, at| (reply.message(CorrelationId(at.0 + 9), &identity()), Then::Sent).1, "what was not asked"),
        (|reply, at| (reply.message(at, &identity()), reply.tear(3), Then::Closed).2, "in the middle of a frame"),
        (|_, _| Then::Sent, "did not answer a request of API Metadata"),
    ];
    on_core(|| async {
        for (act, expected) in CASES {
            let server = Server::start(behaviour(move |reply, asked| {
                if asked.is(ApiKey::Metadata) { act(reply, asked.correlation()) } else { Then::Honest }
            }));
            let client = Client::connect(config(&server)).await.expect("the greeting is sound");
            let begun = rt::now();
            let error = client.admin().list_topics().await.expect_err("that is no answer");
            assert!(matches!(error, ClientError::TimedOut { .. }) && error.is_retriable(), "{error}");
            assert!(error.to_string().contains(expected), "{error} does not say {expected:?}");
            assert!(error.to_string().contains(&server.addr.to_string()), "{error} does not say who");
            assert!(rt::now().since(begun) < 2_000 * MS, "it took {:?}", rt::now().since(begun));
            assert!(server.accepted() > 1, "it was tried again on a new connection");
            close(client, &server).await;
        }
    });
}

#[test]
fn records_that_nobody_acknowledges_are_given_up_in_doubt_when_their_time_is_over() {
    const CASES: [fn(&mut Reply, CorrelationId) -> Then; 4] = [
        |_, _| Then::Sent,
        |_, _| Then::Closed,
        |reply, _| (reply.raw(&[0x11; 100]), Then::Sent).1,
        |reply, at| (reply.message(at, &identity()), reply.tear(3), Then::Closed).2,
    ];
    on_core(|| async {
        for act in CASES {
            let server = Server::start(behaviour(move |reply, asked| {
                if asked.is(ApiKey::Produce) { act(reply, asked.correlation()) } else { Then::Honest }
            }));
            let client = Client::connect(config(&server)).await.expect("the greeting is sound");
            let producer = ProducerConfig { delivery_timeout: 900 * MS, ..ProducerConfig::default() };
            let producer = client.producer(producer).expect("sound settings");
            let begun = rt::now();
            let delivery = producer.send(ProducerRecord::new(TOPIC).value(b"1")).await.expect("it is taken");
            producer.flush().await;
            assert!(delivery.is_settled() && producer.buffered_bytes() == 0);
            let error = delivery.await.expect_err("nobody has acknowledged it");
            let ClientError::Delivery { error, .. } = error else { panic!("{error}") };
            assert_eq!(error.fate(), client::machine::refusal::Fate::Unknown, "{error}");
            assert!(rt::now().since(begun) < 3_000 * MS, "it took {:?}", rt::now().since(begun));
            close(client, &server).await;
        }
    });
}

fn batch(base: u64) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { base_offset: offset(base), ..BatchOptions::default() });
    builder.push(&NewRecord { value: Some(b"1"), ..NewRecord::default() }).expect("it fits");
    builder.finish(&mut Compressor::new()).to_vec()
}

fn offset(number: u64) -> Offset {
    Offset::ZERO.plus(number)
}

/// Pushes one batch on a stream that was just opened, after `spoil` had its way with it.
fn push(reply: &mut Reply, asked: &Asked, spoil: impl FnOnce(&mut Vec<u8>)) {
    let open = FetchOpen::open(&asked.header, 0).expect("the client sends sound messages");
    let end = Some(offset(100));
    let opened = FetchOpened { stream: open.stream, high_watermark: end, log_start_offset: Some(Offset::ZERO) };
    reply.message(asked.correlation(), &opened);
    let mut bytes = batch(open.offset.get());
    spoil(&mut bytes);
    let data = FetchData {
        stream: open.stream,
        base_offset: Some(open.offset),
        next_offset: Some(open.offset.plus(1)),
        high_watermark: end,
        log_start_offset: Some(Offset::ZERO),
        timings: None,
        core: None,
    };
    reply.with_payload(asked.correlation(), &data, Bytes::from(bytes));
}

#[test]
fn a_reader_goes_on_after_broken_streams_and_tells_of_damage() {
    on_core(|| async {
        let opened = Count::default();
        let server = Server::start(behaviour(move |reply, asked| {
            if asked.is(ApiKey::FetchClose) {
                return Then::Sent;
            }
            if !asked.is(ApiKey::FetchOpen) {
                return Then::Honest;
            }
            match opened.next() % 4 {
                // A bit of the record is wrong.
                1 => push(reply, asked, |bytes| *bytes.last_mut().expect("a batch has bytes") ^= 1),
                // The connection breaks within the batch.
                2 => {
                    push(reply, asked, |_| {});
                    reply.tear(10);
                    return Then::Closed;
                }
                // Half a batch.
                3 => push(reply, asked, |bytes| bytes.truncate(bytes.len() / 2)),
                _ => {
                    push(reply, asked, |_| {});
                    return Then::Closed;
                }
            }
            Then::Sent
        }));
        let client = Client::connect(config(&server)).await.expect("the greeting is sound");
        let strict = ConsumerConfig { reset: ResetPolicy::Fail, ..ConsumerConfig::default() };
        let consumer = client.consumer(strict).expect("sound settings");
        consumer.assign(&[(TOPIC, PartitionIndex(0), Start::Offset(Offset::ZERO))]).await.expect("it is there");
        let (mut next, mut damaged) = (0, 0);
        while next < 5 {
            match consumer.poll(5_000 * MS).await {
                Ok(Some(records)) => {
                    assert_eq!((records.from().get(), records.len()), (next, 1), "nothing is skipped or repeated");
                    next += 1;
                }
                Ok(None) => panic!("nothing came in time"),
                Err(error) => {
                    assert!(error.is_retriable(), "{error}");
                    assert!(["damaged", "is cut off"].iter().any(|what| error.to_string().contains(what)), "{error}");
                    damaged += 1;
                }
            }
        }
        assert!(damaged >= 5, "damage was told {damaged} times");
        drop(consumer);
        close(client, &server).await;
    });
}

#[test]
fn a_client_that_is_dropped_leaves_no_socket_behind() {
    on_core(|| async {
        let server =
            Server::start(behaviour(|_, asked| if asked.is(ApiKey::Produce) { Then::Sent } else { Then::Honest }));
        let client = Client::connect(config(&server)).await.expect("the greeting is sound");
        let producer = client.producer(ProducerConfig::default()).expect("sound settings");
        let delivery = producer.send(ProducerRecord::new(TOPIC).value(b"1")).await.expect("it is taken");
        rt::sleep(50 * MS).await;
        drop(producer);
        let error = delivery.await.expect_err("its producer is gone");
        assert!(matches!(error, ClientError::Delivery { .. }), "{error}");
        drop(client);
        server.left_alone().await;
    });
}
