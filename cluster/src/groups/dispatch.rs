//! From a piece of work to the protocol that the group speaks.

use super::classic::ClassicGroup;
use super::proposal::{Context, Proposal, Sharing, Then, Work};
use super::timers::{Alarm, TimerKey};
use super::{
    Answer, Coordinator, Decision, Epoch, GroupError, GroupId, GroupRecord, JoinRequest, LeaveRequest, Left, MemberId,
    Now, Reply, Request, Token,
};
use crate::limits::GROUPS_PER_COORDINATOR_MAX;

/// What a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Absent,
    /// Offsets were committed under its name, and nobody has joined it.
    OffsetsOnly,
    Classic,
    Consumer,
}

impl Coordinator {
    pub(super) fn kind(&self, id: &GroupId) -> Kind {
        let stored = self.state.group(id);
        if stored.is_some_and(|group| group.consumer().exists()) {
            Kind::Consumer
        } else if self.classic.contains(id) {
            Kind::Classic
        } else if stored.is_some() {
            Kind::OffsetsOnly
        } else {
            Kind::Absent
        }
    }

    /// Does a piece of work, and what has waited for it if it is done at once.
    pub(super) fn start(&mut self, id: GroupId, work: Work, now: Now, decision: &mut Decision) {
        let mut next = Some(work);
        while let Some(work) = next {
            let alarm = if let Work::Alarm(alarm) = &work { Some(alarm.clone()) } else { None };
            let proposal = self.perform(&id, work, now, &mut decision.answers);
            self.propose(id.clone(), proposal, alarm, decision);
            next = self.lanes.next(&id);
        }
    }

    pub(super) fn propose(
        &mut self,
        id: GroupId,
        proposal: Option<Proposal>,
        alarm: Option<Alarm>,
        decision: &mut Decision,
    ) {
        let Some(Proposal { records, sharing, then }) = proposal else { return };
        let append = self.lanes.begin(id, records, sharing, then, alarm);
        decision.appends.push(append);
    }

    fn perform(&mut self, id: &GroupId, work: Work, now: Now, answers: &mut Vec<Answer>) -> Option<Proposal> {
        match work {
            Work::Request(token, request) => self.request(id, token, request, now, answers),
            Work::Alarm(alarm) => {
                let key = TimerKey { group: id.clone(), alarm };
                if self.timers.take(&key) { self.alarm(id, &key.alarm, now, answers) } else { None }
            }
            Work::ForgetTopics(topics) => self.forget_topics(id, topics),
            Work::Expire => self.expire(id, now),
        }
    }

    fn request(
        &mut self,
        id: &GroupId,
        token: Token,
        request: Request,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        if let Err(error) = self.check_memory(id, &request) {
            answers.push(Answer { token, reply: Reply::refusal(&request, error) });
            return None;
        }
        match request {
            Request::Join(request) => self.join(id, token, request, now, answers),
            Request::Sync(request) => match self.kind(id) {
                Kind::Classic => self.with_classic(id, now, answers, |group, cx| group.sync(cx, token, &request))?,
                Kind::Consumer => {
                    let result = self.sync_consumer(id, &request, now);
                    answers.push(Answer { token, reply: Reply::Sync(result) });
                    None
                }
                Kind::Absent | Kind::OffsetsOnly => {
                    answers.push(Answer { token, reply: Reply::Sync(Err(GroupError::UnknownMemberId)) });
                    None
                }
            },
            Request::Heartbeat(request) => {
                let result = match self.kind(id) {
                    Kind::Consumer => self.heartbeat_consumer(id, &request, now),
                    Kind::Absent | Kind::OffsetsOnly | Kind::Classic => self
                        .with_classic(id, now, answers, |group, cx| group.heartbeat(cx, &request))
                        .unwrap_or(Err(GroupError::UnknownMemberId)),
                };
                answers.push(Answer { token, reply: Reply::Heartbeat(result) });
                None
            }
            Request::Leave(request) => self.leave(id, token, &request, now, answers),
            Request::ConsumerHeartbeat(request) => self.consumer_heartbeat(id, token, request, now, answers),
            Request::OffsetCommit(request) => self.commit_offsets(id, token, &request, now, answers),
            Request::OffsetDelete(request) => self.delete_offsets(id, token, &request, answers),
            Request::DeleteGroup(_) => self.delete_group(id, token, answers),
        }
    }

    fn join(
        &mut self,
        id: &GroupId,
        token: Token,
        request: JoinRequest,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        let kind = self.kind(id);
        if kind == Kind::Consumer && self.has_members(id) {
            return self.join_consumer(id, token, request, now, answers);
        }
        let mut refuse = |error| {
            let reply = Reply::join_refused(error, request.member.clone());
            answers.push(Answer { token, reply });
        };
        match kind {
            Kind::Classic => {}
            Kind::OffsetsOnly => {
                self.classic.insert(id.clone(), ClassicGroup::new());
            }
            Kind::Absent | Kind::Consumer => {
                if request.protocol_type.is_empty() || request.protocols.is_empty() {
                    refuse(GroupError::InconsistentGroupProtocol);
                    return None;
                }
                if !request.member.is_empty() {
                    refuse(GroupError::UnknownMemberId);
                    return None;
                }
                if kind == Kind::Absent && self.is_full() {
                    let limit = GROUPS_PER_COORDINATOR_MAX;
                    refuse(GroupError::CoordinatorFull { what: "groups", limit });
                    return None;
                }
                // The group comes first; the member joins when the log knows of it.
                let mut records = Vec::new();
                if kind == Kind::Consumer {
                    self.remove_group(id, &mut records);
                }
                records.push(new_classic_group(id, now));
                return Some(Proposal::again(records, Work::Request(token, Request::Join(request))));
            }
        }
        self.with_classic(id, now, answers, |group, cx| group.join(cx, token, &request))?
    }

    pub(super) fn is_full(&self) -> bool {
        self.state.len() >= GROUPS_PER_COORDINATOR_MAX
    }

    fn leave(
        &mut self,
        id: &GroupId,
        token: Token,
        request: &LeaveRequest,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        if self.kind(id) == Kind::Consumer {
            return self.leave_consumer(id, token, request, now, answers);
        }
        let Some((lefts, proposal)) = self.with_classic(id, now, answers, |group, cx| group.leave(cx, request)) else {
            let lefts = request.members.iter().map(Left::unknown).collect();
            answers.push(Answer { token, reply: Reply::Leave(Ok(lefts)) });
            return None;
        };
        let answer = Answer { token, reply: Reply::Leave(Ok(lefts)) };
        match proposal {
            Some(Proposal { records, sharing, then: Then::Answer(mut dependent) }) => {
                dependent.push(answer);
                Some(Proposal { records, sharing, then: Then::Answer(dependent) })
            }
            other => {
                answers.push(answer);
                other
            }
        }
    }

    fn alarm(&mut self, id: &GroupId, alarm: &Alarm, now: Now, answers: &mut Vec<Answer>) -> Option<Proposal> {
        if self.kind(id) == Kind::Consumer {
            return self.consumer_alarm(id, alarm, now);
        }
        let act = |group: &mut ClassicGroup, cx: &mut Context<'_>| match alarm {
            Alarm::ClassicJoin => group.join_time_is_up(cx),
            Alarm::ClassicSync => group.sync_time_is_up(cx),
            Alarm::ClassicSession(member) => group.session_is_over(cx, member),
            Alarm::ConsumerSession(_)
            | Alarm::ConsumerRevocation(_)
            | Alarm::ConsumerJoin(_)
            | Alarm::ConsumerSync(_) => None,
        };
        self.with_classic(id, now, answers, act)?
    }
}

/// A group that nobody has joined yet.
pub(super) fn new_classic_group(id: &GroupId, now: Now) -> GroupRecord {
    let mut record = ClassicGroup::new().record(id, |_: &MemberId, _| unreachable!("a new group has no members"));
    if let GroupRecord::Classic { value: Some(value), .. } = &mut record {
        std::sync::Arc::make_mut(value).state_since = Some(now.wall);
    }
    record
}

/// An exclusive proposal of records with an answer.
pub(super) fn answered(records: Vec<GroupRecord>, token: Token, reply: Reply) -> Proposal {
    Proposal { records, sharing: Sharing::Exclusive, then: Then::Answer(vec![Answer { token, reply }]) }
}

/// Of a member that claims to be in a group which is not there.
pub(super) fn not_there(generation: Epoch) -> GroupError {
    GroupError::IllegalGeneration { got: generation, current: Epoch::NONE }
}
