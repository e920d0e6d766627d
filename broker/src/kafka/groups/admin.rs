//! ListGroups, DescribeGroups, DeleteGroups, OffsetDelete.

use bytes::Bytes;
use cluster::groups::{DescribedClassicGroup, GroupId, GroupPhase, GroupType, OffsetDeleteRequest, Reply, Request};
use cluster::metadata::TopicName;
use wire::ErrorCode;
use wire::kafka::delete_groups::{DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse};
use wire::kafka::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use wire::kafka::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
use wire::kafka::offset_delete::{
    OffsetDeleteRequest as WireOffsetDelete, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

use super::{Asker, each_once, partition_index, too_many_groups};
use crate::core::KnownTopic;
use crate::groups::{Ask, Told};
use crate::kafka::{Answered, code_of, operations};
use crate::limits;
use crate::refusal::Refusal;

/// A group that is not there is an error from here on; before, its state was told as dead.
const FIRST_WITH_NOT_FOUND: i16 = 6;

pub(in crate::kafka) async fn list(asker: &Asker, request: &ListGroupsRequest) -> Answered {
    let listed = match asker.core.all_groups().await {
        Ok(listed) => listed,
        Err(refusal) => {
            let error_code = refusal.code.code();
            return asker.id.answer(&ListGroupsResponse { error_code, ..ListGroupsResponse::default() });
        }
    };
    // A filter that names nothing that there is matches no group.
    let phases: Vec<_> = request.states_filter.iter().map(|text| GroupPhase::parse(text)).collect();
    let types: Vec<_> = request.types_filter.iter().map(|text| GroupType::parse(text)).collect();
    let matches = |group: &cluster::groups::ListedGroup| {
        (phases.is_empty() || phases.contains(&Some(group.phase)))
            && (types.is_empty() || types.contains(&Some(group.group_type)))
    };
    let groups = listed.groups.into_iter().filter(matches).map(|group| ListedGroup {
        group_id: group.group.as_str().to_owned(),
        protocol_type: group.protocol_type.as_ref().to_owned(),
        group_state: group.phase.as_str().to_owned(),
        group_type: group.group_type.as_str().to_owned(),
    });
    let code = if listed.is_partial { ErrorCode::CoordinatorLoadInProgress } else { ErrorCode::None };
    let response =
        ListGroupsResponse { error_code: code.code(), groups: groups.collect(), ..ListGroupsResponse::default() };
    asker.id.answer(&response)
}

pub(in crate::kafka) async fn describe(asker: &Asker, request: DescribeGroupsRequest) -> Answered {
    let names = each_once(request.groups);
    let too_many = names.len() > limits::GROUPS_PER_REQUEST_MAX;
    let (mut groups, mut members) = (Vec::with_capacity(names.len()), 0);
    for name in names {
        let result = match too_many {
            true => Err(too_many_groups()),
            false => describe_one(asker, &name, members).await,
        };
        let described = match result {
            Ok(group) => described(name, group, request.include_authorized_operations),
            Err(refusal) => not_described(asker.id.version, name, &refusal),
        };
        members += described.members.len();
        groups.push(described);
    }
    asker.id.answer(&DescribeGroupsResponse { groups, ..DescribeGroupsResponse::default() })
}

async fn describe_one(asker: &Asker, name: &str, members: usize) -> Result<DescribedClassicGroup, Refusal> {
    check_members(members)?;
    match asker.core.ask_group(Ask::DescribeClassic(GroupId::new(name))).result().await? {
        Told::Classic(group) => Ok(group),
        Told::Changed(_) | Told::Offsets(_) | Told::Consumer(_) => Err(ErrorCode::UnknownServerError.into()),
    }
}

/// An answer that has so many members already takes no further groups.
pub(super) fn check_members(members: usize) -> Result<(), Refusal> {
    if members < limits::DESCRIBE_MEMBERS_MAX {
        return Ok(());
    }
    let text = format!("one answer describes about {} members: ask for fewer groups", limits::DESCRIBE_MEMBERS_MAX);
    Err(Refusal::new(ErrorCode::PolicyViolation, text))
}

fn described(name: String, group: DescribedClassicGroup, tell_operations: bool) -> DescribedGroup {
    let members = group.members.into_iter().map(|member| DescribedGroupMember {
        member_id: member.member.as_str().to_owned(),
        group_instance_id: member.instance.map(|instance| instance.as_str().to_owned()),
        client_id: member.client_id.as_ref().to_owned(),
        client_host: member.client_host.as_ref().to_owned(),
        member_metadata: Bytes::copy_from_slice(&member.metadata),
        member_assignment: Bytes::copy_from_slice(&member.assignment),
    });
    DescribedGroup {
        group_id: name,
        group_state: group.phase.as_str().to_owned(),
        protocol_type: group.protocol_type.as_ref().to_owned(),
        protocol_data: group.protocol.as_ref().to_owned(),
        members: members.collect(),
        authorized_operations: operations::on_group(tell_operations),
        ..DescribedGroup::default()
    }
}

fn not_described(version: i16, name: String, refusal: &Refusal) -> DescribedGroup {
    let is_dead = refusal.code == ErrorCode::GroupIdNotFound;
    let is_error = !is_dead || version >= FIRST_WITH_NOT_FOUND;
    DescribedGroup {
        error_code: if is_error { refusal.code.code() } else { ErrorCode::None.code() },
        error_message: (version >= FIRST_WITH_NOT_FOUND).then(|| refusal.text().to_owned()),
        group_id: name,
        group_state: if is_dead { GroupPhase::Dead.as_str().to_owned() } else { String::new() },
        ..DescribedGroup::default()
    }
}

pub(in crate::kafka) async fn delete_groups(asker: &Asker, request: DeleteGroupsRequest) -> Answered {
    let names = each_once(request.groups_names);
    let too_many = names.len() > limits::GROUPS_PER_REQUEST_MAX;
    // All are asked for before the first is waited for: each waits for a flush.
    let ask = |name: &String| {
        (!too_many).then(|| asker.core.ask_group(Ask::Change(Request::DeleteGroup(GroupId::new(name)))))
    };
    let asked: Vec<_> = names.iter().map(ask).collect();
    let mut results = Vec::with_capacity(names.len());
    for (name, asked) in names.into_iter().zip(asked) {
        let result = match asked {
            None => Err(too_many_groups()),
            Some(asked) => match asked.result().await {
                Ok(Told::Changed(Reply::DeleteGroup(result))) => result.map_err(Refusal::from),
                Ok(_) => Err(ErrorCode::UnknownServerError.into()),
                Err(refusal) => Err(refusal),
            },
        };
        results.push(DeletableGroupResult { group_id: name, error_code: code_of(&result) });
    }
    asker.id.answer(&DeleteGroupsResponse { results, ..DeleteGroupsResponse::default() })
}

pub(in crate::kafka) async fn delete_offsets(asker: &Asker, request: WireOffsetDelete) -> Answered {
    let mut wanted = Vec::new();
    let known: Vec<Vec<bool>> = request
        .topics
        .iter()
        .map(|topic| {
            let known = asker.core.topic_named(&topic.name);
            let partitions = topic.partitions.iter().map(|partition| {
                let part = known_part(known.as_ref(), partition.partition_index);
                let is_known = part.is_some();
                wanted.extend(part);
                is_known
            });
            partitions.collect()
        })
        .collect();
    let delete = OffsetDeleteRequest { group: GroupId::new(&request.group_id), partitions: wanted };
    let pick = |reply| if let Reply::OffsetDelete(result) = reply { Some(result) } else { None };
    let result = asker.change(Request::OffsetDelete(delete), pick).await.and_then(|result| Ok(result?));
    let results = match result {
        Ok(results) => results,
        Err(refusal) => {
            let error_code = refusal.code.code();
            return asker.id.answer(&OffsetDeleteResponse { error_code, ..OffsetDeleteResponse::default() });
        }
    };
    let mut results = results.into_iter();
    let topics = request.topics.into_iter().zip(known).map(|(topic, known)| {
        let partitions = topic.partitions.iter().zip(known).map(|(partition, is_known)| {
            let result = if is_known { results.next() } else { None };
            let unknown = || Err(Refusal::from(ErrorCode::UnknownTopicOrPartition));
            OffsetDeleteResponsePartition {
                partition_index: partition.partition_index,
                error_code: code_of(&result.map_or_else(unknown, |result| result.map_err(Refusal::from))),
            }
        });
        OffsetDeleteResponseTopic { partitions: partitions.collect(), name: topic.name }
    });
    let topics = topics.collect();
    asker.id.answer(&OffsetDeleteResponse { topics, ..OffsetDeleteResponse::default() })
}

fn known_part(known: Option<&KnownTopic>, index: i32) -> Option<(TopicName, base::PartitionIndex)> {
    let (topic, index) = (&known?.topic, partition_index(index)?);
    topic.partition(index).map(|_| (topic.name.clone(), index))
}
