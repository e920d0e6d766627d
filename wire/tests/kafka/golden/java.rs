//! Messages of groups and administration as Kafka's own classes write them, every version, with defaults and full.

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
}

impl Visitor for Java {
    fn visit<M: Fixture>(&mut self) {
        for (version, full, bytes) in lines_of(MESSAGES, M::NAME) {
            let name = M::NAME;
            let read = decode::<M>(&bytes, version).unwrap_or_else(|error| panic!("{name} version {version}: {error}"));
            assert_eq!(
                read == M::default(),
                !full || bytes.is_empty() || bytes == [0],
                "{name} version {version}: {read:?}"
            );
            assert_eq!(encode(&read, version), bytes, "{name} version {version}: the bytes differ");
            self.lines += 1;
        }
    }
}

#[test]
fn what_kafkas_own_classes_write_is_read_and_written_to_the_byte() {
    let mut java = Java::default();
    each_message(&mut java);
    assert_eq!(java.lines, MESSAGES.lines().filter(|line| !line.starts_with('#')).count());
    assert!(java.lines > 370, "{} lines", java.lines);
}
