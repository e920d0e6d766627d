//! A whole data folder.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use base::{CoreId, Offset, PartitionId, TopicId};
use rt::{BLOCK_BYTES, Disk, DiskError, OpenMode};
use serde_json::json;
use shard::PartitionRow;
use shard::checkpoint::Checkpoint;
use shard::inspect::{self, CheckpointSlot, Damage, FlushedMarks, JournalEnd, JournalReport, SegmentReport};
use shard::journal::entry::EntryBody;
use shard::journal::replay::ReplayedEntry;
use shard::layout;
use wire::batch::BatchHeader;

use super::metadata::{MetadataLog, Topic};
use super::read_only::ReadOnlyFolder;
use super::report::{Detail, Report};
use crate::format::bytes_text;

/// The metadata's own log.
const METADATA: PartitionId = PartitionId::new(TopicId::METADATA, 0);

type Done = Result<(), Box<dyn Error>>;

/// What is known of a core.
struct Core {
    id: CoreId,
    slots: Vec<CheckpointSlot>,
    flushed: Option<FlushedMarks>,
}

impl Core {
    /// The newest whole checkpoint, which a start would take.
    fn checkpoint(&self) -> Option<&Checkpoint> {
        let whole = self.slots.iter().filter_map(|slot| slot.checkpoint.as_ref());
        whole.max_by_key(|checkpoint| checkpoint.number)
    }

    /// A checkpoint that was flushed and cannot be read: its number and its file.
    fn lost(&self) -> Option<&(u64, PathBuf)> {
        let newest = self.flushed.as_ref()?.newest.as_ref()?;
        (Some(newest.0) > self.checkpoint().map(|checkpoint| checkpoint.number)).then_some(newest)
    }
}

struct Folder<'a> {
    disk: ReadOnlyFolder,
    report: &'a mut Report,
    cores: Vec<Core>,
    /// What the newest checkpoint that knows of a partition says.
    rows: BTreeMap<PartitionId, PartitionRow>,
    topics: BTreeMap<TopicId, Topic>,
    /// Where the journals say that logs begin.
    log_starts: BTreeMap<PartitionId, Offset>,
}

pub(super) async fn inspect(path: &Path, report: &mut Report) -> Done {
    let disk = ReadOnlyFolder::new(path.to_owned());
    let mut cores = Vec::new();
    for id in inspect::cores(&disk).await? {
        // Before the checkpoints: a broker that runs here writes its mark after them.
        let flushed = inspect::flushed_marks(&disk, id).await?;
        let slots = inspect::checkpoints(&disk, id).await?;
        cores.push(Core { id, slots, flushed });
    }
    if cores.is_empty() && !path.join("broker.toml").exists() {
        let what =
            "it has neither a broker.toml nor a journal folder; give the folder that `corelane serve --data` names";
        return Err(format!("{} is no data folder of Corelane: {what}", path.display()).into());
    }
    let rows = newest_rows(&cores);
    let mut folder = Folder { disk, report, cores, rows, topics: BTreeMap::new(), log_starts: BTreeMap::new() };
    folder.identity(path);
    folder.checkpoints();
    folder.journals().await?;
    folder.metadata().await?;
    folder.segments().await
}

/// As recovery has it: of two rows of one partition the one of the later life counts, then the one that is further.
fn newest_rows(cores: &[Core]) -> BTreeMap<PartitionId, PartitionRow> {
    let mut rows: BTreeMap<PartitionId, (u32, PartitionRow)> = BTreeMap::new();
    for checkpoint in cores.iter().filter_map(Core::checkpoint) {
        let incarnation = checkpoint.identity.incarnation;
        for row in &checkpoint.rows {
            let newer =
                rows.get(&row.id).is_none_or(|(known, kept)| (incarnation, row.progress()) > (*known, kept.progress()));
            if newer {
                rows.insert(row.id, (incarnation, row.clone()));
            }
        }
    }
    rows.into_iter().map(|(id, (_, row))| (id, row)).collect()
}

impl Folder<'_> {
    fn identity(&mut self, path: &Path) {
        let text = std::fs::read_to_string(path.join("broker.toml")).unwrap_or_default();
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
            value.map(|value| value.trim().trim_matches('"').to_owned())
        };
        let (cluster, node) = (field("cluster_id"), field("node_id"));
        let locked = super::is_locked(path);
        let shown = |field: &Option<String>| field.clone().unwrap_or_else(|| "?".to_owned());
        let title = format!("data folder {}: cluster {}, node {}", path.display(), shown(&cluster), shown(&node));
        let value = json!({"path": path, "cluster_id": cluster, "node_id": node, "locked": locked});
        self.report.item("folder", &title, value);
        if locked {
            let what = "a broker is running here; what it is writing just now may look damaged";
            self.report.note(Path::new("LOCK"), what);
        }
        if text.is_empty() {
            self.report.note(Path::new("broker.toml"), "it is missing or cannot be read");
        }
    }

    fn checkpoints(&mut self) {
        self.report.heading("checkpoints");
        for core in &self.cores {
            let clean = core.checkpoint().is_some_and(|checkpoint| checkpoint.clean);
            let some = core.checkpoint().is_some();
            let lost = core.lost();
            if let Some((number, file)) = lost {
                let what = format!(
                    "checkpoint {number} was flushed here and cannot be read; a start refuses to go back to an older one"
                );
                self.report.damage(file, 0, &what);
            }
            for slot in &core.slots {
                let file = slot.file.display();
                let Some(checkpoint) = &slot.checkpoint else {
                    // A single block is written whole or not at all.
                    match (slot.bytes, some) {
                        _ if lost.is_some_and(|(_, file)| *file == slot.file) => {}
                        (0, _) => {}
                        (bytes, true) if !clean && bytes > BLOCK_BYTES as u64 => {
                            let what = "it holds no whole checkpoint, as a crash during its writing leaves it; the other one counts";
                            self.report.note(&slot.file, what);
                        }
                        _ => self.report.damage(&slot.file, 0, "it holds no whole checkpoint"),
                    }
                    continue;
                };
                let Checkpoint { number, core: _, identity, clean, replay, flushed, rows, ring: _ } = checkpoint;
                let end = if *clean { ", stopped in good order" } else { "" };
                let text = format!(
                    "  {file}: number {number}, start {}, {} partitions, journal from {} flushed up to {flushed}{end}",
                    identity.incarnation,
                    rows.len(),
                    replay.lsn,
                );
                let value = json!({
                    "file": slot.file, "number": number, "incarnation": identity.incarnation, "clean": clean,
                    "journal": format!("{:016x}", identity.journal), "replay_from": replay.lsn.0,
                    "flushed": flushed.0, "partitions": rows.len(),
                });
                self.report.item("checkpoint", &text, value);
            }
            if let Some(flushed) = &core.flushed {
                self.report.flushed(flushed);
            }
        }
    }

    async fn journals(&mut self) -> Done {
        self.report.heading("journals (what a start would replay)");
        let cores = std::mem::take(&mut self.cores);
        for core in &cores {
            let Some(checkpoint) = core.checkpoint() else {
                if !inspect::ring_files(&self.disk, core.id).await?.is_empty() {
                    let folder = layout::journal_folder(core.id);
                    self.report.damage(&folder, 0, "no checkpoint can be read, but the journal was in use");
                }
                continue;
            };
            let report = &mut *self.report;
            let log_starts = &mut self.log_starts;
            let visit = |entry: &ReplayedEntry<'_>, group: u64| {
                if let EntryBody::LogStart(start) = entry.body {
                    let known = log_starts.entry(entry.header.partition).or_default();
                    *known = start.max(*known);
                }
                if report.detail() >= Detail::Batches {
                    let header = &entry.header;
                    let text = format!("    entry {} group {group}  partition {}", header.lsn, header.partition);
                    let value = json!({
                        "core": core.id.0, "lsn": header.lsn.0, "group": group, "flushed": header.flushed.0,
                        "topic_id": header.partition.topic.to_string(), "partition": header.partition.index.0,
                    });
                    report.item("entry", &text, value);
                    match &entry.body {
                        EntryBody::Batch(batch) => {
                            report.batch(&layout::journal_folder(core.id), header.lsn.0, batch, entry.bytes);
                        }
                        EntryBody::Direct(batch) => report.direct(header.partition, batch, entry.bytes),
                        EntryBody::LogStart(start) => report.log_start(header.partition, *start),
                    }
                }
            };
            let Some(journal) = inspect::journal(&self.disk, core.id, checkpoint, visit).await? else { continue };
            self.journal(&layout::journal_folder(core.id).display().to_string(), &journal);
            self.report.check()?;
        }
        self.cores = cores;
        Ok(())
    }

    fn journal(&mut self, name: &str, journal: &JournalReport) {
        let JournalReport { layout, from, end, groups, entries, bytes, ends, .. } = journal;
        let text = format!(
            "  {name}: {} files of {}; {entries} entries in {groups} groups, {}; from {from} to {end}, in {} at byte {}: {}",
            layout.files,
            bytes_text(layout.file_bytes),
            bytes_text(*bytes),
            journal.end_file.file_name().unwrap_or_default().display(),
            journal.end_position,
            if journal.damage.is_some() { "damaged" } else { why(*ends) },
        );
        let value = json!({
            "folder": name, "files": layout.files, "file_bytes": layout.file_bytes, "from": from.0, "end": end.0,
            "groups": groups, "entries": entries, "bytes": bytes, "end_file": journal.end_file,
            "end_position": journal.end_position, "ends": why(*ends),
        });
        self.report.item("journal", &text, value);
        self.report.journal_read(*entries);
        if let Some(Damage { file, at, what }) = &journal.damage {
            self.report.damage(file, *at, what);
        }
    }

    /// Reads the metadata's log, from its segments and, where it goes on there, from the journals.
    async fn metadata(&mut self) -> Done {
        let mut log = MetadataLog::default();
        let mut wrong: Vec<Damage> = Vec::new();
        for base in inspect::segments(&self.disk, METADATA).await? {
            let path = layout::segment_file(METADATA, base);
            let visit = |_: &BatchHeader, at: u32, bytes: &[u8]| {
                if let Err(what) = log.take(bytes) {
                    wrong.push(Damage { file: path.clone(), at: u64::from(at), what });
                }
            };
            // What is wrong with its bytes is said where all segments are shown.
            inspect::segment(&self.disk, &path, base, None, &[], visit).await?;
        }
        for core in &self.cores {
            let Some(checkpoint) = core.checkpoint() else { continue };
            let visit = |entry: &ReplayedEntry<'_>, _| {
                if entry.header.partition == METADATA
                    && matches!(entry.body, EntryBody::Batch(_))
                    && let Err(what) = log.take(entry.bytes)
                {
                    let file = layout::journal_folder(core.id);
                    wrong.push(Damage { file, at: entry.header.lsn.0, what });
                }
            };
            inspect::journal(&self.disk, core.id, checkpoint, visit).await?;
        }
        self.topics = log.topics();
        self.report.heading(&format!("topics ({} records of metadata)", log.len()));
        for (id, topic) in &self.topics {
            let settings: Vec<String> =
                topic.settings.iter().map(|(name, value)| format!("  {name}={value}")).collect();
            let Topic { name, partitions, .. } = topic;
            let text = format!("  {name}: id {id}, {partitions} partitions{}", settings.concat());
            let value =
                json!({"name": name, "id": id.to_string(), "partitions": partitions, "settings": topic.settings});
            self.report.item("topic", &text, value);
        }
        for Damage { file, at, what } in wrong {
            self.report.damage(&file, at, &what);
        }
        Ok(())
    }

    async fn segments(&mut self) -> Done {
        self.report.heading("segments");
        let mut ids = inspect::partitions(&self.disk).await?;
        ids.extend(self.rows.keys());
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            match self.partition(id).await {
                // A broker that runs here may have removed it meanwhile.
                Err(error) if is_gone(&*error) => self.report.note(&layout::partition_folder(id), "it is gone"),
                other => other?,
            }
        }
        Ok(())
    }

    fn name_of(&self, id: PartitionId) -> String {
        match self.topics.get(&id.topic) {
            _ if id == METADATA => "(metadata)".to_owned(),
            Some(topic) => format!("{}/{}", topic.name, id.index),
            None => format!("(deleted topic)/{}", id.index),
        }
    }

    async fn partition(&mut self, id: PartitionId) -> Done {
        let row = self.rows.get(&id).cloned();
        let bases = inspect::segments(&self.disk, id).await?;
        if let Some(row) = &row
            && row.position > 0
            && !bases.contains(&row.active_segment)
        {
            let what = format!("it is missing; the checkpoint knows of {} bytes in it", row.position);
            self.report.damage(&layout::segment_file(id, row.active_segment), 0, &what);
        }
        if let Some(row) = &row
            && row.log_start < row.active_segment
            && bases.first().is_none_or(|first| *first > row.log_start)
            && self.log_starts.get(&id).is_none_or(|start| bases.first().is_none_or(|first| first > start))
        {
            let what = format!("no segment holds offset {}, where the log begins", row.log_start);
            self.report.damage(&layout::partition_folder(id), 0, &what);
        }
        let mut before: Option<Offset> = None;
        for base in bases {
            let end = self.segment(id, row.as_ref(), base).await?;
            let file = layout::segment_file(id, base);
            if let Some(before) = before.filter(|before| *before > base) {
                self.report.damage(
                    &file,
                    0,
                    &format!("it begins at offset {base}, inside the one before, up to {before}"),
                );
            } else if let Some(before) = before.filter(|before| *before < base) {
                self.report.note(&file, &format!("there are no records from offset {before} to {base} before it"));
            }
            before = end;
            self.report.check()?;
        }
        Ok(())
    }

    /// Shows one segment; the offset after its last record, unless it was not read.
    async fn segment(
        &mut self,
        id: PartitionId,
        row: Option<&PartitionRow>,
        base: Offset,
    ) -> Result<Option<Offset>, Box<dyn Error>> {
        let path = layout::segment_file(id, base);
        // Only what the checkpoint knows of was flushed for certain. The journal brings back what comes after it.
        let (flushed, index_records) = match row {
            Some(row) if base < row.active_segment => (u32::MAX, 1),
            Some(row) if base == row.active_segment => (row.position, row.index_records),
            Some(_) | None => (0, 0),
        };
        let index_path = layout::index_file(id, base);
        let mut spans = Vec::new();
        match inspect::index(&self.disk, &index_path, base, index_records).await? {
            Some(index) => {
                index.damages.iter().for_each(|damage| self.report.damage(&damage.file, damage.at, &damage.what));
                spans = index.spans;
            }
            None if flushed == u32::MAX => self.report.note(&index_path, "it is missing; it is made again when needed"),
            None => {}
        }
        let index_spans = spans.len();
        if let Some(row) = row.filter(|row| row.active_segment == base && row.open_span.length > 0) {
            spans.retain(|span| span.position < row.open_span.position);
            spans.push(row.open_span);
        }
        if self.report.detail() == Detail::Outline {
            self.outline(id, &path, base, index_spans).await?;
            return Ok(None);
        }
        let report = &mut *self.report;
        let shown = report.detail() >= Detail::Batches || report.detail() == Detail::Damage;
        if report.detail() >= Detail::Batches {
            report.heading(&path.display().to_string());
        }
        let visit = |header: &BatchHeader, at: u32, bytes: &[u8]| {
            if shown {
                report.batch(&path, u64::from(at), header, bytes);
            }
        };
        let segment = inspect::segment(&self.disk, &path, base, None, &spans, visit).await?;
        self.segment_read(id, &path, flushed, index_spans, &segment);
        Ok(Some(segment.end))
    }

    fn segment_read(
        &mut self,
        id: PartitionId,
        path: &Path,
        flushed: u32,
        index_spans: usize,
        segment: &SegmentReport,
    ) {
        let SegmentReport { base, end, batches, records, bytes, damages } = segment;
        let unflushed = if *bytes > flushed { bytes - flushed } else { 0 };
        let tail = match unflushed {
            0 => String::new(),
            count => format!("  {} after the checkpoint", bytes_text(u64::from(count))),
        };
        let text = format!(
            "  {:<28} {:<26} {batches:>8} batches {records:>10} records {:>11}  {index_spans:>5} spans{tail}",
            self.name_of(id),
            format!("{base}..{end}"),
            bytes_text(u64::from(*bytes)),
        );
        let value = json!({
            "file": path, "topic": self.topics.get(&id.topic).map(|topic| &topic.name),
            "topic_id": id.topic.to_string(), "partition": id.index.0, "base_offset": base.get(),
            "end_offset": end.get(), "batches": batches, "records": records, "bytes": bytes, "spans": index_spans,
            "after_checkpoint_bytes": unflushed,
        });
        self.report.item("segment", &text, value);
        self.report.segment_read(*batches, *records, u64::from(*bytes));
        for Damage { file, at, what } in damages {
            match *at < u64::from(flushed) {
                true => self.report.damage(file, *at, what),
                false => {
                    let what = format!("byte {at}, after the checkpoint: {what}; a start takes it from the journal");
                    self.report.note(file, &what);
                }
            }
        }
        if flushed != u32::MAX && *bytes < flushed && damages.is_empty() {
            let what = format!("its batches end here, but the checkpoint knows of {flushed} bytes");
            self.report.damage(path, u64::from(*bytes), &what);
        }
    }

    async fn outline(&mut self, id: PartitionId, path: &Path, base: Offset, spans: usize) -> Result<(), DiskError> {
        let bytes = self.disk.open(path, OpenMode::Existing).await?.len().await?;
        let text = format!("  {:<28} {base:<26} {:>11}  {spans:>5} spans", self.name_of(id), bytes_text(bytes));
        let value = json!({
            "file": path, "topic_id": id.topic.to_string(), "partition": id.index.0, "base_offset": base.get(),
            "file_bytes": bytes, "spans": spans,
        });
        self.report.item("segment", &text, value);
        Ok(())
    }
}

fn is_gone(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref::<DiskError>(), Some(DiskError::NotFound { .. }))
}

fn why(ends: JournalEnd) -> &'static str {
    match ends {
        JournalEnd::Clean => "the broker was stopped in good order",
        JournalEnd::Unwritten => "nothing was ever written there",
        JournalEnd::Earlier => "an earlier lap or life follows",
        JournalEnd::Torn => "an entry was being written, and never acknowledged",
    }
}
