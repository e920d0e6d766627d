//! Kafka's protocol, in versions whose fields have fixed places: a request is a template with numbers filled in.

use wire::gather::Gather;
use wire::kafka::api_versions::ApiVersionsRequest;
use wire::kafka::fetch::{FetchPartition, FetchRequest, FetchResponseView, FetchTopic};
use wire::kafka::produce::{ProduceRequest, ProduceResponseView, TopicProduceData};
use wire::kafka::{Message, Reader, Request, ResponseHeader, frame};

use super::{Garbled, Produced};
use crate::number;

/// The last versions before fields got variable lengths; brokers of Kafka 2.4 and later speak them.
pub(crate) const PRODUCE_VERSION: i16 = 8;
pub(crate) const FETCH_VERSION: i16 = 11;
const CLIENT_ID: &str = "corelane-loadgen";

/// Where the correlation id stands in a request.
const CORRELATION: std::ops::Range<usize> = 8..12;

pub(crate) fn encode<R: Request>(request: &R, version: i16, correlation: i32) -> Vec<u8> {
    let mut out = Gather::new();
    frame::write_request(&mut out, version, correlation, Some(CLIENT_ID), request)
        .expect("requests of this form have an encoding");
    out.finish().concat()
}

/// A first request whose answer shows that the broker serves.
pub(crate) fn greeting() -> Vec<u8> {
    encode(&ApiVersionsRequest::default(), 0, 0)
}

/// Produce requests for one topic.
#[derive(Clone, Debug)]
pub(crate) struct ProduceTemplate {
    /// A request without partitions; their count is at its end.
    head: Vec<u8>,
}

impl ProduceTemplate {
    pub(crate) fn new(topic: &str, acks: i16, timeout_ms: i32) -> Self {
        let topic = TopicProduceData { name: topic.to_owned(), ..TopicProduceData::default() };
        let request = ProduceRequest { acks, timeout_ms, topic_data: vec![topic], ..ProduceRequest::default() };
        Self { head: encode(&request, PRODUCE_VERSION, 0) }
    }

    /// Begins a request at the end of `out`; gives back where.
    pub(crate) fn begin(&self, out: &mut Vec<u8>, correlation: u32) -> usize {
        let start = out.len();
        out.extend_from_slice(&self.head);
        out[start..][CORRELATION].copy_from_slice(&correlation.to_be_bytes());
        start
    }

    /// What stands before a partition's batch.
    pub(crate) fn add(out: &mut Vec<u8>, partition: u32, batch_bytes: u32) {
        out.extend_from_slice(&partition.to_be_bytes());
        out.extend_from_slice(&batch_bytes.to_be_bytes());
    }

    /// Completes the request that began at `start`, of which so many bytes are elsewhere and come last.
    pub(crate) fn end(&self, out: &mut [u8], start: usize, partitions: u32, elsewhere: usize) {
        let length = number::short(out.len() - start - 4 + elsewhere);
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        let count = start + self.head.len() - 4;
        out[count..count + 4].copy_from_slice(&partitions.to_be_bytes());
    }
}

pub(crate) fn correlation(frame: &[u8]) -> Result<u32, Garbled> {
    let id = frame::response_correlation_id(frame).ok_or_else(|| Garbled("a frame without correlation".to_owned()))?;
    Ok(id.cast_unsigned())
}

/// Reads a produce answer: `frame` is what follows the length.
pub(crate) fn read_produced(frame: &[u8], mut take: impl FnMut(Produced)) -> Result<(), Garbled> {
    let mut reader = Reader::new(frame);
    ResponseHeader::decode(&mut reader, ProduceRequest::API, PRODUCE_VERSION).map_err(Garbled::of)?;
    let response = ProduceResponseView::parse(&mut reader, PRODUCE_VERSION).map_err(Garbled::of)?;
    for topic in response.responses {
        for partition in topic.partition_responses {
            take(Produced {
                partition: partition.index.cast_unsigned(),
                error: partition.error_code,
                base_offset: partition.base_offset,
            });
        }
    }
    Ok(())
}

/// Fetch requests for some partitions of one topic.
#[derive(Clone, Debug)]
pub(crate) struct FetchTemplate {
    request: Vec<u8>,
    /// Where each partition's fetch offset stands.
    offsets: Vec<usize>,
}

/// Where the first partition's entry begins is found by this fetch offset, which no log reaches.
const MARK: i64 = 0x7E57_0FF5_E700_0000;

impl FetchTemplate {
    pub(crate) fn new(topic: &str, partitions: &[u32], bytes: u32, wait_ms: u32) -> Self {
        let marked = |(index, partition): (usize, &u32)| FetchPartition {
            partition: partition.cast_signed(),
            fetch_offset: MARK + i64::from(number::short(index)),
            partition_max_bytes: bytes.cast_signed(),
            ..FetchPartition::default()
        };
        let partitions: Vec<FetchPartition> = partitions.iter().enumerate().map(marked).collect();
        let marks: Vec<[u8; 8]> = partitions.iter().map(|partition| partition.fetch_offset.to_be_bytes()).collect();
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: wait_ms.cast_signed(),
            min_bytes: 1,
            max_bytes: bytes.max(1 << 20).saturating_mul(8).min(1 << 30).cast_signed(),
            session_epoch: -1,
            topics: vec![FetchTopic { topic: topic.to_owned(), partitions, ..FetchTopic::default() }],
            ..FetchRequest::default()
        };
        let request = encode(&request, FETCH_VERSION, 0);
        let mut offsets = Vec::with_capacity(marks.len());
        let mut at = 0;
        for mark in &marks {
            at += request[at..].windows(8).position(|bytes| bytes == mark).expect("each mark is in the request");
            offsets.push(at);
        }
        Self { request, offsets }
    }

    /// Appends a request from these offsets on, in the order of the partitions.
    pub(crate) fn write(&self, out: &mut Vec<u8>, correlation: u32, next: impl Iterator<Item = u64>) {
        let start = out.len();
        out.extend_from_slice(&self.request);
        out[start..][CORRELATION].copy_from_slice(&correlation.to_be_bytes());
        for (at, offset) in self.offsets.iter().zip(next) {
            out[start + at..start + at + 8].copy_from_slice(&offset.to_be_bytes());
        }
    }
}

/// Reads a fetch answer: partition, error, records.
pub(crate) fn read_fetched(frame: &[u8], mut take: impl FnMut(u32, i16, &[u8])) -> Result<(), Garbled> {
    let mut reader = Reader::new(frame);
    ResponseHeader::decode(&mut reader, FetchRequest::API, FETCH_VERSION).map_err(Garbled::of)?;
    let response = FetchResponseView::parse(&mut reader, FETCH_VERSION).map_err(Garbled::of)?;
    if response.error_code != 0 {
        return Err(Garbled(format!("the fetch was refused: {}", super::error_name(response.error_code))));
    }
    for topic in response.responses {
        for partition in topic.partitions {
            let records = partition.records.unwrap_or_default();
            take(partition.partition_index.cast_unsigned(), partition.error_code, records);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use wire::kafka::produce::PartitionProduceData;

    #[test]
    fn a_filled_produce_template_is_what_the_codec_writes() {
        let batches: [&[u8]; 2] = [&[7; 300], &[9; 61]];
        let data = [(5, batches[0]), (0, batches[1])].map(|(index, batch)| PartitionProduceData {
            index,
            records: Some(Bytes::from_static(batch_of(batch)).into()),
        });
        let topic =
            TopicProduceData { name: "t".to_owned(), partition_data: data.to_vec(), ..TopicProduceData::default() };
        let request = ProduceRequest { acks: -1, timeout_ms: 9, topic_data: vec![topic], ..ProduceRequest::default() };
        let template = ProduceTemplate::new("t", -1, 9);
        let mut out = vec![1, 2, 3];
        let start = template.begin(&mut out, 77);
        ProduceTemplate::add(&mut out, 5, 300);
        out.extend_from_slice(batches[0]);
        ProduceTemplate::add(&mut out, 0, 61);
        // The last batch may come from elsewhere.
        template.end(&mut out, start, 2, 61);
        out.extend_from_slice(batches[1]);
        assert_eq!(out[start..], encode(&request, PRODUCE_VERSION, 77));
    }

    fn batch_of(bytes: &[u8]) -> &'static [u8] {
        bytes.to_vec().leak()
    }

    #[test]
    fn a_filled_fetch_template_is_what_the_codec_writes() {
        let partition = |partition, fetch_offset| FetchPartition {
            partition,
            fetch_offset,
            partition_max_bytes: 4_096,
            ..FetchPartition::default()
        };
        let topic = FetchTopic {
            topic: "t".to_owned(),
            partitions: vec![partition(3, 10), partition(1, 0)],
            ..FetchTopic::default()
        };
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: 8 << 20,
            session_epoch: -1,
            topics: vec![topic],
            ..FetchRequest::default()
        };
        let mut out = vec![1];
        FetchTemplate::new("t", &[3, 1], 4_096, 500).write(&mut out, 12, [10, 0].into_iter());
        assert_eq!(out[1..], encode(&request, FETCH_VERSION, 12));
    }
}
