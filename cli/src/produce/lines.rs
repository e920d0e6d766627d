//! Records out of lines.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::record_json::{JsonRecord, OwnedHeader, read_record};

/// How a line is to be understood.
pub(super) enum LineFormat {
    Text {
        key_separator: Option<Arc<[u8]>>,
    },
    Json,
    /// A JSON object that is the value, with a field that is the key.
    JsonValue {
        key_field: String,
    },
}

/// A record to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: &'a [OwnedHeader],
    pub(super) timestamp: Option<u64>,
    pub(super) partition: Option<u32>,
}

pub(super) struct Parser {
    format: LineFormat,
    /// The last record, where it does not lie in its line.
    record: JsonRecord,
}

impl Parser {
    pub(super) fn new(format: LineFormat) -> Self {
        Self { format, record: JsonRecord::default() }
    }

    /// The record of a line; `None` for a blank line between JSON objects.
    pub(super) fn parse<'a>(&'a mut self, line: &'a [u8]) -> Result<Option<Parsed<'a>>, String> {
        let is_blank = || line.iter().all(u8::is_ascii_whitespace);
        match &self.format {
            LineFormat::Text { key_separator: None } => Ok(Some(Parsed { value: Some(line), ..Parsed::default() })),
            LineFormat::Text { key_separator: Some(separator) } => {
                let at = line.windows(separator.len()).position(|window| *window == **separator);
                let Some(at) = at else {
                    return Err(format!("there is no key separator {} in it", separator.escape_ascii()));
                };
                let (key, value) = (&line[..at], &line[at + separator.len()..]);
                Ok(Some(Parsed { key: Some(key), value: Some(value), ..Parsed::default() }))
            }
            LineFormat::Json | LineFormat::JsonValue { .. } if is_blank() => Ok(None),
            LineFormat::Json => {
                self.record = read_record(line)?;
                let JsonRecord { key, value, headers, timestamp, partition } = &self.record;
                let (timestamp, partition) = (*timestamp, *partition);
                Ok(Some(Parsed { key: key.as_deref(), value: value.as_deref(), headers, timestamp, partition }))
            }
            LineFormat::JsonValue { key_field } => {
                self.record.key = field_of(line, key_field)?;
                Ok(Some(Parsed { key: self.record.key.as_deref(), value: Some(line), ..Parsed::default() }))
            }
        }
    }
}

/// A field of an object: text as it is, other JSON as its text, `null` as nothing.
fn field_of(line: &[u8], name: &str) -> Result<Option<Vec<u8>>, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let found = FieldOf(name).deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    let Some(raw) = found else { return Err(format!("it has no field {name:?} to take the key from")) };
    match raw.get() {
        "null" => Ok(None),
        text if text.starts_with('"') => {
            let text: Cow<'_, str> = serde_json::from_str(text).map_err(|error| error.to_string())?;
            Ok(Some(text.into_owned().into_bytes()))
        }
        other => Ok(Some(other.as_bytes().to_vec())),
    }
}

struct FieldOf<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for FieldOf<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldOf<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<Name<'de>>()? {
            if name.0 != self.0 {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value()?).is_some() {
                return Err(de::Error::custom(format_args!("the field {:?} comes twice", self.0)));
            }
        }
        Ok(found)
    }
}

/// A name in an object, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn key_and_value(format: LineFormat, line: &str) -> Result<(Option<String>, Option<String>), String> {
        let mut parser = Parser::new(format);
        let parsed = parser.parse(line.as_bytes())?.expect("it is not blank");
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Ok((text(parsed.key), text(parsed.value)))
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn text_is_split_at_the_first_separator() {
        let separated = |separator: &[u8]| LineFormat::Text { key_separator: Some(separator.into()) };
        assert_eq!(key_and_value(separated(b"::"), "k::v::w"), Ok((some("k"), some("v::w"))));
        assert_eq!(key_and_value(separated(b"\t"), "\t"), Ok((some(""), some(""))));
        assert_eq!(key_and_value(LineFormat::Text { key_separator: None }, ""), Ok((None, some(""))));
        let error = key_and_value(separated(b"\t"), "kv").unwrap_err();
        assert_eq!(error, "there is no key separator \\t in it");
    }

    #[test]
    fn a_key_is_taken_from_a_field_and_the_line_stays_as_it_is() {
        let by = |name: &str| LineFormat::JsonValue { key_field: name.to_owned() };
        let line = r#"{"a": {"b": 1}, "b": "x\u0041\"", "n": 1.50, "z": null}"#;
        assert_eq!(key_and_value(by("b"), line), Ok((some("xA\""), some(line))));
        assert_eq!(key_and_value(by("n"), line), Ok((some("1.50"), some(line))));
        assert_eq!(key_and_value(by("a"), line), Ok((some("{\"b\": 1}"), some(line))));
        assert_eq!(key_and_value(by("z"), line), Ok((None, some(line))));
        for (line, reason) in [
            (r#"{"a": 1}"#, "no field \"b\""),
            (r#"{"b": 1, "b": 2}"#, "comes twice"),
            (r#"{"b": 1"#, "EOF"),
            (r#"{"b": 1} {}"#, "trailing characters"),
            ("[1]", "a JSON object"),
        ] {
            let error = key_and_value(by("b"), line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }

    #[test]
    fn blank_lines_between_json_objects_are_passed_over() {
        assert_eq!(Parser::new(LineFormat::Json).parse(b" \r"), Ok(None));
    }
}
