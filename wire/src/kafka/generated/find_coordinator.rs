//! FindCoordinator (key 10): which broker looks after a group or a transactional id. Versions 0-6.
//!
//! Generated from `schemas/kafka/find_coordinator.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// Which broker looks after a group or a transactional id.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FindCoordinatorRequest {
    /// Versions 0-3.
    pub key: String,
    /// 0: a group, 1: a transactional id, 2: a share group's partition. Versions 1+.
    pub key_type: i8,
    /// Versions 4+.
    pub coordinator_keys: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinator {
    pub key: String,
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            key: String::new(),
            node_id: 0,
            host: String::new(),
            port: 0,
            error_code: 0,
            error_message: Some(String::new()),
        }
    }
}

impl Coordinator {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let key = reader.string("Coordinator.key", Layout::Flexible)?;
        let node_id = reader.i32("Coordinator.node_id")?;
        let host = reader.string("Coordinator.host", Layout::Flexible)?;
        let port = reader.i32("Coordinator.port")?;
        let error_code = reader.i16("Coordinator.error_code")?;
        let error_message = reader.nullable_string("Coordinator.error_message", Layout::Flexible)?;
        reader.skip_tags("Coordinator")?;
        Ok(Self { key, node_id, host, port, error_code, error_message })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "Coordinator.key", &self.key, Layout::Flexible)?;
        out.put_i32(self.node_id);
        write_string(out, "Coordinator.host", &self.host, Layout::Flexible)?;
        out.put_i32(self.port);
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "Coordinator.error_message", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindCoordinatorResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0-3.
    pub error_code: i16,
    /// Versions 1-3.
    pub error_message: Option<String>,
    /// Versions 0-3.
    pub node_id: i32,
    /// Versions 0-3.
    pub host: String,
    /// Versions 0-3.
    pub port: i32,
    /// Versions 4+.
    pub coordinators: Vec<Coordinator>,
}

impl Default for FindCoordinatorResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(String::new()),
            node_id: 0,
            host: String::new(),
            port: 0,
            coordinators: Vec::new(),
        }
    }
}

impl Message for FindCoordinatorRequest {
    const API: ApiKey = ApiKey::FindCoordinator;
    const NAME: &'static str = "FindCoordinatorRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let key = if version <= 3 { reader.string("FindCoordinatorRequest.key", layout)? } else { String::new() };
        let key_type = if version >= 1 { reader.i8("FindCoordinatorRequest.key_type")? } else { 0 };
        let coordinator_keys = if version >= 4 {
            reader.array("FindCoordinatorRequest.coordinator_keys", layout, 1, |reader| {
                reader.string("FindCoordinatorRequest.coordinator_keys", layout)
            })?
        } else {
            Vec::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("FindCoordinatorRequest")?;
        }
        Ok(Self { key, key_type, coordinator_keys })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version <= 3 {
            write_string(out, "FindCoordinatorRequest.key", &self.key, layout)?;
        } else if !self.key.is_empty() {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorRequest.key", version });
        }
        if version >= 1 {
            out.put_i8(self.key_type);
        } else if self.key_type != 0 {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorRequest.key_type", version });
        }
        if version >= 4 {
            write_len(out, "FindCoordinatorRequest.coordinator_keys", self.coordinator_keys.len(), layout)?;
            for item in &self.coordinator_keys {
                write_string(out, "FindCoordinatorRequest.coordinator_keys", item, layout)?;
            }
        } else if !self.coordinator_keys.is_empty() {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorRequest.coordinator_keys", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for FindCoordinatorRequest {
    type Response = FindCoordinatorResponse;
}

impl Message for FindCoordinatorResponse {
    const API: ApiKey = ApiKey::FindCoordinator;
    const NAME: &'static str = "FindCoordinatorResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = if version >= 1 { reader.i32("FindCoordinatorResponse.throttle_time_ms")? } else { 0 };
        let error_code = if version <= 3 { reader.i16("FindCoordinatorResponse.error_code")? } else { 0 };
        let error_message = if (1..=3).contains(&version) {
            reader.nullable_string("FindCoordinatorResponse.error_message", layout)?
        } else {
            Some(String::new())
        };
        let node_id = if version <= 3 { reader.i32("FindCoordinatorResponse.node_id")? } else { 0 };
        let host = if version <= 3 { reader.string("FindCoordinatorResponse.host", layout)? } else { String::new() };
        let port = if version <= 3 { reader.i32("FindCoordinatorResponse.port")? } else { 0 };
        let coordinators = if version >= 4 {
            reader.array("FindCoordinatorResponse.coordinators", layout, 14, |reader| {
                Coordinator::decode(reader, version)
            })?
        } else {
            Vec::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("FindCoordinatorResponse")?;
        }
        Ok(Self { throttle_time_ms, error_code, error_message, node_id, host, port, coordinators })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        if version <= 3 {
            out.put_i16(self.error_code);
        } else if self.error_code != 0 {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorResponse.error_code", version });
        }
        if (1..=3).contains(&version) {
            match &self.error_message {
                Some(value) => {
                    write_string(out, "FindCoordinatorResponse.error_message", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        if version <= 3 {
            out.put_i32(self.node_id);
        } else if self.node_id != 0 {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorResponse.node_id", version });
        }
        if version <= 3 {
            write_string(out, "FindCoordinatorResponse.host", &self.host, layout)?;
        } else if !self.host.is_empty() {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorResponse.host", version });
        }
        if version <= 3 {
            out.put_i32(self.port);
        } else if self.port != 0 {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorResponse.port", version });
        }
        if version >= 4 {
            write_len(out, "FindCoordinatorResponse.coordinators", self.coordinators.len(), layout)?;
            for item in &self.coordinators {
                item.encode(out, version)?;
            }
        } else if !self.coordinators.is_empty() {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorResponse.coordinators", version });
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
