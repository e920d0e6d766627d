//! Numbers of bytes as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes. Written as `512`, `64 KiB`, `16MiB`, `1.5GiB`; powers of 1024 only, so that no unit is ambiguous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl ByteSize {
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// As a length in memory; saturates where memory cannot be that large.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.into_iter().find(|(_, unit)| self.0 >= *unit) {
            Some((name, unit)) if self.0.is_multiple_of(unit) => f.pad(&format!("{} {name}", self.0 / unit)),
            Some((name, unit)) => f.pad(&format!("{:.1} {name}", self.0 as f64 / unit as f64)),
            None => f.pad(&format!("{} B", self.0)),
        }
    }
}

impl FromStr for ByteSize {
    type Err = ParseByteSizeError;

    fn from_str(text: &str) -> Result<Self, ParseByteSizeError> {
        let refused = || ParseByteSizeError { text: text.chars().take(64).collect() };
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = (&trimmed[..split], trimmed[split..].trim());
        let unit = match unit {
            "" | "B" => 1,
            name => UNITS.into_iter().find(|(known, _)| *known == name).ok_or_else(refused)?.1,
        };
        let bytes = match number.parse::<u64>() {
            Ok(whole) => whole.checked_mul(unit),
            Err(_) => fraction_of(number, unit),
        };
        bytes.map(Self).ok_or_else(refused)
    }
}

/// `1.5` of a unit, exact to the byte below; `None` for anything but digits, a point and digits.
fn fraction_of(number: &str, unit: u64) -> Option<u64> {
    let (whole, decimals) = number.split_once('.')?;
    if decimals.is_empty() || decimals.len() > 6 {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(decimals.len()).ok()?);
    let parts = u128::from(whole.parse::<u64>().ok()?) * u128::from(scale) + u128::from(decimals.parse::<u64>().ok()?);
    u64::try_from(parts.checked_mul(u128::from(unit))? / u128::from(scale)).ok()
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// The text is not a number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a size: write a number of bytes, or a number with KiB, MiB, GiB or TiB")]
pub struct ParseByteSizeError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in
            [("0", 0), ("512", 512), ("512 B", 512), ("64KiB", 65_536), (" 16 MiB ", 16 << 20), ("1.5 GiB", 3 << 29)]
        {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn ambiguous_or_endless_sizes_are_refused() {
        for text in ["", "MiB", "1 MB", "1k", "-1", "1e9", "1.", "1.2.3 KiB", "99999999999 GiB", "0.00000001 TiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_print_in_the_largest_fitting_unit() {
        for (bytes, text) in [(0, "0 B"), (1_023, "1023 B"), (65_536, "64 KiB"), (3 << 29, "1.5 GiB")] {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }
}
