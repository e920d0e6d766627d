//! Which core of this broker owns a partition.
//!
//! New partitions go where fewest of their topic are, then fewest of all, then to the lowest core. When the broker starts
//! on another number of cores, what can stay stays, and no level placement of all partitions is reached with fewer moves.

mod row;

use std::collections::{BTreeMap, BTreeSet};

use base::{CoreId, PartitionId, TopicId};

pub use row::PlacementRow;

use crate::limits;
use crate::shared_map::SharedMap;

/// The table from partitions to cores. A copy shares what does not change after it: each change of the table makes one,
/// for all cores to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    rows: SharedMap<PartitionId, CoreId>,
    /// Partitions on each core.
    load: Vec<usize>,
    /// Of each topic, partitions on each core.
    topic_load: SharedMap<TopicId, Vec<u32>>,
}

/// A partition that changes its core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacementMove {
    pub partition: PartitionId,
    pub from: CoreId,
    pub to: CoreId,
}

/// A stored table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    #[error("a broker runs on 1 to {} cores, not on {cores}", limits::CORES_MAX)]
    Cores { cores: u16 },
    #[error("partition {partition} is placed twice")]
    Twice { partition: PartitionId },
    #[error("partition {partition} is placed on core {core} of {cores}")]
    NoSuchCore { partition: PartitionId, core: CoreId, cores: u16 },
}

impl Placement {
    /// An empty table for a broker that runs on `cores`.
    pub fn new(cores: u16) -> Result<Self, PlacementError> {
        if !(1..=limits::CORES_MAX).contains(&cores) {
            return Err(PlacementError::Cores { cores });
        }
        Ok(Self { rows: SharedMap::default(), load: vec![0; usize::from(cores)], topic_load: SharedMap::default() })
    }

    /// A stored table, for the number of cores that it was stored with; [`Self::resize`] it afterwards.
    pub fn from_rows(cores: u16, rows: impl IntoIterator<Item = PlacementRow>) -> Result<Self, PlacementError> {
        let mut placement = Self::new(cores)?;
        for PlacementRow { partition, core } in rows {
            if core.0 >= cores {
                return Err(PlacementError::NoSuchCore { partition, core, cores });
            }
            if placement.rows.get(&partition).is_some() {
                return Err(PlacementError::Twice { partition });
            }
            placement.put(partition, core);
        }
        placement.check();
        Ok(placement)
    }

    /// Places partitions that are new, in the order given, and gives back the rows to store. Others stay where they are.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = PartitionId>) -> Vec<PlacementRow> {
        let mut placed = Vec::new();
        for partition in partitions {
            if self.rows.get(&partition).is_some() {
                continue;
            }
            let core = self.least_loaded(partition.topic, |_| true).expect("a broker has a core");
            self.put(partition, core);
            placed.push(PlacementRow { partition, core });
        }
        self.check();
        placed
    }

    /// Forgets a deleted topic, and gives back the rows that it had.
    pub fn remove(&mut self, topic: TopicId) -> Vec<PlacementRow> {
        self.remove_some(topic, usize::MAX)
    }

    /// As [`Self::remove`], but so many rows at most.
    pub fn remove_some(&mut self, topic: TopicId, count_max: usize) -> Vec<PlacementRow> {
        let removed: Vec<_> = self.rows_of(topic).take(count_max).collect();
        removed.iter().for_each(|row| self.take(row.partition));
        self.check();
        removed
    }

    /// Moves one partition while serving. `None` when it is not placed, or is there already.
    ///
    /// # Panics
    /// When the broker has no such core.
    pub fn move_to(&mut self, partition: PartitionId, to: CoreId) -> Option<PlacementMove> {
        assert!(to.0 < self.cores(), "core {to} of {}", self.cores());
        let from = self.core_of(partition).filter(|from| *from != to)?;
        self.take(partition);
        self.put(partition, to);
        self.check();
        Some(PlacementMove { partition, from, to })
    }

    /// Levels the table for another number of cores, so that no core has two partitions more than another. Partitions of
    /// cores that are gone move, and of fuller cores as few as a level table needs, those first whose topic is most
    /// crowded there.
    pub fn resize(&mut self, cores: u16) -> Result<Vec<PlacementMove>, PlacementError> {
        if !(1..=limits::CORES_MAX).contains(&cores) {
            return Err(PlacementError::Cores { cores });
        }
        let count = usize::from(cores);
        let target = self.targets(count);
        let mut homeless = Vec::new();
        for (from, core) in CoreId::all(self.cores()).zip(0..) {
            let excess = self.load[core] - target.get(core).map_or(0, |target| (*target).min(self.load[core]));
            homeless.extend(self.most_crowded(from, excess).into_iter().map(|partition| (partition, from)));
        }
        homeless.iter().for_each(|(partition, _)| self.take(*partition));
        self.load.resize(count, 0);
        let topics: Vec<TopicId> = self.topic_load.iter().map(|(topic, _)| *topic).collect();
        for topic in topics {
            self.topic_load.get_mut(&topic).expect("it was listed").resize(count, 0);
        }
        let mut moves = Vec::with_capacity(homeless.len());
        for (partition, from) in homeless {
            let has_room = |core: CoreId| self.load[core.as_usize()] < target[core.as_usize()];
            let to = self.least_loaded(partition.topic, has_room).expect("the targets add up to all partitions");
            self.put(partition, to);
            moves.push(PlacementMove { partition, from, to });
        }
        self.check();
        Ok(moves)
    }

    pub fn core_of(&self, partition: PartitionId) -> Option<CoreId> {
        self.rows.get(&partition).copied()
    }

    pub fn cores(&self) -> u16 {
        u16::try_from(self.load.len()).expect("cores are limited")
    }

    /// Partitions on one core.
    pub fn load(&self, core: CoreId) -> usize {
        self.load[core.as_usize()]
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// All rows in the order of partitions.
    pub fn rows(&self) -> impl Iterator<Item = PlacementRow> {
        self.rows.iter().map(|(partition, core)| PlacementRow { partition: *partition, core: *core })
    }

    /// Rows of one topic in the order of partitions.
    pub fn rows_of(&self, topic: TopicId) -> impl Iterator<Item = PlacementRow> {
        let rows = self.rows.iter_from(&PartitionId::new(topic, 0));
        rows.take_while(move |(partition, _)| partition.topic == topic)
            .map(|(partition, core)| PlacementRow { partition: *partition, core: *core })
    }

    fn least_loaded(&self, topic: TopicId, allowed: impl Fn(CoreId) -> bool) -> Option<CoreId> {
        let of_topic = self.topic_load.get(&topic);
        let load =
            |core: CoreId| (of_topic.map_or(0, |loads| loads[core.as_usize()]), self.load[core.as_usize()], core);
        CoreId::all(self.cores()).filter(|core| allowed(*core)).min_by_key(|core| load(*core))
    }

    /// How many partitions each of `cores` shall have: all alike but for one, the larger share where most are already,
    /// because then fewest move.
    fn targets(&self, cores: usize) -> Vec<usize> {
        let (share, remainder) = (self.rows.len() / cores, self.rows.len() % cores);
        let mut fullest: Vec<usize> = (0..cores).collect();
        fullest.sort_by_key(|core| (std::cmp::Reverse(self.load.get(*core).copied().unwrap_or(0)), *core));
        let mut targets = vec![share; cores];
        fullest.iter().take(remainder).for_each(|core| targets[*core] += 1);
        targets
    }

    /// `count` partitions of a core, one at a time from the topic that then has most there.
    fn most_crowded(&self, core: CoreId, count: usize) -> Vec<PartitionId> {
        if count == 0 {
            return Vec::new();
        }
        let mut of_topic: BTreeMap<TopicId, Vec<PartitionId>> = BTreeMap::new();
        for (partition, _) in self.rows.iter().filter(|(_, owner)| **owner == core) {
            of_topic.entry(partition.topic).or_default().push(*partition);
        }
        let mut crowded: BTreeSet<_> = of_topic.iter().map(|(topic, there)| (there.len(), *topic)).collect();
        let mut chosen = Vec::with_capacity(count);
        for _ in 0..count {
            let (there, topic) = crowded.pop_last().expect("no more is taken from a core than it has");
            chosen.extend(of_topic.get_mut(&topic).and_then(Vec::pop));
            if there > 1 {
                crowded.insert((there - 1, topic));
            }
        }
        assert_eq!(chosen.len(), count, "partitions chosen to leave core {core}");
        chosen
    }

    fn put(&mut self, partition: PartitionId, core: CoreId) {
        let previous = self.rows.insert(partition, core);
        assert!(previous.is_none(), "partition {partition} was placed on {previous:?} before");
        self.load[core.as_usize()] += 1;
        if self.topic_load.get(&partition.topic).is_none() {
            self.topic_load.insert(partition.topic, vec![0; self.load.len()]);
        }
        self.topic_load.get_mut(&partition.topic).expect("it was put in")[core.as_usize()] += 1;
    }

    fn take(&mut self, partition: PartitionId) {
        let core = self.rows.remove(&partition).unwrap_or_else(|| panic!("partition {partition} is not placed"));
        self.load[core.as_usize()] -= 1;
        let loads = self.topic_load.get_mut(&partition.topic).expect("a placed partition's topic is counted");
        loads[core.as_usize()] -= 1;
        if loads.iter().all(|load| *load == 0) {
            self.topic_load.remove(&partition.topic);
        }
    }

    /// Every partition is counted once on its core.
    fn check(&self) {
        let counted: usize = self.load.iter().sum();
        assert_eq!(counted, self.rows.len(), "partitions on cores and partitions placed differ");
        debug_assert!(self.is_consistent());
    }

    fn is_consistent(&self) -> bool {
        let (mut load, mut topic_load) = (vec![0; self.load.len()], BTreeMap::new());
        for (partition, core) in self.rows.iter() {
            load[core.as_usize()] += 1;
            topic_load.entry(partition.topic).or_insert_with(|| vec![0; load.len()])[core.as_usize()] += 1;
        }
        assert_eq!(load, self.load, "partitions are counted wrongly");
        assert!(topic_load.iter().eq(self.topic_load.iter()), "partitions of topics are counted wrongly");
        true
    }
}

#[cfg(test)]
mod tests;
