//! Moving the starts of logs forward, on this core and through others.

use std::rc::Rc;

use base::Offset;
use shard::TrimTo;

use crate::core::Core;
use crate::limits;
use crate::messages::{Reply, Request, TrimPart};
use crate::refusal::Refusal;

/// Where the log begins now.
pub(crate) type TrimResult = Result<Offset, Refusal>;

impl Core {
    /// Moves the starts of logs of this core; all of them share a flush, and are on stable storage when this resolves.
    pub(crate) async fn trim_here(&self, parts: &[TrimPart]) -> Vec<TrimResult> {
        self.let_flush(parts).await;
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

    /// Waits for the flush of records that are there, and whose deletion is asked for: with `acks=1` a client knows of
    /// them before the high watermark does.
    async fn let_flush(&self, parts: &[TrimPart]) {
        let deadline = rt::now().plus(limits::TRIM_WAIT);
        for part in parts {
            let Some(offsets) = self.shard.offsets(part.id) else { continue };
            let until = match part.to {
                TrimTo::HighWatermark => offsets.log_end,
                TrimTo::Offset(offset) => offset.min(offsets.log_end),
            };
            let Some(last) = until.previous().filter(|_| until > offsets.high_watermark) else { continue };
            let watch = self.shard.watch(&[(part.id, last)]);
            // A log that cannot be flushed is left to the deletion to refuse.
            let _ = rt::timeout(deadline.since(rt::now()), watch.moved()).await;
        }
    }

    /// Moves the starts of logs wherever they lie; results are in the order of the parts.
    pub(crate) async fn trim(self: &Rc<Self>, parts: &[TrimPart]) -> Vec<TrimResult> {
        let here = async |parts: Vec<TrimPart>| self.trim_here(&parts).await;
        let unpack = |reply| if let Reply::Trim(starts) = reply { Some(starts) } else { None };
        self.gather(parts, |part| part.id, Request::Trim, here, unpack).await
    }
}
