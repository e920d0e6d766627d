//! Arrivals that were recorded elsewhere: a file with one time a line.

use crate::number;

/// A file with more arrivals than this is refused, before it fills the memory.
const ARRIVALS_MAX: usize = 200_000_000;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordedError {
    #[error("line {line}: {text:?} is not a time in seconds")]
    Number { line: usize, text: String },
    #[error("line {line}: this time is before the one above it")]
    Order { line: usize },
    #[error("the file has no arrivals")]
    Empty,
    #[error("the file has more than {ARRIVALS_MAX} arrivals")]
    TooMany,
}

/// Reads times in seconds from the start, one a line and in order, as nanoseconds. Empty lines and what follows a `#` are
/// skipped.
pub fn parse_recorded(text: &str) -> Result<Vec<u64>, RecordedError> {
    let mut times: Vec<u64> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = line.split('#').next().unwrap_or_default().trim();
        if number.is_empty() {
            continue;
        }
        let wrong = || RecordedError::Number { line: index + 1, text: number.to_owned() };
        let seconds: f64 = number.parse().map_err(|_| wrong())?;
        if !(0.0..1e9).contains(&seconds) {
            return Err(wrong());
        }
        let nanos = number::nanos(seconds);
        if times.last().is_some_and(|last| *last > nanos) {
            return Err(RecordedError::Order { line: index + 1 });
        }
        if times.len() == ARRIVALS_MAX {
            return Err(RecordedError::TooMany);
        }
        times.push(nanos);
    }
    if times.is_empty() { Err(RecordedError::Empty) } else { Ok(times) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_mistakes_are_named_by_line() {
        assert_eq!(
            parse_recorded("# seconds\n0\n0.5\n\n0.5 # twice\n1.25\n"),
            Ok(vec![0, 500_000_000, 500_000_000, 1_250_000_000])
        );
        assert_eq!(parse_recorded("1\n0.5\n"), Err(RecordedError::Order { line: 2 }));
        assert_eq!(parse_recorded("1\nx\n"), Err(RecordedError::Number { line: 2, text: "x".into() }));
        assert_eq!(parse_recorded("-1\n"), Err(RecordedError::Number { line: 1, text: "-1".into() }));
        assert_eq!(parse_recorded("nan\n"), Err(RecordedError::Number { line: 1, text: "nan".into() }));
        assert_eq!(parse_recorded("\n# only\n"), Err(RecordedError::Empty));
    }
}
