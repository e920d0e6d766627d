//! Which key each record gets.

use std::sync::Arc;

use base::SeededRandom;

use crate::number;

/// How keys are chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyChoice {
    None,
    /// Each of `count` keys equally often.
    Uniform {
        count: u64,
    },
    /// Key k (from 1) as often as `k^-exponent`.
    Zipf(Arc<ZipfTable>),
    /// No key twice.
    Unique,
}

/// Chances of a Zipf distribution, summed up.
#[derive(Debug, PartialEq)]
pub struct ZipfTable {
    cumulative: Vec<f64>,
}

/// A Zipf distribution over more keys than this would need another method.
pub const ZIPF_KEYS_MAX: u64 = 10_000_000;

impl ZipfTable {
    /// # Panics
    /// When there is no key, or there are more than [`ZIPF_KEYS_MAX`].
    pub fn new(count: u64, exponent: f64) -> Self {
        assert!((1..=ZIPF_KEYS_MAX).contains(&count), "{count} keys in a Zipf distribution");
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (1..=count)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|chance| *chance /= sum);
        Self { cumulative }
    }

    fn rank(&self, chance: f64) -> u64 {
        number::large(self.cumulative.partition_point(|up_to| *up_to <= chance).min(self.cumulative.len() - 1))
    }
}

impl KeyChoice {
    /// How many keys there are; `None` where that has no end.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Uniform { count } => Some(*count),
            Self::Zipf(table) => Some(number::large(table.cumulative.len())),
            Self::Unique => None,
        }
    }
}

/// Draws keys for one producer.
#[derive(Debug)]
pub struct Keys {
    choice: KeyChoice,
    random: SeededRandom,
    next_unique: u64,
}

impl Keys {
    pub(super) fn new(choice: &KeyChoice, producer: u32, random: SeededRandom) -> Self {
        // Producers count in ranges of their own.
        Self { choice: choice.clone(), random, next_unique: u64::from(producer) << 40 }
    }

    pub(super) fn choose(&mut self) -> Option<u64> {
        match &self.choice {
            KeyChoice::None => None,
            KeyChoice::Uniform { count } => Some(self.random.below(*count)),
            KeyChoice::Zipf(table) => Some(table.rank(self.random.unit())),
            KeyChoice::Unique => {
                self.next_unique += 1;
                Some(self.next_unique)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(choice: KeyChoice, times: usize) -> Vec<u64> {
        let mut keys = Keys::new(&choice, 1, SeededRandom::new(3));
        (0..times).map(|_| keys.choose().expect("a key")).collect()
    }

    #[test]
    fn uniform_keys_come_equally_often() {
        let mut seen = [0_u32; 10];
        draw(KeyChoice::Uniform { count: 10 }, 100_000)
            .iter()
            .for_each(|key| seen[usize::try_from(*key).expect("small")] += 1);
        assert!(seen.iter().all(|count| (9_500..10_500).contains(count)), "{seen:?}");
    }

    #[test]
    fn zipf_keys_come_as_often_as_their_rank_says() {
        let mut seen = [0_u32; 1_000];
        let choice = KeyChoice::Zipf(Arc::new(ZipfTable::new(1_000, 1.0)));
        draw(choice, 200_000).iter().for_each(|key| seen[usize::try_from(*key).expect("small")] += 1);
        // The harmonic number of 1,000 is 7.4855.
        let expected = |rank: f64| 200_000.0 / 7.4855 / rank;
        for rank in [1_u32, 2, 5, 10] {
            let (got, expected) = (f64::from(seen[rank as usize - 1]), expected(f64::from(rank)));
            assert!((got - expected).abs() < 0.08 * expected, "rank {rank}: {got}, expected {expected}");
        }
        assert!(seen[999] < 100);
    }

    #[test]
    fn unique_keys_never_repeat_even_between_producers() {
        let mut all = draw(KeyChoice::Unique, 1_000);
        let mut other = Keys::new(&KeyChoice::Unique, 2, SeededRandom::new(3));
        all.extend((0..1_000).map(|_| other.choose().expect("a key")));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2_000);
    }
}
