//! DescribeGroups (key 15): the state and members of groups of the classic protocol. Versions 0-6.
//!
//! Generated from `schemas/kafka/describe_groups.txt` by `cargo run -p schemas -- generate`; edit the table.

use bytes::Bytes;

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// The state and members of groups of the classic protocol.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeGroupsRequest {
    pub groups: Vec<String>,
    /// Versions 3+.
    pub include_authorized_operations: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribedGroupMember {
    pub member_id: String,
    /// Versions 4+.
    pub group_instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub member_metadata: Bytes,
    pub member_assignment: Bytes,
}

impl DescribedGroupMember {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let member_id = reader.string("DescribedGroupMember.member_id", layout)?;
        let group_instance_id =
            if version >= 4 { reader.nullable_string("DescribedGroupMember.group_instance_id", layout)? } else { None };
        let client_id = reader.string("DescribedGroupMember.client_id", layout)?;
        let client_host = reader.string("DescribedGroupMember.client_host", layout)?;
        let member_metadata = reader
            .nullable_bytes("DescribedGroupMember.member_metadata", layout)
            .and_then(|bytes| reader.required("DescribedGroupMember.member_metadata", bytes))?;
        let member_assignment = reader
            .nullable_bytes("DescribedGroupMember.member_assignment", layout)
            .and_then(|bytes| reader.required("DescribedGroupMember.member_assignment", bytes))?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribedGroupMember")?;
        }
        Ok(Self { member_id, group_instance_id, client_id, client_host, member_metadata, member_assignment })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DescribedGroupMember.member_id", &self.member_id, layout)?;
        if version >= 4 {
            match &self.group_instance_id {
                Some(value) => {
                    write_string(out, "DescribedGroupMember.group_instance_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        write_string(out, "DescribedGroupMember.client_id", &self.client_id, layout)?;
        write_string(out, "DescribedGroupMember.client_host", &self.client_host, layout)?;
        write_len(out, "DescribedGroupMember.member_metadata", self.member_metadata.len(), layout)?;
        out.put_slice(&self.member_metadata);
        write_len(out, "DescribedGroupMember.member_assignment", self.member_assignment.len(), layout)?;
        out.put_slice(&self.member_assignment);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedGroup {
    pub error_code: i16,
    /// Versions 6+.
    pub error_message: Option<String>,
    pub group_id: String,
    pub group_state: String,
    pub protocol_type: String,
    /// The protocol chosen, empty before there is one.
    pub protocol_data: String,
    pub members: Vec<DescribedGroupMember>,
    /// A bit each; the least number when not asked for. Versions 3+.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: String::new(),
            group_state: String::new(),
            protocol_type: String::new(),
            protocol_data: String::new(),
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl DescribedGroup {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let error_code = reader.i16("DescribedGroup.error_code")?;
        let error_message =
            if version >= 6 { reader.nullable_string("DescribedGroup.error_message", layout)? } else { None };
        let group_id = reader.string("DescribedGroup.group_id", layout)?;
        let group_state = reader.string("DescribedGroup.group_state", layout)?;
        let protocol_type = reader.string("DescribedGroup.protocol_type", layout)?;
        let protocol_data = reader.string("DescribedGroup.protocol_data", layout)?;
        let members = reader
            .array("DescribedGroup.members", layout, 7, |reader| DescribedGroupMember::decode(reader, version))?;
        let authorized_operations =
            if version >= 3 { reader.i32("DescribedGroup.authorized_operations")? } else { i32::MIN };
        if layout == Layout::Flexible {
            reader.skip_tags("DescribedGroup")?;
        }
        Ok(Self {
            error_code,
            error_message,
            group_id,
            group_state,
            protocol_type,
            protocol_data,
            members,
            authorized_operations,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.error_code);
        if version >= 6 {
            match &self.error_message {
                Some(value) => {
                    write_string(out, "DescribedGroup.error_message", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        } else if self.error_message.is_some() {
            return Err(EncodeError::NotInVersion { field: "DescribedGroup.error_message", version });
        }
        write_string(out, "DescribedGroup.group_id", &self.group_id, layout)?;
        write_string(out, "DescribedGroup.group_state", &self.group_state, layout)?;
        write_string(out, "DescribedGroup.protocol_type", &self.protocol_type, layout)?;
        write_string(out, "DescribedGroup.protocol_data", &self.protocol_data, layout)?;
        write_len(out, "DescribedGroup.members", self.members.len(), layout)?;
        for item in &self.members {
            item.encode(out, version)?;
        }
        if version >= 3 {
            out.put_i32(self.authorized_operations);
        } else if self.authorized_operations != i32::MIN {
            return Err(EncodeError::NotInVersion { field: "DescribedGroup.authorized_operations", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeGroupsResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

impl Message for DescribeGroupsRequest {
    const API: ApiKey = ApiKey::DescribeGroups;
    const NAME: &'static str = "DescribeGroupsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let groups = reader.array("DescribeGroupsRequest.groups", layout, 1, |reader| {
            reader.string("DescribeGroupsRequest.groups", layout)
        })?;
        let include_authorized_operations =
            if version >= 3 { reader.bool("DescribeGroupsRequest.include_authorized_operations")? } else { false };
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeGroupsRequest")?;
        }
        Ok(Self { groups, include_authorized_operations })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "DescribeGroupsRequest.groups", self.groups.len(), layout)?;
        for item in &self.groups {
            write_string(out, "DescribeGroupsRequest.groups", item, layout)?;
        }
        if version >= 3 {
            out.put_bool(self.include_authorized_operations);
        } else if self.include_authorized_operations {
            return Err(EncodeError::NotInVersion {
                field: "DescribeGroupsRequest.include_authorized_operations",
                version,
            });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for DescribeGroupsRequest {
    type Response = DescribeGroupsResponse;
}

impl Message for DescribeGroupsResponse {
    const API: ApiKey = ApiKey::DescribeGroups;
    const NAME: &'static str = "DescribeGroupsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 1 { reader.i32("DescribeGroupsResponse.throttle_time_ms")? } else { 0 };
        let groups = reader
            .array("DescribeGroupsResponse.groups", layout, 12, |reader| DescribedGroup::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeGroupsResponse")?;
        }
        Ok(Self { throttle_time_ms, groups })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        write_len(out, "DescribeGroupsResponse.groups", self.groups.len(), layout)?;
        for item in &self.groups {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 5 { Layout::Flexible } else { Layout::Classic }
}
