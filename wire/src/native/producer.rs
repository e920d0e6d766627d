//! An identity for an idempotent producer.

use base::{ProducerEpoch, ProducerId};

use super::message::{Builder, Incoming, Message, MessageError, Outgoing, root};
use super::{ApiKey, Role};
use crate::generated::native as schema;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitProducerRequest<'a> {
    pub transactional_id: Option<&'a str>,
    pub timeout_ms: u32,
    /// What the producer had before, to continue it with the next epoch.
    pub previous: Option<InitProducerReply>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitProducerReply {
    pub producer: ProducerId,
    pub epoch: ProducerEpoch,
}

/// Reads an identity; `None` when the wire says that there is none.
fn identity(producer: i64, epoch: i16) -> Result<Option<InitProducerReply>, MessageError> {
    match (ProducerId::from_wire(producer), ProducerEpoch::from_wire(epoch)) {
        (Some(producer), Some(epoch)) => Ok(Some(InitProducerReply { producer, epoch })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(MessageError::Field { field: "producer epoch", got: i64::from(epoch) }),
        (None, Some(_)) => Err(MessageError::Field { field: "producer id", got: producer }),
    }
}

impl Message for InitProducerRequest<'_> {
    const API: ApiKey = ApiKey::InitProducer;
    const ROLE: Role = Role::Request;
}

impl Outgoing for InitProducerRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let args = schema::InitProducerRequestArgs {
            transactional_id: self.transactional_id.map(|id| builder.create_string(id)),
            timeout_ms: self.timeout_ms,
            producer_id: self.previous.map_or(-1, |previous| previous.producer.to_wire()),
            producer_epoch: self.previous.map_or(-1, |previous| previous.epoch.to_wire()),
        };
        let root = schema::InitProducerRequest::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for InitProducerRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::InitProducerRequest<'a>>(header)?;
        Ok(Self {
            transactional_id: request.transactional_id(),
            timeout_ms: request.timeout_ms(),
            previous: identity(request.producer_id(), request.producer_epoch())?,
        })
    }
}

impl Message for InitProducerReply {
    const API: ApiKey = ApiKey::InitProducer;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for InitProducerReply {
    fn encode(&self, builder: &mut Builder<'_>) {
        let args = schema::InitProducerReplyArgs {
            producer_id: self.producer.to_wire(),
            producer_epoch: self.epoch.to_wire(),
        };
        let root = schema::InitProducerReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for InitProducerReply {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::InitProducerReply<'_>>(header)?;
        identity(reply.producer_id(), reply.producer_epoch())?.ok_or(MessageError::Missing { field: "producer id" })
    }
}
