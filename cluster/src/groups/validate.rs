//! What is wrong with a request whatever the group.

use std::collections::BTreeSet;

use super::{Client, Coordinator, GroupError, InstanceId, JoinRequest, MemberId, Request};
use crate::limits::{
    GROUP_PROTOCOLS_MAX, GROUP_REGEX_BYTES_MAX, GROUP_SUBSCRIPTION_BYTES_MAX, GROUP_TEXT_BYTES_MAX,
    GROUP_TOPICS_PER_MEMBER_MAX,
};

impl Coordinator {
    pub(super) fn validate(&self, request: &Request) -> Result<(), GroupError> {
        let group = request.group();
        let may_be_nameless = matches!(request, Request::OffsetCommit(_) | Request::DeleteGroup(_));
        if group.is_empty() && !may_be_nameless {
            return Err(match request {
                Request::ConsumerHeartbeat(_) => GroupError::InvalidRequest { reason: "the group has no name" },
                _ => GroupError::InvalidGroupId,
            });
        }
        text(group.as_str())?;
        match request {
            Request::Join(request) => self.validate_join(request),
            Request::Sync(request) => ids(&request.member, request.instance.as_ref()),
            Request::Heartbeat(request) => ids(&request.member, request.instance.as_ref()),
            Request::Leave(request) => {
                request.members.iter().try_for_each(|leaver| ids(&leaver.member, leaver.instance.as_ref()))
            }
            Request::ConsumerHeartbeat(request) => {
                ids(&request.member, request.instance.as_ref())?;
                client(&request.client)?;
                text(request.rack.as_deref().unwrap_or_default())?;
                if request.topics.as_ref().is_some_and(|topics| topics.len() > GROUP_TOPICS_PER_MEMBER_MAX) {
                    return Err(GroupError::InvalidRequest { reason: "a member subscribes to too many topics" });
                }
                if request.regex.as_ref().is_some_and(|regex| regex.len() > GROUP_REGEX_BYTES_MAX) {
                    let reason = format!("it has more than {GROUP_REGEX_BYTES_MAX} bytes");
                    return Err(GroupError::InvalidRegularExpression { reason });
                }
                Ok(())
            }
            Request::OffsetCommit(request) => ids(&request.member, request.instance.as_ref()),
            Request::OffsetDelete(_) | Request::DeleteGroup(_) => Ok(()),
        }
    }

    fn validate_join(&self, request: &JoinRequest) -> Result<(), GroupError> {
        let (min, max) = (self.settings.session_timeout_ms_min, self.settings.session_timeout_ms_max);
        let got = request.session_timeout_ms;
        if !(min..=max).contains(&got) {
            return Err(GroupError::InvalidSessionTimeout { got, min, max });
        }
        ids(&request.member, request.instance.as_ref())?;
        ids(&request.new_member, None)?;
        client(&request.client)?;
        text(&request.protocol_type)?;
        if request.protocols.len() > GROUP_PROTOCOLS_MAX {
            return Err(GroupError::InvalidRequest { reason: "a member knows too many protocols" });
        }
        request.protocols.iter().try_for_each(|protocol| text(&protocol.name))?;
        // Who knows a protocol is counted by its name.
        let mut names = BTreeSet::new();
        if !request.protocols.iter().all(|protocol| names.insert(&protocol.name)) {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        let bytes: usize = request.protocols.iter().map(|protocol| protocol.metadata.len()).sum();
        if bytes > GROUP_SUBSCRIPTION_BYTES_MAX {
            return Err(GroupError::InvalidRequest { reason: "a member's subscription is too large" });
        }
        Ok(())
    }
}

fn ids(member: &MemberId, instance: Option<&InstanceId>) -> Result<(), GroupError> {
    text(member.as_str())?;
    text(instance.map_or("", InstanceId::as_str))
}

fn client(client: &Client) -> Result<(), GroupError> {
    text(&client.id)?;
    text(&client.host)
}

fn text(text: &str) -> Result<(), GroupError> {
    if text.len() > GROUP_TEXT_BYTES_MAX {
        return Err(GroupError::InvalidRequest { reason: "a name in the request is too long" });
    }
    Ok(())
}
