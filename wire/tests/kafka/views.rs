//! A view says what the owned message says, for valid bytes and for damaged ones.

use base::SeededRandom;
use wire::kafka::fetch::{FetchPartition, FetchTopic, FetchableTopicResponse, ForgottenTopic, PartitionData};
use wire::kafka::fetch::{FetchRequest, FetchRequestView, FetchResponse, FetchResponseView};
use wire::kafka::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceRequestView,
    ProduceResponse, ProduceResponseView, TopicProduceData, TopicProduceResponse,
};
use wire::kafka::{DecodeError, Reader, fetch, produce};
use wire::payload::Payload;

use crate::allocation::allocated_by;
use crate::fixture::{Fixture, decode, encode, for_samples};

fn text(view: &str) -> String {
    view.to_owned()
}

fn payload(view: &[u8]) -> Payload {
    bytes::Bytes::copy_from_slice(view).into()
}

fn owned_produce_request(view: ProduceRequestView<'_>) -> ProduceRequest {
    let topic = |topic: produce::TopicProduceDataView<'_>| TopicProduceData {
        name: text(topic.name),
        topic_id: topic.topic_id,
        partition_data: topic
            .partition_data
            .iter()
            .map(|one| PartitionProduceData { index: one.index, records: one.records.map(payload) })
            .collect(),
    };
    ProduceRequest {
        transactional_id: view.transactional_id.map(text),
        acks: view.acks,
        timeout_ms: view.timeout_ms,
        topic_data: view.topic_data.iter().map(topic).collect(),
    }
}

fn owned_produce_response(view: ProduceResponseView<'_>) -> ProduceResponse {
    let partition = |one: produce::PartitionProduceResponseView<'_>| PartitionProduceResponse {
        index: one.index,
        error_code: one.error_code,
        base_offset: one.base_offset,
        log_append_time_ms: one.log_append_time_ms,
        log_start_offset: one.log_start_offset,
        record_errors: one
            .record_errors
            .iter()
            .map(|error| BatchIndexAndErrorMessage {
                batch_index: error.batch_index,
                batch_index_error_message: error.batch_index_error_message.map(text),
            })
            .collect(),
        error_message: one.error_message.map(text),
        current_leader: one.current_leader,
    };
    let topic = |topic: produce::TopicProduceResponseView<'_>| TopicProduceResponse {
        name: text(topic.name),
        topic_id: topic.topic_id,
        partition_responses: topic.partition_responses.iter().map(partition).collect(),
    };
    let endpoint = |one: produce::NodeEndpointView<'_>| produce::NodeEndpoint {
        node_id: one.node_id,
        host: text(one.host),
        port: one.port,
        rack: one.rack.map(text),
    };
    ProduceResponse {
        responses: view.responses.iter().map(topic).collect(),
        throttle_time_ms: view.throttle_time_ms,
        node_endpoints: view.node_endpoints.iter().map(endpoint).collect(),
    }
}

fn owned_fetch_request(view: FetchRequestView<'_>) -> FetchRequest {
    let topic = |topic: fetch::FetchTopicView<'_>| FetchTopic {
        topic: text(topic.topic),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().collect::<Vec<FetchPartition>>(),
    };
    let forgotten = |topic: fetch::ForgottenTopicView<'_>| ForgottenTopic {
        topic: text(topic.topic),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().collect(),
    };
    FetchRequest {
        cluster_id: view.cluster_id.map(text),
        replica_id: view.replica_id,
        replica_state: view.replica_state,
        max_wait_ms: view.max_wait_ms,
        min_bytes: view.min_bytes,
        max_bytes: view.max_bytes,
        isolation_level: view.isolation_level,
        session_id: view.session_id,
        session_epoch: view.session_epoch,
        topics: view.topics.iter().map(topic).collect(),
        forgotten_topics_data: view.forgotten_topics_data.iter().map(forgotten).collect(),
        rack_id: text(view.rack_id),
    }
}

fn owned_fetch_response(view: FetchResponseView<'_>) -> FetchResponse {
    let partition = |one: fetch::PartitionDataView<'_>| PartitionData {
        partition_index: one.partition_index,
        error_code: one.error_code,
        high_watermark: one.high_watermark,
        last_stable_offset: one.last_stable_offset,
        log_start_offset: one.log_start_offset,
        diverging_epoch: one.diverging_epoch,
        current_leader: one.current_leader,
        snapshot_id: one.snapshot_id,
        aborted_transactions: one.aborted_transactions.map(|array| array.iter().collect()),
        preferred_read_replica: one.preferred_read_replica,
        records: one.records.map(payload),
    };
    let topic = |topic: fetch::FetchableTopicResponseView<'_>| FetchableTopicResponse {
        topic: text(topic.topic),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(partition).collect(),
    };
    let endpoint = |one: fetch::NodeEndpointView<'_>| fetch::NodeEndpoint {
        node_id: one.node_id,
        host: text(one.host),
        port: one.port,
        rack: one.rack.map(text),
    };
    FetchResponse {
        throttle_time_ms: view.throttle_time_ms,
        error_code: view.error_code,
        session_id: view.session_id,
        responses: view.responses.iter().map(topic).collect(),
        node_endpoints: view.node_endpoints.iter().map(endpoint).collect(),
    }
}

/// `parse` gives what the view says, as an owned message.
fn agrees<M: Fixture>(parse: impl Fn(&mut Reader<'_>, i16) -> Result<M, DecodeError>) {
    let through_view = |bytes: &[u8], version| {
        let mut reader = Reader::new(bytes);
        let message = parse(&mut reader, version)?;
        reader.finish()?;
        Ok::<M, DecodeError>(message)
    };
    for_samples::<M>(80, |version, message, random| {
        let mut bytes = encode(&message, version).to_vec();
        assert_eq!(through_view(&bytes, version), Ok(message), "{} version {version}", M::NAME);
        for _ in 0..20 {
            damage(&mut bytes, random);
            let (view, owned) = (through_view(&bytes, version), decode::<M>(&bytes, version));
            assert_eq!(view, owned, "{} version {version} of damaged bytes {bytes:?}", M::NAME);
        }
    });
}

fn damage(bytes: &mut [u8], random: &mut SeededRandom) {
    if !bytes.is_empty() {
        bytes[random.index(bytes.len())] = random.next_u64().to_le_bytes()[0];
    }
}

#[test]
fn views_and_owned_messages_agree_on_valid_and_on_damaged_bytes() {
    agrees(|reader, version| ProduceRequestView::parse(reader, version).map(owned_produce_request));
    agrees(|reader, version| ProduceResponseView::parse(reader, version).map(owned_produce_response));
    agrees(|reader, version| FetchRequestView::parse(reader, version).map(owned_fetch_request));
    agrees(|reader, version| FetchResponseView::parse(reader, version).map(owned_fetch_response));
}

#[test]
fn versions_that_are_not_handled_are_refused_by_views_too() {
    let zeroes = [0; 256];
    let reader = || Reader::new(&zeroes);
    for version in [2, 14] {
        assert!(ProduceRequestView::parse(&mut reader(), version).is_err());
        assert!(ProduceResponseView::parse(&mut reader(), version).is_err());
    }
    for version in [3, 19] {
        assert!(FetchRequestView::parse(&mut reader(), version).is_err());
        assert!(FetchResponseView::parse(&mut reader(), version).is_err());
    }
}

#[test]
fn records_in_a_view_are_the_frames_own_bytes() {
    let records = bytes::Bytes::from(vec![7_u8; 1 << 20]);
    let partition = PartitionProduceData { index: 3, records: Some(records.clone().into()) };
    let topic = TopicProduceData { name: "t".into(), partition_data: vec![partition], ..Default::default() };
    let bytes = encode(&ProduceRequest { acks: -1, topic_data: vec![topic], ..Default::default() }, 9);
    let (found, allocated) = allocated_by(|| {
        let view = ProduceRequestView::parse(&mut Reader::new(&bytes), 9).expect("valid");
        let topic = view.topic_data.iter().next().expect("one topic");
        let partition = topic.partition_data.iter().next().expect("one partition");
        partition.records.expect("not null")
    });
    assert_eq!((allocated, found), (0, &records[..]));
    assert!(bytes.as_ptr_range().contains(&found.as_ptr()));
}
