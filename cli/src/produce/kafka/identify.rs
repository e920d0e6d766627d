//! Getting the producer id by which the broker knows repeated batches.

use std::time::Instant;

use base::{ProducerEpoch, ProducerId};
use wire::kafka::ApiKey;
use wire::kafka::init_producer_id::InitProducerIdRequest;

use super::partition::Identity;
use super::producer::{BACKOFF_MIN, REQUEST_TIMEOUT_MS, TROUBLE_TIME_MAX};
use crate::kafka::{Cluster, KafkaError};

/// Gets a producer id. The broker may need a moment for its first one.
pub(super) fn identify(cluster: &mut Cluster) -> Result<Identity, KafkaError> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: REQUEST_TIMEOUT_MS,
        producer_id: -1,
        producer_epoch: -1,
    };
    let begun = Instant::now();
    loop {
        let response = cluster.seed()?.ask(&request)?;
        let ids = ProducerId::from_wire(response.producer_id).zip(ProducerEpoch::from_wire(response.producer_epoch));
        if let (0, Some((id, epoch))) = (response.error_code, ids) {
            return Ok(Identity { id, epoch });
        }
        let error = KafkaError::Refused {
            broker: cluster.bootstrap().to_owned(),
            api: ApiKey::InitProducerId,
            topic: None,
            partition: None,
            code: response.error_code,
            message: None,
        };
        if !error.is_retriable() || begun.elapsed() > TROUBLE_TIME_MAX {
            return Err(error);
        }
        std::thread::sleep(BACKOFF_MIN);
    }
}
