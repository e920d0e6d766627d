//! The Kafka protocol: frames, headers, and every message in each version that we handle.
//!
//! The messages are generated from the tables in `schemas/kafka`, in both directions: the broker decodes requests and
//! encodes responses, the command line and the load generator do the reverse. Each message is a struct that owns its
//! parts ([`Message`]). Those that carry records also have a view that borrows from the frame and allocates nothing
//! ([`produce::ProduceRequestView`], [`produce::ProduceResponseView`], [`fetch::FetchRequestView`],
//! [`fetch::FetchResponseView`]).
//!
//! A broker takes a frame in these steps:
//!
//! 1. [`frame::peek_length`] until the frame is whole;
//! 2. [`FrameHeader::decode`], which tells an API or version that we lack from bytes that are damaged;
//! 3. the message's `decode`, or its view's `parse`, then [`Reader::finish`];
//! 4. [`frame::write_response`] into a [`Gather`](crate::gather::Gather).

mod api_key;
mod error;
pub mod frame;
mod generated;
pub mod group_records;
mod header;
mod message;
mod reader;
mod view;
mod write;

pub use api_key::{VersionRange, advertised_versions};
pub use error::{DecodeError, EncodeError, Fault};
pub use generated::api_key::ApiKey;
pub use generated::*;
pub use header::{FrameHeader, RequestHeader, ResponseHeader};
pub use message::{Message, Request};
pub use reader::Reader;
pub use view::{ArrayIter, ArrayView, View};
