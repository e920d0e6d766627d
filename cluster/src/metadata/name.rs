//! Names of topics.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::limits;
use crate::settings::quoted;

/// A topic's name by Kafka's rules: 1 to 249 of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

impl TopicName {
    pub fn new(text: &str) -> Result<Self, InvalidTopicName> {
        let refused = |why| InvalidTopicName { text: quoted(text), why };
        if text.is_empty() {
            return Err(refused("it is empty"));
        }
        if text == "." || text == ".." {
            return Err(refused("it would name a folder's self or parent"));
        }
        if text.len() > limits::TOPIC_NAME_BYTES_MAX {
            return Err(refused("it has more than 249 characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            return Err(refused("only letters, digits, '.', '_' and '-' are allowed"));
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names with the same value here collide, because Kafka's metrics write `.` as `_`. `None` when no other name can.
    ///
    /// Kafka's controller refuses a new topic (`INVALID_TOPIC_EXCEPTION`) when its name contains `.` or `_` and equals an
    /// existing one once every `.` is written as `_`. A topic of exactly that name is reported as existing instead.
    pub(crate) fn collision_key(&self) -> Option<String> {
        self.0.contains(['.', '_']).then(|| self.0.replace('.', "_"))
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The text cannot name a topic (Kafka's `INVALID_TOPIC_EXCEPTION`, 17).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot name a topic: {why}")]
pub struct InvalidTopicName {
    text: String,
    why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_kafka() {
        for text in ["a", "A.b_c-9", "...", "__consumer_offsets", &"x".repeat(249)] {
            assert_eq!(TopicName::new(text).unwrap().as_str(), text);
        }
        for text in ["", ".", "..", "a b", "a/b", "ä", "a\n", "a\0", &"x".repeat(250), &"ü".repeat(200)] {
            let message = TopicName::new(text).unwrap_err().to_string();
            assert!(message.contains("cannot name a topic") && message.len() < 200, "{message}");
        }
    }

    #[test]
    fn names_collide_when_only_dots_and_underscores_differ() {
        let key = |text| TopicName::new(text).unwrap().collision_key();
        assert_eq!(key("a.b_c"), key("a_b.c"));
        assert_ne!(key("a.b"), key("a.c"));
        assert_eq!(key("ab"), None);
    }
}
