//! Values of ListGroups for the tests.
//!
//! Generated from `schemas/kafka/list_groups.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for ListGroupsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            states_filter: if version >= 4 { draw::array(random, draw::string) } else { Vec::new() },
            types_filter: if version >= 5 { draw::array(random, draw::string) } else { Vec::new() },
        }
    }
}

impl Sample for ListedGroup {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            protocol_type: draw::string(random),
            group_state: if version >= 4 { draw::string(random) } else { String::new() },
            group_type: if version >= 5 { draw::string(random) } else { String::new() },
        }
    }
}

impl Sample for ListGroupsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 1 { draw::i32(random) } else { 0 },
            error_code: draw::i16(random),
            groups: draw::array(random, |random| ListedGroup::sample(random, version)),
        }
    }
}

impl Fixture for ListGroupsRequest {
    type Theirs = theirs::ListGroupsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::list_groups_request(self)
    }
}

impl Fixture for ListGroupsResponse {
    type Theirs = theirs::ListGroupsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::list_groups_response(self)
    }
}

mod request {
    use super::ListGroupsRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn list_groups_request(ours: &ListGroupsRequest) -> theirs::list_groups_request::ListGroupsRequest {
        let mut their = theirs::list_groups_request::ListGroupsRequest::default();
        their.states_filter = ours.states_filter.iter().map(|item| convert::string(item)).collect();
        their.types_filter = ours.types_filter.iter().map(|item| convert::string(item)).collect();
        their
    }
}

mod response {
    use super::{ListGroupsResponse, ListedGroup};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn listed_group(ours: &ListedGroup) -> theirs::list_groups_response::ListedGroup {
        let mut their = theirs::list_groups_response::ListedGroup::default();
        their.group_id = convert::string(&ours.group_id);
        their.protocol_type = convert::string(&ours.protocol_type);
        their.group_state = convert::string(&ours.group_state);
        their.group_type = convert::string(&ours.group_type);
        their
    }

    pub(super) fn list_groups_response(ours: &ListGroupsResponse) -> theirs::list_groups_response::ListGroupsResponse {
        let mut their = theirs::list_groups_response::ListGroupsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.groups = ours.groups.iter().map(listed_group).collect();
        their
    }
}
