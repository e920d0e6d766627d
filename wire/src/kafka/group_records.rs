//! What groups keep in `__consumer_offsets`, and what consumers of the classic protocol tell each other through it.
//!
//! The formats are Kafka's own, so that its tools read our log and ours reads Kafka's. They are generated from the
//! tables in `schemas/kafka/group_records`. Nothing outside says their version, as a request's header does: it stands
//! in front.
//!
//! ```text
//! key                              value                        data
//! ┌──────┬─────────────────────┐   ┌─────────┬──────────────┐   ┌─────────┬──────────────┐
//! │ type │ fields of version 0 │   │ version │ fields       │   │ version │ fields       │
//! └──────┴─────────────────────┘   └─────────┴──────────────┘   └─────────┴──────────────┘
//!  2 bytes                          2 bytes                      2 bytes
//! ```
//!
//! [`GroupRecord`] is a record as a whole. [`decode_consumer_protocol`] and [`encode_versioned`] are for the bytes inside
//! of JoinGroup and SyncGroup, which are opaque to the classic protocol but not to one who describes a group.

mod generated;
mod partition;

use std::fmt::Debug;

use bytes::Bytes;

use super::{DecodeError, EncodeError, Reader, VersionRange};
use crate::gather::Gather;
pub use generated::*;
pub use partition::partition_of_group;

use consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentValue;
use consumer_group_member_metadata::ConsumerGroupMemberMetadataValue;
use consumer_group_metadata::ConsumerGroupMetadataValue;
use consumer_group_partition_metadata::ConsumerGroupPartitionMetadataValue;
use consumer_group_regular_expression::ConsumerGroupRegularExpressionValue;
use consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberValue;
use consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataValue;
use group_metadata::GroupMetadataValue;
use offset_commit::OffsetCommitValue;

/// Something whose version stands in front of it.
pub trait Versioned: Clone + Debug + Default + PartialEq + Sized {
    const NAME: &'static str;
    /// The versions that are read and written.
    const VERSIONS: VersionRange;

    /// Reads the fields, after the version. Those that the version lacks have their defaults.
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError>;

    /// Writes the fields without the version. A field that the version lacks is left out if the table calls it ignorable
    /// or if it has its default; else it is refused. After an error, what was written must be dropped.
    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError>;
}

/// The key of a record, and what it is the key of.
pub trait RecordKey: Versioned {
    /// The numbers that such keys begin with; the last one is what is written.
    const TYPES: VersionRange;
    type Value: RecordValue;
}

/// The value of a record.
pub trait RecordValue: Versioned {
    /// The version in which Kafka 4.3 writes this value: what older brokers of a cluster still read.
    fn version_written(&self) -> i16 {
        Self::VERSIONS.max
    }
}

impl RecordValue for OffsetCommitValue {
    /// Version 1 alone has the time to expire at.
    fn version_written(&self) -> i16 {
        if self.expire_timestamp == -1 { Self::VERSIONS.max } else { 1 }
    }
}

impl RecordValue for GroupMetadataValue {
    /// Version 4 differs in nothing but its layout, and Kafka before 3.5 does not know it.
    fn version_written(&self) -> i16 {
        3
    }
}

impl RecordValue for ConsumerGroupMetadataValue {}
impl RecordValue for ConsumerGroupPartitionMetadataValue {}
impl RecordValue for ConsumerGroupMemberMetadataValue {}
impl RecordValue for ConsumerGroupTargetAssignmentMetadataValue {}
impl RecordValue for ConsumerGroupTargetAssignmentMemberValue {}
impl RecordValue for ConsumerGroupCurrentMemberAssignmentValue {}
impl RecordValue for ConsumerGroupRegularExpressionValue {}

/// A record, or data with a version in front, that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The record belongs to a feature that this build does not know, such as share groups. A reader may pass over it,
    /// but must not throw it away: the one who wrote it wants it back.
    #[error("records of type {0} are not known")]
    UnknownType(i16),
    /// A newer broker or client wrote it.
    #[error("version {version} of {name} is not known")]
    UnknownVersion { name: &'static str, version: i16 },
    /// Not what the type and version say.
    #[error(transparent)]
    Damaged(#[from] DecodeError),
}

/// Writes something with its version in front.
pub fn encode_versioned<V: Versioned>(value: &V, version: i16) -> Result<Bytes, EncodeError> {
    prefixed(version, |out| value.encode(out, version))
}

/// Reads a subscription or an assignment of a consumer.
///
/// A version above the newest is read as the newest, and bytes after the end are ignored: newer versions only add fields
/// to the end, and Kafka does the same. An assignor that is no consumer's may have put anything there, so that an error
/// says nothing but that the topics are not known.
pub fn decode_consumer_protocol<V: Versioned>(bytes: &[u8]) -> Result<V, RecordError> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16(V::NAME)?;
    if version < V::VERSIONS.min {
        return Err(RecordError::UnknownVersion { name: V::NAME, version });
    }
    Ok(V::decode(&mut reader, version.min(V::VERSIONS.max))?)
}

/// Refuses to write a version that is not known.
pub(super) fn admit_versioned<V: Versioned>(version: i16) -> Result<(), EncodeError> {
    if V::VERSIONS.contains(version) {
        return Ok(());
    }
    Err(EncodeError::Version { message: V::NAME, version })
}

/// The type that a key begins with.
fn record_type(key: &mut Reader<'_>) -> Result<i16, DecodeError> {
    key.i16("record type")
}

/// Reads the rest of a key, and the value.
fn parts<K: RecordKey>(mut key: Reader<'_>, value: Option<&[u8]>) -> Result<(K, Option<K::Value>), RecordError> {
    let found = K::decode(&mut key, K::VERSIONS.max)?;
    key.finish()?;
    Ok((found, value.map(decode_value).transpose()?))
}

fn decode_value<V: RecordValue>(value: &[u8]) -> Result<V, RecordError> {
    let mut reader = Reader::new(value);
    let version = reader.i16(V::NAME)?;
    if !V::VERSIONS.contains(version) {
        return Err(RecordError::UnknownVersion { name: V::NAME, version });
    }
    let found = V::decode(&mut reader, version)?;
    reader.finish()?;
    Ok(found)
}

fn encode_key<K: RecordKey>(key: &K) -> Result<Bytes, EncodeError> {
    prefixed(K::TYPES.max, |out| key.encode(out, K::VERSIONS.max))
}

fn encode_value<V: RecordValue>(value: Option<&V>) -> Result<Option<Bytes>, EncodeError> {
    value.map(|value| encode_versioned(value, value.version_written())).transpose()
}

fn prefixed(number: i16, put: impl FnOnce(&mut Gather) -> Result<(), EncodeError>) -> Result<Bytes, EncodeError> {
    let mut out = Gather::new();
    out.put_i16(number);
    put(&mut out)?;
    let mut parts = out.finish();
    // No part of a record is put by reference, so that there is one; more would only cost a copy.
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return Ok(only);
    }
    Ok(parts.concat().into())
}

#[cfg(test)]
mod tests;
