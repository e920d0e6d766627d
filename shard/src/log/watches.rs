//! Who waits for a log to move.

use std::rc::Rc;

use base::Offset;
use rt::Flag;

use super::PartitionLog;
use crate::follower::Moves;

/// Those who wait, each until he was told once.
#[derive(Default)]
pub(super) struct Watches(Vec<Watch>);

enum Watch {
    /// For records beyond an offset.
    Records { after: Offset, flag: Rc<Flag> },
    /// For any news, under a key of the follower.
    News { key: u64, moves: Rc<Moves> },
}

impl Watch {
    fn tell(&self) {
        match self {
            Self::Records { flag, .. } => flag.raise(),
            Self::News { key, moves } => moves.note(*key),
        }
    }
}

impl Watches {
    pub(super) fn end_moved(&mut self, end: Offset) {
        self.tell_if(|watch| match watch {
            Watch::Records { after, .. } => *after < end,
            Watch::News { .. } => true,
        });
    }

    fn tell_if(&mut self, is_told: impl Fn(&Watch) -> bool) {
        self.0.retain(|watch| {
            let told = is_told(watch);
            if told {
                watch.tell();
            }
            !told
        });
    }
}

impl PartitionLog {
    /// Raises the flag once records after `after` are safe, or at once if they are.
    pub(crate) fn watch(&mut self, after: Offset, flag: &Rc<Flag>) {
        if self.stable > after {
            flag.raise();
        } else {
            self.watches.0.push(Watch::Records { after, flag: Rc::clone(flag) });
        }
    }

    pub(crate) fn unwatch(&mut self, flag: &Rc<Flag>) {
        self.watches.0.retain(|watch| !matches!(watch, Watch::Records { flag: own, .. } if Rc::ptr_eq(own, flag)));
    }

    /// Notes the key when the log moves next: its end or its start, or it goes away.
    pub(crate) fn follow(&mut self, key: u64, moves: &Rc<Moves>) {
        self.watches.0.push(Watch::News { key, moves: Rc::clone(moves) });
    }

    pub(crate) fn unfollow(&mut self, key: u64, moves: &Rc<Moves>) {
        let is_own = |watch: &Watch| matches!(watch, Watch::News { key: own, moves: of } if *own == key && Rc::ptr_eq(of, moves));
        if let Some(at) = self.watches.0.iter().position(is_own) {
            self.watches.0.swap_remove(at);
        }
    }

    /// Tells those who follow the log that there is news of it.
    pub(crate) fn tell_followers(&mut self) {
        self.watches.tell_if(|watch| matches!(watch, Watch::News { .. }));
    }

    /// Wakes everybody who waits here: the partition is going away.
    pub(crate) fn raise_all(&mut self) {
        self.watches.tell_if(|_| true);
    }
}
