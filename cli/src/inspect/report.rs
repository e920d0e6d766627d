//! What an inspection says, as text for people or as lines of JSON, and the count of damages.

use std::error::Error;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;
use std::time::Duration;

use base::{Offset, PartitionId};
use serde_json::{Value, json};
use shard::SegmentPosition;
use shard::inspect::FlushedMarks;
use shard::journal::direct::Placed;
use wire::Decompressor;
use wire::batch::{Batch, BatchHeader, TimestampType};

use crate::format::{bytes_text, count_text, escaped};
use crate::record_json;

/// Memory for looking into one batch.
const BATCH_BYTES_MAX: usize = 256 << 20;
/// Of a key or a value in a line of text.
const SHOWN_BYTES_MAX: usize = 60;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    Damage,
    Outline,
    Segments,
    Batches,
    Records,
}

/// Totals of what was read.
#[derive(Default)]
struct Totals {
    segments: u64,
    batches: u64,
    records: u64,
    bytes: u64,
    journal_entries: u64,
    damages: u64,
    notes: u64,
}

pub(super) struct Report {
    detail: Detail,
    json: bool,
    out: BufWriter<StdoutLock<'static>>,
    totals: Totals,
    decompressor: Decompressor,
    scratch: Vec<u8>,
    /// The first failure to write: visitors have no way to return it.
    failure: Option<io::Error>,
}

impl Report {
    pub(super) fn new(detail: Detail, json: bool) -> Self {
        Self {
            detail,
            json,
            out: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
            totals: Totals::default(),
            decompressor: Decompressor::new(),
            scratch: Vec::new(),
            failure: None,
        }
    }

    pub(super) fn detail(&self) -> Detail {
        self.detail
    }

    pub(super) fn damages(&self) -> u64 {
        self.totals.damages
    }

    /// Says one thing, unless only damage is asked for. `value` is an object; its kind is added.
    pub(super) fn item(&mut self, kind: &str, text: &str, value: Value) {
        if self.detail > Detail::Damage {
            self.write(kind, text, value);
        }
    }

    pub(super) fn heading(&mut self, text: &str) {
        if self.detail > Detail::Damage && !self.json {
            self.line(format!("\n{text}\n").as_bytes());
        }
    }

    pub(super) fn damage(&mut self, file: &Path, at: u64, what: &str) {
        self.totals.damages += 1;
        let text = format!("DAMAGE  {}, byte {at}: {what}", file.display());
        self.write("damage", &text, json!({"file": file, "position": at, "what": what}));
    }

    pub(super) fn flushed(&mut self, marks: &FlushedMarks) {
        for at in &marks.damaged {
            self.damage(&marks.file, *at, "the mark of a flushed checkpoint is damaged");
        }
        if let Some((number, checkpoint)) = &marks.newest {
            let text = format!("  {}: number {number} was flushed last", marks.file.display());
            self.item("flushed", &text, json!({"file": marks.file, "number": number, "checkpoint": checkpoint}));
        }
    }

    /// Something that looks odd and is none the less in order.
    pub(super) fn note(&mut self, file: &Path, what: &str) {
        self.totals.notes += 1;
        self.write("note", &format!("note    {}: {what}", file.display()), json!({"file": file, "what": what}));
    }

    pub(super) fn segment_read(&mut self, batches: u64, records: u64, bytes: u64) {
        self.totals.segments += 1;
        self.totals.batches += batches;
        self.totals.records += records;
        self.totals.bytes += bytes;
    }

    pub(super) fn journal_read(&mut self, entries: u64) {
        self.totals.journal_entries += entries;
    }

    /// Shows a batch, and its records, as far as that is wanted; what is damaged inside is a damage of the file.
    pub(super) fn batch(&mut self, file: &Path, at: u64, header: &BatchHeader, bytes: &[u8]) {
        if self.detail >= Detail::Batches {
            let (text, value) = describe_batch(header, at);
            self.write("batch", &text, value);
        }
        if matches!(self.detail, Detail::Damage | Detail::Records)
            && let Err(what) = self.records(bytes)
        {
            self.damage(file, at, &what);
        }
    }

    /// Shows that a log begins elsewhere from here on.
    pub(super) fn log_start(&mut self, partition: PartitionId, start: Offset) {
        if self.detail >= Detail::Batches {
            let value = json!({
                "topic_id": partition.topic.to_string(), "partition": partition.index.0, "log_start": start.get(),
            });
            self.write("log_start", &format!("      its log begins at offset {start} from here on"), value);
        }
    }

    /// Shows where a batch is that only its segment has.
    pub(super) fn direct(&mut self, partition: PartitionId, batch: &BatchHeader, marker: &[u8]) {
        let Some(placed) = Placed::read(marker, batch) else { return };
        if self.detail >= Detail::Batches {
            let SegmentPosition { segment, position } = placed.at;
            let (base, bytes) = (batch.base_offset(), batch.size());
            let value = json!({
                "topic_id": partition.topic.to_string(), "partition": partition.index.0, "base_offset": base.get(),
                "bytes": bytes, "segment": segment.get(), "position": position,
            });
            let text = format!("      batch {base}  {bytes} bytes: in segment {segment} at byte {position}");
            self.write("direct_batch", &text, value);
        }
    }

    fn records(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (batch, _) = Batch::parse(bytes).map_err(|error| error.to_string())?;
        let mut decompressor = std::mem::take(&mut self.decompressor);
        let result = self.records_of(&batch, &mut decompressor);
        self.decompressor = decompressor;
        result
    }

    fn records_of(&mut self, batch: &Batch<'_>, decompressor: &mut Decompressor) -> Result<(), String> {
        let records = batch.decode(decompressor, BATCH_BYTES_MAX).map_err(|error| error.to_string())?;
        for record in records {
            let record = record.map_err(|error| error.to_string())?;
            if self.detail < Detail::Records {
                continue;
            }
            let mut line = std::mem::take(&mut self.scratch);
            line.clear();
            if self.json {
                line.extend_from_slice(b"{\"kind\":\"record\",");
                let start = line.len();
                record_json::write_record(&mut line, None, &record.into());
                // The record's own opening brace.
                line.remove(start);
            } else {
                let timestamp = record.timestamp.map_or("-".to_owned(), |timestamp| timestamp.to_string());
                let (key, value) = (shown(record.key), shown(record.value));
                let headers = match record.headers.len() {
                    0 => String::new(),
                    count => format!("  {count} headers"),
                };
                let _ = writeln!(line, "        {:>10}  {timestamp:>13}  {key}  {value}{headers}", record.offset.get());
            }
            self.line(&line);
            self.scratch = line;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, took: Duration) -> io::Result<()> {
        let Totals { segments, batches, records, bytes, journal_entries, damages, notes } = self.totals;
        let value = json!({
            "segments": segments, "batches": batches, "records": records, "bytes": bytes,
            "journal_entries": journal_entries, "damages": damages, "notes": notes,
            "seconds": took.as_secs_f64(),
        });
        let size = bytes_text(bytes);
        let verdict = match damages {
            0 => "no damage".to_owned(),
            1 => "1 DAMAGE".to_owned(),
            count => format!("{count} DAMAGES"),
        };
        let text = format!(
            "{}{} segments with {} batches, {} records, {size}; {} journal entries; {verdict} ({:.2} s)",
            if self.detail > Detail::Damage { "\n" } else { "" },
            count_text(segments),
            count_text(batches),
            count_text(records),
            count_text(journal_entries),
            took.as_secs_f64()
        );
        self.write("summary", &text, value);
        self.out.flush()?;
        self.failure.take().map_or(Ok(()), Err)
    }

    /// A failure to write, so that a long inspection ends when nobody reads it.
    pub(super) fn check(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn write(&mut self, kind: &str, text: &str, mut value: Value) {
        if !self.json {
            self.line(format!("{text}\n").as_bytes());
            return;
        }
        let mut line = format!("{{\"kind\":\"{kind}\"");
        if let Some(fields) = value.as_object_mut() {
            for (name, field) in fields {
                line.push_str(&format!(",{}:{field}", Value::from(name.as_str())));
            }
        }
        line.push_str("}\n");
        self.line(line.as_bytes());
    }

    fn line(&mut self, bytes: &[u8]) {
        if self.failure.is_none()
            && let Err(error) = self.out.write_all(bytes)
        {
            self.failure = Some(error);
        }
    }
}

fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map_or("null".to_owned(), |bytes| escaped(bytes, SHOWN_BYTES_MAX))
}

fn describe_batch(header: &BatchHeader, at: u64) -> (String, Value) {
    let (base, last) = (header.base_offset().get(), header.last_offset().get());
    let (count, size, codec) = (header.record_count(), header.size(), header.codec());
    let epoch = header.leader_epoch().map(base::LeaderEpoch::get);
    let attributes = header.attributes();
    let mut marks = String::new();
    if attributes.is_transactional() {
        marks.push_str("  transactional");
    }
    if attributes.is_control() {
        marks.push_str("  control");
    }
    if attributes.timestamp_type() == TimestampType::LogAppendTime {
        marks.push_str("  log-append-time");
    }
    let producer = header.producer();
    let sequence = producer.and_then(|producer| producer.base_sequence);
    let by = producer.map_or(String::new(), |producer| {
        let sequence = sequence.map_or("-".to_owned(), |sequence| sequence.to_wire().to_string());
        format!("  producer {} epoch {} sequence {sequence}", producer.id.get(), producer.epoch.to_wire())
    });
    let times = match (header.base_timestamp(), header.max_timestamp()) {
        (Some(base), Some(max)) => format!("{base}..{max}"),
        _ => "-".to_owned(),
    };
    let text = format!(
        "    at {at:>10}  offsets {base}..{last}  {count} records  {size} bytes  {codec}  times {times}  leader epoch {}{by}{marks}  crc ok",
        epoch.map_or("-".to_owned(), |epoch| epoch.to_string()),
    );
    let value = json!({
        "position": at, "base_offset": base, "last_offset": last, "records": count, "bytes": size,
        "codec": codec.name(), "base_timestamp": header.base_timestamp().map(base::Timestamp::as_millis),
        "max_timestamp": header.max_timestamp().map(base::Timestamp::as_millis),
        "timestamp_type": match attributes.timestamp_type() {
            TimestampType::CreateTime => "create", TimestampType::LogAppendTime => "log-append",
        },
        "leader_epoch": epoch, "crc": format!("{:08x}", header.crc()), "crc_ok": true,
        "producer_id": producer.map(|producer| producer.id.get()),
        "producer_epoch": producer.map(|producer| producer.epoch.to_wire()),
        "base_sequence": sequence.map(|sequence| sequence.to_wire()),
        "transactional": attributes.is_transactional(), "control": attributes.is_control(),
    });
    (text, value)
}

pub(super) fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
