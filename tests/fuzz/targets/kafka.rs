//! Every request and response of the Kafka protocol in each version, owned and as views.

use bytes::Bytes;
use wire::gather::Gather;
use wire::kafka::api_versions::ApiVersionsRequest;
use wire::kafka::create_partitions::CreatePartitionsRequest;
use wire::kafka::create_topics::CreateTopicsRequest;
use wire::kafka::delete_records::DeleteRecordsRequest;
use wire::kafka::delete_topics::DeleteTopicsRequest;
use wire::kafka::describe_cluster::DescribeClusterRequest;
use wire::kafka::describe_configs::DescribeConfigsRequest;
use wire::kafka::describe_topic_partitions::DescribeTopicPartitionsRequest;
use wire::kafka::fetch::{FetchRequest, FetchRequestView, FetchResponseView};
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::list_offsets::ListOffsetsRequest;
use wire::kafka::metadata::MetadataRequest;
use wire::kafka::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use wire::kafka::produce::{ProduceRequest, ProduceRequestView, ProduceResponseView};
use wire::kafka::{
    ApiKey, DecodeError, Fault, FrameHeader, Message, Reader, Request, RequestHeader, ResponseHeader, frame,
};

use crate::target::{Target, Verdict, bounded, unsealed};

/// A frame without its length.
pub(crate) const REQUEST: Target = Target { run: request, seal: unsealed, input_bytes_max: 64 << 10, inputs: 60_000 };

/// Index of the API, index of the version, then a response with its header.
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
            for (index, api) in ApiKey::ALL.into_iter().enumerate() {
                for (at, version) in api.versions_handled().iter().enumerate() {
                    let mut out = Gather::new();
                    ResponseHeader { correlation_id: 7 }.encode(&mut out, api, version);
                    let written = match api {
                        $(ApiKey::$api => <$request as Request>::Response::default().encode(&mut out, version),)+
                    };
                    if written.is_ok() {
                        all.push([&[byte(index), byte(at)][..], &out.finish().concat()].concat());
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
}

fn byte(index: usize) -> u8 {
    u8::try_from(index).expect("there are few")
}

/// An answer to a request, as an input of the target of responses.
pub(crate) fn answer(request: &[u8], response: &[u8]) -> Option<Vec<u8>> {
    let Ok(FrameHeader::Request { api, header }) = FrameHeader::decode(&mut Reader::new(request)) else { return None };
    let index = ApiKey::ALL.into_iter().position(|known| known == api)?;
    let version = usize::try_from(header.api_version - api.versions_handled().min).ok()?;
    Some([&[byte(index), byte(version)][..], response].concat())
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
    let Ok(FrameHeader::Request { api, header }) = FrameHeader::decode(&mut reader) else { return Verdict::Refused };
    let version = header.api_version;
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

fn response(input: &[u8]) -> Verdict {
    let Some((&[api, version], rest)) = input.split_first_chunk::<2>() else { return Verdict::Refused };
    let api = ApiKey::ALL[usize::from(api) % ApiKey::ALL.len()];
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
