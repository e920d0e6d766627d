//! Values of DeleteTopics for the tests.
//!
//! Generated from `schemas/kafka/delete_topics.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::delete_topics::{DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for DeleteTopicState {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::nullable(random, draw::string), topic_id: draw::u128(random) }
    }
}

impl Sample for DeleteTopicsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: if version >= 6 {
                draw::array(random, |random| DeleteTopicState::sample(random, version))
            } else {
                Vec::new()
            },
            topic_names: if version <= 5 { draw::array(random, draw::string) } else { Vec::new() },
            timeout_ms: draw::i32(random),
        }
    }
}

impl Sample for DeletableTopicResult {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: if version >= 6 { draw::nullable(random, draw::string) } else { Some(draw::string(random)) },
            topic_id: if version >= 6 { draw::u128(random) } else { 0 },
            error_code: draw::i16(random),
            error_message: if version >= 5 { draw::nullable(random, draw::string) } else { None },
        }
    }
}

impl Sample for DeleteTopicsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            responses: draw::array(random, |random| DeletableTopicResult::sample(random, version)),
        }
    }
}

impl Fixture for DeleteTopicsRequest {
    type Theirs = theirs::DeleteTopicsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::delete_topics_request(self)
    }
}

impl Fixture for DeleteTopicsResponse {
    type Theirs = theirs::DeleteTopicsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::delete_topics_response(self)
    }
}

mod request {
    use super::{DeleteTopicState, DeleteTopicsRequest};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn delete_topic_state(ours: &DeleteTopicState) -> theirs::delete_topics_request::DeleteTopicState {
        let mut their = theirs::delete_topics_request::DeleteTopicState::default();
        their.name = ours.name.as_ref().map(|value| convert::string(value));
        their.topic_id = convert::uuid(ours.topic_id);
        their
    }

    pub(super) fn delete_topics_request(
        ours: &DeleteTopicsRequest,
    ) -> theirs::delete_topics_request::DeleteTopicsRequest {
        let mut their = theirs::delete_topics_request::DeleteTopicsRequest::default();
        their.topics = ours.topics.iter().map(delete_topic_state).collect();
        their.topic_names = ours.topic_names.iter().map(|item| convert::string(item)).collect();
        their.timeout_ms = convert::number(ours.timeout_ms);
        their
    }
}

mod response {
    use super::{DeletableTopicResult, DeleteTopicsResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn deletable_topic_result(
        ours: &DeletableTopicResult,
    ) -> theirs::delete_topics_response::DeletableTopicResult {
        let mut their = theirs::delete_topics_response::DeletableTopicResult::default();
        their.name = ours.name.as_ref().map(|value| convert::string(value));
        their.topic_id = convert::uuid(ours.topic_id);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn delete_topics_response(
        ours: &DeleteTopicsResponse,
    ) -> theirs::delete_topics_response::DeleteTopicsResponse {
        let mut their = theirs::delete_topics_response::DeleteTopicsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.responses = ours.responses.iter().map(deletable_topic_result).collect();
        their
    }
}
