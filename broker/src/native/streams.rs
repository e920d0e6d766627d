//! Fetch streams: the client grants bytes, the broker pushes batches as they become safe.

use std::cell::Cell;
use std::rc::Rc;

use base::{Offset, PartitionId};
use rt::Notify;
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;
use wire::native::{
    CorrelationId, ErrorCode as NativeCode, FetchClose, FetchData, FetchEnded, FetchGrant, FetchOpen, FetchOpened,
    Payload, StreamId,
};

use super::connection::{Arrived, Connection};
use super::native_code;
use crate::limits;
use crate::memory::Held;
use crate::messages::{ReadPart, ReadReply};
use crate::refusal::Refusal;

/// One stream of one partition.
pub(super) struct Stream {
    id: StreamId,
    /// Of the request that opened it; all that is pushed carries the same.
    correlation: CorrelationId,
    partition: PartitionId,
    frame_bytes_max: u32,
    /// Bytes that may be sent; below zero after a whole batch that was larger than what was left. The client counts the same.
    credit: Cell<i64>,
    closed: Cell<bool>,
    changed: Notify,
}

impl Stream {
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.changed.notify_all();
    }

    /// Grants don't resolve it: a wait for records at another core would be given up and begun again for each.
    async fn closed(&self) {
        while !self.closed.get() {
            self.changed.notified().await;
        }
    }
}

pub(super) fn open(connection: &Rc<Connection>, arrived: &Arrived, open: &FetchOpen) -> Result<(), Refusal> {
    let invalid = |text: String| Refusal::new(ErrorCode::InvalidRequest, text);
    let mut streams = connection.streams.borrow_mut();
    if streams.contains_key(&open.stream) {
        return Err(invalid(format!("stream {} is open already", open.stream.0)));
    }
    if streams.len() >= limits::STREAMS_PER_CONNECTION_MAX {
        return Err(invalid(format!("a connection has at most {} streams", limits::STREAMS_PER_CONNECTION_MAX)));
    }
    let stream = Rc::new(Stream {
        id: open.stream,
        correlation: arrived.prefix.correlation,
        partition: PartitionId { topic: open.topic, index: open.partition },
        frame_bytes_max: open.frame_bytes_max.clamp(1, connection.limits.payload_bytes_max()),
        credit: Cell::new(i64::from(open.credit_bytes)),
        closed: Cell::new(false),
        changed: Notify::new(),
    });
    streams.insert(open.stream, Rc::clone(&stream));
    drop(streams);
    let (worker, offset) = (Rc::clone(connection), open.offset);
    drop(rt::spawn(FOREGROUND, async move {
        // The batch that comes with them is let go of: the stream may get its first credit much later.
        let opened = worker.read(&stream, offset, 0).await.map(|reply| (reply.high_watermark, reply.log_start));
        let bounds = opened.as_ref().ok().copied();
        let reply = FetchOpened {
            stream: stream.id,
            high_watermark: bounds.map(|(end, _)| end),
            log_start_offset: bounds.map(|(_, start)| start),
        };
        worker.reply(stream.correlation, &reply);
        let ended = match opened {
            Ok(_) => worker.push_batches(&stream, offset).await,
            Err(refusal) => Err(refusal),
        };
        worker.end_stream(&stream, ended.err());
    }));
    Ok(())
}

pub(super) fn grant(connection: &Connection, grant: FetchGrant) {
    if let Some(stream) = connection.streams.borrow().get(&grant.stream) {
        stream.credit.set(stream.credit.get().saturating_add(i64::from(grant.bytes)));
        stream.changed.notify_all();
    }
}

pub(super) fn close(connection: &Connection, close: FetchClose) {
    // It stays among the streams until its last frame is on its way.
    if let Some(stream) = connection.streams.borrow().get(&close.stream) {
        stream.close();
    }
}

impl Connection {
    /// Reads for a stream, wherever its partition is. With no bytes asked for, only looks at the log's bounds.
    async fn read(&self, stream: &Stream, offset: Offset, bytes_max: u32) -> Result<ReadReply, Refusal> {
        let part = ReadPart { id: stream.partition, offset, bytes_max, current_epoch: None, last_epoch: None };
        let mut results = self.core.read(&[part], bytes_max, None).await;
        results.pop().expect("one part gives one result").map_err(|refused| refused.refusal)
    }

    /// Pushes whole batches from `offset` on until the stream is closed or cannot go on.
    async fn push_batches(&self, stream: &Stream, mut offset: Offset) -> Result<(), Refusal> {
        // What a read has found, if that was more than there was room for.
        let mut needed = None;
        loop {
            while stream.credit.get() <= 0 && !stream.closed.get() {
                stream.changed.notified().await;
            }
            if stream.closed.get() || !self.outbox.room().await {
                return Ok(());
            }
            let credit = usize::try_from(stream.credit.get()).unwrap_or(usize::MAX);
            let wanted = credit.min(stream.frame_bytes_max as usize);
            let Some(mut held) = self.room_for(stream, wanted, needed.take()).await else { return Ok(()) };
            let granted = u32::try_from(held.bytes().min(wanted)).unwrap_or(u32::MAX);
            let reply = self.read(stream, offset, granted).await?;
            let bytes = reply.bytes as usize;
            if !held.try_resize(bytes) {
                // The first batch is given whole, however large, once there is room for it.
                needed = Some(bytes);
                continue;
            }
            if stream.closed.get() || self.core.connections.is_closing() {
                return Ok(());
            }
            if reply.bytes == 0 {
                drop(held);
                let beyond = [(stream.partition, reply.high_watermark)];
                let moved = self.core.wait(&beyond, limits::STREAM_WAIT_MS);
                let stopped = futures_lite::future::or(stream.closed(), self.core.connections.closing());
                futures_lite::future::or(moved, stopped).await;
                continue;
            }
            stream.credit.set(stream.credit.get() - i64::from(reply.bytes));
            offset = reply.next_offset;
            self.push_data(stream, reply, held);
        }
    }

    /// Memory for a read of up to `most` bytes, of which a part will do, or of all that was found to be `needed`; `None`
    /// when the stream is closed meanwhile.
    async fn room_for(&self, stream: &Stream, most: usize, needed: Option<usize>) -> Option<Held> {
        let mut taken = match needed {
            None => self.core.answer_memory.take_some(limits::FETCH_ROOM_BYTES_MIN, most),
            Some(bytes) => self.core.answer_memory.take(bytes),
        };
        while !stream.closed.get() {
            let changed = async {
                stream.changed.notified().await;
                None
            };
            let held = futures_lite::future::or(async { Some((&mut taken).await) }, changed).await;
            if held.is_some() {
                return held;
            }
        }
        None
    }

    fn push_data(&self, stream: &Stream, reply: ReadReply, held: Held) {
        let first = reply.parts.first().and_then(|part| wire::batch::peek_base_offset(part));
        let mut payload = Payload::default();
        for part in reply.parts {
            if payload.push(part).is_err() {
                tracing::error!("a read gave more than a frame can hold");
                return;
            }
        }
        let data = FetchData {
            stream: stream.id,
            base_offset: first,
            next_offset: Some(reply.next_offset),
            high_watermark: Some(reply.high_watermark),
            log_start_offset: Some(reply.log_start),
            timings: None,
            core: self.core.elsewhere(stream.partition),
        };
        self.push_with_payload(stream.correlation, &data, payload, Some(held));
    }

    /// Says the last word on a stream, unless the connection is over.
    fn end_stream(&self, stream: &Stream, refusal: Option<Refusal>) {
        // With the connection gone there is nobody to tell.
        if self.streams.borrow_mut().remove(&stream.id).is_none() {
            return;
        }
        let stopped = || ErrorCode::BrokerNotAvailable.into();
        let refusal = refusal.or_else(|| (!stream.closed.get()).then(stopped));
        let error = refusal.as_ref().map_or(NativeCode::NONE, native_code);
        let message = refusal.as_ref().and_then(|refusal| refusal.message.as_deref());
        let ended = FetchEnded { stream: stream.id, error, message };
        self.push_with_payload(stream.correlation, &ended, Payload::default(), None);
    }
}
