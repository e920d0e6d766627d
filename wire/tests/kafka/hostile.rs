//! Bytes that are cut, damaged, or made to hurt: refused without a panic and without much memory.

use base::SeededRandom;
use wire::kafka::{FrameHeader, Message, Reader, fetch, frame, produce};

use crate::allocation::allocated_by;
use crate::fixture::{Fixture, Visitor, decode, encode, for_samples};
use crate::generated::each_message;

/// What decoding may allocate for a frame of that length.
fn memory_max(len: usize) -> usize {
    16 * len + 64 * 1024
}

/// Decodes as everything that the bytes could be in this version; no outcome is wrong but a panic or too much memory.
fn survives<M: Fixture>(bytes: &[u8], version: i16) {
    let (outcome, allocated) = allocated_by(|| decode::<M>(bytes, version).map(drop));
    let max = memory_max(bytes.len());
    assert!(allocated <= max, "{} version {version}: {allocated} bytes for {bytes:?}: {outcome:?}", M::NAME);
    let ((), allocated) = allocated_by(|| parse_view(M::NAME, bytes, version));
    assert_eq!(allocated, 0, "the view of {} version {version} allocates", M::NAME);
}

/// Walks the view of a message if it has one, down to the last array.
fn parse_view(name: &str, bytes: &[u8], version: i16) {
    let mut reader = Reader::new(bytes);
    match name {
        "ProduceRequest" => {
            if let Ok(view) = produce::ProduceRequestView::parse(&mut reader, version) {
                let partitions = view.topic_data.iter().flat_map(|topic| topic.partition_data);
                assert!(partitions.map(|one| one.records.map_or(0, <[u8]>::len)).sum::<usize>() <= bytes.len());
            }
        }
        "ProduceResponse" => {
            if let Ok(view) = produce::ProduceResponseView::parse(&mut reader, version) {
                let partitions = view.responses.iter().flat_map(|topic| topic.partition_responses);
                assert!(partitions.map(|one| one.record_errors.iter().count()).sum::<usize>() <= bytes.len());
                assert!(view.node_endpoints.iter().count() <= bytes.len());
            }
        }
        "FetchRequest" => {
            if let Ok(view) = fetch::FetchRequestView::parse(&mut reader, version) {
                assert!(view.topics.iter().flat_map(|topic| topic.partitions).count() <= bytes.len());
                let forgotten = view.forgotten_topics_data.iter().flat_map(|topic| topic.partitions);
                assert!(forgotten.count() <= bytes.len());
            }
        }
        "FetchResponse" => {
            if let Ok(view) = fetch::FetchResponseView::parse(&mut reader, version) {
                let partitions = view.responses.iter().flat_map(|topic| topic.partitions);
                let aborted = partitions.filter_map(|one| one.aborted_transactions).flatten();
                assert!(aborted.count() <= bytes.len());
            }
        }
        _ => {}
    }
}

struct Prefixes;

impl Visitor for Prefixes {
    fn visit<M: Fixture>(&mut self) {
        for_samples::<M>(4, |version, message, _| {
            let bytes = encode(&message, version);
            for len in 0..bytes.len() {
                let outcome = decode::<M>(&bytes[..len], version);
                assert!(outcome.is_err(), "{} version {version} takes {len} of {} bytes", M::NAME, bytes.len());
                parse_view(M::NAME, &bytes[..len], version);
            }
            let longer = [&bytes[..], &[0]].concat();
            assert!(decode::<M>(&longer, version).is_err(), "{} version {version} takes a byte more", M::NAME);
        });
    }
}

#[test]
fn every_prefix_of_every_message_is_refused() {
    each_message(&mut Prefixes);
}

struct Mutations;

impl Visitor for Mutations {
    fn visit<M: Fixture>(&mut self) {
        for_samples::<M>(2, |version, message, random| {
            let mut bytes = encode(&message, version).to_vec();
            for at in 0..bytes.len() {
                let original = bytes[at];
                for value in [0, 1, 0x7F, 0x80, 0xFF, random.next_u64().to_le_bytes()[0]] {
                    bytes[at] = value;
                    survives::<M>(&bytes, version);
                }
                bytes[at] = original;
            }
        });
    }
}

#[test]
fn no_single_wrong_byte_makes_a_panic_or_takes_much_memory() {
    each_message(&mut Mutations);
}

struct Noise(SeededRandom);

impl Visitor for Noise {
    fn visit<M: Fixture>(&mut self) {
        for version in M::API.versions_handled().iter() {
            for round in 0..300 {
                let mut bytes = vec![0; self.0.index(200)];
                self.0.fill(&mut bytes);
                // Half of them with mostly small numbers, which get further than the first length.
                if round % 2 == 0 {
                    bytes.iter_mut().for_each(|byte| *byte = if *byte < 200 { *byte % 4 } else { *byte });
                }
                survives::<M>(&bytes, version);
            }
        }
    }
}

#[test]
fn random_bytes_make_no_panic_and_take_little_memory() {
    each_message(&mut Noise(SeededRandom::new(0x0BAD_F00D)));
}

/// The smallest items that make the largest structs: a count as large as the bytes allow, then one byte over and over.
struct Amplifiers;

impl Visitor for Amplifiers {
    fn visit<M: Fixture>(&mut self) {
        const LEN: usize = 1 << 17;
        for version in M::API.versions_handled().iter() {
            for fill in [0, 1, 2] {
                let mut bytes = vec![fill; LEN];
                for skip in 0..24 {
                    // A count of 2^17 - 64 as a compact length, and as one of four bytes.
                    for count in [&[0xC1, 0xFF, 0x07][..], &[0, 0x01, 0xFF, 0xC0]] {
                        bytes[skip..skip + count.len()].copy_from_slice(count);
                        survives::<M>(&bytes, version);
                        bytes[skip..skip + count.len()].fill(fill);
                    }
                }
            }
        }
    }
}

#[test]
fn many_tiny_items_take_no_more_memory_than_a_frame_may() {
    each_message(&mut Amplifiers);
}

#[test]
fn no_header_or_length_makes_a_panic() {
    let mut random = SeededRandom::new(11);
    for _ in 0..200_000 {
        let mut bytes = vec![0; random.index(24)];
        random.fill(&mut bytes);
        // Keys and versions that exist, in most of them.
        if bytes.len() > 3 && random.percent(80) {
            (bytes[0], bytes[1], bytes[2], bytes[3]) = (0, bytes[1] % 80, 0, bytes[3] % 20);
        }
        let (outcome, allocated) = allocated_by(|| FrameHeader::decode(&mut Reader::new(&bytes)).is_ok());
        assert_eq!(allocated, 0, "{bytes:?}: {outcome}");
        let _ = frame::peek_length(&bytes, 1 << 20);
    }
}

/// The frame that makes `kafka-protocol` 0.18 abort: a Metadata request of version 0 that claims 2^31 - 1 topics.
#[test]
fn a_claim_of_two_billion_topics_is_refused_at_once() {
    let (outcome, allocated) = allocated_by(|| {
        let mut reader = Reader::new(&[0x7F, 0xFF, 0xFF, 0xFF]);
        wire::kafka::metadata::MetadataRequest::decode(&mut reader, 0).map(drop)
    });
    assert!(outcome.is_err());
    assert_eq!(allocated, 0);
}
