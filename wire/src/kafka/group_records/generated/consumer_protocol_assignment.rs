//! ConsumerProtocolAssignment: what a consumer of the classic protocol is assigned. Versions 0-3.
//!
//! Generated from `schemas/kafka/group_records/consumer_protocol_assignment.txt` by `cargo run -p schemas -- generate`; edit the table.

use bytes::Bytes;

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::write::{write_len, write_null, write_string};
use crate::kafka::{DecodeError, EncodeError, Reader};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicPartition {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl TopicPartition {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let topic = reader.string("TopicPartition.topic", Layout::Classic)?;
        let partitions = reader
            .array("TopicPartition.partitions", Layout::Classic, 4, |reader| reader.i32("TopicPartition.partitions"))?;
        Ok(Self { topic, partitions })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        write_string(out, "TopicPartition.topic", &self.topic, Layout::Classic)?;
        write_len(out, "TopicPartition.partitions", self.partitions.len(), Layout::Classic)?;
        for &item in &self.partitions {
            out.put_i32(item);
        }
        Ok(())
    }
}

/// What a consumer of the classic protocol is assigned.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerProtocolAssignment {
    pub assigned_partitions: Vec<TopicPartition>,
    /// For the assignor.
    pub user_data: Option<Bytes>,
}

impl Versioned for ConsumerProtocolAssignment {
    const NAME: &'static str = "ConsumerProtocolAssignment";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 3 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let assigned_partitions =
            reader.array("ConsumerProtocolAssignment.assigned_partitions", Layout::Classic, 6, |reader| {
                TopicPartition::decode(reader, version)
            })?;
        let user_data = reader.nullable_bytes("ConsumerProtocolAssignment.user_data", Layout::Classic)?;
        Ok(Self { assigned_partitions, user_data })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_len(
            out,
            "ConsumerProtocolAssignment.assigned_partitions",
            self.assigned_partitions.len(),
            Layout::Classic,
        )?;
        for item in &self.assigned_partitions {
            item.encode(out, version)?;
        }
        match &self.user_data {
            Some(value) => {
                write_len(out, "ConsumerProtocolAssignment.user_data", value.len(), Layout::Classic)?;
                out.put_slice(value);
            }
            None => write_null(out, Layout::Classic),
        }
        Ok(())
    }
}
