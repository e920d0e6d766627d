//! ApiVersions, whole frames: the first bytes of every connection.

use wire::gather::Gather;
use wire::kafka::api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey};
use wire::kafka::{ApiKey, FrameHeader, Message, Reader, RequestHeader, ResponseHeader, frame};

use super::{Noted, joined, same_bytes};

const CORRELATION_ID: i32 = 7;

fn golden_request(version: i16, request: &ApiVersionsRequest, fields: &[Noted]) {
    let mut out = Gather::new();
    frame::write_request(&mut out, version, CORRELATION_ID, Some("rdkafka"), request).expect("it encodes");
    same_bytes(&out.finish().concat(), fields);

    let bytes = joined(fields);
    let len = frame::peek_length(&bytes, 1 << 20).expect("a frame").expect("whole");
    let body = &bytes[frame::LENGTH_BYTES..];
    assert_eq!(body.len(), len);
    let mut reader = Reader::new(body);
    let header =
        RequestHeader { api_key: 18, api_version: version, correlation_id: CORRELATION_ID, client_id: Some("rdkafka") };
    let expected = FrameHeader::Request { api: ApiKey::ApiVersions, header };
    assert_eq!(FrameHeader::decode(&mut reader), Ok(expected));
    assert_eq!(ApiVersionsRequest::decode(&mut reader, version).as_ref(), Ok(request));
    assert_eq!(reader.finish(), Ok(()));
}

fn golden_response(version: i16, response: &ApiVersionsResponse, fields: &[Noted]) {
    let mut out = Gather::new();
    frame::write_response(&mut out, version, CORRELATION_ID, response).expect("it encodes");
    same_bytes(&out.finish().concat(), fields);

    let bytes = joined(fields);
    let len = frame::peek_length(&bytes, 1 << 20).expect("a frame").expect("whole");
    let body = &bytes[frame::LENGTH_BYTES..];
    assert_eq!(body.len(), len);
    let mut reader = Reader::new(body);
    let header = ResponseHeader::decode(&mut reader, ApiKey::ApiVersions, version);
    assert_eq!(header, Ok(ResponseHeader { correlation_id: CORRELATION_ID }));
    assert_eq!(ApiVersionsResponse::decode(&mut reader, version).as_ref(), Ok(response));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn requests_of_versions_0_to_2_have_no_fields() {
    for version in 0..=2_i16 {
        let low: &'static [u8] = [&[0, 0], &[0, 1], &[0, 2]][usize::from(version.unsigned_abs())];
        golden_request(
            version,
            &ApiVersionsRequest::default(),
            &[
                (&[0, 0, 0, 17], "length"),
                (&[0, 18], "api key"),
                (low, "api version"),
                (&[0, 0, 0, 7], "correlation id"),
                (&[0, 7], "length of the client id"),
                (b"rdkafka", "client id"),
            ],
        );
    }
}

#[test]
fn requests_of_versions_3_and_4_name_the_clients_software() {
    let request =
        ApiVersionsRequest { client_software_name: "librdkafka".into(), client_software_version: "2.15".into() };
    for (version, bytes) in [(3, &[0, 3]), (4, &[0, 4])] {
        golden_request(
            version,
            &request,
            &[
                (&[0, 0, 0, 35], "length"),
                (&[0, 18], "api key"),
                (bytes, "api version"),
                (&[0, 0, 0, 7], "correlation id"),
                (&[0, 7], "length of the client id: not compact, even in header version 2"),
                (b"rdkafka", "client id"),
                (&[0], "no tagged fields in the header"),
                (&[11], "length of the software's name plus one"),
                (b"librdkafka", "software's name"),
                (&[5], "length of the software's version plus one"),
                (b"2.15", "software's version"),
                (&[0], "no tagged fields"),
            ],
        );
    }
}

fn two_apis() -> ApiVersionsResponse {
    let range = |api_key, min_version, max_version| ApiVersion { api_key, min_version, max_version };
    ApiVersionsResponse { api_keys: vec![range(0, 0, 13), range(18, 0, 4)], ..Default::default() }
}

#[test]
fn a_response_of_version_0_is_the_error_and_the_keys() {
    golden_response(
        0,
        &two_apis(),
        &[
            (&[0, 0, 0, 22], "length"),
            (&[0, 0, 0, 7], "correlation id"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 2], "number of keys"),
            (&[0, 0, 0, 0, 0, 13], "Produce 0 to 13"),
            (&[0, 18, 0, 0, 0, 4], "ApiVersions 0 to 4"),
        ],
    );
}

#[test]
fn responses_of_versions_1_and_2_end_with_the_throttle_time() {
    for version in 1..=2 {
        golden_response(
            version,
            &ApiVersionsResponse { throttle_time_ms: 0x0102_0304, ..two_apis() },
            &[
                (&[0, 0, 0, 26], "length"),
                (&[0, 0, 0, 7], "correlation id"),
                (&[0, 0], "error code"),
                (&[0, 0, 0, 2], "number of keys"),
                (&[0, 0, 0, 0, 0, 13], "Produce 0 to 13"),
                (&[0, 18, 0, 0, 0, 4], "ApiVersions 0 to 4"),
                (&[1, 2, 3, 4], "throttle time"),
            ],
        );
    }
}

/// Without features, so that librdkafka before 2.2 reads it.
#[test]
fn responses_of_versions_3_and_4_are_compact_under_a_header_that_is_not() {
    for version in 3..=4 {
        golden_response(
            version,
            &two_apis(),
            &[
                (&[0, 0, 0, 26], "length"),
                (&[0, 0, 0, 7], "correlation id; the header has no tagged fields in any version"),
                (&[0, 0], "error code"),
                (&[3], "number of keys plus one"),
                (&[0, 0, 0, 0, 0, 13], "Produce 0 to 13"),
                (&[0], "no tagged fields in the key"),
                (&[0, 18, 0, 0, 0, 4], "ApiVersions 0 to 4"),
                (&[0], "no tagged fields in the key"),
                (&[0, 0, 0, 0], "throttle time"),
                (&[0], "no tagged fields"),
            ],
        );
    }
}

#[test]
fn a_response_of_version_4_with_a_finalized_feature() {
    let feature = FinalizedFeatureKey { name: "kraft".into(), max_version_level: 1, min_version_level: 1 };
    golden_response(
        4,
        &ApiVersionsResponse { finalized_features_epoch: 9, finalized_features: vec![feature], ..Default::default() },
        &[
            (&[0, 0, 0, 36], "length"),
            (&[0, 0, 0, 7], "correlation id"),
            (&[0, 0], "error code"),
            (&[1], "no keys"),
            (&[0, 0, 0, 0], "throttle time"),
            (&[2], "two tagged fields"),
            (&[1, 8], "tag 1 of 8 bytes"),
            (&[0, 0, 0, 0, 0, 0, 0, 9], "epoch of the finalized features"),
            (&[2, 12], "tag 2 of 12 bytes"),
            (&[2], "number of features plus one"),
            (&[6], "length of the name plus one"),
            (b"kraft", "name"),
            (&[0, 1], "max version level"),
            (&[0, 1], "min version level"),
            (&[0], "no tagged fields in the feature"),
        ],
    );
}

/// What a client gets that asks in a version which we lack: it reads version 0, and asks again.
#[test]
fn the_answer_to_an_unknown_version_is_error_35_in_version_0() {
    let question = [
        &[0, 18][..],        // api key
        &[0, 9],             // a version that does not exist yet
        &[0, 0, 0, 7],       // correlation id
        &[0xFF, 0xFF, 0, 0], // whatever that version holds
    ]
    .concat();
    let header = FrameHeader::decode(&mut Reader::new(&question));
    let expected = FrameHeader::UnknownApiVersions { api_version: 9, correlation_id: CORRELATION_ID };
    assert_eq!(header, Ok(expected));

    let own_range = ApiVersion { api_key: 18, min_version: 0, max_version: 4 };
    golden_response(
        0,
        &ApiVersionsResponse { error_code: 35, api_keys: vec![own_range], ..Default::default() },
        &[
            (&[0, 0, 0, 16], "length"),
            (&[0, 0, 0, 7], "correlation id"),
            (&[0, 35], "UNSUPPORTED_VERSION"),
            (&[0, 0, 0, 1], "number of keys"),
            (&[0, 18, 0, 0, 0, 4], "ApiVersions 0 to 4"),
        ],
    );
}
