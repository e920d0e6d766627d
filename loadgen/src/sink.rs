//! A server that speaks just enough of Kafka's protocol to be loaded: for the generator's own ceiling, and for its tests.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wire::batch::batches;
use wire::gather::Gather;
use wire::kafka::api_versions::ApiVersionsResponse;
use wire::kafka::create_topics::{CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse};
use wire::kafka::delete_topics::{DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse};
use wire::kafka::fetch::{FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData};
use wire::kafka::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use wire::kafka::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use wire::kafka::produce::{PartitionProduceResponse, ProduceRequestView, ProduceResponse, TopicProduceResponse};
use wire::kafka::{ApiKey, FrameHeader, Message, Reader, frame};

use crate::number;

/// What the server does with records.
pub trait Store: Send + Sync + 'static {
    /// Takes batches; gives back the offset of the first record.
    fn append(&self, partition: u32, records: &[u8]) -> u64;

    /// Whole batches from an offset on.
    fn read(&self, partition: u32, offset: u64) -> Vec<u8>;

    fn end(&self, partition: u32) -> u64;

    /// Called before each produce request is handled.
    fn before_produce(&self) {}
}

/// Counts records and keeps none.
#[derive(Debug)]
pub struct Discard {
    ends: Vec<AtomicU64>,
}

impl Discard {
    pub fn new(partitions: u32) -> Self {
        Self { ends: (0..partitions).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Store for Discard {
    fn append(&self, partition: u32, records: &[u8]) -> u64 {
        let count: u64 = batches(records).flatten().map(|batch| u64::from(batch.header().record_count())).sum();
        self.ends[number::index(partition)].fetch_add(count, Ordering::Relaxed)
    }

    fn read(&self, _: u32, _: u64) -> Vec<u8> {
        Vec::new()
    }

    fn end(&self, partition: u32) -> u64 {
        self.ends[number::index(partition)].load(Ordering::Relaxed)
    }
}

/// A running server. Its threads end with the process.
#[derive(Debug)]
pub struct Sink {
    pub address: SocketAddr,
}

#[derive(Debug)]
struct Server<S> {
    store: Arc<S>,
    address: SocketAddr,
    partitions: u32,
}

impl Sink {
    /// Serves a topic of any name with so many partitions, on a free port of the loopback address.
    pub fn start<S: Store>(store: Arc<S>, partitions: u32) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let server = Arc::new(Server { store, address, partitions });
        std::thread::Builder::new().name("sink".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                // A connection that breaks is the client's affair.
                std::thread::spawn(move || drop(server.serve(stream)));
            }
        })?;
        Ok(Self { address })
    }
}

impl<S: Store> Server<S> {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut input = vec![0; 1 << 20];
        let (mut start, mut end) = (0, 0);
        loop {
            let have = &input[start..end];
            let length = frame::peek_length(have, 256 << 20).map_err(io::Error::other)?;
            if let Some(whole) = length.map(|length| length + 4).filter(|whole| *whole <= have.len()) {
                let answer = self.answer(&have[4..whole])?;
                stream.write_all(&answer)?;
                start += whole;
                continue;
            }
            input.copy_within(start..end, 0);
            (start, end) = (0, end - start);
            if length.is_some_and(|length| length + 4 > input.len()) {
                input.resize(input.len() * 2, 0);
            }
            match stream.read(&mut input[end..])? {
                0 => return Ok(()),
                count => end += count,
            }
        }
    }

    fn answer(&self, frame: &[u8]) -> io::Result<Vec<u8>> {
        let mut reader = Reader::new(frame);
        let FrameHeader::Request { api, header } = FrameHeader::decode(&mut reader).map_err(io::Error::other)? else {
            return Err(io::Error::other("a request that the sink does not know"));
        };
        let (version, id) = (header.api_version, header.correlation_id);
        let reader = &mut reader;
        match api {
            ApiKey::ApiVersions => encode(version, id, &ApiVersionsResponse::default()),
            ApiKey::Metadata => encode(version, id, &self.metadata(&decode::<MetadataRequest>(reader, version)?)),
            ApiKey::CreateTopics => {
                let request = decode::<CreateTopicsRequest>(reader, version)?;
                let made = |topic: &wire::kafka::create_topics::CreatableTopic| CreatableTopicResult {
                    name: topic.name.clone(),
                    ..CreatableTopicResult::default()
                };
                let topics = request.topics.iter().map(made).collect();
                encode(version, id, &CreateTopicsResponse { topics, ..CreateTopicsResponse::default() })
            }
            ApiKey::DeleteTopics => {
                let request = decode::<DeleteTopicsRequest>(reader, version)?;
                let gone = |name: &String| DeletableTopicResult {
                    name: Some(name.clone()),
                    ..DeletableTopicResult::default()
                };
                let responses = request.topic_names.iter().map(gone).collect();
                encode(version, id, &DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() })
            }
            ApiKey::Produce => {
                self.store.before_produce();
                let request = ProduceRequestView::parse(reader, version).map_err(io::Error::other)?;
                encode(version, id, &self.produce(&request))
            }
            ApiKey::Fetch => encode(version, id, &self.fetch(&decode::<FetchRequest>(reader, version)?)),
            ApiKey::ListOffsets => {
                encode(version, id, &self.list_offsets(&decode::<ListOffsetsRequest>(reader, version)?))
            }
            _ => Err(io::Error::other("a request that the sink does not serve")),
        }
    }

    fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let partition = |index: u32| MetadataResponsePartition {
            partition_index: index.cast_signed(),
            leader_id: 1,
            ..MetadataResponsePartition::default()
        };
        let topic = |name: Option<String>| MetadataResponseTopic {
            name,
            partitions: (0..self.partitions).map(partition).collect(),
            ..MetadataResponseTopic::default()
        };
        let broker = MetadataResponseBroker {
            node_id: 1,
            host: self.address.ip().to_string(),
            port: i32::from(self.address.port()),
            ..MetadataResponseBroker::default()
        };
        let names = request.topics.iter().flatten().map(|wanted| wanted.name.clone());
        MetadataResponse { brokers: vec![broker], topics: names.map(topic).collect(), ..MetadataResponse::default() }
    }

    fn produce(&self, request: &ProduceRequestView<'_>) -> ProduceResponse {
        let responses = request.topic_data.iter().map(|topic| {
            let partitions = topic.partition_data.iter().map(|data| {
                let base = self.store.append(data.index.cast_unsigned(), data.records.unwrap_or_default());
                PartitionProduceResponse {
                    index: data.index,
                    base_offset: base.cast_signed(),
                    ..PartitionProduceResponse::default()
                }
            });
            TopicProduceResponse {
                name: topic.name.to_owned(),
                partition_responses: partitions.collect(),
                ..TopicProduceResponse::default()
            }
        });
        ProduceResponse { responses: responses.collect(), ..ProduceResponse::default() }
    }

    fn fetch(&self, request: &FetchRequest) -> FetchResponse {
        let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        let begun = Instant::now();
        loop {
            let mut found = false;
            let responses = request.topics.iter().map(|topic| {
                let partitions = topic.partitions.iter().map(|wanted| {
                    let partition = wanted.partition.cast_unsigned();
                    let offset = u64::try_from(wanted.fetch_offset).unwrap_or(0);
                    let records = self.store.read(partition, offset);
                    found |= !records.is_empty();
                    PartitionData {
                        partition_index: wanted.partition,
                        high_watermark: self.store.end(partition).cast_signed(),
                        records: Some(bytes::Bytes::from(records).into()),
                        ..PartitionData::default()
                    }
                });
                FetchableTopicResponse {
                    topic: topic.topic.clone(),
                    partitions: partitions.collect(),
                    ..FetchableTopicResponse::default()
                }
            });
            let responses: Vec<FetchableTopicResponse> = responses.collect();
            if found || begun.elapsed() >= wait {
                return FetchResponse { responses, ..FetchResponse::default() };
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn list_offsets(&self, request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|wanted| ListOffsetsPartitionResponse {
                partition_index: wanted.partition_index,
                offset: self.store.end(wanted.partition_index.cast_unsigned()).cast_signed(),
                ..ListOffsetsPartitionResponse::default()
            });
            ListOffsetsTopicResponse { name: topic.name.clone(), partitions: partitions.collect() }
        });
        ListOffsetsResponse { topics: topics.collect(), ..ListOffsetsResponse::default() }
    }
}

fn decode<M: Message>(reader: &mut Reader<'_>, version: i16) -> io::Result<M> {
    M::decode(reader, version).map_err(io::Error::other)
}

fn encode<M: Message>(version: i16, correlation: i32, message: &M) -> io::Result<Vec<u8>> {
    let mut out = Gather::new();
    frame::write_response(&mut out, version, correlation, message).map_err(io::Error::other)?;
    Ok(out.finish().concat())
}
