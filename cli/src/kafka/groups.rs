//! Groups: which broker coordinates each, which there are, and what a broker says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use wire::ErrorCode;
use wire::kafka::ApiKey;
use wire::kafka::consumer_group_describe::{self, ConsumerGroupDescribeRequest};
use wire::kafka::delete_groups::DeleteGroupsRequest;
use wire::kafka::describe_groups::{self, DescribeGroupsRequest};
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::list_groups::ListGroupsRequest;

use super::admin::DeleteOutcome;
use super::assignment::{Assignment, parse_assignment};
use super::cluster::{Cluster, Leader};
use super::error::KafkaError;

/// How long a coordinator may take to be found, or to read its groups.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
/// Groups in one question; brokers bound the members in one answer.
const DESCRIBED_AT_ONCE: usize = 100;
/// From this version on a request names several groups.
const FIND_BY_KEYS: i16 = 4;
const DEAD: &str = "Dead";

#[derive(Clone, Debug)]
pub(crate) struct ListedGroup {
    pub(crate) group: String,
    /// `consumer`, `connect`, or whatever its clients call it; empty for a group that has only offsets.
    pub(crate) protocol_type: String,
    /// From brokers that say it.
    pub(crate) state: Option<String>,
    /// `classic`, `consumer`, `share`, `streams`; from brokers that say it.
    pub(crate) kind: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct GroupDescription {
    pub(crate) group: String,
    pub(crate) coordinator: Leader,
    pub(crate) kind: &'static str,
    pub(crate) protocol_type: String,
    pub(crate) state: String,
    pub(crate) assignor: String,
    /// Of a group of the consumer protocol.
    pub(crate) epoch: Option<i32>,
    pub(crate) members: Vec<GroupMember>,
}

#[derive(Clone, Debug)]
pub(crate) struct GroupMember {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) host: String,
    /// Of a member of the consumer protocol.
    pub(crate) epoch: Option<i32>,
    /// `None` if it is in a form that only the group's clients know.
    pub(crate) assignment: Option<Assignment>,
}

/// What one answer says of one group.
enum Described {
    There(GroupDescription),
    Missing,
    Refused(KafkaError),
}

impl GroupDescription {
    /// Nobody is in it, and nobody is about to be.
    pub(crate) fn is_inactive(&self) -> bool {
        self.members.is_empty() && ["Empty", DEAD].contains(&self.state.as_str())
    }
}

impl Cluster {
    /// The groups of all brokers, by name.
    pub(crate) fn groups(&mut self) -> Result<Vec<ListedGroup>, KafkaError> {
        let brokers = self.broker_ids()?;
        let mut found = BTreeMap::new();
        for leader in brokers {
            let begun = Instant::now();
            let response = loop {
                let connection = self.leader(leader)?;
                let broker = connection.broker().to_owned();
                let response = connection.ask(&ListGroupsRequest::default())?;
                if response.error_code == 0 {
                    break response;
                }
                let (code, api, group) = (response.error_code, ApiKey::ListGroups, None);
                let error = KafkaError::Group { broker, api, group, code, message: None };
                if !is_coordinators_trouble(&error) || begun.elapsed() > PATIENCE {
                    return Err(error);
                }
                std::thread::sleep(PAUSE);
            };
            for group in response.groups {
                let some = |text: String| Some(text).filter(|text| !text.is_empty());
                self.coordinators.insert(group.group_id.clone(), leader);
                let listed = ListedGroup {
                    group: group.group_id.clone(),
                    protocol_type: group.protocol_type,
                    state: some(group.group_state),
                    kind: some(group.group_type),
                };
                found.insert(group.group_id, listed);
            }
        }
        Ok(found.into_values().collect())
    }

    /// The broker that looks after a group.
    fn coordinator(&mut self, group: &str) -> Result<Leader, KafkaError> {
        if let Some(known) = self.coordinators.get(group) {
            return Ok(*known);
        }
        let seed = self.seed()?;
        let mut request = FindCoordinatorRequest::default();
        match seed.version_of(ApiKey::FindCoordinator)? >= FIND_BY_KEYS {
            true => request.coordinator_keys.push(group.to_owned()),
            false => request.key = group.to_owned(),
        }
        let broker = seed.broker().to_owned();
        let mut response = seed.ask(&request)?;
        let (code, message, node, host, port) = match response.coordinators.pop() {
            Some(found) => (found.error_code, found.error_message, found.node_id, found.host, found.port),
            None => (response.error_code, response.error_message, response.node_id, response.host, response.port),
        };
        if code != 0 {
            let (api, group) = (ApiKey::FindCoordinator, Some(group.to_owned()));
            return Err(KafkaError::Group { broker, api, group, code, message });
        }
        self.learn_broker(node, format!("{host}:{port}"));
        self.coordinators.insert(group.to_owned(), node);
        Ok(node)
    }

    /// Asks a group's coordinator, and looks for another one while it says that it is not, or not yet.
    pub(super) fn ask_coordinator<T>(
        &mut self,
        group: &str,
        mut ask: impl FnMut(&mut Self, Leader) -> Result<T, KafkaError>,
    ) -> Result<T, KafkaError> {
        let begun = Instant::now();
        loop {
            let answer = self.coordinator(group).and_then(|leader| ask(self, leader));
            match answer {
                Err(error) if is_coordinators_trouble(&error) && begun.elapsed() < PATIENCE => {
                    self.coordinators.remove(group);
                    std::thread::sleep(PAUSE);
                }
                other => return other,
            }
        }
    }

    /// What is known of each group; those that are not there are missing.
    pub(crate) fn describe_groups(
        &mut self,
        groups: &[String],
    ) -> Result<BTreeMap<String, GroupDescription>, KafkaError> {
        let begun = Instant::now();
        let mut waiting: BTreeSet<String> = groups.iter().cloned().collect();
        let mut found = BTreeMap::new();
        let mut at_once = DESCRIBED_AT_ONCE;
        while !waiting.is_empty() {
            let mut by_coordinator: BTreeMap<Leader, Vec<String>> = BTreeMap::new();
            for group in std::mem::take(&mut waiting) {
                let leader = self.ask_coordinator(&group, |_, leader| Ok(leader))?;
                by_coordinator.entry(leader).or_default().push(group);
            }
            let mut is_to_pause = false;
            for (leader, groups) in by_coordinator {
                for some in groups.chunks(at_once) {
                    for (group, described) in self.describe_some(leader, some)? {
                        match described {
                            Described::There(description) => drop(found.insert(group, description)),
                            Described::Missing => {}
                            Described::Refused(error) => {
                                let is_too_much = error.code() == Some(ErrorCode::PolicyViolation) && at_once > 1;
                                let passes = is_coordinators_trouble(&error) && begun.elapsed() < PATIENCE;
                                if !is_too_much && !passes {
                                    return Err(error);
                                }
                                is_to_pause |= passes;
                                self.coordinators.remove(&group);
                                waiting.insert(group);
                            }
                        }
                    }
                }
            }
            // What was too much for one answer is asked for group by group.
            at_once = 1;
            if is_to_pause {
                std::thread::sleep(PAUSE);
            }
        }
        Ok(found)
    }

    /// Asks for groups of the consumer protocol, and then for the rest as groups of the classic one.
    fn describe_some(&mut self, leader: Leader, groups: &[String]) -> Result<Vec<(String, Described)>, KafkaError> {
        let mut found = Vec::new();
        let mut others = groups.to_vec();
        let connection = self.leader(leader)?;
        let broker = connection.broker().to_owned();
        let refused = |api, group: &str, code, message| {
            let (broker, group) = (broker.clone(), Some(group.to_owned()));
            Described::Refused(KafkaError::Group { broker, api, group, code, message })
        };
        if connection.version_of(ApiKey::ConsumerGroupDescribe).is_ok() {
            let request = ConsumerGroupDescribeRequest { group_ids: others, include_authorized_operations: false };
            let response = connection.ask(&request)?;
            others = Vec::new();
            for group in response.groups {
                match ErrorCode::from_code(group.error_code) {
                    Some(ErrorCode::None) => {
                        found.push((group.group_id.clone(), Described::There(of_consumers(leader, group))));
                    }
                    Some(ErrorCode::GroupIdNotFound) => others.push(group.group_id),
                    _ => {
                        let (code, message) = (group.error_code, group.error_message);
                        let refused = refused(ApiKey::ConsumerGroupDescribe, &group.group_id, code, message);
                        found.push((group.group_id, refused));
                    }
                }
            }
        }
        if others.is_empty() {
            return Ok(found);
        }
        let request = DescribeGroupsRequest { groups: others, include_authorized_operations: false };
        for group in connection.ask(&request)?.groups {
            let described = match ErrorCode::from_code(group.error_code) {
                Some(ErrorCode::None) if group.group_state == DEAD => Described::Missing,
                Some(ErrorCode::GroupIdNotFound) => Described::Missing,
                Some(ErrorCode::None) => Described::There(classic(leader, &group)),
                _ => refused(ApiKey::DescribeGroups, &group.group_id, group.error_code, group.error_message),
            };
            found.push((group.group_id, described));
        }
        Ok(found)
    }

    /// Deletes a group with what it has committed.
    pub(crate) fn delete_group(&mut self, group: &str) -> Result<DeleteOutcome, KafkaError> {
        self.ask_coordinator(group, |cluster, leader| {
            let connection = cluster.leader(leader)?;
            let response = connection.ask(&DeleteGroupsRequest { groups_names: vec![group.to_owned()] })?;
            let result = response.results.into_iter().find(|result| result.group_id == group);
            let code = result.map_or(-1, |result| result.error_code);
            match ErrorCode::from_code(code) {
                Some(ErrorCode::None) => Ok(DeleteOutcome::Deleted),
                Some(ErrorCode::GroupIdNotFound) => Ok(DeleteOutcome::Missing),
                _ => {
                    let (broker, group) = (connection.broker().to_owned(), Some(group.to_owned()));
                    Err(KafkaError::Group { broker, api: ApiKey::DeleteGroups, group, code, message: None })
                }
            }
        })
    }
}

/// Another broker coordinates the group now, or this one does in a moment.
fn is_coordinators_trouble(error: &KafkaError) -> bool {
    let trouble = [ErrorCode::CoordinatorLoadInProgress, ErrorCode::CoordinatorNotAvailable, ErrorCode::NotCoordinator];
    error.code().is_some_and(|code| trouble.contains(&code))
}

/// Java writes addresses with a slash before them.
fn host(text: &str) -> String {
    text.strip_prefix('/').unwrap_or(text).to_owned()
}

fn of_consumers(coordinator: Leader, group: consumer_group_describe::DescribedGroup) -> GroupDescription {
    let member = |member: consumer_group_describe::Member| {
        let mut assignment = Assignment::new();
        for topic in member.assignment.topic_partitions {
            let partitions = topic.partitions.iter().filter_map(|index| u32::try_from(*index).ok());
            assignment.entry(topic.topic_name).or_default().extend(partitions);
        }
        GroupMember {
            member_id: member.member_id,
            instance_id: member.instance_id,
            client_id: member.client_id,
            host: host(&member.client_host),
            epoch: Some(member.member_epoch),
            assignment: Some(assignment),
        }
    };
    GroupDescription {
        group: group.group_id,
        coordinator,
        kind: "consumer",
        protocol_type: "consumer".to_owned(),
        state: group.group_state,
        assignor: group.assignor_name,
        epoch: Some(group.group_epoch),
        members: group.members.into_iter().map(member).collect(),
    }
}

fn classic(coordinator: Leader, group: &describe_groups::DescribedGroup) -> GroupDescription {
    let is_of_consumers = group.protocol_type == "consumer";
    let assignment = |bytes: &[u8]| match is_of_consumers {
        // A member has none until its group has settled.
        true if bytes.is_empty() => Some(Assignment::new()),
        true => parse_assignment(bytes),
        false => None,
    };
    let member = |member: &describe_groups::DescribedGroupMember| GroupMember {
        member_id: member.member_id.clone(),
        instance_id: member.group_instance_id.clone(),
        client_id: member.client_id.clone(),
        host: host(&member.client_host),
        epoch: None,
        assignment: assignment(&member.member_assignment),
    };
    GroupDescription {
        group: group.group_id.clone(),
        coordinator,
        kind: "classic",
        protocol_type: group.protocol_type.clone(),
        state: group.group_state.clone(),
        assignor: group.protocol_data.clone(),
        epoch: None,
        members: group.members.iter().map(member).collect(),
    }
}
