//! Somebody who wants to know which of many partitions have moved, and looks at those only.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use base::PartitionId;
use rt::Notify;

use crate::shard::Shard;
use crate::store::Store;

/// Follows partitions of this core, each under a key that its owner has chosen.
///
/// A partition that moves (its high watermark, its log start, its leader's epoch, or it leaves this core) is told of once,
/// and then has to be followed again. To miss nothing: follow, look, and look again when it has moved.
pub struct Follower {
    store: Rc<Store>,
    moves: Rc<Moves>,
}

/// What a follower is told. A key is in one of the two at most.
#[derive(Default)]
pub(crate) struct Moves {
    /// The slots of the partitions that have not moved yet.
    followed: RefCell<BTreeMap<u64, u32>>,
    moved: RefCell<BTreeSet<u64>>,
    noted: Notify,
}

impl Moves {
    pub(crate) fn note(&self, key: u64) {
        self.followed.borrow_mut().remove(&key);
        self.moved.borrow_mut().insert(key);
        self.noted.notify_all();
    }
}

impl Follower {
    /// Follows a partition, or goes on with it: from now on the next move is told. One that is not here has moved.
    pub fn follow(&self, key: u64, id: PartitionId) {
        let slot = self.store.slot_of(id);
        if slot.is_some() && self.moves.followed.borrow().get(&key).copied() == slot {
            return;
        }
        self.unfollow(key);
        match slot {
            None => self.moves.note(key),
            Some(slot) => {
                self.moves.followed.borrow_mut().insert(key, slot);
                let known = self.store.with_slot(slot, |log| log.follow(key, &self.moves));
                assert!(known.is_some(), "{id} has a slot and is not there");
            }
        }
    }

    pub fn unfollow(&self, key: u64) {
        self.moves.moved.borrow_mut().remove(&key);
        let slot = self.moves.followed.borrow_mut().remove(&key);
        if let Some(slot) = slot {
            self.store.with_slot(slot, |log| log.unfollow(key, &self.moves));
        }
    }

    /// Up to so many of the keys whose partitions have moved; they are not followed any more.
    pub fn take_moved(&self, most: usize) -> Vec<u64> {
        let mut moved = self.moves.moved.borrow_mut();
        std::iter::from_fn(|| moved.pop_first()).take(most).collect()
    }

    pub fn has_moved(&self) -> bool {
        !self.moves.moved.borrow().is_empty()
    }

    /// Resolves when a partition moves after this call.
    pub fn moves(&self) -> impl Future<Output = ()> + '_ {
        self.moves.noted.notified()
    }

    /// Partitions that are followed and have not moved.
    pub fn followed(&self) -> usize {
        self.moves.followed.borrow().len()
    }

    /// Follows nothing any more; in slices, where dropping would do it at once.
    pub async fn end(&self) {
        loop {
            let first = self.moves.followed.borrow().keys().next().copied();
            let Some(key) = first else { break };
            self.unfollow(key);
            rt::yield_if_needed().await;
        }
        self.moves.moved.borrow_mut().clear();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        for (key, slot) in self.moves.followed.take() {
            self.store.with_slot(slot, |log| log.unfollow(key, &self.moves));
        }
    }
}

impl Shard {
    /// Somebody who follows nothing yet.
    pub fn follower(&self) -> Follower {
        Follower { store: Rc::clone(&self.store), moves: Rc::default() }
    }

    /// There is something about a partition that readers have to know, which its log does not show.
    pub fn tell_followers(&self, id: PartitionId) {
        self.store.with(id, |log| log.tell_followers());
    }
}
