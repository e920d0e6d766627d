//! From a frame to what will answer it.

use std::rc::Rc;

use bytes::Bytes;
use wire::kafka::api_versions::ApiVersionsRequest;
use wire::kafka::create_partitions::CreatePartitionsRequest;
use wire::kafka::create_topics::CreateTopicsRequest;
use wire::kafka::delete_topics::DeleteTopicsRequest;
use wire::kafka::describe_cluster::DescribeClusterRequest;
use wire::kafka::describe_configs::DescribeConfigsRequest;
use wire::kafka::describe_topic_partitions::DescribeTopicPartitionsRequest;
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::list_offsets::ListOffsetsRequest;
use wire::kafka::metadata::MetadataRequest;
use wire::kafka::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use wire::kafka::{ApiKey, DecodeError, FrameHeader, Message, Reader};

use super::connection::Answer;
use super::{
    RequestId, api_versions, cluster, configs, coordinator, fetch, metadata, offsets, produce, producer_id, topics,
};
use crate::core::Core;

/// Starts the work of a request. What changes state is done, or has its place in line, when this returns; the rest is
/// done when the answer's turn comes. An error is a request that cannot be answered: the connection must be closed.
pub(crate) fn handle(core: &Rc<Core>, frame: &Bytes) -> Result<Answer, String> {
    let mut reader = Reader::shared(frame);
    let header = FrameHeader::decode(&mut reader).map_err(|error| format!("a request's header is damaged: {error}"))?;
    let (api, header) = match header {
        FrameHeader::Request { api, header } => (api, header),
        FrameHeader::UnknownApiVersions { correlation_id, .. } => {
            return Ok(ready(api_versions::unsupported(correlation_id)));
        }
        FrameHeader::UnknownVersion { api, api_version, .. } => {
            return Err(format!("{} version {api_version} is not among those advertised", api.name()));
        }
        FrameHeader::UnknownApi { api_key, api_version, .. } => {
            return Err(format!("API key {api_key} (version {api_version}) is not among those advertised"));
        }
    };
    let id = RequestId { version: header.api_version, correlation: header.correlation_id };
    let core = Rc::clone(core);
    match api {
        ApiKey::Produce => produce::produce(&core, id, frame, reader),
        ApiKey::Fetch => fetch::fetch(&core, id, reader),
        ApiKey::ApiVersions => {
            let request: ApiVersionsRequest = decode(reader, id)?;
            Ok(ready(api_versions::answer(id, &request)))
        }
        ApiKey::Metadata => {
            let request: MetadataRequest = decode(reader, id)?;
            Ok(Box::pin(async move { metadata::metadata(&core, id, request).await }))
        }
        ApiKey::ListOffsets => {
            let request: ListOffsetsRequest = decode(reader, id)?;
            Ok(Box::pin(async move { offsets::list_offsets(&core, id, &request).await }))
        }
        ApiKey::OffsetForLeaderEpoch => {
            let request: OffsetForLeaderEpochRequest = decode(reader, id)?;
            Ok(Box::pin(async move { offsets::end_of_epochs(&core, id, &request).await }))
        }
        ApiKey::FindCoordinator => {
            let request: FindCoordinatorRequest = decode(reader, id)?;
            Ok(ready(coordinator::find(&core, id, &request)))
        }
        ApiKey::InitProducerId => {
            let request: InitProducerIdRequest = decode(reader, id)?;
            Ok(Box::pin(async move { producer_id::init(&core, id, &request).await }))
        }
        ApiKey::CreateTopics => {
            let request: CreateTopicsRequest = decode(reader, id)?;
            Ok(Box::pin(async move { topics::create(&core, id, request).await }))
        }
        ApiKey::DeleteTopics => {
            let request: DeleteTopicsRequest = decode(reader, id)?;
            Ok(Box::pin(async move { topics::delete(&core, id, request).await }))
        }
        ApiKey::CreatePartitions => {
            let request: CreatePartitionsRequest = decode(reader, id)?;
            Ok(Box::pin(async move { topics::create_partitions(&core, id, request).await }))
        }
        ApiKey::DescribeConfigs => {
            let request: DescribeConfigsRequest = decode(reader, id)?;
            Ok(ready(configs::describe(&core, id, &request)))
        }
        ApiKey::DescribeCluster => {
            let request: DescribeClusterRequest = decode(reader, id)?;
            Ok(ready(cluster::describe(&core, id, &request)))
        }
        ApiKey::DescribeTopicPartitions => {
            let request: DescribeTopicPartitionsRequest = decode(reader, id)?;
            Ok(ready(cluster::describe_topic_partitions(&core, id, &request)))
        }
    }
}

fn ready(answered: super::Answered) -> Answer {
    Box::pin(std::future::ready(answered))
}

/// Bytes after the message are ignored, as Kafka does: librdkafka 2.16 sends three too many in some Metadata requests.
fn decode<M: Message>(mut reader: Reader<'_>, id: RequestId) -> Result<M, String> {
    M::decode(&mut reader, id.version).map_err(|error| damaged(M::NAME, &error))
}

pub(super) fn damaged(name: &str, error: &DecodeError) -> String {
    format!("a {name} is damaged: {error}")
}
