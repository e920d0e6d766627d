//! JoinGroup (key 11): enters a group of the classic protocol, and waits for its next generation. Versions 0-9.
//!
//! Generated from `schemas/kafka/join_group.txt` by `cargo run -p schemas -- generate`; edit the table.

use bytes::Bytes;

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JoinGroupRequestProtocol {
    pub name: String,
    /// For consumers a version and a subscription.
    pub metadata: Bytes,
}

impl JoinGroupRequestProtocol {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("JoinGroupRequestProtocol.name", layout)?;
        let metadata = reader
            .nullable_bytes("JoinGroupRequestProtocol.metadata", layout)
            .and_then(|bytes| reader.required("JoinGroupRequestProtocol.metadata", bytes))?;
        if layout == Layout::Flexible {
            reader.skip_tags("JoinGroupRequestProtocol")?;
        }
        Ok(Self { name, metadata })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "JoinGroupRequestProtocol.name", &self.name, layout)?;
        write_len(out, "JoinGroupRequestProtocol.metadata", self.metadata.len(), layout)?;
        out.put_slice(&self.metadata);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Enters a group of the classic protocol, and waits for its next generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupRequest {
    pub group_id: String,
    pub session_timeout_ms: i32,
    /// -1: the session's timeout. Versions 1+.
    pub rebalance_timeout_ms: i32,
    /// Empty for a member that has none yet.
    pub member_id: String,
    /// A static member's name, which outlives its connection. Versions 5+.
    pub group_instance_id: Option<String>,
    pub protocol_type: String,
    /// In the order of preference.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// For the broker's log. Versions 8+.
    pub reason: Option<String>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: String::new(),
            group_instance_id: None,
            protocol_type: String::new(),
            protocols: Vec::new(),
            reason: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JoinGroupResponseMember {
    pub member_id: String,
    /// Versions 5+.
    pub group_instance_id: Option<String>,
    pub metadata: Bytes,
}

impl JoinGroupResponseMember {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let member_id = reader.string("JoinGroupResponseMember.member_id", layout)?;
        let group_instance_id = if version >= 5 {
            reader.nullable_string("JoinGroupResponseMember.group_instance_id", layout)?
        } else {
            None
        };
        let metadata = reader
            .nullable_bytes("JoinGroupResponseMember.metadata", layout)
            .and_then(|bytes| reader.required("JoinGroupResponseMember.metadata", bytes))?;
        if layout == Layout::Flexible {
            reader.skip_tags("JoinGroupResponseMember")?;
        }
        Ok(Self { member_id, group_instance_id, metadata })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "JoinGroupResponseMember.member_id", &self.member_id, layout)?;
        if version >= 5 {
            match &self.group_instance_id {
                Some(value) => {
                    write_string(out, "JoinGroupResponseMember.group_instance_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        write_len(out, "JoinGroupResponseMember.metadata", self.metadata.len(), layout)?;
        out.put_slice(&self.metadata);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupResponse {
    /// Versions 2+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub generation_id: i32,
    /// Versions 7+.
    pub protocol_type: Option<String>,
    /// What the coordinator has chosen.
    pub protocol_name: Option<String>,
    pub leader: String,
    /// The leader keeps the assignment that there is. Versions 9+.
    pub skip_assignment: bool,
    pub member_id: String,
    /// For the leader only.
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(String::new()),
            leader: String::new(),
            skip_assignment: false,
            member_id: String::new(),
            members: Vec::new(),
        }
    }
}

impl Message for JoinGroupRequest {
    const API: ApiKey = ApiKey::JoinGroup;
    const NAME: &'static str = "JoinGroupRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let group_id = reader.string("JoinGroupRequest.group_id", layout)?;
        let session_timeout_ms = reader.i32("JoinGroupRequest.session_timeout_ms")?;
        let rebalance_timeout_ms = if version >= 1 { reader.i32("JoinGroupRequest.rebalance_timeout_ms")? } else { -1 };
        let member_id = reader.string("JoinGroupRequest.member_id", layout)?;
        let group_instance_id =
            if version >= 5 { reader.nullable_string("JoinGroupRequest.group_instance_id", layout)? } else { None };
        let protocol_type = reader.string("JoinGroupRequest.protocol_type", layout)?;
        let protocols = reader.array("JoinGroupRequest.protocols", layout, 3, |reader| {
            JoinGroupRequestProtocol::decode(reader, version)
        })?;
        let reason = if version >= 8 { reader.nullable_string("JoinGroupRequest.reason", layout)? } else { None };
        if layout == Layout::Flexible {
            reader.skip_tags("JoinGroupRequest")?;
        }
        Ok(Self {
            group_id,
            session_timeout_ms,
            rebalance_timeout_ms,
            member_id,
            group_instance_id,
            protocol_type,
            protocols,
            reason,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_string(out, "JoinGroupRequest.group_id", &self.group_id, layout)?;
        out.put_i32(self.session_timeout_ms);
        if version >= 1 {
            out.put_i32(self.rebalance_timeout_ms);
        }
        write_string(out, "JoinGroupRequest.member_id", &self.member_id, layout)?;
        if version >= 5 {
            match &self.group_instance_id {
                Some(value) => {
                    write_string(out, "JoinGroupRequest.group_instance_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion { field: "JoinGroupRequest.group_instance_id", version });
        }
        write_string(out, "JoinGroupRequest.protocol_type", &self.protocol_type, layout)?;
        write_len(out, "JoinGroupRequest.protocols", self.protocols.len(), layout)?;
        for item in &self.protocols {
            item.encode(out, version)?;
        }
        if version >= 8 {
            match &self.reason {
                Some(value) => {
                    write_string(out, "JoinGroupRequest.reason", value, layout)?;
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

impl Request for JoinGroupRequest {
    type Response = JoinGroupResponse;
}

impl Message for JoinGroupResponse {
    const API: ApiKey = ApiKey::JoinGroup;
    const NAME: &'static str = "JoinGroupResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 2 { reader.i32("JoinGroupResponse.throttle_time_ms")? } else { 0 };
        let error_code = reader.i16("JoinGroupResponse.error_code")?;
        let generation_id = reader.i32("JoinGroupResponse.generation_id")?;
        let protocol_type =
            if version >= 7 { reader.nullable_string("JoinGroupResponse.protocol_type", layout)? } else { None };
        let protocol_name = if version >= 7 {
            reader.nullable_string("JoinGroupResponse.protocol_name", layout)?
        } else {
            Some(reader.string("JoinGroupResponse.protocol_name", layout)?)
        };
        let leader = reader.string("JoinGroupResponse.leader", layout)?;
        let skip_assignment = if version >= 9 { reader.bool("JoinGroupResponse.skip_assignment")? } else { false };
        let member_id = reader.string("JoinGroupResponse.member_id", layout)?;
        let members = reader
            .array("JoinGroupResponse.members", layout, 4, |reader| JoinGroupResponseMember::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("JoinGroupResponse")?;
        }
        Ok(Self {
            throttle_time_ms,
            error_code,
            generation_id,
            protocol_type,
            protocol_name,
            leader,
            skip_assignment,
            member_id,
            members,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 2 {
            out.put_i32(self.throttle_time_ms);
        }
        out.put_i16(self.error_code);
        out.put_i32(self.generation_id);
        if version >= 7 {
            match &self.protocol_type {
                Some(value) => {
                    write_string(out, "JoinGroupResponse.protocol_type", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        match &self.protocol_name {
            Some(value) => {
                write_string(out, "JoinGroupResponse.protocol_name", value, layout)?;
            }
            None if version >= 7 => write_null_string(out, layout),
            None => return Err(EncodeError::Null { field: "JoinGroupResponse.protocol_name", version }),
        }
        write_string(out, "JoinGroupResponse.leader", &self.leader, layout)?;
        if version >= 9 {
            out.put_bool(self.skip_assignment);
        } else if self.skip_assignment {
            return Err(EncodeError::NotInVersion { field: "JoinGroupResponse.skip_assignment", version });
        }
        write_string(out, "JoinGroupResponse.member_id", &self.member_id, layout)?;
        write_len(out, "JoinGroupResponse.members", self.members.len(), layout)?;
        for item in &self.members {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 6 { Layout::Flexible } else { Layout::Classic }
}
