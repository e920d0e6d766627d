//! What comes of a batch of records: it is in the log, or it could not be appended.

use std::time::Duration;

use super::classic::ClassicGroup;
use super::lanes::InFlight;
use super::proposal::{Installation, Proposal, Rebalance, Then, Work};
use super::timers::TimerKey;
use super::{Answer, AppendFailure, BatchId, Coordinator, Decision, GroupError, GroupId, GroupRecord, Now, Reply};

/// A deadline whose records could not be written comes again after this long.
const ALARM_RETRY: Duration = Duration::from_secs(1);

impl Coordinator {
    /// The records of a batch are in the log and flushed. Batches are reported in the order of the log.
    ///
    /// # Panics
    /// When the batch is not the first one under way: records that are applied in another order than the log's give
    /// another state.
    pub fn committed(&mut self, batch: BatchId, now: Now) -> Decision {
        let first = self.lanes.first_in_flight();
        assert_eq!(first, Some(batch), "batches are reported in another order than that of the log");
        let InFlight { group, records, then, .. } = self.lanes.end(batch).expect("the batch is under way");
        let mut decision = Decision::default();
        for record in records.iter() {
            self.state.apply(record);
        }
        self.follow(&group, &records, &mut decision.answers);
        let proposal = self.conclude(&group, then, now, &mut decision);
        self.propose(group.clone(), proposal, None, &mut decision);
        self.resume(group, now, &mut decision);
        decision
    }

    /// The records of a batch are not in the log and will not be. Batches that come later are not touched by it.
    pub fn failed(&mut self, batch: BatchId, failure: AppendFailure, now: Now) -> Decision {
        let InFlight { group, then, alarm, .. } = self.lanes.end(batch).expect("the batch is under way");
        let mut decision = Decision::default();
        let error = GroupError::from(failure);
        if let Some(alarm) = alarm {
            let key = TimerKey { group: group.clone(), alarm };
            self.timers.schedule_if_absent(key, now.instant.plus(ALARM_RETRY));
        }
        if matches!(then, Then::ClassicSynced(_)) {
            let act = |classic: &mut ClassicGroup, cx: &mut super::Context<'_>| classic.sync_failed(cx, error);
            let proposal = self.with_classic(&group, now, &mut decision.answers, act).flatten();
            self.propose(group.clone(), proposal, None, &mut decision);
        } else {
            let (dependent, work) = then.into_parts();
            decision.answers.extend(dependent.into_iter().map(|answer| answer.refused(error.clone())));
            match work {
                Some(Work::Request(token, request)) => {
                    decision.answers.push(Answer { token, reply: Reply::refusal(&request, error) });
                }
                Some(Work::ForgetTopics(topics)) => {
                    self.forget_again.entry(group.clone()).or_default().extend(topics.iter().cloned());
                }
                Some(Work::Alarm(_) | Work::Expire) | None => {}
            }
        }
        self.resume(group, now, &mut decision);
        decision
    }

    /// Lets go on whatever has waited for a batch.
    fn resume(&mut self, group: GroupId, now: Now, decision: &mut Decision) {
        if let Some(work) = self.lanes.next(&group) {
            self.start(group, work, now, decision);
        }
    }

    /// Memory follows the log: a classic group that is not there any more is forgotten, a new one is remembered.
    fn follow(&mut self, id: &GroupId, records: &[GroupRecord], answers: &mut Vec<Answer>) {
        for record in records {
            match record {
                GroupRecord::Classic { value: None, .. } => {
                    if let Some(group) = self.classic.remove(id) {
                        self.timers.cancel_group(id);
                        dismiss_parked(&group, answers);
                    }
                }
                GroupRecord::Classic { value: Some(value), .. } if !self.classic.contains(id) => {
                    self.classic.insert(id.clone(), ClassicGroup::from_record(value));
                }
                GroupRecord::Consumer { value: None, .. } => {
                    self.timers.cancel_group(id);
                    self.checked.remove(id);
                }
                GroupRecord::Member { member, value: None, .. } => {
                    self.unconfirmed.remove(&(id.clone(), member.clone()));
                }
                _ => {}
            }
        }
    }

    fn conclude(&mut self, id: &GroupId, then: Then, now: Now, decision: &mut Decision) -> Option<Proposal> {
        let answers = &mut decision.answers;
        match then {
            Then::Answer(dependent) => answers.extend(dependent),
            Then::Again { timers, work } => {
                self.change_timers(id, timers, now);
                self.start(id.clone(), work, now, decision);
            }
            Then::ClassicSynced(assignments) => {
                self.with_classic(id, now, answers, |group, cx| group.synced_by_leader(cx, assignments));
            }
            Then::ClassicInstalled(installation) => {
                let Installation { group, answers: dependent, timers, rebalance } = *installation;
                self.classic.insert(id.clone(), group);
                self.change_timers(id, timers, now);
                answers.extend(dependent);
                if rebalance == Rebalance::Needed {
                    return self.with_classic(id, now, answers, |group, cx| group.prepare_rebalance(cx))?;
                }
            }
            Then::Consumer { timers, answers: dependent, checked, confirmation } => {
                if let Some(version) = checked {
                    self.checked.insert(id.clone(), version);
                }
                if let Some((member, confirmation)) = confirmation {
                    self.confirm(id, member, confirmation);
                }
                self.change_timers(id, timers, now);
                answers.extend(dependent);
            }
        }
        None
    }
}

/// Whoever waits for a group that has become another one joins again.
fn dismiss_parked(group: &ClassicGroup, answers: &mut Vec<Answer>) {
    let (joins, syncs) = group.parked();
    answers.extend(
        joins.into_iter().map(|(member, token)| Answer {
            token,
            reply: Reply::join_refused(GroupError::RebalanceInProgress, member),
        }),
    );
    let reply = Reply::Sync(Err(GroupError::RebalanceInProgress));
    answers.extend(syncs.into_iter().map(|token| Answer { token, reply: reply.clone() }));
}

impl Answer {
    pub(super) fn refused(self, error: GroupError) -> Self {
        Self { token: self.token, reply: self.reply.refused(error) }
    }
}

impl Then {
    /// What depends on the records: answers, and work that was to follow.
    pub(super) fn into_parts(self) -> (Vec<Answer>, Option<Work>) {
        match self {
            Self::Answer(answers) | Self::Consumer { answers, .. } => (answers, None),
            Self::Again { work, .. } => (Vec::new(), Some(work)),
            Self::ClassicSynced(_) => (Vec::new(), None),
            Self::ClassicInstalled(installation) => (installation.answers, None),
        }
    }
}
