//! A session that looks at all of its partitions at each fetch: what is told, and in which order, is what it tells.

use super::*;

pub(super) struct Walker<K> {
    /// In the order in which they are read.
    partitions: Vec<Partition<K>>,
}

struct Partition<K> {
    key: K,
    position: u64,
    log_start: Option<Offset>,
    high_watermark: Option<Offset>,
    brought_records: bool,
}

impl<K: Copy + PartialEq> Walker<K> {
    pub(super) fn new(told: impl IntoIterator<Item = (K, u64, PartitionAnswer)>) -> Self {
        let mut walker = Self { partitions: Vec::new() };
        for (key, position, answer) in told {
            walker.want(key, position);
            walker.partitions.last_mut().expect("it was just wanted").tell(answer);
        }
        walker.rotate();
        walker
    }

    pub(super) fn want(&mut self, key: K, position: u64) {
        match self.partitions.iter_mut().find(|partition| partition.key == key) {
            Some(partition) => partition.position = position,
            None => {
                let (log_start, high_watermark, brought_records) = (None, None, false);
                self.partitions.push(Partition { key, position, log_start, high_watermark, brought_records });
            }
        }
    }

    pub(super) fn forget(&mut self, key: K) {
        self.partitions.retain(|partition| partition.key != key);
    }

    pub(super) fn fetch(&mut self, mut answer: impl FnMut(K, u64) -> PartitionAnswer) -> Vec<(K, PartitionAnswer)> {
        let mut told = Vec::new();
        for partition in &mut self.partitions {
            let answer = answer(partition.key, partition.position);
            if partition.tell(answer) {
                told.push((partition.key, answer));
            }
        }
        self.rotate();
        told
    }

    fn rotate(&mut self) {
        self.partitions.sort_by_key(|partition| partition.brought_records);
    }
}

impl<K> Partition<K> {
    fn tell(&mut self, answer: PartitionAnswer) -> bool {
        self.brought_records = answer.content == Content::Records;
        let known = (self.log_start, self.high_watermark) == (answer.log_start, answer.high_watermark);
        self.log_start = answer.log_start;
        self.high_watermark = answer.high_watermark.filter(|_| answer.content != Content::Notice);
        !known || matches!(answer.content, Content::Records | Content::Notice)
    }
}
