//! `corelane produce`: send records from stdin or files.

mod input;
mod kafka;
mod lines;
mod native;

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base::ByteSize;
use clap::{Args, ValueEnum};
use wire::Codec;

use crate::door::{BrokerArguments, Door};
use crate::escape::unescape;
use crate::format::summary;
use input::Input;
use lines::{LineFormat, Parser};

/// Send records to a topic, one a line, from stdin or from files.
///
/// Every record is acknowledged before this ends with 0. A line that is no record ends it with 1: everything before that
/// line has been acknowledged then, and the message names file and line.
#[derive(Args)]
#[command(after_help = "\
Examples:
  echo hello | corelane produce greetings
  corelane produce clicks --key-separator : < clicks.txt         key:value
  corelane produce clicks --key-field user --file clicks.jsonl   the line as value, its field `user` as key
  corelane produce clicks --format json --codec zstd --file clicks.jsonl.zst
  tail -F app.log | corelane produce logs --header host=web1 --linger 100ms

Formats:
  lines  the line is the value; with --key-separator, what stands before the first one is the key
  json   an object a line with the fields value, and, if wanted, key, headers, timestamp (milliseconds), partition.
         Text is UTF-8, {\"base64\": \"…\"} is any bytes, null is null, other JSON is kept as its text. headers is
         [[\"name\", \"value\"], …] or {\"name\": \"value\", …}. What `consume --format json` prints is read back.

Records of one key go to one partition, as with every Kafka client.")]
pub(crate) struct Produce {
    /// The topic, which must be there.
    topic: String,
    /// Read these files one after another instead of stdin; `.zst` and `.gz` are decompressed.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    file: Vec<PathBuf>,
    /// What a line is.
    #[arg(long, value_enum, default_value = "lines")]
    format: Format,
    /// Each line is a key and a value with this between them; \t, \n, \0, \\ and \xNN are understood.
    #[arg(long, value_name = "TEXT", value_parser = unescape, conflicts_with = "key_field")]
    key_separator: Option<std::sync::Arc<[u8]>>,
    /// Each line is a JSON object: it is the value, and this field of it the key.
    #[arg(long, value_name = "NAME")]
    key_field: Option<String>,
    /// How batches are compressed: none, gzip, snappy, lz4, zstd.
    #[arg(long, default_value = "none", value_parser = parse_codec)]
    codec: Codec,
    /// When a record counts as acknowledged: all (on stable storage everywhere), 1 (the leader has it), 0 (never).
    #[arg(long, value_enum, default_value = "all")]
    acks: Acks,
    /// Send everything to this partition.
    #[arg(long, short, value_name = "N")]
    partition: Option<u32>,
    /// A header for every record; may be given several times.
    #[arg(long, short = 'H', value_name = "NAME=VALUE", value_parser = parse_header)]
    header: Vec<(String, String)>,
    /// Size of a batch, before compression, at which it is sent.
    #[arg(long, value_name = "SIZE", default_value = "512 KiB", value_parser = parse_batch_bytes)]
    batch_bytes: usize,
    /// How long a batch waits for more records.
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = parse_linger)]
    linger: Duration,
    /// Say nothing at the end.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    broker: BrokerArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Lines,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Acks {
    #[value(name = "0")]
    None,
    #[value(name = "1")]
    Leader,
    All,
}

fn parse_codec(text: &str) -> Result<Codec, String> {
    Codec::from_name(text).ok_or_else(|| "write none, gzip, snappy, lz4 or zstd".to_owned())
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

const BATCH_BYTES_MIN: u64 = 1 << 10;
const BATCH_BYTES_MAX: u64 = 8 << 20;

fn parse_batch_bytes(text: &str) -> Result<usize, String> {
    let size: ByteSize = text.parse().map_err(|error| format!("{error}"))?;
    match size.bytes() {
        BATCH_BYTES_MIN..=BATCH_BYTES_MAX => Ok(size.as_usize()),
        _ => Err(format!("it must be {} to {}", ByteSize(BATCH_BYTES_MIN), ByteSize(BATCH_BYTES_MAX))),
    }
}

const LINGER_MAX: Duration = Duration::from_secs(60);

fn parse_linger(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: u64 = digits.parse().map_err(|_| "write a time such as 0ms, 5ms or 1s")?;
    let linger = match text[digits.len()..].trim() {
        "us" => Duration::from_micros(number),
        "ms" | "" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        _ => return Err("write a time such as 0ms, 5ms or 1s".to_owned()),
    };
    if linger > LINGER_MAX {
        return Err(format!("it must be {} s at most", LINGER_MAX.as_secs()));
    }
    Ok(linger)
}

/// What the doors need to know.
#[derive(Clone)]
struct Plan {
    topic: String,
    codec: Codec,
    acks: Acks,
    partition: Option<u32>,
    headers: Vec<(String, String)>,
    batch_bytes: usize,
    linger: Duration,
}

/// What has been acknowledged; with `acks=0`, sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    records: u64,
    /// Bytes of keys and values.
    bytes: u64,
}

impl Produce {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let address = self.broker.address();
        let format = match (self.key_field, self.key_separator, self.format) {
            (Some(name), _, _) => LineFormat::JsonValue { key_field: name },
            (None, Some(_), Format::Json) => Err("--key-separator goes with --format lines only")?,
            (None, separator, Format::Lines) => LineFormat::Text { key_separator: separator },
            (None, None, Format::Json) => LineFormat::Json,
        };
        let plan = Plan {
            topic: self.topic,
            codec: self.codec,
            acks: self.acks,
            partition: self.partition,
            headers: self.header,
            batch_bytes: self.batch_bytes,
            linger: self.linger,
        };
        let begun = Instant::now();
        let mut totals = Totals::default();
        let parser = Parser::new(format);
        let input = Input::open(self.file)?;
        let result = match self.broker.door {
            Door::Kafka => kafka::produce(&address, &plan, input, parser, &mut totals),
            Door::Native => native::produce(&address, plan, input, parser, &mut totals),
        };
        if !self.quiet && (result.is_ok() || totals.records > 0) {
            let done = if self.acks == Acks::None { "sent (unacknowledged)" } else { "acknowledged" };
            eprintln!("{}", summary(done, totals.records, totals.bytes, begun.elapsed()));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_bounds_are_refused_with_the_bounds() {
        assert_eq!(parse_batch_bytes("64 KiB"), Ok(65_536));
        assert!(parse_batch_bytes("9 MiB").unwrap_err().contains("8 MiB"));
        assert!(parse_batch_bytes("0").is_err());
        assert_eq!(parse_linger("0"), Ok(Duration::ZERO));
        assert_eq!(parse_linger("20 ms"), Ok(Duration::from_millis(20)));
        assert_eq!(parse_linger("1s"), Ok(Duration::from_secs(1)));
        for text in ["", "ms", "-1ms", "1h", "61s", "1.5s"] {
            assert!(parse_linger(text).is_err(), "{text}");
        }
        assert!(parse_codec("brotli").is_err());
    }
}
