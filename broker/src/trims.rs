//! Moving the starts of logs forward, on this core and through others.

use std::rc::Rc;

use base::Offset;
use wire::ErrorCode;

use crate::core::Core;
use crate::messages::{Reply, Request, TrimPart};
use crate::refusal::Refusal;

/// Where the log begins now.
pub(crate) type TrimResult = Result<Offset, Refusal>;

impl Core {
    /// Moves the starts of logs of this core; all of them share a flush, and are on stable storage when this resolves.
    pub(crate) async fn trim_here(&self, parts: &[TrimPart]) -> Vec<TrimResult> {
        let mut begun = Vec::with_capacity(parts.len());
        for part in parts {
            begun.push(match self.check_epoch(part.id, None) {
                Ok(_) => self.shard.begin_trim(part.id, part.to).await.map_err(Refusal::from),
                Err(refusal) => Err(refusal),
            });
            rt::yield_if_needed().await;
        }
        let mut results = Vec::with_capacity(parts.len());
        for trim in begun {
            results.push(match trim {
                Ok(trim) => self.shard.finish_trim(trim).await.map(|offsets| offsets.log_start).map_err(Refusal::from),
                Err(refusal) => Err(refusal),
            });
        }
        results
    }

    /// Moves the starts of logs wherever they lie; results are in the order of the parts.
    pub(crate) async fn trim(self: &Rc<Self>, parts: &[TrimPart]) -> Vec<TrimResult> {
        let by_core = self.by_core(parts, |part| part.id);
        let unknown: TrimResult = Err(ErrorCode::UnknownTopicOrPartition.into());
        let mut results = vec![unknown; parts.len()];
        let mut calls = Vec::new();
        for (core, indexes) in by_core.iter().filter(|(core, _)| core.is_some_and(|core| core != self.id)) {
            let wanted = indexes.iter().map(|index| parts[*index]).collect();
            calls.push((indexes, self.call(core.expect("filtered"), Request::Trim(wanted))));
        }
        if let Some(indexes) = by_core.get(&Some(self.id)) {
            let wanted: Vec<TrimPart> = indexes.iter().map(|index| parts[*index]).collect();
            for (index, result) in indexes.iter().zip(self.trim_here(&wanted).await) {
                results[*index] = result;
            }
        }
        for (indexes, call) in calls {
            let replies = match call.await {
                Ok(Reply::Trim(replies)) => replies,
                Ok(_) => vec![Err(ErrorCode::UnknownServerError.into()); indexes.len()],
                Err(refusal) => vec![Err(refusal); indexes.len()],
            };
            for (index, reply) in indexes.iter().zip(replies) {
                results[*index] = reply;
            }
        }
        results
    }
}
