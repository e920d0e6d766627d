//! Values of OffsetCommit for the tests.
//!
//! Generated from `schemas/kafka/group_records/offset_commit.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::offset_commit::{OffsetCommitKey, OffsetCommitValue};

use crate::fixture::{Sample, draw};

impl Sample for OffsetCommitKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group: draw::string(random), topic: draw::string(random), partition: draw::i32(random) }
    }
}

impl Sample for OffsetCommitValue {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            offset: draw::i64(random),
            leader_epoch: if version >= 3 { draw::i32(random) } else { -1 },
            metadata: draw::string(random),
            commit_timestamp: draw::i64(random),
            expire_timestamp: if version == 1 { draw::i64(random) } else { -1 },
            topic_id: if version >= 4 && random.percent(60) { draw::u128(random) } else { 0 },
        }
    }
}
