//! The native door: frames that are none, headers made to harm, requests out of place.

use std::io;

use base::{Offset, PartitionIndex, TopicId};
use flatbuffers::FlatBufferBuilder;
use tests::kafka::code;
use tests::native::{Client, MAGIC, frame_of, hello, raw_frame};
use wire::ErrorCode;
use wire::native::{
    Acks, ApiKey, BrokerStatusRequest, Builder, FetchClose, FetchData, FetchEnded, FetchGrant, FetchOpen, FetchOpened,
    HelloReply, InitProducerRequest, MetadataReply, MetadataRequest, Outgoing, ProducePartition, ProduceReplyView,
    ProduceRequest, Role, StreamId, TopicSelection,
};

use crate::batches::good;
use crate::case::{Answer, Case, Door, Seen, Setup, case, closes, end_of};
use crate::frames::random_bytes;

/// Bytes on a fresh connection, after which it must be closed.
fn raw(name: &'static str, sent: &'static str, log: &'static str, bytes: Vec<u8>) -> Case {
    case(name, Door::Native, sent, Answer::Closed(log), move |setup| closes(setup.broker.native, &bytes))
}

/// Bytes behind a greeting, after which the connection must be closed.
fn raw_greeted(name: &'static str, sent: &'static str, log: &'static str, bytes: Vec<u8>) -> Case {
    case(name, Door::Native, sent, Answer::Closed(log), move |setup| {
        let mut client = setup.native()?;
        client.send_raw(&bytes)?;
        end_of(client.stream())
    })
}

/// A request behind a greeting, and the code that answers it as a whole.
fn coded(
    name: &'static str,
    sent: &'static str,
    expected: ErrorCode,
    frame: impl Fn(&Setup) -> Vec<u8> + 'static,
) -> Case {
    case(name, Door::Native, sent, Answer::Error(expected), move |setup| {
        let mut client = setup.native()?;
        // Twice: the connection can still be used.
        client.send_raw(&frame(setup))?;
        client.receive()?;
        client.send_raw(&frame(setup))?;
        let error = client.receive()?.error_code();
        Ok(Seen::Error(code(error.ok_or_else(|| io::Error::other("it was not refused"))?)))
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = frames();
    cases.extend(headers());
    cases.extend(requests());
    cases.extend(streams());
    cases
}

fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame_of(&hello(), &[]);
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

fn frames() -> Vec<Case> {
    let role = |flags| raw_frame(ApiKey::BrokerStatus.to_wire(), 1, flags, &[], &[]);
    vec![
        raw("wrong magic", "magic 0", "mark", changed(12, &[0, 0])),
        raw("frame shorter than its prefix", "length 27", "shorter than its prefix", changed(0, &[27, 0, 0, 0])),
        raw("frame of 4 GiB", "length 4294967295", "is above the limit", changed(0, &[0xFF; 4])),
        raw(
            "header longer than the frame",
            "header of 64 KiB in a small frame",
            "the parts of a frame have",
            changed(4, &[0, 0, 1, 0]),
        ),
        raw("header of 4 GiB", "header length 4294967288", "is above the limit", changed(4, &[0xF8, 0xFF, 0xFF, 0xFF])),
        raw("header of odd length", "header length 33", "or no multiple of 8", changed(4, &[33, 0, 0, 0])),
        raw(
            "payload where none may be",
            "Hello with a payload of 8 bytes",
            "a payload of 8 bytes",
            changed(8, &[8, 0, 0, 0]),
        ),
        raw("header damaged", "one bit of a header changed", "the header's checksum is", {
            let mut frame = frame_of(&hello(), &[]);
            *frame.last_mut().expect("not empty") ^= 1;
            frame
        }),
        raw("reserved bytes", "a reserved byte of 1", "the reserved bytes are", changed(28, &[1])),
        raw("flags without meaning", "flags 2", "flags 0x0002 have no meaning", role(2)),
        raw("reply from a client", "flags of a reply", "does not send frames of role Reply", role(1)),
        raw(
            "Kafka on the native port",
            "a Kafka ApiVersions request",
            "0xc101 marks a frame",
            crate::frames::frame(18, 0, &[0; 32]),
        ),
        raw(
            "HTTP request on the native port",
            "`GET / HTTP/1.1`",
            "0xc101 marks a frame",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ),
        raw(
            "TLS ClientHello on the native port",
            "a TLS 1.x handshake record",
            "0xc101 marks a frame",
            [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3][..], &[0x5A; 64]].concat(),
        ),
        raw(
            "SSH banner on the native port",
            "`SSH-2.0-OpenSSH_9.9`",
            "0xc101 marks a frame",
            b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        ),
        case(
            "random bytes on the native port",
            Door::Native,
            "4 KiB from a seeded generator, 32 times",
            Answer::Told("each connection closed"),
            |setup| random_bytes(setup, Door::Native),
        ),
    ]
}

/// A message with any header.
struct Forged<F>(F);

impl<F> wire::native::Message for Forged<F> {
    const API: ApiKey = ApiKey::Metadata;
    const ROLE: Role = Role::Request;
}

impl<F: Fn(&mut Builder<'_>)> Outgoing for Forged<F> {
    fn encode(&self, builder: &mut Builder<'_>) {
        (self.0)(builder);
    }
}

/// Metadata of one name of 4,000 bytes in 1,000 places: 8 KiB that look like 4 MB.
fn shared_text() -> Vec<u8> {
    let forged = Forged(|builder: &mut Builder<'_>| {
        let text = builder.create_string(&"x".repeat(4_000));
        let list = builder.create_vector(&vec![text; 1_000]);
        one_field(builder, list.as_union_value());
    });
    frame_of(&forged, &[])
}

/// A table with its first field set.
fn one_field(builder: &mut FlatBufferBuilder<'_>, value: flatbuffers::WIPOffset<flatbuffers::UnionWIPOffset>) {
    let start = builder.start_table();
    builder.push_slot_always(4, value);
    let root = builder.end_table(start);
    builder.finish_minimal(root);
}

/// CreateTopics of 900 topics, all one table whose assignment is 900 times one table.
fn shared_tables() -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let brokers = builder.create_vector(&[1_u32]);
    let start = builder.start_table();
    builder.push_slot_always(4, brokers);
    let replicas = builder.end_table(start);
    let assignment = builder.create_vector(&vec![replicas; 900]);
    let name = builder.create_string("t");
    let start = builder.start_table();
    builder.push_slot_always(4, name);
    builder.push_slot_always(10, assignment);
    let topic = builder.end_table(start);
    let topics = builder.create_vector(&vec![topic; 900]);
    let start = builder.start_table();
    builder.push_slot_always(4, topics);
    let root = builder.end_table(start);
    builder.finish_minimal(root);
    let mut header = builder.finished_data().to_vec();
    header.resize(header.len().next_multiple_of(8), 0);
    raw_frame(ApiKey::CreateTopics.to_wire(), 1, 0, &header, &[])
}

/// A root whose table of fields lies outside, or is the root itself.
fn forged_root(bytes: &[u8]) -> Vec<u8> {
    let mut header = bytes.to_vec();
    header.resize(64, 0);
    raw_frame(ApiKey::Metadata.to_wire(), 1, 0, &header, &[])
}

fn headers() -> Vec<Case> {
    use ErrorCode::InvalidRequest;
    vec![
        coded("one text in a thousand places", "8 KiB that look like 4 MB", InvalidRequest, |_| shared_text()),
        coded("one table in 810000 places", "8 KiB that look like a tree of 810000", InvalidRequest, |_| {
            shared_tables()
        }),
        coded("root outside of the header", "root offset 4294967295", InvalidRequest, |_| forged_root(&[0xFF; 4])),
        coded("table of fields outside of the header", "offset -2^31", InvalidRequest, |_| {
            forged_root(&[4, 0, 0, 0, 0, 0, 0, 0x80])
        }),
        coded("table of fields of 65535 bytes", "in a header of 64", InvalidRequest, |_| {
            forged_root(&[8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
        }),
        case(
            "root that is its own table of fields",
            Door::Native,
            "Metadata of zero bytes, and one whose offsets point at themselves",
            Answer::Told("read as a table without fields: metadata of all topics"),
            |setup| {
                let mut client = setup.native()?;
                for bytes in [[0; 8], [4, 0, 0, 0, 0, 0, 0, 0]] {
                    client.send_raw(&forged_root(&bytes))?;
                    assert_eq!(client.receive()?.open::<MetadataReply<'_>>()?.topics.len(), 3);
                }
                Ok(Seen::Told("read as a table without fields: metadata of all topics"))
            },
        ),
        coded("empty header", "Metadata without a header", InvalidRequest, |_| {
            raw_frame(ApiKey::Metadata.to_wire(), 1, 0, &[], &[])
        }),
        coded("header of 4 MiB of 0xFF", "CreateTopics", InvalidRequest, |_| {
            raw_frame(ApiKey::CreateTopics.to_wire(), 1, 0, &vec![0xFF; 4 << 20], &[])
        }),
        coded("negative stream offset", "FetchOpen at offset -2", InvalidRequest, |setup| {
            let mut frame = frame_of(&open(setup, 1, 0), &[]);
            // The offset is the only 8 bytes of this pattern.
            let at = frame.windows(8).position(|bytes| bytes == OFFSET.to_le_bytes()).expect("it is there");
            frame[at..at + 8].copy_from_slice(&(-2_i64).to_le_bytes());
            resealed(frame)
        }),
    ]
}

const OFFSET: i64 = 0x1234_5678_9ABC;

/// The checksum made right again after a change of the header.
fn resealed(frame: Vec<u8>) -> Vec<u8> {
    let number = |at: usize| u16::from_le_bytes([frame[at], frame[at + 1]]);
    let header = u32::from_le_bytes(frame[4..8].try_into().expect("four bytes")) as usize;
    assert_eq!(number(12), MAGIC);
    raw_frame(number(20), number(22), number(14), &frame[32..32 + header], &frame[32 + header..])
}

fn requests() -> Vec<Case> {
    use ErrorCode::{CorruptMessage, InvalidRequest, UnknownTopicId, UnsupportedVersion};
    let before = "the first request of a native connection is Hello";
    let unknown = |topic: u128| {
        move |setup: &Setup| {
            let id = if topic == 0 { setup.topic } else { TopicId::from_u128(topic).expect("an id") };
            (id, PartitionIndex(0))
        }
    };
    vec![
        raw("request before Hello", "BrokerStatus", before, frame_of(&BrokerStatusRequest, &[])),
        case("two Hellos", Door::Native, "Hello, Hello", Answer::Told("both answered"), |setup| {
            let mut client = setup.native()?;
            client.send(&hello())?;
            client.receive()?.open::<HelloReply<'_>>()?;
            Ok(Seen::Told("both answered"))
        }),
        coded("unknown API on the native port", "API 999", UnsupportedVersion, |_| {
            raw_frame(999, 1, 0, &[0; 8], &[0; 8])
        }),
        coded("unknown version on the native port", "Metadata version 9", UnsupportedVersion, |_| {
            raw_frame(ApiKey::Metadata.to_wire(), 9, 0, &[0; 8], &[])
        }),
        raw_greeted(
            "message of the broker from a client",
            "FetchEnded",
            "is sent by brokers only",
            frame_of(&FetchEnded { stream: StreamId(1), error: wire::native::ErrorCode::NONE, message: None }, &[]),
        ),
        produced("produce by an unknown id on the native port", "topic id DEAD", UnknownTopicId, unknown(0xDEAD)),
        produced("partition 2^32 - 1", "Produce", ErrorCode::UnknownTopicOrPartition, |setup| {
            (setup.topic, PartitionIndex(u32::MAX))
        }),
        case(
            "batch with a wrong CRC on the native port",
            Door::Native,
            "Produce",
            Answer::Error(CorruptMessage),
            |setup| {
                let mut batch = good(1, BatchOptions::default());
                *batch.last_mut().expect("not empty") ^= 1;
                produce(setup, setup.topic, PartitionIndex(0), &batch)
            },
        ),
        coded("payload that lies", "Produce of 1000 bytes at offset 0 of a payload of 10", InvalidRequest, |setup| {
            let batch = vec![0; 1_000];
            let frame = produce_frame(setup.topic, PartitionIndex(0), &batch);
            let header = u32::from_le_bytes(frame[4..8].try_into().expect("four bytes")) as usize;
            raw_frame(ApiKey::Produce.to_wire(), 1, 0, &frame[32..32 + header], &[0; 10])
        }),
        coded("transactional producer on the native port", "InitProducer", InvalidRequest, |_| {
            frame_of(&InitProducerRequest { transactional_id: Some("t"), timeout_ms: 0, previous: None }, &[])
        }),
        case(
            "metadata of one topic, many times, on the native port",
            Door::Native,
            "the name of a topic of 1000 partitions, 5000 times",
            Answer::Told("one page, and the word that there is more"),
            |setup| {
                let mut client = setup.native()?;
                let selection = TopicSelection::Named(vec![crate::WIDE; 5_000]);
                client.send(&MetadataRequest { selection, page_partitions_max: None })?;
                let frame = client.receive()?;
                let reply: MetadataReply<'_> = frame.open()?;
                assert!(reply.has_more && reply.topics.len() <= 50, "{} topics", reply.topics.len());
                Ok(Seen::Told("one page, and the word that there is more"))
            },
        ),
    ]
}

use wire::batch::BatchOptions;

fn produce_frame(topic: TopicId, partition: PartitionIndex, batch: &[u8]) -> Vec<u8> {
    let mut payload = wire::native::Payload::default();
    let segment = payload.push(bytes::Bytes::copy_from_slice(batch)).expect("small");
    let partitions = [ProducePartition { topic, partition, segment }];
    frame_of(&ProduceRequest { acks: Acks::All, timeout_ms: 1_000, partitions: &partitions }, batch)
}

fn produce(setup: &Setup, topic: TopicId, partition: PartitionIndex, batch: &[u8]) -> io::Result<Seen> {
    let mut client = setup.native()?;
    client.send_raw(&produce_frame(topic, partition, batch))?;
    let frame = client.receive()?;
    let reply: ProduceReplyView<'_> = frame.open()?;
    let first = reply.partitions().next().ok_or_else(|| io::Error::other("an empty answer"))?;
    Ok(Seen::Error(code(first.error.0)))
}

fn produced(
    name: &'static str,
    sent: &'static str,
    expected: ErrorCode,
    to: impl Fn(&Setup) -> (TopicId, PartitionIndex) + 'static,
) -> Case {
    case(name, Door::Native, sent, Answer::Error(expected), move |setup| {
        let (topic, partition) = to(setup);
        produce(setup, topic, partition, &good(1, BatchOptions::default()))
    })
}

fn open(setup: &Setup, stream: u32, partition: u32) -> FetchOpen {
    FetchOpen {
        stream: StreamId(stream),
        topic: setup.topic,
        partition: PartitionIndex(partition),
        offset: Offset::from_wire(OFFSET).expect("an offset"),
        credit_bytes: 1_000,
        frame_bytes_max: 1_000,
    }
}

fn from_start(setup: &Setup, stream: u32) -> FetchOpen {
    FetchOpen { offset: Offset::ZERO, credit_bytes: 0, ..open(setup, stream, 0) }
}

/// The code with which a stream ends, after the answer to its opening.
fn ended(client: &mut Client) -> io::Result<Seen> {
    client.receive()?.open::<FetchOpened>()?;
    let frame = client.receive()?;
    let ended: FetchEnded<'_> = frame.open()?;
    Ok(Seen::Error(code(ended.error.0)))
}

fn streams() -> Vec<Case> {
    use ErrorCode::{InvalidRequest, OffsetOutOfRange, UnknownTopicOrPartition};
    vec![
        case(
            "stream beyond the end",
            Door::Native,
            "FetchOpen at offset 2^44",
            Answer::Error(OffsetOutOfRange),
            |setup| {
                let mut client = setup.native()?;
                client.send(&open(setup, 1, 0))?;
                ended(&mut client)
            },
        ),
        case(
            "stream of an unknown partition",
            Door::Native,
            "FetchOpen of partition 99",
            Answer::Error(UnknownTopicOrPartition),
            |setup| {
                let mut client = setup.native()?;
                client.send(&open(setup, 1, 99))?;
                ended(&mut client)
            },
        ),
        case("stream id in use", Door::Native, "FetchOpen of stream 1 twice", Answer::Error(InvalidRequest), |setup| {
            let mut client = setup.native()?;
            client.send(&from_start(setup, 1))?;
            client.receive()?.open::<FetchOpened>()?;
            client.send(&from_start(setup, 1))?;
            let error = client.receive()?.error_code().ok_or_else(|| io::Error::other("it was opened twice"))?;
            Ok(Seen::Error(code(error)))
        }),
        case(
            "stream id used again",
            Door::Native,
            "FetchClose, then FetchOpen of the same stream behind its last frame",
            Answer::Told("opened"),
            |setup| {
                let mut client = setup.native()?;
                for _ in 0..3 {
                    client.send(&from_start(setup, 1))?;
                    client.receive()?.open::<FetchOpened>()?;
                    client.send(&FetchClose { stream: StreamId(1) })?;
                    let frame = client.receive()?;
                    assert_eq!(frame.open::<FetchEnded<'_>>()?.error, wire::native::ErrorCode::NONE);
                }
                Ok(Seen::Told("opened"))
            },
        ),
        case("too many streams", Door::Native, "10001 FetchOpens", Answer::Error(InvalidRequest), |setup| {
            let mut client = setup.native()?;
            for stream in 0..10_000 {
                client.send(&from_start(setup, stream))?;
                client.receive()?.open::<FetchOpened>()?;
            }
            client.send(&from_start(setup, 10_000))?;
            let error = client.receive()?.error_code().ok_or_else(|| io::Error::other("it was opened"))?;
            Ok(Seen::Error(code(error)))
        }),
        case("grant for no stream", Door::Native, "FetchGrant of stream 77", Answer::Told("ignored"), |setup| {
            let mut client = setup.native()?;
            client.send(&FetchGrant { stream: StreamId(77), bytes: 1 })?;
            client.send(&FetchClose { stream: StreamId(77) })?;
            client.send(&hello())?;
            client.receive()?.open::<HelloReply<'_>>()?;
            Ok(Seen::Told("ignored"))
        }),
        case(
            "credit that overflows",
            Door::Native,
            "4294967295 bytes granted, 1000 times",
            Answer::Told("the stream goes on within its frames"),
            |setup| {
                let mut client = setup.native()?;
                client.send(&from_start(setup, 1))?;
                client.receive()?.open::<FetchOpened>()?;
                for _ in 0..1_000 {
                    client.send(&FetchGrant { stream: StreamId(1), bytes: u32::MAX })?;
                }
                let frame = client.receive()?;
                frame.open::<FetchData>()?;
                assert!(!frame.payload.is_empty());
                Ok(Seen::Told("the stream goes on within its frames"))
            },
        ),
    ]
}
