//! Those who follow partitions of this core for fetch sessions of other cores; see [`following`](crate::following).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use base::CoreId;
use cluster::fetch_sessions::PartitionKey;
use rt::Flag;
use shard::Follower;
use shard::task_queues::FOREGROUND;

use crate::core::Core;
use crate::limits;
use crate::mesh::CallId;
use crate::messages::{Caller, LookRequest, MovedPart, ReadPart, Reply};
use crate::reads::ReadResult;

/// Each by the call that began it; so there are no more of them than calls of all other cores.
#[derive(Default)]
pub(crate) struct Followers(RefCell<BTreeMap<Caller, Rc<Followed>>>);

/// What one session of another core follows here.
struct Followed {
    by: CoreId,
    follower: Follower,
    /// What the session asked of each partition last.
    parts: RefCell<BTreeMap<PartitionKey, ReadPart>>,
    /// The call that is to be answered when something moves, and whether it may bring records.
    waiting: Cell<Option<(CallId, bool)>>,
    ended: Flag,
}

impl Followers {
    fn get(&self, by: CoreId, call: CallId) -> Option<Rc<Followed>> {
        self.0.borrow().get(&Caller { core: by, call }).map(Rc::clone)
    }
}

impl Core {
    /// Takes a follower in, who ends when the caller gives this call up.
    pub(crate) fn begin_following(self: &Rc<Self>, caller: Caller) {
        let followed = Rc::new(Followed {
            by: caller.core,
            follower: self.shard.follower(),
            parts: RefCell::default(),
            waiting: Cell::new(None),
            ended: Flag::new(),
        });
        self.followers.0.borrow_mut().insert(caller, Rc::clone(&followed));
        let core = Rc::clone(self);
        drop(rt::spawn(FOREGROUND, async move {
            loop {
                let moves = async {
                    followed.follower.moves().await;
                    false
                };
                core.give_moves(&followed);
                let ended = async {
                    followed.ended.wait().await;
                    true
                };
                if futures_lite::future::or(ended, moves).await {
                    return followed.follower.end().await;
                }
            }
        }));
    }

    pub(crate) fn end_following(&self, caller: Caller) {
        let Some(followed) = self.followers.0.borrow_mut().remove(&caller) else { return };
        followed.ended.raise();
        self.answer(caller, Reply::Done);
        if let Some((call, _)) = followed.waiting.take() {
            self.answer(Caller { call, ..caller }, Reply::Done);
        }
    }

    /// Reads for a follower. Whatever has moved before is told before the answer.
    pub(crate) fn look_for(self: &Rc<Self>, caller: Caller, look: LookRequest) {
        let Some(followed) = self.followers.get(caller.core, look.follower) else {
            return self.answer(caller, Reply::Looked(None));
        };
        for key in look.unfollowed {
            followed.follower.unfollow(key.number());
            followed.parts.borrow_mut().remove(&key);
        }
        for (key, part) in &look.parts {
            followed.follower.follow(key.number(), part.id);
            followed.parts.borrow_mut().insert(*key, *part);
        }
        self.give_moves(&followed);
        let parts: Vec<ReadPart> = look.parts.into_iter().map(|(_, part)| part).collect();
        match self.read_from_memory(&parts, look.room) {
            Some(results) => self.answer(caller, Reply::Looked(Some(results))),
            None => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::Looked(Some(core.read_here(&parts, look.room).await)) });
            }
        }
    }

    pub(crate) fn tell_moves(&self, caller: Caller, follower: CallId, may_bring: bool) {
        let Some(followed) = self.followers.get(caller.core, follower) else {
            return self.answer(caller, Reply::Done);
        };
        if let Some((before, _)) = followed.waiting.replace(Some((caller.call, may_bring))) {
            self.answer(Caller { call: before, ..caller }, Reply::Done);
        }
        self.give_moves(&followed);
    }

    /// Answers a follower who waits, if there is something to tell.
    fn give_moves(&self, followed: &Followed) {
        if !followed.follower.has_moved() {
            return;
        }
        let Some((call, may_bring)) = followed.waiting.take() else { return };
        let keys = followed.follower.take_moved(limits::MOVES_MAX);
        let brought = if may_bring { self.bring(followed, &keys) } else { None };
        let mut brought = brought.into_iter().flatten();
        let moved =
            keys.into_iter().map(|key| MovedPart { key: PartitionKey::from_number(key), brought: brought.next() });
        let moved = moved.collect();
        self.answer(Caller { core: followed.by, call }, Reply::Moves(moved, followed.follower.has_moved()));
    }

    /// What is in partitions that have moved, if it is little. They are followed before they are read.
    fn bring(&self, followed: &Followed, keys: &[u64]) -> Option<Vec<(ReadPart, ReadResult)>> {
        if keys.len() > limits::MOVES_BROUGHT_MAX {
            return None;
        }
        let known = followed.parts.borrow();
        let parts: Option<Vec<ReadPart>> =
            keys.iter().map(|key| known.get(&PartitionKey::from_number(*key)).copied()).collect();
        // One that has left is told of, and not followed: following it would be told of at once, again and again.
        let parts = parts.filter(|parts| parts.iter().all(|part| self.bounds(part.id).is_some()))?;
        for (key, part) in keys.iter().zip(&parts) {
            followed.follower.follow(*key, part.id);
        }
        let results = self.read_few(&parts)?;
        Some(parts.into_iter().zip(results).collect())
    }
}
