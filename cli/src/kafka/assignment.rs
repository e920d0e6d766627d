//! What a member of the classic protocol is to read, as Kafka's own clients write it.
//!
//! ```text
//! version i16 | topic count i32 | { name length i16 | name | partition count i32 | { partition i32 }* }* | user data
//! ```

use std::collections::{BTreeMap, BTreeSet};

/// Partitions by topic.
pub(crate) type Assignment = BTreeMap<String, BTreeSet<u32>>;

/// `None` if it is something else.
pub(super) fn parse_assignment(bytes: &[u8]) -> Option<Assignment> {
    let mut rest = bytes;
    let version = i16::from_be_bytes(take(&mut rest)?);
    if version < 0 {
        return None;
    }
    let mut assignment = Assignment::new();
    for _ in 0..count(&mut rest)? {
        let length = usize::try_from(i16::from_be_bytes(take(&mut rest)?)).ok()?;
        let (name, after) = rest.split_at_checked(length)?;
        rest = after;
        let partitions = assignment.entry(std::str::from_utf8(name).ok()?.to_owned()).or_default();
        for _ in 0..count(&mut rest)? {
            partitions.insert(u32::try_from(i32::from_be_bytes(take(&mut rest)?)).ok()?);
        }
    }
    Some(assignment)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

/// Each item takes bytes: a count that lies ends the reading, and sets nothing aside.
fn count(rest: &mut &[u8]) -> Option<u32> {
    u32::try_from(i32::from_be_bytes(take(rest)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_TOPICS: &[u8] = b"\x00\x03\x00\x00\x00\x02\
        \x00\x01a\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x05\
        \x00\x02bc\x00\x00\x00\x01\x00\x00\x00\x01\
        \xff\xff\xff\xff";

    #[test]
    fn an_assignment_is_read_whatever_user_data_follows() {
        let expected = Assignment::from([("a".to_owned(), [0, 5].into()), ("bc".to_owned(), [1].into())]);
        assert_eq!(parse_assignment(TWO_TOPICS), Some(expected));
        assert_eq!(parse_assignment(&[TWO_TOPICS, b"more"].concat()), parse_assignment(TWO_TOPICS));
    }

    #[test]
    fn what_is_cut_or_lies_about_its_counts_is_none() {
        for end in 0..TWO_TOPICS.len() - 4 {
            assert_eq!(parse_assignment(&TWO_TOPICS[..end]), None, "{end}");
        }
        for bytes in
            [&b"all"[..], b"\x00\x00\x7f\xff\xff\xff", b"\xff\xff\x00\x00\x00\x00", b"\x00\x00\xff\xff\xff\xff"]
        {
            assert_eq!(parse_assignment(bytes), None, "{bytes:?}");
        }
    }
}
