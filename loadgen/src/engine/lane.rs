//! One producer's connection to one broker or core: what waits, what is under way, what must be sent again.

use std::collections::VecDeque;

use super::batch::SlotId;
use super::poll::Conn;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) correlation: u32,
    pub(super) sent_at: u64,
    pub(super) slots: Vec<SlotId>,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) conn: Conn,
    /// Batches in the order in which they are to be sent.
    pub(super) queue: VecDeque<SlotId>,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Failed, and to be sent before anything else once nothing is under way.
    pub(super) retry: Vec<SlotId>,
    pub(super) resume_at: u64,
    /// Batches queued, under way or failed.
    pub(super) outstanding: usize,
    pub(super) next_correlation: u32,
    pub(super) requests_since_open: u32,
    pub(super) outage_since: Option<u64>,
    /// Lists of finished requests, to be used again.
    spare: Vec<Vec<SlotId>>,
}

impl Lane {
    pub(super) fn new(conn: Conn, in_flight: usize) -> Self {
        Self {
            conn,
            queue: VecDeque::with_capacity(64),
            in_flight: VecDeque::with_capacity(in_flight),
            retry: Vec::with_capacity(in_flight),
            resume_at: 0,
            outstanding: 0,
            next_correlation: 1,
            requests_since_open: 0,
            outage_since: None,
            spare: Vec::with_capacity(in_flight),
        }
    }

    pub(super) fn spare_list(&mut self) -> Vec<SlotId> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(16))
    }

    pub(super) fn give_list(&mut self, mut list: Vec<SlotId>) {
        list.clear();
        self.spare.push(list);
    }

    /// Takes the request out that an answer belongs to.
    pub(super) fn answered(&mut self, correlation: u32) -> Option<InFlight> {
        let at = self.in_flight.iter().position(|request| request.correlation == correlation)?;
        self.in_flight.remove(at)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.outstanding == 0 && self.in_flight.is_empty()
    }
}
