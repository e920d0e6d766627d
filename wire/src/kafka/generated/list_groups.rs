//! ListGroups (key 16): the groups that a broker coordinates. Versions 0-5.
//!
//! Generated from `schemas/kafka/list_groups.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// The groups that a broker coordinates.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListGroupsRequest {
    /// Empty asks for all. Versions 4+.
    pub states_filter: Vec<String>,
    /// Empty asks for all. Versions 5+.
    pub types_filter: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListedGroup {
    pub group_id: String,
    pub protocol_type: String,
    /// Versions 4+.
    pub group_state: String,
    /// Versions 5+.
    pub group_type: String,
}

impl ListedGroup {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let group_id = reader.string("ListedGroup.group_id", layout)?;
        let protocol_type = reader.string("ListedGroup.protocol_type", layout)?;
        let group_state = if version >= 4 { reader.string("ListedGroup.group_state", layout)? } else { String::new() };
        let group_type = if version >= 5 { reader.string("ListedGroup.group_type", layout)? } else { String::new() };
        if layout == Layout::Flexible {
            reader.skip_tags("ListedGroup")?;
        }
        Ok(Self { group_id, protocol_type, group_state, group_type })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "ListedGroup.group_id", &self.group_id, layout)?;
        write_string(out, "ListedGroup.protocol_type", &self.protocol_type, layout)?;
        if version >= 4 {
            write_string(out, "ListedGroup.group_state", &self.group_state, layout)?;
        }
        if version >= 5 {
            write_string(out, "ListedGroup.group_type", &self.group_type, layout)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListGroupsResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub groups: Vec<ListedGroup>,
}

impl Message for ListGroupsRequest {
    const API: ApiKey = ApiKey::ListGroups;
    const NAME: &'static str = "ListGroupsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let states_filter = if version >= 4 {
            reader.array("ListGroupsRequest.states_filter", layout, 1, |reader| {
                reader.string("ListGroupsRequest.states_filter", layout)
            })?
        } else {
            Vec::new()
        };
        let types_filter = if version >= 5 {
            reader.array("ListGroupsRequest.types_filter", layout, 1, |reader| {
                reader.string("ListGroupsRequest.types_filter", layout)
            })?
        } else {
            Vec::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("ListGroupsRequest")?;
        }
        Ok(Self { states_filter, types_filter })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 4 {
            write_len(out, "ListGroupsRequest.states_filter", self.states_filter.len(), layout)?;
            for item in &self.states_filter {
                write_string(out, "ListGroupsRequest.states_filter", item, layout)?;
            }
        } else if !self.states_filter.is_empty() {
            return Err(EncodeError::NotInVersion { field: "ListGroupsRequest.states_filter", version });
        }
        if version >= 5 {
            write_len(out, "ListGroupsRequest.types_filter", self.types_filter.len(), layout)?;
            for item in &self.types_filter {
                write_string(out, "ListGroupsRequest.types_filter", item, layout)?;
            }
        } else if !self.types_filter.is_empty() {
            return Err(EncodeError::NotInVersion { field: "ListGroupsRequest.types_filter", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for ListGroupsRequest {
    type Response = ListGroupsResponse;
}

impl Message for ListGroupsResponse {
    const API: ApiKey = ApiKey::ListGroups;
    const NAME: &'static str = "ListGroupsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 1 { reader.i32("ListGroupsResponse.throttle_time_ms")? } else { 0 };
        let error_code = reader.i16("ListGroupsResponse.error_code")?;
        let groups =
            reader.array("ListGroupsResponse.groups", layout, 3, |reader| ListedGroup::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("ListGroupsResponse")?;
        }
        Ok(Self { throttle_time_ms, error_code, groups })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        out.put_i16(self.error_code);
        write_len(out, "ListGroupsResponse.groups", self.groups.len(), layout)?;
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
    if version >= 3 { Layout::Flexible } else { Layout::Classic }
}
