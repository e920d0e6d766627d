//! What doors ask of the coordinators, and what they are told. Both travel between cores.

use std::rc::Rc;

use base::PartitionIndex;
use cluster::groups::{
    CommittedOffset, DescribedClassicGroup, DescribedConsumerGroup, Epoch, GroupId, ListedGroup, MemberId, Reply,
    Request,
};
use cluster::metadata::TopicName;
use rt::Flag;
use wire::ErrorCode;

use crate::mesh::Call;
use crate::messages;
use crate::refusal::Refusal;

/// A question about one group.
#[derive(Debug)]
pub(crate) enum Ask {
    Change(Request),
    FetchOffsets(FetchOffsets),
    /// For `DescribeGroups`.
    DescribeClassic(GroupId),
    /// For `ConsumerGroupDescribe`.
    DescribeConsumer(GroupId),
}

/// One group of `OffsetFetch`.
#[derive(Debug)]
pub(crate) struct FetchOffsets {
    pub(crate) group: GroupId,
    /// Who asks, if it says so.
    pub(crate) member: Option<(MemberId, Epoch)>,
    /// `None` for all that there are.
    pub(crate) wanted: Option<Vec<(TopicName, PartitionIndex)>>,
}

#[derive(Debug)]
pub(crate) enum Told {
    Changed(Reply),
    /// In the order asked for; `None` where nothing was committed.
    Offsets(Vec<(TopicName, PartitionIndex, Option<CommittedOffset>)>),
    Classic(DescribedClassicGroup),
    Consumer(DescribedConsumerGroup),
}

pub(crate) type AskResult = Result<Told, Refusal>;

/// All groups of some coordinators.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) groups: Vec<ListedGroup>,
    /// A coordinator is still reading its log.
    pub(crate) is_partial: bool,
}

impl Ask {
    pub(crate) fn group(&self) -> &GroupId {
        match self {
            Self::Change(request) => request.group(),
            Self::FetchOffsets(fetch) => &fetch.group,
            Self::DescribeClassic(group) | Self::DescribeConsumer(group) => group,
        }
    }
}

/// A question that has been asked; its answer may take minutes.
pub(crate) enum Asked {
    Told(AskResult),
    Here(Rc<Place>),
    Elsewhere(Call),
}

/// Where an answer of this core is left for the one who waits for it.
#[derive(Default)]
pub(crate) struct Place {
    result: std::cell::RefCell<Option<AskResult>>,
    filled: Flag,
}

impl Place {
    pub(super) fn fill(&self, result: AskResult) {
        *self.result.borrow_mut() = Some(result);
        self.filled.raise();
    }
}

impl Asked {
    pub(crate) async fn result(self) -> AskResult {
        match self {
            Self::Told(result) => result,
            Self::Here(place) => {
                place.filled.wait().await;
                place.result.borrow_mut().take().expect("a place is filled before its flag is raised")
            }
            Self::Elsewhere(call) => match call.await {
                Ok(messages::Reply::Group(result)) => *result,
                Ok(_) => Err(ErrorCode::UnknownServerError.into()),
                // Whatever was in the way between the cores: clients of groups come again after this code, and after few
                // others.
                Err(refusal) => Err(Refusal { code: ErrorCode::CoordinatorNotAvailable, ..refusal }),
            },
        }
    }
}
