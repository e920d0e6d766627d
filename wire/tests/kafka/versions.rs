//! The versions in the table are those that work: all of them, and no others.

use wire::gather::Gather;
use wire::kafka::{EncodeError, Fault, Reader};

use crate::fixture::{Fixture, Visitor, decode, encode, for_samples};
use crate::generated::each_message;

struct RoundTrips;

impl Visitor for RoundTrips {
    fn visit<M: Fixture>(&mut self) {
        for_samples::<M>(60, |version, message, _| {
            let bytes = encode(&message, version);
            assert_eq!(decode::<M>(&bytes, version).as_ref(), Ok(&message), "{} version {version}", M::NAME);
            // Shared bytes give the same message.
            let mut reader = Reader::shared(&bytes);
            assert_eq!(M::decode(&mut reader, version).as_ref(), Ok(&message));
        });
        for version in M::API.versions_handled().iter() {
            let bytes = encode(&M::default(), version);
            assert_eq!(decode::<M>(&bytes, version), Ok(M::default()), "the default of {} {version}", M::NAME);
        }
    }
}

#[test]
fn every_handled_version_of_every_message_survives_a_round_trip() {
    each_message(&mut RoundTrips);
}

struct Neighbours;

impl Visitor for Neighbours {
    fn visit<M: Fixture>(&mut self) {
        let handled = M::API.versions_handled();
        // Enough zeroes that only the version can be what is wrong.
        let zeroes = [0; 256];
        for version in [i16::MIN, handled.min - 1, handled.max + 1, i16::MAX] {
            let error = M::decode(&mut Reader::new(&zeroes), version).expect_err("not handled");
            assert_eq!((error.field, error.at, error.fault), (M::NAME, 0, Fault::Version(version)));
            let refused = M::default().encode(&mut Gather::new(), version);
            assert_eq!(refused, Err(EncodeError::Version { message: M::NAME, version }));
        }
    }
}

#[test]
fn one_version_below_and_one_above_are_refused() {
    each_message(&mut Neighbours);
}
