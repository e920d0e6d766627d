//! DescribeQuorum: who keeps the metadata's log. It is this broker alone, leader and only voter.

use std::rc::Rc;

use base::CoreId;
use wire::ErrorCode;
use wire::kafka::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState, TopicData,
};

use super::{Answered, RequestId, wire_index};
use crate::core::Core;
use crate::internal_topics::METADATA_TOPIC;
use crate::messages::{MetadataLogState, Reply, Request};
use crate::refusal::Refusal;
use crate::start::METADATA_PARTITION;

/// Nodes are told from this version on.
const FIRST_WITH_NODES: i16 = 2;

pub(super) async fn describe(core: &Rc<Core>, id: RequestId, request: DescribeQuorumRequest) -> Answered {
    let is_the_log = match request.topics.as_slice() {
        [topic] => {
            topic.topic_name == METADATA_TOPIC
                && matches!(topic.partitions.as_slice(), [one] if one.partition_index == 0)
        }
        _ => false,
    };
    if !is_the_log {
        return id.answer(&unknown(request));
    }
    let answer = match core.metadata_log().await {
        Ok(state) => known(core, state, id.version),
        Err(refusal) => DescribeQuorumResponse {
            error_code: refusal.code.code(),
            error_message: Some(refusal.text().to_owned()),
            ..DescribeQuorumResponse::default()
        },
    };
    id.answer(&answer)
}

fn known(core: &Core, state: MetadataLogState, version: i16) -> DescribeQuorumResponse {
    let broker = wire_index(core.identity.broker.0);
    let now = rt::wall_clock().to_wire();
    let voter = ReplicaState {
        replica_id: broker,
        // As in Kafka where the voters are fixed.
        replica_directory_id: 0,
        log_end_offset: state.log_end.to_wire(),
        last_fetch_timestamp: now,
        last_caught_up_timestamp: now,
    };
    let partition = PartitionData {
        leader_id: broker,
        leader_epoch: state.epoch.to_wire(),
        high_watermark: state.high_watermark.to_wire(),
        current_voters: vec![voter],
        ..PartitionData::default()
    };
    let kafka = &core.identity.kafka;
    let listener = Listener { name: "PLAINTEXT".to_owned(), host: kafka.host.clone(), port: kafka.port };
    let node = Node { node_id: broker, listeners: vec![listener] };
    DescribeQuorumResponse {
        topics: vec![TopicData { topic_name: METADATA_TOPIC.to_owned(), partitions: vec![partition] }],
        nodes: if version >= FIRST_WITH_NODES { vec![node] } else { Vec::new() },
        ..DescribeQuorumResponse::default()
    }
}

/// Each partition asked for is unknown, also the log itself when others are asked for beside it, as in Kafka.
fn unknown(request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    let code = ErrorCode::UnknownTopicOrPartition;
    let partition = |partition_index| PartitionData {
        partition_index,
        error_code: code.code(),
        error_message: Some(code.message().to_owned()),
        ..PartitionData::default()
    };
    let topic = |topic: wire::kafka::describe_quorum::RequestedTopic| TopicData {
        topic_name: topic.topic_name,
        partitions: topic.partitions.into_iter().map(|asked| partition(asked.partition_index)).collect(),
    };
    DescribeQuorumResponse {
        topics: request.topics.into_iter().map(topic).collect(),
        ..DescribeQuorumResponse::default()
    }
}

impl Core {
    async fn metadata_log(self: &Rc<Self>) -> Result<MetadataLogState, Refusal> {
        if self.id == CoreId(0) {
            return self.metadata_log_here();
        }
        match self.call(CoreId(0), Request::MetadataLog).await? {
            Reply::MetadataLog(state) => state,
            _ => Err(ErrorCode::UnknownServerError.into()),
        }
    }

    /// On core 0.
    pub(crate) fn metadata_log_here(&self) -> Result<MetadataLogState, Refusal> {
        let controller = self.controller.borrow();
        let controller = controller.as_ref().ok_or(ErrorCode::NotController)?;
        let offsets = self.shard.offsets(METADATA_PARTITION).ok_or(ErrorCode::KafkaStorageError)?;
        Ok(MetadataLogState {
            epoch: controller.epoch(),
            high_watermark: offsets.high_watermark,
            log_end: offsets.log_end,
        })
    }
}
