//! Values of DescribeGroups for the tests.
//!
//! Generated from `schemas/kafka/describe_groups.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for DescribeGroupsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            groups: draw::array(random, draw::string),
            include_authorized_operations: if version >= 3 { draw::bool(random) } else { false },
        }
    }
}

impl Sample for DescribedGroupMember {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            member_id: draw::string(random),
            group_instance_id: if version >= 4 { draw::nullable(random, draw::string) } else { None },
            client_id: draw::string(random),
            client_host: draw::string(random),
            member_metadata: draw::payload(random).to_bytes(),
            member_assignment: draw::payload(random).to_bytes(),
        }
    }
}

impl Sample for DescribedGroup {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            error_message: if version >= 6 { draw::nullable(random, draw::string) } else { None },
            group_id: draw::string(random),
            group_state: draw::string(random),
            protocol_type: draw::string(random),
            protocol_data: draw::string(random),
            members: draw::array(random, |random| DescribedGroupMember::sample(random, version)),
            authorized_operations: if version >= 3 { draw::i32(random) } else { i32::MIN },
        }
    }
}

impl Sample for DescribeGroupsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 1 { draw::i32(random) } else { 0 },
            groups: draw::array(random, |random| DescribedGroup::sample(random, version)),
        }
    }
}

impl Fixture for DescribeGroupsRequest {
    type Theirs = theirs::DescribeGroupsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::describe_groups_request(self)
    }
}

impl Fixture for DescribeGroupsResponse {
    type Theirs = theirs::DescribeGroupsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::describe_groups_response(self)
    }
}

mod request {
    use super::DescribeGroupsRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn describe_groups_request(
        ours: &DescribeGroupsRequest,
    ) -> theirs::describe_groups_request::DescribeGroupsRequest {
        let mut their = theirs::describe_groups_request::DescribeGroupsRequest::default();
        their.groups = ours.groups.iter().map(|item| convert::string(item)).collect();
        their.include_authorized_operations = convert::number(ours.include_authorized_operations);
        their
    }
}

mod response {
    use super::{DescribeGroupsResponse, DescribedGroup, DescribedGroupMember};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn described_group_member(
        ours: &DescribedGroupMember,
    ) -> theirs::describe_groups_response::DescribedGroupMember {
        let mut their = theirs::describe_groups_response::DescribedGroupMember::default();
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their.client_id = convert::string(&ours.client_id);
        their.client_host = convert::string(&ours.client_host);
        their.member_metadata = ours.member_metadata.clone();
        their.member_assignment = ours.member_assignment.clone();
        their
    }

    pub(super) fn described_group(ours: &DescribedGroup) -> theirs::describe_groups_response::DescribedGroup {
        let mut their = theirs::describe_groups_response::DescribedGroup::default();
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.group_id = convert::string(&ours.group_id);
        their.group_state = convert::string(&ours.group_state);
        their.protocol_type = convert::string(&ours.protocol_type);
        their.protocol_data = convert::string(&ours.protocol_data);
        their.members = ours.members.iter().map(described_group_member).collect();
        their.authorized_operations = convert::number(ours.authorized_operations);
        their
    }

    pub(super) fn describe_groups_response(
        ours: &DescribeGroupsResponse,
    ) -> theirs::describe_groups_response::DescribeGroupsResponse {
        let mut their = theirs::describe_groups_response::DescribeGroupsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.groups = ours.groups.iter().map(described_group).collect();
        their
    }
}
