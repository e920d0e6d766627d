//! Another implementation must agree on every field of every message in every version.
//!
//! `kafka-protocol` is generated from Kafka's own definitions. Values are compared field by field, so that two fields
//! of the same type in the wrong order are found as well.

use bytes::BytesMut;
use kafka_protocol::protocol::{Decodable, Encodable};

use crate::fixture::{Fixture, Visitor, decode, encode, for_samples};
use crate::generated::each_message;

#[derive(Default)]
struct Oracle {
    compared: usize,
}

impl Visitor for Oracle {
    fn visit<M: Fixture>(&mut self) {
        for_samples::<M>(150, |version, ours, _| {
            let name = M::NAME;
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
    // 15 APIs of 91 versions, a request and a response each: a number that shrinks means an API got lost.
    assert!(oracle.compared >= 91 * 2 * 150, "{} values compared", oracle.compared);
}
