//! Times as people write them.

/// Milliseconds since 1970-01-01 UTC of a time such as `2024-05-01`, `2024-05-01T12:30:00.5Z` or `…+02:00`. Without a
/// zone it is UTC. `None` for anything else, and for times before 1970.
pub(crate) fn parse_iso(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    let mut millis = days_since_epoch(year, month, day) * 86_400_000;
    if let Some(time) = rest.strip_prefix(['T', 't', ' ']) {
        let (time, offset_minutes) = zone(time)?;
        millis += time_of_day(time)? - offset_minutes * 60_000;
    } else if !rest.is_empty() {
        return None;
    }
    u64::try_from(millis).ok()
}

/// The same, or `@` and the milliseconds, for arguments.
pub(crate) fn parse_time(text: &str) -> Result<u64, String> {
    let millis = |text: &str| text.parse::<u64>().ok().filter(|millis| i64::try_from(*millis).is_ok());
    let time = text.strip_prefix('@').and_then(millis).or_else(|| parse_iso(text));
    time.ok_or_else(|| "write a time such as 2024-05-01T12:00:00Z (UTC if it names no zone), or @milliseconds".into())
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Splits the zone off: minutes to the east of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (time, zone) = time.split_at(at);
    let (hours, minutes) = zone[1..].split_once(':').unwrap_or_else(|| zone[1..].split_at(2.min(zone.len() - 1)));
    let minutes = if minutes.is_empty() { 0 } else { digits(minutes, 2)? };
    let (hours, minutes) = (digits(hours, 2).filter(|hours| *hours < 24)?, Some(minutes).filter(|m| *m < 60)?);
    let east = if zone.starts_with('+') { 1 } else { -1 };
    Some((time, east * (hours * 60 + minutes)))
}

/// Milliseconds of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff`.
fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hours, minutes) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (seconds, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            let is_number = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
            let millis: String = is_number.then(|| fraction.chars().chain("00".chars()).take(3).collect())?;
            (digits(whole, 2)?, millis.parse().ok()?)
        }
    };
    let in_range = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    in_range.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + fraction)
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let before = |year: i64| year * 365 + year / 4 - year / 100 + year / 400;
    let years = before(year - 1) - before(1969);
    let months: i64 = (1..month).map(|month| days_of_month(year, month)).sum();
    years + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_people_write() {
        for (text, millis) in [
            ("1970-01-01", 0),
            ("2001-01-01", 978_307_200_000),
            ("2024-02-29T12:30", 1_709_209_800_000),
            ("2024-02-29T12:30:01Z", 1_709_209_801_000),
            ("2024-02-29 12:30:01.5", 1_709_209_801_500),
            ("2024-02-29T12:30:01.123456+02:00", 1_709_202_601_123),
            ("2024-02-29T12:30:01-0530", 1_709_229_601_000),
            ("2024-02-29T12:30:01+01", 1_709_206_201_000),
            ("2100-03-01", 4_107_542_400_000),
        ] {
            assert_eq!(parse_iso(text), Some(millis), "{text}");
        }
    }

    #[test]
    fn a_time_may_also_be_milliseconds() {
        assert_eq!(parse_time("@1700000000000"), Ok(1_700_000_000_000));
        assert_eq!(parse_time("2001-01-01"), Ok(978_307_200_000));
        for text in ["@", "@-1", "@x", "@9223372036854775808", "1700000000000", "now"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "earliest",
            "2024",
            "2024-13-01",
            "2023-02-29",
            "2024-02-29T",
            "2024-02-29T25:00",
            "2024-02-29T12:30:60",
            "2024-02-29T12:30:01.",
            "2024-02-29T12:30+1",
            "1969-12-31",
            "2024-02-29X",
            "2024-02-29T12:30:01:02",
            "2024-02-29T12:30+",
            "+024-02-29",
            "2024-02-29T12:30+99:00",
            "ä024-02-29",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }
}
