//! ConsumerProtocolSubscription: what a consumer says when it joins a group of the classic protocol. Versions 0-3.
//!
//! Generated from `schemas/kafka/group_records/consumer_protocol_subscription.txt` by `cargo run -p schemas -- generate`; edit the table.

use bytes::Bytes;

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::write::{write_len, write_null, write_null_string, write_string};
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

/// What a consumer says when it joins a group of the classic protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerProtocolSubscription {
    pub topics: Vec<String>,
    /// For the assignor.
    pub user_data: Option<Bytes>,
    /// Versions 1+.
    pub owned_partitions: Vec<TopicPartition>,
    /// The one that owned_partitions are of. Versions 2+.
    pub generation_id: i32,
    /// Versions 3+.
    pub rack_id: Option<String>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self { topics: Vec::new(), user_data: None, owned_partitions: Vec::new(), generation_id: -1, rack_id: None }
    }
}

impl Versioned for ConsumerProtocolSubscription {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 3 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let topics = reader.array("ConsumerProtocolSubscription.topics", Layout::Classic, 2, |reader| {
            reader.string("ConsumerProtocolSubscription.topics", Layout::Classic)
        })?;
        let user_data = reader.nullable_bytes("ConsumerProtocolSubscription.user_data", Layout::Classic)?;
        let owned_partitions = if version >= 1 {
            reader.array("ConsumerProtocolSubscription.owned_partitions", Layout::Classic, 6, |reader| {
                TopicPartition::decode(reader, version)
            })?
        } else {
            Vec::new()
        };
        let generation_id = if version >= 2 { reader.i32("ConsumerProtocolSubscription.generation_id")? } else { -1 };
        let rack_id = if version >= 3 {
            reader.nullable_string("ConsumerProtocolSubscription.rack_id", Layout::Classic)?
        } else {
            None
        };
        Ok(Self { topics, user_data, owned_partitions, generation_id, rack_id })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_len(out, "ConsumerProtocolSubscription.topics", self.topics.len(), Layout::Classic)?;
        for item in &self.topics {
            write_string(out, "ConsumerProtocolSubscription.topics", item, Layout::Classic)?;
        }
        match &self.user_data {
            Some(value) => {
                write_len(out, "ConsumerProtocolSubscription.user_data", value.len(), Layout::Classic)?;
                out.put_slice(value);
            }
            None => write_null(out, Layout::Classic),
        }
        if version >= 1 {
            write_len(
                out,
                "ConsumerProtocolSubscription.owned_partitions",
                self.owned_partitions.len(),
                Layout::Classic,
            )?;
            for item in &self.owned_partitions {
                item.encode(out, version)?;
            }
        }
        if version >= 2 {
            out.put_i32(self.generation_id);
        }
        if version >= 3 {
            match &self.rack_id {
                Some(value) => {
                    write_string(out, "ConsumerProtocolSubscription.rack_id", value, Layout::Classic)?;
                }
                None => write_null_string(out, Layout::Classic),
            }
        }
        Ok(())
    }
}
