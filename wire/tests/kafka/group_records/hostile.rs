//! Records that are cut, damaged, or made to hurt.

use base::SeededRandom;
use wire::kafka::group_records::consumer_protocol_assignment::ConsumerProtocolAssignment;
use wire::kafka::group_records::consumer_protocol_subscription::ConsumerProtocolSubscription;
use wire::kafka::group_records::{GroupRecord, Versioned, decode_consumer_protocol};

use super::generated::each_part;
use super::{Visitor, decode, encode};
use crate::allocation::allocated_by;
use crate::fixture::{Sample, for_versions};

/// What decoding may allocate for bytes of that length.
fn memory_max(len: usize) -> usize {
    16 * len + 64 * 1024
}

fn survives<V: Versioned>(bytes: &[u8], version: i16) {
    let (outcome, allocated) = allocated_by(|| decode::<V>(bytes, version).map(drop));
    let max = memory_max(bytes.len());
    assert!(allocated <= max, "{} version {version}: {allocated} bytes for {}: {outcome:?}", V::NAME, bytes.len());
}

struct Damage;

impl Visitor for Damage {
    fn visit<V: Versioned + Sample>(&mut self) {
        for_versions::<V>(V::NAME, V::VERSIONS, 4, |version, value, random| {
            let mut bytes = encode(&value, version).to_vec();
            for len in 0..bytes.len() {
                assert!(
                    decode::<V>(&bytes[..len], version).is_err(),
                    "{} version {version} takes {len} bytes",
                    V::NAME
                );
            }
            bytes.push(0);
            assert!(decode::<V>(&bytes, version).is_err(), "{} version {version} takes a byte more", V::NAME);
            bytes.pop();
            for at in 0..bytes.len() {
                let original = bytes[at];
                for value in [0, 1, 0x7F, 0x80, 0xFF, random.next_u64().to_le_bytes()[0]] {
                    bytes[at] = value;
                    survives::<V>(&bytes, version);
                }
                bytes[at] = original;
            }
        });
    }
}

#[test]
fn prefixes_are_refused_and_no_wrong_byte_makes_a_panic_or_takes_much_memory() {
    each_part(&mut Damage);
}

/// A count as large as the bytes allow, wherever one can stand.
struct Amplifiers;

impl Visitor for Amplifiers {
    fn visit<V: Versioned + Sample>(&mut self) {
        const LEN: usize = 1 << 17;
        for version in V::VERSIONS.iter() {
            for fill in [0, 1, 2] {
                let mut bytes = vec![fill; LEN];
                for skip in 0..24 {
                    for count in [&[0xC1, 0xFF, 0x07][..], &[0, 0x01, 0xFF, 0xC0]] {
                        bytes[skip..skip + count.len()].copy_from_slice(count);
                        survives::<V>(&bytes, version);
                        bytes[skip..skip + count.len()].fill(fill);
                    }
                }
            }
        }
    }
}

#[test]
fn many_tiny_items_take_no_more_memory_than_their_bytes_allow() {
    each_part(&mut Amplifiers);
}

#[test]
fn random_records_make_no_panic_and_take_little_memory() {
    let mut random = SeededRandom::new(0x000F_F5E7);
    for _ in 0..100_000 {
        let mut bytes = vec![0; random.index(120)];
        random.fill(&mut bytes);
        bytes.iter_mut().for_each(|byte| *byte = if *byte < 200 { *byte % 4 } else { *byte });
        let (key, value) = bytes.split_at(random.index(bytes.len() + 1));
        let mut key = key.to_vec();
        if let [high, low, ..] = &mut key[..] {
            (*high, *low) = (0, *low % 18);
        }
        let (_, allocated) = allocated_by(|| GroupRecord::decode(&key, Some(value)).is_ok());
        assert!(allocated <= 2 * memory_max(bytes.len()), "{allocated} bytes for {key:?} {value:?}");
        let (_, allocated) = allocated_by(|| {
            let _ = decode_consumer_protocol::<ConsumerProtocolSubscription>(value);
            let _ = decode_consumer_protocol::<ConsumerProtocolAssignment>(value);
        });
        assert!(allocated <= 2 * memory_max(value.len()), "{allocated} bytes for {value:?}");
    }
}
