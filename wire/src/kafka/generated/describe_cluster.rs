//! DescribeCluster (key 60): the brokers and the controller. Versions 0-2.
//!
//! Generated from `schemas/kafka/describe_cluster.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// The brokers and the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescribeClusterRequest {
    pub include_cluster_authorized_operations: bool,
    /// 1 brokers, 2 controllers. Versions 1+.
    pub endpoint_type: i8,
    /// Versions 2+.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self { include_cluster_authorized_operations: false, endpoint_type: 1, include_fenced_brokers: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DescribeClusterBroker {
    pub broker_id: i32,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
    /// Versions 2+.
    pub is_fenced: bool,
}

impl DescribeClusterBroker {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let broker_id = reader.i32("DescribeClusterBroker.broker_id")?;
        let host = reader.string("DescribeClusterBroker.host", Layout::Flexible)?;
        let port = reader.i32("DescribeClusterBroker.port")?;
        let rack = reader.nullable_string("DescribeClusterBroker.rack", Layout::Flexible)?;
        let is_fenced = if version >= 2 { reader.bool("DescribeClusterBroker.is_fenced")? } else { false };
        reader.skip_tags("DescribeClusterBroker")?;
        Ok(Self { broker_id, host, port, rack, is_fenced })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.broker_id);
        write_string(out, "DescribeClusterBroker.host", &self.host, Layout::Flexible)?;
        out.put_i32(self.port);
        match &self.rack {
            Some(value) => {
                write_string(out, "DescribeClusterBroker.rack", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        if version >= 2 {
            out.put_bool(self.is_fenced);
        } else if self.is_fenced {
            return Err(EncodeError::NotInVersion { field: "DescribeClusterBroker.is_fenced", version });
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeClusterResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    /// Versions 1+.
    pub endpoint_type: i8,
    pub cluster_id: String,
    pub controller_id: i32,
    pub brokers: Vec<DescribeClusterBroker>,
    /// A bit per operation; the smallest number when not asked for.
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            endpoint_type: 1,
            cluster_id: String::new(),
            controller_id: -1,
            brokers: Vec::new(),
            cluster_authorized_operations: i32::MIN,
        }
    }
}

impl Message for DescribeClusterRequest {
    const API: ApiKey = ApiKey::DescribeCluster;
    const NAME: &'static str = "DescribeClusterRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let include_cluster_authorized_operations =
            reader.bool("DescribeClusterRequest.include_cluster_authorized_operations")?;
        let endpoint_type = if version >= 1 { reader.i8("DescribeClusterRequest.endpoint_type")? } else { 1 };
        let include_fenced_brokers =
            if version >= 2 { reader.bool("DescribeClusterRequest.include_fenced_brokers")? } else { false };
        reader.skip_tags("DescribeClusterRequest")?;
        Ok(Self { include_cluster_authorized_operations, endpoint_type, include_fenced_brokers })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_bool(self.include_cluster_authorized_operations);
        if version >= 1 {
            out.put_i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            return Err(EncodeError::NotInVersion { field: "DescribeClusterRequest.endpoint_type", version });
        }
        if version >= 2 {
            out.put_bool(self.include_fenced_brokers);
        } else if self.include_fenced_brokers {
            return Err(EncodeError::NotInVersion { field: "DescribeClusterRequest.include_fenced_brokers", version });
        }
        out.put_uvarint(0);
        Ok(())
    }
}

impl Request for DescribeClusterRequest {
    type Response = DescribeClusterResponse;
}

impl Message for DescribeClusterResponse {
    const API: ApiKey = ApiKey::DescribeCluster;
    const NAME: &'static str = "DescribeClusterResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let throttle_time_ms = reader.i32("DescribeClusterResponse.throttle_time_ms")?;
        let error_code = reader.i16("DescribeClusterResponse.error_code")?;
        let error_message = reader.nullable_string("DescribeClusterResponse.error_message", Layout::Flexible)?;
        let endpoint_type = if version >= 1 { reader.i8("DescribeClusterResponse.endpoint_type")? } else { 1 };
        let cluster_id = reader.string("DescribeClusterResponse.cluster_id", Layout::Flexible)?;
        let controller_id = reader.i32("DescribeClusterResponse.controller_id")?;
        let brokers = reader.array("DescribeClusterResponse.brokers", Layout::Flexible, 11, |reader| {
            DescribeClusterBroker::decode(reader, version)
        })?;
        let cluster_authorized_operations = reader.i32("DescribeClusterResponse.cluster_authorized_operations")?;
        reader.skip_tags("DescribeClusterResponse")?;
        Ok(Self {
            throttle_time_ms,
            error_code,
            error_message,
            endpoint_type,
            cluster_id,
            controller_id,
            brokers,
            cluster_authorized_operations,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i32(self.throttle_time_ms);
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "DescribeClusterResponse.error_message", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        if version >= 1 {
            out.put_i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            return Err(EncodeError::NotInVersion { field: "DescribeClusterResponse.endpoint_type", version });
        }
        write_string(out, "DescribeClusterResponse.cluster_id", &self.cluster_id, Layout::Flexible)?;
        out.put_i32(self.controller_id);
        write_len(out, "DescribeClusterResponse.brokers", self.brokers.len(), Layout::Flexible)?;
        for item in &self.brokers {
            item.encode(out, version)?;
        }
        out.put_i32(self.cluster_authorized_operations);
        out.put_uvarint(0);
        Ok(())
    }
}
