//! How long the native protocol's headers take to write and to read: `cargo run --release -p wire --example native_rate`.
//!
//! Times are per frame, the median and the 95th percentile of many short runs, on one thread. Payloads are shared and not
//! touched, as in the broker. The last line is what a hostile header costs before it is refused.

use std::hint::black_box;
use std::time::{Duration, Instant};

use base::{BrokerId, CoreId, LeaderEpoch, Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use flatbuffers::{FlatBufferBuilder, Table, WIPOffset};
use wire::native::frame::{FrameBuilder, FrameParts, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    Acks, CorrelationId, CreateTopicsRequest, ErrorCode, FetchData, Incoming, MetadataReply, PartitionRoute, Payload,
    ProducePartition, ProduceReply, ProduceReplyView, ProduceRequest, ProduceView, ProducedPartition, Stage,
    StageTimings, StreamId, TopicMetadata,
};

fn main() {
    println!("{:<44} {:>10} {:>10} {:>8}", "", "median ns", "p95 ns", "bytes");
    produce(1);
    produce(16);
    produce_reply(1);
    produce_reply(16);
    fetch_data();
    metadata(1_000);
    metadata(50_000);
    hostile();
}

/// Runs a step for about half a second, in runs of at least 20 microseconds, and prints its percentiles.
fn measure(name: &str, bytes: usize, mut step: impl FnMut()) {
    let mut per_run = 1_u32;
    while time(per_run, &mut step) < Duration::from_micros(20) {
        per_run *= 2;
    }
    let mut runs = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        runs.push(time(per_run, &mut step).as_nanos() / u128::from(per_run));
    }
    runs.sort_unstable();
    println!("{name:<44} {:>10} {:>10} {bytes:>8}", runs[runs.len() / 2], runs[runs.len() * 95 / 100]);
}

fn time(count: u32, step: &mut impl FnMut()) -> Duration {
    let begun = Instant::now();
    (0..count).for_each(|_| step());
    begun.elapsed()
}

fn builder() -> FrameBuilder {
    FrameBuilder::new(Limits::default())
}

/// What a reader does with a frame's head.
fn head(parts: &FrameParts) -> (FramePrefix, &[u8]) {
    let prefix = peek(&parts.head, &Limits::default()).expect("a sound frame").expect("a whole prefix");
    let header = &parts.head[PREFIX_BYTES..];
    prefix.check_header(header).expect("a sound header");
    (prefix, header)
}

fn report<'a>(name: &str, frame: &'a FrameParts, mut write: impl FnMut(), read: impl Fn(FramePrefix, &'a [u8])) {
    measure(&format!("{name}: write"), frame.head.len(), &mut write);
    measure(&format!("{name}: check and read"), frame.head.len(), || {
        let (prefix, header) = head(frame);
        read(prefix, header);
    });
}

fn produce(partitions: u32) {
    let batch = Bytes::from(vec![0; 64 << 10]);
    let mut builder = builder();
    let mut make = || {
        let mut payload = Payload::default();
        let partitions: Vec<_> = (0..partitions)
            .map(|index| ProducePartition {
                topic: TopicId::METADATA,
                partition: PartitionIndex(index),
                segment: payload.push(batch.clone()).expect("within a frame"),
            })
            .collect();
        let request = ProduceRequest { acks: Acks::All, timeout_ms: 30_000, partitions: &partitions };
        builder.frame_with_payload(CorrelationId(7), &request, payload).expect("within limits")
    };
    let frame = make();
    let read = |prefix: FramePrefix, header| {
        let view = ProduceView::open(header, prefix.payload_length()).expect("a sound header");
        for partition in view.partitions() {
            black_box(partition);
        }
    };
    report(&format!("produce, {partitions} x 64 KiB"), &frame, || drop(black_box(make())), read);
}

fn produce_reply(partitions: u32) {
    let mut timings = StageTimings::default();
    timings.set(Stage::Flush, 85);
    let partitions: Vec<_> = (0..partitions)
        .map(|index| ProducedPartition {
            topic: TopicId::METADATA,
            partition: PartitionIndex(index),
            error: ErrorCode::NONE,
            base_offset: Offset::new(1 << 40),
            log_append_time: None,
            log_start_offset: Some(Offset::ZERO),
            message: None,
            core: None,
        })
        .collect();
    let reply = ProduceReply { partitions: &partitions, timings: Some(timings) };
    let mut builder = builder();
    let mut make = || builder.frame(CorrelationId(7), &reply).expect("within limits");
    let frame = make();
    let read = |_, header| {
        let view = ProduceReplyView::open(header, 0).expect("a sound header");
        for partition in view.partitions() {
            black_box(partition);
        }
    };
    report(&format!("produce reply, {}", partitions.len()), &frame, || drop(black_box(make())), read);
}

fn fetch_data() {
    let batches = Bytes::from(vec![0; 1 << 20]);
    let data = FetchData {
        stream: StreamId(1),
        base_offset: Offset::new(1 << 40),
        next_offset: Offset::new((1 << 40) + 1_000),
        high_watermark: Offset::new((1 << 40) + 1_000),
        log_start_offset: Some(Offset::ZERO),
        timings: Some(StageTimings::default()),
        core: None,
    };
    let mut builder = builder();
    let mut make = || {
        let mut payload = Payload::default();
        payload.push(batches.clone()).expect("within a frame");
        builder.frame_with_payload(CorrelationId(7), &data, payload).expect("within limits")
    };
    let frame = make();
    let read = |_, header| {
        black_box(FetchData::open(header, 0).expect("a sound header"));
    };
    report("fetch data, 1 MiB", &frame, || drop(black_box(make())), read);
}

fn metadata(partitions: u32) {
    let route = |index| PartitionRoute {
        index: PartitionIndex(index),
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch::ZERO,
        core: CoreId(3),
        error: ErrorCode::NONE,
    };
    let topic = |_| TopicMetadata {
        error: ErrorCode::NONE,
        name: "orders.of.the.day",
        id: Some(TopicId::METADATA),
        partitions: (0..50).map(route).collect(),
    };
    let reply =
        MetadataReply { topics: (0..partitions / 50).map(topic).collect(), core_endpoints: vec![], has_more: false };
    let mut builder = builder();
    let mut make = || builder.frame(CorrelationId(7), &reply).expect("within limits");
    let frame = make();
    let read = |_, header| drop(black_box(MetadataReply::open(header, 0).expect("a sound header")));
    report(&format!("metadata, {partitions} partitions"), &frame, || drop(black_box(make())), read);
}

/// A header of tables within tables that are all the same: small, and huge when walked.
fn hostile() {
    let small = dag(2);
    CreateTopicsRequest::open(&small, 0).expect("the same layout, with an honest size");
    let header = dag(989);
    measure("a DAG of 979,111 tables: refused", header.len(), || {
        let refused = CreateTopicsRequest::open(black_box(&header), 0).is_err();
        assert!(refused, "the DAG was accepted");
    });
}

/// A request to create `width` topics, all the same one, of `width` partitions, all the same. Written field by field,
/// because honest builders do not make it.
fn dag(width: usize) -> Vec<u8> {
    const FIRST_FIELD: u16 = 4;
    const ASSIGNMENT: u16 = 10;
    let mut builder = FlatBufferBuilder::new();
    let brokers = builder.create_vector(&[1_u32]);
    let start = builder.start_table();
    builder.push_slot_always(FIRST_FIELD, brokers);
    let replicas = builder.end_table(start);
    let assignment = builder.create_vector(&vec![as_table(replicas); width]);
    let name = builder.create_string("t");
    let start = builder.start_table();
    builder.push_slot_always(FIRST_FIELD, name);
    builder.push_slot_always(ASSIGNMENT, assignment);
    let topic = builder.end_table(start);
    let topics = builder.create_vector(&vec![as_table(topic); width]);
    let start = builder.start_table();
    builder.push_slot_always(FIRST_FIELD, topics);
    let root = builder.end_table(start);
    builder.finish_minimal(root);
    builder.finished_data().to_vec()
}

fn as_table<T>(offset: WIPOffset<T>) -> WIPOffset<Table<'static>> {
    WIPOffset::new(offset.value())
}
