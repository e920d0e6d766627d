//! DeleteGroups (key 42): deletes groups that have no members. Versions 0-2.
//!
//! Generated from `schemas/kafka/delete_groups.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// Deletes groups that have no members.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteGroupsRequest {
    pub groups_names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeletableGroupResult {
    pub group_id: String,
    pub error_code: i16,
}

impl DeletableGroupResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let group_id = reader.string("DeletableGroupResult.group_id", layout)?;
        let error_code = reader.i16("DeletableGroupResult.error_code")?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeletableGroupResult")?;
        }
        Ok(Self { group_id, error_code })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DeletableGroupResult.group_id", &self.group_id, layout)?;
        out.put_i16(self.error_code);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteGroupsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DeletableGroupResult>,
}

impl Message for DeleteGroupsRequest {
    const API: ApiKey = ApiKey::DeleteGroups;
    const NAME: &'static str = "DeleteGroupsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let groups_names = reader.array("DeleteGroupsRequest.groups_names", layout, 1, |reader| {
            reader.string("DeleteGroupsRequest.groups_names", layout)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteGroupsRequest")?;
        }
        Ok(Self { groups_names })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "DeleteGroupsRequest.groups_names", self.groups_names.len(), layout)?;
        for item in &self.groups_names {
            write_string(out, "DeleteGroupsRequest.groups_names", item, layout)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for DeleteGroupsRequest {
    type Response = DeleteGroupsResponse;
}

impl Message for DeleteGroupsResponse {
    const API: ApiKey = ApiKey::DeleteGroups;
    const NAME: &'static str = "DeleteGroupsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("DeleteGroupsResponse.throttle_time_ms")?;
        let results = reader
            .array("DeleteGroupsResponse.results", layout, 4, |reader| DeletableGroupResult::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteGroupsResponse")?;
        }
        Ok(Self { throttle_time_ms, results })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "DeleteGroupsResponse.results", self.results.len(), layout)?;
        for item in &self.results {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 2 { Layout::Flexible } else { Layout::Classic }
}
