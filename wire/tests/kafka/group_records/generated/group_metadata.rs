//! Values of GroupMetadata for the tests.
//!
//! Generated from `schemas/kafka/group_records/group_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::group_metadata::{GroupMetadataKey, GroupMetadataValue, MemberMetadata};

use crate::fixture::{Sample, draw};

impl Sample for GroupMetadataKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group: draw::string(random) }
    }
}

impl Sample for MemberMetadata {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            member_id: draw::string(random),
            group_instance_id: if version >= 3 { draw::nullable(random, draw::string) } else { None },
            client_id: draw::string(random),
            client_host: draw::string(random),
            rebalance_timeout: if version >= 1 { draw::i32(random) } else { -1 },
            session_timeout: draw::i32(random),
            subscription: draw::payload(random).to_bytes(),
            assignment: draw::payload(random).to_bytes(),
        }
    }
}

impl Sample for GroupMetadataValue {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            protocol_type: draw::string(random),
            generation: draw::i32(random),
            protocol: draw::nullable(random, draw::string),
            leader: draw::nullable(random, draw::string),
            current_state_timestamp: if version >= 2 { draw::i64(random) } else { -1 },
            members: draw::array(random, |random| MemberMetadata::sample(random, version)),
        }
    }
}
