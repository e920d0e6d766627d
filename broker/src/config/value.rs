//! Kinds of values, and how each is written.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use base::ByteSize;

/// On which cores to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cores {
    /// Every core that the process may run on.
    All,
    /// The first so many of them.
    Count(u16),
    /// These.
    List(Vec<u16>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Address(SocketAddr),
    Bytes(ByteSize),
    Count(u32),
    Duration(Duration),
    Flag(bool),
    Cores(Cores),
}

/// What stands for no address.
pub(super) const OFF: &str = "off";

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// One of a few words.
    Word(&'static [&'static str]),
    Address,
    /// Or none.
    AddressOrOff,
    Bytes {
        min: u64,
        max: u64,
    },
    Count {
        min: u32,
        max: u32,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Flag,
    Cores,
}

impl Kind {
    /// Reads a value as flags and the environment have it.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Word(words) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
            Self::Word(words) => Err(format!("{text:?} is none of {}", words.join(", "))),
            Self::AddressOrOff if text == OFF => Ok(Value::Text(OFF.to_owned())),
            Self::Address | Self::AddressOrOff => {
                let refused = |_| format!("{text:?} is no address such as 127.0.0.1:9092 or [::]:9092");
                text.parse().map(Value::Address).map_err(refused)
            }
            Self::Bytes { min, max } => {
                let size: ByteSize = text.parse().map_err(|error: base::ParseByteSizeError| error.to_string())?;
                within(size, ByteSize(min), ByteSize(max)).map(Value::Bytes)
            }
            Self::Count { min, max } => {
                let count = text.parse().map_err(|_| format!("{text:?} is no whole number"))?;
                within(count, min, max).map(Value::Count)
            }
            Self::Duration { min, max } => {
                let duration = parse_duration(text)?;
                within(Shown(duration), Shown(min), Shown(max)).map(|shown| Value::Duration(shown.0))
            }
            Self::Flag => match text {
                "true" => Ok(Value::Flag(true)),
                "false" => Ok(Value::Flag(false)),
                _ => Err(format!("{text:?} is neither true nor false")),
            },
            Self::Cores => parse_cores(text).map(Value::Cores),
        }
    }

    /// What is allowed, for help and documentation.
    pub fn bounds(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Word(words) => words.join(" | "),
            Self::Address => "address:port".to_owned(),
            Self::AddressOrOff => format!("address:port | {OFF}"),
            Self::Bytes { min, max } => format!("{} to {}", ByteSize(min), ByteSize(max)),
            Self::Count { min, max } => format!("{min} to {max}"),
            Self::Duration { min, max } => format!("{} to {}", Shown(min), Shown(max)),
            Self::Flag => "true | false".to_owned(),
            Self::Cores => "all, a number, or a list such as 0,2-3".to_owned(),
        }
    }
}

fn within<T: PartialOrd + fmt::Display>(value: T, min: T, max: T) -> Result<T, String> {
    if value < min {
        return Err(format!("{value} is below {min}, the least that is allowed"));
    }
    if value > max {
        return Err(format!("{value} is above {max}, the most that is allowed"));
    }
    Ok(value)
}

/// A duration as it is written.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Shown(Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        let units = [(3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms")];
        match units.into_iter().find(|(unit, _)| micros >= *unit && micros.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{} {name}", micros / unit),
            None => write!(f, "{micros} us"),
        }
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..split], trimmed[split..].trim());
    let micros_per_unit: u64 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(format!("{text:?} is no duration: write a whole number with us, ms, s, min, h or d")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text:?} does not begin with a whole number"))?;
    number.checked_mul(micros_per_unit).map(Duration::from_micros).ok_or_else(|| format!("{text:?} is too long"))
}

fn parse_cores(text: &str) -> Result<Cores, String> {
    if text == "all" {
        return Ok(Cores::All);
    }
    if let Ok(count) = text.parse::<u16>() {
        return within(count, 1, 1_024).map(Cores::Count);
    }
    let refused = || format!("{text:?} is neither all, nor a number, nor a list such as 0,2-3");
    let mut list = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: u16 = first.trim().parse().map_err(|_| refused())?;
        let last: u16 = last.trim().parse().map_err(|_| refused())?;
        if first > last || last >= 1_024 || list.len() > 1_024 {
            return Err(refused());
        }
        list.extend(first..=last);
    }
    let mut unique = list.clone();
    unique.sort_unstable();
    unique.dedup();
    if unique.len() != list.len() {
        return Err(format!("{text:?} names a core twice"));
    }
    Ok(Cores::List(list))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Address(address) => address.fmt(f),
            Self::Bytes(size) => {
                // Exact, so that what is shown can be set again: in the largest unit that divides it.
                let units = [(1_u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];
                let fits = |(unit, _): &(u64, &str)| size.0 >= *unit && size.0.is_multiple_of(*unit);
                let (unit, name) = units.into_iter().find(fits).unwrap_or((1, "B"));
                write!(f, "{} {name}", size.0 / unit)
            }
            Self::Count(count) => count.fmt(f),
            Self::Duration(duration) => Shown(*duration).fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Cores(Cores::All) => f.write_str("all"),
            Self::Cores(Cores::Count(count)) => count.fmt(f),
            Self::Cores(Cores::List(list)) => {
                let names: Vec<String> = list.iter().map(u16::to_string).collect();
                // A single core as a list is written so that it isn't read as a number of cores.
                match names.as_slice() {
                    [only] => write!(f, "{only}-{only}"),
                    several => f.write_str(&several.join(",")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_a_number_or_a_list() {
        for (text, expected) in [
            ("all", Cores::All),
            ("2", Cores::Count(2)),
            ("0-0", Cores::List(vec![0])),
            ("0,2-4", Cores::List(vec![0, 2, 3, 4])),
        ] {
            let value = Kind::Cores.parse(text).unwrap();
            assert_eq!(value, Value::Cores(expected));
            assert_eq!(Kind::Cores.parse(&value.to_string()).unwrap(), value);
        }
        for text in ["", "0", "x", "1-", "3-1", "0,0", "1,0-2", "-1", "9999,0"] {
            assert!(Kind::Cores.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_is_shown_so_that_it_can_be_set_again() {
        let kind = Kind::Bytes { min: 0, max: u64::MAX };
        for (text, shown) in [("77777", "77777 B"), ("1.5 GiB", "1536 MiB"), ("64 KiB", "64 KiB"), ("0", "0 B")] {
            let value = kind.parse(text).unwrap();
            assert_eq!(value.to_string(), shown);
            assert_eq!(kind.parse(shown).unwrap(), value);
        }
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("10 min"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["10", "ms", "1.5 s", "-1 s", "99999999999999999999 h", "9999999999999999 h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
