//! Prints how long the messages with records take: `cargo run --release -p wire --example kafka_rate`.
//!
//! Each figure is the best of several runs, in nanoseconds per message, on one core. Nothing is sent.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wire::gather::Gather;
use wire::kafka::fetch::{
    FetchPartition, FetchRequest, FetchRequestView, FetchResponse, FetchResponseView, FetchTopic,
    FetchableTopicResponse, PartitionData,
};
use wire::kafka::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceRequestView, ProduceResponse,
    ProduceResponseView, TopicProduceData, TopicProduceResponse,
};
use wire::kafka::{Message, Reader};

const RUNS: usize = 7;
const RUN_TIME: Duration = Duration::from_millis(60);

/// How many topics, partitions in each, and bytes of records in each partition.
#[derive(Clone, Copy)]
struct Shape {
    topics: usize,
    partitions: usize,
    record_bytes: usize,
}

const ONE_LARGE: Shape = Shape { topics: 1, partitions: 1, record_bytes: 1 << 20 };
const MANY: Shape = Shape { topics: 10, partitions: 10, record_bytes: 8 << 10 };

impl Shape {
    fn name(self) -> String {
        format!("{} x {} x {} KiB", self.topics, self.partitions, self.record_bytes >> 10)
    }

    fn topics<T>(self, mut topic: impl FnMut(String, Vec<i32>) -> T) -> Vec<T> {
        let partitions: Vec<i32> = (0..).take(self.partitions).collect();
        (0..self.topics).map(|index| topic(format!("orders-{index}"), partitions.clone())).collect()
    }

    fn records(self) -> Bytes {
        Bytes::from(vec![0x5A; self.record_bytes])
    }
}

/// Nanoseconds for one call of `work`, in the best run.
fn best(mut work: impl FnMut()) -> f64 {
    let mut calls = 1_u32;
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        loop {
            let start = Instant::now();
            (0..calls).for_each(|_| work());
            let elapsed = start.elapsed();
            if elapsed >= RUN_TIME {
                least = least.min(elapsed.as_secs_f64() * 1e9 / f64::from(calls));
                break;
            }
            calls *= 2;
        }
    }
    least
}

fn report(what: &str, shape: Shape, version: i16, nanoseconds: f64) {
    println!("{what:<46} v{version:<3} {:<18} {nanoseconds:>10.1} ns", shape.name());
}

/// Encodes into a gather and a list of parts that are used again and again, as a connection does.
fn encoding(what: &str, shape: Shape, version: i16, message: &impl Message) {
    let mut out = Gather::with_capacity(64 << 10);
    let mut parts = Vec::new();
    let nanoseconds = best(|| {
        black_box(message).encode(&mut out, version).expect("it encodes");
        out.finish_into(&mut parts);
        black_box(&parts);
        parts.clear();
    });
    report(what, shape, version, nanoseconds);
}

fn encoded(message: &impl Message, version: i16) -> Bytes {
    let mut out = Gather::new();
    message.encode(&mut out, version).expect("it encodes");
    out.finish().concat().into()
}

fn owned_decoding<M: Message>(what: &str, shape: Shape, version: i16, bytes: &Bytes) {
    let nanoseconds = best(|| {
        black_box(M::decode(&mut Reader::shared(black_box(bytes)), version).expect("it decodes"));
    });
    report(what, shape, version, nanoseconds);
}

fn produce(shape: Shape, version: i16) {
    let partition = |index| PartitionProduceData { index, records: Some(shape.records().into()) };
    let topic = |name, indices: Vec<i32>| TopicProduceData {
        name,
        topic_id: 1,
        partition_data: indices.into_iter().map(partition).collect(),
    };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: shape.topics(topic), transactional_id: None };
    let bytes = encoded(&request, version);
    let parse = || ProduceRequestView::parse(&mut Reader::new(black_box(&bytes)), version).expect("it decodes");
    let nanoseconds = best(|| {
        black_box(parse());
    });
    report("produce request: parse a view", shape, version, nanoseconds);
    let nanoseconds = best(|| {
        for topic in parse().topic_data {
            for partition in topic.partition_data {
                black_box((topic.name, partition.index, partition.records));
            }
        }
    });
    report("produce request: parse, walk each partition", shape, version, nanoseconds);
    owned_decoding::<ProduceRequest>("produce request: decode owned", shape, version, &bytes);
    encoding("produce request: encode", shape, version, &request);

    let partition = |index| PartitionProduceResponse { index, base_offset: 1, ..Default::default() };
    let topic = |name, indices: Vec<i32>| TopicProduceResponse {
        name,
        topic_id: 1,
        partition_responses: indices.into_iter().map(partition).collect(),
    };
    let response = ProduceResponse { responses: shape.topics(topic), ..Default::default() };
    let bytes = encoded(&response, version);
    let nanoseconds = best(|| {
        black_box(ProduceResponseView::parse(&mut Reader::new(black_box(&bytes)), version).expect("it decodes"));
    });
    report("produce response: parse a view", shape, version, nanoseconds);
    encoding("produce response: encode", shape, version, &response);
}

fn fetch(shape: Shape, version: i16) {
    let partition = |partition| FetchPartition { partition, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = |topic, indices: Vec<i32>| FetchTopic {
        topic,
        topic_id: 1,
        partitions: indices.into_iter().map(partition).collect(),
    };
    let request = FetchRequest { max_wait_ms: 500, topics: shape.topics(topic), ..Default::default() };
    let bytes = encoded(&request, version);
    let nanoseconds = best(|| {
        black_box(FetchRequestView::parse(&mut Reader::new(black_box(&bytes)), version).expect("it decodes"));
    });
    report("fetch request: parse a view", shape, version, nanoseconds);
    encoding("fetch request: encode", shape, version, &request);

    let records = shape.records();
    let partition = |partition_index| PartitionData {
        partition_index,
        high_watermark: 100,
        records: Some(records.clone().into()),
        ..Default::default()
    };
    let topic = |topic, indices: Vec<i32>| FetchableTopicResponse {
        topic,
        topic_id: 1,
        partitions: indices.into_iter().map(partition).collect(),
    };
    let response = FetchResponse { responses: shape.topics(topic), ..Default::default() };
    let bytes = encoded(&response, version);
    let nanoseconds = best(|| {
        black_box(FetchResponseView::parse(&mut Reader::new(black_box(&bytes)), version).expect("it decodes"));
    });
    report("fetch response: parse a view", shape, version, nanoseconds);
    owned_decoding::<FetchResponse>("fetch response: decode owned", shape, version, &bytes);
    encoding("fetch response: encode", shape, version, &response);
}

fn main() {
    for (shape, version) in [(ONE_LARGE, 3), (ONE_LARGE, 9), (ONE_LARGE, 13), (MANY, 9)] {
        produce(shape, version);
    }
    for (shape, version) in [(ONE_LARGE, 4), (ONE_LARGE, 12), (ONE_LARGE, 17), (MANY, 12)] {
        fetch(shape, version);
    }
}
