//! Accepting connections on every core, and giving each to the core with the fewest.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{CoreId, Instant};
use rt::net::{Accepted, BoundListener, Listener};
use shard::task_queues::{CONTROL, FOREGROUND};

use crate::core::Core;
use crate::lanes::Shown;
use crate::messages::Request;
use crate::{kafka, limits, native};

/// After a failed accept (too many open files, say) the listener rests, so that it does not spin.
const REST: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Kafka(Shown),
    Native,
}

impl Door {
    const ALL: [Self; 3] = [Self::Kafka(Shown::Host), Self::Kafka(Shown::Lanes), Self::Native];

    fn name(self) -> &'static str {
        match self {
            Self::Kafka(Shown::Host) => "kafka",
            Self::Kafka(Shown::Lanes) => "kafka_lanes",
            Self::Native => "native",
        }
    }

    fn place(self) -> usize {
        match self {
            Self::Kafka(Shown::Host) => 0,
            Self::Kafka(Shown::Lanes) => 1,
            Self::Native => 2,
        }
    }
}

/// Connections of one core, by doors.
#[derive(Default)]
pub(crate) struct Doors {
    counts: [Cell<DoorCounts>; Door::ALL.len()],
    refused: Cell<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DoorCounts {
    pub(crate) open: u32,
    pub(crate) accepted: u64,
}

impl Doors {
    /// Connections that are served.
    pub(crate) fn open(&self) -> u32 {
        self.counts.iter().map(|counts| counts.get().open).sum()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, DoorCounts)> {
        Door::ALL.into_iter().map(|door| (door.name(), self.counts[door.place()].get()))
    }

    /// Connections that came to this core beyond the limit.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.get()
    }

    fn opened(&self, door: Door) {
        let DoorCounts { open, accepted } = self.counts[door.place()].get();
        self.counts[door.place()].set(DoorCounts { open: open + 1, accepted: accepted + 1 });
    }

    fn closed(&self, door: Door) {
        let counts = self.counts[door.place()].get();
        self.counts[door.place()].set(DoorCounts { open: counts.open - 1, ..counts });
    }
}

/// Connections that are turned away. A log line for each would give whoever sends them a way to fill the disk.
#[derive(Default)]
struct Complaints {
    last: Cell<Option<Instant>>,
    since: Cell<u64>,
}

impl Complaints {
    /// How many there were since the last that was told of, this one included, if it is time to tell.
    fn add(&self, now: Instant) -> Option<u64> {
        self.since.set(self.since.get() + 1);
        let is_time = self.last.get().is_none_or(|last| now.since(last) >= limits::COMPLAINTS_INTERVAL);
        is_time.then(|| {
            self.last.set(Some(now));
            self.since.take()
        })
    }
}

/// A connection on its way to the core that will serve it.
pub(crate) struct HandedOver {
    accepted: Accepted,
    door: Door,
}

impl Core {
    /// Accepts on this core until the broker stops.
    pub(crate) fn listen(self: &Rc<Self>, bound: BoundListener, door: Door) {
        let core = Rc::clone(self);
        let listener = bound.attach();
        let task = async move { core.accept_all(listener, door).await };
        drop(self.connections.spawn(CONTROL, task).expect("the broker is starting"));
    }

    async fn accept_all(self: Rc<Self>, listener: Listener, door: Door) {
        let (mut in_a_row, complaints) = (0, Complaints::default());
        while !self.connections.is_closing() {
            let accepted = futures_lite::future::or(async { Some(listener.accept().await) }, async {
                self.connections.closing().await;
                None
            });
            match accepted.await {
                Some(Ok(accepted)) => self.place(accepted, door, &complaints),
                Some(Err(error)) => self.rest(&error, &complaints).await,
                None => return,
            }
            in_a_row += 1;
            if in_a_row % limits::ACCEPTS_AT_ONCE == 0 {
                rt::yield_now().await;
            }
        }
    }

    async fn rest(&self, error: &io::Error, complaints: &Complaints) {
        if let Some(times) = complaints.add(rt::now()) {
            let (core, limit) = (self.id, self.shared.descriptors.limit);
            if rt::is_short_of_descriptors(error) {
                tracing::warn!(%error, times, %core, limit, "connections are turned away: too many files are open (ulimit -n, LimitNOFILE)");
            } else {
                tracing::warn!(%error, times, %core, "connections could not be accepted");
            }
        }
        futures_lite::future::or(rt::sleep(REST), self.connections.closing()).await;
    }

    /// Chooses the core for a connection. Native clients have chosen by the port that they came to, those of lanes a
    /// group of cores.
    fn place(self: &Rc<Self>, accepted: Accepted, door: Door, complaints: &Complaints) {
        let counts = &self.shared.connections;
        let total: u32 = counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        let (wanted, possible) = (self.live().connections_max, self.shared.descriptors.connections_max);
        if total as usize >= wanted.min(possible) {
            self.doors.refused.set(self.doors.refused.get() + 1);
            if let Some(times) = complaints.add(rt::now()) {
                let peer = accepted.peer();
                if wanted <= possible {
                    tracing::warn!(%peer, times, limit = wanted, "connections.max is reached: closed");
                } else {
                    let open_files = self.shared.descriptors.limit;
                    tracing::warn!(%peer, times, limit = possible, open_files, "no more connections are possible with this limit on open files: closed (ulimit -n, LimitNOFILE)");
                }
            }
            return;
        }
        let target = match door {
            Door::Native => self.id,
            Door::Kafka(shown) => {
                let load = |core: CoreId| (counts[core.as_usize()].load(Ordering::Relaxed), core != self.id);
                self.cores_behind(shown).min_by_key(|core| load(*core)).unwrap_or(self.id)
            }
        };
        counts[target.as_usize()].fetch_add(1, Ordering::Relaxed);
        let handed_over = HandedOver { accepted, door };
        if target == self.id {
            self.take_connection(handed_over);
        } else {
            let call = self.call(target, Request::Connection(Box::new(handed_over)));
            let shared = std::sync::Arc::clone(&self.shared);
            drop(rt::spawn(FOREGROUND, async move {
                if call.await.is_err() {
                    shared.connections[target.as_usize()].fetch_sub(1, Ordering::Relaxed);
                }
            }));
        }
    }

    /// The cores that a listener of this core takes connections for.
    fn cores_behind(&self, shown: Shown) -> impl Iterator<Item = CoreId> {
        let cores = match &self.identity.lanes {
            Some(lanes) if shown == Shown::Lanes => lanes.grouping.cores_of(lanes.grouping.lane_of(self.id)),
            _ => 0..self.cores(),
        };
        cores.map(CoreId)
    }

    /// Serves a connection on this core.
    pub(crate) fn take_connection(self: &Rc<Self>, handed_over: HandedOver) {
        let HandedOver { accepted, door } = handed_over;
        let core = Rc::clone(self);
        let served = async move {
            core.doors.opened(door);
            let peer = accepted.peer();
            let ending = match door {
                Door::Kafka(shown) => kafka::connection::serve(&core, accepted, shown).await,
                Door::Native => native::connection::serve(&core, accepted).await,
            };
            core.doors.closed(door);
            core.endings.add(&ending, door.name(), peer);
            core.shared.connections[core.id.as_usize()].fetch_sub(1, Ordering::Relaxed);
        };
        if self.connections.spawn(FOREGROUND, served).is_err() {
            self.shared.connections[self.id.as_usize()].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_tells_of_all_that_were_turned_away_since_the_last() {
        let complaints = Complaints::default();
        let at = |millis: u64| Instant(5_000_000_000 + millis * 1_000_000);
        assert_eq!(complaints.add(at(0)), Some(1));
        for millis in 1..10_000 {
            assert_eq!(complaints.add(at(millis)), None);
        }
        assert_eq!(complaints.add(at(10_000)), Some(10_000));
        assert_eq!(complaints.add(at(10_001)), None);
        assert_eq!(complaints.add(at(40_000)), Some(2));
    }
}
