//! What is known of every message in the tests: an arbitrary value, and how another implementation holds it.

use std::fmt::Debug;

use base::SeededRandom;
use bytes::Bytes;
use kafka_protocol::protocol::{Decodable, Encodable};
use wire::gather::Gather;
use wire::kafka::{DecodeError, Message, Reader, VersionRange};

/// Something that can be drawn at random, with values only in the fields of one version.
pub(crate) trait Sample {
    fn sample(random: &mut SeededRandom, version: i16) -> Self;
}

/// A message with a twin in the crate `kafka-protocol`.
pub(crate) trait Fixture: Message + Sample {
    type Theirs: kafka_protocol::protocol::Message + Encodable + Decodable + PartialEq + Debug;

    fn to_theirs(&self) -> Self::Theirs;
}

/// Something that wants to see every message.
pub(crate) trait Visitor {
    fn visit<M: Fixture>(&mut self);
}

/// The bytes of a message in a version that has all that is set.
pub(crate) fn encode<M: Message>(message: &M, version: i16) -> Bytes {
    let mut out = Gather::new();
    let outcome = message.encode(&mut out, version);
    outcome.unwrap_or_else(|error| panic!("{} version {version}: {error}: {message:?}", M::NAME));
    out.finish().concat().into()
}

/// Decodes a whole message and refuses what is left over.
pub(crate) fn decode<M: Message>(bytes: &[u8], version: i16) -> Result<M, DecodeError> {
    let mut reader = Reader::new(bytes);
    let message = M::decode(&mut reader, version)?;
    reader.finish()?;
    Ok(message)
}

/// A value in each handled version: `each` gets the version and a value drawn for it, `rounds` times.
pub(crate) fn for_samples<M: Fixture>(rounds: usize, each: impl FnMut(i16, M, &mut SeededRandom)) {
    for_versions(M::NAME, M::API.versions_handled(), rounds, each);
}

/// The same of anything that has a name and versions.
pub(crate) fn for_versions<S: Sample>(
    name: &str,
    versions: VersionRange,
    rounds: usize,
    mut each: impl FnMut(i16, S, &mut SeededRandom),
) {
    for version in versions.iter() {
        // The name and version are in the seed, so that one message's samples don't depend on another's.
        let mix = |seed: u64, byte: u8| seed.wrapping_mul(31).wrapping_add(u64::from(byte));
        let seed = name.bytes().fold(u64::from(version.unsigned_abs()), mix);
        let mut random = SeededRandom::new(seed);
        for _ in 0..rounds {
            let sample = S::sample(&mut random, version);
            each(version, sample, &mut random);
        }
    }
}

/// Values that a field can have, with the edges more often than chance would have them.
pub(crate) mod draw {
    use super::{Bytes, SeededRandom};
    use wire::payload::Payload;

    pub(crate) fn bool(random: &mut SeededRandom) -> bool {
        random.percent(50)
    }

    fn edge_or_any<T: Copy>(random: &mut SeededRandom, edges: &[T], any: impl FnOnce(u64) -> T) -> T {
        if random.percent(30) { edges[random.index(edges.len())] } else { any(random.next_u64()) }
    }

    pub(crate) fn i8(random: &mut SeededRandom) -> i8 {
        edge_or_any(random, &[i8::MIN, -1, 0, 1, i8::MAX], |any| any.to_le_bytes()[0].cast_signed())
    }

    pub(crate) fn i16(random: &mut SeededRandom) -> i16 {
        edge_or_any(random, &[i16::MIN, -1, 0, 1, i16::MAX], |any| {
            let [low, high, ..] = any.to_le_bytes();
            i16::from_le_bytes([low, high])
        })
    }

    pub(crate) fn u16(random: &mut SeededRandom) -> u16 {
        i16(random).cast_unsigned()
    }

    pub(crate) fn i32(random: &mut SeededRandom) -> i32 {
        edge_or_any(random, &[i32::MIN, -1, 0, 1, i32::MAX], |any| {
            let [a, b, c, d, ..] = any.to_le_bytes();
            i32::from_le_bytes([a, b, c, d])
        })
    }

    pub(crate) fn i64(random: &mut SeededRandom) -> i64 {
        edge_or_any(random, &[i64::MIN, -1, 0, 1, i64::MAX], u64::cast_signed)
    }

    pub(crate) fn u128(random: &mut SeededRandom) -> u128 {
        if random.percent(20) { 0 } else { random.next_u128() }
    }

    /// Mostly short; sometimes empty, of more than one byte a letter, or with a length of two bytes as a varint.
    pub(crate) fn string(random: &mut SeededRandom) -> String {
        let len = match random.below(20) {
            0 => 0,
            1 => 126 + random.index(4),
            2 => 300,
            _ => 1 + random.index(12),
        };
        let letters = ['a', 'z', '-', '.', '0', '_', 'ß', '€', '🦀'];
        let common = if random.percent(80) { 6 } else { letters.len() };
        (0..len).map(|_| letters[random.index(common)]).collect()
    }

    /// Mostly short, sometimes long enough to be put by reference, in one piece or several.
    pub(crate) fn payload(random: &mut SeededRandom) -> Payload {
        (0..random.index(4))
            .map(|_| {
                let mut part = vec![0; if random.percent(20) { 1_000 } else { random.index(40) }];
                random.fill(&mut part);
                Bytes::from(part)
            })
            .collect()
    }

    pub(crate) fn nullable<T>(random: &mut SeededRandom, some: impl FnOnce(&mut SeededRandom) -> T) -> Option<T> {
        if random.percent(25) { None } else { Some(some(random)) }
    }

    pub(crate) fn array<T>(random: &mut SeededRandom, mut item: impl FnMut(&mut SeededRandom) -> T) -> Vec<T> {
        let len = random.index(4);
        (0..len).map(|_| item(random)).collect()
    }
}

/// Our values as those of `kafka-protocol`, whichever of its types the field wants.
pub(crate) mod convert {
    use super::Bytes;
    use kafka_protocol::protocol::StrBytes;
    use uuid::Uuid;
    use wire::payload::Payload;

    pub(crate) fn number<Ours: Into<Theirs>, Theirs>(ours: Ours) -> Theirs {
        ours.into()
    }

    pub(crate) fn uuid(ours: u128) -> Uuid {
        Uuid::from_u128(ours)
    }

    pub(crate) fn string<Theirs: From<StrBytes>>(ours: &str) -> Theirs {
        StrBytes::from_string(ours.to_owned()).into()
    }

    pub(crate) fn payload(ours: &Payload) -> Bytes {
        ours.to_bytes()
    }
}
