//! Values of ConsumerGroupRegularExpression for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_regular_expression.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_group_regular_expression::{
    ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue,
};

use crate::fixture::{Sample, draw};

impl Sample for ConsumerGroupRegularExpressionKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random), regular_expression: draw::string(random) }
    }
}

impl Sample for ConsumerGroupRegularExpressionValue {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            topics: draw::array(random, draw::string),
            metadata_version: draw::i64(random),
            timestamp: draw::i64(random),
        }
    }
}
