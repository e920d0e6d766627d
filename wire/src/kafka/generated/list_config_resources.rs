//! ListConfigResources (key 74): the resources that have settings. Versions 0-1.
//!
//! Generated from `schemas/kafka/list_config_resources.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// The resources that have settings.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListConfigResourcesRequest {
    /// Empty asks for all that there are. Versions 1+.
    pub resource_types: Vec<i8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigResource {
    pub resource_name: String,
    /// 16: client metrics, the only one before version 1. Versions 1+.
    pub resource_type: i8,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self { resource_name: String::new(), resource_type: 16 }
    }
}

impl ConfigResource {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let resource_name = reader.string("ConfigResource.resource_name", Layout::Flexible)?;
        let resource_type = if version >= 1 { reader.i8("ConfigResource.resource_type")? } else { 16 };
        reader.skip_tags("ConfigResource")?;
        Ok(Self { resource_name, resource_type })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "ConfigResource.resource_name", &self.resource_name, Layout::Flexible)?;
        if version >= 1 {
            out.put_i8(self.resource_type);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListConfigResourcesResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub config_resources: Vec<ConfigResource>,
}

impl Message for ListConfigResourcesRequest {
    const API: ApiKey = ApiKey::ListConfigResources;
    const NAME: &'static str = "ListConfigResourcesRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let resource_types = if version >= 1 {
            reader.array("ListConfigResourcesRequest.resource_types", Layout::Flexible, 1, |reader| {
                reader.i8("ListConfigResourcesRequest.resource_types")
            })?
        } else {
            Vec::new()
        };
        reader.skip_tags("ListConfigResourcesRequest")?;
        Ok(Self { resource_types })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        if version >= 1 {
            write_len(out, "ListConfigResourcesRequest.resource_types", self.resource_types.len(), Layout::Flexible)?;
            for &item in &self.resource_types {
                out.put_i8(item);
            }
        } else if !self.resource_types.is_empty() {
            return Err(EncodeError::NotInVersion { field: "ListConfigResourcesRequest.resource_types", version });
        }
        out.put_uvarint(0);
        Ok(())
    }
}

impl Request for ListConfigResourcesRequest {
    type Response = ListConfigResourcesResponse;
}

impl Message for ListConfigResourcesResponse {
    const API: ApiKey = ApiKey::ListConfigResources;
    const NAME: &'static str = "ListConfigResourcesResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let throttle_time_ms = reader.i32("ListConfigResourcesResponse.throttle_time_ms")?;
        let error_code = reader.i16("ListConfigResourcesResponse.error_code")?;
        let config_resources =
            reader.array("ListConfigResourcesResponse.config_resources", Layout::Flexible, 2, |reader| {
                ConfigResource::decode(reader, version)
            })?;
        reader.skip_tags("ListConfigResourcesResponse")?;
        Ok(Self { throttle_time_ms, error_code, config_resources })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i32(self.throttle_time_ms);
        out.put_i16(self.error_code);
        write_len(out, "ListConfigResourcesResponse.config_resources", self.config_resources.len(), Layout::Flexible)?;
        for item in &self.config_resources {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}
