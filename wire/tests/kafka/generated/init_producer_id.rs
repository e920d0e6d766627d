//! Values of InitProducerId for the tests.
//!
//! Generated from `schemas/kafka/init_producer_id.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for InitProducerIdRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            transactional_id: draw::nullable(random, draw::string),
            transaction_timeout_ms: draw::i32(random),
            producer_id: if version >= 3 { draw::i64(random) } else { -1 },
            producer_epoch: if version >= 3 { draw::i16(random) } else { -1 },
        }
    }
}

impl Sample for InitProducerIdResponse {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            error_code: draw::i16(random),
            producer_id: draw::i64(random),
            producer_epoch: draw::i16(random),
        }
    }
}

impl Fixture for InitProducerIdRequest {
    type Theirs = theirs::InitProducerIdRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::init_producer_id_request(self)
    }
}

impl Fixture for InitProducerIdResponse {
    type Theirs = theirs::InitProducerIdResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::init_producer_id_response(self)
    }
}

mod request {
    use super::InitProducerIdRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn init_producer_id_request(
        ours: &InitProducerIdRequest,
    ) -> theirs::init_producer_id_request::InitProducerIdRequest {
        let mut their = theirs::init_producer_id_request::InitProducerIdRequest::default();
        their.transactional_id = ours.transactional_id.as_ref().map(|value| convert::string(value));
        their.transaction_timeout_ms = convert::number(ours.transaction_timeout_ms);
        their.producer_id = convert::number(ours.producer_id);
        their.producer_epoch = convert::number(ours.producer_epoch);
        their
    }
}

mod response {
    use super::InitProducerIdResponse;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn init_producer_id_response(
        ours: &InitProducerIdResponse,
    ) -> theirs::init_producer_id_response::InitProducerIdResponse {
        let mut their = theirs::init_producer_id_response::InitProducerIdResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.producer_id = convert::number(ours.producer_id);
        their.producer_epoch = convert::number(ours.producer_epoch);
        their
    }
}
