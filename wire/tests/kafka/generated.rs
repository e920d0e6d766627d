//! Every message of the codec, for tests that hold for all of them.
//!
//! Generated from `schemas/kafka/*.txt` by `cargo run -p schemas -- generate`; edit the table.

mod api_versions;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_topic_partitions;
mod fetch;
mod find_coordinator;
mod init_producer_id;
mod list_offsets;
mod metadata;
mod offset_for_leader_epoch;
mod produce;

use crate::fixture::Visitor;

pub(crate) fn each_message(visitor: &mut impl Visitor) {
    visitor.visit::<wire::kafka::produce::ProduceRequest>();
    visitor.visit::<wire::kafka::produce::ProduceResponse>();
    visitor.visit::<wire::kafka::fetch::FetchRequest>();
    visitor.visit::<wire::kafka::fetch::FetchResponse>();
    visitor.visit::<wire::kafka::list_offsets::ListOffsetsRequest>();
    visitor.visit::<wire::kafka::list_offsets::ListOffsetsResponse>();
    visitor.visit::<wire::kafka::metadata::MetadataRequest>();
    visitor.visit::<wire::kafka::metadata::MetadataResponse>();
    visitor.visit::<wire::kafka::find_coordinator::FindCoordinatorRequest>();
    visitor.visit::<wire::kafka::find_coordinator::FindCoordinatorResponse>();
    visitor.visit::<wire::kafka::api_versions::ApiVersionsRequest>();
    visitor.visit::<wire::kafka::api_versions::ApiVersionsResponse>();
    visitor.visit::<wire::kafka::create_topics::CreateTopicsRequest>();
    visitor.visit::<wire::kafka::create_topics::CreateTopicsResponse>();
    visitor.visit::<wire::kafka::delete_topics::DeleteTopicsRequest>();
    visitor.visit::<wire::kafka::delete_topics::DeleteTopicsResponse>();
    visitor.visit::<wire::kafka::delete_records::DeleteRecordsRequest>();
    visitor.visit::<wire::kafka::delete_records::DeleteRecordsResponse>();
    visitor.visit::<wire::kafka::init_producer_id::InitProducerIdRequest>();
    visitor.visit::<wire::kafka::init_producer_id::InitProducerIdResponse>();
    visitor.visit::<wire::kafka::offset_for_leader_epoch::OffsetForLeaderEpochRequest>();
    visitor.visit::<wire::kafka::offset_for_leader_epoch::OffsetForLeaderEpochResponse>();
    visitor.visit::<wire::kafka::describe_configs::DescribeConfigsRequest>();
    visitor.visit::<wire::kafka::describe_configs::DescribeConfigsResponse>();
    visitor.visit::<wire::kafka::create_partitions::CreatePartitionsRequest>();
    visitor.visit::<wire::kafka::create_partitions::CreatePartitionsResponse>();
    visitor.visit::<wire::kafka::describe_cluster::DescribeClusterRequest>();
    visitor.visit::<wire::kafka::describe_cluster::DescribeClusterResponse>();
    visitor.visit::<wire::kafka::describe_topic_partitions::DescribeTopicPartitionsRequest>();
    visitor.visit::<wire::kafka::describe_topic_partitions::DescribeTopicPartitionsResponse>();
}
