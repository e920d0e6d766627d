//! Values of ConsumerGroupMetadata for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_group_metadata::{ConsumerGroupMetadataKey, ConsumerGroupMetadataValue};

use crate::fixture::{Sample, draw};

impl Sample for ConsumerGroupMetadataKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random) }
    }
}

impl Sample for ConsumerGroupMetadataValue {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { epoch: draw::i32(random), metadata_hash: if random.percent(60) { draw::i64(random) } else { 0 } }
    }
}
