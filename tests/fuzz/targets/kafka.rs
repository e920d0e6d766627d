//! Every request and response of the Kafka protocol in each version, owned and as views.

use bytes::Bytes;
use wire::gather::Gather;
use wire::kafka::alter_configs::AlterConfigsRequest;
use wire::kafka::api_versions::ApiVersionsRequest;
use wire::kafka::consumer_group_describe::ConsumerGroupDescribeRequest;
use wire::kafka::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use wire::kafka::create_partitions::CreatePartitionsRequest;
use wire::kafka::create_topics::CreateTopicsRequest;
use wire::kafka::delete_groups::DeleteGroupsRequest;
use wire::kafka::delete_records::DeleteRecordsRequest;
use wire::kafka::delete_topics::DeleteTopicsRequest;
use wire::kafka::describe_cluster::DescribeClusterRequest;
use wire::kafka::describe_configs::DescribeConfigsRequest;
use wire::kafka::describe_groups::DescribeGroupsRequest;
use wire::kafka::describe_log_dirs::DescribeLogDirsRequest;
use wire::kafka::describe_producers::DescribeProducersRequest;
use wire::kafka::describe_quorum::DescribeQuorumRequest;
use wire::kafka::describe_topic_partitions::DescribeTopicPartitionsRequest;
use wire::kafka::fetch::{FetchRequest, FetchRequestView, FetchResponseView};
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::heartbeat::HeartbeatRequest;
use wire::kafka::incremental_alter_configs::IncrementalAlterConfigsRequest;
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::join_group::JoinGroupRequest;
use wire::kafka::leave_group::LeaveGroupRequest;
use wire::kafka::list_config_resources::ListConfigResourcesRequest;
use wire::kafka::list_groups::ListGroupsRequest;
use wire::kafka::list_offsets::ListOffsetsRequest;
use wire::kafka::metadata::MetadataRequest;
use wire::kafka::offset_commit::OffsetCommitRequest;
use wire::kafka::offset_delete::OffsetDeleteRequest;
use wire::kafka::offset_fetch::OffsetFetchRequest;
use wire::kafka::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use wire::kafka::produce::{ProduceRequest, ProduceRequestView, ProduceResponseView};
use wire::kafka::sync_group::SyncGroupRequest;
use wire::kafka::{
    ApiKey, DecodeError, Fault, FrameHeader, Message, Reader, Request, RequestHeader, ResponseHeader, frame,
};

use crate::target::{Target, Verdict, bounded, unsealed};

/// A frame without its length.
pub(crate) const REQUEST: Target = Target { run: request, seal: unsealed, input_bytes_max: 64 << 10, inputs: 60_000 };

/// Key of the API, index of the version, then a response with its header.
pub(crate) const RESPONSE: Target = Target { run: response, seal: unsealed, input_bytes_max: 64 << 10, inputs: 60_000 };

/// The limit of the reader, and what it needs for itself.
const CONSTANT: usize = 66 << 10;
const PER_BYTE: usize = 17;

macro_rules! apis {
    ($($api:ident: $request:ty;)+) => {
        fn read_request(api: ApiKey, reader: &Reader<'_>, version: i16) -> Verdict {
            match api {
                $(ApiKey::$api => round::<$request>(reader, version),)+
            }
        }

        fn read_response(api: ApiKey, reader: &Reader<'_>, version: i16) -> Verdict {
            match api {
                $(ApiKey::$api => round::<<$request as Request>::Response>(reader, version),)+
            }
        }

        /// A request of defaults in each version.
        pub(crate) fn default_requests() -> Vec<Vec<u8>> {
            let mut all = Vec::new();
            $(
                for version in ApiKey::$api.versions_handled().iter() {
                    let mut out = Gather::new();
                    let header = RequestHeader::of::<$request>(version, 7, Some("fuzz"));
                    header.encode(&mut out).expect("the header is small");
                    if <$request>::default().encode(&mut out, version).is_ok() {
                        all.push(out.finish().concat());
                    }
                }
            )+
            all
        }

        /// A response of defaults in each version.
        pub(crate) fn default_responses() -> Vec<Vec<u8>> {
            let mut all = Vec::new();
            for api in ApiKey::ALL {
                for (at, version) in api.versions_handled().iter().enumerate() {
                    let mut out = Gather::new();
                    ResponseHeader { correlation_id: 7 }.encode(&mut out, api, version);
                    let written = match api {
                        $(ApiKey::$api => <$request as Request>::Response::default().encode(&mut out, version),)+
                    };
                    if written.is_ok() {
                        all.push([&[key(api), byte(at)][..], &out.finish().concat()].concat());
                    }
                }
            }
            all
        }
    };
}

apis! {
    Produce: ProduceRequest;
    Fetch: FetchRequest;
    ListOffsets: ListOffsetsRequest;
    Metadata: MetadataRequest;
    ApiVersions: ApiVersionsRequest;
    CreateTopics: CreateTopicsRequest;
    DeleteTopics: DeleteTopicsRequest;
    DeleteRecords: DeleteRecordsRequest;
    InitProducerId: InitProducerIdRequest;
    OffsetForLeaderEpoch: OffsetForLeaderEpochRequest;
    DescribeConfigs: DescribeConfigsRequest;
    CreatePartitions: CreatePartitionsRequest;
    DescribeCluster: DescribeClusterRequest;
    DescribeTopicPartitions: DescribeTopicPartitionsRequest;
    FindCoordinator: FindCoordinatorRequest;
    OffsetCommit: OffsetCommitRequest;
    OffsetFetch: OffsetFetchRequest;
    JoinGroup: JoinGroupRequest;
    Heartbeat: HeartbeatRequest;
    LeaveGroup: LeaveGroupRequest;
    SyncGroup: SyncGroupRequest;
    DescribeGroups: DescribeGroupsRequest;
    ListGroups: ListGroupsRequest;
    DeleteGroups: DeleteGroupsRequest;
    OffsetDelete: OffsetDeleteRequest;
    ConsumerGroupHeartbeat: ConsumerGroupHeartbeatRequest;
    ConsumerGroupDescribe: ConsumerGroupDescribeRequest;
    AlterConfigs: AlterConfigsRequest;
    IncrementalAlterConfigs: IncrementalAlterConfigsRequest;
    DescribeLogDirs: DescribeLogDirsRequest;
    DescribeProducers: DescribeProducersRequest;
    ListConfigResources: ListConfigResourcesRequest;
    DescribeQuorum: DescribeQuorumRequest;
}

fn key(api: ApiKey) -> u8 {
    u8::try_from(api.key()).expect("a small key")
}

fn byte(index: usize) -> u8 {
    u8::try_from(index).expect("there are few")
}

/// An answer to a request, as an input of the target of responses.
pub(crate) fn answer(request: &[u8], response: &[u8]) -> Option<Vec<u8>> {
    let Ok(FrameHeader::Request { api, header }) = FrameHeader::decode(&mut Reader::new(request)) else { return None };
    let version = usize::try_from(header.api_version - api.versions_handled().min).ok()?;
    Some([&[key(api), byte(version)][..], response].concat())
}

/// Reads, writes, reads again.
fn round<M: Message>(reader: &Reader<'_>, version: i16) -> Verdict {
    let mut whole = reader.clone();
    // The limit is of the whole frame, whatever of it the header took.
    let frame = reader.position() + reader.rest().len();
    let read = bounded(frame, CONSTANT, PER_BYTE, || M::decode(&mut whole, version));
    let Ok(message) = read else { return Verdict::Refused };
    if whole.finish().is_err() {
        return Verdict::Refused;
    }
    let mut out = Gather::new();
    message.encode(&mut out, version).unwrap_or_else(|error| panic!("{} version {version}: {error}", M::NAME));
    let written = out.finish().concat();
    let mut again = Reader::new(&written);
    match M::decode(&mut again, version) {
        // Without unknown tags it is shorter, and may take less memory.
        Err(DecodeError { fault: Fault::Memory(_), .. }) => return Verdict::Accepted,
        Err(error) => panic!("{} version {version} is not read back: {error}", M::NAME),
        Ok(read) => assert_eq!(read, message, "version {version}"),
    }
    again.finish().expect("nothing follows what we write");
    Verdict::Accepted
}

fn request(input: &[u8]) -> Verdict {
    let shared = Bytes::copy_from_slice(input);
    let mut reader = Reader::shared(&shared);
    let _ = frame::peek_length(input, 1 << 20);
    let (api, version) = match FrameHeader::decode(&mut reader) {
        Ok(FrameHeader::Request { api, header }) => (api, header.api_version),
        Ok(FrameHeader::UnknownApi { api_key, api_version, .. }) => return unserved(api_key, api_version, &shared),
        _ => return Verdict::Refused,
    };
    let verdict = read_request(api, &reader, version);
    let mut viewed = reader.clone();
    let view = match api {
        ApiKey::Produce => bounded(0, 0, 0, || ProduceRequestView::parse(&mut viewed, version)).map(|view| {
            let parts = view.topic_data.iter().flat_map(|topic| topic.partition_data.iter());
            parts.map(|part| part.records.map_or(0, <[u8]>::len)).sum::<usize>()
        }),
        ApiKey::Fetch => bounded(0, 0, 0, || FetchRequestView::parse(&mut viewed, version))
            .map(|view| view.topics.iter().map(|topic| topic.partitions.iter().count()).sum()),
        _ => return verdict,
    };
    assert_eq!(verdict == Verdict::Accepted, view.is_ok() && viewed.finish().is_ok(), "the view differs");
    verdict
}

/// The request of an API that the broker does not answer yet: its message decodes, although its header is refused.
fn unserved(api_key: i16, version: i16, input: &Bytes) -> Verdict {
    const FIXED: usize = 8;
    let Some(api) = ApiKey::from_key(api_key).filter(|api| api.versions_handled().contains(version)) else {
        return Verdict::Refused;
    };
    let Some(&[high, low]) = input.get(FIXED..).and_then(|rest| rest.first_chunk()) else { return Verdict::Refused };
    let client_id = usize::try_from(i16::from_be_bytes([high, low])).unwrap_or(0);
    let tags = usize::from(api.is_flexible(version));
    let Some(body) = FIXED.checked_add(2 + client_id + tags).filter(|body| *body <= input.len()) else {
        return Verdict::Refused;
    };
    if tags == 1 && input[body - 1] != 0 {
        return Verdict::Refused;
    }
    let body = input.slice(body..);
    read_request(api, &Reader::shared(&body), version)
}

fn response(input: &[u8]) -> Verdict {
    let Some((&[api, version], rest)) = input.split_first_chunk::<2>() else { return Verdict::Refused };
    let api = ApiKey::from_key(i16::from(api)).unwrap_or(ApiKey::ALL[usize::from(api) % ApiKey::ALL.len()]);
    let versions: Vec<i16> = api.versions_handled().iter().collect();
    let version = versions[usize::from(version) % versions.len()];
    let shared = Bytes::copy_from_slice(rest);
    let mut reader = Reader::shared(&shared);
    if ResponseHeader::decode(&mut reader, api, version).is_err() {
        return Verdict::Refused;
    }
    let verdict = read_response(api, &reader, version);
    let mut viewed = reader.clone();
    let view = match api {
        ApiKey::Produce => bounded(0, 0, 0, || ProduceResponseView::parse(&mut viewed, version))
            .map(|view| view.responses.iter().map(|topic| topic.partition_responses.iter().count()).sum::<usize>()),
        ApiKey::Fetch => bounded(0, 0, 0, || FetchResponseView::parse(&mut viewed, version)).map(|view| {
            let parts = view.responses.iter().flat_map(|topic| topic.partitions.iter());
            parts.map(|part| part.records.map_or(0, <[u8]>::len)).sum()
        }),
        _ => return verdict,
    };
    assert_eq!(verdict == Verdict::Accepted, view.is_ok() && viewed.finish().is_ok(), "the view differs");
    verdict
}
