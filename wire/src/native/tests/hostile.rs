//! Headers made to harm, and honest ones that must not be mistaken for them.

use base::{BrokerId, CoreId, LeaderEpoch, Offset};
use flatbuffers::{ForwardsUOffset, InvalidFlatbuffer, VerifierOptions, WIPOffset};

use super::*;
use crate::generated::native as schema;
use crate::verification;

/// A request of `topics` topics, all one and the same, with `partitions` lists of replicas, all one and the same.
fn dag(topics: usize, partitions: usize) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let brokers = Some(builder.create_vector(&[1_u32]));
    let replicas = schema::Replicas::create(&mut builder, &schema::ReplicasArgs { brokers });
    let assignment = Some(builder.create_vector(&vec![replicas; partitions]));
    let name = Some(builder.create_string("t"));
    let topic =
        schema::NewTopic::create(&mut builder, &schema::NewTopicArgs { name, assignment, ..Default::default() });
    let list: WIPOffset<flatbuffers::Vector<'_, ForwardsUOffset<schema::NewTopic<'_>>>> =
        builder.create_vector(&vec![topic; topics]);
    let args = schema::CreateTopicsRequestArgs { topics: Some(list), ..Default::default() };
    let root = schema::CreateTopicsRequest::create(&mut builder, &args);
    builder.finish_minimal(root);
    builder.finished_data().to_vec()
}

/// Whether a verifier that may visit so many tables accepts the header.
fn is_accepted_within(header: &[u8], max_tables: usize) -> bool {
    let options = VerifierOptions { max_tables, max_apparent_size: usize::MAX, ..Default::default() };
    flatbuffers::root_with_opts::<schema::CreateTopicsRequest<'_>>(&options, header).is_ok()
}

#[test]
fn a_small_header_that_describes_a_huge_tree_is_refused_after_little_work() {
    let header = dag(989, 989);
    assert!((7_900..=8_048).contains(&header.len()), "{} bytes", header.len());
    assert!(flatbuffers::root::<schema::CreateTopicsRequest<'_>>(&header).is_ok(), "the library's limits let it pass");
    let tables_visited = 1 + 989 + 989 * 989;
    assert!(is_accepted_within(&header, tables_visited) && !is_accepted_within(&header, tables_visited - 1));

    let limit = verification::options(header.len());
    assert!(limit.max_tables <= 1_006 && limit.max_apparent_size < 40_000, "{limit:?}");
    let refused = CreateTopicsRequest::open(&header, 0);
    let expected = [InvalidFlatbuffer::TooManyTables, InvalidFlatbuffer::ApparentSizeTooLarge];
    assert!(matches!(&refused, Err(MessageError::Damaged(cause)) if expected.contains(cause)), "{refused:?}");
}

#[test]
fn one_long_text_in_many_places_is_refused() {
    let mut builder = FlatBufferBuilder::new();
    let text = builder.create_string(&"x".repeat(4_000));
    let list = builder.create_vector(&vec![text; 1_000]);
    let args = schema::MetadataRequestArgs { topics: Some(list), ..Default::default() };
    let root = schema::MetadataRequest::create(&mut builder, &args);
    builder.finish_minimal(root);
    let refused = MetadataRequest::open(builder.finished_data(), 0);
    assert_eq!(refused, Err(MessageError::Damaged(InvalidFlatbuffer::ApparentSizeTooLarge)));
}

fn partition(offset: u32, length: u32) -> ProducePartition {
    let (segment, _) = Segment::check(offset, length, 0, u32::MAX).unwrap();
    ProducePartition { topic: TopicId::METADATA, partition: PartitionIndex(0), segment }
}

#[test]
fn segments_that_lie_or_overlap_are_refused() {
    let open = |partitions: &[ProducePartition]| {
        let header = encoded(&ProduceRequest { acks: Acks::All, timeout_ms: 1, partitions });
        ProduceView::open(&header, 100).map(|view| view.len())
    };
    assert_eq!(open(&[partition(0, 50), partition(50, 50)]), Ok(2));
    assert_eq!(open(&[partition(0, 40), partition(50, 0), partition(60, 40)]), Ok(3));
    for lying in [
        &[partition(0, 101)][..],
        &[partition(101, 0)],
        &[partition(99, u32::MAX - 99)],
        &[partition(0, 50), partition(49, 1)],
        &[partition(0, 50), partition(0, 50)],
        &[partition(50, 50), partition(0, 50)],
    ] {
        assert!(matches!(open(lying), Err(MessageError::Segment(_))), "{lying:?}");
    }
}

#[test]
fn values_that_no_type_can_hold_are_refused_by_name() {
    let mut builder = FlatBufferBuilder::new();
    let partitions = Some(builder.create_vector::<WIPOffset<schema::ProducePartition<'_>>>(&[]));
    let args = schema::ProduceRequestArgs { acks: 2, timeout_ms: 0, partitions };
    let root = schema::ProduceRequest::create(&mut builder, &args);
    builder.finish_minimal(root);
    assert_eq!(ProduceView::open(builder.finished_data(), 0).map(drop), Err(MessageError::Acks { got: 2 }));

    builder.reset();
    let zero = schema::Uuid::new(0, 0);
    let args = schema::FetchOpenArgs { topic: Some(&zero), ..Default::default() };
    let root = schema::FetchOpen::create(&mut builder, &args);
    builder.finish_minimal(root);
    assert_eq!(FetchOpen::open(builder.finished_data(), 0), Err(MessageError::Missing { field: "topic id" }));

    builder.reset();
    let one = schema::Uuid::new(0, 1);
    let args = schema::FetchOpenArgs { topic: Some(&one), offset: -2, ..Default::default() };
    let root = schema::FetchOpen::create(&mut builder, &args);
    builder.finish_minimal(root);
    let refused = MessageError::Field { field: "fetch offset", got: -2 };
    assert_eq!(FetchOpen::open(builder.finished_data(), 0), Err(refused));

    builder.reset();
    let args = schema::InitProducerRequestArgs { producer_id: 5, ..Default::default() };
    let root = schema::InitProducerRequest::create(&mut builder, &args);
    builder.finish_minimal(root);
    let refused = MessageError::Field { field: "producer epoch", got: -1 };
    assert_eq!(InitProducerRequest::open(builder.finished_data(), 0), Err(refused));

    builder.reset();
    let topic = schema::TopicReference::create(&mut builder, &schema::TopicReferenceArgs::default());
    let root =
        schema::DescribeTopicRequest::create(&mut builder, &schema::DescribeTopicRequestArgs { topic: Some(topic) });
    builder.finish_minimal(root);
    let refused = MessageError::Missing { field: "name or id of a topic" };
    assert_eq!(DescribeTopicRequest::open(builder.finished_data(), 0), Err(refused));
}

#[test]
fn the_largest_honest_headers_pass() {
    let mut builder = frame::FrameBuilder::new(frame::Limits::default());
    let correlation = CorrelationId(1);

    let mut payload = Payload::default();
    let partitions: Vec<_> = (0..5_000)
        .map(|_| ProducePartition {
            topic: TopicId::METADATA,
            partition: PartitionIndex(0),
            segment: payload.push(Bytes::new()).unwrap(),
        })
        .collect();
    let request = ProduceRequest { acks: Acks::None, timeout_ms: 0, partitions: &partitions };
    let frame = builder.frame_with_payload(correlation, &request, payload).unwrap();
    assert_eq!(ProduceView::open(&frame.head[frame::PREFIX_BYTES..], 0).unwrap().len(), 5_000);

    let name = "x".repeat(249);
    let route = PartitionRoute {
        index: PartitionIndex(0),
        leader: BrokerId(0),
        leader_epoch: LeaderEpoch::ZERO,
        core: CoreId(0),
        error: ErrorCode::NONE,
    };
    let per_topic = usize::try_from(limits::METADATA_PAGE_PARTITIONS_MAX).unwrap() / limits::METADATA_PAGE_TOPICS_MAX;
    let topic = TopicMetadata {
        error: ErrorCode::NONE,
        name: &name,
        id: Some(TopicId::METADATA),
        partitions: vec![route; per_topic + 1],
    };
    let topics = vec![topic; limits::METADATA_PAGE_TOPICS_MAX];
    let page = MetadataReply { topics, core_endpoints: vec![], has_more: true };
    let frame = builder.frame(correlation, &page).unwrap();
    assert_eq!(MetadataReply::open(&frame.head[frame::PREFIX_BYTES..], 0), Ok(page));

    let empty = DescribedPartition {
        index: PartitionIndex(0),
        core: CoreId(0),
        leader: BrokerId(0),
        leader_epoch: LeaderEpoch::ZERO,
        replicas: vec![],
        isr: vec![],
        log_start_offset: None,
        high_watermark: None,
        log_end_offset: None,
        size_bytes: 0,
    };
    let full = DescribedPartition {
        index: PartitionIndex(u32::MAX),
        core: CoreId(u16::MAX),
        leader: BrokerId(u32::MAX),
        leader_epoch: LeaderEpoch::new(u32::MAX >> 1).unwrap(),
        replicas: vec![BrokerId(1); 32],
        isr: vec![BrokerId(1); 32],
        log_start_offset: Some(Offset::MAX),
        high_watermark: Some(Offset::MAX),
        log_end_offset: Some(Offset::MAX),
        size_bytes: u64::MAX,
    };
    for partition in [empty, full] {
        let partitions = vec![partition; 10_000];
        let reply = DescribeTopicReply { name: "t", id: TopicId::METADATA, settings: vec![], partitions };
        let frame = builder.frame(correlation, &reply).unwrap();
        assert_eq!(DescribeTopicReply::open(&frame.head[frame::PREFIX_BYTES..], 0), Ok(reply));
    }
}

#[test]
fn a_reply_beyond_the_limit_is_refused_where_it_is_made() {
    let name = "x".repeat(1_000);
    let topics = vec![TopicOutcome { name: &name, error: ErrorCode::NONE, message: None }; 5_000];
    let made =
        frame::FrameBuilder::new(frame::Limits::default()).frame(CorrelationId(1), &CreatePartitionsReply { topics });
    assert!(matches!(made, Err(frame::FrameError::Header { api_key: 12, .. })), "{made:?}");
}
