//! Partitions as they are named on the command line: `clicks`, or `clicks:0,3-5`.

use std::collections::BTreeSet;

/// A topic, or some of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) topic: String,
    /// All of them, if none is named.
    pub(super) partitions: Option<BTreeSet<u32>>,
}

/// More in one range is a slip of the finger.
const RANGE_MAX: u32 = 100_000;

pub(super) fn parse_scope(text: &str) -> Result<Scope, String> {
    let (topic, list) = match text.split_once(':') {
        Some((topic, list)) => (topic, Some(list)),
        None => (text, None),
    };
    let wrong = || format!("{text:?}: write TOPIC, or TOPIC:PARTITION,… such as clicks:0,3-5");
    if topic.is_empty() {
        return Err(wrong());
    }
    let Some(list) = list else { return Ok(Scope { topic: topic.to_owned(), partitions: None }) };
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|index| *index <= i32::MAX.cast_unsigned());
    let mut partitions = BTreeSet::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first).ok_or_else(wrong)?, number(last).ok_or_else(wrong)?);
        if first > last || last - first >= RANGE_MAX {
            return Err(wrong());
        }
        partitions.extend(first..=last);
    }
    Ok(Scope { topic: topic.to_owned(), partitions: Some(partitions) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_whole_or_with_some_partitions() {
        let scope = |partitions| Ok(Scope { topic: "a.b".to_owned(), partitions });
        assert_eq!(parse_scope("a.b"), scope(None));
        assert_eq!(parse_scope("a.b:7"), scope(Some([7].into())));
        assert_eq!(parse_scope("a.b:0, 3-5,4"), scope(Some([0, 3, 4, 5].into())));
        for text in ["", ":1", "a:", "a:x", "a:1,", "a:5-3", "a:0-4000000", "a:-1", "a:1:2", "a:2147483648"] {
            assert!(parse_scope(text).is_err(), "{text}");
        }
    }
}
