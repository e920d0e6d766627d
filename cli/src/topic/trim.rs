//! `corelane topic trim`.

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::Answer;
use crate::confirm::Confirm;
use crate::format::{count_text, json_line, plural};
use crate::kafka::{Cluster, OffsetQuery, TopicMetadata};
use crate::say;
use crate::table::table;
use crate::time::parse_time;

/// Delete records: those before an offset of a partition, those before a time, or all.
///
/// Their space returns once the segments that hold nothing else are removed.
#[derive(Args)]
#[command(group = ArgGroup::new("to").required(true))]
#[command(group = ArgGroup::new("where").required(true))]
#[command(after_help = "\
Examples:
  corelane topic trim clicks --partition 3 --before 1000000
  corelane topic trim clicks --all --before-time 2024-05-01T12:00:00Z --dry-run
  corelane topic trim clicks --all --to-end --yes")]
pub(super) struct Trim {
    /// The topic.
    name: String,
    /// A partition; may be given several times.
    #[arg(long, value_name = "N", group = "where")]
    partition: Vec<u32>,
    /// Every partition.
    #[arg(long, group = "where")]
    all: bool,
    /// Keep this offset and those after it.
    #[arg(long, value_name = "K", group = "to", conflicts_with = "all", value_parser = clap::value_parser!(u64).range(..1 << 63))]
    before: Option<u64>,
    /// Keep the first record of this time or a later one, and those after it: 2024-05-01T12:00:00Z, or @milliseconds.
    #[arg(long, value_name = "TIME", group = "to", value_parser = parse_time)]
    before_time: Option<u64>,
    /// Every record that can be read now.
    #[arg(long, group = "to")]
    to_end: bool,
    /// Only show what would go.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// A partition, and where its log begins before and after.
#[derive(Debug, Serialize)]
struct Cut<'a> {
    topic: &'a str,
    partition: u32,
    old_start_offset: u64,
    start_offset: u64,
    end_offset: u64,
    executed: bool,
}

impl Trim {
    pub(super) fn run(mut self, cluster: &mut Cluster) -> Answer<()> {
        let topic = cluster.topic(&self.name)?;
        self.partition.sort_unstable();
        self.partition.dedup();
        let partitions: Vec<u32> = match self.all {
            true => (0_u32..).zip(&topic.partitions).map(|(index, _)| index).collect(),
            false => self.partition.clone(),
        };
        let mut cuts = self.plan(cluster, &topic, &partitions)?;
        let is_over = |cut: &&Cut<'_>| cut.start_offset > cut.end_offset;
        if let Some(Cut { partition, start_offset, end_offset, .. }) = cuts.iter().find(is_over) {
            Err(format!(
                "partition {partition} of topic {:?} ends at offset {end_offset}, and all before {start_offset} was to be \
                 deleted: --to-end deletes what there is",
                self.name
            ))?;
        }
        if self.dry_run {
            say(&self.text(&cuts))?;
            eprintln!("corelane: nothing is deleted yet: it would be without --dry-run");
            return Ok(());
        }
        let offsets: u64 = cuts.iter().map(Cut::offsets).sum();
        let of = plural(cuts.len(), "partition");
        if offsets > 0 {
            self.confirm.ask(&format!("delete {} offsets of {of} of topic {}", count_text(offsets), self.name))?;
        }
        let asked: Vec<(u32, u64)> = cuts.iter().map(|cut| (cut.partition, cut.start_offset)).collect();
        let starts = cluster.delete_records(&topic, &asked)?;
        for cut in &mut cuts {
            let start = starts.iter().find(|(partition, _)| *partition == cut.partition);
            cut.start_offset = start.map_or(cut.start_offset, |(_, start)| *start);
            cut.executed = true;
        }
        say(&self.text(&cuts))
    }

    /// What each partition is to begin with.
    fn plan<'a>(&'a self, cluster: &mut Cluster, topic: &TopicMetadata, partitions: &[u32]) -> Answer<Vec<Cut<'a>>> {
        let ask = |cluster: &mut Cluster, query| {
            let queries: Vec<(u32, OffsetQuery)> = partitions.iter().map(|index| (*index, query)).collect();
            cluster.offsets(topic, &queries)
        };
        // The end first: what comes in the meantime is not meant.
        let ends = ask(cluster, OffsetQuery::Latest)?;
        let starts = ask(cluster, OffsetQuery::Earliest)?;
        let times = match self.before_time {
            Some(millis) => ask(cluster, OffsetQuery::At(millis))?,
            None => vec![None; partitions.len()],
        };
        let cut = |(at, partition): (usize, &u32)| {
            let (start, end) = (starts[at].unwrap_or_default(), ends[at].unwrap_or_default());
            let before = self.before.or(times[at]).unwrap_or(end);
            Cut {
                topic: &self.name,
                partition: *partition,
                old_start_offset: start,
                start_offset: before.max(start),
                end_offset: end,
                executed: false,
            }
        };
        Ok(partitions.iter().enumerate().map(cut).collect())
    }

    fn text(&self, cuts: &[Cut<'_>]) -> String {
        if self.json {
            return cuts.iter().map(json_line).collect();
        }
        let row = |cut: &Cut<'_>| {
            let numbers =
                [u64::from(cut.partition), cut.old_start_offset, cut.start_offset, cut.end_offset, cut.offsets()];
            numbers.map(|number| number.to_string()).to_vec()
        };
        table(&["PARTITION", "OLD START", "START", "END", "DELETED"], &cuts.iter().map(row).collect::<Vec<_>>())
    }
}

impl Cut<'_> {
    /// How many offsets go.
    fn offsets(&self) -> u64 {
        self.start_offset.saturating_sub(self.old_start_offset)
    }
}
