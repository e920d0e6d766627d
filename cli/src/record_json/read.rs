//! Lines that are read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A header that was read.
pub(crate) type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);

/// A record that was read from a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonRecord {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<OwnedHeader>,
    pub(crate) timestamp: Option<u64>,
    pub(crate) partition: Option<u32>,
}

/// Reads a record from a line; the error says what is wrong in it.
pub(crate) fn read_record(line: &[u8]) -> Result<JsonRecord, String> {
    let fields: Written<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let Some(value) = fields.value else {
        return Err("there is no \"value\" in it: write null for a record without a value".to_owned());
    };
    Ok(JsonRecord {
        key: bytes_of("key", fields.key.flatten())?,
        value: bytes_of("value", value)?,
        headers: headers_of(fields.headers.flatten())?,
        timestamp: fields.timestamp,
        partition: fields.partition,
    })
}

/// The fields as they are written. Of the outer options, `None` is a field that is missing, of the inner `null`.
#[derive(Default)]
struct Written<'a> {
    key: Option<Option<&'a RawValue>>,
    value: Option<Option<&'a RawValue>>,
    headers: Option<Option<&'a RawValue>>,
    timestamp: Option<u64>,
    partition: Option<u32>,
}

const FIELDS: &[&str] = &["key", "value", "headers", "timestamp", "partition", "topic", "offset"];

impl<'de> Deserialize<'de> for Written<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecordVisitor;

        impl<'de> Visitor<'de> for RecordVisitor {
            type Value = Written<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with the fields of a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written<'de>, A::Error> {
                let mut fields = Written::default();
                while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    match &*name {
                        "key" => put(&mut fields.key, "key", map.next_value()?)?,
                        "value" => put(&mut fields.value, "value", map.next_value()?)?,
                        "headers" => put(&mut fields.headers, "headers", map.next_value()?)?,
                        "timestamp" => fields.timestamp = map.next_value()?,
                        "partition" => fields.partition = map.next_value()?,
                        // A consumed record says where it was; where it goes is said on the command line.
                        "topic" | "offset" => drop(map.next_value::<IgnoredAny>()?),
                        other => return Err(de::Error::unknown_field(other, FIELDS)),
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(RecordVisitor)
    }
}

fn put<'a, E: de::Error>(
    field: &mut Option<Option<&'a RawValue>>,
    name: &'static str,
    raw: &'a RawValue,
) -> Result<(), E> {
    if field.is_some() {
        return Err(E::duplicate_field(name));
    }
    *field = Some(Some(raw).filter(|raw| raw.get() != "null"));
    Ok(())
}

fn bytes_of(field: &str, raw: Option<&RawValue>) -> Result<Option<Vec<u8>>, String> {
    let Some(text) = raw.map(RawValue::get) else { return Ok(None) };
    match text.as_bytes().first() {
        Some(b'"') => {
            let string: String = serde_json::from_str(text).map_err(|error| format!("{field}: {error}"))?;
            Ok(Some(string.into_bytes()))
        }
        Some(b'{') => match serde_json::from_str::<Base64Object<'_>>(text) {
            Ok(object) => match STANDARD.decode(&*object.base64) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) => Err(format!("{field}: {:?} is no base64: {error}", object.base64)),
            },
            Err(_) => Ok(Some(text.as_bytes().to_vec())),
        },
        Some(_) | None => Ok(Some(text.as_bytes().to_vec())),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Base64Object<'a> {
    #[serde(borrow)]
    base64: std::borrow::Cow<'a, str>,
}

fn headers_of(raw: Option<&RawValue>) -> Result<Vec<OwnedHeader>, String> {
    let Some(text) = raw.map(RawValue::get) else { return Ok(Vec::new()) };
    let wrong = |error: serde_json::Error| {
        format!("headers: {error}; write [[\"name\",\"value\"],…] or {{\"name\":\"value\",…}}")
    };
    let pairs: Vec<(&RawValue, &RawValue)> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(wrong)?
    } else {
        serde_json::from_str::<Pairs<'_>>(text).map_err(wrong)?.0
    };
    let not_null = |raw: &'_ RawValue| raw.get() != "null";
    let mut headers = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let Some(key) = bytes_of("a header's name", Some(name).filter(|raw| not_null(raw)))? else {
            return Err("a header's name is null".to_owned());
        };
        headers.push((key, bytes_of("a header's value", Some(value).filter(|raw| not_null(raw)))?));
    }
    Ok(headers)
}

/// An object's fields in the order in which they are written, whatever their names.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use base::Timestamp;
    use wire::Compressor;
    use wire::batch::{Batch, BatchBuilder, BatchOptions, Header, NewRecord};

    use super::super::write_record;
    use super::*;

    fn line_of(new: &NewRecord<'_>) -> String {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(new).unwrap();
        let bytes = builder.finish(&mut Compressor::new()).to_vec();
        let (batch, _) = Batch::parse(&bytes).unwrap();
        let mut out = Vec::new();
        let record = batch.records().unwrap().next().unwrap().unwrap();
        write_record(&mut out, Some(("t", 3)), &record.into());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let controls: Vec<u8> = (0..0x20).collect();
        let byte_strings: [Option<&[u8]>; 9] = [
            None,
            Some(b""),
            Some(b"null"),
            Some("\"\\ \u{7f} \u{e4}\u{1f600}".as_bytes()),
            Some(b"{\"base64\":\"AAAA\"}"),
            Some(b"\xff\xfe\x00"),
            Some(&controls),
            Some(b"{\"a\": 1}"),
            Some(b"\xc3"),
        ];
        for bytes in byte_strings {
            for other in byte_strings {
                let headers = [Header { key: b"h", value: bytes }, Header { key: other.unwrap_or(b""), value: other }];
                let timestamp = Some(Timestamp::from_millis(1_700_000_000_123));
                let line = line_of(&NewRecord { timestamp, key: bytes, value: other, headers: &headers });
                let read = read_record(line.as_bytes()).unwrap();
                let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
                assert_eq!((read.key, read.value), (owned(bytes), owned(other)), "{line}");
                assert_eq!((read.timestamp, read.partition), (Some(1_700_000_000_123), Some(3)));
                let expected = vec![(b"h".to_vec(), owned(bytes)), (other.unwrap_or(b"").to_vec(), owned(other))];
                assert_eq!(read.headers, expected, "{line}");
            }
        }
    }

    #[test]
    fn a_line_has_its_fields_in_a_fixed_order() {
        let line = line_of(&NewRecord { value: Some(b"v\n"), ..NewRecord::default() });
        assert_eq!(
            line,
            "{\"topic\":\"t\",\"partition\":3,\"offset\":0,\"timestamp\":null,\"key\":null,\"value\":\"v\\n\"}\n"
        );
    }

    #[test]
    fn other_json_is_kept_as_its_text_and_headers_may_be_an_object() {
        let read =
            read_record(br#"{"value": {"a": [1, 2.50], "base64": "x"}, "headers": {"k": "v", "k": null}}"#).unwrap();
        assert_eq!(read.value.as_deref(), Some(&br#"{"a": [1, 2.50], "base64": "x"}"#[..]));
        let expected = vec![(b"k".to_vec(), Some(b"v".to_vec())), (b"k".to_vec(), None)];
        assert_eq!((read.key, read.headers), (None, expected));
        assert_eq!(read_record(br#"{"value": 7, "key": true}"#).unwrap().key.as_deref(), Some(&b"true"[..]));
        assert_eq!(read_record(br#"{"value": {"base64": "/w=="}}"#).unwrap().value.as_deref(), Some(&b"\xff"[..]));
    }

    #[test]
    fn a_line_that_is_no_record_is_refused_with_the_reason() {
        for (line, reason) in [
            ("{\"key\": \"a\"}", "there is no \"value\""),
            ("{\"value\": 1, \"vlaue\": 2}", "unknown field `vlaue`"),
            ("{\"value\": 1, \"value\": 2}", "duplicate field `value`"),
            ("{\"value\": {\"base64\": \"*\"}}", "is no base64"),
            ("{\"value\": 1", "EOF while parsing"),
            ("{\"value\": 1} x", "trailing characters"),
            ("[1]", "an object with the fields of a record"),
            ("{\"value\": 1, \"partition\": -1}", "invalid value"),
            ("{\"value\": 1, \"headers\": [[\"a\"]]}", "headers:"),
            ("{\"value\": 1, \"headers\": [[null, \"a\"]]}", "name is null"),
        ] {
            let error = read_record(line.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
