//! DeleteTopics (key 20). Versions 1-6.
//!
//! Generated from `schemas/kafka/delete_topics.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteTopicState {
    pub name: Option<String>,
    pub topic_id: u128,
}

impl DeleteTopicState {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.nullable_string("DeleteTopicState.name", Layout::Flexible)?;
        let topic_id = reader.uuid("DeleteTopicState.topic_id")?;
        reader.skip_tags("DeleteTopicState")?;
        Ok(Self { name, topic_id })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        match &self.name {
            Some(value) => {
                write_string(out, "DeleteTopicState.name", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_u128(self.topic_id);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteTopicsRequest {
    /// Each by name or by id. Versions 6+.
    pub topics: Vec<DeleteTopicState>,
    /// Versions 0-5.
    pub topic_names: Vec<String>,
    pub timeout_ms: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletableTopicResult {
    pub name: Option<String>,
    /// Versions 6+.
    pub topic_id: u128,
    pub error_code: i16,
    /// Versions 5+.
    pub error_message: Option<String>,
}

impl Default for DeletableTopicResult {
    fn default() -> Self {
        Self { name: Some(String::new()), topic_id: 0, error_code: 0, error_message: None }
    }
}

impl DeletableTopicResult {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let name = if version >= 6 {
            reader.nullable_string("DeletableTopicResult.name", layout)?
        } else {
            Some(reader.string("DeletableTopicResult.name", layout)?)
        };
        let topic_id = if version >= 6 { reader.uuid("DeletableTopicResult.topic_id")? } else { 0 };
        let error_code = reader.i16("DeletableTopicResult.error_code")?;
        let error_message =
            if version >= 5 { reader.nullable_string("DeletableTopicResult.error_message", layout)? } else { None };
        if layout == Layout::Flexible {
            reader.skip_tags("DeletableTopicResult")?;
        }
        Ok(Self { name, topic_id, error_code, error_message })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        match &self.name {
            Some(value) => {
                write_string(out, "DeletableTopicResult.name", value, layout)?;
            }
            None if version >= 6 => write_null_string(out, layout),
            None => return Err(EncodeError::Null { field: "DeletableTopicResult.name", version }),
        }
        if version >= 6 {
            out.put_u128(self.topic_id);
        }
        out.put_i16(self.error_code);
        if version >= 5 {
            match &self.error_message {
                Some(value) => {
                    write_string(out, "DeletableTopicResult.error_message", value, layout)?;
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

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteTopicsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<DeletableTopicResult>,
}

impl Message for DeleteTopicsRequest {
    const API: ApiKey = ApiKey::DeleteTopics;
    const NAME: &'static str = "DeleteTopicsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let topics = if version >= 6 {
            reader
                .array("DeleteTopicsRequest.topics", layout, 18, |reader| DeleteTopicState::decode(reader, version))?
        } else {
            Vec::new()
        };
        let topic_names = if version <= 5 {
            reader.array("DeleteTopicsRequest.topic_names", layout, 1, |reader| {
                reader.string("DeleteTopicsRequest.topic_names", layout)
            })?
        } else {
            Vec::new()
        };
        let timeout_ms = reader.i32("DeleteTopicsRequest.timeout_ms")?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteTopicsRequest")?;
        }
        Ok(Self { topics, topic_names, timeout_ms })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 6 {
            write_len(out, "DeleteTopicsRequest.topics", self.topics.len(), layout)?;
            for item in &self.topics {
                item.encode(out, version)?;
            }
        } else if !self.topics.is_empty() {
            return Err(EncodeError::NotInVersion { field: "DeleteTopicsRequest.topics", version });
        }
        if version <= 5 {
            write_len(out, "DeleteTopicsRequest.topic_names", self.topic_names.len(), layout)?;
            for item in &self.topic_names {
                write_string(out, "DeleteTopicsRequest.topic_names", item, layout)?;
            }
        }
        out.put_i32(self.timeout_ms);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for DeleteTopicsRequest {
    type Response = DeleteTopicsResponse;
}

impl Message for DeleteTopicsResponse {
    const API: ApiKey = ApiKey::DeleteTopics;
    const NAME: &'static str = "DeleteTopicsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("DeleteTopicsResponse.throttle_time_ms")?;
        let responses = reader.array("DeleteTopicsResponse.responses", layout, 4, |reader| {
            DeletableTopicResult::decode(reader, version)
        })?;
        if layout == Layout::Flexible {
            reader.skip_tags("DeleteTopicsResponse")?;
        }
        Ok(Self { throttle_time_ms, responses })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        write_len(out, "DeleteTopicsResponse.responses", self.responses.len(), layout)?;
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
    if version >= 4 { Layout::Flexible } else { Layout::Classic }
}
