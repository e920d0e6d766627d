//! What a group wants written, and what follows when it has been.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::Instant;

use super::classic::ClassicGroup;
use super::consumer::Confirmation;
use super::timers::{Alarm, TimerKey, Timers};
use super::{Answer, BatchId, Blob, GroupId, GroupRecord, GroupSettings, MemberId, Now, Reply, Request, Token};
use crate::metadata::TopicName;

/// What follows from an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// To be appended in this order. What comes of each is reported with [`super::Coordinator::committed`], in the order
    /// of the log, or [`super::Coordinator::failed`].
    pub appends: Vec<Append>,
    /// May be sent at once.
    pub answers: Vec<Answer>,
}

/// Records of one group that become one batch of the log: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    pub batch: BatchId,
    pub records: Arc<Vec<GroupRecord>>,
}

/// Something for a group to do.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Request(Token, Request),
    Alarm(Alarm),
    /// These topics are gone, and so are the offsets committed in them.
    ForgetTopics(Arc<[TopicName]>),
    /// Remove offsets that nobody has use for.
    Expire,
}

impl Work {
    /// Whether the work looks at the group's offsets, so that no commit may be under way.
    pub(super) fn needs_quiet(&self) -> bool {
        match self {
            Self::Request(_, request) => matches!(request, Request::OffsetDelete(_) | Request::DeleteGroup(_)),
            Self::Alarm(_) => false,
            Self::ForgetTopics(_) | Self::Expire => true,
        }
    }
}

/// Records and what is to happen when they are in the log. Until then the group has not changed.
pub(super) struct Proposal {
    pub(super) records: Vec<GroupRecord>,
    pub(super) sharing: Sharing,
    pub(super) then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// The group does nothing else until the records are in the log.
    Exclusive,
    /// Offsets only: the group goes on meanwhile.
    Shared,
}

pub(super) enum Then {
    Answer(Vec<Answer>),
    /// The way is free for work that could not be done before.
    Again {
        timers: Vec<TimerChange>,
        work: Work,
    },
    /// A leader's assignment takes effect.
    ClassicSynced(BTreeMap<MemberId, Blob>),
    /// A classic group is replaced by what it has become.
    ClassicInstalled(Box<Installation>),
    /// Members of a consumer group have changed.
    Consumer {
        timers: Vec<TimerChange>,
        answers: Vec<Answer>,
        /// The version of the topics that the group has been compared with.
        checked: Option<u64>,
        /// What is known about a member that has been answered.
        confirmation: Option<(MemberId, Confirmation)>,
    },
}

pub(super) struct Installation {
    pub(super) group: ClassicGroup,
    pub(super) answers: Vec<Answer>,
    pub(super) timers: Vec<TimerChange>,
    pub(super) rebalance: Rebalance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rebalance {
    Needed,
    NotNeeded,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimerChange {
    Set(Alarm, Duration),
    SetIfAbsent(Alarm, Duration),
    Cancel(Alarm),
}

impl Proposal {
    pub(super) fn exclusive(records: Vec<GroupRecord>, then: Then) -> Self {
        Self { records, sharing: Sharing::Exclusive, then }
    }

    pub(super) fn again(records: Vec<GroupRecord>, work: Work) -> Self {
        Self::exclusive(records, Then::Again { timers: Vec::new(), work })
    }
}

/// What a group's decisions are made with.
pub(super) struct Context<'a> {
    pub(super) group: &'a GroupId,
    pub(super) settings: &'a GroupSettings,
    pub(super) now: Now,
    pub(super) timers: &'a mut Timers,
    pub(super) answers: &'a mut Vec<Answer>,
}

impl Context<'_> {
    pub(super) fn answer(&mut self, token: Token, reply: Reply) {
        self.answers.push(Answer { token, reply });
    }

    pub(super) fn schedule(&mut self, alarm: Alarm, after: Duration) {
        let at = self.after(after);
        self.timers.schedule(self.key(alarm), at);
    }

    fn schedule_if_absent(&mut self, alarm: Alarm, after: Duration) {
        let at = self.after(after);
        self.timers.schedule_if_absent(self.key(alarm), at);
    }

    pub(super) fn cancel(&mut self, alarm: Alarm) {
        let key = self.key(alarm);
        self.timers.cancel(&key);
    }

    pub(super) fn change(&mut self, changes: Vec<TimerChange>) {
        for change in changes {
            match change {
                TimerChange::Set(alarm, after) => self.schedule(alarm, after),
                TimerChange::SetIfAbsent(alarm, after) => self.schedule_if_absent(alarm, after),
                TimerChange::Cancel(alarm) => self.cancel(alarm),
            }
        }
    }

    fn key(&self, alarm: Alarm) -> TimerKey {
        TimerKey { group: self.group.clone(), alarm }
    }

    fn after(&self, after: Duration) -> Instant {
        self.now.instant.plus(after)
    }
}

pub(super) fn millis(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
