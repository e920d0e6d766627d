//! ApiVersions (key 18): which APIs and versions the broker serves; a client's first request. Versions 0-4.
//!
//! Generated from `schemas/kafka/api_versions.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::reader::Tag;
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

/// Which APIs and versions the broker serves; a client's first request.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ApiVersionsRequest {
    /// Versions 3+.
    pub client_software_name: String,
    /// Versions 3+.
    pub client_software_version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl ApiVersion {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let api_key = reader.i16("ApiVersion.api_key")?;
        let min_version = reader.i16("ApiVersion.min_version")?;
        let max_version = reader.i16("ApiVersion.max_version")?;
        if layout == Layout::Flexible {
            reader.skip_tags("ApiVersion")?;
        }
        Ok(Self { api_key, min_version, max_version })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        out.put_i16(self.api_key);
        out.put_i16(self.min_version);
        out.put_i16(self.max_version);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SupportedFeatureKey {
    pub name: String,
    pub min_version: i16,
    pub max_version: i16,
}

impl SupportedFeatureKey {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("SupportedFeatureKey.name", Layout::Flexible)?;
        let min_version = reader.i16("SupportedFeatureKey.min_version")?;
        let max_version = reader.i16("SupportedFeatureKey.max_version")?;
        reader.skip_tags("SupportedFeatureKey")?;
        Ok(Self { name, min_version, max_version })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "SupportedFeatureKey.name", &self.name, Layout::Flexible)?;
        out.put_i16(self.min_version);
        out.put_i16(self.max_version);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FinalizedFeatureKey {
    pub name: String,
    pub max_version_level: i16,
    pub min_version_level: i16,
}

impl FinalizedFeatureKey {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("FinalizedFeatureKey.name", Layout::Flexible)?;
        let max_version_level = reader.i16("FinalizedFeatureKey.max_version_level")?;
        let min_version_level = reader.i16("FinalizedFeatureKey.min_version_level")?;
        reader.skip_tags("FinalizedFeatureKey")?;
        Ok(Self { name, max_version_level, min_version_level })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "FinalizedFeatureKey.name", &self.name, Layout::Flexible)?;
        out.put_i16(self.max_version_level);
        out.put_i16(self.min_version_level);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersionsResponse {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersion>,
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 3+.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// Grows with each change of the finalized features; -1: not known. Versions 3+.
    pub finalized_features_epoch: i64,
    /// Versions 3+.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// Versions 3+.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl Message for ApiVersionsRequest {
    const API: ApiKey = ApiKey::ApiVersions;
    const NAME: &'static str = "ApiVersionsRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let client_software_name = if version >= 3 {
            reader.string("ApiVersionsRequest.client_software_name", layout)?
        } else {
            String::new()
        };
        let client_software_version = if version >= 3 {
            reader.string("ApiVersionsRequest.client_software_version", layout)?
        } else {
            String::new()
        };
        if layout == Layout::Flexible {
            reader.skip_tags("ApiVersionsRequest")?;
        }
        Ok(Self { client_software_name, client_software_version })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        if version >= 3 {
            write_string(out, "ApiVersionsRequest.client_software_name", &self.client_software_name, layout)?;
        }
        if version >= 3 {
            write_string(out, "ApiVersionsRequest.client_software_version", &self.client_software_version, layout)?;
        }
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

impl Request for ApiVersionsRequest {
    type Response = ApiVersionsResponse;
}

impl Message for ApiVersionsResponse {
    const API: ApiKey = ApiKey::ApiVersions;
    const NAME: &'static str = "ApiVersionsResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let layout = layout(version);
        let error_code = reader.i16("ApiVersionsResponse.error_code")?;
        let api_keys =
            reader.array("ApiVersionsResponse.api_keys", layout, 6, |reader| ApiVersion::decode(reader, version))?;
        let throttle_time_ms = if version >= 1 { reader.i32("ApiVersionsResponse.throttle_time_ms")? } else { 0 };
        let mut supported_features = Vec::new();
        let mut finalized_features_epoch = -1;
        let mut finalized_features = Vec::new();
        let mut zk_migration_ready = false;
        if layout == Layout::Flexible {
            reader.tags("ApiVersionsResponse", |reader, tag| {
                match tag {
                    0 => {
                        supported_features =
                            reader.array("ApiVersionsResponse.supported_features", layout, 6, |reader| {
                                SupportedFeatureKey::decode(reader, version)
                            })?
                    }
                    1 => finalized_features_epoch = reader.i64("ApiVersionsResponse.finalized_features_epoch")?,
                    2 => {
                        finalized_features =
                            reader.array("ApiVersionsResponse.finalized_features", layout, 6, |reader| {
                                FinalizedFeatureKey::decode(reader, version)
                            })?
                    }
                    3 => zk_migration_ready = reader.bool("ApiVersionsResponse.zk_migration_ready")?,
                    _ => return Ok(Tag::Unknown),
                }
                Ok(Tag::Known)
            })?;
        }
        Ok(Self {
            error_code,
            api_keys,
            throttle_time_ms,
            supported_features,
            finalized_features_epoch,
            finalized_features,
            zk_migration_ready,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        let layout = layout(version);
        out.put_i16(self.error_code);
        write_len(out, "ApiVersionsResponse.api_keys", self.api_keys.len(), layout)?;
        for item in &self.api_keys {
            item.encode(out, version)?;
        }
        if version >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        if layout == Layout::Flexible {
            let has_supported_features = !self.supported_features.is_empty();
            let has_finalized_features_epoch = self.finalized_features_epoch != -1;
            let has_finalized_features = !self.finalized_features.is_empty();
            let has_zk_migration_ready = self.zk_migration_ready;
            out.put_uvarint(
                u32::from(has_supported_features)
                    + u32::from(has_finalized_features_epoch)
                    + u32::from(has_finalized_features)
                    + u32::from(has_zk_migration_ready),
            );
            if has_supported_features {
                out.put_uvarint(0);
                out.put_sized(|out| {
                    write_len(out, "ApiVersionsResponse.supported_features", self.supported_features.len(), layout)?;
                    for item in &self.supported_features {
                        item.encode(out, version)?;
                    }
                    Ok(())
                })?;
            }
            if has_finalized_features_epoch {
                out.put_uvarint(1);
                out.put_sized(|out| {
                    out.put_i64(self.finalized_features_epoch);
                    Ok(())
                })?;
            }
            if has_finalized_features {
                out.put_uvarint(2);
                out.put_sized(|out| {
                    write_len(out, "ApiVersionsResponse.finalized_features", self.finalized_features.len(), layout)?;
                    for item in &self.finalized_features {
                        item.encode(out, version)?;
                    }
                    Ok(())
                })?;
            }
            if has_zk_migration_ready {
                out.put_uvarint(3);
                out.put_sized(|out| {
                    out.put_bool(self.zk_migration_ready);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

const fn layout(version: i16) -> Layout {
    if version >= 3 { Layout::Flexible } else { Layout::Classic }
}
