//! ConsumerGroupMemberMetadata (type 5): what a member of the consumer protocol has said of itself. Versions 0.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_member_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use bytes::Bytes;

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::reader::Tag;
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{DecodeError, EncodeError, Reader};

/// What a member of the consumer protocol has said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupMemberMetadataKey {
    pub group_id: String,
    pub member_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ClassicProtocol {
    pub name: String,
    pub metadata: Bytes,
}

impl ClassicProtocol {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let name = reader.string("ClassicProtocol.name", Layout::Flexible)?;
        let metadata = reader
            .nullable_bytes("ClassicProtocol.metadata", Layout::Flexible)
            .and_then(|bytes| reader.required("ClassicProtocol.metadata", bytes))?;
        reader.skip_tags("ClassicProtocol")?;
        Ok(Self { name, metadata })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "ClassicProtocol.name", &self.name, Layout::Flexible)?;
        write_len(out, "ClassicProtocol.metadata", self.metadata.len(), Layout::Flexible)?;
        out.put_slice(&self.metadata);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ClassicMemberMetadata {
    pub session_timeout_ms: i32,
    pub supported_protocols: Vec<ClassicProtocol>,
}

impl ClassicMemberMetadata {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let session_timeout_ms = reader.i32("ClassicMemberMetadata.session_timeout_ms")?;
        let supported_protocols =
            reader.array("ClassicMemberMetadata.supported_protocols", Layout::Flexible, 3, |reader| {
                ClassicProtocol::decode(reader, version)
            })?;
        reader.skip_tags("ClassicMemberMetadata")?;
        Ok(Self { session_timeout_ms, supported_protocols })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.session_timeout_ms);
        write_len(out, "ClassicMemberMetadata.supported_protocols", self.supported_protocols.len(), Layout::Flexible)?;
        for item in &self.supported_protocols {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupMemberMetadataValue {
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub subscribed_topic_names: Vec<String>,
    pub subscribed_topic_regex: Option<String>,
    pub rebalance_timeout_ms: i32,
    pub server_assignor: Option<String>,
    /// Null, which is not the default, for a member that speaks the consumer protocol.
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

impl Default for ConsumerGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Some(String::new()),
            rack_id: Some(String::new()),
            client_id: String::new(),
            client_host: String::new(),
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: Some(String::new()),
            rebalance_timeout_ms: -1,
            server_assignor: Some(String::new()),
            classic_member_metadata: Some(ClassicMemberMetadata::default()),
        }
    }
}

impl Versioned for ConsumerGroupMemberMetadataKey {
    const NAME: &'static str = "ConsumerGroupMemberMetadataKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupMemberMetadataKey.group_id", Layout::Classic)?;
        let member_id = reader.string("ConsumerGroupMemberMetadataKey.member_id", Layout::Classic)?;
        Ok(Self { group_id, member_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "ConsumerGroupMemberMetadataKey.group_id", &self.group_id, Layout::Classic)?;
        write_string(out, "ConsumerGroupMemberMetadataKey.member_id", &self.member_id, Layout::Classic)?;
        Ok(())
    }
}

impl RecordKey for ConsumerGroupMemberMetadataKey {
    const TYPES: VersionRange = VersionRange { min: 5, max: 5 };
    type Value = ConsumerGroupMemberMetadataValue;
}

impl Versioned for ConsumerGroupMemberMetadataValue {
    const NAME: &'static str = "ConsumerGroupMemberMetadataValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let instance_id = reader.nullable_string("ConsumerGroupMemberMetadataValue.instance_id", Layout::Flexible)?;
        let rack_id = reader.nullable_string("ConsumerGroupMemberMetadataValue.rack_id", Layout::Flexible)?;
        let client_id = reader.string("ConsumerGroupMemberMetadataValue.client_id", Layout::Flexible)?;
        let client_host = reader.string("ConsumerGroupMemberMetadataValue.client_host", Layout::Flexible)?;
        let subscribed_topic_names =
            reader.array("ConsumerGroupMemberMetadataValue.subscribed_topic_names", Layout::Flexible, 1, |reader| {
                reader.string("ConsumerGroupMemberMetadataValue.subscribed_topic_names", Layout::Flexible)
            })?;
        let subscribed_topic_regex =
            reader.nullable_string("ConsumerGroupMemberMetadataValue.subscribed_topic_regex", Layout::Flexible)?;
        let rebalance_timeout_ms = reader.i32("ConsumerGroupMemberMetadataValue.rebalance_timeout_ms")?;
        let server_assignor =
            reader.nullable_string("ConsumerGroupMemberMetadataValue.server_assignor", Layout::Flexible)?;
        let mut classic_member_metadata = Some(ClassicMemberMetadata::default());
        reader.tags("ConsumerGroupMemberMetadataValue", |reader, tag| {
            match tag {
                0 => {
                    classic_member_metadata = reader.nullable_tagged_struct(
                        "ConsumerGroupMemberMetadataValue.classic_member_metadata",
                        |reader| ClassicMemberMetadata::decode(reader, version),
                    )?
                }
                _ => return Ok(Tag::Unknown),
            }
            Ok(Tag::Known)
        })?;
        Ok(Self {
            instance_id,
            rack_id,
            client_id,
            client_host,
            subscribed_topic_names,
            subscribed_topic_regex,
            rebalance_timeout_ms,
            server_assignor,
            classic_member_metadata,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        match &self.instance_id {
            Some(value) => {
                write_string(out, "ConsumerGroupMemberMetadataValue.instance_id", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        match &self.rack_id {
            Some(value) => {
                write_string(out, "ConsumerGroupMemberMetadataValue.rack_id", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        write_string(out, "ConsumerGroupMemberMetadataValue.client_id", &self.client_id, Layout::Flexible)?;
        write_string(out, "ConsumerGroupMemberMetadataValue.client_host", &self.client_host, Layout::Flexible)?;
        write_len(
            out,
            "ConsumerGroupMemberMetadataValue.subscribed_topic_names",
            self.subscribed_topic_names.len(),
            Layout::Flexible,
        )?;
        for item in &self.subscribed_topic_names {
            write_string(out, "ConsumerGroupMemberMetadataValue.subscribed_topic_names", item, Layout::Flexible)?;
        }
        match &self.subscribed_topic_regex {
            Some(value) => {
                write_string(out, "ConsumerGroupMemberMetadataValue.subscribed_topic_regex", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_i32(self.rebalance_timeout_ms);
        match &self.server_assignor {
            Some(value) => {
                write_string(out, "ConsumerGroupMemberMetadataValue.server_assignor", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        let has_classic_member_metadata =
            self.classic_member_metadata.as_ref() != Some(&ClassicMemberMetadata::default());
        out.put_uvarint(u32::from(has_classic_member_metadata));
        if has_classic_member_metadata {
            out.put_uvarint(0);
            out.put_sized(|out| {
                match &self.classic_member_metadata {
                    Some(value) => {
                        out.put_uvarint(1);
                        value.encode(out, version)?;
                    }
                    None => out.put_uvarint(0),
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
