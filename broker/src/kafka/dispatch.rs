//! From a frame to what will answer it.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use wire::kafka::api_versions::ApiVersionsRequest;
use wire::kafka::create_partitions::CreatePartitionsRequest;
use wire::kafka::create_topics::CreateTopicsRequest;
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::list_offsets::ListOffsetsRequest;
use wire::kafka::metadata::MetadataRequest;
use wire::kafka::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use wire::kafka::{ApiKey, DecodeError, FrameHeader, Message, Reader};

use super::connection::Answer;
use super::groups::Asker;
use super::{
    Answered, RequestId, api_versions, cluster, configs, coordinator, delete_records, fetch, groups, log_dirs,
    metadata, offsets, produce, producer_id, producers, quorum, topics,
};
use crate::core::Core;
use crate::lanes::Shown;
use crate::limits;
use crate::standing::StandingWaits;

/// The client at the other end of a connection, and what the broker keeps for it.
pub(super) struct Peer {
    /// Where it is, as groups are told of it.
    pub(super) host: Arc<str>,
    /// As what it is shown the broker.
    pub(super) shown: Shown,
    /// Of its fetches.
    pub(super) waits: Rc<StandingWaits>,
}

/// Memory that a request of so many bytes may take; `None` until its API can be seen.
pub(super) fn memory_of(front: &[u8], bytes: usize) -> Result<Option<usize>, String> {
    let Some(key) = front.first_chunk().copied().map(i16::from_be_bytes) else { return Ok(None) };
    let api = ApiKey::from_key(key);
    if api == Some(ApiKey::Produce) {
        return Ok(Some(bytes));
    }
    let limit = match api {
        Some(ApiKey::SyncGroup) => limits::SYNC_REQUEST_BYTES_MAX,
        _ => limits::PLAIN_REQUEST_BYTES_MAX,
    };
    if bytes > limit {
        let name = api.map_or("a request of an unknown API", ApiKey::name);
        return Err(format!("{name} with {bytes} bytes is above the limit of {limit} for requests without records"));
    }
    let expansion = match api {
        Some(ApiKey::Fetch | ApiKey::SyncGroup) => limits::FETCH_EXPANSION,
        _ => limits::PLAIN_REQUEST_EXPANSION,
    };
    Ok(Some(bytes * expansion))
}

/// Waits until a request may be handled at once.
pub(super) async fn turn(core: &Core, frame: &[u8]) {
    let key = frame.first_chunk().copied().map(i16::from_be_bytes);
    if key.and_then(ApiKey::from_key) == Some(ApiKey::Produce) {
        produce::turn(core).await;
    }
}

/// Starts the work of a request. What changes state is done, or has its place in line, when this returns; the rest is
/// done when the answer's turn comes. An error is a request that cannot be answered: the connection must be closed.
pub(super) fn handle(core: &Rc<Core>, peer: &Peer, frame: &Bytes) -> Result<Answer, String> {
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
    core.requests.kafka(api);
    let (core, shown) = (Rc::clone(core), peer.shown);
    match api {
        ApiKey::Produce => produce::produce(&core, id, frame, reader),
        ApiKey::Fetch => fetch::fetch(&core, &peer.waits, id, reader),
        ApiKey::ApiVersions => {
            let request: ApiVersionsRequest = decode(reader, id)?;
            Ok(ready(api_versions::answer(id, &request)))
        }
        ApiKey::Metadata => {
            let request: MetadataRequest = decode(reader, id)?;
            Ok(later(async move { metadata::metadata(&core, shown, id, request).await }))
        }
        ApiKey::ListOffsets => {
            let request: ListOffsetsRequest = decode(reader, id)?;
            Ok(later(async move { offsets::list_offsets(&core, id, &request).await }))
        }
        ApiKey::OffsetForLeaderEpoch => {
            let request: OffsetForLeaderEpochRequest = decode(reader, id)?;
            Ok(later(async move { offsets::end_of_epochs(&core, id, &request).await }))
        }
        ApiKey::FindCoordinator => {
            let request: FindCoordinatorRequest = decode(reader, id)?;
            Ok(later(async move { coordinator::find(&core, shown, id, request).await }))
        }
        ApiKey::InitProducerId => {
            let request: InitProducerIdRequest = decode(reader, id)?;
            Ok(later(async move { producer_id::init(&core, id, &request).await }))
        }
        ApiKey::CreateTopics
        | ApiKey::DeleteTopics
        | ApiKey::DeleteRecords
        | ApiKey::CreatePartitions
        | ApiKey::AlterConfigs
        | ApiKey::IncrementalAlterConfigs
        | ApiKey::DescribeConfigs
        | ApiKey::ListConfigResources
        | ApiKey::DescribeCluster
        | ApiKey::DescribeTopicPartitions
        | ApiKey::DescribeLogDirs
        | ApiKey::DescribeProducers
        | ApiKey::DescribeQuorum => handle_admin(api, core, shown, id, reader),
        ApiKey::OffsetCommit
        | ApiKey::OffsetFetch
        | ApiKey::JoinGroup
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::SyncGroup
        | ApiKey::DescribeGroups
        | ApiKey::ListGroups
        | ApiKey::DeleteGroups
        | ApiKey::OffsetDelete
        | ApiKey::ConsumerGroupHeartbeat
        | ApiKey::ConsumerGroupDescribe => {
            handle_group(api, Asker::new(&core, id, header.client_id, &peer.host, frame.len()), reader)
        }
    }
}

/// Requests about topics, settings, brokers.
fn handle_admin(
    api: ApiKey,
    core: Rc<Core>,
    shown: Shown,
    id: RequestId,
    reader: Reader<'_>,
) -> Result<Answer, String> {
    Ok(match api {
        ApiKey::CreateTopics => {
            let mut request: CreateTopicsRequest = decode(reader, id)?;
            for assignment in request.topics.iter_mut().flat_map(|topic| &mut topic.assignments) {
                core.identity.to_brokers(&mut assignment.broker_ids);
            }
            later(async move { topics::create(&core, id, request).await })
        }
        ApiKey::DeleteTopics => {
            let request = decode(reader, id)?;
            later(async move { topics::delete(&core, id, request).await })
        }
        ApiKey::DeleteRecords => {
            let request = decode(reader, id)?;
            later(async move { delete_records::delete(&core, id, request).await })
        }
        ApiKey::CreatePartitions => {
            let mut request: CreatePartitionsRequest = decode(reader, id)?;
            for assignment in request.topics.iter_mut().flat_map(|topic| &mut topic.assignments).flatten() {
                core.identity.to_brokers(&mut assignment.broker_ids);
            }
            later(async move { topics::create_partitions(&core, id, request).await })
        }
        ApiKey::AlterConfigs => {
            let request = decode(reader, id)?;
            later(async move { configs::alter::replace(&core, id, request).await })
        }
        ApiKey::IncrementalAlterConfigs => {
            let request = decode(reader, id)?;
            later(async move { configs::alter::change(&core, id, request).await })
        }
        ApiKey::DescribeConfigs => ready(configs::describe(&core, id, &decode(reader, id)?)),
        ApiKey::ListConfigResources => ready(configs::list(&core, id, &decode(reader, id)?)),
        ApiKey::DescribeCluster => ready(cluster::describe(&core, shown, id, &decode(reader, id)?)),
        ApiKey::DescribeTopicPartitions => {
            ready(cluster::describe_topic_partitions(&core, shown, id, &decode(reader, id)?))
        }
        ApiKey::DescribeLogDirs => {
            let request = decode(reader, id)?;
            later(async move { log_dirs::describe(&core, id, request).await })
        }
        ApiKey::DescribeProducers => {
            let request = decode(reader, id)?;
            later(async move { producers::describe(&core, id, request).await })
        }
        ApiKey::DescribeQuorum => {
            let request = decode(reader, id)?;
            later(async move { quorum::describe(&core, id, request).await })
        }
        other => return Err(format!("{} is not about administration", other.name())),
    })
}

/// Requests about groups.
fn handle_group(api: ApiKey, asker: Asker, reader: Reader<'_>) -> Result<Answer, String> {
    let id = asker.id;
    Ok(match api {
        ApiKey::JoinGroup => groups::join(asker, &decode(reader, id)?),
        ApiKey::SyncGroup => groups::sync(asker, &decode(reader, id)?),
        ApiKey::Heartbeat => groups::heartbeat(asker, &decode(reader, id)?),
        ApiKey::LeaveGroup => groups::leave(asker, decode(reader, id)?),
        ApiKey::OffsetCommit => groups::commit_offsets(asker, decode(reader, id)?),
        ApiKey::OffsetFetch => groups::fetch_offsets(asker, decode(reader, id)?),
        ApiKey::ConsumerGroupHeartbeat => groups::heartbeat_of_consumer(asker, &decode(reader, id)?),
        ApiKey::ConsumerGroupDescribe => {
            let request = decode(reader, id)?;
            later(async move { groups::describe_consumer(&asker, request).await })
        }
        ApiKey::DescribeGroups => {
            let request = decode(reader, id)?;
            later(async move { groups::describe(&asker, request).await })
        }
        ApiKey::ListGroups => {
            let request = decode(reader, id)?;
            later(async move { groups::list(&asker, &request).await })
        }
        ApiKey::DeleteGroups => {
            let request = decode(reader, id)?;
            later(async move { groups::delete_groups(&asker, request).await })
        }
        ApiKey::OffsetDelete => {
            let request = decode(reader, id)?;
            later(async move { groups::delete_offsets(&asker, request).await })
        }
        other => return Err(format!("{} is not about groups", other.name())),
    })
}

pub(super) fn ready(answered: Answered) -> Answer {
    later(std::future::ready(answered))
}

pub(super) fn later(answer: impl Future<Output = Answered> + 'static) -> Answer {
    Answer::Other(Box::pin(answer))
}

/// Bytes after the message are ignored, as Kafka does: librdkafka 2.16 sends three too many in some Metadata requests.
fn decode<M: Message>(mut reader: Reader<'_>, id: RequestId) -> Result<M, String> {
    M::decode(&mut reader, id.version).map_err(|error| damaged(M::NAME, &error))
}

pub(super) fn damaged(name: &str, error: &DecodeError) -> String {
    format!("a {name} is damaged: {error}")
}
