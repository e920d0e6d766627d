//! Values of JoinGroup for the tests.
//!
//! Generated from `schemas/kafka/join_group.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse, JoinGroupResponseMember};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for JoinGroupRequestProtocol {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), metadata: draw::payload(random).to_bytes() }
    }
}

impl Sample for JoinGroupRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            session_timeout_ms: draw::i32(random),
            rebalance_timeout_ms: if version >= 1 { draw::i32(random) } else { -1 },
            member_id: draw::string(random),
            group_instance_id: if version >= 5 { draw::nullable(random, draw::string) } else { None },
            protocol_type: draw::string(random),
            protocols: draw::array(random, |random| JoinGroupRequestProtocol::sample(random, version)),
            reason: if version >= 8 { draw::nullable(random, draw::string) } else { None },
        }
    }
}

impl Sample for JoinGroupResponseMember {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            member_id: draw::string(random),
            group_instance_id: if version >= 5 { draw::nullable(random, draw::string) } else { None },
            metadata: draw::payload(random).to_bytes(),
        }
    }
}

impl Sample for JoinGroupResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 2 { draw::i32(random) } else { 0 },
            error_code: draw::i16(random),
            generation_id: draw::i32(random),
            protocol_type: if version >= 7 { draw::nullable(random, draw::string) } else { None },
            protocol_name: if version >= 7 { draw::nullable(random, draw::string) } else { Some(draw::string(random)) },
            leader: draw::string(random),
            skip_assignment: if version >= 9 { draw::bool(random) } else { false },
            member_id: draw::string(random),
            members: draw::array(random, |random| JoinGroupResponseMember::sample(random, version)),
        }
    }
}

impl Fixture for JoinGroupRequest {
    type Theirs = theirs::JoinGroupRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::join_group_request(self)
    }
}

impl Fixture for JoinGroupResponse {
    type Theirs = theirs::JoinGroupResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::join_group_response(self)
    }
}

mod request {
    use super::{JoinGroupRequest, JoinGroupRequestProtocol};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn join_group_request_protocol(
        ours: &JoinGroupRequestProtocol,
    ) -> theirs::join_group_request::JoinGroupRequestProtocol {
        let mut their = theirs::join_group_request::JoinGroupRequestProtocol::default();
        their.name = convert::string(&ours.name);
        their.metadata = ours.metadata.clone();
        their
    }

    pub(super) fn join_group_request(ours: &JoinGroupRequest) -> theirs::join_group_request::JoinGroupRequest {
        let mut their = theirs::join_group_request::JoinGroupRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.session_timeout_ms = convert::number(ours.session_timeout_ms);
        their.rebalance_timeout_ms = convert::number(ours.rebalance_timeout_ms);
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their.protocol_type = convert::string(&ours.protocol_type);
        their.protocols = ours.protocols.iter().map(join_group_request_protocol).collect();
        their.reason = ours.reason.as_ref().map(|value| convert::string(value));
        their
    }
}

mod response {
    use super::{JoinGroupResponse, JoinGroupResponseMember};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn join_group_response_member(
        ours: &JoinGroupResponseMember,
    ) -> theirs::join_group_response::JoinGroupResponseMember {
        let mut their = theirs::join_group_response::JoinGroupResponseMember::default();
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their.metadata = ours.metadata.clone();
        their
    }

    pub(super) fn join_group_response(ours: &JoinGroupResponse) -> theirs::join_group_response::JoinGroupResponse {
        let mut their = theirs::join_group_response::JoinGroupResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.generation_id = convert::number(ours.generation_id);
        their.protocol_type = ours.protocol_type.as_ref().map(|value| convert::string(value));
        their.protocol_name = ours.protocol_name.as_ref().map(|value| convert::string(value));
        their.leader = convert::string(&ours.leader);
        their.skip_assignment = convert::number(ours.skip_assignment);
        their.member_id = convert::string(&ours.member_id);
        their.members = ours.members.iter().map(join_group_response_member).collect();
        their
    }
}
