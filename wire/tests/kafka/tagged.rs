//! Tagged fields, and fields that a version lacks.

use wire::gather::Gather;
use wire::kafka::api_versions::{ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey};
use wire::kafka::fetch::{FetchRequest, FetchResponse, ReplicaState};
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::kafka::produce::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use wire::kafka::{EncodeError, Fault, Message};

use crate::fixture::{decode, encode};

/// Librdkafka up to 2.1 reads past a tagged field wrongly, so that one that need not be there must not be.
#[test]
fn a_tagged_field_at_its_default_is_never_written() {
    let response = ApiVersionsResponse {
        api_keys: vec![ApiVersion { api_key: 18, min_version: 0, max_version: 4 }],
        ..Default::default()
    };
    // error, one key with no tags, throttle time, and no tags: the last byte is their count.
    let expected = [0, 0, 2, 0, 18, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0];
    assert_eq!(encode(&response, 3)[..], expected);

    let partition = PartitionProduceResponse { current_leader: LeaderIdAndEpoch::default(), ..Default::default() };
    let with_default = encode(&one_partition(partition.clone()), 10);
    let elsewhere = LeaderIdAndEpoch { leader_id: 3, leader_epoch: 7 };
    let with_leader = encode(&one_partition(PartitionProduceResponse { current_leader: elsewhere, ..partition }), 10);
    // Tag 0, size 9: two numbers of four bytes and a count of tags.
    assert_eq!(with_leader.len(), with_default.len() + 2 + 9);
}

fn one_partition(partition: PartitionProduceResponse) -> ProduceResponse {
    let topic = TopicProduceResponse { name: "t".into(), partition_responses: vec![partition], ..Default::default() };
    ProduceResponse { responses: vec![topic], ..Default::default() }
}

#[test]
fn tagged_fields_are_written_in_the_order_of_their_tags_with_their_sizes() {
    let response = ApiVersionsResponse {
        supported_features: vec![SupportedFeatureKey { name: "f".into(), min_version: 1, max_version: 2 }],
        finalized_features_epoch: 5,
        finalized_features: vec![FinalizedFeatureKey { name: "f".into(), max_version_level: 2, min_version_level: 1 }],
        zk_migration_ready: true,
        ..Default::default()
    };
    let expected = [
        &[0, 0][..],                        // error code
        &[1],                               // no API keys
        &[0, 0, 0, 0],                      // throttle time
        &[4],                               // four tagged fields
        &[0, 8, 2, 2, b'f', 0, 1, 0, 2, 0], // tag 0 of 8 bytes: one feature, its name, versions, no tags
        &[1, 8, 0, 0, 0, 0, 0, 0, 0, 5],    // tag 1 of 8 bytes: the epoch
        &[2, 8, 2, 2, b'f', 0, 2, 0, 1, 0], // tag 2 of 8 bytes: one feature, its name, levels, no tags
        &[3, 1, 1],                         // tag 3 of 1 byte: true
    ];
    let bytes = encode(&response, 4);
    assert_eq!(bytes[..], expected.concat());
    assert_eq!(decode(&bytes, 4), Ok(response));
}

#[test]
fn a_tagged_field_of_more_than_127_bytes_has_a_longer_size() {
    let endpoint = NodeEndpoint { node_id: 1, host: "h".repeat(200), port: 9, rack: None };
    let response = ProduceResponse { node_endpoints: vec![endpoint], ..Default::default() };
    let bytes = encode(&response, 10);
    // responses, throttle time, one tag, tag 0, then 1 + 4 + 2 + 200 + 4 + 1 + 1 = 213 as a varint.
    assert_eq!(bytes[..9], [1, 0, 0, 0, 0, 1, 0, 0xD5, 0x01]);
    assert_eq!(decode(&bytes, 10), Ok(response));
}

#[test]
fn unknown_tagged_fields_are_skipped_wherever_they_stand() {
    // A Metadata request of version 12: one topic with an unknown field, and the request with two.
    let bytes = [
        &[2][..],                        // one topic
        &[0; 16],                        // its id
        &[2, b't'],                      // its name
        &[1, 9, 3, 1, 2, 3],             // one tagged field: tag 9 with three bytes
        &[1, 0],                         // allow auto creation, no authorized operations
        &[2, 0, 0, 0xFF, 0x7F, 1, 0xAA], // two tagged fields: tag 0 without bytes, tag 16383 with one
    ]
    .concat();
    let topic = MetadataRequestTopic { topic_id: 0, name: Some("t".into()) };
    let expected = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
    assert_eq!(decode(&bytes, 12), Ok(expected));
}

#[test]
fn a_known_tag_in_a_version_before_it_is_one_that_nobody_knows() {
    let state = ReplicaState { replica_id: 2, replica_epoch: 3 };
    let request = FetchRequest { replica_state: state, ..Default::default() };
    let bytes = encode(&request, 15);
    // Version 14 has the same fields after a replica id of four bytes in front.
    let older = [&[0xFF; 4][..], &bytes].concat();
    let decoded: FetchRequest = decode(&older, 14).expect("the tag is skipped");
    assert_eq!(decoded, FetchRequest::default());
}

#[test]
fn a_tagged_field_that_is_longer_or_shorter_than_it_claims_is_refused() {
    let fault = |tail: &[u8]| {
        let bytes = [&[0, 0, 1, 0, 0, 0, 0][..], tail].concat();
        decode::<ApiVersionsResponse>(&bytes, 3).expect_err("a wrong size").fault
    };
    assert_eq!(fault(&[1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0]), Fault::TagSize { tag: 1, left: 1 });
    assert_eq!(fault(&[1, 1, 7, 0, 0, 0, 0, 0, 0, 0, 5]), Fault::Short { needed: 8, left: 7 });
}

#[test]
fn what_may_not_be_left_out_is_refused_in_a_version_without_it() {
    let refused = |outcome: Result<(), EncodeError>| outcome.expect_err("must be refused").to_string();
    let session = FetchResponse { session_id: 9, ..Default::default() };
    assert_eq!(
        refused(session.encode(&mut Gather::new(), 6)),
        "FetchResponse.session_id is set and does not exist in version 6"
    );
    let tagged = ProduceResponse { node_endpoints: vec![NodeEndpoint::default()], ..Default::default() };
    for version in [8, 9] {
        let expected = EncodeError::NotInVersion { field: "ProduceResponse.node_endpoints", version };
        assert_eq!(tagged.encode(&mut Gather::new(), version), Err(expected));
    }
    let everything = MetadataRequest { topics: None, ..Default::default() };
    assert_eq!(
        refused(everything.encode(&mut Gather::new(), 0)),
        "MetadataRequest.topics is null and cannot be in version 0"
    );
}

#[test]
fn what_may_be_left_out_is_left_out_silently() {
    let response = ApiVersionsResponse { throttle_time_ms: 5, finalized_features_epoch: 7, ..Default::default() };
    assert_eq!(encode(&response, 0)[..], [0, 0, 0, 0, 0, 0]);
}
