//! Numbers and bytes as people read them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// Bytes in the largest unit that leaves a number of at least one, rounded to a tenth.
pub(crate) fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_235 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1_024;
        unit += 1;
    }
    match (tenths % 10, unit) {
        (0, _) | (_, 0) => format!("{} {}", tenths / 10, UNITS[unit]),
        (tenth, _) => format!("{}.{tenth} {}", tenths / 10, UNITS[unit]),
    }
}

/// A value as a line of JSON.
pub(crate) fn json_line<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string(value).expect("plain data becomes JSON");
    text.push('\n');
    text
}

/// A whole number with its thousands apart.
pub(crate) fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// What was done, how much, and how fast.
pub(crate) fn summary(done: &str, records: u64, bytes: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(1e-6);
    #[expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]
    let (record_rate, megabyte_rate) = (records as f64 / seconds, bytes as f64 / seconds / 1e6);
    format!(
        "{done} {} records, {} of keys and values, in {seconds:.3} s: {record_rate:.0} records/s, {megabyte_rate:.1} MB/s",
        count_text(records),
        bytes_text(bytes),
    )
}

/// Bytes in quotes, as text where they are, cut after `bytes_max`.
pub(crate) fn escaped(bytes: &[u8], bytes_max: usize) -> String {
    let cut = &bytes[..bytes.len().min(bytes_max)];
    let mut text = String::from("\"");
    for chunk in cut.utf8_chunks() {
        chunk.valid().chars().for_each(|c| match c {
            '"' | '\\' | '\n' | '\r' | '\t' => text.extend(c.escape_default()),
            c if c.is_control() => text.extend(c.escape_default()),
            c => text.push(c),
        });
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("a String takes all");
        }
    }
    text.push('"');
    if cut.len() < bytes.len() {
        write!(text, "… ({} bytes)", bytes.len()).expect("a String takes all");
    }
    text
}

/// Text from elsewhere, with what a terminal would obey escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => printed.extend(character.escape_default()),
            false => printed.push(character),
        }
    }
    printed
}

/// At most so many characters.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(characters_max - 1).chain(['…']).collect(),
    }
}

/// Numbers with runs of them drawn together: `0-3,7`.
pub(crate) fn ranges_text(numbers: &BTreeSet<u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let run = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

/// `1 member`, `2 members`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count_text(count as u64))
}

/// `group a`, or `3 groups`.
pub(crate) fn named(noun: &str, names: &[String]) -> String {
    match names {
        [name] => format!("{noun} {}", printable(name)),
        several => plural(several.len(), noun),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_are_short_and_right() {
        let cases = [(0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (1 << 20, "1 MiB")];
        for (bytes, text) in cases {
            assert_eq!(bytes_text(bytes), text);
        }
        assert_eq!(bytes_text(u64::MAX), "16384 PiB");
        assert_eq!(bytes_text((1 << 20) - 1), "1 MiB");
        assert_eq!(count_text(0), "0");
        assert_eq!(count_text(999), "999");
        assert_eq!(count_text(1_234_567), "1 234 567");
    }

    #[test]
    fn bytes_that_a_terminal_would_obey_are_escaped() {
        assert_eq!(escaped(b"a\"\x1b[2J\xff\n", 60), "\"a\\\"\\u{1b}[2J\\xff\\n\"");
        assert_eq!(escaped(b"abcdef", 3), "\"abc\"… (6 bytes)");
    }

    #[test]
    fn texts_are_cut_counted_and_made_harmless() {
        assert_eq!(printable("a\x1b[2Jé\n"), "a\\u{1b}[2Jé\\n");
        assert_eq!([cut("äbcd", 4), cut("äbcde", 4)], ["äbcd", "äbc…"]);
        assert_eq!(ranges_text(&[0, 1, 2, 5, 7, 8, u32::MAX].into()), "0-2,5,7-8,4294967295");
        assert_eq!(ranges_text(&[].into()), "");
        assert_eq!([plural(1, "group"), plural(2_000, "group")], ["1 group", "2 000 groups"]);
        assert_eq!(named("group", &["g".to_owned()]), "group g");
        assert_eq!(named("group", &["g".to_owned(), "h".to_owned()]), "2 groups");
    }
}
