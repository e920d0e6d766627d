//! Values of Heartbeat for the tests.
//!
//! Generated from `schemas/kafka/heartbeat.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for HeartbeatRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            generation_id: draw::i32(random),
            member_id: draw::string(random),
            group_instance_id: if version >= 3 { draw::nullable(random, draw::string) } else { None },
        }
    }
}

impl Sample for HeartbeatResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { throttle_time_ms: if version >= 1 { draw::i32(random) } else { 0 }, error_code: draw::i16(random) }
    }
}

impl Fixture for HeartbeatRequest {
    type Theirs = theirs::HeartbeatRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::heartbeat_request(self)
    }
}

impl Fixture for HeartbeatResponse {
    type Theirs = theirs::HeartbeatResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::heartbeat_response(self)
    }
}

mod request {
    use super::HeartbeatRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn heartbeat_request(ours: &HeartbeatRequest) -> theirs::heartbeat_request::HeartbeatRequest {
        let mut their = theirs::heartbeat_request::HeartbeatRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.generation_id = convert::number(ours.generation_id);
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their
    }
}

mod response {
    use super::HeartbeatResponse;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn heartbeat_response(ours: &HeartbeatResponse) -> theirs::heartbeat_response::HeartbeatResponse {
        let mut their = theirs::heartbeat_response::HeartbeatResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their
    }
}
