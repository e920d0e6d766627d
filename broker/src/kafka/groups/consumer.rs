//! ConsumerGroupHeartbeat and ConsumerGroupDescribe: the protocol of KIP-848.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{PartitionIndex, TopicId};
use cluster::groups::{
    ConsumerHeartbeatReply, ConsumerHeartbeatRequest, DescribedConsumerGroup, DescribedConsumerMember, Epoch, GroupId,
    GroupType, InstanceId, MemberId, Partitions, Reply, Request,
};
use cluster::metadata::{MetadataImage, TopicName};
use wire::ErrorCode;
use wire::kafka::consumer_group_describe::{
    Assignment as DescribedAssignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup,
    Member, TopicPartitions as DescribedPartitions,
};
use wire::kafka::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

use super::{Asker, each_once, partition_index, too_many_groups};
use crate::groups::{Ask, Told};
use crate::kafka::connection::Answer;
use crate::kafka::dispatch::later;
use crate::kafka::{Answered, operations, wire_index};
use crate::limits;
use crate::refusal::Refusal;

/// From here on members make their own ids.
const FIRST_WITH_OWN_IDS: i16 = 1;
const CLASSIC_MEMBER: i8 = 0;
const CONSUMER_MEMBER: i8 = 1;

pub(in crate::kafka) fn heartbeat_of_consumer(asker: Asker, request: &ConsumerGroupHeartbeatRequest) -> Answer {
    let request = request_of(&asker, request);
    later(async move {
        let result = match request {
            Ok(request) => {
                let pick = |reply| if let Reply::ConsumerHeartbeat(result) = reply { Some(result) } else { None };
                asker.change(Request::ConsumerHeartbeat(request), pick).await.and_then(|result| Ok(result?))
            }
            Err(refusal) => Err(refusal),
        };
        asker.id.answer(&result.map_or_else(refused, heard))
    })
}

fn request_of(asker: &Asker, request: &ConsumerGroupHeartbeatRequest) -> Result<ConsumerHeartbeatRequest, Refusal> {
    let invalid = |text: &str| Refusal::new(ErrorCode::InvalidRequest, text);
    if asker.id.version >= FIRST_WITH_OWN_IDS && request.member_id.trim().is_empty() {
        return Err(invalid("a member makes its own id from version 1 on"));
    }
    // A name that no topic can have will never stand for one.
    let topics_of = |names: &Vec<String>| names.iter().filter_map(|name| TopicName::new(name).ok()).collect();
    let topics = request.subscribed_topic_names.as_ref().map(topics_of);
    let owned = request.topic_partitions.as_ref().map(|topics| owned_of(topics)).transpose()?;
    Ok(ConsumerHeartbeatRequest {
        group: GroupId::new(&request.group_id),
        member: MemberId::new(&request.member_id),
        new_member: asker.core.new_member_id(&asker.client.id),
        epoch: Epoch(request.member_epoch),
        instance: request.instance_id.as_deref().map(InstanceId::new),
        rack: request.rack_id.as_deref().map(Arc::from),
        rebalance_timeout_ms: u32::try_from(request.rebalance_timeout_ms).ok(),
        client: asker.client.clone(),
        topics,
        regex: request.subscribed_topic_regex.as_deref().map(Arc::from),
        assignor: request.server_assignor.as_deref().map(Arc::from),
        owned,
    })
}

fn owned_of(topics: &[TopicPartitions]) -> Result<Partitions, Refusal> {
    let mut owned = Partitions::EMPTY;
    for topic in topics {
        for index in &topic.partitions {
            match (TopicId::from_u128(topic.topic_id), partition_index(*index)) {
                (Some(topic), Some(index)) => drop(owned.insert(topic, index)),
                _ => return Err(Refusal::new(ErrorCode::InvalidRequest, "a member owns what is no partition")),
            }
        }
    }
    Ok(owned)
}

fn heard(reply: ConsumerHeartbeatReply) -> ConsumerGroupHeartbeatResponse {
    let assignment = reply.assignment.map(|partitions| Assignment {
        topic_partitions: partitions
            .topics()
            .map(|(topic, indexes)| TopicPartitions { topic_id: topic.as_u128(), partitions: numbers(indexes) })
            .collect(),
    });
    ConsumerGroupHeartbeatResponse {
        member_id: Some(reply.member.as_str().to_owned()),
        member_epoch: reply.epoch.0,
        heartbeat_interval_ms: i32::try_from(reply.heartbeat_interval_ms).unwrap_or(i32::MAX),
        assignment,
        ..ConsumerGroupHeartbeatResponse::default()
    }
}

fn refused(refusal: Refusal) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        error_code: refusal.code.code(),
        error_message: Some(refusal.text().to_owned()),
        ..ConsumerGroupHeartbeatResponse::default()
    }
}

fn numbers<'a>(indexes: impl IntoIterator<Item = &'a PartitionIndex>) -> Vec<i32> {
    indexes.into_iter().map(|index| wire_index(index.0)).collect()
}

pub(in crate::kafka) async fn describe_consumer(asker: &Asker, request: ConsumerGroupDescribeRequest) -> Answered {
    let names = each_once(request.group_ids);
    let too_many = names.len() > limits::GROUPS_PER_REQUEST_MAX;
    let (mut groups, mut members) = (Vec::with_capacity(names.len()), 0);
    for name in names {
        let result = match too_many {
            true => Err(too_many_groups()),
            false => describe_one(asker, &name, members).await,
        };
        groups.push(match result {
            Ok(group) => {
                members += group.members.len();
                let operations = operations::on_group(request.include_authorized_operations);
                DescribedGroup { authorized_operations: operations, ..described(asker, name, group) }
            }
            Err(refusal) => DescribedGroup {
                error_code: refusal.code.code(),
                error_message: Some(refusal.text().to_owned()),
                group_id: name,
                ..DescribedGroup::default()
            },
        });
    }
    asker.id.answer(&ConsumerGroupDescribeResponse { groups, ..ConsumerGroupDescribeResponse::default() })
}

async fn describe_one(asker: &Asker, name: &str, members: usize) -> Result<DescribedConsumerGroup, Refusal> {
    if name.is_empty() {
        return Err(Refusal::new(ErrorCode::InvalidGroupId, "a group must have a name"));
    }
    super::admin::check_members(members)?;
    match asker.core.ask_group(Ask::DescribeConsumer(GroupId::new(name))).result().await? {
        Told::Consumer(group) => Ok(group),
        Told::Changed(_) | Told::Offsets(_) | Told::Classic(_) => Err(ErrorCode::UnknownServerError.into()),
    }
}

fn described(asker: &Asker, name: String, group: DescribedConsumerGroup) -> DescribedGroup {
    let view = asker.core.view();
    let mut names = BTreeMap::new();
    DescribedGroup {
        group_id: name,
        group_state: group.phase.as_str().to_owned(),
        group_epoch: group.epoch.0,
        assignment_epoch: group.target_epoch.0,
        assignor_name: group.assignor.as_str().to_owned(),
        members: group.members.into_iter().map(|member| described_member(member, &view.image, &mut names)).collect(),
        ..DescribedGroup::default()
    }
}

fn described_member(
    member: DescribedConsumerMember,
    image: &MetadataImage,
    names: &mut BTreeMap<TopicId, Option<String>>,
) -> Member {
    Member {
        member_id: member.member.as_str().to_owned(),
        instance_id: member.instance.map(|instance| instance.as_str().to_owned()),
        rack_id: super::text_of(member.rack.as_ref()),
        member_epoch: member.epoch.0,
        client_id: member.client_id.as_ref().to_owned(),
        client_host: member.client_host.as_ref().to_owned(),
        subscribed_topic_names: member.topics.iter().map(|topic| topic.as_str().to_owned()).collect(),
        // Not null: as in Kafka.
        subscribed_topic_regex: Some(super::text_of(member.regex.as_ref()).unwrap_or_default()),
        assignment: assignment_of(&member.assigned, image, names),
        target_assignment: assignment_of(&member.target, image, names),
        member_type: match member.speaks {
            GroupType::Classic => CLASSIC_MEMBER,
            GroupType::Consumer => CONSUMER_MEMBER,
        },
    }
}

/// Topics that are gone are left out, as in Kafka.
fn assignment_of(
    partitions: &Partitions,
    image: &MetadataImage,
    names: &mut BTreeMap<TopicId, Option<String>>,
) -> DescribedAssignment {
    let topics = partitions.topics().filter_map(|(topic, indexes)| {
        let name_of = || image.topic(topic).map(|topic| topic.name.as_str().to_owned());
        let topic_name = names.entry(topic).or_insert_with(name_of).clone()?;
        Some(DescribedPartitions { topic_id: topic.as_u128(), topic_name, partitions: numbers(indexes) })
    });
    DescribedAssignment { topic_partitions: topics.collect() }
}
