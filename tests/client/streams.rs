//! Fetch streams as they travel, seen by a plain reader that decides nothing.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base::{Offset, PartitionIndex, TopicId};
use tests::broker::{Broker, folder};
use tests::kafka;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;
use wire::native::frame::{FrameBuilder, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    CorrelationId, ErrorCode, Features, FetchClose, FetchData, FetchEnded, FetchGrant, FetchOpen, FetchOpened, Hello,
    HelloReply, Incoming, MetadataReply, MetadataRequest, Outgoing, Role, StreamId, TopicSelection,
};

use super::support::offset;

struct Reader {
    stream: TcpStream,
    frames: FrameBuilder,
    next: u32,
}

struct Received {
    prefix: FramePrefix,
    bytes: Vec<u8>,
}

impl Received {
    fn open<'a, M: Incoming<'a>>(&'a self) -> M {
        assert_eq!((self.prefix.api_key(), self.prefix.role), (Some(M::API), M::ROLE));
        let header = &self.bytes[PREFIX_BYTES..PREFIX_BYTES + self.prefix.header_bytes()];
        self.prefix.check_header(header).expect("a sound header");
        M::open(header, self.prefix.payload_length()).expect("a sound message")
    }
}

impl Reader {
    /// Connects and greets; also gives the addresses of all cores.
    fn connect(addr: SocketAddr) -> (Self, Vec<SocketAddr>) {
        let stream = TcpStream::connect(addr).expect("the broker serves");
        // Longer than any wait of a reader at a log's end, if that is not ended by records.
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
        let mut reader = Self { stream, frames: FrameBuilder::new(Limits::default()), next: 1 };
        reader.send(&Hello { software: "tests", version: "1", wanted_features: Features::NONE });
        let received = reader.receive();
        let reply: HelloReply<'_> = received.open();
        let cores = reply.core_endpoints.iter().map(|core| SocketAddr::new(addr.ip(), core.port)).collect();
        (reader, cores)
    }

    fn send<M: Outgoing>(&mut self, message: &M) -> CorrelationId {
        let correlation = CorrelationId(self.next);
        self.next += 1;
        let frame = self.frames.frame(correlation, message).expect("a small frame");
        frame.pieces().for_each(|piece| self.stream.write_all(piece).expect("the broker reads"));
        correlation
    }

    fn receive(&mut self) -> Received {
        let mut bytes = vec![0; PREFIX_BYTES];
        self.stream.read_exact(&mut bytes).expect("a frame comes in time");
        let prefix = peek(&bytes, &Limits::default()).expect("a sound prefix").expect("a whole prefix");
        bytes.resize(prefix.frame_bytes(), 0);
        self.stream.read_exact(&mut bytes[PREFIX_BYTES..]).expect("the rest of the frame");
        Received { prefix, bytes }
    }

    fn topic(&mut self, name: &str) -> TopicId {
        self.send(&MetadataRequest { selection: TopicSelection::Named(vec![name]), page_partitions_max: None });
        self.receive().open::<MetadataReply<'_>>().topics[0].id.expect("the topic is known")
    }

    /// The next push of a stream: the offset it ends at.
    fn data(&mut self, correlation: CorrelationId, stream: StreamId) -> u64 {
        let received = self.receive();
        let data: FetchData = received.open();
        assert_eq!((received.prefix.correlation, data.stream), (correlation, stream));
        let payload = &received.bytes[PREFIX_BYTES + received.prefix.header_bytes()..];
        let last = wire::batch::batches(payload).last().expect("batches").expect("a sound batch");
        assert_eq!(data.next_offset, Some(last.header().next_offset()));
        assert_eq!(data.high_watermark, data.next_offset, "the reader is at the end again");
        data.next_offset.map(Offset::get).expect("data ends somewhere")
    }
}

fn batch() -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(&NewRecord { value: Some(b"1"), ..NewRecord::default() }).expect("it fits");
    builder.finish(&mut Compressor::new()).to_vec()
}

/// Also on connections to cores that do not own the partition.
#[test]
fn a_stream_at_the_end_of_its_log_stays_open_and_is_pushed_what_comes() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "2"]);
    let mut kafka = kafka::Client::connect(broker.kafka).expect("the broker serves");
    kafka.create_topic("live", 4, &[]).expect("the topic is made");
    let (mut first, cores) = Reader::connect(broker.native);
    let topic = first.topic("live");
    assert_eq!(cores.len(), 2);
    let mut end = [0; 4];
    for core in cores {
        for partition in 0..4_u32 {
            let (mut reader, _) = Reader::connect(core);
            let (stream, index) = (StreamId(40 + partition), usize::try_from(partition).unwrap());
            let open = FetchOpen {
                stream,
                topic,
                partition: PartitionIndex(partition),
                offset: offset(end[index]),
                credit_bytes: 1 << 20,
                frame_bytes_max: 1 << 20,
            };
            let correlation = reader.send(&open);
            let received = reader.receive();
            let opened: FetchOpened = received.open();
            assert_eq!((received.prefix.correlation, opened.stream), (correlation, stream));
            assert_eq!(opened.high_watermark, Some(offset(end[index])), "the stream begins at the end");
            for turn in 0..3 {
                let number = i32::try_from(partition).unwrap();
                kafka.produce("live", number, &batch()).expect("the broker takes the batch");
                end[index] += 1;
                assert_eq!(reader.data(correlation, stream), end[index]);
                if turn == 1 {
                    // Credit that comes while the stream waits changes nothing but the credit.
                    reader.send(&FetchGrant { stream, bytes: 1_000 });
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            reader.send(&FetchClose { stream });
            let received = reader.receive();
            let ended: FetchEnded<'_> = received.open();
            assert_eq!(
                (received.prefix.correlation, ended.stream, ended.error),
                (correlation, stream, ErrorCode::NONE)
            );
            // The name is free again.
            reader.send(&FetchOpen { offset: offset(end[index]), ..open });
            let again: FetchOpened = reader.receive().open();
            assert_eq!(again.high_watermark, Some(offset(end[index])));
        }
    }
}

#[test]
fn a_stream_that_cannot_be_read_ends_with_the_reason() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut kafka = kafka::Client::connect(broker.kafka).expect("the broker serves");
    kafka.create_topic("short", 1, &[]).expect("the topic is made");
    let (mut reader, _) = Reader::connect(broker.native);
    let topic = reader.topic("short");
    let open = |stream, partition, from| FetchOpen {
        stream: StreamId(stream),
        topic,
        partition: PartitionIndex(partition),
        offset: offset(from),
        credit_bytes: 1,
        frame_bytes_max: 1,
    };
    for (request, expected) in
        [(open(1, 0, 7), wire::ErrorCode::OffsetOutOfRange), (open(2, 9, 0), wire::ErrorCode::UnknownTopicOrPartition)]
    {
        let correlation = reader.send(&request);
        let mut received = reader.receive();
        if received.prefix.role == Role::Reply {
            received = reader.receive();
        }
        let ended: FetchEnded<'_> = received.open();
        assert_eq!((received.prefix.correlation, ended.stream), (correlation, request.stream));
        assert_eq!(ended.error.0, expected.code());
    }
}
