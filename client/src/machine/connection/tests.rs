//! A connection against frames that a broker could send, and some that it should not.

use base::{BrokerId, CoreId, Offset, PartitionIndex, TopicId};
use bytes::BufMut as _;
use wire::native::frame::peek;
use wire::native::{Acks, ProduceRequest};
use wire::native::{
    Endpoint, ErrorCode, FetchGrant, InitProducerReply, InitProducerRequest, MetadataReply, ProduceReply,
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const OPTIONS: ConnectionOptions =
    ConnectionOptions { request_timeout: Duration::from_secs(30), keepalive: Duration::from_secs(10) };

type Connection = ConnectionCore<&'static str, &'static str>;

/// The broker's end of it.
struct Peer {
    connection: Connection,
    builder: FrameBuilder,
    /// What the client has sent and the broker not yet looked at.
    received: BytesMut,
    now: Instant,
}

impl Peer {
    fn new() -> Self {
        Self {
            connection: Connection::new(OPTIONS, Instant::ZERO, "test", "1"),
            builder: FrameBuilder::new(Limits::default()),
            received: BytesMut::new(),
            now: Instant::ZERO,
        }
    }

    fn greeted() -> Self {
        let mut peer = Self::new();
        let correlation = peer.next_request(ApiKey::Hello);
        peer.send(correlation, &greeting(4));
        assert!(matches!(peer.event(), Some(ConnectionEvent::Greeted)));
        peer
    }

    /// The correlation id of the client's next frame, which is of this API.
    fn next_request(&mut self, api: ApiKey) -> CorrelationId {
        let mut parts = VecDeque::new();
        self.connection.take_outbound(&mut parts);
        parts.iter().for_each(|part| self.received.put_slice(part));
        let prefix = peek(&self.received, &Limits::default()).unwrap().expect("the client has sent a frame");
        let _ = self.received.split_to(prefix.frame_bytes());
        assert_eq!((prefix.api_key(), prefix.role), (Some(api), Role::Request));
        prefix.correlation
    }

    fn send(&mut self, correlation: CorrelationId, message: &impl Outgoing) {
        let parts = self.builder.frame(correlation, message).unwrap();
        self.connection.room().put_slice(&parts.head);
    }

    fn event(&mut self) -> Option<ConnectionEvent<&'static str, &'static str>> {
        self.connection.next_event(self.now).expect("nothing is wrong with these frames")
    }

    fn error(&mut self) -> String {
        self.connection.next_event(self.now).expect_err("something is wrong with these frames").to_string()
    }

    fn call(&mut self, name: &'static str) -> CorrelationId {
        self.connection.call(self.now, &init(), Payload::default(), 30 * SECOND, name).unwrap();
        self.next_request(ApiKey::InitProducer)
    }

    fn open_stream(&mut self, id: u32) -> CorrelationId {
        self.connection.open_stream(self.now, &fetch(id), "stream").unwrap();
        let correlation = self.next_request(ApiKey::FetchOpen);
        self.send(correlation, &opened(id));
        assert!(matches!(self.event(), Some(ConnectionEvent::StreamOpened { stream: "stream", .. })));
        correlation
    }
}

fn greeting(requests_in_flight_max: u32) -> HelloReply<'static> {
    HelloReply {
        software: "corelane",
        version: "1",
        features: Features::NONE,
        cluster_id: "c",
        broker: BrokerId(7),
        core: CoreId(1),
        core_count: 2,
        frame_bytes_max: Limits::default().frame_bytes_max(),
        requests_in_flight_max,
        core_endpoints: vec![Endpoint { host: "127.0.0.1", port: 1 }, Endpoint { host: "127.0.0.1", port: 2 }],
    }
}

fn init() -> InitProducerRequest<'static> {
    InitProducerRequest { transactional_id: None, timeout_ms: 1, previous: None }
}

fn identity(id: u64) -> InitProducerReply {
    let producer = base::ProducerId::new(id).unwrap();
    InitProducerReply { producer, epoch: base::ProducerEpoch::ZERO }
}

fn fetch(id: u32) -> FetchOpen {
    FetchOpen {
        stream: StreamId(id),
        topic: TopicId::METADATA,
        partition: PartitionIndex(0),
        offset: Offset::ZERO,
        credit_bytes: 1,
        frame_bytes_max: 1,
    }
}

fn opened(id: u32) -> FetchOpened {
    FetchOpened { stream: StreamId(id), high_watermark: None, log_start_offset: None }
}

fn data(id: u32) -> FetchData {
    FetchData {
        stream: StreamId(id),
        base_offset: None,
        next_offset: None,
        high_watermark: None,
        log_start_offset: None,
        timings: None,
        core: None,
    }
}

#[test]
fn nothing_is_sent_before_the_broker_has_greeted() {
    let mut peer = Peer::new();
    let refused = peer.connection.call(peer.now, &init(), Payload::default(), SECOND, "early").unwrap_err();
    assert_eq!((refused.waiter, refused.reason), ("early", NotCalledReason::Closed));
    let correlation = peer.next_request(ApiKey::Hello);
    peer.send(correlation, &greeting(4));
    assert!(matches!(peer.event(), Some(ConnectionEvent::Greeted)));
    let known = peer.connection.greeting().unwrap();
    assert_eq!((known.broker, known.core, known.requests_in_flight_max), (BrokerId(7), CoreId(1), 4));
    assert_eq!(known.payload_bytes_max, Limits::default().payload_bytes_max());
    assert_eq!(known.core_endpoints[1], ("127.0.0.1".into(), 2));
}

#[test]
fn a_refused_greeting_says_why() {
    let mut peer = Peer::new();
    let correlation = peer.next_request(ApiKey::Hello);
    let request = peek(&hello_bytes(correlation), &Limits::default()).unwrap().unwrap();
    let error = ErrorReply { code: ErrorCode(35), message: "speak slower" };
    let parts = peer.builder.error(&request, &error).unwrap();
    peer.connection.room().put_slice(&parts.head);
    assert_eq!(peer.error(), "the broker refused the connection: UNSUPPORTED_VERSION (35): speak slower");
}

fn hello_bytes(correlation: CorrelationId) -> Bytes {
    let hello = Hello { software: "", version: "", wanted_features: Features::NONE };
    FrameBuilder::new(Limits::default()).frame(correlation, &hello).unwrap().head
}

#[test]
fn answers_find_their_questions_in_any_order() {
    let mut peer = Peer::greeted();
    let first = peer.call("first");
    let second = peer.call("second");
    assert_ne!(first, second);
    peer.send(second, &identity(2));
    peer.send(first, &identity(1));
    for (name, id) in [("second", 2), ("first", 1)] {
        let Some(ConnectionEvent::Answered { call, answer: Answer::Reply(frame) }) = peer.event() else {
            panic!("an answer to {name} is there");
        };
        assert_eq!((call, frame.open::<InitProducerReply>().unwrap()), (name, identity(id)));
    }
    assert!(peer.event().is_none());
    assert_eq!((peer.connection.in_flight(), peer.connection.next_wakeup()), (0, None));
}

#[test]
fn no_more_is_asked_than_the_broker_allows() {
    let mut peer = Peer::greeted();
    let calls: Vec<_> = ["a", "b", "c", "d"].map(|name| peer.call(name)).into();
    let refused = peer.connection.call(peer.now, &init(), Payload::default(), SECOND, "e").unwrap_err();
    assert_eq!((refused.waiter, refused.reason), ("e", NotCalledReason::Busy { limit: 4 }));
    peer.send(calls[2], &identity(1));
    assert!(matches!(peer.event(), Some(ConnectionEvent::Answered { call: "c", .. })));
    peer.call("e");
}

#[test]
fn an_overdue_answer_ends_the_connection_and_all_waiters_come_back() {
    let mut peer = Peer::greeted();
    peer.open_stream(1);
    peer.call("slow");
    peer.now = Instant::ZERO.plus(29 * SECOND);
    assert_eq!(peer.connection.next_wakeup(), Some(Instant::ZERO.plus(30 * SECOND)));
    peer.connection.time_passed(peer.now).unwrap();
    peer.call("later");
    let error = peer.connection.time_passed(Instant::ZERO.plus(30 * SECOND)).unwrap_err();
    assert_eq!(error.to_string(), "the broker did not answer a request of API InitProducer within 30s");
    let (mut calls, streams) = peer.connection.close();
    calls.sort_unstable();
    assert_eq!((calls, streams), (vec!["later", "slow"], vec!["stream"]));
    assert_eq!(peer.connection.next_wakeup(), None);
}

#[test]
fn who_only_listens_asks_now_and_then_whether_anybody_is_there() {
    let mut peer = Peer::greeted();
    assert_eq!(peer.connection.next_wakeup(), None, "nobody waits for anything");
    let stream = peer.open_stream(1);
    peer.now = Instant::ZERO.plus(6 * SECOND);
    peer.send(stream, &data(1));
    assert!(matches!(peer.event(), Some(ConnectionEvent::StreamData { .. })));
    let due = Instant::ZERO.plus(16 * SECOND);
    assert_eq!(peer.connection.next_wakeup(), Some(due));
    peer.connection.time_passed(due).unwrap();
    let question = peer.next_request(ApiKey::Metadata);
    peer.now = due;
    peer.send(question, &MetadataReply { topics: vec![], core_endpoints: vec![], has_more: false });
    assert!(peer.event().is_none());
    assert_eq!(peer.connection.next_wakeup(), Some(due.plus(10 * SECOND)));
    peer.connection.time_passed(due.plus(10 * SECOND)).unwrap();
    let silent = peer.connection.time_passed(due.plus(40 * SECOND)).unwrap_err();
    assert!(matches!(silent, ConnectionError::Timeout { api: ApiKey::Metadata, .. }));
}

#[test]
fn a_stream_lives_until_the_broker_ends_it() {
    let mut peer = Peer::greeted();
    let correlation = peer.open_stream(5);
    peer.send(correlation, &data(5));
    assert!(matches!(peer.event(), Some(ConnectionEvent::StreamData { stream: "stream", .. })));
    peer.connection.mention(&FetchGrant { stream: StreamId(5), bytes: 10 }).unwrap();
    let grant = peer.next_request(ApiKey::FetchGrant);
    peer.connection.close_stream(peer.now, StreamId(5)).unwrap();
    peer.next_request(ApiKey::FetchClose);
    assert_eq!(peer.connection.next_wakeup(), Some(peer.now.plus(30 * SECOND)), "the end is owed");
    peer.send(correlation, &data(5));
    assert!(matches!(peer.event(), Some(ConnectionEvent::StreamData { .. })));
    // The grant came too late for the broker.
    let request = peek(&hello_bytes(grant), &Limits::default()).unwrap().unwrap();
    let parts = peer.builder.error(&request, &ErrorReply { code: ErrorCode(42), message: "no such stream" }).unwrap();
    peer.connection.room().put_slice(&parts.head);
    peer.send(correlation, &FetchEnded { stream: StreamId(5), error: ErrorCode::NONE, message: None });
    assert!(matches!(peer.event(), Some(ConnectionEvent::StreamEnded { stream: "stream", refusal: None })));
    assert_eq!((peer.connection.open_streams(), peer.connection.next_wakeup()), (0, None));
    peer.send(correlation, &data(5));
    assert_eq!(peer.error(), "the broker broke the protocol: it pushed to a stream that is not open");
}

#[test]
fn a_stream_that_was_refused_was_never_open() {
    let mut peer = Peer::greeted();
    peer.connection.open_stream(peer.now, &fetch(1), "stream").unwrap();
    let correlation = peer.next_request(ApiKey::FetchOpen);
    let request = peek(&hello_bytes(correlation), &Limits::default()).unwrap().unwrap();
    let parts = peer.builder.error(&request, &ErrorReply { code: ErrorCode(1), message: "" }).unwrap();
    peer.connection.room().put_slice(&parts.head);
    let Some(ConnectionEvent::StreamRefused { stream: "stream", refusal }) = peer.event() else {
        panic!("the stream was refused");
    };
    assert!(refusal.is(wire::ErrorCode::OffsetOutOfRange));
}

#[test]
fn whoever_sends_without_an_answer_hears_when_it_was_written() {
    let mut peer = Peer::greeted();
    let request = ProduceRequest { acks: Acks::None, timeout_ms: 0, partitions: &[] };
    peer.connection.tell(&request, Payload::default(), "first").unwrap();
    peer.connection.tell(&request, Payload::default(), "second").unwrap();
    let mut parts = VecDeque::new();
    let end = peer.connection.take_outbound(&mut parts);
    let second = parts.back().unwrap().len() as u64;
    assert_eq!(peer.connection.next_written(end - second - 1), None);
    assert_eq!(peer.connection.next_written(end - second), Some("first"));
    assert_eq!(peer.connection.next_written(end - 1), None);
    assert_eq!(peer.connection.next_written(end), Some("second"));
    peer.connection.tell(&request, Payload::default(), "third").unwrap();
    assert_eq!(peer.connection.close().0, ["third"]);
}

#[test]
fn what_breaks_the_protocol_ends_the_connection_and_nobody_is_forgotten() {
    let mut peer = Peer::greeted();
    peer.send(CorrelationId(99), &identity(1));
    assert_eq!(peer.error(), "the broker broke the protocol: it answered what was not asked");

    let mut peer = Peer::greeted();
    let call = peer.call("call");
    peer.send(call, &ProduceReply { partitions: &[], timings: None });
    assert_eq!(peer.error(), "the broker broke the protocol: its answer is of another API than the request");
    assert_eq!(peer.connection.close().0, ["call"]);

    let mut peer = Peer::greeted();
    peer.send(CorrelationId(5), &init());
    assert_eq!(peer.error(), "the broker broke the protocol: it sent a request");

    let mut peer = Peer::greeted();
    let stream = peer.open_stream(1);
    peer.send(stream, &data(2));
    assert_eq!(peer.error(), "the broker broke the protocol: it pushed to one stream in the name of another");
    assert_eq!(peer.connection.close().1, ["stream"]);

    let mut peer = Peer::new();
    let correlation = peer.next_request(ApiKey::Hello);
    peer.send(correlation, &greeting(0));
    assert_eq!(peer.error(), "the broker broke the protocol: its limits leave no room for a request");
}

#[test]
fn the_end_of_the_bytes_is_told_apart_from_a_frame_cut_short() {
    let mut peer = Peer::greeted();
    assert!(matches!(peer.connection.ended(), ConnectionError::Closed));
    peer.connection.room().put_slice(&[1, 2]);
    assert!(matches!(peer.connection.ended(), ConnectionError::Torn));
}
