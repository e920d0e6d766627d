//! Heartbeat (key 12): tells that a member of the classic protocol is alive, and learns of a rebalance. Versions 0-4.
//!
//! Generated from `schemas/kafka/heartbeat.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// Tells that a member of the classic protocol is alive, and learns of a rebalance.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HeartbeatRequest {
    pub group_id: String,
    pub generation_id: i32,
    pub member_id: String,
    /// Versions 3+.
    pub group_instance_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HeartbeatResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl Message for HeartbeatRequest {
    const API: ApiKey = ApiKey::Heartbeat;
    const NAME: &'static str = "HeartbeatRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let group_id = reader.string("HeartbeatRequest.group_id", layout)?;
        let generation_id = reader.i32("HeartbeatRequest.generation_id")?;
        let member_id = reader.string("HeartbeatRequest.member_id", layout)?;
        let group_instance_id =
            if version >= 3 { reader.nullable_string("HeartbeatRequest.group_instance_id", layout)? } else { None };
        if layout == Layout::Flexible {
            reader.skip_tags("HeartbeatRequest")?;
        }
        Ok(Self { group_id, generation_id, member_id, group_instance_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_string(out, "HeartbeatRequest.group_id", &self.group_id, layout)?;
        out.put_i32(self.generation_id);
        write_string(out, "HeartbeatRequest.member_id", &self.member_id, layout)?;
        if version >= 3 {
            match &self.group_instance_id {
                Some(value) => {
                    write_string(out, "HeartbeatRequest.group_instance_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion { field: "HeartbeatRequest.group_instance_id", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for HeartbeatRequest {
    type Response = HeartbeatResponse;
}

impl Message for HeartbeatResponse {
    const API: ApiKey = ApiKey::Heartbeat;
    const NAME: &'static str = "HeartbeatResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 1 { reader.i32("HeartbeatResponse.throttle_time_ms")? } else { 0 };
        let error_code = reader.i16("HeartbeatResponse.error_code")?;
        if layout == Layout::Flexible {
            reader.skip_tags("HeartbeatResponse")?;
        }
        Ok(Self { throttle_time_ms, error_code })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        out.put_i16(self.error_code);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 4 { Layout::Flexible } else { Layout::Classic }
}
