//! JoinGroup, SyncGroup, Heartbeat, LeaveGroup: the classic protocol.

use std::sync::Arc;

use bytes::Bytes;
use cluster::groups::{
    Epoch, GroupId, HeartbeatRequest, InstanceId, JoinRefused, JoinRequest, Joined, LeaveRequest, Leaver, MemberId,
    Protocol, Reply, Request, SyncRequest,
};
use wire::ErrorCode;
use wire::kafka::heartbeat::{HeartbeatRequest as WireHeartbeat, HeartbeatResponse};
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};
use wire::kafka::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberResponse};
use wire::kafka::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::{Asker, text_of};
use crate::kafka::connection::Answer;
use crate::kafka::dispatch::later;
use crate::kafka::{Answered, code_of};
use crate::refusal::Refusal;

/// A member without an id is given one and comes back with it (KIP-394).
const FIRST_WITH_MEMBER_ID_REQUIRED: i16 = 4;
/// A leader that comes back may be told that its assignment stands (KIP-814).
const FIRST_WITH_SKIP_ASSIGNMENT: i16 = 9;
/// Before it the name of the protocol was never null.
const FIRST_WITHOUT_PROTOCOL: i16 = 7;
/// A member says what it believes the group to have chosen (KIP-559).
const FIRST_WITH_PROTOCOL_IN_SYNC: i16 = 5;
/// Several members leave with one request (KIP-345).
const FIRST_WITH_LEAVERS: i16 = 3;

/// The request's bytes are copied here: it may be parked for long, and the frame shares its memory with others.
pub(in crate::kafka) fn join(asker: Asker, request: &JoinGroupRequest) -> Answer {
    let session_timeout_ms = u32::try_from(request.session_timeout_ms).unwrap_or(0);
    let instance = request.group_instance_id.as_deref().map(InstanceId::new);
    let front = request.group_instance_id.as_deref().unwrap_or(&asker.client.id);
    let protocols = request
        .protocols
        .iter()
        .map(|protocol| Protocol { name: protocol.name.as_str().into(), metadata: Arc::from(&protocol.metadata[..]) });
    let join = JoinRequest {
        group: GroupId::new(&request.group_id),
        member: MemberId::new(&request.member_id),
        new_member: asker.core.new_member_id(front),
        instance,
        client: asker.client.clone(),
        session_timeout_ms,
        rebalance_timeout_ms: u32::try_from(request.rebalance_timeout_ms).unwrap_or(session_timeout_ms),
        protocol_type: request.protocol_type.as_str().into(),
        protocols: protocols.collect(),
        knows_member_id_required: asker.id.version >= FIRST_WITH_MEMBER_ID_REQUIRED,
        knows_skip_assignment: asker.id.version >= FIRST_WITH_SKIP_ASSIGNMENT,
    };
    let worker = asker.clone();
    asker.parked(request.protocols.len(), async move {
        let member = join.member.clone();
        let pick = |reply| if let Reply::Join(result) = reply { Some(result) } else { None };
        let response = match worker.change(Request::Join(join), pick).await {
            Ok(Ok(joined)) => joined_response(joined),
            Ok(Err(JoinRefused { error, member })) => refused(worker.id.version, &error.into(), &member),
            Err(refusal) => refused(worker.id.version, &refusal, &member),
        };
        worker.id.answer(&response)
    })
}

fn joined_response(joined: Joined) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| JoinGroupResponseMember {
        member_id: member.member.as_str().to_owned(),
        group_instance_id: member.instance.map(|instance| instance.as_str().to_owned()),
        metadata: Bytes::copy_from_slice(&member.metadata),
    });
    JoinGroupResponse {
        generation_id: joined.generation.0,
        protocol_type: text_of(joined.protocol_type.as_ref()),
        protocol_name: Some(text_of(joined.protocol.as_ref()).unwrap_or_default()),
        leader: joined.leader.as_str().to_owned(),
        skip_assignment: joined.skip_assignment,
        member_id: joined.member.as_str().to_owned(),
        members: members.collect(),
        ..JoinGroupResponse::default()
    }
}

fn refused(version: i16, refusal: &Refusal, member: &MemberId) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: refusal.code.code(),
        generation_id: Epoch::NONE.0,
        protocol_name: (version < FIRST_WITHOUT_PROTOCOL).then(String::new),
        member_id: member.as_str().to_owned(),
        ..JoinGroupResponse::default()
    }
}

pub(in crate::kafka) fn sync(asker: Asker, request: &SyncGroupRequest) -> Answer {
    let assignments =
        request.assignments.iter().map(|one| (MemberId::new(&one.member_id), Arc::from(&one.assignment[..])));
    let sync = SyncRequest {
        group: GroupId::new(&request.group_id),
        member: MemberId::new(&request.member_id),
        instance: request.group_instance_id.as_deref().map(InstanceId::new),
        generation: Epoch(request.generation_id),
        protocol_type: request.protocol_type.as_deref().map(Arc::from),
        protocol: request.protocol_name.as_deref().map(Arc::from),
        assignments: assignments.collect(),
    };
    let says_too_little = asker.id.version >= FIRST_WITH_PROTOCOL_IN_SYNC
        && (request.protocol_type.is_none() || request.protocol_name.is_none());
    let worker = asker.clone();
    asker.parked(request.assignments.len(), async move {
        if says_too_little {
            let error_code = ErrorCode::InconsistentGroupProtocol.code();
            return worker.id.answer(&SyncGroupResponse { error_code, ..SyncGroupResponse::default() });
        }
        let pick = |reply| if let Reply::Sync(result) = reply { Some(result) } else { None };
        let result = worker.change(Request::Sync(sync), pick).await.and_then(|result| Ok(result?));
        worker.id.answer(&match result {
            Ok(synced) => SyncGroupResponse {
                protocol_type: text_of(synced.protocol_type.as_ref()),
                protocol_name: text_of(synced.protocol.as_ref()),
                assignment: Bytes::copy_from_slice(&synced.assignment),
                ..SyncGroupResponse::default()
            },
            // What the rebalance had come to is lost. With this the member joins again, and looks for no coordinator.
            Err(refusal) if refusal.code == ErrorCode::CoordinatorLoadInProgress => {
                SyncGroupResponse { error_code: ErrorCode::RebalanceInProgress.code(), ..SyncGroupResponse::default() }
            }
            Err(refusal) => SyncGroupResponse { error_code: refusal.code.code(), ..SyncGroupResponse::default() },
        })
    })
}

pub(in crate::kafka) fn heartbeat(asker: Asker, request: &WireHeartbeat) -> Answer {
    let heartbeat = HeartbeatRequest {
        group: GroupId::new(&request.group_id),
        member: MemberId::new(&request.member_id),
        instance: request.group_instance_id.as_deref().map(InstanceId::new),
        generation: Epoch(request.generation_id),
    };
    later(async move {
        let pick = |reply| if let Reply::Heartbeat(result) = reply { Some(result) } else { None };
        let result = asker.change(Request::Heartbeat(heartbeat), pick).await.and_then(|result| Ok(result?));
        let error_code = match &result {
            // The sessions begin anew when the log is read: the member is as good as heard.
            Err(refusal) if refusal.code == ErrorCode::CoordinatorLoadInProgress => ErrorCode::None.code(),
            result => code_of(result),
        };
        asker.id.answer(&HeartbeatResponse { error_code, ..HeartbeatResponse::default() })
    })
}

pub(in crate::kafka) fn leave(asker: Asker, request: LeaveGroupRequest) -> Answer {
    let leavers = if asker.id.version >= FIRST_WITH_LEAVERS {
        let leavers = request.members.into_iter().map(|member| Leaver {
            member: MemberId::new(&member.member_id),
            instance: member.group_instance_id.as_deref().map(InstanceId::new),
        });
        leavers.collect()
    } else {
        vec![Leaver { member: MemberId::new(&request.member_id), instance: None }]
    };
    let leave = LeaveRequest { group: GroupId::new(&request.group_id), members: leavers };
    later(async move { leave_answer(&asker, leave).await })
}

async fn leave_answer(asker: &Asker, leave: LeaveRequest) -> Answered {
    let pick = |reply| if let Reply::Leave(result) = reply { Some(result) } else { None };
    let result = asker.change(Request::Leave(leave), pick).await.and_then(|result| Ok(result?));
    let lefts = match result {
        Ok(lefts) => lefts,
        Err(refusal) => {
            let error_code = refusal.code.code();
            return asker.id.answer(&LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() });
        }
    };
    let mut members: Vec<MemberResponse> = Vec::with_capacity(lefts.len());
    for left in lefts {
        members.push(MemberResponse {
            member_id: left.member.as_str().to_owned(),
            group_instance_id: left.instance.map(|instance| instance.as_str().to_owned()),
            error_code: code_of(&left.result.map_err(Refusal::from)),
        });
    }
    if asker.id.version >= FIRST_WITH_LEAVERS {
        return asker.id.answer(&LeaveGroupResponse { members, ..LeaveGroupResponse::default() });
    }
    let error_code = members.first().map_or(0, |member| member.error_code);
    asker.id.answer(&LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() })
}
