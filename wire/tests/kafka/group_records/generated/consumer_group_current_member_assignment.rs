//! Values of ConsumerGroupCurrentMemberAssignment for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_current_member_assignment.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_group_current_member_assignment::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue, TopicPartitions,
};

use crate::fixture::{Sample, draw};

impl Sample for TopicPartitions {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            topic_id: draw::u128(random),
            partitions: draw::array(random, draw::i32),
            assignment_epochs: if random.percent(60) {
                draw::nullable(random, |random| draw::array(random, draw::i32))
            } else {
                Some(Vec::new())
            },
        }
    }
}

impl Sample for ConsumerGroupCurrentMemberAssignmentKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random), member_id: draw::string(random) }
    }
}

impl Sample for ConsumerGroupCurrentMemberAssignmentValue {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            member_epoch: draw::i32(random),
            previous_member_epoch: draw::i32(random),
            state: draw::i8(random),
            assigned_partitions: draw::array(random, |random| TopicPartitions::sample(random, version)),
            partitions_pending_revocation: draw::array(random, |random| TopicPartitions::sample(random, version)),
        }
    }
}
