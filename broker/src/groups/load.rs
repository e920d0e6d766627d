//! Reading a partition of `__consumer_offsets` from its start: the state is the fold of its records.

use std::collections::BTreeSet;

use base::{Offset, PartitionId};
use cluster::groups::GroupState;
use cluster::metadata::{MetadataImage, TopicName};
use shard::{AppendError, ReadError};
use wire::batch::BatchError;
use wire::compress::Decompressor;

use super::records::{self, UnreadableRecord};
use crate::core::Core;
use crate::limits;

#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("what is on its way into the log did not arrive: {0}")]
    Append(#[from] AppendError),
    #[error("a batch is damaged: {0}")]
    Batch(#[from] BatchError),
    #[error("it ends at offset {at}, before {end}")]
    Ends { at: Offset, end: Offset },
    #[error(transparent)]
    Record(#[from] UnreadableRecord),
}

/// A place among those that read at a time.
struct Turn<'a>(&'a Core);

impl<'a> Turn<'a> {
    async fn take(core: &'a Core) -> Self {
        while core.groups.loading.get() >= limits::GROUP_LOADS_AT_ONCE_MAX {
            core.groups.loaded.notified().await;
        }
        core.groups.loading.set(core.groups.loading.get() + 1);
        Self(core)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.groups.loading.set(self.0.groups.loading.get() - 1);
        self.0.groups.loaded.notify_all();
    }
}

/// The fold of a partition's log; `None` when it is given up on the way.
pub(super) async fn read(
    core: &Core,
    id: PartitionId,
    given_up: impl Fn() -> bool,
) -> Result<Option<GroupState>, LoadError> {
    let _turn = Turn::take(core).await;
    // An earlier host of this partition may have appended; all of that must be seen, and nothing comes after it.
    core.shard.line_passed().await;
    let Some(offsets) = core.shard.offsets(id) else { return Ok(None) };
    core.shard.safe_up_to(id, offsets.log_end).await?;
    let (mut state, mut decompressor) = (GroupState::default(), Decompressor::new());
    let mut next = offsets.log_start;
    while next < offsets.log_end {
        if given_up() {
            return Ok(None);
        }
        let data = core.shard.read(id, next, limits::GROUP_LOAD_READ_BYTES).await?;
        // The batches lie back to back across the parts.
        let bytes = match <[_; 1]>::try_from(data.parts) {
            Ok([only]) => only,
            Err(parts) => parts.concat().into(),
        };
        for batch in wire::batch::batches(&bytes) {
            records::decode(&batch?, &mut decompressor, |record| state.apply(record))?;
            rt::yield_if_needed().await;
        }
        decompressor.trim(limits::DECOMPRESSOR_RETAINED_BYTES_MAX);
        if data.next_offset <= next {
            return Err(LoadError::Ends { at: next, end: offsets.log_end });
        }
        next = data.next_offset;
    }
    Ok(Some(state))
}

/// Topics with committed offsets that were deleted while nobody was there to hear of it.
pub(super) fn topics_that_are_gone(state: &GroupState, image: &MetadataImage) -> Vec<TopicName> {
    let mut gone = BTreeSet::new();
    for (_, group) in state.groups() {
        let mut last = None;
        for (topic, _, _) in group.offsets().iter() {
            if last != Some(topic) && image.topic_named(topic.as_str()).is_none() {
                gone.insert(topic.clone());
            }
            last = Some(topic);
        }
    }
    gone.into_iter().collect()
}
