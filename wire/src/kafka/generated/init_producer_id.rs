//! InitProducerId (key 22): gives a producer its id and epoch. Versions 0-5.
//!
//! Generated from `schemas/kafka/init_producer_id.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// Gives a producer its id and epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitProducerIdRequest {
    /// Null for a producer that is idempotent only.
    pub transactional_id: Option<String>,
    pub transaction_timeout_ms: i32,
    /// What the producer holds already, to have its epoch raised. Versions 3+.
    pub producer_id: i64,
    /// Versions 3+.
    pub producer_epoch: i16,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self { transactional_id: Some(String::new()), transaction_timeout_ms: 0, producer_id: -1, producer_epoch: -1 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self { throttle_time_ms: 0, error_code: 0, producer_id: -1, producer_epoch: 0 }
    }
}

impl Message for InitProducerIdRequest {
    const API: ApiKey = ApiKey::InitProducerId;
    const NAME: &'static str = "InitProducerIdRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let transactional_id = reader.nullable_string("InitProducerIdRequest.transactional_id", layout)?;
        let transaction_timeout_ms = reader.i32("InitProducerIdRequest.transaction_timeout_ms")?;
        let producer_id = if version >= 3 { reader.i64("InitProducerIdRequest.producer_id")? } else { -1 };
        let producer_epoch = if version >= 3 { reader.i16("InitProducerIdRequest.producer_epoch")? } else { -1 };
        if layout == Layout::Flexible {
            reader.skip_tags("InitProducerIdRequest")?;
        }
        Ok(Self { transactional_id, transaction_timeout_ms, producer_id, producer_epoch })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        match &self.transactional_id {
            Some(value) => {
                write_string(out, "InitProducerIdRequest.transactional_id", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        out.put_i32(self.transaction_timeout_ms);
        if version >= 3 {
            out.put_i64(self.producer_id);
        } else if self.producer_id != -1 {
            return Err(EncodeError::NotInVersion { field: "InitProducerIdRequest.producer_id", version });
        }
        if version >= 3 {
            out.put_i16(self.producer_epoch);
        } else if self.producer_epoch != -1 {
            return Err(EncodeError::NotInVersion { field: "InitProducerIdRequest.producer_epoch", version });
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for InitProducerIdRequest {
    type Response = InitProducerIdResponse;
}

impl Message for InitProducerIdResponse {
    const API: ApiKey = ApiKey::InitProducerId;
    const NAME: &'static str = "InitProducerIdResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let throttle_time_ms = reader.i32("InitProducerIdResponse.throttle_time_ms")?;
        let error_code = reader.i16("InitProducerIdResponse.error_code")?;
        let producer_id = reader.i64("InitProducerIdResponse.producer_id")?;
        let producer_epoch = reader.i16("InitProducerIdResponse.producer_epoch")?;
        if layout == Layout::Flexible {
            reader.skip_tags("InitProducerIdResponse")?;
        }
        Ok(Self { throttle_time_ms, error_code, producer_id, producer_epoch })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i32(self.throttle_time_ms);
        out.put_i16(self.error_code);
        out.put_i64(self.producer_id);
        out.put_i16(self.producer_epoch);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 2 { Layout::Flexible } else { Layout::Classic }
}
