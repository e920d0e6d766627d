//! Values of SyncGroup for the tests.
//!
//! Generated from `schemas/kafka/sync_group.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for SyncGroupRequestAssignment {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { member_id: draw::string(random), assignment: draw::payload(random).to_bytes() }
    }
}

impl Sample for SyncGroupRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            generation_id: draw::i32(random),
            member_id: draw::string(random),
            group_instance_id: if version >= 3 { draw::nullable(random, draw::string) } else { None },
            protocol_type: if version >= 5 { draw::nullable(random, draw::string) } else { None },
            protocol_name: if version >= 5 { draw::nullable(random, draw::string) } else { None },
            assignments: draw::array(random, |random| SyncGroupRequestAssignment::sample(random, version)),
        }
    }
}

impl Sample for SyncGroupResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 1 { draw::i32(random) } else { 0 },
            error_code: draw::i16(random),
            protocol_type: if version >= 5 { draw::nullable(random, draw::string) } else { None },
            protocol_name: if version >= 5 { draw::nullable(random, draw::string) } else { None },
            assignment: draw::payload(random).to_bytes(),
        }
    }
}

impl Fixture for SyncGroupRequest {
    type Theirs = theirs::SyncGroupRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::sync_group_request(self)
    }
}

impl Fixture for SyncGroupResponse {
    type Theirs = theirs::SyncGroupResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::sync_group_response(self)
    }
}

mod request {
    use super::{SyncGroupRequest, SyncGroupRequestAssignment};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn sync_group_request_assignment(
        ours: &SyncGroupRequestAssignment,
    ) -> theirs::sync_group_request::SyncGroupRequestAssignment {
        let mut their = theirs::sync_group_request::SyncGroupRequestAssignment::default();
        their.member_id = convert::string(&ours.member_id);
        their.assignment = ours.assignment.clone();
        their
    }

    pub(super) fn sync_group_request(ours: &SyncGroupRequest) -> theirs::sync_group_request::SyncGroupRequest {
        let mut their = theirs::sync_group_request::SyncGroupRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.generation_id = convert::number(ours.generation_id);
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their.protocol_type = ours.protocol_type.as_ref().map(|value| convert::string(value));
        their.protocol_name = ours.protocol_name.as_ref().map(|value| convert::string(value));
        their.assignments = ours.assignments.iter().map(sync_group_request_assignment).collect();
        their
    }
}

mod response {
    use super::SyncGroupResponse;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn sync_group_response(ours: &SyncGroupResponse) -> theirs::sync_group_response::SyncGroupResponse {
        let mut their = theirs::sync_group_response::SyncGroupResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.protocol_type = ours.protocol_type.as_ref().map(|value| convert::string(value));
        their.protocol_name = ours.protocol_name.as_ref().map(|value| convert::string(value));
        their.assignment = ours.assignment.clone();
        their
    }
}
