//! FindCoordinator: there are no groups and no transactions yet, and the answer says so.
//!
//! It is advertised all the same: librdkafka takes a broker that does not know it for one of Kafka 0.8.1 and quietly
//! stores lz4 batches uncompressed.

use wire::ErrorCode;
use wire::kafka::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};

use super::{Answered, RequestId};

/// Versions from here on ask for several keys at once.
const FIRST_WITH_KEYS: i16 = 4;
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const NOBODY: i32 = -1;

pub(super) fn find(id: RequestId, request: &FindCoordinatorRequest) -> Answered {
    let missing = match request.key_type {
        GROUP => "consumer groups are not available in this version: assign partitions instead",
        TRANSACTION => "transactions are not available in this version",
        _ => "there is no coordinator of this type",
    };
    // Not a retriable code: clients give up at once and show the message.
    let (error_code, error_message) = (ErrorCode::UnsupportedVersion.code(), Some(missing.to_owned()));
    if id.version < FIRST_WITH_KEYS {
        return id.answer(&FindCoordinatorResponse {
            error_code,
            error_message,
            node_id: NOBODY,
            port: NOBODY,
            ..FindCoordinatorResponse::default()
        });
    }
    let refuse = |key: &String| Coordinator {
        key: key.clone(),
        node_id: NOBODY,
        port: NOBODY,
        error_code,
        error_message: error_message.clone(),
        ..Coordinator::default()
    };
    let coordinators = request.coordinator_keys.iter().map(refuse).collect();
    id.answer(&FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() })
}
