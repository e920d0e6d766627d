//! All messages as Kafka's own classes write them, every version, with defaults and full.

use std::collections::BTreeSet;

use wire::kafka::Fault;

use crate::fixture::{Fixture, Visitor, decode, encode};
use crate::generated::each_message;

const MESSAGES: &str = include_str!("../../golden/messages-4.3.1.txt");

/// The bytes of a line: hexadecimal, or `-` for none.
pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    let text = if text == "-" { "" } else { text };
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// The lines of a golden file that begin with a name: version, with defaults or full, bytes.
pub(crate) fn lines_of(file: &'static str, name: &str) -> Vec<(i16, bool, Vec<u8>)> {
    let words = file.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let own = words.filter(|words| words[0] == name);
    own.map(|words| (words[1].parse().expect("a version"), words[2] == "full", from_hex(words[3]))).collect()
}

#[derive(Default)]
struct Java {
    lines: usize,
    /// Versions of Kafka's that are not ours.
    beyond: BTreeSet<(&'static str, i16)>,
}

impl Visitor for Java {
    fn visit<M: Fixture>(&mut self) {
        let (name, handled) = (M::NAME, M::API.versions_handled());
        let lines = lines_of(MESSAGES, name);
        for version in handled.iter() {
            for wanted in [false, true] {
                let count = lines.iter().filter(|(known, full, _)| (*known, *full) == (version, wanted)).count();
                assert_eq!(count, 1, "goldens of {name} version {version}, full: {wanted}");
            }
        }
        for (version, full, bytes) in lines {
            self.lines += 1;
            let read = decode::<M>(&bytes, version);
            if !handled.contains(version) {
                assert_eq!(read.expect_err("not handled").fault, Fault::Version(version), "{name}");
                self.beyond.insert((name, version));
                continue;
            }
            let read = read.unwrap_or_else(|error| panic!("{name} version {version}: {error}"));
            assert_eq!(
                read == M::default(),
                !full || bytes.is_empty() || bytes == [0],
                "{name} version {version}: {read:?}"
            );
            assert_eq!(encode(&read, version), bytes, "{name} version {version}: the bytes differ");
        }
    }
}

/// An API or a version that is served without a golden fails here: `KafkaGoldens.java` writes it.
#[test]
fn what_kafkas_own_classes_write_is_read_and_written_to_the_byte_in_every_version_served() {
    let mut java = Java::default();
    each_message(&mut java);
    // Clients infer a broker's release from its versions, so they are all of one: 4.3. Of this one it tells nobody.
    assert_eq!(java.beyond, BTreeSet::from([("InitProducerIdRequest", 6), ("InitProducerIdResponse", 6)]));
    assert_eq!(java.lines, MESSAGES.lines().filter(|line| !line.starts_with('#')).count());
}
