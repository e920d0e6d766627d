//! One member of a classic group.

use std::sync::Arc;

use crate::groups::memory::{MEMBER_BYTES, of_protocols};
use crate::groups::{
    Blob, ClassicMemberMetadata, ClassicMetadata, Client, InstanceId, JoinRequest, MemberId, Protocol, Token,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::groups) struct ClassicMember {
    pub(in crate::groups) id: MemberId,
    pub(in crate::groups) instance: Option<InstanceId>,
    pub(in crate::groups) client: Client,
    pub(in crate::groups) rebalance_timeout_ms: u32,
    pub(in crate::groups) session_timeout_ms: u32,
    pub(in crate::groups) protocol_type: Arc<str>,
    /// The preferred one first.
    pub(in crate::groups) protocols: Vec<Protocol>,
    pub(in crate::groups) assignment: Blob,
    /// It has not been through a rebalance yet.
    pub(super) is_new: bool,
    pub(super) join: Option<Token>,
    pub(super) sync: Option<Token>,
}

impl ClassicMember {
    pub(super) fn from_request(id: MemberId, request: &JoinRequest) -> Self {
        Self {
            id,
            instance: request.instance.clone(),
            client: request.client.clone(),
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocol_type: request.protocol_type.clone(),
            protocols: request.protocols.clone(),
            assignment: no_bytes(),
            is_new: true,
            join: None,
            sync: None,
        }
    }

    pub(super) fn from_record(member: &ClassicMemberMetadata, group: &ClassicMetadata) -> Self {
        let protocol =
            Protocol { name: group.protocol.clone().unwrap_or_default(), metadata: member.subscription.clone() };
        Self::stable(
            member.member.clone(),
            member.instance.clone(),
            Client { id: member.client_id.clone(), host: member.client_host.clone() },
            (member.rebalance_timeout_ms, member.session_timeout_ms),
            (group.protocol_type.clone(), vec![protocol]),
            member.assignment.clone(),
        )
    }

    pub(in crate::groups) fn stable(
        id: MemberId,
        instance: Option<InstanceId>,
        client: Client,
        (rebalance_timeout_ms, session_timeout_ms): (u32, u32),
        (protocol_type, protocols): (Arc<str>, Vec<Protocol>),
        assignment: Blob,
    ) -> Self {
        Self {
            id,
            instance,
            client,
            rebalance_timeout_ms,
            session_timeout_ms,
            protocol_type,
            protocols,
            assignment,
            is_new: false,
            join: None,
            sync: None,
        }
    }

    /// What the member said for a protocol.
    pub(in crate::groups) fn metadata(&self, protocol: Option<&Arc<str>>) -> Blob {
        let said = self.protocols.iter().find(|known| Some(&known.name) == protocol);
        said.map_or_else(no_bytes, |known| known.metadata.clone())
    }

    /// Members that wait for the group are not expected to speak; new ones may have gone before it began.
    pub(super) fn is_excused(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }

    /// What the member takes of memory.
    pub(super) fn memory(&self) -> usize {
        let ids = self.id.as_str().len() + self.instance.as_ref().map_or(0, |instance| instance.as_str().len());
        let client = self.client.id.len() + self.client.host.len();
        MEMBER_BYTES + ids + client + of_protocols(&self.protocols) + self.assignment.len()
    }

    /// What the member costs, apart from its ids.
    pub(super) fn bytes(&self) -> usize {
        let protocols = self.protocols.iter().map(|protocol| protocol.name.len() + protocol.metadata.len());
        protocols.sum::<usize>() + self.assignment.len()
    }
}

pub(in crate::groups) fn no_bytes() -> Blob {
    Arc::from([])
}
