//! FindCoordinator: this broker, which is all of the cluster, coordinates every group; of its lanes, the owner's.
//!
//! The topic that groups are kept in is made when somebody looks for the first of them. librdkafka asks this of any
//! broker, even where partitions are assigned by hand.

use std::rc::Rc;

use wire::ErrorCode;
use wire::kafka::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};

use super::{Answered, RequestId};
use crate::core::Core;
use crate::lanes::Shown;
use crate::refusal::Refusal;

/// Versions from here on ask for several keys at once.
const FIRST_WITH_KEYS: i16 = 4;
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const NOBODY: i32 = -1;

pub(super) async fn find(core: &Rc<Core>, shown: Shown, id: RequestId, request: FindCoordinatorRequest) -> Answered {
    let ready = match request.key_type {
        GROUP => core.ensure_offsets_topic().await,
        _ => Ok(()),
    };
    if let Err(refusal) = &ready {
        tracing::warn!(why = refusal.text(), "the topic of the groups could not be made");
    }
    let found = |key: String| coordinator(core, shown, request.key_type, key, &ready);
    if id.version >= FIRST_WITH_KEYS {
        let coordinators = request.coordinator_keys.into_iter().map(found).collect();
        return id.answer(&FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() });
    }
    let Coordinator { node_id, host, port, error_code, error_message, .. } = found(request.key);
    id.answer(&FindCoordinatorResponse {
        node_id,
        host,
        port,
        error_code,
        error_message,
        ..FindCoordinatorResponse::default()
    })
}

fn coordinator(core: &Core, shown: Shown, key_type: i8, key: String, ready: &Result<(), Refusal>) -> Coordinator {
    let refuse = |key: String, code: ErrorCode, why: &str| Coordinator {
        key,
        node_id: NOBODY,
        port: NOBODY,
        error_code: code.code(),
        error_message: Some(why.to_owned()),
        ..Coordinator::default()
    };
    match (key_type, ready) {
        (GROUP, Ok(())) => {
            let nodes = core.nodes(shown);
            let (node_id, endpoint) = match core.partition_of_group(&key) {
                Some(id) => nodes.of_partition(&core.shown_view(), id),
                None => nodes.all()[0],
            };
            let (host, port) = (endpoint.host.clone(), i32::from(endpoint.port));
            Coordinator { node_id, host, port, error_message: None, key, ..Coordinator::default() }
        }
        (GROUP, Err(refusal)) => refuse(key, ErrorCode::CoordinatorNotAvailable, refusal.text()),
        // Not a retriable code: clients give up at once and show the message.
        (TRANSACTION, _) => {
            refuse(key, ErrorCode::UnsupportedVersion, "transactions are not available in this version")
        }
        (other, _) => refuse(key, ErrorCode::UnsupportedVersion, &format!("there is no coordinator of type {other}")),
    }
}
