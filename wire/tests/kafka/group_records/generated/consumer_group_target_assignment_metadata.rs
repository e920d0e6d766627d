//! Values of ConsumerGroupTargetAssignmentMetadata for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_target_assignment_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_group_target_assignment_metadata::{
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue,
};

use crate::fixture::{Sample, draw};

impl Sample for ConsumerGroupTargetAssignmentMetadataKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random) }
    }
}

impl Sample for ConsumerGroupTargetAssignmentMetadataValue {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            assignment_epoch: draw::i32(random),
            assignment_timestamp: if random.percent(60) { draw::i64(random) } else { 0 },
        }
    }
}
