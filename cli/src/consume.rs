//! `corelane consume`: read records and print them.

mod kafka;
mod native;
mod output;

use std::error::Error;
use std::time::Instant;

use clap::{Args, ValueEnum};
use rt::StopSignal;

use crate::door::{BrokerArguments, Door};
use crate::escape::unescape;
use crate::time::parse_iso;
use output::Output;

/// Read records of a topic and print them.
///
/// Without --to-end or --count it goes on until Ctrl-C, which ends it in good order. When whoever reads its output goes
/// away it ends, too. Partitions are read side by side: the order is kept within each.
#[derive(Args)]
#[command(after_help = "\
Examples:
  corelane consume clicks                          from the beginning, and then what comes
  corelane consume clicks --from latest            only what comes
  corelane consume clicks --to-end --format json > clicks.jsonl
  corelane produce copy --format json < clicks.jsonl      … brings it back byte for byte
  corelane consume clicks --partition 3 --from 1000 --count 10 --format lines
  corelane consume clicks --from 2024-05-01T12:00:00Z --door native --stats

Formats:
  value  the value and a line feed; a value that is null is an empty line
  lines  the key, a tab (--key-separator), the value, a line feed
  json   one object a line: topic, partition, offset, timestamp, key, headers, value; bytes that are no UTF-8 are
         {\"base64\": \"…\"}, null stays null")]
pub(crate) struct Consume {
    /// The topic, which must be there.
    topic: String,
    /// Read this partition only; may be given several times.
    #[arg(long, short, value_name = "N")]
    partition: Vec<u32>,
    /// Where to begin: earliest, latest, an offset, a time (2024-05-01T12:00:00Z, or @ and milliseconds since 1970).
    #[arg(long, short, value_name = "WHERE", default_value = "earliest", value_parser = parse_from)]
    from: From,
    /// Stop at what is the end of each partition now.
    #[arg(long, short = 'e')]
    to_end: bool,
    /// Stop after so many records.
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,
    /// What is printed of a record.
    #[arg(long, value_enum, default_value = "value")]
    format: Format,
    /// Between key and value in the format lines; \t, \n, \0, \\ and \xNN are understood.
    #[arg(long, value_name = "TEXT", default_value = r"\t", value_parser = unescape)]
    key_separator: std::sync::Arc<[u8]>,
    /// Say on stderr at the end how much it was, and how fast.
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    broker: BrokerArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Value,
    Lines,
    Json,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Earliest,
    Latest,
    Offset(u64),
    /// Milliseconds since 1970.
    Time(u64),
}

fn parse_from(text: &str) -> Result<From, String> {
    match text {
        "earliest" | "beginning" => return Ok(From::Earliest),
        "latest" | "end" => return Ok(From::Latest),
        _ => {}
    }
    let largest = i64::MAX.cast_unsigned();
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number <= largest);
    let time = text.strip_prefix('@').and_then(number).or_else(|| parse_iso(text));
    let found = number(text).map(From::Offset).or_else(|| time.map(From::Time));
    found.ok_or_else(|| {
        "write earliest, latest, an offset, @milliseconds, or a time such as 2024-05-01T12:00:00Z".into()
    })
}

/// What the doors need to know.
struct Plan {
    topic: String,
    /// All, if it is empty.
    partitions: Vec<u32>,
    from: From,
    to_end: bool,
    stop: StopSignal,
}

/// Why a door has stopped reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// All that was asked for is there.
    Done,
    /// By Ctrl-C.
    Stopped,
    /// Nobody reads any more.
    Unread,
}

fn out_of_range(topic: &str, partition: u32, wanted: u64, start: u64, end: u64) -> String {
    format!(
        "partition {partition} of topic {topic:?} has offsets {start} up to {end}, and {wanted} was asked for: give another \
         --from"
    )
}

impl Consume {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let address = self.broker.address();
        let mut partitions = self.partition;
        partitions.sort_unstable();
        partitions.dedup();
        let plan = Plan {
            topic: self.topic,
            partitions,
            from: self.from,
            to_end: self.to_end,
            stop: StopSignal::on_terminate()?,
        };
        let mut output = Output::new(self.format, &self.key_separator, self.count);
        if self.count == Some(0) {
            return Ok(());
        }
        let begun = Instant::now();
        let result = match self.broker.door {
            Door::Kafka => kafka::consume(&address, &plan, &mut output),
            Door::Native => native::consume(&address, plan, &mut output),
        };
        // What was read before a failure is printed all the same.
        let flushed = output.flush();
        let ended = match (result, flushed) {
            (Err(error), _) => match output::is_broken_pipe(&*error) {
                true => Ended::Unread,
                false => return Err(error),
            },
            (Ok(_), Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ended::Unread,
            (Ok(_), Err(error)) => return Err(format!("stdout: {error}").into()),
            (Ok(ended), Ok(())) => ended,
        };
        if self.stats || ended == Ended::Stopped {
            let (records, bytes) = output.totals();
            eprintln!("{}", crate::format::summary("read", records, bytes, begun.elapsed()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_begin_is_a_word_an_offset_or_a_time() {
        assert_eq!(parse_from("earliest"), Ok(From::Earliest));
        assert_eq!(parse_from("17"), Ok(From::Offset(17)));
        assert_eq!(parse_from("@1700000000000"), Ok(From::Time(1_700_000_000_000)));
        assert_eq!(parse_from("2001-01-01"), Ok(From::Time(978_307_200_000)));
        for text in ["-1", "begin", "@", "@x", "9223372036854775808", "1.5"] {
            assert!(parse_from(text).is_err(), "{text}");
        }
    }
}
