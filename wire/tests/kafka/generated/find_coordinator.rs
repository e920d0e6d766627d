//! Values of FindCoordinator for the tests.
//!
//! Generated from `schemas/kafka/find_coordinator.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for FindCoordinatorRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            key: if version <= 3 { draw::string(random) } else { String::new() },
            key_type: if version >= 1 { draw::i8(random) } else { 0 },
            coordinator_keys: if version >= 4 { draw::array(random, draw::string) } else { Vec::new() },
        }
    }
}

impl Sample for Coordinator {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            key: draw::string(random),
            node_id: draw::i32(random),
            host: draw::string(random),
            port: draw::i32(random),
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
        }
    }
}

impl Sample for FindCoordinatorResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 1 { draw::i32(random) } else { 0 },
            error_code: if version <= 3 { draw::i16(random) } else { 0 },
            error_message: if (1..=3).contains(&version) {
                draw::nullable(random, draw::string)
            } else {
                Some(String::new())
            },
            node_id: if version <= 3 { draw::i32(random) } else { 0 },
            host: if version <= 3 { draw::string(random) } else { String::new() },
            port: if version <= 3 { draw::i32(random) } else { 0 },
            coordinators: if version >= 4 {
                draw::array(random, |random| Coordinator::sample(random, version))
            } else {
                Vec::new()
            },
        }
    }
}

impl Fixture for FindCoordinatorRequest {
    type Theirs = theirs::FindCoordinatorRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::find_coordinator_request(self)
    }
}

impl Fixture for FindCoordinatorResponse {
    type Theirs = theirs::FindCoordinatorResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::find_coordinator_response(self)
    }
}

mod request {
    use super::FindCoordinatorRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn find_coordinator_request(
        ours: &FindCoordinatorRequest,
    ) -> theirs::find_coordinator_request::FindCoordinatorRequest {
        let mut their = theirs::find_coordinator_request::FindCoordinatorRequest::default();
        their.key = convert::string(&ours.key);
        their.key_type = convert::number(ours.key_type);
        their.coordinator_keys = ours.coordinator_keys.iter().map(|item| convert::string(item)).collect();
        their
    }
}

mod response {
    use super::{Coordinator, FindCoordinatorResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn coordinator(ours: &Coordinator) -> theirs::find_coordinator_response::Coordinator {
        let mut their = theirs::find_coordinator_response::Coordinator::default();
        their.key = convert::string(&ours.key);
        their.node_id = convert::number(ours.node_id);
        their.host = convert::string(&ours.host);
        their.port = convert::number(ours.port);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn find_coordinator_response(
        ours: &FindCoordinatorResponse,
    ) -> theirs::find_coordinator_response::FindCoordinatorResponse {
        let mut their = theirs::find_coordinator_response::FindCoordinatorResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.node_id = convert::number(ours.node_id);
        their.host = convert::string(&ours.host);
        their.port = convert::number(ours.port);
        their.coordinators = ours.coordinators.iter().map(coordinator).collect();
        their
    }
}
