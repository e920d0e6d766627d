//! Values of ConsumerGroupMemberMetadata for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_member_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_group_member_metadata::{
    ClassicMemberMetadata, ClassicProtocol, ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue,
};

use crate::fixture::{Sample, draw};

impl Sample for ConsumerGroupMemberMetadataKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random), member_id: draw::string(random) }
    }
}

impl Sample for ClassicProtocol {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), metadata: draw::payload(random).to_bytes() }
    }
}

impl Sample for ClassicMemberMetadata {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            session_timeout_ms: draw::i32(random),
            supported_protocols: draw::array(random, |random| ClassicProtocol::sample(random, version)),
        }
    }
}

impl Sample for ConsumerGroupMemberMetadataValue {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            instance_id: draw::nullable(random, draw::string),
            rack_id: draw::nullable(random, draw::string),
            client_id: draw::string(random),
            client_host: draw::string(random),
            subscribed_topic_names: draw::array(random, draw::string),
            subscribed_topic_regex: draw::nullable(random, draw::string),
            rebalance_timeout_ms: draw::i32(random),
            server_assignor: draw::nullable(random, draw::string),
            classic_member_metadata: if random.percent(60) {
                draw::nullable(random, |random| ClassicMemberMetadata::sample(random, version))
            } else {
                Some(ClassicMemberMetadata::default())
            },
        }
    }
}
