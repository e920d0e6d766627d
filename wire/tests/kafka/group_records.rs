//! The records of groups against Kafka's own bytes, and against hostile ones.

mod generated;
mod golden;
mod hostile;

use bytes::Bytes;
use wire::gather::Gather;
use wire::kafka::group_records::Versioned;
use wire::kafka::{DecodeError, EncodeError, Fault, Reader};

use crate::fixture::{Sample, for_versions};
use generated::each_part;

/// Something that wants to see every key, value and kind of data.
pub(crate) trait Visitor {
    fn visit<V: Versioned + Sample>(&mut self);
}

fn encode<V: Versioned>(value: &V, version: i16) -> Bytes {
    let mut out = Gather::new();
    let outcome = value.encode(&mut out, version);
    outcome.unwrap_or_else(|error| panic!("{} version {version}: {error}: {value:?}", V::NAME));
    out.finish().concat().into()
}

fn decode<V: Versioned>(bytes: &[u8], version: i16) -> Result<V, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = V::decode(&mut reader, version)?;
    reader.finish()?;
    Ok(value)
}

struct RoundTrips;

impl Visitor for RoundTrips {
    fn visit<V: Versioned + Sample>(&mut self) {
        for_versions::<V>(V::NAME, V::VERSIONS, 100, |version, value, _| {
            let bytes = encode(&value, version);
            assert_eq!(decode::<V>(&bytes, version).as_ref(), Ok(&value), "{} version {version}", V::NAME);
        });
    }
}

#[test]
fn every_version_of_every_part_survives_a_round_trip() {
    each_part(&mut RoundTrips);
}

struct Neighbours;

impl Visitor for Neighbours {
    fn visit<V: Versioned + Sample>(&mut self) {
        for version in [i16::MIN, V::VERSIONS.min - 1, V::VERSIONS.max + 1, i16::MAX] {
            let error = V::decode(&mut Reader::new(&[0; 256]), version).expect_err("not known");
            assert_eq!((error.field, error.at, error.fault), (V::NAME, 0, Fault::Version(version)));
            let refused = V::default().encode(&mut Gather::new(), version);
            assert_eq!(refused, Err(EncodeError::Version { message: V::NAME, version }));
        }
    }
}

#[test]
fn one_version_below_and_one_above_are_refused() {
    each_part(&mut Neighbours);
}
