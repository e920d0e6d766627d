//! A plain, blocking client of the Kafka door, on our own codec: it can also say what no real client says.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use wire::ErrorCode;
use wire::gather::Gather;
use wire::kafka::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::kafka::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsTopic,
};
use wire::kafka::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::kafka::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::kafka::produce::{PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData};
use wire::kafka::{Message, Reader, Request, ResponseHeader, frame};

pub struct Client {
    stream: TcpStream,
}

impl Client {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream })
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> io::Result<()> {
        self.send_raw(&encode(version, request)?)
    }

    /// What follows the length of the next frame.
    pub fn receive_raw(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    pub fn receive<R: Request>(&mut self, version: i16) -> io::Result<R::Response> {
        let frame = self.receive_raw()?;
        let mut reader = Reader::shared(&frame);
        ResponseHeader::decode(&mut reader, R::API, version).map_err(io::Error::other)?;
        R::Response::decode(&mut reader, version).map_err(io::Error::other)
    }

    pub fn ask<R: Request>(&mut self, version: i16, request: &R) -> io::Result<R::Response> {
        self.send(version, request)?;
        self.receive::<R>(version)
    }

    /// Makes a topic; the error is the broker's.
    pub fn create_topic(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> io::Result<ErrorCode> {
        let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        };
        let topic = CreatableTopic {
            name: name.to_owned(),
            num_partitions: partitions,
            replication_factor: -1,
            configs: configs.iter().map(config).collect(),
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..CreateTopicsRequest::default() };
        let response = self.ask(7, &request)?;
        Ok(code(response.topics[0].error_code))
    }

    /// Deletes a topic; the error is the broker's.
    pub fn delete_topic(&mut self, name: &str) -> io::Result<ErrorCode> {
        let topic = DeleteTopicState { name: Some(name.to_owned()), ..DeleteTopicState::default() };
        let request = DeleteTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..DeleteTopicsRequest::default() };
        Ok(code(self.ask(6, &request)?.responses[0].error_code))
    }

    /// Deletes the records of a partition before an offset, or before its high watermark with -1.
    pub fn delete_records(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> io::Result<DeleteRecordsPartitionResult> {
        let partitions = vec![DeleteRecordsPartition { partition_index: partition, offset }];
        let topics = vec![DeleteRecordsTopic { name: topic.to_owned(), partitions }];
        let mut response = self.ask(2, &DeleteRecordsRequest { topics, timeout_ms: 10_000 })?;
        Ok(response.topics.remove(0).partitions.remove(0))
    }

    /// Produces one batch with `acks=all`.
    pub fn produce(&mut self, topic: &str, partition: i32, batch: &[u8]) -> io::Result<PartitionProduceResponse> {
        let mut response = self.ask(9, &produce_request(topic, partition, batch, -1))?;
        Ok(response.responses.remove(0).partition_responses.remove(0))
    }

    /// Batches from an offset on, and the high watermark; the error is the broker's.
    pub fn fetch(&mut self, topic: &str, partition: i32, offset: i64, wait_ms: i32) -> io::Result<Fetched> {
        let mut response = self.ask(12, &fetch_request(topic, partition, offset, wait_ms))?;
        let data = response.responses.remove(0).partitions.remove(0);
        Ok(Fetched {
            error: code(data.error_code),
            high_watermark: data.high_watermark,
            records: data.records.map(|records| records.to_vec()).unwrap_or_default(),
        })
    }

    /// Everything in a partition, from its beginning.
    pub fn fetch_all(&mut self, topic: &str, partition: i32) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut next = 0;
        loop {
            let fetched = self.fetch(topic, partition, next, 0)?;
            if fetched.error != ErrorCode::None {
                return Err(io::Error::other(fetched.error.name()));
            }
            if next >= fetched.high_watermark {
                return Ok(all);
            }
            let whole = wire::batch::batches(&fetched.records);
            let last = whole.last().ok_or_else(|| io::Error::other("no records below the high watermark"))?;
            next = last.map_err(io::Error::other)?.header().next_offset().to_wire();
            all.extend_from_slice(&fetched.records);
        }
    }

    pub fn list_offset(&mut self, topic: &str, partition: i32, timestamp: i64) -> io::Result<(ErrorCode, i64, i64)> {
        let asked = ListOffsetsPartition { partition_index: partition, timestamp, ..ListOffsetsPartition::default() };
        let topics = vec![ListOffsetsTopic { name: topic.to_owned(), partitions: vec![asked] }];
        let request = ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
        let response = self.ask(7, &request)?;
        let answer = &response.topics[0].partitions[0];
        Ok((code(answer.error_code), answer.offset, answer.timestamp))
    }

    pub fn producer_id(&mut self) -> io::Result<i64> {
        let request = InitProducerIdRequest { transactional_id: None, ..InitProducerIdRequest::default() };
        let response = self.ask(4, &request)?;
        match response.error_code {
            0 => Ok(response.producer_id),
            other => Err(io::Error::other(code(other).name())),
        }
    }
}

#[derive(Debug)]
pub struct Fetched {
    pub error: ErrorCode,
    pub high_watermark: i64,
    pub records: Vec<u8>,
}

pub fn code(number: i16) -> ErrorCode {
    ErrorCode::from_code(number).unwrap_or_else(|| panic!("{number} is none of Kafka's codes"))
}

pub fn encode<R: Request>(version: i16, request: &R) -> io::Result<Vec<u8>> {
    let mut out = Gather::new();
    frame::write_request(&mut out, version, 7, Some("tests"), request).map_err(io::Error::other)?;
    Ok(out.finish().concat())
}

pub fn produce_request(topic: &str, partition: i32, batch: &[u8], acks: i16) -> ProduceRequest {
    let data = PartitionProduceData { index: partition, records: Some(Bytes::copy_from_slice(batch).into()) };
    let topic = TopicProduceData { name: topic.to_owned(), partition_data: vec![data], ..TopicProduceData::default() };
    ProduceRequest { acks, timeout_ms: 30_000, topic_data: vec![topic], ..ProduceRequest::default() }
}

pub fn fetch_request(topic: &str, partition: i32, offset: i64, wait_ms: i32) -> FetchRequest {
    let part =
        FetchPartition { partition, fetch_offset: offset, partition_max_bytes: 1 << 20, ..FetchPartition::default() };
    FetchRequest {
        replica_id: -1,
        max_wait_ms: wait_ms,
        min_bytes: 1,
        max_bytes: 8 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic { topic: topic.to_owned(), partitions: vec![part], ..FetchTopic::default() }],
        ..FetchRequest::default()
    }
}
