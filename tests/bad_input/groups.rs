//! Requests about groups that can be read and ask for what cannot be.

use std::io;

use bytes::Bytes;
use tests::kafka::Client;
use wire::ErrorCode;
use wire::kafka::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use wire::kafka::delete_groups::DeleteGroupsRequest;
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::heartbeat::HeartbeatRequest;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::sync_group::SyncGroupRequest;

use crate::TOPIC;
use crate::case::{Case, Setup};
use crate::requests::coded;

/// The topic of the groups is made, and its logs are read.
fn ready(client: &mut Client) -> io::Result<()> {
    let request = FindCoordinatorRequest { coordinator_keys: vec!["g".to_owned()], ..Default::default() };
    client.ask(4, &request)?;
    let heartbeat = HeartbeatRequest { group_id: "g".to_owned(), ..HeartbeatRequest::default() };
    while client.ask(4, &heartbeat)?.error_code != ErrorCode::UnknownMemberId.code() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Ok(())
}

fn protocol(name: &str, metadata: Bytes) -> JoinGroupRequestProtocol {
    JoinGroupRequestProtocol { name: name.to_owned(), metadata }
}

fn joined(change: impl Fn(&mut JoinGroupRequest)) -> impl Fn(&Setup, &mut Client) -> io::Result<i16> {
    move |_, client| {
        ready(client)?;
        let mut request = JoinGroupRequest {
            group_id: "g".to_owned(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 10_000,
            protocol_type: "consumer".to_owned(),
            protocols: vec![protocol("range", Bytes::new())],
            ..JoinGroupRequest::default()
        };
        change(&mut request);
        Ok(client.ask(9, &request)?.error_code)
    }
}

fn heard(change: impl Fn(&mut ConsumerGroupHeartbeatRequest)) -> impl Fn(&Setup, &mut Client) -> io::Result<i16> {
    move |_, client| {
        ready(client)?;
        let mut request = ConsumerGroupHeartbeatRequest {
            group_id: "bad".to_owned(),
            member_id: "m".to_owned(),
            rebalance_timeout_ms: 10_000,
            subscribed_topic_names: Some(Vec::new()),
            topic_partitions: Some(Vec::new()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        change(&mut request);
        Ok(client.ask(1, &request)?.error_code)
    }
}

fn committed(partition_index: i32, metadata: usize) -> impl Fn(&Setup, &mut Client) -> io::Result<i16> {
    move |_, client| {
        ready(client)?;
        let committed_metadata = Some("m".repeat(metadata));
        let partition = OffsetCommitRequestPartition { partition_index, committed_metadata, ..Default::default() };
        let topic =
            OffsetCommitRequestTopic { name: TOPIC.to_owned(), partitions: vec![partition], ..Default::default() };
        let request = OffsetCommitRequest {
            group_id: "committed".to_owned(),
            generation_id_or_member_epoch: -1,
            topics: vec![topic],
            ..OffsetCommitRequest::default()
        };
        Ok(client.ask(9, &request)?.topics[0].partitions[0].error_code)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = membership();
    cases.extend(others());
    cases
}

fn membership() -> Vec<Case> {
    use ErrorCode::{InconsistentGroupProtocol, InvalidGroupId, InvalidSessionTimeout, UnknownMemberId};
    vec![
        coded("a group without a name", "JoinGroup \"\"", InvalidGroupId, joined(|join| join.group_id.clear())),
        coded(
            "a member of a group that is not there",
            "JoinGroup with a member id",
            UnknownMemberId,
            joined(|join| join.member_id = "m".to_owned()),
        ),
        coded(
            "a member without protocols",
            "JoinGroup, no protocols",
            InconsistentGroupProtocol,
            joined(|join| join.protocols.clear()),
        ),
        coded(
            "a protocol named twice",
            "JoinGroup \"range\", \"range\"",
            InconsistentGroupProtocol,
            joined(|join| join.protocols = vec![protocol("range", Bytes::new()); 2]),
        ),
        coded(
            "10,000 protocols",
            "JoinGroup",
            ErrorCode::InvalidRequest,
            joined(|join| {
                join.protocols = (0..10_000).map(|number| protocol(&number.to_string(), Bytes::new())).collect();
            }),
        ),
        coded(
            "a subscription above 1 MiB",
            "JoinGroup",
            ErrorCode::InvalidRequest,
            joined(|join| join.protocols = vec![protocol("range", vec![0; (1 << 20) + 1].into())]),
        ),
        coded("a session of -1 ms", "JoinGroup", InvalidSessionTimeout, joined(|join| join.session_timeout_ms = -1)),
        coded(
            "an instance id of 2,000 letters",
            "JoinGroup",
            ErrorCode::InvalidRequest,
            joined(|join| join.group_instance_id = Some("i".repeat(2_000))),
        ),
        coded("a sync that names no protocol", "SyncGroup version 5", InconsistentGroupProtocol, |_, client| {
            ready(client)?;
            let request = SyncGroupRequest { group_id: "g".to_owned(), ..SyncGroupRequest::default() };
            Ok(client.ask(5, &request)?.error_code)
        }),
    ]
}

fn others() -> Vec<Case> {
    use ErrorCode::{
        InvalidRegularExpression, InvalidRequest, OffsetMetadataTooLarge, UnknownTopicOrPartition, UnsupportedAssignor,
    };
    vec![
        coded(
            "a regular expression that is none",
            "ConsumerGroupHeartbeat \"(\"",
            InvalidRegularExpression,
            heard(|beat| beat.subscribed_topic_regex = Some("(".to_owned())),
        ),
        coded(
            "a regular expression that explodes",
            "ConsumerGroupHeartbeat \"((a{999}){999}){999}\"",
            InvalidRegularExpression,
            heard(|beat| beat.subscribed_topic_regex = Some("((a{999}){999}){999}".to_owned())),
        ),
        coded(
            "an assignor that nobody knows",
            "ConsumerGroupHeartbeat",
            UnsupportedAssignor,
            heard(|beat| beat.server_assignor = Some("best".to_owned())),
        ),
        coded("a member epoch of -7", "ConsumerGroupHeartbeat", InvalidRequest, heard(|beat| beat.member_epoch = -7)),
        coded("a commit for partition -1", "OffsetCommit", UnknownTopicOrPartition, committed(-1, 0)),
        coded("metadata of 5,000 bytes", "OffsetCommit", OffsetMetadataTooLarge, committed(0, 5_000)),
        coded("deletion of a group that is not there", "DeleteGroups", ErrorCode::GroupIdNotFound, |_, client| {
            ready(client)?;
            let request = DeleteGroupsRequest { groups_names: vec!["nowhere".to_owned()] };
            Ok(client.ask(2, &request)?.results[0].error_code)
        }),
    ]
}
