//! Batches on their way out: a stream that the broker feeds within the client's credit.

use base::{CoreId, Offset, PartitionIndex, TopicId};

use super::message::{
    Builder, Incoming, Message, MessageError, Outgoing, core, offset, optional_core, root, topic, uuid,
};
use super::{ApiKey, ErrorCode, Role, StageTimings, StreamId};
use crate::generated::native as schema;

/// Opens a stream of one partition's batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchOpen {
    pub stream: StreamId,
    pub topic: TopicId,
    pub partition: PartitionIndex,
    /// The first record wanted; the first batch may begin before it.
    pub offset: Offset,
    /// Bytes of batches that may be pushed before the next grant. The last push may exceed it by one batch.
    pub credit_bytes: u32,
    /// Bytes of batches in one frame, but always one whole batch.
    pub frame_bytes_max: u32,
}

/// The stream is open; batches follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchOpened {
    pub stream: StreamId,
    pub high_watermark: Option<Offset>,
    pub log_start_offset: Option<Offset>,
}

/// Whole batches, which are the frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchData {
    pub stream: StreamId,
    /// Base offset of the first batch.
    pub base_offset: Option<Offset>,
    /// The offset after the last batch, where the next frame goes on.
    pub next_offset: Option<Offset>,
    pub high_watermark: Option<Offset>,
    pub log_start_offset: Option<Offset>,
    pub timings: Option<StageTimings>,
    /// Where the partition is, if that is not the core that serves the connection.
    pub core: Option<CoreId>,
}

/// More credit for a stream. Not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchGrant {
    pub stream: StreamId,
    pub bytes: u32,
}

/// The client wants no more. Frames on their way still arrive; [`FetchEnded`] is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchClose {
    pub stream: StreamId,
}

/// The last frame of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchEnded<'a> {
    pub stream: StreamId,
    /// Success when the client closed the stream.
    pub error: ErrorCode,
    pub message: Option<&'a str>,
}

impl Message for FetchOpen {
    const API: ApiKey = ApiKey::FetchOpen;
    const ROLE: Role = Role::Request;
}

impl Outgoing for FetchOpen {
    fn encode(&self, builder: &mut Builder<'_>) {
        let args = schema::FetchOpenArgs {
            stream: self.stream.0,
            topic: Some(&uuid(self.topic)),
            partition: self.partition.0,
            offset: self.offset.to_wire(),
            credit_bytes: self.credit_bytes,
            frame_bytes_max: self.frame_bytes_max,
        };
        let root = schema::FetchOpen::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for FetchOpen {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let open = root::<schema::FetchOpen<'_>>(header)?;
        let refused = MessageError::Field { field: "fetch offset", got: open.offset() };
        Ok(Self {
            stream: StreamId(open.stream()),
            topic: topic(open.topic())?,
            partition: PartitionIndex(open.partition()),
            offset: Offset::from_wire(open.offset()).ok_or(refused)?,
            credit_bytes: open.credit_bytes(),
            frame_bytes_max: open.frame_bytes_max(),
        })
    }
}

impl Message for FetchOpened {
    const API: ApiKey = ApiKey::FetchOpen;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for FetchOpened {
    fn encode(&self, builder: &mut Builder<'_>) {
        let args = schema::FetchOpenedArgs {
            stream: self.stream.0,
            high_watermark: offset(self.high_watermark),
            log_start_offset: offset(self.log_start_offset),
        };
        let root = schema::FetchOpened::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for FetchOpened {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let opened = root::<schema::FetchOpened<'_>>(header)?;
        Ok(Self {
            stream: StreamId(opened.stream()),
            high_watermark: Offset::from_wire(opened.high_watermark()),
            log_start_offset: Offset::from_wire(opened.log_start_offset()),
        })
    }
}

impl Message for FetchData {
    const API: ApiKey = ApiKey::FetchData;
    const ROLE: Role = Role::Push;
}

impl Outgoing for FetchData {
    fn encode(&self, builder: &mut Builder<'_>) {
        let timings = self.timings.map(StageTimings::to_schema);
        let args = schema::FetchDataArgs {
            stream: self.stream.0,
            base_offset: offset(self.base_offset),
            next_offset: offset(self.next_offset),
            high_watermark: offset(self.high_watermark),
            log_start_offset: offset(self.log_start_offset),
            timings: timings.as_ref(),
            core: core(self.core),
        };
        let root = schema::FetchData::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for FetchData {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let data = root::<schema::FetchData<'_>>(header)?;
        Ok(Self {
            stream: StreamId(data.stream()),
            base_offset: Offset::from_wire(data.base_offset()),
            next_offset: Offset::from_wire(data.next_offset()),
            high_watermark: Offset::from_wire(data.high_watermark()),
            log_start_offset: Offset::from_wire(data.log_start_offset()),
            timings: data.timings().map(StageTimings::from_schema),
            core: optional_core(data.core()),
        })
    }
}

impl Message for FetchGrant {
    const API: ApiKey = ApiKey::FetchGrant;
    const ROLE: Role = Role::Request;
}

impl Outgoing for FetchGrant {
    fn encode(&self, builder: &mut Builder<'_>) {
        let args = schema::FetchGrantArgs { stream: self.stream.0, bytes: self.bytes };
        let root = schema::FetchGrant::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for FetchGrant {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let grant = root::<schema::FetchGrant<'_>>(header)?;
        Ok(Self { stream: StreamId(grant.stream()), bytes: grant.bytes() })
    }
}

impl Message for FetchClose {
    const API: ApiKey = ApiKey::FetchClose;
    const ROLE: Role = Role::Request;
}

impl Outgoing for FetchClose {
    fn encode(&self, builder: &mut Builder<'_>) {
        let root = schema::FetchClose::create(builder, &schema::FetchCloseArgs { stream: self.stream.0 });
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for FetchClose {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let close = root::<schema::FetchClose<'_>>(header)?;
        Ok(Self { stream: StreamId(close.stream()) })
    }
}

impl Message for FetchEnded<'_> {
    const API: ApiKey = ApiKey::FetchEnded;
    const ROLE: Role = Role::Push;
}

impl Outgoing for FetchEnded<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let message = self.message.map(|message| builder.create_string(message));
        let args = schema::FetchEndedArgs { stream: self.stream.0, error: self.error.0, message };
        let root = schema::FetchEnded::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for FetchEnded<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let ended = root::<schema::FetchEnded<'a>>(header)?;
        Ok(Self { stream: StreamId(ended.stream()), error: ErrorCode(ended.error()), message: ended.message() })
    }
}
