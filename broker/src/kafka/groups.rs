//! The APIs of consumer groups: their coordinators are asked, wherever they are.

mod admin;
mod commit;
mod consumer;
mod fetch_offsets;
mod membership;

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use base::PartitionIndex;
use cluster::groups::{Client, Reply};
use wire::ErrorCode;

pub(super) use admin::{delete_groups, delete_offsets, describe, list};
pub(super) use commit::commit_offsets;
pub(super) use consumer::{describe_consumer, heartbeat_of_consumer};
pub(super) use fetch_offsets::fetch_offsets;
pub(super) use membership::{heartbeat, join, leave, sync};

use super::connection::Answer;
use super::{Answered, RequestId};
use crate::core::Core;
use crate::groups::{Ask, Told};
use crate::limits;
use crate::refusal::Refusal;

/// What a request about groups comes with.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) core: Rc<Core>,
    pub(super) id: RequestId,
    pub(super) client: Client,
    /// Bytes of the request.
    pub(super) bytes: usize,
}

impl Asker {
    pub(super) fn new(core: &Rc<Core>, id: RequestId, client_id: Option<&str>, host: &Arc<str>, bytes: usize) -> Self {
        let client = Client { id: client_id.unwrap_or_default().into(), host: Arc::clone(host) };
        Self { core: Rc::clone(core), id, client, bytes }
    }

    /// An answer that may be long in coming, because the members of a group wait for each other. What the request holds
    /// meanwhile is what the coordinator keeps of it and of its items.
    fn parked(&self, items: usize, answer: impl Future<Output = Answered> + 'static) -> Answer {
        let of_items = (items + 1) * limits::PARKED_ITEM_BYTES;
        let bytes = self.bytes * limits::PARKED_REQUEST_EXPANSION + of_items;
        Answer::Parked(Box::pin(answer), bytes)
    }

    /// Asks a coordinator for a change, and picks its reply.
    async fn change<T>(
        &self,
        request: cluster::groups::Request,
        pick: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<T, Refusal> {
        match self.core.ask_group(Ask::Change(request)).result().await? {
            Told::Changed(reply) => pick(reply).ok_or_else(|| ErrorCode::UnknownServerError.into()),
            Told::Offsets(_) | Told::Classic(_) | Told::Consumer(_) => Err(ErrorCode::UnknownServerError.into()),
        }
    }
}

/// Numbers of partitions are not negative.
fn partition_index(index: i32) -> Option<PartitionIndex> {
    u32::try_from(index).ok().map(PartitionIndex)
}

/// Each name once, in order.
fn each_once(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

fn too_many_groups() -> Refusal {
    let text = format!("one request names {} groups at most", limits::GROUPS_PER_REQUEST_MAX);
    Refusal::new(ErrorCode::PolicyViolation, text)
}

fn text_of(text: Option<&Arc<str>>) -> Option<String> {
    text.map(|text| text.as_ref().to_owned())
}
