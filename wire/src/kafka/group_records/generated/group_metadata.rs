//! GroupMetadata (type 2): the generation and members of a group of the classic protocol. Versions 0-4.
//!
//! Generated from `schemas/kafka/group_records/group_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use bytes::Bytes;

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{DecodeError, EncodeError, Reader};

/// The generation and members of a group of the classic protocol.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GroupMetadataKey {
    pub group: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberMetadata {
    pub member_id: String,
    /// Versions 3+.
    pub group_instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    /// In milliseconds, -1: the session's. Versions 1+.
    pub rebalance_timeout: i32,
    /// In milliseconds.
    pub session_timeout: i32,
    /// What the member said when it joined.
    pub subscription: Bytes,
    pub assignment: Bytes,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: String::new(),
            group_instance_id: None,
            client_id: String::new(),
            client_host: String::new(),
            rebalance_timeout: -1,
            session_timeout: 0,
            subscription: Bytes::new(),
            assignment: Bytes::new(),
        }
    }
}

impl MemberMetadata {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let layout = layout(version);
        let member_id = reader.string("MemberMetadata.member_id", layout)?;
        let group_instance_id =
            if version >= 3 { reader.nullable_string("MemberMetadata.group_instance_id", layout)? } else { None };
        let client_id = reader.string("MemberMetadata.client_id", layout)?;
        let client_host = reader.string("MemberMetadata.client_host", layout)?;
        let rebalance_timeout = if version >= 1 { reader.i32("MemberMetadata.rebalance_timeout")? } else { -1 };
        let session_timeout = reader.i32("MemberMetadata.session_timeout")?;
        let subscription = reader
            .nullable_bytes("MemberMetadata.subscription", layout)
            .and_then(|bytes| reader.required("MemberMetadata.subscription", bytes))?;
        let assignment = reader
            .nullable_bytes("MemberMetadata.assignment", layout)
            .and_then(|bytes| reader.required("MemberMetadata.assignment", bytes))?;
        if layout == Layout::Flexible {
            reader.skip_tags("MemberMetadata")?;
        }
        Ok(Self {
            member_id,
            group_instance_id,
            client_id,
            client_host,
            rebalance_timeout,
            session_timeout,
            subscription,
            assignment,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        let layout = layout(version);
        write_string(out, "MemberMetadata.member_id", &self.member_id, layout)?;
        if version >= 3 {
            match &self.group_instance_id {
                Some(value) => {
                    write_string(out, "MemberMetadata.group_instance_id", value, layout)?;
                }
                None => write_null_string(out, layout),
            }
        }
        write_string(out, "MemberMetadata.client_id", &self.client_id, layout)?;
        write_string(out, "MemberMetadata.client_host", &self.client_host, layout)?;
        if version >= 1 {
            out.put_i32(self.rebalance_timeout);
        }
        out.put_i32(self.session_timeout);
        write_len(out, "MemberMetadata.subscription", self.subscription.len(), layout)?;
        out.put_slice(&self.subscription);
        write_len(out, "MemberMetadata.assignment", self.assignment.len(), layout)?;
        out.put_slice(&self.assignment);
        if layout == Layout::Flexible {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadataValue {
    pub protocol_type: String,
    pub generation: i32,
    pub protocol: Option<String>,
    pub leader: Option<String>,
    /// -1 when not known. Versions 2+.
    pub current_state_timestamp: i64,
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: String::new(),
            generation: 0,
            protocol: Some(String::new()),
            leader: Some(String::new()),
            current_state_timestamp: -1,
            members: Vec::new(),
        }
    }
}

impl Versioned for GroupMetadataKey {
    const NAME: &'static str = "GroupMetadataKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group = reader.string("GroupMetadataKey.group", Layout::Classic)?;
        Ok(Self { group })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "GroupMetadataKey.group", &self.group, Layout::Classic)?;
        Ok(())
    }
}

impl RecordKey for GroupMetadataKey {
    const TYPES: VersionRange = VersionRange { min: 2, max: 2 };
    type Value = GroupMetadataValue;
}

impl Versioned for GroupMetadataValue {
    const NAME: &'static str = "GroupMetadataValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 4 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let layout = layout(version);
        let protocol_type = reader.string("GroupMetadataValue.protocol_type", layout)?;
        let generation = reader.i32("GroupMetadataValue.generation")?;
        let protocol = reader.nullable_string("GroupMetadataValue.protocol", layout)?;
        let leader = reader.nullable_string("GroupMetadataValue.leader", layout)?;
        let current_state_timestamp =
            if version >= 2 { reader.i64("GroupMetadataValue.current_state_timestamp")? } else { -1 };
        let members =
            reader.array("GroupMetadataValue.members", layout, 15, |reader| MemberMetadata::decode(reader, version))?;
        if layout == Layout::Flexible {
            reader.skip_tags("GroupMetadataValue")?;
        }
        Ok(Self { protocol_type, generation, protocol, leader, current_state_timestamp, members })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        let layout = layout(version);
        write_string(out, "GroupMetadataValue.protocol_type", &self.protocol_type, layout)?;
        out.put_i32(self.generation);
        match &self.protocol {
            Some(value) => {
                write_string(out, "GroupMetadataValue.protocol", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        match &self.leader {
            Some(value) => {
                write_string(out, "GroupMetadataValue.leader", value, layout)?;
            }
            None => write_null_string(out, layout),
        }
        if version >= 2 {
            out.put_i64(self.current_state_timestamp);
        }
        write_len(out, "GroupMetadataValue.members", self.members.len(), layout)?;
        for item in &self.members {
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
