//! ConsumerGroupRegularExpression (type 16): the topics that a group's regular expression matched. Versions 0.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_regular_expression.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::api_key::VersionRange;
use crate::kafka::group_records::{RecordKey, Versioned, admit_versioned};
use crate::kafka::message::Layout;
use crate::kafka::write::{write_len, write_string};
use crate::kafka::{DecodeError, EncodeError, Reader};

/// The topics that a group's regular expression matched.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupRegularExpressionKey {
    pub group_id: String,
    pub regular_expression: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupRegularExpressionValue {
    pub topics: Vec<String>,
    /// Of the cluster's metadata, when the topics were looked up.
    pub metadata_version: i64,
    pub timestamp: i64,
}

impl Versioned for ConsumerGroupRegularExpressionKey {
    const NAME: &'static str = "ConsumerGroupRegularExpressionKey";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let group_id = reader.string("ConsumerGroupRegularExpressionKey.group_id", Layout::Classic)?;
        let regular_expression =
            reader.string("ConsumerGroupRegularExpressionKey.regular_expression", Layout::Classic)?;
        Ok(Self { group_id, regular_expression })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_string(out, "ConsumerGroupRegularExpressionKey.group_id", &self.group_id, Layout::Classic)?;
        write_string(
            out,
            "ConsumerGroupRegularExpressionKey.regular_expression",
            &self.regular_expression,
            Layout::Classic,
        )?;
        Ok(())
    }
}

impl RecordKey for ConsumerGroupRegularExpressionKey {
    const TYPES: VersionRange = VersionRange { min: 16, max: 16 };
    type Value = ConsumerGroupRegularExpressionValue;
}

impl Versioned for ConsumerGroupRegularExpressionValue {
    const NAME: &'static str = "ConsumerGroupRegularExpressionValue";
    const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit_versioned::<Self>(version)?;
        let topics = reader.array("ConsumerGroupRegularExpressionValue.topics", Layout::Flexible, 1, |reader| {
            reader.string("ConsumerGroupRegularExpressionValue.topics", Layout::Flexible)
        })?;
        let metadata_version = reader.i64("ConsumerGroupRegularExpressionValue.metadata_version")?;
        let timestamp = reader.i64("ConsumerGroupRegularExpressionValue.timestamp")?;
        reader.skip_tags("ConsumerGroupRegularExpressionValue")?;
        Ok(Self { topics, metadata_version, timestamp })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit_versioned::<Self>(version)?;
        write_len(out, "ConsumerGroupRegularExpressionValue.topics", self.topics.len(), Layout::Flexible)?;
        for item in &self.topics {
            write_string(out, "ConsumerGroupRegularExpressionValue.topics", item, Layout::Flexible)?;
        }
        out.put_i64(self.metadata_version);
        out.put_i64(self.timestamp);
        out.put_uvarint(0);
        Ok(())
    }
}
