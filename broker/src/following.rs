//! What the fetch sessions of this core follow: partitions here and on other cores, of which each tells when it moves.
//!
//! A core that owns partitions of a session is asked to follow them as they are looked at, and goes on with that between
//! fetches. A [call](Request::Moves) stays open there, whose answer names those that have moved; when that is little, it
//! brings their records, and a message each way is all that a record takes. Nothing is asked of a core where nothing moves.
//!
//! No move is missed: lanes keep their order, so a core follows a partition before it reads it; what it then tells stays
//! with the session until the session knows, whether or not the fetch that waited is still there; and when a core cannot
//! be reached, or does not know of the session, it counts as if all that it followed had moved.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use base::CoreId;
use cluster::fetch_sessions::{FetchSessionId, PartitionKey};
use rt::Notify;
use shard::Follower;
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;

use crate::core::Core;
use crate::limits;
use crate::memory::Held;
use crate::mesh::Call;
use crate::messages::{LookRequest, ReadPart, ReadRefusal, Reply, Request, Room, share_of};
use crate::reads::ReadResult;
use crate::refusal::Refusal;
use crate::view::ClusterView;

/// By session; there are as many as sessions.
#[derive(Default)]
pub(crate) struct Followings(RefCell<BTreeMap<FetchSessionId, Rc<Following>>>);

pub(crate) struct Following {
    here: Follower,
    elsewhere: RefCell<BTreeMap<CoreId, Elsewhere>>,
    /// What this core and others need not follow any more and were not told yet; of each at most
    /// [`limits::UNFOLLOWED_MAX`].
    unfollowed: RefCell<BTreeMap<CoreId, Vec<PartitionKey>>>,
    /// Another fetch goes on with the session, or it has ended.
    pub(crate) superseded: Notify,
}

/// What is followed on another core.
struct Elsewhere {
    /// The other core follows as long as nobody drops this. It is dropped before the call that follows.
    life: Call,
    /// `None` once it is answered, until it is made again.
    moves: Option<Call>,
    /// What it has brought since somebody asked.
    moved: Vec<PartitionKey>,
    has_more: bool,
    brought: BTreeMap<PartitionKey, (ReadPart, ReadResult)>,
    is_lost: bool,
    /// Memory of what is brought; without, nothing is.
    held: Option<Held>,
}

/// What has moved since it was asked.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) keys: Vec<PartitionKey>,
    /// These cores follow nothing any more.
    pub(crate) lost: Vec<CoreId>,
    /// There is more to hear at once.
    pub(crate) has_more: bool,
}

/// A partition that a fetch looks at.
#[derive(Clone, Copy)]
pub(crate) struct LookAt {
    pub(crate) key: PartitionKey,
    pub(crate) part: ReadPart,
    pub(crate) owner: Option<CoreId>,
}

/// What was found.
pub(crate) struct Looked {
    pub(crate) results: Vec<ReadResult>,
    /// These were found on another core than the one that follows them.
    pub(crate) strayed: Vec<PartitionKey>,
    pub(crate) lost: Vec<CoreId>,
}

/// What one core is asked in a look.
struct Line {
    /// Those that are not asked yet, the next one last.
    left: Vec<usize>,
    room: Room,
}

impl Followings {
    pub(crate) fn get(&self, id: FetchSessionId) -> Option<Rc<Following>> {
        self.0.borrow().get(&id).map(Rc::clone)
    }
}

impl Core {
    /// To be called when a session was made.
    pub(crate) fn follow_for(&self, id: FetchSessionId) {
        let following = Following {
            here: self.shard.follower(),
            elsewhere: RefCell::default(),
            unfollowed: RefCell::default(),
            superseded: Notify::new(),
        };
        let before = self.followings.0.borrow_mut().insert(id, Rc::new(following));
        assert!(before.is_none(), "a session ends before another one has its number");
    }

    /// Follows nothing any more for sessions that have ended; to be called whenever some may have.
    pub(crate) fn end_followings(&self) {
        for id in self.fetch_sessions.borrow_mut().take_ended() {
            let Some(following) = self.followings.0.borrow_mut().remove(&id) else { continue };
            following.superseded.notify_all();
            following.elsewhere.borrow_mut().clear();
            drop(rt::spawn(FOREGROUND, async move { following.here.end().await }));
        }
    }
}

impl Elsewhere {
    fn begin(core: &Rc<Core>, on: CoreId) -> Self {
        let held = core.standing_memory.try_take(limits::STANDING_READ_BYTES as usize);
        let life = core.call(on, Request::Follow);
        let (moves, moved, brought) = (None, Vec::new(), BTreeMap::new());
        let mut begun = Self { life, moves, moved, has_more: false, brought, is_lost: false, held };
        begun.await_moves(core, on);
        begun
    }

    /// Has the other core tell what moves next.
    fn await_moves(&mut self, core: &Rc<Core>, on: CoreId) {
        let may_bring = self.held.is_some() && self.brought.is_empty();
        match self.life.id() {
            Some(follower) => self.moves = Some(core.call(on, Request::Moves { follower, may_bring })),
            None => self.is_lost = true,
        }
    }

    /// Takes what has come. Whether there is something to hear.
    fn listen(&mut self, context: &mut Context<'_>) -> bool {
        if self.is_lost {
            return true;
        }
        let Some(moves) = &mut self.moves else { return true };
        if Pin::new(&mut self.life).poll(context).is_ready() {
            self.is_lost = true;
            return true;
        }
        match Pin::new(moves).poll(context) {
            Poll::Pending => return false,
            Poll::Ready(Ok(Reply::Moves(moved, has_more))) => {
                self.moves = None;
                self.has_more = has_more;
                for part in moved {
                    self.moved.push(part.key);
                    // What was brought before is older.
                    self.brought.remove(&part.key);
                    if let Some(brought) = part.brought {
                        self.brought.insert(part.key, brought);
                    }
                }
            }
            Poll::Ready(_) => self.is_lost = true,
        }
        true
    }
}

impl Following {
    /// What has moved, as far as it has come here.
    pub(crate) fn hear(&self, core: &Rc<Core>) -> Heard {
        let keys = self.here.take_moved(limits::MOVES_MAX).into_iter().map(PartitionKey::from_number).collect();
        let mut heard = Heard { keys, lost: Vec::new(), has_more: self.here.has_moved() };
        for (on, elsewhere) in self.elsewhere.borrow_mut().iter_mut() {
            // Polled again with a waker of its own when the fetch waits.
            if !elsewhere.listen(&mut Context::from_waker(Waker::noop())) {
                continue;
            }
            if elsewhere.is_lost {
                heard.lost.push(*on);
                continue;
            }
            heard.keys.append(&mut elsewhere.moved);
            heard.has_more |= elsewhere.has_more;
            elsewhere.await_moves(core, *on);
        }
        self.lose(&heard.lost);
        heard
    }

    /// Makes sure that [`hear`](Self::hear) gives whatever has moved until now, if it was asked just before: what was there
    /// already has made room for the rest.
    pub(crate) async fn catch_up(&self, core: &Rc<Core>) {
        let asked: Vec<(CoreId, Call)> = {
            let elsewhere = self.elsewhere.borrow();
            let followers = elsewhere.iter().filter_map(|(on, elsewhere)| Some((*on, elsewhere.life.id()?)));
            let nothing =
                |follower| LookRequest { follower, unfollowed: Vec::new(), parts: Vec::new(), room: Room::of(0) };
            followers.map(|(on, follower)| (on, core.call(on, Request::Look(Box::new(nothing(follower)))))).collect()
        };
        for (on, call) in asked {
            if !matches!(call.await, Ok(Reply::Looked(Some(_)))) {
                self.elsewhere.borrow_mut().get_mut(&on).into_iter().for_each(|elsewhere| elsewhere.is_lost = true);
            }
        }
    }

    /// Resolves when there is something to hear.
    pub(crate) async fn moved(&self) {
        let here = async {
            loop {
                let moves = self.here.moves();
                if self.here.has_moved() {
                    return;
                }
                moves.await;
            }
        };
        let elsewhere = std::future::poll_fn(|context| {
            let mut any = false;
            for elsewhere in self.elsewhere.borrow_mut().values_mut() {
                any |= elsewhere.listen(context);
            }
            if any { Poll::Ready(()) } else { Poll::Pending }
        });
        futures_lite::future::or(here, elsewhere).await;
    }

    /// Has cores follow these no more, with the next look at the latest.
    pub(crate) fn unfollow(&self, core: &Core, unfollowed: BTreeMap<CoreId, Vec<PartitionKey>>) {
        for (on, mut keys) in unfollowed {
            let mut waiting = self.unfollowed.borrow_mut();
            let waiting = waiting.entry(on).or_default();
            waiting.append(&mut keys);
            if waiting.len() <= limits::UNFOLLOWED_MAX {
                continue;
            }
            // Fetches were given up again and again before they could tell.
            if on == core.id {
                waiting.drain(..).for_each(|key| self.here.unfollow(key.number()));
            } else {
                waiting.clear();
                self.elsewhere.borrow_mut().get_mut(&on).into_iter().for_each(|elsewhere| elsewhere.is_lost = true);
            }
        }
    }

    /// What is looked at was to be unfollowed, by a look that was given up, and is not any more.
    fn follow_again(&self, looks: &[LookAt]) {
        let mut unfollowed = self.unfollowed.borrow_mut();
        if unfollowed.is_empty() {
            return;
        }
        let looked: BTreeSet<_> = looks.iter().filter_map(|look| Some((look.owner?, look.key))).collect();
        for (on, keys) in unfollowed.iter_mut() {
            keys.retain(|key| !looked.contains(&(*on, *key)));
        }
        unfollowed.retain(|_, keys| !keys.is_empty());
    }

    fn next_unfollowed(&self, on: CoreId) -> Vec<PartitionKey> {
        let mut unfollowed = self.unfollowed.borrow_mut();
        let Some(keys) = unfollowed.get_mut(&on) else { return Vec::new() };
        let taken = keys.split_off(keys.len().saturating_sub(limits::LOOK_PARTITIONS_MAX));
        if keys.is_empty() {
            unfollowed.remove(&on);
        }
        taken
    }

    fn lose(&self, cores: &[CoreId]) {
        for on in cores {
            self.elsewhere.borrow_mut().remove(on);
            self.unfollowed.borrow_mut().remove(on);
        }
    }

    /// Looks at partitions, and follows them from before that on; about `bytes_max` bytes in all, of which each core gets
    /// its share by what is asked of it. Owners are those of `view`.
    pub(crate) async fn look(
        &self,
        core: &Rc<Core>,
        view: Arc<ClusterView>,
        looks: &[LookAt],
        bytes_max: u32,
    ) -> Looked {
        let mut lost = Vec::new();
        self.follow_again(looks);
        let mut results = self.take_brought(looks);
        let mut lines = lines(looks, &results, self.unfollowed.borrow().keys(), bytes_max);
        while !lines.is_empty() {
            let mut calls = Vec::new();
            for (on, line) in lines.iter_mut().filter(|(on, _)| **on != core.id) {
                let slice = line.next_slice();
                let call = self.ask(core, *on, (looks, &slice), line.room);
                calls.push((*on, slice, call));
            }
            if let Some(line) = lines.get_mut(&core.id) {
                let slice = line.next_slice();
                let found = self.look_here(core, (looks, &slice), line.room).await;
                line.put(&mut results, &slice, found);
            }
            for (on, slice, call) in calls {
                let line = lines.get_mut(&on).expect("it was just asked");
                let refusal = match call.await {
                    Ok(Reply::Looked(Some(found))) if found.len() == slice.len() => {
                        line.put(&mut results, &slice, found);
                        continue;
                    }
                    Ok(_) => ErrorCode::UnknownServerError.into(),
                    Err(refusal) => refusal,
                };
                lost.push(on);
                self.unfollowed.borrow_mut().remove(&on);
                line.refuse(&mut results, &slice, &refusal);
            }
            lines.retain(|on, line| !line.left.is_empty() || self.unfollowed.borrow().contains_key(on));
            rt::yield_if_needed().await;
        }
        self.lose(&lost);
        let unknown = || refused(&ErrorCode::UnknownTopicOrPartition.into());
        let results: Vec<ReadResult> = results.into_iter().map(|result| result.unwrap_or_else(unknown)).collect();
        let strayed = RefCell::new(Vec::new());
        let again = async |looks: &[LookAt], so_far: &[ReadResult]| {
            strayed.borrow_mut().extend(looks.iter().map(|look| look.key));
            let parts: Vec<ReadPart> = looks.iter().map(|look| look.part).collect();
            let taken: u32 = so_far.iter().flatten().map(|reply| reply.bytes).fold(0, u32::saturating_add);
            core.read_once(&parts, bytes_max.saturating_sub(taken), None).await
        };
        let results = core.ask_again(looks, |look| look.part.id, (view, results), again).await;
        Looked { results, strayed: strayed.into_inner(), lost }
    }

    /// What has come of these partitions without being asked for. All else that was brought is of no use.
    fn take_brought(&self, looks: &[LookAt]) -> Vec<Option<ReadResult>> {
        let mut elsewhere = self.elsewhere.borrow_mut();
        let brought = looks.iter().map(|look| {
            let (part, result) = elsewhere.get_mut(&look.owner?)?.brought.remove(&look.key)?;
            (part == look.part).then_some(result)
        });
        let brought = brought.collect();
        elsewhere.values_mut().for_each(|elsewhere| elsewhere.brought.clear());
        brought
    }

    fn ask(&self, core: &Rc<Core>, on: CoreId, (looks, slice): (&[LookAt], &[usize]), room: Room) -> Call {
        let unfollowed = self.next_unfollowed(on);
        let mut elsewhere = self.elsewhere.borrow_mut();
        let elsewhere = elsewhere.entry(on).or_insert_with(|| Elsewhere::begin(core, on));
        let parts = slice.iter().map(|at| (looks[*at].key, looks[*at].part)).collect();
        match elsewhere.life.id() {
            Some(follower) => {
                if !slice.is_empty() {
                    core.count_hop(on);
                }
                core.call(on, Request::Look(Box::new(LookRequest { follower, unfollowed, parts, room })))
            }
            None => {
                let text = format!("core {on} cannot be asked to follow more partitions");
                Call::refused(&core.mesh, on, Refusal::new(ErrorCode::RequestTimedOut, text))
            }
        }
    }

    async fn look_here(&self, core: &Rc<Core>, (looks, slice): (&[LookAt], &[usize]), room: Room) -> Vec<ReadResult> {
        self.next_unfollowed(core.id).into_iter().for_each(|key| self.here.unfollow(key.number()));
        let parts: Vec<ReadPart> = slice.iter().map(|at| looks[*at].part).collect();
        for at in slice {
            self.here.follow(looks[*at].key.number(), looks[*at].part.id);
        }
        if !slice.is_empty() {
            core.count_hop(core.id);
        }
        core.read_here(&parts, room).await
    }
}

/// What each core is asked that has a part in a look.
fn lines<'a>(
    looks: &[LookAt],
    known: &[Option<ReadResult>],
    unfollowed_on: impl Iterator<Item = &'a CoreId>,
    bytes_max: u32,
) -> BTreeMap<CoreId, Line> {
    let new = || Line { left: Vec::new(), room: Room::of(0) };
    let mut lines: BTreeMap<CoreId, Line> = unfollowed_on.map(|on| (*on, new())).collect();
    for (at, look) in looks.iter().enumerate().rev() {
        if let Some(owner) = look.owner.filter(|_| known[at].is_none()) {
            lines.entry(owner).or_insert_with(new).left.push(at);
        }
    }
    let wish = |line: &Line| line.left.iter().map(|at| u64::from(looks[*at].part.bytes_max)).sum::<u64>();
    let wishes = lines.values().map(wish).sum::<u64>();
    for line in lines.values_mut() {
        line.room = Room::of(share_of(bytes_max, wish(line), wishes));
    }
    lines
}

impl Line {
    fn next_slice(&mut self) -> Vec<usize> {
        let rest = self.left.len().saturating_sub(limits::LOOK_PARTITIONS_MAX);
        let mut slice = self.left.split_off(rest);
        slice.reverse();
        slice
    }

    fn put(&mut self, results: &mut [Option<ReadResult>], slice: &[usize], found: Vec<ReadResult>) {
        for (at, result) in slice.iter().zip(found) {
            self.room.take(result.as_ref().map_or(0, |reply| reply.bytes));
            results[*at] = Some(result);
        }
    }

    /// The core does not answer; nothing more is asked of it.
    fn refuse(&mut self, results: &mut [Option<ReadResult>], slice: &[usize], refusal: &Refusal) {
        for at in slice.iter().chain(&self.left) {
            results[*at] = Some(refused(refusal));
        }
        self.left.clear();
    }
}

fn refused(refusal: &Refusal) -> ReadResult {
    Err(ReadRefusal { refusal: refusal.clone(), bounds: None })
}

#[cfg(test)]
mod tests {
    use base::{Offset, PartitionId, TopicId};

    use super::*;

    fn look_at(number: u64, owner: Option<u16>) -> LookAt {
        let id = PartitionId::new(TopicId::from_random(1), 0);
        let part = ReadPart { id, offset: Offset::ZERO, bytes_max: 100, current_epoch: None, last_epoch: None };
        LookAt { key: PartitionKey::from_number(number), part, owner: owner.map(CoreId) }
    }

    #[test]
    fn each_core_is_asked_for_its_partitions_in_order_a_few_at_a_time_with_its_share_of_the_bytes() {
        let owners = |number: u64| if number == 0 { None } else { Some(u16::from(number % 4 == 1)) };
        let looks: Vec<LookAt> = (0..401).map(|number| look_at(number, owners(number))).collect();
        let mut known = vec![None; 401];
        known[1] = Some(refused(&ErrorCode::UnknownServerError.into()));
        let lines = lines(&looks, &known, [CoreId(5)].iter(), 1_000);
        assert_eq!(lines.keys().copied().collect::<Vec<_>>(), [CoreId(0), CoreId(1), CoreId(5)]);
        assert_eq!(lines.values().map(|line| line.room.bytes).collect::<Vec<_>>(), [751, 248, 1]);
        for (on, line) in lines {
            let mut line = line;
            let slices: Vec<Vec<usize>> =
                std::iter::from_fn(|| Some(line.next_slice()).filter(|slice| !slice.is_empty())).collect();
            assert!(slices.iter().all(|slice| slice.len() <= limits::LOOK_PARTITIONS_MAX));
            let expected: Vec<usize> = (2..401).filter(|at| looks[*at].owner == Some(on)).collect();
            assert_eq!(slices.concat(), expected);
        }
    }

    #[test]
    fn whoever_asks_for_all_there_is_of_very_many_gets_a_share_of_it() {
        let mut looks: Vec<LookAt> = (0..100_000).map(|number| look_at(number, Some(1))).collect();
        looks.iter_mut().for_each(|look| look.part.bytes_max = limits::FETCH_BYTES_MAX);
        looks[0].owner = Some(CoreId(0));
        let lines = lines(&looks, &vec![None; looks.len()], std::iter::empty(), limits::FETCH_BYTES_MAX);
        let shares: Vec<u32> = lines.values().map(|line| line.room.bytes).collect();
        assert_eq!(shares, [limits::FETCH_BYTES_MAX / 100_000, limits::FETCH_BYTES_MAX - 577]);
    }

    #[test]
    fn a_core_that_does_not_answer_is_asked_nothing_more() {
        let looks: Vec<LookAt> = (0..300).map(|number| look_at(number, Some(1))).collect();
        let mut results = vec![None; 300];
        let mut lines = lines(&looks, &results, std::iter::empty(), 1_000);
        let line = lines.get_mut(&CoreId(1)).expect("it has parts");
        let slice = line.next_slice();
        line.refuse(&mut results, &slice, &ErrorCode::RequestTimedOut.into());
        assert!(line.left.is_empty() && results.iter().all(|result| matches!(result, Some(Err(_)))));
    }
}
