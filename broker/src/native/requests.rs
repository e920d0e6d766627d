//! From a native frame to what answers it.

use std::rc::Rc;

use wire::ErrorCode;
use wire::native::{
    ApiKey, BrokerStatusRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    DescribeTopicRequest, Features, FetchClose, FetchGrant, FetchOpen, Hello, HelloReply, InitProducerReply,
    InitProducerRequest, ListOffsetsRequest, ListPartitionsRequest, MetadataRequest, MovePartitionRequest,
};

use super::connection::{Arrived, Connection};
use super::{admin, metadata, partitions, produce, status, streams};
use crate::refusal::Refusal;

/// Starts the work of a request; an error means that the connection must be closed.
pub(super) fn take(connection: &Rc<Connection>, arrived: Arrived) -> Result<(), String> {
    let known = arrived.prefix.api_key().filter(|api| api.versions().contains(&arrived.prefix.version()));
    let Some(api) = known else {
        let (number, version) = (arrived.prefix.api_number(), arrived.prefix.version());
        let text = format!("API {number} version {version} is not served");
        connection.refuse(&arrived.prefix, &Refusal::new(ErrorCode::UnsupportedVersion, text));
        return Ok(());
    };
    connection.core.requests.native(api);
    if api != ApiKey::Hello && !connection.greeted.get() {
        return Err("the first request of a native connection is Hello".to_owned());
    }
    let result = match api {
        ApiKey::Hello => hello(connection, &arrived),
        ApiKey::Produce => return produce::produce(connection, arrived),
        ApiKey::FetchOpen => arrived.open::<FetchOpen>().and_then(|open| streams::open(connection, &arrived, &open)),
        ApiKey::FetchGrant => {
            // Grants and closes have no answers; a stream that has just ended may still get some.
            return arrived.open::<FetchGrant>().map(|grant| streams::grant(connection, grant)).map_err(text);
        }
        ApiKey::FetchClose => {
            return arrived.open::<FetchClose>().map(|close| streams::close(connection, close)).map_err(text);
        }
        ApiKey::Metadata => arrived.open::<MetadataRequest>().map(|request| {
            metadata::metadata(connection, arrived.prefix.correlation, &request);
        }),
        ApiKey::ListOffsets => {
            arrived.open::<ListOffsetsRequest>().map(|request| metadata::list_offsets(connection, &arrived, request))
        }
        ApiKey::DescribeTopic => arrived
            .open::<DescribeTopicRequest>()
            .and_then(|request| metadata::describe_topic(connection, &arrived, &request)),
        ApiKey::CreateTopics => {
            arrived.open::<CreateTopicsRequest>().map(|request| admin::create_topics(connection, &arrived, &request))
        }
        ApiKey::DeleteTopics => {
            arrived.open::<DeleteTopicsRequest>().map(|request| admin::delete_topics(connection, &arrived, &request))
        }
        ApiKey::CreatePartitions => arrived
            .open::<CreatePartitionsRequest>()
            .map(|request| admin::create_partitions(connection, &arrived, &request)),
        ApiKey::InitProducer => {
            arrived.open::<InitProducerRequest>().and_then(|request| init_producer(connection, &arrived, &request))
        }
        ApiKey::BrokerStatus => {
            arrived.open::<BrokerStatusRequest>().map(|_| status::broker_status(connection, &arrived))
        }
        ApiKey::ListPartitions => arrived
            .open::<ListPartitionsRequest<'_>>()
            .and_then(|request| partitions::list(connection, &arrived, &request)),
        ApiKey::MovePartition => arrived
            .open::<MovePartitionRequest<'_>>()
            .map(|request| partitions::move_one(connection, &arrived, &request)),
        ApiKey::FetchData | ApiKey::FetchEnded => {
            return Err(format!("{api:?} is sent by brokers only"));
        }
    };
    if let Err(refusal) = result {
        connection.refuse(&arrived.prefix, &refusal);
    }
    Ok(())
}

fn text(refusal: Refusal) -> String {
    refusal.text().to_owned()
}

fn hello(connection: &Rc<Connection>, arrived: &Arrived) -> Result<(), Refusal> {
    let hello: Hello<'_> = arrived.open()?;
    tracing::debug!(software = hello.software, version = hello.version, "native client");
    let core = &connection.core;
    let endpoints = core.identity.native.iter().map(|endpoint| endpoint.to_wire()).collect();
    connection.greeted.set(true);
    let reply = HelloReply {
        software: "corelane",
        version: env!("CARGO_PKG_VERSION"),
        features: hello.wanted_features.common(Features::NONE),
        cluster_id: &core.identity.cluster_id,
        broker: core.identity.broker,
        core: core.id,
        core_count: core.cores(),
        frame_bytes_max: connection.limits.frame_bytes_max(),
        requests_in_flight_max: u32::try_from(core.config.connection_requests_max).unwrap_or(u32::MAX),
        core_endpoints: endpoints,
    };
    connection.reply(arrived.prefix.correlation, &reply);
    Ok(())
}

fn init_producer(
    connection: &Rc<Connection>,
    arrived: &Arrived,
    request: &InitProducerRequest<'_>,
) -> Result<(), Refusal> {
    if request.transactional_id.is_some() {
        return Err(Refusal::new(ErrorCode::InvalidRequest, "transactions are not available in this version"));
    }
    let (prefix, worker) = (arrived.prefix, Rc::clone(connection));
    connection.later(arrived, async move {
        match worker.core.new_producer_id().await {
            Ok(producer) => {
                let reply = InitProducerReply { producer, epoch: base::ProducerEpoch::ZERO };
                worker.reply(prefix.correlation, &reply);
            }
            Err(refusal) => worker.refuse(&prefix, &refusal),
        }
    });
    Ok(())
}
