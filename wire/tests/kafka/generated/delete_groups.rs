//! Values of DeleteGroups for the tests.
//!
//! Generated from `schemas/kafka/delete_groups.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::delete_groups::{DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for DeleteGroupsRequest {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { groups_names: draw::array(random, draw::string) }
    }
}

impl Sample for DeletableGroupResult {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random), error_code: draw::i16(random) }
    }
}

impl Sample for DeleteGroupsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            results: draw::array(random, |random| DeletableGroupResult::sample(random, version)),
        }
    }
}

impl Fixture for DeleteGroupsRequest {
    type Theirs = theirs::DeleteGroupsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::delete_groups_request(self)
    }
}

impl Fixture for DeleteGroupsResponse {
    type Theirs = theirs::DeleteGroupsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::delete_groups_response(self)
    }
}

mod request {
    use super::DeleteGroupsRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn delete_groups_request(
        ours: &DeleteGroupsRequest,
    ) -> theirs::delete_groups_request::DeleteGroupsRequest {
        let mut their = theirs::delete_groups_request::DeleteGroupsRequest::default();
        their.groups_names = ours.groups_names.iter().map(|item| convert::string(item)).collect();
        their
    }
}

mod response {
    use super::{DeletableGroupResult, DeleteGroupsResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn deletable_group_result(
        ours: &DeletableGroupResult,
    ) -> theirs::delete_groups_response::DeletableGroupResult {
        let mut their = theirs::delete_groups_response::DeletableGroupResult::default();
        their.group_id = convert::string(&ours.group_id);
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn delete_groups_response(
        ours: &DeleteGroupsResponse,
    ) -> theirs::delete_groups_response::DeleteGroupsResponse {
        let mut their = theirs::delete_groups_response::DeleteGroupsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.results = ours.results.iter().map(deletable_group_result).collect();
        their
    }
}
