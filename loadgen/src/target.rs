//! Speaking to a broker over one blocking connection, through either door.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use base::{Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use wire::gather::Gather;
use wire::kafka::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse};
use wire::kafka::fetch::{FetchPartition, FetchRequest, FetchResponseView, FetchTopic};
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use wire::kafka::produce::{PartitionProduceData, ProduceRequest, ProduceResponseView, TopicProduceData};
use wire::kafka::{Message, Reader, Request, ResponseHeader, frame as kafka_frame};
use wire::native::frame::{FrameBuilder, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    Acks, CorrelationId, Features, FetchData, FetchGrant, FetchOpen, Hello, HelloReply, Incoming, Outgoing, Payload,
    ProducePartition, ProduceReplyView, ProduceRequest as NativeProduce, Role, StreamId,
};
use wire::payload::Payload as KafkaPayload;

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Kafka,
    Native,
}

/// Where a load goes.
#[derive(Clone, Debug)]
pub struct Target {
    pub door: Door,
    /// For the Kafka door its address; for the native door that of each core.
    pub addresses: Vec<SocketAddr>,
    pub topic: String,
    pub topic_id: TopicId,
    /// Owning core of each partition; zeroes for the Kafka door.
    pub cores: Vec<usize>,
}

/// Versions that every broker of the last years speaks.
const PRODUCE_VERSION: i16 = 9;
const FETCH_VERSION: i16 = 12;

/// One connection.
pub struct Connection {
    stream: TcpStream,
    door: Door,
    correlation: i32,
    buffer: Vec<u8>,
    filled: usize,
    start: usize,
    limits: Limits,
}

impl Connection {
    pub fn open(door: Door, address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let limits = Limits::new(64 << 20);
        let mut connection =
            Self { stream, door, correlation: 0, buffer: vec![0; 256 << 10], filled: 0, start: 0, limits };
        if door == Door::Native {
            connection.hello()?;
        }
        Ok(connection)
    }

    /// Greets, and returns the addresses of the broker's cores.
    fn hello(&mut self) -> io::Result<Vec<SocketAddr>> {
        let hello = Hello { software: "loadgen", version: env!("CARGO_PKG_VERSION"), wanted_features: Features::NONE };
        let frame = FrameBuilder::new(self.limits).frame(CorrelationId(0), &hello).map_err(io::Error::other)?;
        for piece in frame.pieces() {
            self.stream.write_all(piece)?;
        }
        let (prefix, bytes) = self.native_frame()?;
        let reply: HelloReply<'_> = open(&prefix, bytes)?;
        let addresses = reply.core_endpoints.iter().map(|end| format!("{}:{}", end.host, end.port).parse());
        addresses.collect::<Result<_, _>>().map_err(io::Error::other)
    }

    /// The prepared bytes of a produce request with `acks`, for [`Connection::send`].
    pub fn prepare_produce(&self, target: &Target, partition: u32, batch: &Bytes, acks: i16) -> io::Result<Vec<u8>> {
        match self.door {
            Door::Kafka => {
                let data = PartitionProduceData {
                    index: i32::try_from(partition).map_err(io::Error::other)?,
                    records: Some(KafkaPayload::from(batch.clone())),
                };
                let topic = TopicProduceData {
                    name: target.topic.clone(),
                    partition_data: vec![data],
                    ..TopicProduceData::default()
                };
                let request =
                    ProduceRequest { acks, timeout_ms: 30_000, topic_data: vec![topic], ..ProduceRequest::default() };
                kafka_bytes(&request, PRODUCE_VERSION, 0)
            }
            Door::Native => {
                let mut payload = Payload::default();
                let segment = payload.push(batch.clone()).map_err(|_| io::Error::other("the batch is too large"))?;
                let partition =
                    ProducePartition { topic: target.topic_id, partition: PartitionIndex(partition), segment };
                let acks = match acks {
                    0 => Acks::None,
                    1 => Acks::Leader,
                    _ => Acks::All,
                };
                let request = NativeProduce { acks, timeout_ms: 30_000, partitions: &[partition] };
                let frame = FrameBuilder::new(self.limits)
                    .frame_with_payload(CorrelationId(0), &request, payload)
                    .map_err(io::Error::other)?;
                Ok(frame.pieces().flat_map(|piece| piece.iter().copied()).collect())
            }
        }
    }

    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Waits for the next produce answer; an error code of the broker is an error.
    pub fn produced(&mut self) -> io::Result<Option<Offset>> {
        match self.door {
            Door::Kafka => {
                let frame = self.kafka_frame()?;
                let mut reader = Reader::new(frame);
                ResponseHeader::decode(&mut reader, ProduceRequest::API, PRODUCE_VERSION).map_err(io::Error::other)?;
                let response = ProduceResponseView::parse(&mut reader, PRODUCE_VERSION).map_err(io::Error::other)?;
                let topic = response.responses.iter().next().ok_or_else(|| io::Error::other("an empty answer"))?;
                let partition =
                    topic.partition_responses.iter().next().ok_or_else(|| io::Error::other("an empty answer"))?;
                check(partition.error_code)?;
                Ok(Offset::from_wire(partition.base_offset))
            }
            Door::Native => {
                let (prefix, bytes) = self.native_frame()?;
                let reply: ProduceReplyView<'_> = open(&prefix, bytes)?;
                let partition = reply.partitions().next().ok_or_else(|| io::Error::other("an empty answer"))?;
                check(partition.error.0)?;
                Ok(partition.base_offset)
            }
        }
    }

    /// Asks for data of one partition from an offset on (Kafka), or opens a stream there (native).
    pub fn fetch(&mut self, target: &Target, partition: u32, offset: Offset, bytes: u32) -> io::Result<()> {
        match self.door {
            Door::Kafka => {
                let bytes = i32::try_from(bytes).map_err(io::Error::other)?;
                let partition = FetchPartition {
                    partition: i32::try_from(partition).map_err(io::Error::other)?,
                    fetch_offset: offset.to_wire(),
                    partition_max_bytes: bytes,
                    ..FetchPartition::default()
                };
                let topic =
                    FetchTopic { topic: target.topic.clone(), partitions: vec![partition], ..FetchTopic::default() };
                let request = FetchRequest {
                    replica_id: -1,
                    max_wait_ms: 500,
                    min_bytes: 1,
                    max_bytes: bytes,
                    session_epoch: -1,
                    topics: vec![topic],
                    ..FetchRequest::default()
                };
                let bytes = kafka_bytes(&request, FETCH_VERSION, self.correlation)?;
                self.correlation += 1;
                self.send(&bytes)
            }
            Door::Native => {
                let open = FetchOpen {
                    stream: StreamId(partition),
                    topic: target.topic_id,
                    partition: PartitionIndex(partition),
                    offset,
                    credit_bytes: bytes,
                    frame_bytes_max: bytes,
                };
                self.send_native(&open)
            }
        }
    }

    /// Lets a native stream send more.
    pub fn grant(&mut self, partition: u32, bytes: u32) -> io::Result<()> {
        self.send_native(&FetchGrant { stream: StreamId(partition), bytes })
    }

    fn send_native<M: Outgoing>(&mut self, message: &M) -> io::Result<()> {
        let frame = FrameBuilder::new(self.limits).frame(CorrelationId(1), message).map_err(io::Error::other)?;
        for piece in frame.pieces() {
            self.stream.write_all(piece)?;
        }
        Ok(())
    }

    /// Waits for data and hands its batches over. Returns false for an answer without data.
    pub fn fetched(&mut self, take: impl FnOnce(&[u8])) -> io::Result<bool> {
        match self.door {
            Door::Kafka => {
                let frame = self.kafka_frame()?;
                let mut reader = Reader::new(frame);
                ResponseHeader::decode(&mut reader, FetchRequest::API, FETCH_VERSION).map_err(io::Error::other)?;
                let response = FetchResponseView::parse(&mut reader, FETCH_VERSION).map_err(io::Error::other)?;
                check(response.error_code)?;
                let topic = response.responses.iter().next().ok_or_else(|| io::Error::other("an empty answer"))?;
                let partition = topic.partitions.iter().next().ok_or_else(|| io::Error::other("an empty answer"))?;
                check(partition.error_code)?;
                let records = partition.records.unwrap_or_default();
                take(records);
                Ok(!records.is_empty())
            }
            Door::Native => {
                let (prefix, bytes) = self.native_frame()?;
                if prefix.role != Role::Push {
                    return Ok(false);
                }
                let _: FetchData = open(&prefix, bytes)?;
                take(&bytes[PREFIX_BYTES + prefix.header_bytes()..]);
                Ok(true)
            }
        }
    }

    fn kafka_frame(&mut self) -> io::Result<&[u8]> {
        let bytes = self.whole(|bytes| {
            kafka_frame::peek_length(bytes, 128 << 20)
                .map(|length| length.map(|length| length + 4))
                .map_err(io::Error::other)
        })?;
        Ok(&bytes[4..])
    }

    fn native_frame(&mut self) -> io::Result<(FramePrefix, &[u8])> {
        let limits = self.limits;
        let bytes = self.whole(|bytes| {
            peek(bytes, &limits).map(|prefix| prefix.map(|prefix| prefix.frame_bytes())).map_err(io::Error::other)
        })?;
        let prefix = peek(bytes, &limits).map_err(io::Error::other)?.expect("the frame is whole");
        Ok((prefix, bytes))
    }

    /// Reads until a whole frame is there.
    fn whole(&mut self, frame_bytes: impl Fn(&[u8]) -> io::Result<Option<usize>>) -> io::Result<&[u8]> {
        loop {
            let have = &self.buffer[self.start..self.filled];
            let known = frame_bytes(have)?;
            if let Some(bytes) = known.filter(|bytes| have.len() >= *bytes) {
                let from = self.start;
                self.start += bytes;
                return Ok(&self.buffer[from..from + bytes]);
            }
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.filled, 0);
                self.filled -= self.start;
                self.start = 0;
            }
            if let Some(bytes) = known.filter(|bytes| *bytes > self.buffer.len()) {
                self.buffer.resize(bytes.next_power_of_two(), 0);
            }
            let count = self.stream.read(&mut self.buffer[self.filled..])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.filled += count;
        }
    }

    fn ask<R: Request>(&mut self, request: &R, version: i16) -> io::Result<R::Response> {
        let bytes = kafka_bytes(request, version, 0)?;
        self.send(&bytes)?;
        let frame = self.kafka_frame()?;
        let mut reader = Reader::new(frame);
        ResponseHeader::decode(&mut reader, R::API, version).map_err(io::Error::other)?;
        R::Response::decode(&mut reader, version).map_err(io::Error::other)
    }
}

impl Target {
    /// Makes a topic through the Kafka door of `kafka`, and finds out how to reach its partitions through `door`.
    pub fn make(
        door: Door,
        kafka: SocketAddr,
        native: Option<SocketAddr>,
        topic: &str,
        partitions: u32,
        settings: &[(&str, &str)],
    ) -> io::Result<Self> {
        let mut admin = Connection::open(Door::Kafka, kafka)?;
        let configs = settings
            .iter()
            .map(|(name, value)| CreatableTopicConfig { name: (*name).to_owned(), value: Some((*value).to_owned()) });
        let creatable = CreatableTopic {
            name: topic.to_owned(),
            num_partitions: i32::try_from(partitions).map_err(io::Error::other)?,
            replication_factor: 1,
            configs: configs.collect(),
            ..CreatableTopic::default()
        };
        let request =
            CreateTopicsRequest { topics: vec![creatable], timeout_ms: 30_000, ..CreateTopicsRequest::default() };
        let response: CreateTopicsResponse = admin.ask(&request, 5)?;
        let made = response.topics.first().ok_or_else(|| io::Error::other("an empty answer"))?;
        check(made.error_code)?;
        let wanted = MetadataRequestTopic { name: Some(topic.to_owned()), ..MetadataRequestTopic::default() };
        let request = MetadataRequest { topics: Some(vec![wanted]), ..MetadataRequest::default() };
        let known = (0..50).find_map(|_| {
            let response: MetadataResponse = admin.ask(&request, 12).ok()?;
            let topic = response.topics.into_iter().next().filter(|topic| topic.error_code == 0);
            if topic.is_none() {
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            topic
        });
        let known = known.ok_or_else(|| io::Error::other("the topic does not come up"))?;
        let topic_id = TopicId::from_u128(known.topic_id).ok_or_else(|| io::Error::other("the topic has no id"))?;
        let mut target = Self {
            door,
            addresses: vec![kafka],
            topic: topic.to_owned(),
            topic_id,
            cores: vec![0; partitions as usize],
        };
        if door == Door::Native {
            let native = native.ok_or_else(|| io::Error::other("the native door's address is missing"))?;
            target.find_cores(native)?;
        }
        Ok(target)
    }

    fn find_cores(&mut self, native: SocketAddr) -> io::Result<()> {
        use wire::native::{MetadataReply, MetadataRequest, TopicSelection};
        let mut connection = Connection::open(Door::Native, native)?;
        self.addresses = connection.hello()?;
        let selection = TopicSelection::Named(vec![&self.topic]);
        connection.send_native(&MetadataRequest { selection, page_partitions_max: None })?;
        let (prefix, bytes) = connection.native_frame()?;
        let reply: MetadataReply<'_> = open(&prefix, bytes)?;
        let topic = reply.topics.first().ok_or_else(|| io::Error::other("an empty answer"))?;
        check(topic.error.0)?;
        for partition in &topic.partitions {
            self.cores[partition.index.0 as usize] = partition.core.as_usize();
        }
        Ok(())
    }

    /// A connection for the traffic of one partition.
    pub fn connect(&self, partition: u32) -> io::Result<Connection> {
        Connection::open(self.door, self.addresses[self.cores[partition as usize]])
    }
}

fn kafka_bytes<R: Request>(request: &R, version: i16, correlation: i32) -> io::Result<Vec<u8>> {
    let mut out = Gather::new();
    kafka_frame::write_request(&mut out, version, correlation, Some("loadgen"), request).map_err(io::Error::other)?;
    Ok(out.finish().concat())
}

fn open<'a, M: Incoming<'a>>(prefix: &FramePrefix, frame: &'a [u8]) -> io::Result<M> {
    if prefix.role == Role::Error {
        let header = &frame[PREFIX_BYTES..PREFIX_BYTES + prefix.header_bytes()];
        let error = wire::native::ErrorReply::open(header).map_err(io::Error::other)?;
        return Err(io::Error::other(format!("error {}: {}", error.code.0, error.message)));
    }
    M::open(&frame[PREFIX_BYTES..PREFIX_BYTES + prefix.header_bytes()], prefix.payload_length())
        .map_err(io::Error::other)
}

fn check(code: i16) -> io::Result<()> {
    if code == 0 {
        return Ok(());
    }
    let name = wire::ErrorCode::from_code(code).map_or("an unknown code", wire::ErrorCode::name);
    Err(io::Error::other(format!("the broker refused: {name} ({code})")))
}
