//! ConsumerGroupPartitionMetadata (type 4): the topics that a group subscribes to, as Kafka before 4.1 kept them. Versions 0.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_partition_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{DecodeError, EncodeError, Reader};

/// The topics that a group subscribes to, as Kafka before 4.1 kept them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupPartitionMetadataKey {
    pub group_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionMetadata {
    pub partition: i32,
    pub racks: Vec<String>,
}

impl PartitionMetadata {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let partition = reader.i32("PartitionMetadata.partition")?;
        let racks = reader.array("PartitionMetadata.racks", Layout::Flexible, 1, |reader| {
            reader.string("PartitionMetadata.racks", Layout::Flexible)
        })?;
        reader.skip_tags("PartitionMetadata")?;
        Ok(Self { partition, racks })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_i32(self.partition);
        write_len(out, "PartitionMetadata.racks", self.racks.len(), Layout::Flexible)?;
        for item in &self.racks {
            write_string(out, "PartitionMetadata.racks", item, Layout::Flexible)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicMetadata {
    pub topic_id: u128,
    pub topic_name: String,
    pub num_partitions: i32,
    /// Unused since 4.0.
    pub partition_metadata: Vec<PartitionMetadata>,
}

impl TopicMetadata {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let topic_id = reader.uuid("TopicMetadata.topic_id")?;
        let topic_name = reader.string("TopicMetadata.topic_name", Layout::Flexible)?;
        let num_partitions = reader.i32("TopicMetadata.num_partitions")?;
        let partition_metadata = reader.array("TopicMetadata.partition_metadata", Layout::Flexible, 6, |reader| {
            PartitionMetadata::decode(reader, version)
        })?;
        reader.skip_tags("TopicMetadata")?;
        Ok(Self { topic_id, topic_name, num_partitions, partition_metadata })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_u128(self.topic_id);
        write_string(out, "TopicMetadata.topic_name", &self.topic_name, Layout::Flexible)?;
        out.put_i32(self.num_partitions);
        write_len(out, "TopicMetadata.partition_metadata", self.partition_metadata.len(), Layout::Flexible)?;
        for item in &self.partition_metadata {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupPartitionMetadataValue {
    pub topics: Vec<TopicMetadata>,
}

impl Versioned for ConsumerGroupPartitionMetadataKey {
    const NAME: &'static str = "ConsumerGroupPartitionMetadataKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupPartitionMetadataKey.group_id", Layout::Classic)?;
        Ok(Self { group_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "ConsumerGroupPartitionMetadataKey.group_id", &self.group_id, Layout::Classic)?;
        Ok(())
    }
}

impl RecordKey for ConsumerGroupPartitionMetadataKey {
    const TYPES: VersionRange = VersionRange { min: 4, max: 4 };
    type Value = ConsumerGroupPartitionMetadataValue;
}

impl Versioned for ConsumerGroupPartitionMetadataValue {
    const NAME: &'static str = "ConsumerGroupPartitionMetadataValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let topics = reader.array("ConsumerGroupPartitionMetadataValue.topics", Layout::Flexible, 23, |reader| {
            TopicMetadata::decode(reader, version)
        })?;
        reader.skip_tags("ConsumerGroupPartitionMetadataValue")?;
        Ok(Self { topics })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_len(out, "ConsumerGroupPartitionMetadataValue.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}
