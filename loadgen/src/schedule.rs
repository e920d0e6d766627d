//! When each arrival is due: decided before the run, whatever the broker does.
//!
//! A [`RateCurve`] says how many arrivals are expected up to each moment; [`Arrivals`] places them on it, evenly or as a
//! Poisson process. A curve is shared by several producers: evenly placed arrivals are dealt out in turn, so that the
//! union is the schedule of one; a Poisson process is the union of independent ones.

use std::sync::Arc;

use base::SeededRandom;

use crate::number;

pub mod curve;
pub mod recorded;

pub use curve::{CurveError, RateCurve};
pub use recorded::{RecordedError, parse_recorded};

/// How arrivals lie on the curve.
#[derive(Clone, Debug)]
pub enum Placement {
    Even,
    /// Independent arrivals: the time between two of them is exponentially distributed.
    Poisson,
    /// Nanoseconds from the start, in order.
    Recorded(Arc<[u64]>),
}

/// Which producer of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub index: u32,
    pub of: u32,
}

/// One producer's due times, in order, in nanoseconds from the start of the schedule.
#[derive(Clone, Debug)]
pub struct Arrivals {
    curve: Arc<RateCurve>,
    placement: Placement,
    share: Share,
    random: SeededRandom,
    /// Arrivals expected up to the next one; for recorded ones, its index.
    position: f64,
    next_index: usize,
    segment: usize,
    next: Option<u64>,
}

impl Arrivals {
    pub fn new(curve: Arc<RateCurve>, placement: Placement, share: Share, seed: u64) -> Self {
        assert!(share.index < share.of, "share {} of {}", share.index, share.of);
        let mut arrivals = Self {
            curve,
            placement,
            share,
            random: SeededRandom::new(seed),
            position: 0.0,
            next_index: number::index(share.index),
            segment: 0,
            next: None,
        };
        arrivals.position = match arrivals.placement {
            Placement::Even | Placement::Recorded(_) => f64::from(share.index),
            Placement::Poisson => arrivals.gap(),
        };
        arrivals.next = arrivals.due();
        arrivals
    }

    /// When the next arrival is due; `None` after the last.
    pub fn peek(&self) -> Option<u64> {
        self.next
    }

    /// Takes the next arrival.
    pub fn pop(&mut self) -> Option<u64> {
        let due = self.next?;
        match self.placement {
            Placement::Even => self.position += f64::from(self.share.of),
            Placement::Poisson => self.position += self.gap(),
            Placement::Recorded(_) => self.next_index += number::index(self.share.of),
        }
        // Rounding must not make a later arrival due before an earlier one.
        self.next = self.due().map(|next| next.max(due));
        Some(due)
    }

    fn due(&mut self) -> Option<u64> {
        match &self.placement {
            Placement::Recorded(times) => times.get(self.next_index).copied(),
            Placement::Even | Placement::Poisson => {
                self.curve.time_of(self.position, &mut self.segment).map(number::nanos)
            }
        }
    }

    /// Expected arrivals of all producers between two of this one.
    fn gap(&mut self) -> f64 {
        // 1 - unit lies in (0, 1], so that the logarithm is finite.
        -(1.0 - self.random.unit()).ln() * f64::from(self.share.of)
    }
}

impl Iterator for Arrivals {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(curve: RateCurve, placement: &Placement, producers: u32) -> Vec<u64> {
        let curve = Arc::new(curve);
        let share = |index| Share { index, of: producers };
        let mut dues: Vec<u64> = (0..producers)
            .flat_map(|index| Arrivals::new(curve.clone(), placement.clone(), share(index), 7 + u64::from(index)))
            .collect();
        dues.sort_unstable();
        dues
    }

    #[test]
    fn a_constant_schedule_has_exactly_rate_times_seconds_arrivals_at_equal_distance() {
        let dues = all(RateCurve::constant(10_000.0, 3.0).expect("valid"), &Placement::Even, 1);
        assert_eq!(dues.len(), 30_000);
        assert!(dues.iter().enumerate().all(|(index, due)| *due == index as u64 * 100_000));
    }

    #[test]
    fn producers_together_keep_the_schedule_of_one() {
        let curve = || RateCurve::constant(1_000.0, 2.0).expect("valid");
        assert_eq!(all(curve(), &Placement::Even, 1), all(curve(), &Placement::Even, 7));
        let ramp = || RateCurve::ramp(100.0, 2_000.0, 2.0).expect("valid");
        assert_eq!(all(ramp(), &Placement::Even, 1), all(ramp(), &Placement::Even, 3));
    }

    #[test]
    fn a_ramp_places_arrivals_where_its_integral_is_a_whole_number() {
        // From 0 to 1,000/s in 10 s: after t seconds 50 t^2 arrivals.
        let dues = all(RateCurve::ramp(0.0, 1_000.0, 10.0).expect("valid"), &Placement::Even, 1);
        assert_eq!(dues.len(), 5_000);
        for (index, due) in dues.iter().enumerate() {
            let expected = (index as f64 / 50.0).sqrt() * 1e9;
            assert!((*due as f64 - expected).abs() < 10.0, "arrival {index} is due at {due}, not {expected}");
        }
    }

    #[test]
    fn bursts_fall_silent_between() {
        let curve = RateCurve::on_off(1_000.0, 0.0, 0.1, 0.4, 2.0).expect("valid");
        let dues = all(curve, &Placement::Even, 1);
        assert_eq!(dues.len(), 400);
        assert!(dues.iter().all(|due| due % 500_000_000 < 100_000_000), "arrivals outside of the bursts");
    }

    #[test]
    fn steps_have_their_rates() {
        let curve = RateCurve::steps(&[(100.0, 1.0), (300.0, 2.0), (50.0, 1.0)]).expect("valid");
        let dues = all(curve, &Placement::Even, 2);
        let between = |from: u64, to: u64| dues.iter().filter(|due| (from..to).contains(*due)).count();
        let second = 1_000_000_000;
        assert_eq!([between(0, second), between(second, 3 * second), between(3 * second, 4 * second)], [100, 600, 50]);
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_variance_of_a_poisson_process() {
        let dues = all(RateCurve::constant(1_000.0, 200.0).expect("valid"), &Placement::Poisson, 5);
        let mut per_second = [0.0_f64; 200];
        for due in &dues {
            per_second[usize::try_from(*due / 1_000_000_000).expect("small")] += 1.0;
        }
        let mean = per_second.iter().sum::<f64>() / 200.0;
        let variance = per_second.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 199.0;
        assert!((980.0..1_020.0).contains(&mean), "mean {mean}");
        // The variance of a Poisson count is its mean; even arrivals would have none.
        assert!((700.0..1_350.0).contains(&variance), "variance {variance}");
    }

    #[test]
    fn a_seed_repeats_its_schedule() {
        let curve = || RateCurve::constant(500.0, 4.0).expect("valid");
        assert_eq!(all(curve(), &Placement::Poisson, 3), all(curve(), &Placement::Poisson, 3));
    }

    #[test]
    fn recorded_arrivals_are_dealt_out_in_turn() {
        let placement = Placement::Recorded(vec![5, 10, 10, 30, 45].into());
        let unused = || RateCurve::constant(1.0, 1.0).expect("valid");
        assert_eq!(all(unused(), &placement, 1), [5, 10, 10, 30, 45]);
        assert_eq!(all(unused(), &placement, 2), [5, 10, 10, 30, 45]);
        let second = Arrivals::new(Arc::new(unused()), placement, Share { index: 1, of: 2 }, 0);
        assert_eq!(second.collect::<Vec<_>>(), [10, 30]);
    }
}
