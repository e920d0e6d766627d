//! What stands between a frame's length and its message.

use super::error::{DecodeError, EncodeError};
use super::message::Layout;
use super::write::{write_null_string, write_string};
use super::{ApiKey, Message, Reader};
use crate::gather::Gather;

/// The front of a request.
///
/// ```text
/// 0        2         4                8           …
/// ┌────────┬─────────┬────────────────┬───────────┬───────────────────────────┐
/// │ key    │ version │ correlation id │ client id │ tagged fields (header v2) │
/// └────────┴─────────┴────────────────┴───────────┴───────────────────────────┘
/// ```
///
/// The client id has a length of two bytes in both header versions; -1 is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    pub api_key: i16,
    pub api_version: i16,
    /// Chosen by the client; the response carries it back.
    pub correlation_id: i32,
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// The header for a request of the type `M`.
    pub fn of<M: Message>(api_version: i16, correlation_id: i32, client_id: Option<&'a str>) -> Self {
        Self { api_key: M::API.key(), api_version, correlation_id, client_id }
    }

    /// Writes the header in the version that belongs to the API and its version.
    pub fn encode(&self, out: &mut Gather) -> Result<(), EncodeError> {
        out.put_i16(self.api_key);
        out.put_i16(self.api_version);
        out.put_i32(self.correlation_id);
        match self.client_id {
            Some(client_id) => write_string(out, "RequestHeader.client_id", client_id, Layout::Classic)?,
            None => write_null_string(out, Layout::Classic),
        }
        if ApiKey::from_key(self.api_key).is_some_and(|api| api.is_flexible(self.api_version)) {
            out.put_uvarint(0);
        }
        Ok(())
    }
}

/// What the front of a frame from a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameHeader<'a> {
    /// A request that the broker serves. Its message follows in the reader.
    Request { api: ApiKey, header: RequestHeader<'a> },
    /// ApiVersions in a version that we lack: clients try their newest first. The answer is an
    /// [`ApiVersionsResponse`](super::api_versions::ApiVersionsResponse) of version 0 with error 35
    /// (`UNSUPPORTED_VERSION`) and our versions; the connection stays open.
    UnknownApiVersions { api_version: i16, correlation_id: i32 },
    /// A version that was not advertised. No response can be understood: close the connection.
    UnknownVersion { api: ApiKey, api_version: i16, correlation_id: i32 },
    /// An API that was not advertised. No response can be understood: close the connection.
    UnknownApi { api_key: i16, api_version: i16, correlation_id: i32 },
}

impl<'a> FrameHeader<'a> {
    /// Reads the front of a frame. An error means damaged bytes, whatever API they name.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let api_key = reader.i16("RequestHeader.api_key")?;
        let api_version = reader.i16("RequestHeader.api_version")?;
        let correlation_id = reader.i32("RequestHeader.correlation_id")?;
        let Some(api) = ApiKey::from_key(api_key).filter(|api| api.is_served()) else {
            return Ok(FrameHeader::UnknownApi { api_key, api_version, correlation_id });
        };
        if !api.versions_handled().contains(api_version) {
            return Ok(match api {
                ApiKey::ApiVersions => FrameHeader::UnknownApiVersions { api_version, correlation_id },
                _ => FrameHeader::UnknownVersion { api, api_version, correlation_id },
            });
        }
        let client_id = reader.nullable_str("RequestHeader.client_id", Layout::Classic)?;
        if api.is_flexible(api_version) {
            reader.skip_tags("RequestHeader")?;
        }
        Ok(FrameHeader::Request { api, header: RequestHeader { api_key, api_version, correlation_id, client_id } })
    }
}

/// The front of a response: the request's correlation id, and in flexible versions tagged fields, of which there are
/// none yet. ApiVersions never has them, so that a client can read the answer before it knows the broker's versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    pub correlation_id: i32,
}

impl ResponseHeader {
    pub fn decode(reader: &mut Reader<'_>, api: ApiKey, api_version: i16) -> Result<Self, DecodeError> {
        let correlation_id = reader.i32("ResponseHeader.correlation_id")?;
        if has_tags(api, api_version) {
            reader.skip_tags("ResponseHeader")?;
        }
        Ok(Self { correlation_id })
    }

    pub fn encode(self, out: &mut Gather, api: ApiKey, api_version: i16) {
        out.put_i32(self.correlation_id);
        if has_tags(api, api_version) {
            out.put_uvarint(0);
        }
    }
}

fn has_tags(api: ApiKey, api_version: i16) -> bool {
    api != ApiKey::ApiVersions && api.is_flexible(api_version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::error::Fault;
    use crate::kafka::metadata::MetadataRequest;

    const CORRELATION_ID: i32 = 0x0A0B_0C0D;

    fn encoded(header: &RequestHeader<'_>) -> Vec<u8> {
        let mut out = Gather::new();
        header.encode(&mut out).expect("a short client id");
        out.finish().concat()
    }

    #[test]
    fn request_headers_gain_tagged_fields_and_keep_the_client_id_as_it_was() {
        let header = RequestHeader::of::<MetadataRequest>(8, CORRELATION_ID, Some("me"));
        let classic = encoded(&header);
        assert_eq!(classic, [0, 3, 0, 8, 0x0A, 0x0B, 0x0C, 0x0D, 0, 2, b'm', b'e']);
        let mut flexible = encoded(&RequestHeader { api_version: 9, ..header });
        assert_eq!(flexible, [0, 3, 0, 9, 0x0A, 0x0B, 0x0C, 0x0D, 0, 2, b'm', b'e', 0]);
        // A tagged field that nobody knows: tag 3 with one byte; then the message.
        flexible.splice(12.., [1, 3, 1, 0xEE, 0x55]);
        let mut reader = Reader::new(&flexible);
        let decoded = FrameHeader::decode(&mut reader).expect("well formed");
        let expected = RequestHeader { api_version: 9, ..header };
        assert_eq!(decoded, FrameHeader::Request { api: ApiKey::Metadata, header: expected });
        assert_eq!(reader.rest(), [0x55]);
    }

    #[test]
    fn a_client_id_may_be_null_and_must_be_whole() {
        let header = RequestHeader::of::<MetadataRequest>(1, CORRELATION_ID, None);
        let bytes = encoded(&header);
        assert_eq!(bytes[8..], [0xFF, 0xFF]);
        let decoded = FrameHeader::decode(&mut Reader::new(&bytes));
        assert_eq!(decoded, Ok(FrameHeader::Request { api: ApiKey::Metadata, header }));
        for len in 0..bytes.len() {
            let error = FrameHeader::decode(&mut Reader::new(&bytes[..len])).expect_err("cut");
            assert!(matches!(error.fault, Fault::Short { .. }), "{error}");
        }
    }

    #[test]
    fn what_we_lack_is_told_apart_from_what_is_damaged() {
        let decode = |key: i16, version: i16| {
            let front = [&key.to_be_bytes()[..], &version.to_be_bytes(), &CORRELATION_ID.to_be_bytes()].concat();
            FrameHeader::decode(&mut Reader::new(front.leak()))
        };
        let correlation_id = CORRELATION_ID;
        let expected = FrameHeader::UnknownApi { api_key: 4, api_version: 1, correlation_id };
        assert_eq!(decode(4, 1), Ok(expected));
        for api_version in [-1, 5, 99] {
            assert_eq!(decode(18, api_version), Ok(FrameHeader::UnknownApiVersions { api_version, correlation_id }));
        }
        for api_version in [2, 14] {
            let expected = FrameHeader::UnknownVersion { api: ApiKey::Produce, api_version, correlation_id };
            assert_eq!(decode(0, api_version), Ok(expected));
        }
        assert!(decode(3, 1).is_err(), "a client id is missing");
    }

    #[test]
    fn response_headers_have_tagged_fields_except_those_of_api_versions() {
        let encoded = |api, version| {
            let mut out = Gather::new();
            ResponseHeader { correlation_id: 7 }.encode(&mut out, api, version);
            out.finish().concat()
        };
        assert_eq!(encoded(ApiKey::Metadata, 8), [0, 0, 0, 7]);
        assert_eq!(encoded(ApiKey::Metadata, 9), [0, 0, 0, 7, 0]);
        assert_eq!(encoded(ApiKey::ApiVersions, 4), [0, 0, 0, 7]);
        for (api, version) in [(ApiKey::Metadata, 8), (ApiKey::Metadata, 9), (ApiKey::ApiVersions, 4)] {
            let bytes = encoded(api, version);
            let mut reader = Reader::new(&bytes);
            let decoded = ResponseHeader::decode(&mut reader, api, version);
            assert_eq!((decoded, reader.finish()), (Ok(ResponseHeader { correlation_id: 7 }), Ok(())));
        }
    }
}
