//! Requests as real clients send them (tests/conformance/frames): decoded and encoded again, they are the same bytes.

use std::collections::BTreeSet;
use std::path::Path;

use wire::gather::Gather;
use wire::kafka::{ApiKey, FrameHeader, Reader};

use crate::fixture::{Fixture, Visitor};
use crate::generated::each_message;

const FRAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/frames");

/// A request without its length, and the client and file that it is from.
struct Frame {
    from: String,
    bytes: Vec<u8>,
    api: Option<ApiKey>,
}

/// Those that were read, by their place among all.
struct Captured<'a> {
    frames: &'a [Frame],
    read: BTreeSet<usize>,
}

fn frames() -> Vec<Frame> {
    let entries = |folder: &Path| {
        let listed = std::fs::read_dir(folder).expect("the frames are committed");
        let mut paths: Vec<_> = listed.map(|entry| entry.expect("it can be listed").path()).collect();
        paths.sort();
        paths
    };
    let clients = entries(Path::new(FRAMES)).into_iter().filter(|path| path.is_dir());
    let frame = |path: std::path::PathBuf| {
        let bytes = std::fs::read(&path).expect("it was listed");
        let from = path.strip_prefix(FRAMES).expect("it lies there").display().to_string();
        let header = FrameHeader::decode(&mut Reader::new(&bytes)).unwrap_or_else(|error| panic!("{from}: {error}"));
        let api = if let FrameHeader::Request { api, .. } = header { Some(api) } else { None };
        Frame { from, bytes, api }
    };
    clients.flat_map(|client| entries(&client)).map(frame).collect()
}

impl Visitor for Captured<'_> {
    fn visit<M: Fixture>(&mut self) {
        if !M::NAME.ends_with("Request") {
            return;
        }
        for (at, frame) in self.frames.iter().enumerate().filter(|(_, frame)| frame.api == Some(M::API)) {
            let Frame { from, bytes, .. } = frame;
            let mut reader = Reader::new(bytes);
            let Ok(FrameHeader::Request { header, .. }) = FrameHeader::decode(&mut reader) else {
                unreachable!("it was looked at");
            };
            let message = M::decode(&mut reader, header.api_version).unwrap_or_else(|error| panic!("{from}: {error}"));
            reader.finish().unwrap_or_else(|error| panic!("{from}: {error}"));
            let mut out = Gather::new();
            header.encode(&mut out).expect("it was short enough to be read");
            message.encode(&mut out, header.api_version).unwrap_or_else(|error| panic!("{from}: {error}"));
            assert_eq!(out.finish().concat(), *bytes, "{from}: {message:?}");
            assert!(self.read.insert(at), "{from} is of two APIs");
        }
    }
}

#[test]
fn what_real_clients_send_is_the_same_bytes_when_it_is_encoded_again() {
    let frames = frames();
    let mut captured = Captured { frames: &frames, read: BTreeSet::new() };
    each_message(&mut captured);
    let left = (0..frames.len()).filter(|at| !captured.read.contains(at)).map(|at| frames[at].from.as_str());
    // Its client begins with a version that nobody has, and the tool can do without the API.
    assert_eq!(left.collect::<Vec<_>>(), LACKING);
    let keys: BTreeSet<i16> = frames.iter().filter_map(|frame| frame.api).map(ApiKey::key).collect();
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), CAPTURED, "an API got lost, or a new one is not named here");
}

const LACKING: [&str; 2] = ["java/api-versions-v5.bin", "kafka-tools/list-partition-reassignments-v0.bin"];

/// By their keys: Produce to Metadata, OffsetCommit to ListGroups, ApiVersions to InitProducerId, OffsetForLeaderEpoch,
/// DescribeConfigs, AlterConfigs, DescribeLogDirs, CreatePartitions, DeleteGroups, IncrementalAlterConfigs,
/// OffsetDelete, DescribeCluster, ConsumerGroupHeartbeat, ConsumerGroupDescribe, DescribeTopicPartitions.
const CAPTURED: [i16; 30] =
    [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 42, 44, 47, 60, 68, 69, 75];
