//! Bytes that are no frame, and frames whose insides lie: the Kafka door.

use std::io;

use tests::kafka::code;
use wire::ErrorCode;
use wire::kafka::api_versions::ApiVersionsResponse;
use wire::kafka::{ApiKey, Message, Reader, ResponseHeader, advertised_versions};

use crate::case::{Answer, Case, Door, Seen, Setup, case, closes};
use crate::{REQUEST_BYTES_MAX, TOPIC};

/// A case of raw bytes after which the connection must be closed.
fn raw(name: &'static str, sent: &'static str, log: &'static str, bytes: Vec<u8>) -> Case {
    case(name, Door::Kafka, sent, Answer::Closed(log), move |setup| closes(setup.broker.kafka, &bytes))
}

/// A frame: header of a request (version 1, client id "t") and whatever follows.
pub(crate) fn frame(api: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut inside = Vec::new();
    inside.extend_from_slice(&api.to_be_bytes());
    inside.extend_from_slice(&version.to_be_bytes());
    inside.extend_from_slice(&7_i32.to_be_bytes());
    inside.extend_from_slice(&[0, 1, b't']);
    inside.extend_from_slice(body);
    with_length(&inside)
}

pub(crate) fn with_length(inside: &[u8]) -> Vec<u8> {
    let length = i32::try_from(inside.len()).expect("frames of tests are small");
    [&length.to_be_bytes(), inside].concat()
}

/// Metadata version 4: the list of topics, and whether to make them.
fn metadata(body: &[u8]) -> Vec<u8> {
    frame(3, 4, body)
}

/// Metadata version 9, which is flexible.
fn compact_metadata(body: &[u8]) -> Vec<u8> {
    frame(3, 9, &[&[0], body].concat())
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(other_protocols());
    cases.extend(headers());
    cases.extend(bodies());
    cases
}

fn lengths() -> Vec<Case> {
    let above = i32::try_from(REQUEST_BYTES_MAX + 1).expect("the setting is small");
    vec![
        raw("frame length -1", "length -1", "frame length -1 is negative", (-1_i32).to_be_bytes().to_vec()),
        raw(
            "frame length of -2 GiB",
            "length -2147483648",
            "frame length -2147483648 is negative",
            i32::MIN.to_be_bytes().to_vec(),
        ),
        raw("empty frame", "length 0", "frame length 0 is less than 4", vec![0; 4]),
        raw("frame length 3", "length 3 and 3 bytes", "frame length 3 is less than 4", vec![0, 0, 0, 3, 1, 2, 3]),
        raw(
            "frame length of 2 GiB",
            "length 2147483647",
            "frame length 2147483647 is more than the limit",
            i32::MAX.to_be_bytes().to_vec(),
        ),
        raw(
            "frame one byte too long",
            "length `kafka.request_bytes_max` + 1",
            "frame length 4194305 is more than the limit of 4194304",
            above.to_be_bytes().to_vec(),
        ),
    ]
}

fn other_protocols() -> Vec<Case> {
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3][..], &[0x5A; 64]].concat();
    vec![
        raw(
            "HTTP request",
            "`GET / HTTP/1.1`",
            "an HTTP GET request on the Kafka port",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ),
        raw("TLS ClientHello", "a TLS 1.x handshake record", "a TLS handshake on a port without TLS", hello),
        raw(
            "SSH banner",
            "`SSH-2.0-OpenSSH_9.9`",
            "frame length 1397966893 is more than the limit",
            b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        ),
        case(
            "random bytes",
            Door::Kafka,
            "4 KiB from a seeded generator, 32 times",
            Answer::Told("each connection closed"),
            |setup| random_bytes(setup, Door::Kafka),
        ),
    ]
}

pub(crate) fn random_bytes(setup: &Setup, door: Door) -> io::Result<Seen> {
    let mut random = base::SeededRandom::new(0xBAD);
    for _ in 0..32 {
        let mut bytes = vec![0; 4_096];
        random.fill(&mut bytes);
        // Not by chance the length of a frame that the broker would wait for.
        bytes[0] |= 0x80;
        bytes[3] |= 0x80;
        let seen = closes(setup.address(door), &bytes)?;
        assert_eq!(seen, Seen::Closed);
    }
    Ok(Seen::Told("each connection closed"))
}

fn headers() -> Vec<Case> {
    let short_header = with_length(&[0, 3, 0, 4]);
    let lying_client_id = with_length(&[0, 3, 0, 4, 0, 0, 0, 7, 0x7F, 0xFF, b't']);
    let foreign_client_id = with_length(&[0, 3, 0, 4, 0, 0, 0, 7, 0, 2, 0xC3, 0x28]);
    let lying_tag = frame(3, 9, &[1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
    let log = "is not among those advertised";
    vec![
        raw("header cut off", "a frame of 4 bytes", "a request's header is damaged", short_header),
        raw(
            "client id longer than the frame",
            "length 32767, 1 byte",
            "a request's header is damaged",
            lying_client_id,
        ),
        raw("client id that is no UTF-8", "bytes C3 28", "a request's header is damaged", foreign_client_id),
        raw("header tag longer than the frame", "size 4294967295", "a request's header is damaged", lying_tag),
        raw("unknown API", "API key 999", "API key 999 (version 0) is not among those advertised", frame(999, 0, &[])),
        raw("negative API", "API key -1", "API key -1 (version 0) is not among those advertised", frame(-1, 0, &[])),
        case(
            "unknown version of each API",
            Door::Kafka,
            "each API but ApiVersions, in the version above its newest and in -1",
            Answer::Closed(log),
            |setup| {
                for api in ApiKey::ALL.into_iter().filter(|api| *api != ApiKey::ApiVersions) {
                    for version in [api.versions_handled().max + 1, -1] {
                        let seen = closes(setup.broker.kafka, &frame(api.key(), version, &[0; 64]))?;
                        assert_eq!(seen, Seen::Closed, "{} version {version}", api.name());
                    }
                }
                Ok(Seen::Closed)
            },
        ),
        case(
            "unknown version of ApiVersions",
            Door::Kafka,
            "ApiVersions version 99",
            Answer::Told("version 0 of the answer: error 35 `UNSUPPORTED_VERSION` and the versions served"),
            unknown_api_versions,
        ),
    ]
}

fn unknown_api_versions(setup: &Setup) -> io::Result<Seen> {
    let mut client = setup.kafka()?;
    // Twice: the connection stays usable.
    for _ in 0..2 {
        client.send_raw(&frame(18, 99, &[0xFF; 20]))?;
        let frame = client.receive_raw()?;
        let mut reader = Reader::shared(&frame);
        ResponseHeader::decode(&mut reader, ApiKey::ApiVersions, 0).map_err(io::Error::other)?;
        let response = ApiVersionsResponse::decode(&mut reader, 0).map_err(io::Error::other)?;
        assert_eq!(code(response.error_code), ErrorCode::UnsupportedVersion);
        assert_eq!(response.api_keys.len(), advertised_versions().len());
    }
    Ok(Seen::Told("version 0 of the answer: error 35 `UNSUPPORTED_VERSION` and the versions served"))
}

fn bodies() -> Vec<Case> {
    let topics = |count: i32| metadata(&[&count.to_be_bytes()[..], &[0]].concat());
    let named =
        |length: i16, text: &[u8]| metadata(&[&1_i32.to_be_bytes()[..], &length.to_be_bytes(), text, &[0]].concat());
    let damaged = "a MetadataRequest is damaged";
    let produce = {
        // transactional id, acks, timeout, one topic, one partition, then the lying length of its records
        let mut body = vec![0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0x10, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0];
        body.extend_from_slice(&i32::MAX.to_be_bytes());
        frame(0, 7, &body)
    };
    vec![
        raw("array length -2", "Metadata of -2 topics", damaged, topics(-2)),
        raw("array length of 2^31 - 1", "Metadata of 2147483647 topics", damaged, topics(i32::MAX)),
        raw("array longer than the frame", "Metadata of 1000 topics in 1 byte", damaged, topics(1_000)),
        raw(
            "compact array of 2^32 - 1",
            "Metadata version 9, count FF FF FF FF 0F",
            damaged,
            compact_metadata(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0]),
        ),
        raw(
            "varint of six bytes",
            "Metadata version 9, count FF FF FF FF FF 01",
            damaged,
            compact_metadata(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
        ),
        raw("string longer than the frame", "a topic's name of 1000 bytes in 1", damaged, named(1_000, b"t")),
        raw("string of length -2", "a topic's name of -2 bytes", damaged, named(-2, b"")),
        raw("name that is no UTF-8", "a topic's name C3 28", damaged, named(2, &[0xC3, 0x28])),
        raw("null where none may be", "a topic's name of null, version 4", damaged, named(-1, b"")),
        raw("message cut off", "Metadata without its last byte", damaged, metadata(&[0, 0, 0, 0])),
        raw(
            "records longer than the frame",
            "Produce with 2147483647 bytes of records",
            "a ProduceRequest is damaged",
            produce,
        ),
        case(
            "small items that become large structs",
            Door::Kafka,
            "Metadata of 1 MiB whose topics have empty names",
            Answer::Closed("bytes of memory wanted"),
            |setup| {
                let count = 1 << 19;
                let body = [&i32::to_be_bytes(count)[..], &vec![0; (1 << 20) + 1]].concat();
                closes(setup.broker.kafka, &metadata(&body))
            },
        ),
        case(
            "a software's name that is none",
            Door::Kafka,
            "ApiVersions version 3 from \"-x-\"",
            Answer::Error(ErrorCode::InvalidRequest),
            |setup| {
                let request = wire::kafka::api_versions::ApiVersionsRequest {
                    client_software_name: "-x-".to_owned(),
                    client_software_version: "1".to_owned(),
                };
                let response = setup.kafka()?.ask(3, &request)?;
                Ok(Seen::Error(code(response.error_code)))
            },
        ),
        case(
            "garbage behind a good request",
            Door::Kafka,
            "a good request, then length -1",
            Answer::Told("the first is answered, then closed"),
            |setup| {
                let mut client = setup.kafka()?;
                let good = tests::kafka::encode(9, &tests::kafka::produce_request(TOPIC, 0, &[], -1))?;
                client.send_raw(&[&good[..], &[0xFF; 4]].concat())?;
                client.receive_raw()?;
                assert_eq!(crate::case::end_of(client.stream())?, Seen::Closed);
                Ok(Seen::Told("the first is answered, then closed"))
            },
        ),
    ]
}
