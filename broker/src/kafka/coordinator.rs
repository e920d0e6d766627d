//! FindCoordinator: this broker, which is all of the cluster, would coordinate every group.
//!
//! There are no groups yet: JoinGroup and the rest are not advertised, and clients that want to join one say so at
//! once ("the node does not support JOIN_GROUP"). This API is answered all the same, for librdkafka: it takes a broker
//! without it for Kafka 0.8.1 and quietly stores lz4 batches uncompressed; and its consumers, which look for a
//! coordinator even when partitions are assigned by hand, would report any error as their own.

use std::rc::Rc;

use wire::ErrorCode;
use wire::kafka::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};

use super::{Answered, RequestId, wire_index};
use crate::core::Core;

/// Versions from here on ask for several keys at once.
const FIRST_WITH_KEYS: i16 = 4;
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const NOBODY: i32 = -1;

pub(super) fn find(core: &Rc<Core>, id: RequestId, request: &FindCoordinatorRequest) -> Answered {
    let found = |key: &str| coordinator(core, request.key_type, key);
    if id.version >= FIRST_WITH_KEYS {
        let coordinators = request.coordinator_keys.iter().map(|key| found(key)).collect();
        return id.answer(&FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() });
    }
    let Coordinator { node_id, host, port, error_code, error_message, .. } = found(&request.key);
    id.answer(&FindCoordinatorResponse {
        node_id,
        host,
        port,
        error_code,
        error_message,
        ..FindCoordinatorResponse::default()
    })
}

fn coordinator(core: &Core, key_type: i8, key: &str) -> Coordinator {
    let key = key.to_owned();
    let refuse = |why: &str| Coordinator {
        key: key.clone(),
        node_id: NOBODY,
        port: NOBODY,
        // Not a retriable code: clients give up at once and show the message.
        error_code: ErrorCode::UnsupportedVersion.code(),
        error_message: Some(why.to_owned()),
        ..Coordinator::default()
    };
    match key_type {
        GROUP => Coordinator {
            node_id: wire_index(core.identity.broker.0),
            host: core.identity.kafka.host.clone(),
            port: i32::from(core.identity.kafka.port),
            error_message: None,
            key,
            ..Coordinator::default()
        },
        TRANSACTION => refuse("transactions are not available in this version"),
        other => refuse(&format!("there is no coordinator of type {other}")),
    }
}
