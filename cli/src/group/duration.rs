//! Durations as people write them, and as Kafka's tools do.

use std::time::Duration;

/// `90 min`, `2h`, `1d`, `500 ms`, or ISO 8601 up to days: `P1DT2H30M10.5S`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    let parsed = match trimmed.strip_prefix(['P', 'p']) {
        Some(iso) => parse_iso(iso),
        None => parse_unit(trimmed),
    };
    parsed.ok_or_else(|| {
        format!("{text:?} is no duration: write a whole number with ms, s, min, h or d, or as in P1DT2H30M")
    })
}

fn parse_unit(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..split].parse().ok()?;
    let millis = match text[split..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

fn parse_iso(text: &str) -> Option<Duration> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let mut millis = 0_u64;
    for (mut rest, units) in
        [(date, &[('D', 86_400_000)][..]), (time, &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])]
    {
        let mut units = units.iter();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let unit = char::from(rest.as_bytes()[end]).to_ascii_uppercase();
            // Each unit once, the largest first.
            let (_, scale) = units.find(|(name, _)| *name == unit)?;
            millis = millis.checked_add(scaled(&rest[..end], *scale, unit)?)?;
            rest = &rest[end + 1..];
        }
    }
    Some(Duration::from_millis(millis))
}

/// Only seconds have a fraction.
fn scaled(number: &str, scale: u64, unit: char) -> Option<u64> {
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if unit == 'S' => (whole, fraction),
        Some(_) => return None,
        None => (number, "0"),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let thousandths: String = fraction.chars().chain("00".chars()).take(3).collect();
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(thousandths.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_both_forms() {
        for (text, millis) in [
            ("500 ms", 500),
            ("90min", 5_400_000),
            ("2 h", 7_200_000),
            ("1d", 86_400_000),
            ("P1D", 86_400_000),
            ("PT0S", 0),
            ("P1DT2H30M10.5S", 95_410_500),
            ("pt90m", 5_400_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "5", "h", "1.5h", "-1h", "P", "PT", "P1DT", "P1M", "PT1M1H", "PT1H1H", "PT1.5M", "PTS", "P1W"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_duration("99999999999999999999d").is_err() && parse_duration("P999999999999999D").is_err());
    }
}
