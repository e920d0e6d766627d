//! Waits on other cores that outlive the fetch they were begun for.
//!
//! A consumer's next fetch mostly names the same offsets on those cores where nothing has come. As long as the wait there
//! goes on, what was found at its beginning is still so: nothing beyond these offsets (the start of a log may have moved
//! without a word). The other core need not be asked again, nor told that one wait ends and the same one begins. When
//! something comes that is small, the answer to the wait brings it, and a message each way is all that it takes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use base::CoreId;

use crate::limits;
use crate::memory::{Held, MemoryPool};
use crate::mesh::{Call, Mesh};
use crate::messages::{ReadPart, ReadReply, Reply, Request};
use crate::reads::ReadResult;

/// The waits of one connection, at most one on each core.
#[derive(Default)]
pub(crate) struct StandingWaits(RefCell<BTreeMap<CoreId, Standing>>);

struct Standing {
    parts: Vec<ReadPart>,
    /// What was found: bounds, and no records.
    results: Vec<ReadResult>,
    call: Call,
    /// The call is over and has brought this.
    brought: Option<Vec<ReadResult>>,
    /// Memory of all this. Without, the wait ends with the fetch that began it.
    held: Option<Held>,
}

/// What a look at a wait shows.
enum Look {
    GoesOn,
    Brought,
    /// The other core has to be asked.
    Over,
}

impl Standing {
    fn look(&mut self, context: &mut Context<'_>) -> Look {
        if self.brought.is_some() {
            return Look::Brought;
        }
        match Pin::new(&mut self.call).poll(context) {
            Poll::Pending => Look::GoesOn,
            Poll::Ready(Ok(Reply::Read(results))) if results.len() == self.parts.len() => {
                self.brought = Some(results);
                Look::Brought
            }
            Poll::Ready(_) => Look::Over,
        }
    }
}

impl StandingWaits {
    /// What these parts of another core give, if a wait has brought it or says that it is still nothing.
    pub(crate) fn known(&self, core: CoreId, parts: &[ReadPart]) -> Option<Vec<ReadResult>> {
        let mut waits = self.0.borrow_mut();
        let mut standing = waits.remove(&core).filter(|standing| standing.held.is_some() && standing.parts == parts)?;
        // Polled again with a waker of its own when the fetch waits.
        match standing.look(&mut Context::from_waker(Waker::noop())) {
            Look::GoesOn => {
                let results = standing.results.clone();
                waits.insert(core, standing);
                Some(results)
            }
            Look::Brought => standing.brought.take(),
            Look::Over => None,
        }
    }

    /// Makes sure of a wait for records beyond what was found in parts of another core. `memory` is where it is counted.
    pub(crate) fn ensure(
        &self,
        mesh: &Rc<Mesh>,
        memory: &MemoryPool,
        on: CoreId,
        found: impl Iterator<Item = (ReadPart, ReadResult)>,
    ) {
        let (parts, results): (Vec<ReadPart>, Vec<ReadResult>) = found.unzip();
        let mut waits = self.0.borrow_mut();
        if waits.get(&on).is_some_and(|standing| standing.parts == parts) {
            return;
        }
        let is_at_end = |(part, result): (&ReadPart, &ReadResult)| {
            let at_end = |reply: &ReadReply| part.offset >= reply.high_watermark && reply.diverging.is_none();
            result.as_ref().is_ok_and(at_end)
        };
        let bytes = parts.len() * limits::STANDING_PART_BYTES;
        let may_stay = bytes <= limits::STANDING_PARTS_BYTES_MAX && parts.iter().zip(&results).all(is_at_end);
        let held = may_stay.then(|| memory.try_take(bytes + limits::STANDING_READ_BYTES as usize)).flatten();
        let request = if held.is_some() {
            Request::Await(parts.clone(), limits::FETCH_WAIT_MS_MAX)
        } else {
            let known = parts.iter().zip(&results).filter_map(|(part, result)| Some((part.id, result.as_ref().ok()?)));
            let beyond = known.map(|(id, reply)| (id, reply.high_watermark)).collect();
            Request::Wait(beyond, limits::FETCH_WAIT_MS_MAX)
        };
        let call = mesh.call(on, request);
        waits.insert(on, Standing { parts, results, call, brought: None, held });
    }

    /// Resolves once one of the waits has ended.
    pub(crate) async fn ended(&self) {
        std::future::poll_fn(|context| {
            let mut any = false;
            self.0.borrow_mut().retain(|_, standing| {
                let look = standing.look(context);
                any |= !matches!(look, Look::GoesOn);
                !matches!(look, Look::Over)
            });
            if any { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// The fetch that waited goes on: only what may stay does.
    pub(crate) fn settle(&self) {
        self.0.borrow_mut().retain(|_, standing| standing.held.is_some());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base::{Offset, PartitionId, TopicId};
    use bytes::Bytes;
    use rt::TaskQueue;
    use rt::sim::{Sim, SimConfig};
    use shard::task_queues::TASK_QUEUES;

    use super::*;
    use crate::mesh::Message;

    const OTHER: CoreId = CoreId(1);

    fn part(offset: u64) -> ReadPart {
        ReadPart {
            id: PartitionId::new(TopicId::from_random(1), 0),
            offset: Offset::new(offset).expect("small"),
            bytes_max: 1_000,
            current_epoch: None,
            last_epoch: None,
        }
    }

    fn nothing_at(offset: u64) -> ReadResult {
        let end = Offset::new(offset).expect("small");
        Ok(ReadReply {
            parts: Vec::new(),
            bytes: 0,
            next_offset: end,
            high_watermark: end,
            log_start: Offset::ZERO,
            diverging: None,
        })
    }

    fn something_after(offset: u64) -> ReadResult {
        let data = Bytes::from_static(b"a batch");
        nothing_at(offset + 1).map(|reply| ReadReply { parts: vec![data], bytes: 7, ..reply })
    }

    fn bytes_of(known: Option<Vec<ReadResult>>) -> Option<u32> {
        Some(known?[0].as_ref().expect("it can be read").bytes)
    }

    /// What the other core is told.
    type Heard = Rc<RefCell<Vec<&'static str>>>;

    /// On the other core something comes so long after a wait began there.
    const MOVES_AFTER: Duration = Duration::from_millis(500);
    /// Messages have arrived by then.
    const ARRIVED: Duration = Duration::from_millis(5);

    async fn be_the_other_core(end: rt::MeshEnd<Message>, heard: Heard) {
        let mut lanes = end.connect().await;
        let (mesh, mut receivers) = Mesh::new(OTHER, &mut lanes);
        let (_, mut lane) = receivers.remove(0);
        while let Some(message) = lane.recv().await {
            match message {
                Message::Call { id, request } => {
                    let (what, reply) = match request {
                        Request::Wait(..) => ("wait", Reply::Moved),
                        // Something small comes after an even offset, and much after an odd one.
                        Request::Await(parts, _) if parts[0].offset.get() % 2 == 0 => {
                            ("await", Reply::Read(vec![something_after(parts[0].offset.get())]))
                        }
                        Request::Await(..) => ("await", Reply::Moved),
                        _ => panic!("it asks for something else"),
                    };
                    heard.borrow_mut().push(what);
                    let mesh = Rc::clone(&mesh);
                    drop(rt::spawn(TaskQueue::DEFAULT, async move {
                        rt::sleep(MOVES_AFTER).await;
                        mesh.answer(CoreId(0), id, reply);
                    }));
                }
                Message::Cancel { .. } => heard.borrow_mut().push("cancel"),
                Message::Answer { .. } => panic!("it was asked nothing"),
            }
        }
    }

    /// Runs `work` on one core, beside another.
    fn with_two_cores(work: impl AsyncFnOnce(Rc<Mesh>, Heard) + 'static) {
        let sim = Sim::new(SimConfig { cores: 2, queues: TASK_QUEUES, ..SimConfig::new(1) });
        let mut ends = rt::mesh::<Message>("test", 2, 16).into_iter();
        let (here, there) = (ends.next().expect("two"), ends.next().expect("two"));
        let heard = Heard::default();
        drop(sim.spawn_on(OTHER, be_the_other_core(there, Rc::clone(&heard))));
        sim.block_on(CoreId(0), async move {
            let mut lanes = here.connect().await;
            let (mesh, receivers) = Mesh::new(CoreId(0), &mut lanes);
            for (_, mut lane) in receivers {
                let mesh = Rc::clone(&mesh);
                drop(rt::spawn(TaskQueue::DEFAULT, async move {
                    while let Some(Message::Answer { id, reply }) = lane.recv().await {
                        mesh.take_answer(id, reply);
                    }
                }));
            }
            work(mesh, heard).await;
        });
    }

    #[test]
    fn fetches_that_find_nothing_new_on_another_core_tell_it_nothing() {
        with_two_cores(async |mesh, heard| {
            let (waits, memory) = (StandingWaits::default(), MemoryPool::new(1 << 20));
            assert!(waits.known(OTHER, &[part(5)]).is_none(), "nobody has asked yet");
            for _fetch in 0..10 {
                waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(5), nothing_at(5))));
                waits.settle();
                rt::sleep(ARRIVED).await;
                let known = waits.known(OTHER, &[part(5)]).expect("nothing has come");
                assert_eq!(known[0].as_ref().map(|reply| reply.high_watermark.get()).ok(), Some(5));
            }
            assert_eq!(*heard.borrow(), ["await"]);
            waits.ended().await;
            assert!(waits.known(OTHER, &[part(5)]).is_none(), "it has to be read");
            waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(6), nothing_at(6))));
            rt::sleep(ARRIVED).await;
            assert_eq!(*heard.borrow(), ["await", "await"]);
        });
    }

    #[test]
    fn what_is_small_comes_with_the_answer_to_the_wait() {
        with_two_cores(async |mesh, heard| {
            let (waits, memory) = (StandingWaits::default(), MemoryPool::new(1 << 20));
            for offset in [4, 6, 8] {
                waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(offset), nothing_at(offset))));
                waits.ended().await;
                waits.settle();
                assert_eq!(bytes_of(waits.known(OTHER, &[part(offset)])), Some(7));
                assert!(waits.known(OTHER, &[part(offset)]).is_none(), "it is given once");
            }
            assert_eq!(*heard.borrow(), ["await", "await", "await"]);
        });
    }

    #[test]
    fn what_has_come_between_two_fetches_is_found_by_the_next() {
        with_two_cores(async |mesh, _| {
            let (waits, memory) = (StandingWaits::default(), MemoryPool::new(1 << 20));
            for (offset, found) in [(5, None), (4, Some(7))] {
                waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(offset), nothing_at(offset))));
                rt::sleep(2 * MOVES_AFTER).await;
                assert_eq!(bytes_of(waits.known(OTHER, &[part(offset)])), found);
            }
        });
    }

    #[test]
    fn what_was_brought_for_another_place_is_not_given() {
        with_two_cores(async |mesh, _| {
            let (waits, memory) = (StandingWaits::default(), MemoryPool::new(1 << 20));
            waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(4), nothing_at(4))));
            waits.ended().await;
            assert!(waits.known(OTHER, &[part(2)]).is_none());
        });
    }

    #[test]
    fn a_fetch_of_something_else_ends_the_wait() {
        with_two_cores(async |mesh, heard| {
            let (waits, memory) = (StandingWaits::default(), MemoryPool::new(1 << 20));
            waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(5), nothing_at(5))));
            assert!(waits.known(OTHER, &[part(4)]).is_none());
            rt::sleep(ARRIVED).await;
            assert_eq!(*heard.borrow(), ["await", "cancel"]);
        });
    }

    #[test]
    fn a_wait_beside_records_that_were_found_or_without_memory_ends_with_its_fetch() {
        with_two_cores(async |mesh, heard| {
            let waits = StandingWaits::default();
            for (memory, found_at) in [(1 << 20, 4), (100, 5)] {
                let memory = MemoryPool::new(memory);
                waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(found_at), nothing_at(5))));
                waits.settle();
                rt::sleep(ARRIVED).await;
                assert_eq!(heard.take(), ["wait", "cancel"]);
                assert!(waits.known(OTHER, &[part(found_at)]).is_none());
            }
        });
    }

    #[test]
    fn what_a_wait_holds_is_counted_and_given_back() {
        with_two_cores(async |mesh, _| {
            let bytes = limits::STANDING_PART_BYTES + limits::STANDING_READ_BYTES as usize;
            let (waits, memory) = (StandingWaits::default(), MemoryPool::new(bytes));
            waits.ensure(&mesh, &memory, OTHER, std::iter::once((part(5), nothing_at(5))));
            assert!(memory.try_take(1).is_none());
            drop(waits);
            assert!(memory.try_take(1).is_some());
        });
    }
}
