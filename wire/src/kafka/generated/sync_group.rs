//! SyncGroup (key 14): hands out the assignment that the group's leader has made. Versions 0-5.
//!
//! Generated from `schemas/kafka/sync_group.txt` by `cargo run -p schemas -- generate`; edit the table.

use bytes::Bytes;

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncGroupRequestAssignment {
    pub member_id: String,
    /// For consumers a version and an assignment.
    pub assignment: Bytes,
}

impl SyncGroupRequestAssignment {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let member_id = reader.string("SyncGroupRequestAssignment.member_id", layout)?;
        let assignment = reader
            .nullable_bytes("SyncGroupRequestAssignment.assignment", layout)
            .and_then(|bytes| reader.required("SyncGroupRequestAssignment.assignment", bytes))?;
        if layout == Layout::Flexible {
            reader.skip_tags("SyncGroupRequestAssignment")?;
        }
        Ok(Self { member_id, assignment })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "SyncGroupRequestAssignment.member_id", &self.member_id, layout)?;
        write_len(out, "SyncGroupRequestAssignment.assignment", self.assignment.len(), layout)?;
        out.put_slice(&self.assignment);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Hands out the assignment that the group's leader has made.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncGroupRequest {
    pub group_id: String,
    pub generation_id: i32,
    pub member_id: String,
    /// Versions 3+.
    pub group_instance_id: Option<String>,
    /// Versions 5+.
    pub protocol_type: Option<String>,
    /// Versions 5+.
    pub protocol_name: Option<String>,
    /// From the leader only.
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncGroupResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Versions 5+.
    pub protocol_type: Option<String>,
    /// Versions 5+.
    pub protocol_name: Option<String>,
    pub assignment: Bytes,
}

impl Message for SyncGroupRequest {
    const API: ApiKey = ApiKey::SyncGroup;
    const NAME: &'static str = "SyncGroupRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let group_id = reader.string("SyncGroupRequest.group_id", layout)?;
        let generation_id = reader.i32("SyncGroupRequest.generation_id")?;
        let member_id = reader.string("SyncGroupRequest.member_id", layout)?;
        let group_instance_id =
            if version >= 3 { reader.nullable_string("SyncGroupRequest.group_instance_id", layout)? } else { None };
        let protocol_type =
            if version >= 5 { reader.nullable_string("SyncGroupRequest.protocol_type", layout)? } else { None };
        let protocol_name =
            if version >= 5 { reader.nullable_string("SyncGroupRequest.protocol_name", layout)? } else { None };
        let assignments = reader.array("SyncGroupRequest.assignments", layout, 3, |reader| {
            SyncGroupRequestAssignment::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("SyncGroupRequest")?;
        }
        Ok(Self { group_id, generation_id, member_id, group_instance_id, protocol_type, protocol_name, assignments })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_string(out, "SyncGroupRequest.group_id", &self.group_id, layout)?;
        out.put_i32(self.generation_id);
        write_string(out, "SyncGroupRequest.member_id", &self.member_id, layout)?;
        if version >= 3 {
            match &self.group_instance_id {
                Some(value) => {
                    write_string(out, "SyncGroupRequest.group_instance_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion { field: "SyncGroupRequest.group_instance_id", version });
        }
        if version >= 5 {
            match &self.protocol_type {
                Some(value) => {
                    write_string(out, "SyncGroupRequest.protocol_type", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        if version >= 5 {
            match &self.protocol_name {
                Some(value) => {
                    write_string(out, "SyncGroupRequest.protocol_name", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        write_len(out, "SyncGroupRequest.assignments", self.assignments.len(), layout)?;
        for item in &self.assignments {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for SyncGroupRequest {
    type Response = SyncGroupResponse;
}

impl Message for SyncGroupResponse {
    const API: ApiKey = ApiKey::SyncGroup;
    const NAME: &'static str = "SyncGroupResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 1 { reader.i32("SyncGroupResponse.throttle_time_ms")? } else { 0 };
        let error_code = reader.i16("SyncGroupResponse.error_code")?;
        let protocol_type =
            if version >= 5 { reader.nullable_string("SyncGroupResponse.protocol_type", layout)? } else { None };
        let protocol_name =
            if version >= 5 { reader.nullable_string("SyncGroupResponse.protocol_name", layout)? } else { None };
        let assignment = reader
            .nullable_bytes("SyncGroupResponse.assignment", layout)
            .and_then(|bytes| reader.required("SyncGroupResponse.assignment", bytes))?;
        if layout == Layout::Flexible {
            reader.skip_tags("SyncGroupResponse")?;
        }
        Ok(Self { throttle_time_ms, error_code, protocol_type, protocol_name, assignment })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        out.put_i16(self.error_code);
        if version >= 5 {
            match &self.protocol_type {
                Some(value) => {
                    write_string(out, "SyncGroupResponse.protocol_type", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        if version >= 5 {
            match &self.protocol_name {
                Some(value) => {
                    write_string(out, "SyncGroupResponse.protocol_name", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        write_len(out, "SyncGroupResponse.assignment", self.assignment.len(), layout)?;
        out.put_slice(&self.assignment);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 4 { Layout::Flexible } else { Layout::Classic }
}
