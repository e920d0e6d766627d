//! `corelane group reset-offsets`: where a group resumes, set to somewhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::duration::parse_duration;
use super::scope::{Scope, parse_scope};
use super::target::{Known, Resolved, Target};
use super::{Answer, offsets_file};
use crate::format::{json_line, plural};
use crate::kafka::{Cluster, Committed, Leader, OffsetQuery, TopicPartition, leader_of};
use crate::say;
use crate::table::table;
use crate::time::parse_time;

/// Set where a group resumes. Shows what would be done; --execute does it.
///
/// The group must have no members. An offset that the log does not have becomes the nearest one that it has, and it is
/// said so. A group that is not there yet is made.
#[derive(Args)]
#[command(group = ArgGroup::new("to").required(true))]
#[command(group = ArgGroup::new("what").required(true))]
#[command(after_help = "\
Examples:
  corelane group reset-offsets readers --topic clicks --to-earliest   # a trial
  corelane group reset-offsets readers --topic clicks --to-earliest --execute
  corelane group reset-offsets readers --topic clicks:0,3-5 --shift-by -100 --execute
  corelane group reset-offsets readers --all-topics --by-duration '2 h' --execute
  corelane group reset-offsets readers --all-topics --to-current --export > offsets.csv
  corelane group reset-offsets others --from-file offsets.csv --execute")]
pub(super) struct ResetOffsets {
    /// The group.
    group: String,
    /// A topic, or some of its partitions, such as clicks or clicks:0,3-5; may be given several times.
    #[arg(long, value_name = "NAME[:N,…]", group = "what", value_parser = parse_scope)]
    topic: Vec<Scope>,
    /// Every partition for which the group has committed an offset.
    #[arg(long, group = "what")]
    all_topics: bool,
    /// To the first record that there is.
    #[arg(long, group = "to")]
    to_earliest: bool,
    /// To the end: only what comes is read.
    #[arg(long, group = "to")]
    to_latest: bool,
    /// To this offset.
    #[arg(long, value_name = "K", group = "to", value_parser = clap::value_parser!(u64).range(..1 << 63))]
    to_offset: Option<u64>,
    /// By so many offsets, back if it is negative.
    #[arg(long, value_name = "N", group = "to", allow_hyphen_values = true)]
    shift_by: Option<i64>,
    /// To the first record of this time or a later one: 2024-05-01T12:00:00Z, or @ and milliseconds since 1970.
    #[arg(long, value_name = "TIME", group = "to", value_parser = parse_time)]
    to_datetime: Option<u64>,
    /// To the first record that is not older: 90 min, 2 h, 1 d, or PT1H30M.
    #[arg(long, value_name = "DURATION", group = "to", value_parser = parse_duration)]
    by_duration: Option<Duration>,
    /// To where it is, and to the end where it has committed nothing: to export, or to bring it back into the log.
    #[arg(long, group = "to")]
    to_current: bool,
    /// To what the lines TOPIC,PARTITION,OFFSET of a file say.
    #[arg(long, value_name = "FILE", groups = ["to", "what"])]
    from_file: Option<PathBuf>,
    /// Do it.
    #[arg(long)]
    execute: bool,
    /// Only show it, as without --execute.
    #[arg(long, conflicts_with = "execute")]
    dry_run: bool,
    /// Print TOPIC,PARTITION,OFFSET, for --from-file.
    #[arg(long, conflicts_with = "json")]
    export: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// A partition's row.
#[derive(Debug, Serialize)]
struct Change<'a> {
    group: &'a str,
    topic: &'a str,
    partition: u32,
    old_offset: Option<u64>,
    new_offset: u64,
    start_offset: u64,
    end_offset: u64,
    executed: bool,
}

/// A partition whose offset is to be set.
struct Wanted {
    partition: TopicPartition,
    leader: Leader,
    target: Target,
}

impl ResetOffsets {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        let group = self.group.as_str();
        let from_file = self.from_file.as_ref().map(|path| read(path, group)).transpose()?;
        self.check_group(cluster)?;
        let committed = cluster.committed_offsets(group)?;
        let wanted = match from_file {
            Some(offsets) => of_file(cluster, offsets)?,
            None => self.wanted(cluster, &committed)?,
        };
        let known = known(cluster, &wanted, &committed)?;
        let mut offsets = Vec::with_capacity(wanted.len());
        for (Wanted { partition, target, .. }, known) in wanted.iter().zip(&known) {
            let (topic, index) = partition;
            let Some(Resolved { offset, asked }) = target.resolve(*known) else {
                let hint = "name only partitions that have one, as --all-topics does";
                return Err(format!(
                    "group {group:?} has committed no offset for partition {index} of topic {topic:?} that could be shifted: {hint}"
                ))?;
            };
            if let Some(asked) = asked {
                let (start, end) = (known.start, known.end);
                eprintln!(
                    "corelane: partition {index} of topic {topic:?} has offsets {start} up to {end}: {offset} is taken for {asked}"
                );
            }
            offsets.push((partition.clone(), offset));
        }
        let executed = self.execute;
        let refused = if executed { cluster.commit_offsets(group, &offsets)? } else { Vec::new() };
        let refused_partitions: BTreeSet<&TopicPartition> = refused.iter().map(|refused| &refused.partition).collect();
        let done = offsets.iter().zip(&known).filter(|((partition, _), _)| !refused_partitions.contains(partition));
        let changes: Vec<Change<'_>> = done
            .map(|(((topic, partition), new_offset), known)| Change {
                group,
                topic,
                partition: *partition,
                old_offset: known.committed,
                new_offset: *new_offset,
                start_offset: known.start,
                end_offset: known.end,
                executed,
            })
            .collect();
        say(&self.text(&changes))?;
        if let Some(first) = refused.first() {
            let ((topic, index), error) = (&first.partition, &first.error);
            let (count, of) = (refused.len(), offsets.len());
            return Err(format!(
                "{count} of {of} offsets of group {group:?} are not set; partition {index} of topic {topic:?}: {error}"
            ))?;
        }
        if !executed {
            eprintln!("corelane: nothing is changed yet: --execute does it");
        }
        Ok(())
    }

    /// Refuses a group that somebody reads with.
    fn check_group(&self, cluster: &mut Cluster) -> Answer<()> {
        let group = &self.group;
        match cluster.describe_groups(std::slice::from_ref(group))?.get(group) {
            None if self.all_topics => Err(super::no_such_group(cluster, group))?,
            None => {
                eprintln!("corelane: there is no group {group:?} yet");
                Ok(())
            }
            Some(description) if description.is_inactive() => Ok(()),
            Some(description) => {
                let (state, members) = (&description.state, plural(description.members.len(), "member"));
                Err(format!(
                    "group {group:?} is in state {state} with {members}: stop them, and wait until it is Empty; \
                     `corelane group describe {group} --members` shows them"
                ))?
            }
        }
    }

    fn target(&self) -> Target {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let choices = [
            self.to_earliest.then_some(Target::Earliest),
            self.to_latest.then_some(Target::Latest),
            self.to_current.then_some(Target::Current),
            self.to_offset.map(Target::Offset),
            self.shift_by.map(Target::Shift),
            self.to_datetime.map(Target::Time),
            self.by_duration.map(|duration| Target::Time(millis(now.saturating_sub(duration)))),
        ];
        choices.into_iter().flatten().next().expect("one of them is required")
    }

    /// The partitions named, or those with a commit.
    fn wanted(&self, cluster: &mut Cluster, committed: &BTreeMap<TopicPartition, Committed>) -> Answer<Vec<Wanted>> {
        let target = self.target();
        let mut wanted = BTreeMap::new();
        for scope in &self.topic {
            let topic = cluster.topic(&scope.topic)?;
            let count = u32::try_from(topic.partitions.len()).expect("a broker counts partitions in 31 bits");
            let partitions = scope.partitions.clone().unwrap_or_else(|| (0..count).collect());
            for index in partitions {
                let (partition, leader) = ((topic.name.clone(), index), leader_of(&topic, index)?);
                wanted.insert(partition.clone(), Wanted { partition, leader, target });
            }
        }
        if self.all_topics {
            let mut names: Vec<&str> = committed.keys().map(|(topic, _)| topic.as_str()).collect();
            names.dedup();
            let topics = cluster.topics_among(&names)?;
            for partition in committed.keys() {
                let Some(topic) = topics.get(&partition.0) else {
                    let (topic, index) = partition;
                    eprintln!(
                        "corelane: topic {topic:?} is gone: the offset of its partition {index} is left as it is"
                    );
                    continue;
                };
                let leader = leader_of(topic, partition.1)?;
                wanted.insert(partition.clone(), Wanted { partition: partition.clone(), leader, target });
            }
            if wanted.is_empty() {
                let group = &self.group;
                return Err(format!("group {group:?} has committed no offsets: name topics by --topic"))?;
            }
        }
        Ok(wanted.into_values().collect())
    }

    fn text(&self, changes: &[Change<'_>]) -> String {
        if self.json {
            return changes.iter().map(json_line).collect();
        }
        if self.export {
            let line = |change: &Change<'_>| {
                offsets_file::line(&(change.topic.to_owned(), change.partition), change.new_offset)
            };
            return changes.iter().map(line).collect();
        }
        let rows: Vec<Vec<String>> = changes.iter().map(Change::row).collect();
        table(&["TOPIC", "PARTITION", "START", "END", "OLD", "NEW"], &rows)
    }
}

impl Change<'_> {
    fn row(&self) -> Vec<String> {
        let old = self.old_offset.map_or_else(|| "-".to_owned(), |old| old.to_string());
        let numbers = [u64::from(self.partition), self.start_offset, self.end_offset].map(|number| number.to_string());
        let [partition, start, end] = numbers;
        vec![self.topic.to_owned(), partition, start, end, old, self.new_offset.to_string()]
    }
}

fn read(path: &PathBuf, group: &str) -> Answer<BTreeMap<TopicPartition, u64>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    Ok(offsets_file::parse(&text, group).map_err(|error| format!("{shown}: {error}"))?)
}

fn of_file(cluster: &mut Cluster, offsets: BTreeMap<TopicPartition, u64>) -> Answer<Vec<Wanted>> {
    let mut topics = BTreeMap::new();
    let mut wanted = Vec::with_capacity(offsets.len());
    for (partition, offset) in offsets {
        if !topics.contains_key(&partition.0) {
            topics.insert(partition.0.clone(), cluster.topic(&partition.0)?);
        }
        let leader = leader_of(&topics[&partition.0], partition.1)?;
        wanted.push(Wanted { partition, leader, target: Target::Offset(offset) });
    }
    Ok(wanted)
}

/// What is known of each partition, in the same order.
fn known(
    cluster: &mut Cluster,
    wanted: &[Wanted],
    committed: &BTreeMap<TopicPartition, Committed>,
) -> Answer<Vec<Known>> {
    let mut ask = |query: fn(Target) -> Option<OffsetQuery>| {
        let queries = wanted.iter().filter_map(|one| Some((one.partition.clone(), one.leader, query(one.target)?)));
        let queries: Vec<_> = queries.collect();
        let mut offsets = BTreeMap::new();
        for ((partition, ..), found) in queries.iter().zip(cluster.offsets_across(&queries)?) {
            offsets.extend(found?.map(|offset| (partition.clone(), offset)));
        }
        Answer::Ok(offsets)
    };
    // The end first: records that come in the meantime must not be passed over.
    let ends = ask(|_| Some(OffsetQuery::Latest))?;
    let starts = ask(|_| Some(OffsetQuery::Earliest))?;
    let times = ask(|target| match target {
        Target::Time(millis) => Some(OffsetQuery::At(millis)),
        _ => None,
    })?;
    let known = |one: &Wanted| {
        let offset = |of: &BTreeMap<TopicPartition, u64>| of.get(&one.partition).copied();
        Known {
            committed: committed.get(&one.partition).map(|committed| committed.offset),
            start: offset(&starts).unwrap_or_default(),
            end: offset(&ends).unwrap_or_default(),
            at_time: offset(&times),
        }
    };
    Ok(wanted.iter().map(known).collect())
}
