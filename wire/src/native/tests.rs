//! Tests of all messages: round trips, damage, hostile headers.

mod hostile;
mod samples;

use base::{PartitionIndex, SeededRandom, TopicId};
use bytes::Bytes;
use flatbuffers::FlatBufferBuilder;

use super::*;

fn encoded(message: &impl Outgoing) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    message.encode(&mut builder);
    builder.finished_data().to_vec()
}

/// Reads every prefix, and the whole with each bit flipped (or many of them, for long headers) or a few bytes replaced.
fn damage(random: &mut SeededRandom, header: &[u8], read: impl Fn(&[u8])) {
    let step = header.len().div_ceil(300);
    (0..header.len()).step_by(step).for_each(|end| read(&header[..end]));
    let mut bytes = header.to_vec();
    for bit in (0..header.len() * 8).step_by(step) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        read(&bytes);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    for _ in 0..50 {
        let mut bytes = header.to_vec();
        for _ in 0..=random.below(4) {
            let at = random.index(bytes.len());
            random.fill(&mut bytes[at..=at]);
        }
        read(&bytes);
    }
}

macro_rules! survives_the_wire_and_no_damage_panics {
    ($($test:ident: $message:ident),* $(,)?) => { $(
        #[test]
        fn $test() {
            for seed in 0..100 {
                let mut random = SeededRandom::new(seed);
                let message: $message<'_> = samples::Sample::sample(&mut random);
                let header = encoded(&message);
                assert_eq!($message::open(&header, 0).as_ref(), Ok(&message), "seed {seed}");
                damage(&mut random, &header, |bytes| drop($message::open(bytes, 0)));
            }
        }
    )* };
}

// Messages that borrow nothing take part through an alias with a lifetime that they do not use.
type Opened<'a> = FetchOpened;
type Open<'a> = FetchOpen;
type Data<'a> = FetchData;
type Grant<'a> = FetchGrant;
type Close<'a> = FetchClose;
type OffsetsRequest<'a> = ListOffsetsRequest;
type OffsetsReply<'a> = ListOffsetsReply;
type ProducerReply<'a> = InitProducerReply;
type StatusRequest<'a> = BrokerStatusRequest;
type StatusReply<'a> = BrokerStatusReply;

survives_the_wire_and_no_damage_panics! {
    a_hello_survives: Hello,
    a_hello_reply_survives: HelloReply,
    a_metadata_request_survives: MetadataRequest,
    a_metadata_reply_survives: MetadataReply,
    a_fetch_open_survives: Open,
    a_fetch_opened_survives: Opened,
    fetch_data_survives: Data,
    a_fetch_grant_survives: Grant,
    a_fetch_close_survives: Close,
    a_fetch_ended_survives: FetchEnded,
    a_list_offsets_request_survives: OffsetsRequest,
    a_list_offsets_reply_survives: OffsetsReply,
    a_create_topics_request_survives: CreateTopicsRequest,
    a_create_topics_reply_survives: CreateTopicsReply,
    a_delete_topics_request_survives: DeleteTopicsRequest,
    a_delete_topics_reply_survives: DeleteTopicsReply,
    a_create_partitions_request_survives: CreatePartitionsRequest,
    a_create_partitions_reply_survives: CreatePartitionsReply,
    a_describe_topic_request_survives: DescribeTopicRequest,
    a_describe_topic_reply_survives: DescribeTopicReply,
    an_init_producer_request_survives: InitProducerRequest,
    an_init_producer_reply_survives: ProducerReply,
    a_broker_status_request_survives: StatusRequest,
    a_broker_status_reply_survives: StatusReply,
    a_list_partitions_request_survives: ListPartitionsRequest,
    a_list_partitions_reply_survives: ListPartitionsReply,
    a_move_partition_request_survives: MovePartitionRequest,
    a_move_partition_reply_survives: MovePartitionReply,
}

#[test]
fn an_error_reply_survives() {
    let mut random = SeededRandom::new(1);
    let reply = ErrorReply { code: ErrorCode(-1), message: "out of cheese" };
    let mut builder = FlatBufferBuilder::new();
    reply.encode(&mut builder);
    assert_eq!(ErrorReply::open(builder.finished_data()), Ok(reply));
    damage(&mut random, builder.finished_data(), |bytes| drop(ErrorReply::open(bytes)));
}

#[test]
fn a_produce_request_survives() {
    for seed in 0..100 {
        let mut random = SeededRandom::new(seed);
        let mut payload = Payload::default();
        let partitions: Vec<_> = (0..random.below(6))
            .map(|_| ProducePartition {
                topic: TopicId::from_random(random.next_u128()),
                partition: PartitionIndex(samples::number(&mut random)),
                segment: payload.push(Bytes::from(vec![1; random.index(100)])).unwrap(),
            })
            .collect();
        let acks = [Acks::None, Acks::Leader, Acks::All][random.index(3)];
        let request = ProduceRequest { acks, timeout_ms: samples::number(&mut random), partitions: &partitions };
        let header = encoded(&request);
        let view = ProduceView::open(&header, payload.length()).unwrap();
        assert_eq!((view.acks(), view.timeout_ms(), view.len()), (acks, request.timeout_ms, partitions.len()));
        assert!(view.partitions().eq(partitions.iter().copied()), "seed {seed}");
        damage(&mut random, &header, |bytes| {
            let Ok(view) = ProduceView::open(bytes, payload.length()) else { return };
            let mut previous_end = 0;
            for range in view.partitions().map(|partition| partition.segment.range()) {
                assert!(previous_end <= range.start && range.start <= range.end);
                previous_end = range.end;
            }
            assert!(previous_end <= usize::try_from(payload.length()).unwrap());
        });
    }
}

#[test]
fn a_produce_reply_survives() {
    for seed in 0..100 {
        let mut random = SeededRandom::new(seed);
        let partitions = samples::produced(&mut random);
        let timings = samples::timings(&mut random);
        let header = encoded(&ProduceReply { partitions: &partitions, timings });
        let view = ProduceReplyView::open(&header, 0).unwrap();
        assert_eq!((view.timings(), view.len()), (timings, partitions.len()));
        assert!(view.partitions().eq(partitions.iter().copied()), "seed {seed}");
        damage(&mut random, &header, |bytes| {
            let Ok(view) = ProduceReplyView::open(bytes, 0) else { return };
            assert!(view.partitions().count() <= bytes.len() / 4);
        });
    }
}

#[test]
fn stages_have_their_own_place() {
    let mut timings = StageTimings::default();
    for (stage, microseconds) in Stage::ALL.into_iter().zip(1..) {
        timings.set(stage, microseconds);
    }
    assert!(Stage::ALL.into_iter().map(|stage| timings.get(stage)).eq(1..=7));
    assert_eq!((timings.total(), Stage::CrossCore.name()), (28, "cross-core"));
    assert_eq!(StageTimings::from_schema(&timings.to_schema()), timings);
}
