//! Topics made, found and removed over one blocking connection, before and after the load.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use base::{PartitionIndex, TopicId};
use wire::kafka::api_versions::ApiVersionsRequest;
use wire::kafka::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::kafka::delete_topics::DeleteTopicsRequest;
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::kafka::{Message, Reader, Request, ResponseHeader, frame};
use wire::native::frame::PREFIX_BYTES;
use wire::native::{self as proto, HelloReply, Incoming, Outgoing, Payload};

use super::{Door, FRAME_BYTES_MAX, Route, Target, error_name, kafka, native};
use crate::number;

/// What a topic is to be like.
#[derive(Clone, Debug)]
pub struct TopicWish<'a> {
    pub name: &'a str,
    pub partitions: u32,
    pub replication: i16,
    pub settings: &'a BTreeMap<String, String>,
}

/// An identity for an idempotent producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdentity {
    pub id: i64,
    pub epoch: i16,
}

/// A connection for one request at a time.
#[derive(Debug)]
pub struct Admin {
    target: Target,
    stream: TcpStream,
    /// What the broker calls itself, where it says.
    pub software: String,
    /// Of the native door, by core.
    cores: Vec<SocketAddr>,
}

/// Longest wait for one answer. Making ten thousand partitions takes a while.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(180);
const TOPIC_TIME_MAX: Duration = Duration::from_secs(60);
const TIMEOUT_MS: i32 = 120_000;

fn refused(what: &str, code: i16, message: Option<&str>) -> io::Error {
    let message = message.map(|text| format!(": {text}")).unwrap_or_default();
    io::Error::other(format!("{what}: the broker refused: {} ({code}){message}", error_name(code)))
}

fn at_the_end(partition: u32) -> ListOffsetsPartition {
    ListOffsetsPartition { partition_index: partition.cast_signed(), timestamp: -1, ..ListOffsetsPartition::default() }
}

fn empty() -> io::Error {
    io::Error::other("the broker's answer is empty")
}

impl Admin {
    pub fn connect(target: Target) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&target.address, Duration::from_secs(10))
            .map_err(|error| io::Error::new(error.kind(), format!("{target}: {error}")))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        let mut admin = Self { target, stream, software: String::new(), cores: Vec::new() };
        match target.door {
            Door::Kafka => drop(admin.ask(&ApiVersionsRequest::default(), 0)?),
            Door::Native => admin.hello()?,
        }
        Ok(admin)
    }

    fn hello(&mut self) -> io::Result<()> {
        self.stream.write_all(&native::greeting())?;
        let frame = self.native_frame()?;
        let (prefix, header, _) = native::split(&frame).map_err(io::Error::other)?;
        let reply: HelloReply<'_> = native::open(&prefix, header).map_err(io::Error::other)?;
        self.software = format!("{} {}", reply.software, reply.version);
        for end in &reply.core_endpoints {
            let mut found = (end.host, end.port).to_socket_addrs()?;
            self.cores.push(found.next().ok_or_else(empty)?);
        }
        if self.cores.is_empty() {
            self.cores.push(self.target.address);
        }
        Ok(())
    }

    fn ask<R: Request>(&mut self, request: &R, version: i16) -> io::Result<R::Response> {
        self.stream.write_all(&kafka::encode(request, version, 0))?;
        let mut length = [0; frame::LENGTH_BYTES];
        self.stream.read_exact(&mut length)?;
        let length =
            frame::peek_length(&length, FRAME_BYTES_MAX).map_err(io::Error::other)?.expect("the field is whole");
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        let mut reader = Reader::new(&bytes);
        ResponseHeader::decode(&mut reader, R::API, version).map_err(io::Error::other)?;
        R::Response::decode(&mut reader, version).map_err(io::Error::other)
    }

    fn native_frame(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; PREFIX_BYTES];
        self.stream.read_exact(&mut bytes)?;
        let prefix = native::front(&bytes).map_err(io::Error::other)?.expect("the prefix is whole");
        bytes.resize(prefix.frame_bytes(), 0);
        self.stream.read_exact(&mut bytes[PREFIX_BYTES..])?;
        Ok(bytes)
    }

    fn ask_native<M: Outgoing>(&mut self, message: &M) -> io::Result<Vec<u8>> {
        self.stream.write_all(&native::encode(message, 1, Payload::default()))?;
        self.native_frame()
    }

    /// Makes a topic.
    pub fn create(&mut self, wish: &TopicWish<'_>) -> io::Result<()> {
        let what = format!("creating topic {}", wish.name);
        let partitions = wish.partitions.cast_signed();
        if self.target.door == Door::Native {
            let setting = |(name, value): (&'_ String, &'_ String)| (name.clone(), value.clone());
            let owned: Vec<(String, String)> = wish.settings.iter().map(setting).collect();
            let settings = owned.iter().map(|(name, value)| proto::SettingPair { name, value: Some(value) }).collect();
            let topic = proto::NewTopic {
                name: wish.name,
                partitions,
                replication_factor: wish.replication,
                assignment: Vec::new(),
                settings,
            };
            let request = proto::CreateTopicsRequest {
                topics: vec![topic],
                timeout_ms: TIMEOUT_MS.cast_unsigned(),
                validate_only: false,
            };
            let frame = self.ask_native(&request)?;
            let reply: proto::CreateTopicsReply<'_> = read(&frame)?;
            let made = reply.topics.first().ok_or_else(empty)?;
            return if made.error.0 == 0 { Ok(()) } else { Err(refused(&what, made.error.0, made.message)) };
        }
        let configs = wish
            .settings
            .iter()
            .map(|(name, value)| CreatableTopicConfig { name: name.clone(), value: Some(value.clone()) })
            .collect();
        let topic = CreatableTopic {
            name: wish.name.to_owned(),
            num_partitions: partitions,
            replication_factor: wish.replication,
            configs,
            ..CreatableTopic::default()
        };
        let request =
            CreateTopicsRequest { topics: vec![topic], timeout_ms: TIMEOUT_MS, ..CreateTopicsRequest::default() };
        let response = self.ask(&request, 5)?;
        let made = response.topics.first().ok_or_else(empty)?;
        if made.error_code == 0 { Ok(()) } else { Err(refused(&what, made.error_code, made.error_message.as_deref())) }
    }

    /// Removes a topic.
    pub fn delete(&mut self, name: &str) -> io::Result<()> {
        let what = format!("deleting topic {name}");
        if self.target.door == Door::Native {
            let request = proto::DeleteTopicsRequest {
                topics: vec![proto::TopicReference::Name(name)],
                timeout_ms: TIMEOUT_MS.cast_unsigned(),
            };
            let frame = self.ask_native(&request)?;
            let reply: proto::DeleteTopicsReply<'_> = read(&frame)?;
            let code = reply.topics.first().ok_or_else(empty)?.error.0;
            return if code == 0 { Ok(()) } else { Err(refused(&what, code, None)) };
        }
        let request = DeleteTopicsRequest {
            topic_names: vec![name.to_owned()],
            timeout_ms: TIMEOUT_MS,
            ..DeleteTopicsRequest::default()
        };
        let response = self.ask(&request, 4)?;
        let code = response.responses.first().ok_or_else(empty)?.error_code;
        if code == 0 { Ok(()) } else { Err(refused(&what, code, None)) }
    }

    /// The way to each partition of a topic; `Err` says why there is none yet.
    pub fn find(&mut self, topic: &str) -> io::Result<Result<Route, String>> {
        match self.target.door {
            Door::Kafka => self.route_kafka(topic, None),
            Door::Native => self.route_native(topic, None),
        }
    }

    /// Finds the way to each partition, waiting until all have a leader that serves them. A broker may name leaders
    /// before they do (Kafka): that is no part of a load.
    pub fn route(&mut self, topic: &str, partitions: u32) -> io::Result<Route> {
        let begun = Instant::now();
        loop {
            let found = match self.target.door {
                Door::Kafka => self.route_kafka(topic, Some(partitions)),
                Door::Native => self.route_native(topic, Some(partitions)),
            }?;
            let missing = match found {
                Ok(route) => match self.ends(&route, partitions) {
                    Ok(_) => return Ok(route),
                    Err(error) => error,
                },
                Err(missing) => io::Error::other(missing),
            };
            if begun.elapsed() > TOPIC_TIME_MAX {
                return Err(missing);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Without a number all partitions are meant.
    fn route_kafka(&mut self, topic: &str, partitions: Option<u32>) -> io::Result<Result<Route, String>> {
        let wanted = MetadataRequestTopic { name: Some(topic.to_owned()), ..MetadataRequestTopic::default() };
        let request = MetadataRequest {
            topics: Some(vec![wanted]),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let response = self.ask(&request, 9)?;
        let found = response.topics.into_iter().next().ok_or_else(empty)?;
        if found.error_code != 0 {
            return Ok(Err(format!("topic {topic}: {}", error_name(found.error_code))));
        }
        let partitions = partitions.unwrap_or_else(|| number::short(found.partitions.len()));
        let mut by_partition = vec![None; number::index(partitions)];
        for partition in &found.partitions {
            let leader = response.brokers.iter().position(|broker| broker.node_id == partition.leader_id);
            if let Some(slot) = usize::try_from(partition.partition_index).ok().and_then(|i| by_partition.get_mut(i)) {
                *slot = leader.map(number::short);
            }
        }
        let Some(by_partition) = by_partition.into_iter().collect::<Option<Vec<u32>>>() else {
            return Ok(Err(format!("topic {topic}: fewer than {partitions} partitions have a leader")));
        };
        let mut addresses = Vec::new();
        for broker in &response.brokers {
            let port = u16::try_from(broker.port).map_err(io::Error::other)?;
            let mut found = (broker.host.as_str(), port).to_socket_addrs()?;
            addresses.push(found.next().ok_or_else(empty)?);
        }
        Ok(Ok(Route { door: Door::Kafka, topic: topic.to_owned(), topic_id: None, addresses, by_partition }))
    }

    fn route_native(&mut self, topic: &str, partitions: Option<u32>) -> io::Result<Result<Route, String>> {
        let selection = proto::TopicSelection::Named(vec![topic]);
        let frame = self.ask_native(&proto::MetadataRequest { selection, page_partitions_max: None })?;
        let reply: proto::MetadataReply<'_> = read(&frame)?;
        let found = reply.topics.first().ok_or_else(empty)?;
        if found.error.0 != 0 {
            return Ok(Err(format!("topic {topic}: {}", error_name(found.error.0))));
        }
        let partitions = partitions.unwrap_or_else(|| number::short(found.partitions.len()));
        let mut by_partition = vec![None; number::index(partitions)];
        for route in found.partitions.iter().filter(|route| route.error.0 == 0) {
            if let Some(slot) = by_partition.get_mut(number::index(route.index.0)) {
                *slot = Some(number::short(route.core.as_usize()));
            }
        }
        let Some(by_partition) = by_partition.into_iter().collect::<Option<Vec<u32>>>() else {
            return Ok(Err(format!("topic {topic}: fewer than {partitions} partitions have a leader")));
        };
        let addresses = self.cores.clone();
        if by_partition.iter().any(|core| number::index(*core) >= addresses.len()) {
            return Err(io::Error::other("the broker names a core without an address"));
        }
        Ok(Ok(Route { door: Door::Native, topic: topic.to_owned(), topic_id: found.id, addresses, by_partition }))
    }

    /// The high watermark of the first so many partitions.
    pub fn ends(&mut self, route: &Route, partitions: u32) -> io::Result<Vec<u64>> {
        match route.topic_id.filter(|_| self.target.door == Door::Native) {
            Some(topic) => self.ends_native(topic, partitions),
            None => self.ends_kafka(route, partitions),
        }
    }

    /// Each leader knows its own partitions only.
    fn ends_kafka(&mut self, route: &Route, partitions: u32) -> io::Result<Vec<u64>> {
        let mut ends = vec![0; number::index(partitions)];
        for (leader, address) in (0_u32..).zip(&route.addresses) {
            let led = (0..partitions).filter(|partition| route.address_of(*partition) == leader);
            let asked: Vec<ListOffsetsPartition> = led.map(at_the_end).collect();
            if asked.is_empty() {
                continue;
            }
            let topics = vec![ListOffsetsTopic { name: route.topic.clone(), partitions: asked }];
            let request = ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
            let response = match route.addresses.len() {
                1 => self.ask(&request, 5)?,
                _ => Self::connect(Target { address: *address, ..self.target })?.ask(&request, 5)?,
            };
            for answer in &response.topics.first().ok_or_else(empty)?.partitions {
                if answer.error_code != 0 {
                    return Err(refused("listing offsets", answer.error_code, None));
                }
                let slot = usize::try_from(answer.partition_index).ok().and_then(|index| ends.get_mut(index));
                *slot.ok_or_else(empty)? = u64::try_from(answer.offset).unwrap_or(0);
            }
        }
        Ok(ends)
    }

    fn ends_native(&mut self, topic: TopicId, partitions: u32) -> io::Result<Vec<u64>> {
        let query = |index| proto::OffsetQuery { topic, partition: PartitionIndex(index), at: proto::OffsetAt::Latest };
        let request = proto::ListOffsetsRequest { partitions: (0..partitions).map(query).collect() };
        let frame = self.ask_native(&request)?;
        let reply: proto::ListOffsetsReply = read(&frame)?;
        let mut ends = vec![0; number::index(partitions)];
        for answer in &reply.partitions {
            if answer.error.0 != 0 {
                return Err(refused("listing offsets", answer.error.0, None));
            }
            let end = answer.offset.map_or(0, base::Offset::get);
            *ends.get_mut(number::index(answer.partition.0)).ok_or_else(empty)? = end;
        }
        Ok(ends)
    }

    /// Asks for an identity of an idempotent producer.
    pub fn identity(&mut self) -> io::Result<ProducerIdentity> {
        if self.target.door == Door::Native {
            let request = proto::InitProducerRequest { transactional_id: None, timeout_ms: 0, previous: None };
            let frame = self.ask_native(&request)?;
            let reply: proto::InitProducerReply = read(&frame)?;
            return Ok(ProducerIdentity { id: reply.producer.to_wire(), epoch: reply.epoch.to_wire() });
        }
        let request =
            InitProducerIdRequest { transactional_id: None, transaction_timeout_ms: 60_000, ..Default::default() };
        let response = self.ask(&request, 1)?;
        match response.error_code {
            0 => Ok(ProducerIdentity { id: response.producer_id, epoch: response.producer_epoch }),
            code => Err(refused("asking for a producer id", code, None)),
        }
    }
}

fn read<'a, M: Incoming<'a>>(frame: &'a [u8]) -> io::Result<M> {
    let (prefix, header, _) = native::split(frame).map_err(io::Error::other)?;
    native::open(&prefix, header).map_err(io::Error::other)
}
