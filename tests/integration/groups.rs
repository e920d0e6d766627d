//! Consumer groups through the Kafka door, as clients use them.

mod classic;
mod consumer;
mod lives;
mod log;
mod memory;
mod offsets;
mod refusals;
mod waiting;

use tests::broker::Broker;
pub(crate) use tests::groups::{COMMIT, JOIN, Member, PATIENCE, SYNC, commit_request, find_coordinator, patiently};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use wire::kafka::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics};

const FETCH: i16 = 9;

/// A broker whose groups do not wait long for members.
fn start(data: &std::path::Path, settings: &[&str]) -> Broker {
    let quick =
        ["groups.initial_rebalance_delay=300 ms", "groups.session_timeout_min=100 ms", "balancer.enabled=false"];
    let all: Vec<&str> = quick.iter().chain(settings).flat_map(|setting| ["--set", setting]).collect();
    Broker::start(data, &all)
}

/// The committed offset of a partition of a topic, -1 for none.
fn committed(client: &mut Client, group: &str, topic: &str, partition: i32) -> i64 {
    let topic =
        OffsetFetchRequestTopics { name: topic.to_owned(), partition_indexes: vec![partition], ..Default::default() };
    let group = OffsetFetchRequestGroup {
        group_id: group.to_owned(),
        topics: Some(vec![topic]),
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() };
    let (error, group) = patiently(|| {
        let group = client.ask(FETCH, &request).expect("it answers").groups.remove(0);
        (code(group.error_code), group)
    });
    assert_eq!(error, ErrorCode::None);
    let partition = &group.topics[0].partitions[0];
    assert_eq!(code(partition.error_code), ErrorCode::None);
    if partition.committed_offset >= 0 {
        assert_eq!(partition.metadata, Some(format!("at {}", partition.committed_offset)));
    }
    partition.committed_offset
}

fn describe(client: &mut Client, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest { groups: vec![group.to_owned()], ..DescribeGroupsRequest::default() };
    let (_, described) = patiently(|| {
        let described = client.ask(5, &request).expect("it answers").groups.remove(0);
        (code(described.error_code), described)
    });
    described
}
