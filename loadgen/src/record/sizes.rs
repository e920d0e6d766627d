//! How large each record's value is.

use base::SeededRandom;

use crate::number;

/// A distribution of sizes, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum SizeChoice {
    Fixed(usize),
    /// From `min` to `max`, both inclusive.
    Uniform {
        min: usize,
        max: usize,
    },
    /// A logarithmic normal distribution, cut at `min` and `max`: most are small, a few are very large.
    LogNormal {
        median: f64,
        sigma: f64,
        min: usize,
        max: usize,
    },
    /// (size, weight).
    Weighted(Vec<(usize, u32)>),
}

impl SizeChoice {
    pub fn smallest(&self) -> usize {
        match self {
            Self::Fixed(size) => *size,
            Self::Uniform { min, .. } | Self::LogNormal { min, .. } => *min,
            Self::Weighted(sizes) => sizes.iter().map(|(size, _)| *size).min().unwrap_or(0),
        }
    }

    pub fn largest(&self) -> usize {
        match self {
            Self::Fixed(size) => *size,
            Self::Uniform { max, .. } | Self::LogNormal { max, .. } => *max,
            Self::Weighted(sizes) => sizes.iter().map(|(size, _)| *size).max().unwrap_or(0),
        }
    }
}

/// Draws sizes.
#[derive(Debug)]
pub struct Sizes {
    choice: SizeChoice,
    weights: u64,
    random: SeededRandom,
}

impl Sizes {
    pub(super) fn new(choice: &SizeChoice, random: SeededRandom) -> Self {
        let weights = match choice {
            SizeChoice::Weighted(sizes) => sizes.iter().map(|(_, weight)| u64::from(*weight)).sum(),
            SizeChoice::Fixed(_) | SizeChoice::Uniform { .. } | SizeChoice::LogNormal { .. } => 0,
        };
        Self { choice: choice.clone(), weights, random }
    }

    pub(super) fn choose(&mut self) -> usize {
        match &self.choice {
            SizeChoice::Fixed(size) => *size,
            SizeChoice::Uniform { min, max } => min + self.random.index(max - min + 1),
            SizeChoice::LogNormal { median, sigma, min, max } => {
                let size = median * (sigma * normal(&mut self.random)).exp();
                usize::try_from(number::whole(size)).unwrap_or(*max).clamp(*min, *max)
            }
            SizeChoice::Weighted(sizes) => {
                let mut at = self.random.below(self.weights);
                for (size, weight) in sizes {
                    let weight = u64::from(*weight);
                    if at < weight {
                        return *size;
                    }
                    at -= weight;
                }
                unreachable!("the draw is below the sum of the weights")
            }
        }
    }
}

/// One draw from the standard normal distribution (Box and Muller).
fn normal(random: &mut SeededRandom) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(choice: &SizeChoice, times: usize) -> Vec<usize> {
        let mut sizes = Sizes::new(choice, SeededRandom::new(11));
        (0..times).map(|_| sizes.choose()).collect()
    }

    #[test]
    fn sizes_keep_their_bounds_and_reach_both() {
        for choice in [
            SizeChoice::Uniform { min: 10, max: 20 },
            SizeChoice::LogNormal { median: 15.0, sigma: 1.0, min: 10, max: 20 },
            SizeChoice::Weighted(vec![(10, 1), (20, 3)]),
        ] {
            let drawn = draw(&choice, 2_000);
            assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&10), Some(&20)), "{choice:?}");
            assert_eq!((choice.smallest(), choice.largest()), (10, 20));
        }
    }

    #[test]
    fn half_of_the_sizes_of_a_log_normal_choice_are_below_its_median() {
        let drawn = draw(&SizeChoice::LogNormal { median: 1_000.0, sigma: 0.8, min: 1, max: 1 << 20 }, 20_000);
        let below = drawn.iter().filter(|size| **size < 1_000).count();
        assert!((9_600..10_400).contains(&below), "{below} of 20000");
    }

    #[test]
    fn weights_are_kept() {
        let drawn = draw(&SizeChoice::Weighted(vec![(1, 1), (2, 3)]), 40_000);
        let ones = drawn.iter().filter(|size| **size == 1).count();
        assert!((9_500..10_500).contains(&ones), "{ones} of 40000");
    }
}
