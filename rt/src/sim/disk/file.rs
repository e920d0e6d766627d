//! One simulated file: what reads see, what is durable, and the changes in between.

use std::collections::VecDeque;
use std::rc::Rc;

use base::SeededRandom;

use super::SimDiskConfig;
use super::image::Image;

/// A change of a file that is not durable yet.
#[derive(Clone)]
pub(super) enum Change {
    Write { pos: u64, bytes: Rc<[u8]> },
    SetLen(u64),
    Allocate(u64),
}

impl Change {
    /// The length that the file has afterwards.
    pub(super) fn len_after(&self, before: u64) -> u64 {
        match self {
            Self::Write { pos, bytes } => before.max(pos + bytes.len() as u64),
            Self::SetLen(len) => *len,
            Self::Allocate(len) => before.max(*len),
        }
    }

    fn apply(&self, image: &mut Image) {
        match self {
            Self::Write { pos, bytes } => {
                image.put(*pos, bytes);
                image.extend_to(pos + bytes.len() as u64);
            }
            Self::SetLen(len) => image.set_len(*len),
            Self::Allocate(len) => image.extend_to(*len),
        }
    }
}

#[derive(Default)]
pub(super) struct File {
    pub(super) current: Image,
    durable: Image,
    /// Completed and not durable, each with its number in the order of completion.
    volatile: VecDeque<(u64, Change)>,
    completed: u64,
    /// What each of the syncs that are under way will cover.
    syncing: Vec<u64>,
}

impl File {
    /// A change has completed: reads see it from now on.
    pub(super) fn complete(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.completed += 1;
        self.volatile.push_back((self.completed, change));
    }

    /// Begins a sync; gives what it will cover.
    pub(super) fn begin_sync(&mut self) -> u64 {
        self.syncing.push(self.completed);
        self.completed
    }

    fn end_sync(&mut self, mark: u64) {
        let index = self.syncing.iter().position(|syncing| *syncing == mark);
        self.syncing.swap_remove(index.expect("a sync that ends has begun"));
    }

    pub(super) fn sync(&mut self, mark: u64) {
        self.end_sync(mark);
        while let Some((number, change)) = self.volatile.front()
            && *number <= mark
        {
            change.apply(&mut self.durable);
            self.volatile.pop_front();
        }
    }

    /// Reads go on seeing what the sync should have covered, but it will not survive a crash, whatever is synced later.
    /// A sync that is under way already is another command to the device, and what that one covers is its own affair.
    pub(super) fn fail_sync(&mut self, mark: u64) {
        self.end_sync(mark);
        let other = self.syncing.iter().copied().max().unwrap_or(0);
        self.volatile.retain(|(number, _)| *number > mark || *number <= other);
    }

    pub(super) fn flip(&mut self, pos: u64, bit: u8) {
        self.current.flip(pos, bit);
        self.durable.flip(pos, bit);
    }

    /// What the medium holds after the power was cut. The length may survive without the data (which then reads as
    /// zeroes), and the data without the length (and is not seen).
    pub(super) fn crash(&mut self, random: &mut SeededRandom, config: &SimDiskConfig) {
        let mut image = std::mem::take(&mut self.durable);
        for (_, change) in self.volatile.drain(..) {
            let drawn = random.below(100);
            let (kept, torn) = (drawn < config.keep_percent, drawn < config.keep_percent + config.tear_percent);
            match change {
                Change::Write { pos, bytes } => {
                    if kept {
                        image.put(pos, &bytes);
                    } else if torn {
                        image.put_sectors(pos, &bytes, || random.one_in(2));
                    }
                    if pos + bytes.len() as u64 > image.len() && random.percent(config.keep_percent) {
                        image.extend_to(pos + bytes.len() as u64);
                    }
                }
                Change::SetLen(len) if kept => image.set_len(len),
                Change::Allocate(len) if kept => image.extend_to(len),
                Change::SetLen(_) | Change::Allocate(_) => {}
            }
        }
        image.set_len(image.len());
        *self = Self {
            current: image.clone(),
            durable: image,
            volatile: VecDeque::new(),
            completed: 0,
            syncing: Vec::new(),
        };
    }
}
