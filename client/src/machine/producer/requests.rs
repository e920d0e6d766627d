//! Requests that are unanswered, and the destinations that partitions stand in line for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::PartitionId;

use super::event::RequestId;
use crate::machine::accumulator::BatchId;
use crate::machine::route::Destination;

/// Requests that are unanswered.
#[derive(Debug, Default)]
pub(super) struct Requests {
    next: u64,
    unanswered: BTreeMap<RequestId, (Destination, Vec<(PartitionId, BatchId)>)>,
}

impl Requests {
    pub(super) fn next_id(&mut self) -> RequestId {
        self.next += 1;
        RequestId(self.next)
    }

    pub(super) fn sent(&mut self, request: RequestId, to: Destination, batches: Vec<(PartitionId, BatchId)>) {
        self.unanswered.insert(request, (to, batches));
    }

    /// `None` for a request that was settled before.
    pub(super) fn take(&mut self, request: RequestId) -> Option<(Destination, Vec<(PartitionId, BatchId)>)> {
        self.unanswered.remove(&request)
    }

    pub(super) fn len(&self) -> usize {
        self.unanswered.len()
    }
}

/// Who stands in line for which destination, and how much each can take.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    known: BTreeMap<Destination, Line>,
    /// Those with somebody in line that can take a request, or are not connected.
    open: BTreeSet<Destination>,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<PartitionId>,
    link: Link,
    in_flight: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Link {
    #[default]
    None,
    Connecting,
    Connected {
        requests_in_flight_max: usize,
        request_bytes_max: usize,
    },
}

impl Line {
    fn can_go_on(&self) -> bool {
        !self.waiting.is_empty()
            && match self.link {
                Link::None => true,
                Link::Connecting => false,
                Link::Connected { requests_in_flight_max, .. } => self.in_flight < requests_in_flight_max,
            }
    }
}

impl Destinations {
    pub(super) fn connected(&mut self, destination: Destination, requests_in_flight_max: usize, bytes_max: usize) {
        let link = Link::Connected { requests_in_flight_max, request_bytes_max: bytes_max };
        self.change(destination, |line| line.link = link);
    }

    pub(super) fn connecting(&mut self, destination: Destination) {
        self.change(destination, |line| line.link = Link::Connecting);
    }

    pub(super) fn disconnected(&mut self, destination: Destination) {
        self.change(destination, |line| line.link = Link::None);
    }

    pub(super) fn list(&mut self, destination: Destination, partition: PartitionId) {
        self.change(destination, |line| line.waiting.push_back(partition));
    }

    pub(super) fn sent(&mut self, destination: Destination) {
        self.change(destination, |line| line.in_flight += 1);
    }

    pub(super) fn answered(&mut self, destination: Destination) {
        self.change(destination, |line| line.in_flight -= 1);
    }

    /// A destination with somebody in line that can take a request, or has to be connected to first.
    pub(super) fn next_with_room(&self) -> Option<Destination> {
        self.open.first().copied()
    }

    /// `None` where there is no connection.
    pub(super) fn request_bytes_max(&self, destination: Destination) -> Option<usize> {
        match self.known.get(&destination)?.link {
            Link::Connected { request_bytes_max, .. } => Some(request_bytes_max),
            Link::None | Link::Connecting => None,
        }
    }

    pub(super) fn take_line(&mut self, destination: Destination) -> VecDeque<PartitionId> {
        let mut taken = VecDeque::new();
        self.change(destination, |line| taken = std::mem::take(&mut line.waiting));
        taken
    }

    /// Puts back what is left, in front of those who joined meanwhile.
    pub(super) fn return_line(&mut self, destination: Destination, mut left: VecDeque<PartitionId>) {
        self.change(destination, |line| {
            left.append(&mut line.waiting);
            line.waiting = left;
        });
    }

    fn change(&mut self, destination: Destination, change: impl FnOnce(&mut Line)) {
        let line = self.known.entry(destination).or_default();
        change(line);
        if line.can_go_on() {
            self.open.insert(destination);
        } else {
            self.open.remove(&destination);
        }
        if line.waiting.is_empty() && line.in_flight == 0 && matches!(line.link, Link::None) {
            self.known.remove(&destination);
        }
    }
}
