//! One frame of each message of the native protocol.

use base::{BrokerId, CoreId, LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId, Timestamp, TopicId};
use tests::native::{frame_of, hello, raw_frame};
use wire::native::{
    Acks, ApiKey, BrokerStatusReply, BrokerStatusRequest, CoreStatus, CreatePartitionsReply, CreatePartitionsRequest,
    CreateTopicsReply, CreateTopicsRequest, CreatedTopic, DeleteTopicsReply, DeleteTopicsRequest, DeletedTopic,
    DescribeTopicReply, DescribeTopicRequest, DescribedPartition, DescribedSetting, DescribedSettingSource, Endpoint,
    ErrorCode, Features, FetchClose, FetchData, FetchEnded, FetchGrant, FetchOpen, FetchOpened, GrownTopic, HelloReply,
    InitProducerReply, InitProducerRequest, ListOffsetsReply, ListOffsetsRequest, ListPartitionsReply,
    ListPartitionsRequest, MetadataReply, MetadataRequest, MovePartitionReply, MovePartitionRequest, NewTopic,
    OffsetAnswer, OffsetAt, OffsetQuery, PartitionLoad, PartitionRoute, Payload, ProducePartition, ProduceReply,
    ProduceRequest, ProducedPartition, SettingPair, Stage, StageStatus, StageTimings, StreamId, TopicMetadata,
    TopicOutcome, TopicPartitions, TopicReference, TopicSelection,
};

const TOPIC: TopicId = TopicId::METADATA;
const FAILED: ErrorCode = ErrorCode(3);

pub(super) fn samples() -> Vec<Vec<u8>> {
    let mut all = connection();
    all.extend(data());
    all.extend(offsets());
    all.extend(admin());
    all
}

fn endpoints() -> Vec<Endpoint<'static>> {
    vec![Endpoint { host: "localhost", port: 9_292 }, Endpoint { host: "::1", port: 9_293 }]
}

fn connection() -> Vec<Vec<u8>> {
    let reply = HelloReply {
        software: "corelane",
        version: "1",
        features: Features::NONE,
        cluster_id: "c",
        broker: BrokerId(1),
        core: CoreId(1),
        core_count: 2,
        frame_bytes_max: 1 << 26,
        requests_in_flight_max: 64,
        core_endpoints: endpoints(),
    };
    let route = |index| PartitionRoute {
        index: PartitionIndex(index),
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch::ZERO,
        core: CoreId(0),
        error: ErrorCode::NONE,
    };
    let known =
        TopicMetadata { error: ErrorCode::NONE, name: "t", id: Some(TOPIC), partitions: vec![route(0), route(1)] };
    let unknown = TopicMetadata { error: FAILED, name: "nowhere", id: None, partitions: Vec::new() };
    let named = TopicSelection::Named(vec!["a", "b"]);
    let moved = MovePartitionReply { error: FAILED, message: Some("no"), from: CoreId(1), pause_us: 9 };
    // An error with code 42 and a message: the header of an ErrorReply.
    let error: [u8; 32] =
        [12, 0, 0, 0, 8, 0, 12, 0, 8, 0, 4, 0, 8, 0, 0, 0, 8, 0, 0, 0, 42, 0, 0, 0, 3, 0, 0, 0, b'b', b'a', b'd', 0];
    vec![
        frame_of(&hello(), &[]),
        frame_of(&reply, &[]),
        frame_of(&MetadataRequest { selection: named, page_partitions_max: Some(10) }, &[]),
        frame_of(
            &MetadataRequest { selection: TopicSelection::All { after: Some("a") }, page_partitions_max: None },
            &[],
        ),
        frame_of(&MetadataReply { topics: vec![known, unknown], core_endpoints: endpoints(), has_more: true }, &[]),
        raw_frame(ApiKey::Metadata.to_wire(), 1, 3, &error, &[]),
        frame_of(&BrokerStatusRequest, &[]),
        frame_of(&status(), &[]),
        frame_of(&ListPartitionsRequest { topic: Some("clicks"), after: None }, &[]),
        frame_of(&partitions(), &[]),
        frame_of(&MovePartitionRequest { topic: "clicks", partition: PartitionIndex(1), core: CoreId(1) }, &[]),
        frame_of(&moved, &[]),
    ]
}

fn partitions() -> ListPartitionsReply<'static> {
    let load = |index| PartitionLoad { index: PartitionIndex(index), core: CoreId(0), busy_us: 7, log_bytes: 4_096 };
    let topics = vec![TopicPartitions { name: "clicks", partitions: vec![load(0), load(1)] }];
    ListPartitionsReply { topics, has_more: true }
}

fn status() -> BrokerStatusReply {
    let stage = |stage| StageStatus { stage, count: 9, p50_us: 1, p90_us: 2, p99_us: 3, p999_us: 4, max_us: 5 };
    let core = |core| CoreStatus {
        core: CoreId(core),
        connections: 3,
        partitions: 4,
        stages: vec![stage(Stage::Parse), stage(Stage::Flush)],
        direct: 6,
        crossed: 7,
        troubles: vec!["the disk hangs".to_owned()],
    };
    BrokerStatusReply {
        uptime_ms: 1,
        cpu_ms: 2,
        resident_bytes: 3,
        connections: 4,
        partitions: 5,
        cores: vec![core(0), core(1)],
    }
}

fn data() -> Vec<Vec<u8>> {
    let mut payload = Payload::default();
    let segments = [vec![1; 10], vec![2; 20]].map(|piece| payload.push(piece.into()).expect("small"));
    let partitions = segments.map(|segment| ProducePartition { topic: TOPIC, partition: PartitionIndex(3), segment });
    let mut timings = StageTimings::default();
    timings.set(Stage::Flush, 250);
    let offset = Some(Offset::ZERO.plus(9));
    let produced = ProducedPartition {
        topic: TOPIC,
        partition: PartitionIndex(3),
        error: ErrorCode::NONE,
        base_offset: offset,
        log_append_time: Some(Timestamp::from_millis(5)),
        log_start_offset: offset,
        message: None,
        core: None,
    };
    let failed = ProducedPartition { error: FAILED, base_offset: None, message: Some("no"), ..produced };
    let stream = StreamId(1);
    let open = FetchOpen {
        stream,
        topic: TOPIC,
        partition: PartitionIndex(1),
        offset: Offset::ZERO.plus(77),
        credit_bytes: 1 << 20,
        frame_bytes_max: 1 << 16,
    };
    let pushed = FetchData {
        stream,
        base_offset: offset,
        next_offset: offset,
        high_watermark: offset,
        log_start_offset: None,
        timings: Some(timings),
        core: Some(CoreId(1)),
    };
    vec![
        frame_of(&ProduceRequest { acks: Acks::All, timeout_ms: 9, partitions: &partitions }, &[7; 30]),
        frame_of(&ProduceReply { partitions: &[produced, failed], timings: Some(timings) }, &[]),
        frame_of(&open, &[]),
        frame_of(&FetchOpened { stream, high_watermark: offset, log_start_offset: None }, &[]),
        frame_of(&pushed, &[8; 64]),
        frame_of(&FetchGrant { stream, bytes: 5 }, &[]),
        frame_of(&FetchClose { stream }, &[]),
        frame_of(&FetchEnded { stream, error: FAILED, message: Some("gone") }, &[]),
        frame_of(&InitProducerRequest { transactional_id: Some("t"), timeout_ms: 1, previous: None }, &[]),
        frame_of(&InitProducerReply { producer: ProducerId::new(7).expect("an id"), epoch: ProducerEpoch::ZERO }, &[]),
    ]
}

fn offsets() -> Vec<Vec<u8>> {
    let kinds =
        [OffsetAt::Earliest, OffsetAt::Latest, OffsetAt::MaxTimestamp, OffsetAt::Timestamp(Timestamp::from_millis(99))];
    let queries = kinds.map(|at| OffsetQuery { topic: TOPIC, partition: PartitionIndex(0), at });
    let answer = OffsetAnswer {
        topic: TOPIC,
        partition: PartitionIndex(0),
        error: ErrorCode::NONE,
        offset: Some(Offset::ZERO),
        timestamp: None,
        leader_epoch: Some(LeaderEpoch::ZERO),
    };
    vec![
        frame_of(&ListOffsetsRequest { partitions: queries.to_vec() }, &[]),
        frame_of(&ListOffsetsReply { partitions: vec![answer; 3] }, &[]),
    ]
}

fn admin() -> Vec<Vec<u8>> {
    let setting = SettingPair { name: "retention.ms", value: Some("1000") };
    let assignment = vec![vec![BrokerId(1), BrokerId(2)]; 2];
    let topic = NewTopic {
        name: "t",
        partitions: 3,
        replication_factor: 1,
        assignment: assignment.clone(),
        settings: vec![setting, SettingPair { name: "x", value: None }],
    };
    let created = CreatedTopic {
        name: "t",
        error: ErrorCode::NONE,
        message: None,
        id: Some(TOPIC),
        partitions: 3,
        replication_factor: 1,
    };
    let references = vec![TopicReference::Name("t"), TopicReference::Id(TOPIC)];
    let deleted = DeletedTopic { topic: TopicReference::Name("t"), error: FAILED, message: Some("no") };
    let grown = GrownTopic { name: "t", total: 5, assignment: Some(assignment) };
    let outcome = TopicOutcome { name: "t", error: FAILED, message: Some("no") };
    let partition = DescribedPartition {
        index: PartitionIndex(0),
        core: CoreId(0),
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch::ZERO,
        replicas: vec![BrokerId(1)],
        isr: vec![BrokerId(1)],
        log_start_offset: Some(Offset::ZERO),
        high_watermark: None,
        log_end_offset: Some(Offset::ZERO),
        size_bytes: 77,
    };
    let described = DescribedSetting { name: "a", value: "b", source: DescribedSettingSource::Topic };
    vec![
        frame_of(&CreateTopicsRequest { topics: vec![topic], timeout_ms: 1, validate_only: true }, &[]),
        frame_of(&CreateTopicsReply { topics: vec![created] }, &[]),
        frame_of(&DeleteTopicsRequest { topics: references, timeout_ms: 1 }, &[]),
        frame_of(&DeleteTopicsReply { topics: vec![deleted] }, &[]),
        frame_of(&CreatePartitionsRequest { topics: vec![grown], timeout_ms: 1, validate_only: false }, &[]),
        frame_of(&CreatePartitionsReply { topics: vec![outcome] }, &[]),
        frame_of(&DescribeTopicRequest { topic: TopicReference::Id(TOPIC) }, &[]),
        frame_of(
            &DescribeTopicReply { name: "t", id: TOPIC, settings: vec![described], partitions: vec![partition] },
            &[],
        ),
    ]
}
