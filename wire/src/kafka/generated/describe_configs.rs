//! DescribeConfigs (key 32): the settings of topics and brokers. Versions 1-4.
//!
//! Generated from `schemas/kafka/describe_configs.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeConfigsResource {
    /// 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    pub resource_name: String,
    /// Null for all.
    pub configuration_keys: Option<Vec<String>>,
}

impl Default for DescribeConfigsResource {
    fn default() -> Self {
        Self { resource_type: 0, resource_name: String::new(), configuration_keys: Some(Vec::new()) }
    }
}

impl DescribeConfigsResource {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let resource_type = reader.i8("DescribeConfigsResource.resource_type")?;
        let resource_name = reader.string("DescribeConfigsResource.resource_name", layout)?;
        let configuration_keys =
            reader.nullable_array("DescribeConfigsResource.configuration_keys", layout, 1, |reader| {
                reader.string("DescribeConfigsResource.configuration_keys", layout)
            })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeConfigsResource")?;
        }
        Ok(Self { resource_type, resource_name, configuration_keys })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i8(self.resource_type);
        write_string(out, "DescribeConfigsResource.resource_name", &self.resource_name, layout)?;
        match &self.configuration_keys {
            Some(value) => {
                write_len(out, "DescribeConfigsResource.configuration_keys", value.len(), layout)?;
                for item in value {
                    write_string(out, "DescribeConfigsResource.configuration_keys", item, layout)?;
                }
            }
            None => write_null(out, layout),
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// The settings of topics and brokers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeConfigsRequest {
    pub resources: Vec<DescribeConfigsResource>,
    pub include_synonyms: bool,
    /// Versions 3+.
    pub include_documentation: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeConfigsSynonym {
    pub name: String,
    pub value: Option<String>,
    pub source: i8,
}

impl Default for DescribeConfigsSynonym {
    fn default() -> Self {
        Self { name: String::new(), value: Some(String::new()), source: 0 }
    }
}

impl DescribeConfigsSynonym {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("DescribeConfigsSynonym.name", layout)?;
        let value = reader.nullable_string("DescribeConfigsSynonym.value", layout)?;
        let source = reader.i8("DescribeConfigsSynonym.source")?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeConfigsSynonym")?;
        }
        Ok(Self { name, value, source })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DescribeConfigsSynonym.name", &self.name, layout)?;
        match &self.value {
            Some(value) => {
                write_string(out, "DescribeConfigsSynonym.value", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_i8(self.source);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeConfigsResourceResult {
    pub name: String,
    /// Null when sensitive.
    pub value: Option<String>,
    pub read_only: bool,
    /// 1 topic, 2 broker, 3 all brokers, 4 file, 5 default.
    pub config_source: i8,
    pub is_sensitive: bool,
    /// Where else the value could come from, nearest first.
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password. Versions 3+.
    pub config_type: i8,
    /// Versions 3+.
    pub documentation: Option<String>,
}

impl Default for DescribeConfigsResourceResult {
    fn default() -> Self {
        Self {
            name: String::new(),
            value: Some(String::new()),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
            synonyms: Vec::new(),
            config_type: 0,
            documentation: Some(String::new()),
        }
    }
}

impl DescribeConfigsResourceResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = reader.string("DescribeConfigsResourceResult.name", layout)?;
        let value = reader.nullable_string("DescribeConfigsResourceResult.value", layout)?;
        let read_only = reader.bool("DescribeConfigsResourceResult.read_only")?;
        let config_source = reader.i8("DescribeConfigsResourceResult.config_source")?;
        let is_sensitive = reader.bool("DescribeConfigsResourceResult.is_sensitive")?;
        let synonyms = reader.array("DescribeConfigsResourceResult.synonyms", layout, 4, |reader| {
            DescribeConfigsSynonym::decode(reader, version)
        })?;
        let config_type = if version >= 3 { reader.i8("DescribeConfigsResourceResult.config_type")? } else { 0 };
        let documentation = if version >= 3 {
            reader.nullable_string("DescribeConfigsResourceResult.documentation", layout)?
        } else {
            Some(String::new())
        };
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeConfigsResourceResult")?;
        }
        Ok(Self { name, value, read_only, config_source, is_sensitive, synonyms, config_type, documentation })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "DescribeConfigsResourceResult.name", &self.name, layout)?;
        match &self.value {
            Some(value) => {
                write_string(out, "DescribeConfigsResourceResult.value", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_bool(self.read_only);
        out.put_i8(self.config_source);
        out.put_bool(self.is_sensitive);
        write_len(out, "DescribeConfigsResourceResult.synonyms", self.synonyms.len(), layout)?;
        for item in &self.synonyms {
            item.encode(out, version)?;
        }
        if version >= 3 {
            out.put_i8(self.config_type);
        }
        if version >= 3 {
            match &self.documentation {
                Some(value) => {
                    write_string(out, "DescribeConfigsResourceResult.documentation", value, layout)?;
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeConfigsResult {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub resource_type: i8,
    pub resource_name: String,
    pub configs: Vec<DescribeConfigsResourceResult>,
}

impl Default for DescribeConfigsResult {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(String::new()),
            resource_type: 0,
            resource_name: String::new(),
            configs: Vec::new(),
        }
    }
}

impl DescribeConfigsResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let error_code = reader.i16("DescribeConfigsResult.error_code")?;
        let error_message = reader.nullable_string("DescribeConfigsResult.error_message", layout)?;
        let resource_type = reader.i8("DescribeConfigsResult.resource_type")?;
        let resource_name = reader.string("DescribeConfigsResult.resource_name", layout)?;
        let configs = reader.array("DescribeConfigsResult.configs", layout, 9, |reader| {
            DescribeConfigsResourceResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeConfigsResult")?;
        }
        Ok(Self { error_code, error_message, resource_type, resource_name, configs })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "DescribeConfigsResult.error_message", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_i8(self.resource_type);
        write_string(out, "DescribeConfigsResult.resource_name", &self.resource_name, layout)?;
        write_len(out, "DescribeConfigsResult.configs", self.configs.len(), layout)?;
        for item in &self.configs {
            item.encode(out, version)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeConfigsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DescribeConfigsResult>,
}

impl Message for DescribeConfigsRequest {
    const API: ApiKey = ApiKey::DescribeConfigs;
    const NAME: &'static str = "DescribeConfigsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let resources = reader.array("DescribeConfigsRequest.resources", layout, 4, |reader| {
            DescribeConfigsResource::decode(reader, version)
        })?;
        let include_synonyms = reader.bool("DescribeConfigsRequest.include_synonyms")?;
        let include_documentation =
            if version >= 3 { reader.bool("DescribeConfigsRequest.include_documentation")? } else { false };
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeConfigsRequest")?;
        }
        Ok(Self { resources, include_synonyms, include_documentation })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        write_len(out, "DescribeConfigsRequest.resources", self.resources.len(), layout)?;
        for item in &self.resources {
            item.encode(out, version)?;
        }
        out.put_bool(self.include_synonyms);
        if version >= 3 {
            out.put_bool(self.include_documentation);
        } else if self.include_documentation {
            return Err(EncodeError::NotInVersion { field: "DescribeConfigsRequest.include_documentation", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for DescribeConfigsRequest {
    type Response = DescribeConfigsResponse;
}

impl Message for DescribeConfigsResponse {
    const API: ApiKey = ApiKey::DescribeConfigs;
    const NAME: &'static str = "DescribeConfigsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("DescribeConfigsResponse.throttle_time_ms")?;
        let results = reader.array("DescribeConfigsResponse.results", layout, 7, |reader| {
            DescribeConfigsResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DescribeConfigsResponse")?;
        }
        Ok(Self { throttle_time_ms, results })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "DescribeConfigsResponse.results", self.results.len(), layout)?;
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
    if version >= 4 { Layout::Flexible } else { Layout::Classic }
}
