//! AlterConfigs (key 33): replaces all settings of a topic or broker by those named. Versions 0-2.
//!
//! Generated from `schemas/kafka/alter_configs.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterableConfig {
    pub name: String,
    /// Null takes the setting back to its default.
    pub value: Option<String>,
}

impl Default for AlterableConfig {
    fn default() -> Self {
        Self { name: String::new(), value: Some(String::new()) }
    }
}

impl AlterableConfig {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("AlterableConfig.name", layout)?;
        let value = reader.nullable_string("AlterableConfig.value", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("AlterableConfig")?;
        }
        Ok(Self { name, value })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "AlterableConfig.name", &self.name, layout)?;
        match &self.value {
            Some(value) => {
                write_string(out, "AlterableConfig.value", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AlterConfigsResource {
    /// 2 a topic, 4 a broker, 8 a broker's loggers, 16 client metrics, 32 a group.
    pub resource_type: i8,
    pub resource_name: String,
    pub configs: Vec<AlterableConfig>,
}

impl AlterConfigsResource {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let resource_type = reader.i8("AlterConfigsResource.resource_type")?;
        let resource_name = reader.string("AlterConfigsResource.resource_name", layout)?;
        let configs = reader
            .array("AlterConfigsResource.configs", layout, 3, |reader| AlterableConfig::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("AlterConfigsResource")?;
        }
        Ok(Self { resource_type, resource_name, configs })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i8(self.resource_type);
        write_string(out, "AlterConfigsResource.resource_name", &self.resource_name, layout)?;
        write_len(out, "AlterConfigsResource.configs", self.configs.len(), layout)?;
        for item in &self.configs {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// Replaces all settings of a topic or broker by those named.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AlterConfigsRequest {
    pub resources: Vec<AlterConfigsResource>,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfigsResourceResponse {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub resource_type: i8,
    pub resource_name: String,
}

impl Default for AlterConfigsResourceResponse {
    fn default() -> Self {
        Self { error_code: 0, error_message: Some(String::new()), resource_type: 0, resource_name: String::new() }
    }
}

impl AlterConfigsResourceResponse {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let error_code = reader.i16("AlterConfigsResourceResponse.error_code")?;
        let error_message = reader.nullable_string("AlterConfigsResourceResponse.error_message", layout)?;
        let resource_type = reader.i8("AlterConfigsResourceResponse.resource_type")?;
        let resource_name = reader.string("AlterConfigsResourceResponse.resource_name", layout)?;
        if layout == Layout::Flexible {
            reader.skip_tags("AlterConfigsResourceResponse")?;
        }
        Ok(Self { error_code, error_message, resource_type, resource_name })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "AlterConfigsResourceResponse.error_message", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_i8(self.resource_type);
        write_string(out, "AlterConfigsResourceResponse.resource_name", &self.resource_name, layout)?;
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AlterConfigsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Message for AlterConfigsRequest {
    const API: ApiKey = ApiKey::AlterConfigs;
    const NAME: &'static str = "AlterConfigsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let resources = reader.array("AlterConfigsRequest.resources", layout, 4, |reader| {
            AlterConfigsResource::decode(reader, version)
        })?;
        let validate_only = reader.bool("AlterConfigsRequest.validate_only")?;
        if layout == Layout::Flexible {
            reader.skip_tags("AlterConfigsRequest")?;
        }
        Ok(Self { resources, validate_only })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "AlterConfigsRequest.resources", self.resources.len(), layout)?;
        for item in &self.resources {
            item.encode(out, version)?;
        }
        out.put_bool(self.validate_only);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for AlterConfigsRequest {
    type Response = AlterConfigsResponse;
}

impl Message for AlterConfigsResponse {
    const API: ApiKey = ApiKey::AlterConfigs;
    const NAME: &'static str = "AlterConfigsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("AlterConfigsResponse.throttle_time_ms")?;
        let responses = reader.array("AlterConfigsResponse.responses", layout, 6, |reader| {
            AlterConfigsResourceResponse::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("AlterConfigsResponse")?;
        }
        Ok(Self { throttle_time_ms, responses })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "AlterConfigsResponse.responses", self.responses.len(), layout)?;
        for item in &self.responses {
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
