//! The native door: pipelined requests answered as they are done, and fetch streams that push data as it becomes safe.

mod admin;
pub(crate) mod connection;
mod metadata;
mod outbox;
mod partitions;
mod produce;
mod requests;
mod status;
mod streams;

use wire::native::{ErrorCode as NativeCode, ErrorReply};

use crate::refusal::Refusal;

/// The protocol carries Kafka's codes.
fn native_code(refusal: &Refusal) -> NativeCode {
    NativeCode(refusal.code.code())
}

fn error_reply(refusal: &Refusal) -> ErrorReply<'_> {
    ErrorReply { code: native_code(refusal), message: refusal.text() }
}
