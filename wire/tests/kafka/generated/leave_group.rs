//! Values of LeaveGroup for the tests.
//!
//! Generated from `schemas/kafka/leave_group.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for MemberIdentity {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            member_id: draw::string(random),
            group_instance_id: draw::nullable(random, draw::string),
            reason: if version >= 5 { draw::nullable(random, draw::string) } else { None },
        }
    }
}

impl Sample for LeaveGroupRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            member_id: if version <= 2 { draw::string(random) } else { String::new() },
            members: if version >= 3 {
                draw::array(random, |random| MemberIdentity::sample(random, version))
            } else {
                Vec::new()
            },
        }
    }
}

impl Sample for MemberResponse {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            member_id: draw::string(random),
            group_instance_id: draw::nullable(random, draw::string),
            error_code: draw::i16(random),
        }
    }
}

impl Sample for LeaveGroupResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 1 { draw::i32(random) } else { 0 },
            error_code: draw::i16(random),
            members: if version >= 3 {
                draw::array(random, |random| MemberResponse::sample(random, version))
            } else {
                Vec::new()
            },
        }
    }
}

impl Fixture for LeaveGroupRequest {
    type Theirs = theirs::LeaveGroupRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::leave_group_request(self)
    }
}

impl Fixture for LeaveGroupResponse {
    type Theirs = theirs::LeaveGroupResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::leave_group_response(self)
    }
}

mod request {
    use super::{LeaveGroupRequest, MemberIdentity};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn member_identity(ours: &MemberIdentity) -> theirs::leave_group_request::MemberIdentity {
        let mut their = theirs::leave_group_request::MemberIdentity::default();
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their.reason = ours.reason.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn leave_group_request(ours: &LeaveGroupRequest) -> theirs::leave_group_request::LeaveGroupRequest {
        let mut their = theirs::leave_group_request::LeaveGroupRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.member_id = convert::string(&ours.member_id);
        their.members = ours.members.iter().map(member_identity).collect();
        their
    }
}

mod response {
    use super::{LeaveGroupResponse, MemberResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn member_response(ours: &MemberResponse) -> theirs::leave_group_response::MemberResponse {
        let mut their = theirs::leave_group_response::MemberResponse::default();
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn leave_group_response(ours: &LeaveGroupResponse) -> theirs::leave_group_response::LeaveGroupResponse {
        let mut their = theirs::leave_group_response::LeaveGroupResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.members = ours.members.iter().map(member_response).collect();
        their
    }
}
