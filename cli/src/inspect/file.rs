//! One file of a data folder, wherever it lies: what it is shows in its name or its first bytes.

use std::error::Error;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base::Offset;
use serde_json::json;
use shard::inspect::{self, PayloadState, RingEntry};
use shard::journal::entry::EntryBody;
use shard::layout;
use wire::batch::BatchHeader;

use super::read_only::ReadOnlyFolder;
use super::report::{Detail, Report};
use crate::format::bytes_text;

type Done = Result<(), Box<dyn Error>>;

pub(super) async fn inspect(path: &Path, report: &mut Report) -> Done {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(format!("{}: its name is not UTF-8", path.display()).into());
    };
    let disk = ReadOnlyFolder::new(parent.to_owned());
    let mut magic = [0; 8];
    let known = std::fs::File::open(path)?.read(&mut magic)?;
    match &magic[..known] {
        b"CLCKPT01" | b"CLCKPT02" | b"CLCKPT03" => checkpoint(&disk, name, report).await,
        b"CLFLUSH2" => flushed(&disk, name, report).await,
        b"CLJRING1" => ring(&disk, name, report).await,
        bytes if bytes.starts_with(b"CLIX") => index(&disk, name, report).await,
        _ if layout::index_base(name).is_some() => index(&disk, name, report).await,
        _ if name.starts_with("ring-") => ring(&disk, name, report).await,
        _ if name == "checkpoint-flushed" => flushed(&disk, name, report).await,
        _ if name.starts_with("checkpoint-") => checkpoint(&disk, name, report).await,
        _ => segment(&disk, name, report).await,
    }
}

/// A segment, or any file of batches that lie back to back.
async fn segment(disk: &ReadOnlyFolder, name: &str, report: &mut Report) -> Done {
    let path = PathBuf::from(name);
    let base = layout::segment_base(name);
    let mut spans = Vec::new();
    if let Some(base) = base {
        let index = path.with_extension("index");
        if let Some(index) = inspect::index(disk, &index, base, 0).await? {
            spans = index.spans;
        }
    }
    let visit = |header: &BatchHeader, at: u32, bytes: &[u8]| report.batch(&path, u64::from(at), header, bytes);
    let found = inspect::segment(disk, &path, base.unwrap_or(Offset::ZERO), None, &spans, visit).await?;
    if found.batches == 0 && base.is_none() && !found.damages.is_empty() {
        let known = "a segment, an index, a ring file and a checkpoint are";
        return Err(format!("{name} is no file that this knows ({known}): {}", found.damages[0].what).into());
    }
    let (start, end, size) = (found.base, found.end, bytes_text(u64::from(found.bytes)));
    let text = format!(
        "segment {name}: offsets {start}..{end}, {} batches, {} records, {size}, {} spans in its index",
        found.batches,
        found.records,
        spans.len()
    );
    let value = json!({
        "file": name, "base_offset": start.get(), "end_offset": end.get(), "batches": found.batches,
        "records": found.records, "bytes": found.bytes, "spans": spans.len(),
    });
    report.item("segment", &text, value);
    report.segment_read(found.batches, found.records, u64::from(found.bytes));
    found.damages.iter().for_each(|damage| report.damage(&damage.file, damage.at, &damage.what));
    Ok(())
}

async fn index(disk: &ReadOnlyFolder, name: &str, report: &mut Report) -> Done {
    let Some(base) = layout::index_base(name) else {
        return Err(format!("{name}: the name of an index is its base offset, such as {:020}.index", 0).into());
    };
    let Some(index) = inspect::index(disk, Path::new(name), base, 1).await? else { return Ok(()) };
    for span in &index.spans {
        let end = u64::from(span.position) + u64::from(span.length);
        let text = format!(
            "    offsets {}..{}  bytes {}..{end}  crc {:08x}  max time {}",
            span.base, span.end, span.position, span.crc, span.max_timestamp
        );
        let value = json!({
            "base_offset": span.base.get(), "end_offset": span.end.get(), "position": span.position,
            "bytes": span.length, "crc": format!("{:08x}", span.crc), "max_timestamp": span.max_timestamp,
        });
        report.item("span", &text, value);
    }
    let text = format!("index {name}: {} spans", index.spans.len());
    report.item("index", &text, json!({"file": name, "spans": index.spans.len()}));
    index.damages.iter().for_each(|damage| report.damage(&damage.file, damage.at, &damage.what));
    Ok(())
}

async fn ring(disk: &ReadOnlyFolder, name: &str, report: &mut Report) -> Done {
    let path = PathBuf::from(name);
    let mut entries = 0_u64;
    let visit = |entry: RingEntry<'_>| {
        entries += 1;
        let header = &entry.header;
        let state = match entry.payload {
            PayloadState::Whole => "whole",
            PayloadState::Continues => "goes on in the next file",
            PayloadState::Damaged => "overwritten or damaged",
        };
        let text = format!(
            "    at {:>10}  position {}  start {}  partition {}  {} bytes: {state}",
            entry.at, header.lsn, header.identity.incarnation, header.partition, header.body_bytes
        );
        let value = json!({
            "position": entry.at, "lsn": header.lsn.0, "flushed": header.flushed.0, "payload": state,
            "incarnation": header.identity.incarnation, "journal": format!("{:016x}", header.identity.journal),
            "topic_id": header.partition.topic.to_string(), "partition": header.partition.index.0,
            "bytes": header.body_bytes,
        });
        report.item("entry", &text, value);
        if entry.payload == PayloadState::Whole && report.detail() != Detail::Damage {
            match &entry.body {
                EntryBody::Batch(batch) => report.batch(&path, entry.at, batch, entry.bytes),
                EntryBody::Direct(batch) => report.direct(header.partition, batch, entry.bytes),
                EntryBody::LogStart(start) => report.log_start(header.partition, *start),
            }
        }
    };
    let header = inspect::ring_file(disk, &path, visit).await?;
    report.journal_read(entries);
    let Some(header) = header else {
        report.damage(&path, 0, "the header of this ring file is damaged, or was never written");
        return Ok(());
    };
    let (count, size) = (header.layout.files, bytes_text(header.layout.file_bytes));
    let text = format!("ring file {name}: number {} of {count}, {size}, journal {:016x}", header.index, header.journal);
    let value = json!({
        "file": name, "index": header.index, "files": count, "file_bytes": header.layout.file_bytes,
        "journal": format!("{:016x}", header.journal), "entries": entries,
    });
    report.item("ring", &text, value);
    Ok(())
}

async fn flushed(disk: &ReadOnlyFolder, name: &str, report: &mut Report) -> Done {
    let marks = inspect::flushed_file(disk, Path::new(name)).await?.ok_or("it is gone")?;
    report.flushed(&marks);
    Ok(())
}

async fn checkpoint(disk: &ReadOnlyFolder, name: &str, report: &mut Report) -> Done {
    let slot = inspect::checkpoint_file(disk, Path::new(name)).await?;
    let Some(checkpoint) = &slot.checkpoint else {
        report.damage(Path::new(name), 0, "it holds no whole checkpoint");
        return Ok(());
    };
    let end = if checkpoint.clean { ", stopped in good order" } else { "" };
    let text = format!(
        "checkpoint {name}: number {}, start {}, {} partitions, journal {:016x} from {} flushed up to {}{end}",
        checkpoint.number,
        checkpoint.identity.incarnation,
        checkpoint.rows.len(),
        checkpoint.identity.journal,
        checkpoint.replay.lsn,
        checkpoint.flushed,
    );
    let value = json!({
        "file": name, "number": checkpoint.number, "incarnation": checkpoint.identity.incarnation,
        "clean": checkpoint.clean, "journal": format!("{:016x}", checkpoint.identity.journal),
        "replay_from": checkpoint.replay.lsn.0, "flushed": checkpoint.flushed.0, "partitions": checkpoint.rows.len(),
    });
    report.item("checkpoint", &text, value);
    for row in &checkpoint.rows {
        let text = format!(
            "    {}  offsets {}..{}  segment {} up to byte {}  {} older bytes  {} index records",
            row.id, row.log_start, row.end, row.active_segment, row.position, row.closed_bytes, row.index_records
        );
        let value = json!({
            "topic_id": row.id.topic.to_string(), "partition": row.id.index.0, "log_start": row.log_start.get(),
            "end": row.end.get(), "active_segment": row.active_segment.get(), "position": row.position,
            "closed_bytes": row.closed_bytes, "index_records": row.index_records,
            "attachment_bytes": row.attachment.len(),
        });
        report.item("row", &text, value);
    }
    Ok(())
}
