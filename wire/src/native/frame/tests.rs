//! Tests of frames.

use base::SeededRandom;

use super::*;
use crate::native::{Acks, ErrorCode, FetchClose, FetchData, FetchGrant, Incoming as _, ProduceRequest, StreamId};

fn builder() -> FrameBuilder {
    FrameBuilder::new(Limits::default())
}

fn grant(stream: u32, bytes: u32) -> FetchGrant {
    FetchGrant { stream: StreamId(stream), bytes }
}

fn whole(parts: &FrameParts) -> Vec<u8> {
    parts.pieces().flat_map(|piece| piece.iter().copied()).collect()
}

/// What a reader does: prefix, then header.
fn read(bytes: &[u8], limits: &Limits) -> Result<Option<FramePrefix>, FrameError> {
    let Some(prefix) = peek(bytes, limits)? else { return Ok(None) };
    let Some(header) = bytes.get(PREFIX_BYTES..PREFIX_BYTES + prefix.header_bytes()) else { return Ok(None) };
    prefix.check_header(header)?;
    Ok(Some(prefix))
}

#[test]
fn a_grant_has_these_bytes() {
    let parts = builder().frame(CorrelationId(0x0102_0304), &grant(5, 0x0001_0000)).unwrap();
    #[rustfmt::skip]
    let golden = [
        0x34, 0, 0, 0,           // frame_len: 28 + 24
        0x18, 0, 0, 0,           // header_len: 24
        0, 0, 0, 0,              // payload_len
        0x01, 0xC1,              // magic
        0, 0,                    // flags: a request
        0x04, 0x03, 0x02, 0x01,  // correlation
        6, 0,                    // api_key: FetchGrant
        1, 0,                    // version
        0xDE, 0x29, 0x20, 0xFF,  // crc
        0, 0, 0, 0,              // reserved
        // The FlatBuffer: the root is at 12; its vtable has 8 bytes, the table 12, with fields at 4 and 8.
        0x0C, 0, 0, 0,
        0x08, 0, 0x0C, 0, 0x04, 0, 0x08, 0,
        0x08, 0, 0, 0,           // back to the vtable
        5, 0, 0, 0,              // stream
        0, 0, 1, 0,              // bytes
    ];
    assert_eq!(whole(&parts), golden);
    let prefix = read(&golden, &Limits::default()).unwrap().unwrap();
    assert_eq!((prefix.api_key(), prefix.version(), prefix.role), (Some(ApiKey::FetchGrant), 1, Role::Request));
    assert_eq!((prefix.correlation, prefix.frame_bytes()), (CorrelationId(0x0102_0304), golden.len()));
    assert_eq!(FetchGrant::open(&golden[PREFIX_BYTES..], 0), Ok(grant(5, 0x0001_0000)));
}

#[test]
fn a_payload_follows_the_header_uncopied() {
    let batches = Bytes::from(vec![9; 10_000]);
    let mut payload = Payload::default();
    payload.push(batches.clone()).unwrap();
    payload.push(batches.slice(..100)).unwrap();
    let data = FetchData {
        stream: StreamId(1),
        base_offset: None,
        next_offset: None,
        high_watermark: None,
        log_start_offset: None,
        timings: None,
        core: None,
    };
    let parts = builder().frame_with_payload(CorrelationId(1), &data, payload).unwrap();
    assert!(parts.pieces().skip(1).all(|piece| piece.as_ptr() == batches.as_ptr()));
    let bytes = whole(&parts);
    let prefix = read(&bytes, &Limits::default()).unwrap().unwrap();
    assert_eq!((prefix.role, prefix.payload_bytes()), (Role::Push, 10_100));
    assert_eq!((bytes.len(), prefix.frame_bytes()), (parts.frame_bytes(), parts.frame_bytes()));
    assert!(prefix.header_bytes().is_multiple_of(8));
}

#[test]
fn heads_stay_as_they_are_while_their_builder_makes_others() {
    let mut builder = builder();
    let frames: Vec<_> = (0..2_000).map(|n| builder.frame(CorrelationId(n), &grant(n, n * 2)).unwrap()).collect();
    for (n, parts) in (0..).zip(&frames) {
        let prefix = read(&parts.head, &Limits::default()).unwrap().unwrap();
        assert_eq!(prefix.correlation, CorrelationId(n));
        assert_eq!(FetchGrant::open(&parts.head[PREFIX_BYTES..], 0), Ok(grant(n, n * 2)));
    }
}

#[test]
fn an_error_names_the_api_of_its_request_even_an_unknown_one() {
    let mut bytes = whole(&builder().frame(CorrelationId(7), &grant(1, 1)).unwrap());
    bytes[20] = 99;
    let request = peek(&bytes, &Limits::default()).unwrap().unwrap();
    assert_eq!((request.api_key(), request.api_number()), (None, 99));
    let error = ErrorReply { code: ErrorCode(35), message: "API 99 is not known" };
    let parts = builder().error(&request, &error).unwrap();
    let reply = read(&parts.head, &Limits::default()).unwrap().unwrap();
    assert_eq!((reply.role, reply.correlation, reply.api_number()), (Role::Error, CorrelationId(7), 99));
    assert_eq!(ErrorReply::open(&parts.head[PREFIX_BYTES..]), Ok(error));
}

#[test]
fn an_incomplete_prefix_waits_for_more() {
    let bytes = whole(&builder().frame(CorrelationId(1), &grant(1, 1)).unwrap());
    for end in 0..PREFIX_BYTES {
        assert_eq!(peek(&bytes[..end], &Limits::default()), Ok(None), "{end}");
    }
    assert!(peek(&bytes[..PREFIX_BYTES], &Limits::default()).unwrap().is_some());
}

#[test]
fn every_flipped_bit_of_a_head_is_refused() {
    let bytes = whole(&builder().frame(CorrelationId(0x5555_AAAA), &grant(1, 1 << 20)).unwrap());
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        // A larger length may also have the reader wait for bytes that never come; it is bounded by the limits.
        let waits_for_more = bit < 64;
        match read(&damaged, &Limits::default()) {
            Err(_) => {}
            Ok(None) if waits_for_more => {}
            accepted => panic!("bit {bit}: {accepted:?}"),
        }
    }
}

#[test]
fn other_protocols_are_told_apart() {
    let limits = Limits::default();
    let too_long = |bytes: &[u8]| matches!(peek(bytes, &limits), Err(FrameError::TooLong { .. }));
    assert!(too_long(b"GET "), "as soon as a length can be read");
    assert!(matches!(peek(b"GET / HTTP/1.1\r\n", &limits), Err(FrameError::Magic { got: 0x312E })));
    let tls = [0x16, 3, 1, 0, 0xF8, 1, 0, 0, 0xF4, 3, 3, 0x11, 0x22, 0x33, 0x44, 0x55];
    assert!(matches!(peek(&tls, &limits), Err(FrameError::Magic { got: 0x3322 })));
    let kafka = [0, 0, 0, 0x20, 0, 18, 0, 3, 0, 0, 0, 1, 0, 4, b't', b'e'];
    assert!(matches!(peek(&kafka, &limits), Err(FrameError::Magic { .. })));
    assert_eq!(peek(&[27, 0, 0, 0], &limits), Err(FrameError::TooShort { length: 27 }));
}

/// A grant's frame with another value in one field of the prefix.
fn with_u32(at: usize, value: u32) -> Vec<u8> {
    let mut bytes = whole(&builder().frame(CorrelationId(1), &grant(1, 1)).unwrap());
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[test]
fn lengths_that_lie_are_refused_before_anything_is_read() {
    let limits = Limits::new(1_000);
    let peeked = |bytes: Vec<u8>| peek(&bytes[..PREFIX_BYTES], &limits).unwrap_err();
    assert_eq!(peeked(with_u32(0, 53)), FrameError::Length { length: 53, parts: 52 });
    assert_eq!(peeked(with_u32(0, 51)), FrameError::Length { length: 51, parts: 52 });
    assert_eq!(peeked(with_u32(4, 16)), FrameError::Length { length: 52, parts: 44 });
    let limit = limits::DATA_HEADER_BYTES_MAX;
    assert_eq!(peeked(with_u32(4, 25)), FrameError::Header { api_key: 6, bytes: 25, limit });
    assert_eq!(peeked(with_u32(4, limit + 8)), FrameError::Header { api_key: 6, bytes: limit + 8, limit });
    assert_eq!(peeked(with_u32(4, u32::MAX - 7)), FrameError::Header { api_key: 6, bytes: u32::MAX - 7, limit });
    assert_eq!(peeked(with_u32(8, 1)), FrameError::Payload { api_key: 6, bytes: 1, limit: 0 });
    assert_eq!(peeked(with_u32(28, 1)), FrameError::Reserved { got: 1 });
    let most = limits.frame_bytes_max() - 4;
    assert_eq!(peeked(with_u32(0, most + 1)), FrameError::TooLong { length: most + 1, limit: most });
    assert_eq!(peeked(with_u32(0, u32::MAX)), FrameError::TooLong { length: u32::MAX, limit: most });
}

#[test]
fn payloads_have_the_limit_of_the_connection() {
    let limits = Limits::new(1_000);
    let request = ProduceRequest { acks: Acks::All, timeout_ms: 0, partitions: &[] };
    let payload = |bytes| {
        let mut payload = Payload::default();
        payload.push(Bytes::from(vec![0; bytes])).unwrap();
        payload
    };
    let fits = builder().frame_with_payload(CorrelationId(1), &request, payload(1_000)).unwrap();
    assert!(peek(&fits.head, &limits).unwrap().is_some());
    let exceeds = builder().frame_with_payload(CorrelationId(1), &request, payload(1_001)).unwrap();
    let refused = FrameError::Payload { api_key: 3, bytes: 1_001, limit: 1_000 };
    assert_eq!(peek(&exceeds.head, &limits), Err(refused.clone()));
    let built = FrameBuilder::new(limits).frame_with_payload(CorrelationId(1), &request, payload(1_001));
    assert_eq!(built, Err(refused), "what the peer would refuse is not sent");
    let misplaced = builder().frame_with_payload(CorrelationId(1), &FetchClose { stream: StreamId(1) }, payload(1));
    assert_eq!(misplaced, Err(FrameError::Payload { api_key: 7, bytes: 1, limit: 0 }));
    assert_eq!(Limits::new(u32::MAX).payload_bytes_max(), limits::PAYLOAD_BYTES_MAX_CEILING);
}

#[test]
fn noise_is_refused_or_waited_for() {
    let mut random = SeededRandom::new(0xF00D);
    let sound = whole(&builder().frame(CorrelationId(1), &grant(1, 1)).unwrap());
    for _ in 0..100_000 {
        let mut bytes = sound.clone();
        for _ in 0..=random.below(6) {
            let at = random.index(bytes.len());
            random.fill(&mut bytes[at..=at]);
        }
        let accepted = matches!(read(&bytes, &Limits::default()), Ok(Some(_)));
        assert_eq!(accepted, bytes == sound, "{bytes:02x?}");
    }
}
