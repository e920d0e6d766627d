//! The expected number of arrivals over time.

/// Rates that follow each other; within a segment the rate runs in a straight line.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Segment {
    /// Seconds from the start.
    start: f64,
    length: f64,
    from: f64,
    to: f64,
    /// Arrivals expected before the segment.
    before: f64,
}

/// More segments than this are a mistake in the scenario.
const SEGMENTS_MAX: usize = 1 << 20;
/// Arrivals a second of one run.
const RATE_MAX: f64 = 1e9;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CurveError {
    #[error("a rate of {0} arrivals per second; from 0 to 1e9 are possible")]
    Rate(f64),
    #[error("a length of {0} s; it must be above zero")]
    Length(f64),
    #[error("the schedule has no part, or more than {SEGMENTS_MAX}")]
    Segments,
}

impl RateCurve {
    pub fn constant(rate: f64, seconds: f64) -> Result<Self, CurveError> {
        Self::of([(rate, rate, seconds)])
    }

    pub fn ramp(from: f64, to: f64, seconds: f64) -> Result<Self, CurveError> {
        Self::of([(from, to, seconds)])
    }

    /// (rate, seconds) one after the other.
    pub fn steps(steps: &[(f64, f64)]) -> Result<Self, CurveError> {
        Self::of(steps.iter().map(|(rate, seconds)| (*rate, *rate, *seconds)))
    }

    /// `high` for `on` seconds, then `low` for `off` seconds, again and again for `seconds`.
    pub fn on_off(high: f64, low: f64, on: f64, off: f64, seconds: f64) -> Result<Self, CurveError> {
        for length in [on, off] {
            if !length.is_finite() || length <= 0.0 {
                return Err(CurveError::Length(length));
            }
        }
        let mut parts = Vec::new();
        let mut cycle = 0_u32;
        while f64::from(cycle) * (on + off) < seconds {
            if parts.len() > SEGMENTS_MAX {
                return Err(CurveError::Segments);
            }
            let left = seconds - f64::from(cycle) * (on + off);
            parts.push((high, high, on.min(left)));
            if left > on {
                parts.push((low, low, off.min(left - on)));
            }
            cycle += 1;
        }
        Self::of(parts)
    }

    fn of(parts: impl IntoIterator<Item = (f64, f64, f64)>) -> Result<Self, CurveError> {
        let (mut start, mut before) = (0.0, 0.0);
        let mut segments = Vec::new();
        for (from, to, length) in parts {
            if let Some(wrong) = [from, to].into_iter().find(|rate| !(0.0..=RATE_MAX).contains(rate)) {
                return Err(CurveError::Rate(wrong));
            }
            if !length.is_finite() || length <= 0.0 {
                return Err(CurveError::Length(length));
            }
            segments.push(Segment { start, length, from, to, before });
            start += length;
            before += (from + to) / 2.0 * length;
            if segments.len() > SEGMENTS_MAX {
                return Err(CurveError::Segments);
            }
        }
        if segments.is_empty() { Err(CurveError::Segments) } else { Ok(Self { segments }) }
    }

    pub fn seconds(&self) -> f64 {
        self.segments.last().map_or(0.0, |last| last.start + last.length)
    }

    /// Arrivals expected in all.
    pub fn expected(&self) -> f64 {
        self.segments.last().map_or(0.0, |last| last.before + last.arrivals())
    }

    /// Seconds at which `position` arrivals are expected to have come; `None` at the end of the curve or after it.
    /// `hint` is the segment where the last one was found; positions are asked for in order.
    pub(super) fn time_of(&self, position: f64, hint: &mut usize) -> Option<f64> {
        while let Some(segment) = self.segments.get(*hint) {
            let inside = position - segment.before;
            if inside < segment.arrivals() {
                return Some(segment.start + segment.time_of(inside));
            }
            *hint += 1;
        }
        None
    }
}

impl Segment {
    fn arrivals(&self) -> f64 {
        (self.from + self.to) / 2.0 * self.length
    }

    /// Solves `from t + (to - from) t² / (2 length) = inside`, in the form that does not cancel.
    fn time_of(&self, inside: f64) -> f64 {
        let slope = (self.to - self.from) / self.length;
        if slope == 0.0 {
            return inside / self.from;
        }
        let root = (self.from * self.from + 2.0 * slope * inside).max(0.0).sqrt();
        if inside == 0.0 { 0.0 } else { 2.0 * inside / (self.from + root) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_that_cannot_be_are_refused() {
        assert_eq!(RateCurve::constant(-1.0, 1.0), Err(CurveError::Rate(-1.0)));
        assert!(matches!(RateCurve::constant(f64::NAN, 1.0), Err(CurveError::Rate(_))));
        assert_eq!(RateCurve::constant(1.0, 0.0), Err(CurveError::Length(0.0)));
        assert_eq!(RateCurve::steps(&[]), Err(CurveError::Segments));
        assert_eq!(RateCurve::on_off(1.0, 0.0, 0.0, 1.0, 5.0), Err(CurveError::Length(0.0)));
        assert_eq!(RateCurve::on_off(1.0, 0.0, 1e-6, 1e-6, 1e6), Err(CurveError::Segments));
    }

    #[test]
    fn the_expected_number_is_the_integral() {
        let curve = RateCurve::ramp(100.0, 300.0, 4.0).expect("valid");
        assert_eq!((curve.expected(), curve.seconds()), (800.0, 4.0));
        let bursts = RateCurve::on_off(100.0, 10.0, 1.0, 1.0, 5.0).expect("valid");
        assert_eq!((bursts.expected(), bursts.seconds()), (320.0, 5.0));
    }
}
