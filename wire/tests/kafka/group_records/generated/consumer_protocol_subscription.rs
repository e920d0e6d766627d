//! Values of ConsumerProtocolSubscription for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_protocol_subscription.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_protocol_subscription::{ConsumerProtocolSubscription, TopicPartition};

use crate::fixture::{Sample, draw};

impl Sample for TopicPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { topic: draw::string(random), partitions: draw::array(random, draw::i32) }
    }
}

impl Sample for ConsumerProtocolSubscription {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: draw::array(random, draw::string),
            user_data: draw::nullable(random, |random| draw::payload(random).to_bytes()),
            owned_partitions: if version >= 1 {
                draw::array(random, |random| TopicPartition::sample(random, version))
            } else {
                Vec::new()
            },
            generation_id: if version >= 2 { draw::i32(random) } else { -1 },
            rack_id: if version >= 3 { draw::nullable(random, draw::string) } else { None },
        }
    }
}
