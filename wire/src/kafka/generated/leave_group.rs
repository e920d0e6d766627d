//! LeaveGroup (key 13): takes members out of a group of the classic protocol. Versions 0-5.
//!
//! Generated from `schemas/kafka/leave_group.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MemberIdentity {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    /// For the broker's log. Versions 5+.
    pub reason: Option<String>,
}

impl MemberIdentity {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let member_id = reader.string("MemberIdentity.member_id", layout)?;
        let group_instance_id = reader.nullable_string("MemberIdentity.group_instance_id", layout)?;
        let reason = if version >= 5 { reader.nullable_string("MemberIdentity.reason", layout)? } else { None };
        if layout == Layout::Flexible {
            reader.skip_tags("MemberIdentity")?;
        }
        Ok(Self { member_id, group_instance_id, reason })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "MemberIdentity.member_id", &self.member_id, layout)?;
        match &self.group_instance_id {
            Some(value) => {
                write_string(out, "MemberIdentity.group_instance_id", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        if version >= 5 {
            match &self.reason {
                Some(value) => {
                    write_string(out, "MemberIdentity.reason", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Takes members out of a group of the classic protocol.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LeaveGroupRequest {
    pub group_id: String,
    /// Versions 0-2.
    pub member_id: String,
    /// Versions 3+.
    pub members: Vec<MemberIdentity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberResponse {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    pub error_code: i16,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self { member_id: String::new(), group_instance_id: Some(String::new()), error_code: 0 }
    }
}

impl MemberResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let member_id = reader.string("MemberResponse.member_id", layout)?;
        let group_instance_id = reader.nullable_string("MemberResponse.group_instance_id", layout)?;
        let error_code = reader.i16("MemberResponse.error_code")?;
        if layout == Layout::Flexible {
            reader.skip_tags("MemberResponse")?;
        }
        Ok(Self { member_id, group_instance_id, error_code })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "MemberResponse.member_id", &self.member_id, layout)?;
        match &self.group_instance_id {
            Some(value) => {
                write_string(out, "MemberResponse.group_instance_id", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_i16(self.error_code);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LeaveGroupResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Versions 3+.
    pub members: Vec<MemberResponse>,
}

impl Message for LeaveGroupRequest {
    const API: ApiKey = ApiKey::LeaveGroup;
    const NAME: &'static str = "LeaveGroupRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let group_id = reader.string("LeaveGroupRequest.group_id", layout)?;
        let member_id =
            if version <= 2 { reader.string("LeaveGroupRequest.member_id", layout)? } else { String::new() };
        let members = if version >= 3 {
            reader.array("LeaveGroupRequest.members", layout, 3, |reader| MemberIdentity::decode(reader, version))?
        } else {
            Vec::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("LeaveGroupRequest")?;
        }
        Ok(Self { group_id, member_id, members })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_string(out, "LeaveGroupRequest.group_id", &self.group_id, layout)?;
        if version <= 2 {
            write_string(out, "LeaveGroupRequest.member_id", &self.member_id, layout)?;
        } else if !self.member_id.is_empty() {
            return Err(EncodeError::NotInVersion { field: "LeaveGroupRequest.member_id", version });
        }
        if version >= 3 {
            write_len(out, "LeaveGroupRequest.members", self.members.len(), layout)?;
            for item in &self.members {
                item.encode(out, version)?;
            }
        } else if !self.members.is_empty() {
            return Err(EncodeError::NotInVersion { field: "LeaveGroupRequest.members", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for LeaveGroupRequest {
    type Response = LeaveGroupResponse;
}

impl Message for LeaveGroupResponse {
    const API: ApiKey = ApiKey::LeaveGroup;
    const NAME: &'static str = "LeaveGroupResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 1 { reader.i32("LeaveGroupResponse.throttle_time_ms")? } else { 0 };
        let error_code = reader.i16("LeaveGroupResponse.error_code")?;
        let members = if version >= 3 {
            reader.array("LeaveGroupResponse.members", layout, 5, |reader| MemberResponse::decode(reader, version))?
        } else {
            Vec::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("LeaveGroupResponse")?;
        }
        Ok(Self { throttle_time_ms, error_code, members })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        out.put_i16(self.error_code);
        if version >= 3 {
            write_len(out, "LeaveGroupResponse.members", self.members.len(), layout)?;
            for item in &self.members {
                item.encode(out, version)?;
            }
        } else if !self.members.is_empty() {
            return Err(EncodeError::NotInVersion { field: "LeaveGroupResponse.members", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 4 { Layout::Flexible } else { Layout::Classic }
}
