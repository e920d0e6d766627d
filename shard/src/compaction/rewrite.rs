//! What becomes of one batch: it stays as it is, goes, or is written anew with the records that stay. No I/O.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Offset, ProducerId, Timestamp};
use wire::batch::patch::{set_log_append_time, set_max_timestamp};
use wire::batch::{Batch, BatchBuilder, BatchOptions, Header, NewRecord, Record, TimestampType};
use wire::compress::{Codec, Compressor, Decompressor};

use super::key_map::{KeyMap, KeyMapFull};
use crate::limits;

/// Memory that is kept between two batches.
const RETAINED_BYTES_MAX: usize = 1 << 20;

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stays, byte for byte.
    Stays,
    /// Nothing of it stays.
    Goes,
    /// Its header stays, without records: it says how far a producer or a segment has come.
    Emptied,
    /// It is written anew: without some of its records, or with a horizon for its tombstones.
    Rewritten,
}

/// Why a batch may not go altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Inside,
    /// The last one of its segment: a segment reaches to where the next one begins.
    LastOfSegment,
}

/// Judges and rewrites the batches of one cleaning.
pub(crate) struct Rewriter {
    map: KeyMap,
    /// Of records before this, the map knows the last ones of their keys.
    end: Offset,
    now: Timestamp,
    delete_retention: Duration,
    /// The last record of each producer that is remembered.
    producers: BTreeMap<ProducerId, Offset>,
    decompressor: Decompressor,
    compressor: Compressor,
    builder: BatchBuilder,
    /// Of the batch that was judged last, which records stay.
    staying: Vec<bool>,
    pub(crate) records_dropped: u64,
    /// Batches whose records cannot be made out: they stay.
    pub(crate) batches_unreadable: u64,
}

/// Up to where a cleaning has noted the keys of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    Whole,
    /// There is no room for the key of the record at this offset.
    UpTo(Offset),
}

impl Rewriter {
    pub(crate) fn new(map: KeyMap, now: Timestamp, delete_retention: Duration) -> Self {
        Self {
            map,
            end: Offset::ZERO,
            now,
            delete_retention,
            producers: BTreeMap::new(),
            decompressor: Decompressor::new(),
            compressor: Compressor::new(),
            builder: BatchBuilder::new(BatchOptions::default()),
            staying: Vec::new(),
            records_dropped: 0,
            batches_unreadable: 0,
        }
    }

    /// Notes the keys of a batch's records from `from` on. A batch that cannot be read has none.
    pub(crate) fn note(&mut self, batch: &Batch<'_>, from: Offset) -> Noted {
        if batch.header().attributes().is_control() {
            return Noted::Whole;
        }
        self.decompressor.trim(RETAINED_BYTES_MAX);
        let Ok(records) = batch.decode(&mut self.decompressor, limits::COMPACTION_BATCH_BYTES_MAX) else {
            return Noted::Whole;
        };
        for record in records {
            let Ok(Record { offset, key, .. }) = record else { break };
            let Some(key) = key.filter(|_| offset >= from) else { continue };
            if self.map.note(key, offset) == Err(KeyMapFull) {
                return Noted::UpTo(offset);
            }
        }
        Noted::Whole
    }

    /// The keys before `end` are noted; `producers` have their last records at these offsets.
    pub(crate) fn judge_up_to(&mut self, end: Offset, producers: BTreeMap<ProducerId, Offset>) {
        self.end = end;
        self.producers = producers;
    }

    /// What is to become of a batch.
    pub(crate) fn judge(&mut self, batch: &Batch<'_>, place: Place) -> Verdict {
        let header = batch.header();
        if header.base_offset() >= self.end {
            return Verdict::Stays;
        }
        // The end of a transaction. Nobody begins one yet; here it is to be decided when its marker may go.
        if header.attributes().is_control() {
            return Verdict::Stays;
        }
        let Some(kept) = self.judge_records(batch) else {
            self.batches_unreadable += 1;
            return Verdict::Stays;
        };
        let has_horizon = header.attributes().has_delete_horizon();
        match kept {
            Kept { staying: 0, .. } if !self.must_stay(batch, place) => Verdict::Goes,
            Kept { staying: 0, going: 0, .. } => Verdict::Stays,
            Kept { staying: 0, .. } => Verdict::Emptied,
            Kept { going: 0, tombstones, .. } if tombstones == Tombstones::None || has_horizon => Verdict::Stays,
            Kept { .. } => Verdict::Rewritten,
        }
    }

    /// Looks at each record; `None` if they cannot be made out or have offsets out of order, which no batch can be
    /// written anew with.
    fn judge_records(&mut self, batch: &Batch<'_>) -> Option<Kept> {
        let Self { map, end, now, decompressor, staying, .. } = self;
        decompressor.trim(RETAINED_BYTES_MAX);
        staying.clear();
        let header = batch.header();
        let horizon = header.base_timestamp().filter(|_| header.attributes().has_delete_horizon());
        let tombstones_go = horizon.is_some_and(|horizon| horizon <= *now);
        let records = batch.decode(decompressor, limits::COMPACTION_BATCH_BYTES_MAX).ok()?;
        let mut kept = Kept { staying: 0, going: 0, tombstones: Tombstones::None };
        let mut offset_delta_min = 0;
        for record in records {
            let record = record.ok()?;
            if record.offset_delta < offset_delta_min {
                return None;
            }
            offset_delta_min = record.offset_delta + 1;
            let stays = record.offset >= *end
                || record.key.is_some_and(|key| {
                    let is_last = map.last(key).is_none_or(|last| last <= record.offset);
                    is_last && (record.value.is_some() || !tombstones_go)
                });
            staying.push(stays);
            if !stays {
                kept.going += 1;
                continue;
            }
            kept.staying += 1;
            if record.value.is_none() {
                kept.tombstones = Tombstones::Some;
            }
        }
        Some(kept)
    }

    fn must_stay(&self, batch: &Batch<'_>, place: Place) -> bool {
        let header = batch.header();
        let is_last_of_producer =
            header.producer().is_some_and(|producer| self.producers.get(&producer.id) == Some(&header.last_offset()));
        place == Place::LastOfSegment || is_last_of_producer
    }

    /// Appends what is left of the batch that was judged last: [`Verdict::Emptied`] or [`Verdict::Rewritten`].
    pub(crate) fn write(&mut self, batch: &Batch<'_>, verdict: Verdict, out: &mut Vec<u8>) {
        let header = batch.header();
        let attributes = header.attributes();
        let horizon = match header.base_timestamp().filter(|_| attributes.has_delete_horizon()) {
            Some(horizon) => horizon,
            None => later(self.now, self.delete_retention),
        };
        let options = BatchOptions {
            codec: if verdict == Verdict::Emptied { Codec::None } else { header.codec() },
            timestamp_type: attributes.timestamp_type(),
            producer: header.producer(),
            transactional: attributes.is_transactional(),
            base_offset: header.base_offset(),
            leader_epoch: header.leader_epoch(),
            ..BatchOptions::default()
        };
        self.builder.reset(options);
        if verdict == Verdict::Rewritten {
            let Self { decompressor, builder, staying, .. } = self;
            let records = batch.decode(decompressor, limits::COMPACTION_BATCH_BYTES_MAX).expect(JUDGED);
            push_staying(builder, options, horizon, staying, records);
        }
        self.builder.set_span(header.last_offset_delta() + 1);
        let start = out.len();
        self.builder.finish_into(&mut self.compressor, out);
        // The builder takes the largest timestamp of the records; without records that of the batch stays, and a log's
        // own time is the batch's.
        let written = &mut out[start..];
        match (attributes.timestamp_type(), header.max_timestamp()) {
            (TimestampType::LogAppendTime, Some(time)) => set_log_append_time(written, time),
            (_, max) if verdict == Verdict::Emptied => set_max_timestamp(written, max),
            _ => {}
        }
    }

    /// The last verdict is carried out: its records count.
    pub(crate) fn count_dropped(&mut self) {
        self.records_dropped += self.staying.iter().filter(|stays| !**stays).count() as u64;
    }
}

const JUDGED: &str = "the batch was judged, so it can be read";

/// Adds the records that stay. Only if a tombstone is among them do they have a horizon.
fn push_staying<'a>(
    builder: &mut BatchBuilder,
    options: BatchOptions,
    horizon: Timestamp,
    staying: &[bool],
    records: impl Iterator<Item = Result<Record<'a>, wire::batch::BatchError>> + Clone,
) {
    let stay = records.zip(staying).filter(|(_, stays)| **stays).map(|(record, _)| record.expect(JUDGED));
    if stay.clone().any(|record| record.value.is_none()) {
        builder.reset(BatchOptions { delete_horizon: Some(horizon), ..options });
    }
    let mut headers: Vec<Header<'_>> = Vec::new();
    for Record { offset_delta, timestamp, key, value, headers: found, .. } in stay {
        headers.clear();
        headers.extend(found);
        let record = NewRecord { timestamp, key, value, headers: &headers };
        builder.push_at(offset_delta, &record).expect("what stays of a batch fits in a batch");
    }
}

/// What a look at the records of a batch has come to.
#[derive(Clone, Copy)]
struct Kept {
    staying: u32,
    going: u32,
    /// Among those that stay.
    tombstones: Tombstones,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tombstones {
    None,
    Some,
}

/// No later than a timestamp can be.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(time.as_millis().saturating_add(by).min(i64::MAX.cast_unsigned()))
}

#[cfg(test)]
mod tests;
