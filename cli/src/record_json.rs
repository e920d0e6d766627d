//! A record as one line of JSON, both ways: what `consume --format json` writes, `produce --format json` reads back.
//!
//! Bytes that are UTF-8 are a string, others `{"base64": "…"}`, none at all `null`. Headers are a list of pairs, since a
//! name may come twice. When it is read, a value may also be any other JSON: it is kept as its text.

mod read;

use base::{Offset, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wire::batch::{Headers, Record};

pub(crate) use read::{JsonRecord, OwnedHeader, read_record};

/// What of a record is written.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) offset: Offset,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Headers<'a>,
}

impl<'a> From<Record<'a>> for Fields<'a> {
    fn from(record: Record<'a>) -> Self {
        let Record { offset, timestamp, key, value, headers, .. } = record;
        Self { offset, timestamp, key, value, headers }
    }
}

/// Writes a record as a line of JSON, with its place if there is one.
pub(crate) fn write_record(out: &mut Vec<u8>, place: Option<(&str, u32)>, record: &Fields<'_>) {
    out.push(b'{');
    if let Some((topic, partition)) = place {
        out.extend_from_slice(b"\"topic\":");
        write_string(out, topic);
        out.extend_from_slice(b",\"partition\":");
        write_number(out, u64::from(partition));
        out.push(b',');
    }
    out.extend_from_slice(b"\"offset\":");
    write_number(out, record.offset.get());
    out.extend_from_slice(b",\"timestamp\":");
    match record.timestamp {
        Some(timestamp) => write_number(out, timestamp.as_millis()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"key\":");
    write_bytes(out, record.key);
    if !record.headers.is_empty() {
        out.extend_from_slice(b",\"headers\":[");
        for (index, header) in record.headers.into_iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"[" } else { b",[" });
            write_bytes(out, Some(header.key));
            out.push(b',');
            write_bytes(out, header.value);
            out.push(b']');
        }
        out.push(b']');
    }
    out.extend_from_slice(b",\"value\":");
    write_bytes(out, record.value);
    out.extend_from_slice(b"}\n");
}

fn write_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(value % 10).expect("a digit");
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn write_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => out.extend_from_slice(b"null"),
        Some((_, Ok(text))) => write_string(out, text),
        Some((bytes, Err(_))) => {
            out.extend_from_slice(b"{\"base64\":\"");
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.extend_from_slice(b"\"}");
        }
    }
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        if escaped.is_empty() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let digit = |nibble: u8| HEX[usize::from(nibble)];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        } else {
            out.extend_from_slice(escaped);
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}
