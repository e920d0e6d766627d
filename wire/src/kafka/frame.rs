//! Frames: a length of four bytes, then that many bytes of header and message.

use super::error::EncodeError;
use super::header::{RequestHeader, ResponseHeader};
use super::message::{Message, Request};
use crate::gather::Gather;

/// The length in front of each frame does not count itself.
pub const LENGTH_BYTES: usize = 4;
/// A frame holds at least a correlation id.
const FRAME_BYTES_MIN: usize = 4;

/// The start of a connection is no frame of ours. There is no way to find the next frame: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("frame length {0} is negative")]
    Negative(i32),
    #[error("frame length {len} is less than {FRAME_BYTES_MIN}")]
    TooShort { len: usize },
    #[error("frame length {len} is more than the limit of {max}")]
    TooLong { len: usize, max: usize },
    /// The client should be told to turn TLS off, or to use the port that has it.
    #[error("a TLS handshake on a port without TLS")]
    Tls,
    /// A browser, a health check, or a proxy that is configured wrongly.
    #[error("an HTTP {0} request on the Kafka port")]
    Http(&'static str),
}

/// What an HTTP request starts with, as far as a length field shows it.
const HTTP_METHODS: [(&[u8; 4], &str); 9] = [
    (b"GET ", "GET"),
    (b"POST", "POST"),
    (b"PUT ", "PUT"),
    (b"HEAD", "HEAD"),
    (b"DELE", "DELETE"),
    (b"OPTI", "OPTIONS"),
    (b"PATC", "PATCH"),
    (b"CONN", "CONNECT"),
    (b"PRI ", "HTTP/2"),
];

/// How many bytes follow the length field at the front of `bytes`; nothing while the field is not whole.
///
/// Up to `max` bytes are admitted. Where a larger number can be read as another protocol, the error says which.
pub fn peek_length(bytes: &[u8], max: usize) -> Result<Option<usize>, FrameError> {
    let Some(&field) = bytes.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = i32::from_be_bytes(field);
    let len = usize::try_from(length).map_err(|_| FrameError::Negative(length))?;
    if len > max {
        if let Some((_, method)) = HTTP_METHODS.iter().find(|(start, _)| **start == field) {
            return Err(FrameError::Http(method));
        }
        // A handshake record (22) of TLS 1.x (3, x), whatever its length.
        return Err(if field.starts_with(&[0x16, 0x03]) { FrameError::Tls } else { FrameError::TooLong { len, max } });
    }
    if len < FRAME_BYTES_MIN {
        return Err(FrameError::TooShort { len });
    }
    Ok(Some(len))
}

/// The correlation id of a response, by which a client finds the request and with it the version to decode.
/// `frame` is what follows the length field.
pub fn response_correlation_id(frame: &[u8]) -> Option<i32> {
    frame.first_chunk().map(|&bytes| i32::from_be_bytes(bytes))
}

/// Writes a request with its length and header. After an error nothing of it is left in `out`.
pub fn write_request<R: Request>(
    out: &mut Gather,
    api_version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    request: &R,
) -> Result<(), EncodeError> {
    write_frame(out, |out| {
        RequestHeader::of::<R>(api_version, correlation_id, client_id).encode(out)?;
        request.encode(out, api_version)
    })
}

/// Writes a response with its length and header. After an error nothing of it is left in `out`.
pub fn write_response<M: Message>(
    out: &mut Gather,
    api_version: i16,
    correlation_id: i32,
    response: &M,
) -> Result<(), EncodeError> {
    write_frame(out, |out| {
        ResponseHeader { correlation_id }.encode(out, M::API, api_version);
        response.encode(out, api_version)
    })
}

fn write_frame(
    out: &mut Gather,
    write: impl FnOnce(&mut Gather) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let mark = out.mark();
    let slot = out.put_slot_i32();
    let outcome = write(out).and_then(|()| {
        let len = out.len_after(&slot);
        i32::try_from(len).map_err(|_| EncodeError::FrameTooLong(len))
    });
    match outcome {
        Ok(len) => out.fill_i32(slot, len),
        Err(error) => {
            out.rewind(mark);
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
    use crate::kafka::{ApiKey, FrameHeader, Reader};

    const MAX: usize = 100 << 20;

    #[test]
    fn a_length_is_given_once_its_field_is_whole() {
        assert_eq!(peek_length(&[], MAX), Ok(None));
        assert_eq!(peek_length(&[0, 0, 1], MAX), Ok(None));
        assert_eq!(peek_length(&[0, 0, 1, 2], MAX), Ok(Some(258)));
        assert_eq!(peek_length(&[0, 0, 0, 4, 9, 9], MAX), Ok(Some(4)));
        assert_eq!(peek_length(&[0x06, 0x40, 0, 0], MAX), Ok(Some(MAX)));
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        assert_eq!(peek_length(&[0xFF, 0xFF, 0xFF, 0xFF], MAX), Err(FrameError::Negative(-1)));
        assert_eq!(peek_length(&[0x80, 0, 0, 0], MAX), Err(FrameError::Negative(i32::MIN)));
        assert_eq!(peek_length(&[0, 0, 0, 0], MAX), Err(FrameError::TooShort { len: 0 }));
        assert_eq!(peek_length(&[0, 0, 0, 3], MAX), Err(FrameError::TooShort { len: 3 }));
        assert_eq!(peek_length(&[0x06, 0x40, 0, 1], MAX), Err(FrameError::TooLong { len: MAX + 1, max: MAX }));
    }

    #[test]
    fn other_protocols_on_the_port_are_named() {
        assert_eq!(peek_length(&[0x16, 0x03, 0x01, 0x02, 0x00], MAX), Err(FrameError::Tls));
        let message = |start: &[u8]| peek_length(start, MAX).expect_err("not ours").to_string();
        assert_eq!(message(b"GET / HTTP/1.1\r\n"), "an HTTP GET request on the Kafka port");
        assert_eq!(message(b"POST /"), "an HTTP POST request on the Kafka port");
        assert_eq!(message(b"OPTIONS * HTTP/1.1"), "an HTTP OPTIONS request on the Kafka port");
    }

    #[test]
    fn requests_and_responses_carry_their_length_and_stand_behind_each_other() {
        let mut out = Gather::new();
        write_request(&mut out, 1, 7, Some("a"), &ListOffsetsRequest::default()).expect("defaults encode");
        write_response(&mut out, 6, 8, &ListOffsetsResponse::default()).expect("defaults encode");
        let bytes = out.finish().concat();

        let first = peek_length(&bytes, MAX).expect("a frame").expect("whole");
        let (request, response) = bytes[LENGTH_BYTES..].split_at(first);
        let mut reader = Reader::new(request);
        let header = RequestHeader { api_key: 2, api_version: 1, correlation_id: 7, client_id: Some("a") };
        let expected = FrameHeader::Request { api: ApiKey::ListOffsets, header };
        assert_eq!(FrameHeader::decode(&mut reader), Ok(expected));
        assert_eq!(ListOffsetsRequest::decode(&mut reader, 1), Ok(ListOffsetsRequest::default()));
        assert_eq!(reader.finish(), Ok(()));

        let second = peek_length(response, MAX).expect("a frame").expect("whole");
        let frame = &response[LENGTH_BYTES..];
        assert_eq!((frame.len(), response_correlation_id(frame)), (second, Some(8)));
        let mut reader = Reader::new(frame);
        ResponseHeader::decode(&mut reader, ApiKey::ListOffsets, 6).expect("a header");
        assert_eq!(ListOffsetsResponse::decode(&mut reader, 6), Ok(ListOffsetsResponse::default()));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_message_that_cannot_be_encoded_leaves_nothing_behind() {
        let mut out = Gather::new();
        out.put_u8(1);
        let version_0 = write_response(&mut out, 0, 8, &ListOffsetsResponse::default());
        let expected = EncodeError::Version { message: "ListOffsetsResponse", version: 0 };
        assert_eq!((version_0, out.len()), (Err(expected), 1));
        // The isolation level came with version 2; leaving it out would read uncommitted records.
        let request = ListOffsetsRequest { isolation_level: 1, ..Default::default() };
        let version_1 = write_request(&mut out, 1, 8, None, &request);
        let expected = EncodeError::NotInVersion { field: "ListOffsetsRequest.isolation_level", version: 1 };
        assert_eq!((version_1, out.len()), (Err(expected), 1));
    }
}
