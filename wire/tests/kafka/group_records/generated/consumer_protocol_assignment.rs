//! Values of ConsumerProtocolAssignment for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_protocol_assignment.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_protocol_assignment::{ConsumerProtocolAssignment, TopicPartition};

use crate::fixture::{Sample, draw};

impl Sample for TopicPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { topic: draw::string(random), partitions: draw::array(random, draw::i32) }
    }
}

impl Sample for ConsumerProtocolAssignment {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            assigned_partitions: draw::array(random, |random| TopicPartition::sample(random, version)),
            user_data: draw::nullable(random, |random| draw::payload(random).to_bytes()),
        }
    }
}
