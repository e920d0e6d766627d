//! Reading and asking about partitions, on this core and through others.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, LeaderEpoch, Offset, PartitionId, Timestamp};
use shard::{ReadData, ReadError};
use wire::ErrorCode;

use crate::core::Core;
use crate::limits;
use crate::messages::{
    Query, QueryAnswer, QueryKind, ReadPart, ReadRefusal, ReadReply, Reply, Request, Room, share_of,
};
use crate::refusal::Refusal;
use crate::standing::StandingWaits;

pub(crate) type ReadResult = Result<ReadReply, ReadRefusal>;

impl Core {
    /// Reads parts that lie on this core, if all of them are in memory.
    pub(crate) fn read_from_memory(&self, parts: &[ReadPart], mut room: Room) -> Option<Vec<ReadResult>> {
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            let wanted = part.bytes_max.min(room.bytes);
            let result = match self.check_read(part) {
                Err(refusal) => Err(self.refuse_read(part.id, refusal)),
                Ok(Some(diverging)) => Ok(diverging),
                Ok(None) if room.bytes == 0 && !room.is_first => self.nothing_more(part),
                Ok(None) => match self.working_on(part.id, || self.shard.read_memory(part.id, part.offset, wanted))? {
                    Ok(data) => Ok(reply_of(data)),
                    Err(error) => Err(self.refuse_error(part.id, error)),
                },
            };
            room.take(result.as_ref().map_or(0, |reply| reply.bytes));
            results.push(result);
        }
        Some(results)
    }

    /// Copies what there is in parts that lie on this core, if that is little and in memory.
    pub(crate) fn read_few(&self, parts: &[ReadPart]) -> Option<Vec<ReadResult>> {
        let mut results = self.read_from_memory(parts, Room::of(limits::STANDING_READ_BYTES))?;
        let mut bytes = 0;
        for reply in &results {
            let reply = reply.as_ref().ok()?;
            bytes += reply.bytes;
            if reply.next_offset < reply.high_watermark || bytes > limits::STANDING_READ_BYTES {
                return None;
            }
        }
        for reply in results.iter_mut().flatten().filter(|reply| reply.bytes > 0) {
            reply.parts = vec![reply.parts.concat().into()];
        }
        Some(results)
    }

    /// Reads parts that lie on this core.
    pub(crate) async fn read_here(&self, parts: &[ReadPart], mut room: Room) -> Vec<ReadResult> {
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            let wanted = part.bytes_max.min(room.bytes);
            let result = match self.check_read(part) {
                Err(refusal) => Err(self.refuse_read(part.id, refusal)),
                Ok(Some(diverging)) => Ok(diverging),
                Ok(None) if room.bytes == 0 && !room.is_first => self.nothing_more(part),
                Ok(None) => match self.awaiting(part.id, self.shard.read(part.id, part.offset, wanted)).await {
                    Ok(data) => Ok(reply_of(data)),
                    Err(error) => Err(self.refuse_error(part.id, error)),
                },
            };
            room.take(result.as_ref().map_or(0, |reply| reply.bytes));
            results.push(result);
            rt::yield_if_needed().await;
        }
        results
    }

    /// A partition that comes after the answer is full: its bounds, and no records.
    fn nothing_more(&self, part: &ReadPart) -> ReadResult {
        let unknown = || self.refuse_read(part.id, ErrorCode::NotLeaderOrFollower.into());
        let (log_start, high_watermark) = self.bounds(part.id).ok_or_else(unknown)?;
        let next_offset = part.offset;
        Ok(ReadReply { parts: Vec::new(), bytes: 0, next_offset, high_watermark, log_start, diverging: None })
    }

    /// Epoch checks of a read; gives the answer when the reader's log has diverged.
    fn check_read(&self, part: &ReadPart) -> Result<Option<ReadReply>, Refusal> {
        let leader_epoch = self.check_epoch(part.id, part.current_epoch)?;
        let Some(last_epoch) = part.last_epoch else { return Ok(None) };
        let (epoch, end) = self.end_of_epoch(part.id, last_epoch, leader_epoch).ok_or(ErrorCode::OffsetOutOfRange)?;
        if epoch == last_epoch && end >= part.offset {
            return Ok(None);
        }
        let (log_start, high_watermark) = self.bounds(part.id).ok_or(ErrorCode::NotLeaderOrFollower)?;
        let diverging = Some((epoch, end));
        let next_offset = part.offset;
        Ok(Some(ReadReply { parts: Vec::new(), bytes: 0, next_offset, high_watermark, log_start, diverging }))
    }

    /// Where an epoch ends, by Kafka's rules; `None` for one that has not begun.
    fn end_of_epoch(
        &self,
        id: PartitionId,
        wanted: LeaderEpoch,
        current: LeaderEpoch,
    ) -> Option<(LeaderEpoch, Offset)> {
        // The current one ends with the log, whether or not it has records yet.
        let end = self.shard.offsets(id)?.log_end;
        match wanted.cmp(&current) {
            Ordering::Greater => None,
            Ordering::Equal => Some((wanted, end)),
            Ordering::Less => self.shard.end_of_epoch(id, wanted),
        }
    }

    fn refuse_read(&self, id: PartitionId, refusal: Refusal) -> ReadRefusal {
        ReadRefusal { refusal, bounds: self.bounds(id) }
    }

    fn refuse_error(&self, id: PartitionId, error: ReadError) -> ReadRefusal {
        if matches!(error, ReadError::Damaged { .. } | ReadError::Disk(_)) {
            tracing::error!(%id, %error, "a read failed");
        }
        self.refuse_read(id, error.into())
    }

    /// Reads parts wherever they lie, about `bytes_max` bytes in all, of which each core gets its share by what its
    /// parts ask for; results are in the order of the parts.
    ///
    /// Other cores of which `waits` knows what they have are not asked.
    pub(crate) async fn read_once(
        self: &Rc<Self>,
        parts: &[ReadPart],
        bytes_max: u32,
        waits: Option<&StandingWaits>,
    ) -> Vec<ReadResult> {
        let by_core = self.by_core(parts, |part| part.id);
        if let Some(only) = by_core.get(&Some(self.id)).filter(|_| by_core.len() == 1) {
            debug_assert_eq!(only.len(), parts.len());
            self.count_hop(self.id);
            return self.read_here(parts, Room::of(bytes_max)).await;
        }
        let wish = |indexes: &[usize]| indexes.iter().map(|index| u64::from(parts[*index].bytes_max)).sum::<u64>();
        let wishes = by_core.values().map(|indexes| wish(indexes)).sum::<u64>();
        let share = |indexes: &[usize]| share_of(bytes_max, wish(indexes), wishes);
        let mut results: Vec<Option<ReadResult>> = vec![None; parts.len()];
        let mut calls = Vec::new();
        for (core, indexes) in &by_core {
            match core {
                Some(core) if *core != self.id => {
                    let wanted: Vec<ReadPart> = indexes.iter().map(|index| parts[*index]).collect();
                    match waits.and_then(|waits| waits.known(*core, &wanted)) {
                        Some(known) => {
                            for (index, result) in indexes.iter().zip(known) {
                                results[*index] = Some(result);
                            }
                        }
                        None => {
                            self.count_hop(*core);
                            calls.push((indexes, self.call(*core, Request::Read(wanted, share(indexes)))));
                        }
                    }
                }
                Some(_) => {}
                None => {
                    for index in indexes {
                        let refusal = ErrorCode::UnknownTopicOrPartition.into();
                        results[*index] = Some(Err(ReadRefusal { refusal, bounds: None }));
                    }
                }
            }
        }
        if let Some(indexes) = by_core.get(&Some(self.id)) {
            self.count_hop(self.id);
            let wanted: Vec<ReadPart> = indexes.iter().map(|index| parts[*index]).collect();
            for (index, result) in indexes.iter().zip(self.read_here(&wanted, Room::of(share(indexes))).await) {
                results[*index] = Some(result);
            }
        }
        for (indexes, call) in calls {
            match call.await {
                Ok(Reply::Read(replies)) => {
                    for (index, reply) in indexes.iter().zip(replies) {
                        results[*index] = Some(reply);
                    }
                }
                Ok(_) => {}
                Err(refusal) => {
                    for index in indexes {
                        results[*index] = Some(Err(ReadRefusal { refusal: refusal.clone(), bounds: None }));
                    }
                }
            }
        }
        let unknown = || Err(ReadRefusal { refusal: ErrorCode::UnknownServerError.into(), bounds: None });
        results.into_iter().map(|result| result.unwrap_or_else(unknown)).collect()
    }

    /// Waits until records beyond one of the offsets are safe on this core, at most so long.
    pub(crate) async fn wait_here(&self, offsets: &[(PartitionId, Offset)], milliseconds: u64) {
        let watch = self.shard.watch(offsets);
        // Time passing is as good an end as records arriving.
        let _ = rt::timeout(Duration::from_millis(milliseconds), watch.moved()).await;
    }

    /// Waits until records beyond one of the offsets are safe, wherever, at most so long.
    pub(crate) async fn wait(self: &Rc<Self>, offsets: &[(PartitionId, Offset)], milliseconds: u64) {
        let by_core = self.by_core(offsets, |(id, _)| *id);
        let here: Vec<(PartitionId, Offset)> =
            by_core.get(&Some(self.id)).into_iter().flatten().map(|index| offsets[*index]).collect();
        let mut calls = Vec::new();
        for (core, indexes) in by_core.iter().filter(|(core, _)| core.is_some_and(|core| core != self.id)) {
            let wanted = indexes.iter().map(|index| offsets[*index]).collect();
            calls.push(Box::pin(self.call(core.expect("filtered"), Request::Wait(wanted, milliseconds))));
        }
        let elsewhere = std::future::poll_fn(|context| {
            let any = calls.iter_mut().any(|call| call.as_mut().poll(context).is_ready());
            if any { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        });
        futures_lite::future::or(self.wait_here(&here, milliseconds), elsewhere).await;
    }

    /// Waits until there are records beyond what was found in one of the parts, wherever, at most so long. What is waited
    /// for on other cores stays in `waits`.
    pub(crate) async fn wait_on(
        self: &Rc<Self>,
        (parts, found): (&[ReadPart], &[ReadResult]),
        milliseconds: u64,
        waits: &StandingWaits,
    ) {
        let by_core = self.by_core(parts, |part| part.id);
        let mut here = Vec::new();
        for (core, indexes) in &by_core {
            match core {
                Some(core) if *core != self.id => {
                    let found = indexes.iter().map(|index| (parts[*index], found[*index].clone()));
                    waits.ensure(&self.mesh, &self.standing_memory, *core, found);
                }
                Some(_) | None => {
                    let known =
                        indexes.iter().filter_map(|index| Some((parts[*index].id, found[*index].as_ref().ok()?)));
                    here.extend(known.map(|(id, reply)| (id, reply.high_watermark)));
                }
            }
        }
        futures_lite::future::or(self.wait_here(&here, milliseconds), waits.ended()).await;
        waits.settle();
    }

    /// Answers questions about partitions of this core.
    pub(crate) async fn query_here(&self, queries: &[Query]) -> Vec<Result<QueryAnswer, Refusal>> {
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            answers.push(self.query_one(query).await);
            rt::yield_if_needed().await;
        }
        answers
    }

    async fn query_one(&self, query: &Query) -> Result<QueryAnswer, Refusal> {
        let leader_epoch = self.check_epoch(query.id, query.current_epoch)?;
        let offsets = self.shard.offsets(query.id).ok_or(ErrorCode::NotLeaderOrFollower)?;
        let mut answer = QueryAnswer {
            offset: None,
            timestamp: None,
            epoch: Some(leader_epoch),
            log_start: offsets.log_start,
            high_watermark: offsets.high_watermark,
            log_end: offsets.log_end,
            bytes: offsets.bytes,
        };
        let found = match query.kind {
            QueryKind::Earliest => {
                answer.offset = Some(offsets.log_start);
                None
            }
            QueryKind::Latest => {
                answer.offset = Some(offsets.high_watermark);
                None
            }
            QueryKind::EndOfEpoch(epoch) => {
                let end = self.end_of_epoch(query.id, epoch, leader_epoch);
                answer.epoch = end.map(|(epoch, _)| epoch);
                answer.offset = end.map(|(_, offset)| offset);
                None
            }
            QueryKind::MaxTimestamp => self.shard.newest_record(query.id).await?,
            QueryKind::AtTime(time) => self.shard.offset_for_timestamp(query.id, time).await?,
        };
        if let Some(found) = found {
            answer.offset = Some(found.offset);
            answer.timestamp = Timestamp::from_wire(found.timestamp);
        }
        Ok(answer)
    }

    /// Answers questions about partitions wherever they lie, in the order of the questions.
    pub(crate) async fn query(self: &Rc<Self>, queries: &[Query]) -> Vec<Result<QueryAnswer, Refusal>> {
        let here = async |queries: Vec<Query>| self.query_here(&queries).await;
        let unpack = |reply| if let Reply::Query(answers) = reply { Some(answers) } else { None };
        self.gather(queries, |query| query.id, Request::Query, here, unpack).await
    }

    /// As [`Core::gather`], where the partitions are by now.
    pub(crate) async fn gather_once<T: Copy, R: Clone>(
        self: &Rc<Self>,
        items: &[T],
        id_of: impl Fn(&T) -> PartitionId,
        ask: impl Fn(Vec<T>) -> Request,
        here: impl AsyncFn(Vec<T>) -> Vec<Result<R, Refusal>>,
        unpack: impl Fn(Reply) -> Option<Vec<Result<R, Refusal>>>,
    ) -> Vec<Result<R, Refusal>> {
        let by_core = self.by_core(items, id_of);
        let of = |indexes: &[usize]| indexes.iter().map(|index| items[*index]).collect::<Vec<T>>();
        let mut results = vec![Err(ErrorCode::UnknownTopicOrPartition.into()); items.len()];
        let mut calls = Vec::new();
        for (core, indexes) in &by_core {
            if let Some(core) = core.filter(|core| *core != self.id) {
                calls.push((indexes, self.call(core, ask(of(indexes)))));
            }
        }
        if let Some(indexes) = by_core.get(&Some(self.id)) {
            for (index, result) in indexes.iter().zip(here(of(indexes)).await) {
                results[*index] = result;
            }
        }
        for (indexes, call) in calls {
            let replies = match call.await {
                Ok(reply) => {
                    unpack(reply).unwrap_or_else(|| vec![Err(ErrorCode::UnknownServerError.into()); indexes.len()])
                }
                Err(refusal) => vec![Err(refusal); indexes.len()],
            };
            for (index, reply) in indexes.iter().zip(replies) {
                results[*index] = reply;
            }
        }
        results
    }

    /// Indexes of the items by the core that owns their partition.
    fn by_core<T>(&self, items: &[T], id_of: impl Fn(&T) -> PartitionId) -> BTreeMap<Option<CoreId>, Vec<usize>> {
        let view = self.view();
        let mut by_core: BTreeMap<Option<CoreId>, Vec<usize>> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            by_core.entry(view.core_of(id_of(item))).or_default().push(index);
        }
        by_core
    }
}

fn reply_of(data: ReadData) -> ReadReply {
    ReadReply {
        parts: data.parts,
        bytes: data.bytes,
        next_offset: data.next_offset,
        high_watermark: data.offsets.high_watermark,
        log_start: data.offsets.log_start,
        diverging: None,
    }
}
