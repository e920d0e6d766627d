//! Messages out of a seed, with the values that break things: empty, zero, largest, none.

use base::{
    BrokerId, CoreId, LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId, SeededRandom, Timestamp, TopicId,
};

use super::*;

const TEXTS: [&str; 6] =
    ["", "a", "orders.v2", "\0", "\u{10ffff}ü\n", "a-text-of-no-particular-meaning-but-some-length"];

pub(super) trait Sample {
    fn sample(random: &mut SeededRandom) -> Self;
}

fn text(random: &mut SeededRandom) -> &'static str {
    TEXTS[random.index(TEXTS.len())]
}

/// 0, 1, the largest, or anything.
fn long(random: &mut SeededRandom) -> u64 {
    match random.below(4) {
        0 => 0,
        1 => 1,
        2 => u64::MAX,
        _ => random.next_u64(),
    }
}

pub(super) fn number(random: &mut SeededRandom) -> u32 {
    u32::try_from(long(random) >> 32).unwrap()
}

fn short(random: &mut SeededRandom) -> u16 {
    u16::try_from(long(random) >> 48).unwrap()
}

fn option<T>(random: &mut SeededRandom, make: impl Fn(&mut SeededRandom) -> T) -> Option<T> {
    (!random.one_in(3)).then(|| make(random))
}

fn list<T>(random: &mut SeededRandom, make: impl Fn(&mut SeededRandom) -> T) -> Vec<T> {
    (0..random.below(5)).map(|_| make(random)).collect()
}

fn topic_id(random: &mut SeededRandom) -> TopicId {
    TopicId::from_random(random.next_u128())
}

fn offset(random: &mut SeededRandom) -> Offset {
    Offset::new(long(random) >> 1).unwrap()
}

fn timestamp(random: &mut SeededRandom) -> Timestamp {
    Timestamp::from_millis(long(random) >> 1)
}

fn leader_epoch(random: &mut SeededRandom) -> LeaderEpoch {
    LeaderEpoch::new(number(random) >> 1).unwrap()
}

fn error(random: &mut SeededRandom) -> ErrorCode {
    ErrorCode(short(random).cast_signed())
}

fn index(random: &mut SeededRandom) -> PartitionIndex {
    PartitionIndex(number(random))
}

fn broker(random: &mut SeededRandom) -> BrokerId {
    BrokerId(number(random))
}

fn core(random: &mut SeededRandom) -> CoreId {
    CoreId(short(random))
}

fn stream(random: &mut SeededRandom) -> StreamId {
    StreamId(number(random))
}

fn replicas(random: &mut SeededRandom) -> Vec<BrokerId> {
    list(random, broker)
}

fn endpoint(random: &mut SeededRandom) -> Endpoint<'static> {
    Endpoint { host: text(random), port: short(random) }
}

fn reference(random: &mut SeededRandom) -> TopicReference<'static> {
    if random.one_in(2) { TopicReference::Name(text(random)) } else { TopicReference::Id(topic_id(random)) }
}

pub(super) fn timings(random: &mut SeededRandom) -> Option<StageTimings> {
    option(random, |random| {
        let mut timings = StageTimings::default();
        Stage::ALL.into_iter().for_each(|stage| timings.set(stage, number(random)));
        timings
    })
}

pub(super) fn produced(random: &mut SeededRandom) -> Vec<ProducedPartition<'static>> {
    list(random, |random| ProducedPartition {
        topic: topic_id(random),
        partition: index(random),
        error: error(random),
        base_offset: option(random, offset),
        log_append_time: option(random, timestamp),
        log_start_offset: option(random, offset),
        message: option(random, text),
        core: option(random, core),
    })
}

impl Sample for Hello<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { software: text(random), version: text(random), wanted_features: Features(long(random)) }
    }
}

impl Sample for HelloReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self {
            software: text(random),
            version: text(random),
            features: Features(long(random)),
            cluster_id: text(random),
            broker: broker(random),
            core: core(random),
            core_count: short(random),
            frame_bytes_max: number(random),
            requests_in_flight_max: number(random),
            core_endpoints: list(random, endpoint),
        }
    }
}

impl Sample for MetadataRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let selection = if random.one_in(2) {
            TopicSelection::Named(list(random, text))
        } else {
            TopicSelection::All { after: option(random, text) }
        };
        Self { selection, page_partitions_max: option(random, |random| number(random).max(1)) }
    }
}

impl Sample for MetadataReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let route = |random: &mut SeededRandom| PartitionRoute {
            index: index(random),
            leader: broker(random),
            leader_epoch: leader_epoch(random),
            core: core(random),
            error: error(random),
        };
        let topic = |random: &mut SeededRandom| TopicMetadata {
            error: error(random),
            name: text(random),
            id: option(random, topic_id),
            partitions: list(random, route),
        };
        Self { topics: list(random, topic), core_endpoints: list(random, endpoint), has_more: random.one_in(2) }
    }
}

impl Sample for FetchOpen {
    fn sample(random: &mut SeededRandom) -> Self {
        Self {
            stream: stream(random),
            topic: topic_id(random),
            partition: index(random),
            offset: offset(random),
            credit_bytes: number(random),
            frame_bytes_max: number(random),
        }
    }
}

impl Sample for FetchOpened {
    fn sample(random: &mut SeededRandom) -> Self {
        Self {
            stream: stream(random),
            high_watermark: option(random, offset),
            log_start_offset: option(random, offset),
        }
    }
}

impl Sample for FetchData {
    fn sample(random: &mut SeededRandom) -> Self {
        Self {
            stream: stream(random),
            base_offset: option(random, offset),
            next_offset: option(random, offset),
            high_watermark: option(random, offset),
            log_start_offset: option(random, offset),
            timings: timings(random),
            core: option(random, core),
        }
    }
}

impl Sample for FetchGrant {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { stream: stream(random), bytes: number(random) }
    }
}

impl Sample for FetchClose {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { stream: stream(random) }
    }
}

impl Sample for FetchEnded<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { stream: stream(random), error: error(random), message: option(random, text) }
    }
}

impl Sample for ListOffsetsRequest {
    fn sample(random: &mut SeededRandom) -> Self {
        let query = |random: &mut SeededRandom| OffsetQuery {
            topic: topic_id(random),
            partition: index(random),
            at: match random.below(4) {
                0 => OffsetAt::Earliest,
                1 => OffsetAt::Latest,
                2 => OffsetAt::MaxTimestamp,
                _ => OffsetAt::Timestamp(timestamp(random)),
            },
        };
        Self { partitions: list(random, query) }
    }
}

impl Sample for ListOffsetsReply {
    fn sample(random: &mut SeededRandom) -> Self {
        let answer = |random: &mut SeededRandom| OffsetAnswer {
            topic: topic_id(random),
            partition: index(random),
            error: error(random),
            offset: option(random, offset),
            timestamp: option(random, timestamp),
            leader_epoch: option(random, leader_epoch),
        };
        Self { partitions: list(random, answer) }
    }
}

impl Sample for CreateTopicsRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let setting = |random: &mut SeededRandom| SettingPair { name: text(random), value: option(random, text) };
        let topic = |random: &mut SeededRandom| NewTopic {
            name: text(random),
            partitions: number(random).cast_signed(),
            replication_factor: short(random).cast_signed(),
            assignment: list(random, replicas),
            settings: list(random, setting),
        };
        Self { topics: list(random, topic), timeout_ms: number(random), validate_only: random.one_in(2) }
    }
}

impl Sample for CreateTopicsReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let topic = |random: &mut SeededRandom| CreatedTopic {
            name: text(random),
            error: error(random),
            message: option(random, text),
            id: option(random, topic_id),
            partitions: number(random),
            replication_factor: short(random),
        };
        Self { topics: list(random, topic) }
    }
}

impl Sample for DeleteTopicsRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { topics: list(random, reference), timeout_ms: number(random) }
    }
}

impl Sample for DeleteTopicsReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let topic = |random: &mut SeededRandom| DeletedTopic {
            topic: reference(random),
            error: error(random),
            message: option(random, text),
        };
        Self { topics: list(random, topic) }
    }
}

impl Sample for CreatePartitionsRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let topic = |random: &mut SeededRandom| GrownTopic {
            name: text(random),
            total: number(random).cast_signed(),
            assignment: option(random, |random| list(random, replicas)),
        };
        Self { topics: list(random, topic), timeout_ms: number(random), validate_only: random.one_in(2) }
    }
}

impl Sample for CreatePartitionsReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let topic = |random: &mut SeededRandom| TopicOutcome {
            name: text(random),
            error: error(random),
            message: option(random, text),
        };
        Self { topics: list(random, topic) }
    }
}

impl Sample for DescribeTopicRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { topic: reference(random) }
    }
}

impl Sample for DescribeTopicReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        const SOURCES: [DescribedSettingSource; 3] =
            [DescribedSettingSource::Default, DescribedSettingSource::BrokerDefault, DescribedSettingSource::Topic];
        let setting = |random: &mut SeededRandom| DescribedSetting {
            name: text(random),
            value: text(random),
            source: SOURCES[random.index(3)],
        };
        let partition = |random: &mut SeededRandom| DescribedPartition {
            index: index(random),
            core: core(random),
            leader: broker(random),
            leader_epoch: leader_epoch(random),
            replicas: replicas(random),
            isr: replicas(random),
            log_start_offset: option(random, offset),
            high_watermark: option(random, offset),
            log_end_offset: option(random, offset),
            size_bytes: long(random),
        };
        Self {
            name: text(random),
            id: topic_id(random),
            settings: list(random, setting),
            partitions: list(random, partition),
        }
    }
}

impl Sample for InitProducerReply {
    fn sample(random: &mut SeededRandom) -> Self {
        Self {
            producer: ProducerId::new(long(random) >> 1).unwrap(),
            epoch: ProducerEpoch::from_wire((short(random) >> 1).cast_signed()).unwrap(),
        }
    }
}

impl Sample for InitProducerRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self {
            transactional_id: option(random, text),
            timeout_ms: number(random),
            previous: option(random, InitProducerReply::sample),
        }
    }
}

impl Sample for BrokerStatusRequest {
    fn sample(_: &mut SeededRandom) -> Self {
        Self
    }
}

impl Sample for BrokerStatusReply {
    fn sample(random: &mut SeededRandom) -> Self {
        let stage = |random: &mut SeededRandom| StageStatus {
            stage: Stage::ALL[random.index(7)],
            count: long(random),
            p50_us: number(random),
            p90_us: number(random),
            p99_us: number(random),
            p999_us: number(random),
            max_us: number(random),
        };
        let core_status = |random: &mut SeededRandom| CoreStatus {
            core: core(random),
            connections: number(random),
            partitions: number(random),
            stages: list(random, stage),
            direct: long(random),
            crossed: long(random),
            troubles: list(random, |random| text(random).to_owned()),
        };
        Self {
            uptime_ms: long(random),
            cpu_ms: long(random),
            resident_bytes: long(random),
            connections: number(random),
            partitions: number(random),
            cores: list(random, core_status),
        }
    }
}

impl Sample for ListPartitionsRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { topic: option(random, text), after: option(random, text) }
    }
}

impl Sample for ListPartitionsReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let load = |random: &mut SeededRandom| PartitionLoad {
            index: PartitionIndex(number(random)),
            core: core(random),
            busy_us: number(random),
            log_bytes: long(random),
        };
        let topic = |random: &mut SeededRandom| TopicPartitions { name: text(random), partitions: list(random, load) };
        Self { topics: list(random, topic), has_more: random.one_in(2) }
    }
}

impl Sample for MovePartitionRequest<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        Self { topic: text(random), partition: PartitionIndex(number(random)), core: core(random) }
    }
}

impl Sample for MovePartitionReply<'_> {
    fn sample(random: &mut SeededRandom) -> Self {
        let error = ErrorCode(short(random).cast_signed());
        Self { error, message: option(random, text), from: core(random), pause_us: long(random) }
    }
}
