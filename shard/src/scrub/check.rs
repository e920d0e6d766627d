//! One segment: read from its start to its end, or to where a checkpoint has ended it, and compared with the checksums of
//! its spans.

use std::rc::Rc;

use base::{Offset, PartitionId};
use rt::{DiskError, DiskFile, OpenMode};

use super::{Closing, Pace};
use crate::bytes::{block_ceil, length, position};
use crate::damage::Damage;
use crate::limits;
use crate::log::start::ClosedSegment;
use crate::log::{PartitionLog, TailSpan};
use crate::segment::index::Span;
use crate::segment::reader::ReadError;
use crate::shard::Shard;
use crate::{layout, store::Store};

/// What is looked at in one go.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Finished(ClosedSegment),
    /// Of a segment that is written to, what was there when a checkpoint was taken. Nobody changes that any more: who
    /// writes on in its last block writes the same bytes again.
    Checkpointed(TailSpan),
}

impl Part {
    fn segment(&self) -> Offset {
        match self {
            Self::Finished(segment) => segment.base,
            Self::Checkpointed(end) => end.segment,
        }
    }

    /// Whether the bytes that were looked at are still this log's.
    fn is_in(&self, log: &mut PartitionLog) -> bool {
        let is_there = match self {
            Self::Finished(segment) => log.closed_bytes_of(segment.base) == Some(segment.bytes),
            // It may have been finished meanwhile.
            Self::Checkpointed(end) => {
                log.tail_segment(end.segment).is_some() || log.closed_bytes_of(end.segment).is_some()
            }
        };
        is_there && !log.is_before_start(self.segment())
    }
}

/// Bytes against spans, as they come.
struct Comparison<'a> {
    spans: &'a [Span],
    /// Bytes of the first of them that have come, and the CRC of those.
    done: u32,
    crc: u32,
    damage: Vec<(Offset, u32)>,
}

impl<'a> Comparison<'a> {
    fn new(spans: &'a [Span]) -> Self {
        Self { spans, done: 0, crc: wire::batch::crc::crc32c(&[]), damage: Vec::new() }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(span) = self.spans.first() {
            let (now, later) = bytes.split_at(bytes.len().min((span.length - self.done) as usize));
            self.crc = wire::batch::crc::append(self.crc, now);
            self.done += position(now.len());
            if self.done < span.length {
                return;
            }
            if self.crc != span.crc && self.damage.len() < limits::SCRUB_FINDINGS_MAX {
                self.damage.push((span.base, span.position));
            }
            (self.spans, self.done, self.crc) = (&self.spans[1..], 0, wire::batch::crc::crc32c(&[]));
            bytes = later;
        }
    }

    /// Where the last of them ends.
    fn end(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.end_position().into())
    }

    /// Where the next byte belongs.
    fn at(&self) -> Option<(Offset, u32)> {
        self.spans.first().map(|span| (span.base, span.position))
    }
}

impl Shard {
    /// Checks a segment and takes down what is wrong with it. One that is changed or removed meanwhile is in order.
    pub(super) async fn check_segment(
        &self,
        slot: u32,
        id: PartitionId,
        part: Part,
        pace: &mut Pace,
    ) -> Result<(), Closing> {
        let Some(generation) = self.store.settled_generation(slot).await else { return Ok(()) };
        let mut found = self.look_through(slot, id, part, pace).await?;
        if matches!(&found, Ok(damage) if !damage.is_empty()) || found.is_err() {
            // Once more, from the index on: what was read first may have been half of one file and half of its successor.
            found = self.look_through(slot, id, part, pace).await?;
        }
        let still_there = self.store.with_slot(slot, |log| part.is_in(log));
        // What compaction has put in its place is for the next pass.
        if still_there != Some(true) || self.store.was_swapped(slot, generation) {
            return Ok(());
        }
        match found {
            Ok(damage) if damage.is_empty() => match part {
                Part::Finished(segment) => self.store.damage.forget_segment(id, segment.base),
                Part::Checkpointed(TailSpan { segment, span }) => {
                    self.store.damage.forget_before(id, segment, span.end_position());
                }
            },
            Ok(damage) => damage.into_iter().for_each(|damage| self.store.damage.note(damage)),
            Err(cause) => tracing::warn!(%id, segment = %part.segment(), %cause, "a segment cannot be checked"),
        }
        let mut counts = self.scrubbed.get();
        counts.segments += 1;
        self.scrubbed.set(counts);
        Ok(())
    }

    /// What is wrong with a segment; an error when that cannot be told.
    async fn look_through(
        &self,
        slot: u32,
        id: PartitionId,
        part: Part,
        pace: &mut Pace,
    ) -> Result<Result<Vec<Damage>, ReadError>, Closing> {
        let segment = part.segment();
        let damage =
            |(offset, position), what: &str| Damage { partition: id, segment, position, offset, what: what.to_owned() };
        let opened = self.store.open_to_check(slot, id, part).await;
        let (file, spans) = match opened {
            Ok(opened) => opened,
            Err(ReadError::Damaged { at, what, .. }) => return Ok(Ok(vec![damage((segment, at), &what)])),
            Err(ReadError::Disk(cause @ (DiskError::NotFound { .. } | DiskError::Io { .. }))) => {
                return Ok(Ok(vec![damage((segment, 0), &cause.to_string())]));
            }
            Err(other) => return Ok(Err(other)),
        };
        let mut comparison = Comparison::new(&spans);
        let (mut at, end) = (0, comparison.end());
        let mut unreadable = None;
        while let Some(place) = comparison.at() {
            self.wait_for_turn(pace, limits::SCRUB_READ_BYTES).await?;
            // What comes after its end is not looked at: it may be being written.
            let wanted = (end - at).min(limits::SCRUB_READ_BYTES);
            match file.read(at, length(block_ceil(wanted))).await {
                Ok(bytes) if (bytes.len() as u64) < wanted => {
                    unreadable = Some(damage(place, "the file is shorter than its index says"));
                    break;
                }
                Ok(bytes) => {
                    let bytes = bytes.slice(..length(wanted));
                    comparison.take(&bytes);
                    at += wanted;
                    let mut counts = self.scrubbed.get();
                    counts.bytes += bytes.len() as u64;
                    self.scrubbed.set(counts);
                }
                Err(cause) => {
                    unreadable = Some(damage(place, &cause.to_string()));
                    break;
                }
            }
            rt::yield_if_needed().await;
        }
        let wrong = comparison.damage.iter().map(|place| damage(*place, "its checksum does not match"));
        Ok(Ok(wrong.chain(unreadable).collect()))
    }
}

impl Store {
    /// A segment's file and the spans to compare it with, past the caches.
    async fn open_to_check(
        &self,
        slot: u32,
        id: PartitionId,
        part: Part,
    ) -> Result<(Rc<dyn DiskFile>, Vec<Span>), ReadError> {
        // The folder stays while somebody is at its files; an index may have to be made again.
        let _work = self.write_back.at_work.begin(slot);
        let file = self.disk.open(&layout::segment_file(id, part.segment()), OpenMode::Existing).await?;
        let spans = match part {
            Part::Finished(segment) => self.finished_spans(slot, id, segment.base).await?,
            Part::Checkpointed(end) => self.checkpointed_spans(slot, id, end).await?,
        };
        Ok((file, spans))
    }
}
