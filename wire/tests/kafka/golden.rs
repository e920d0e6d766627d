//! Bytes written down by hand from the protocol's description, with a note on each field.

mod api_versions;
mod fetch;
mod groups;
pub(crate) mod java;
mod metadata;
mod produce;

use std::fmt::Debug;

use wire::kafka::Message;

use crate::fixture::{decode, encode};

/// A field's bytes and what they mean.
type Noted = (&'static [u8], &'static str);

/// A record batch stands in for any bytes here: the codec does not look inside.
const RECORDS: &[u8] = &[0xB0, 0xB1, 0xB2];

const TOPIC_ID: u128 = 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10;

fn joined(fields: &[Noted]) -> Vec<u8> {
    fields.iter().flat_map(|(bytes, _)| *bytes).copied().collect()
}

/// The message is these bytes, and the bytes are this message.
fn golden<M: Message + Debug>(version: i16, message: &M, fields: &[Noted]) {
    same_bytes(&encode(message, version), fields);
    assert_eq!(decode::<M>(&joined(fields), version).as_ref(), Ok(message), "{} version {version}", M::NAME);
}

/// Says which field differs.
fn same_bytes(found: &[u8], fields: &[Noted]) {
    let mut rest = found;
    for (bytes, note) in fields {
        let len = bytes.len().min(rest.len());
        assert_eq!(&rest[..len], *bytes, "{note}, at byte {} of {found:02X?}", found.len() - rest.len());
        rest = &rest[len..];
    }
    assert!(rest.is_empty(), "{rest:02X?} is left over");
}
