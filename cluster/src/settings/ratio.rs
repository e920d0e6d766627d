//! A share between none and all.

use std::fmt;

/// A number from 0 to 1, in steps of a millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio {
    millionths: u32,
}

impl Ratio {
    pub const ONE_MILLIONTHS: u32 = 1_000_000;

    /// Reads a decimal number; digits beyond the sixth are left off.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let millionths: u32 = format!("{fraction:0<6}")[..6].parse().expect("six digits");
        let millionths = whole.checked_mul(Self::ONE_MILLIONTHS)?.checked_add(millionths)?;
        let is_in_range = millionths <= Self::ONE_MILLIONTHS;
        is_in_range.then_some(Self { millionths })
    }

    pub const fn millionths(self) -> u32 {
        self.millionths
    }
}

/// As Java writes it: with one digit after the point at least.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.millionths / Self::ONE_MILLIONTHS, self.millionths % Self::ONE_MILLIONTHS);
        let digits = format!("{fraction:06}");
        let shown = digits.trim_end_matches('0');
        f.pad(&format!("{whole}.{}", if shown.is_empty() { "0" } else { shown }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_one_spelling_and_stays_between_none_and_all() {
        let spelled = |text| Ratio::parse(text).map(|ratio| ratio.to_string());
        for (text, expected) in [("0.5", "0.5"), ("1", "1.0"), ("0", "0.0"), (".25", "0.25"), ("0.1234567", "0.123456")]
        {
            assert_eq!(spelled(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(spelled("01.000"), Some("1.0".to_owned()));
        for text in ["", ".", "1.000001", "-0.1", "0,5", "2", "99999999999", "0.5 ", "1e-1"] {
            assert_eq!(spelled(text), None, "{text:?}");
        }
    }
}
