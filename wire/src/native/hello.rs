//! The first exchange on a connection, and the answer to a request that failed.

use base::{BrokerId, CoreId};
use flatbuffers::{ForwardsUOffset, Vector, WIPOffset};

use super::message::{Builder, Incoming, Message, MessageError, Outgoing, root};
use super::{ApiKey, ErrorCode, Role};
use crate::generated::native as schema;

/// Abilities beyond the protocol's version, one bit each. None is defined yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub u64);

impl Features {
    pub const NONE: Self = Self(0);

    /// What both sides have.
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Who the client is. Must be the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    pub software: &'a str,
    pub version: &'a str,
    pub wanted_features: Features,
}

/// Who the broker is, and how to use this connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloReply<'a> {
    pub software: &'a str,
    pub version: &'a str,
    pub features: Features,
    pub cluster_id: &'a str,
    pub broker: BrokerId,
    /// The core that serves this connection.
    pub core: CoreId,
    pub core_count: u16,
    pub frame_bytes_max: u32,
    pub requests_in_flight_max: u32,
    /// By core: where to reach it directly. Empty when cores have no ports of their own.
    pub core_endpoints: Vec<Endpoint<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    pub host: &'a str,
    pub port: u16,
}

/// A request has failed as a whole. Belongs to any API: the prefix of its frame names that of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorReply<'a> {
    pub code: ErrorCode,
    pub message: &'a str,
}

type EndpointList<'a> = Vector<'a, ForwardsUOffset<schema::Endpoint<'a>>>;

pub(super) fn write_endpoints<'b>(
    builder: &mut Builder<'b>,
    endpoints: &[Endpoint<'_>],
) -> WIPOffset<Vector<'b, ForwardsUOffset<schema::Endpoint<'b>>>> {
    let written: Vec<_> = endpoints
        .iter()
        .map(|endpoint| {
            let host = Some(builder.create_string(endpoint.host));
            schema::Endpoint::create(builder, &schema::EndpointArgs { host, port: endpoint.port })
        })
        .collect();
    builder.create_vector(&written)
}

pub(super) fn read_endpoints(endpoints: EndpointList<'_>) -> Vec<Endpoint<'_>> {
    endpoints.iter().map(|endpoint| Endpoint { host: endpoint.host(), port: endpoint.port() }).collect()
}

impl Message for Hello<'_> {
    const API: ApiKey = ApiKey::Hello;
    const ROLE: Role = Role::Request;
}

impl Outgoing for Hello<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let software = Some(builder.create_string(self.software));
        let version = Some(builder.create_string(self.version));
        let args = schema::HelloArgs { software, version, wanted_features: self.wanted_features.0 };
        let root = schema::Hello::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for Hello<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let hello = root::<schema::Hello<'a>>(header)?;
        Ok(Self {
            software: hello.software(),
            version: hello.version(),
            wanted_features: Features(hello.wanted_features()),
        })
    }
}

impl Message for HelloReply<'_> {
    const API: ApiKey = ApiKey::Hello;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for HelloReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let core_endpoints = Some(write_endpoints(builder, &self.core_endpoints));
        let args = schema::HelloReplyArgs {
            software: Some(builder.create_string(self.software)),
            version: Some(builder.create_string(self.version)),
            features: self.features.0,
            cluster_id: Some(builder.create_string(self.cluster_id)),
            broker_id: self.broker.0,
            core: self.core.0,
            core_count: self.core_count,
            frame_bytes_max: self.frame_bytes_max,
            requests_in_flight_max: self.requests_in_flight_max,
            core_endpoints,
        };
        let root = schema::HelloReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for HelloReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::HelloReply<'a>>(header)?;
        Ok(Self {
            software: reply.software(),
            version: reply.version(),
            features: Features(reply.features()),
            cluster_id: reply.cluster_id(),
            broker: BrokerId(reply.broker_id()),
            core: CoreId(reply.core()),
            core_count: reply.core_count(),
            frame_bytes_max: reply.frame_bytes_max(),
            requests_in_flight_max: reply.requests_in_flight_max(),
            core_endpoints: read_endpoints(reply.core_endpoints()),
        })
    }
}

impl<'a> ErrorReply<'a> {
    /// Reads the header of a frame of [`Role::Error`].
    pub fn open(header: &'a [u8]) -> Result<Self, MessageError> {
        let reply = root::<schema::ErrorReply<'a>>(header)?;
        Ok(Self { code: ErrorCode(reply.code()), message: reply.message() })
    }

    pub(super) fn encode(&self, builder: &mut Builder<'_>) {
        let message = Some(builder.create_string(self.message));
        let root = schema::ErrorReply::create(builder, &schema::ErrorReplyArgs { code: self.code.0, message });
        builder.finish_minimal(root);
    }
}
