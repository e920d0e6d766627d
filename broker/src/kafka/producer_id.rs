//! InitProducerId: an identity for an idempotent producer.

use std::rc::Rc;

use wire::ErrorCode;
use wire::kafka::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use super::{Answered, RequestId};
use crate::core::Core;

pub(super) async fn init(core: &Rc<Core>, id: RequestId, request: &InitProducerIdRequest) -> Answered {
    let failed = |code: ErrorCode| InitProducerIdResponse {
        error_code: code.code(),
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    if request.transactional_id.is_some() {
        // Transactions are not served yet; their other APIs are not advertised.
        return id.answer(&failed(ErrorCode::InvalidRequest));
    }
    // Without a transactional id the identity that a client had before does not matter: it gets a new one (KIP-360).
    match core.new_producer_id().await {
        Ok(producer) => id.answer(&InitProducerIdResponse {
            producer_id: producer.to_wire(),
            producer_epoch: 0,
            ..InitProducerIdResponse::default()
        }),
        Err(refusal) => {
            tracing::warn!(reason = refusal.text(), "no producer id could be given out");
            id.answer(&failed(ErrorCode::CoordinatorNotAvailable))
        }
    }
}
