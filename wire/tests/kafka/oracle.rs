//! Another implementation must agree on every field of every message in every version.
//!
//! `kafka-protocol` is generated from Kafka's own definitions. Values are compared field by field, so that two fields
//! of the same type in the wrong order are found as well.

use std::collections::BTreeSet;

use bytes::BytesMut;
use kafka_protocol::protocol::{Decodable, Encodable, Message};

use crate::fixture::{Fixture, Visitor, decode, encode, for_samples};
use crate::generated::each_message;

#[derive(Default)]
struct Oracle {
    compared: usize,
    unknown_to_them: BTreeSet<(&'static str, i16)>,
}

impl Visitor for Oracle {
    fn visit<M: Fixture>(&mut self) {
        for_samples::<M>(150, |version, ours, _| {
            let name = M::NAME;
            if version > M::Theirs::VERSIONS.max {
                self.unknown_to_them.insert((name, version));
                return;
            }
            let theirs = ours.to_theirs();

            let mut from_us = encode(&ours, version);
            let read_by_them = M::Theirs::decode(&mut from_us, version)
                .unwrap_or_else(|error| panic!("{name} version {version} from us: {error}: {ours:?}"));
            assert!(from_us.is_empty(), "{name} version {version}: they leave {} bytes of ours", from_us.len());
            assert_eq!(read_by_them, theirs, "{name} version {version} from us");

            let mut from_them = BytesMut::new();
            theirs
                .encode(&mut from_them, version)
                .unwrap_or_else(|error| panic!("{name} version {version} by them: {error}: {theirs:?}"));
            assert_eq!(decode::<M>(&from_them, version).as_ref(), Ok(&ours), "{name} version {version} from them");
            assert_eq!(encode(&ours, version), from_them, "{name} version {version}: the bytes differ");
            self.compared += 1;
        });
    }
}

#[test]
fn another_implementation_reads_what_we_write_and_we_read_what_it_writes() {
    let mut oracle = Oracle::default();
    each_message(&mut oracle);
    // 33 APIs of 182 versions, a request and a response each, but for those that the crate lacks: a number that shrinks
    // means an API got lost.
    let lacking = [
        ("DescribeLogDirsRequest", 5),
        ("DescribeLogDirsResponse", 5),
        ("ListOffsetsRequest", 11),
        ("ListOffsetsResponse", 11),
        ("OffsetCommitRequest", 10),
        ("OffsetFetchRequest", 10),
    ];
    assert_eq!(oracle.unknown_to_them, BTreeSet::from(lacking));
    assert_eq!(oracle.compared, (182 * 2 - lacking.len()) * 150);
}
