//! Values of ConsumerGroupTargetAssignmentMember for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_target_assignment_member.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_group_target_assignment_member::{
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue, TopicPartition,
};

use crate::fixture::{Sample, draw};

impl Sample for ConsumerGroupTargetAssignmentMemberKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random), member_id: draw::string(random) }
    }
}

impl Sample for TopicPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { topic_id: draw::u128(random), partitions: draw::array(random, draw::i32) }
    }
}

impl Sample for ConsumerGroupTargetAssignmentMemberValue {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { topic_partitions: draw::array(random, |random| TopicPartition::sample(random, version)) }
    }
}
