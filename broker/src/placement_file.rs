//! The stored table of which core owns which partition.
//!
//! One line of text a partition. Losing it is no harm: journals are empty after a recovery, so that partitions can be
//! placed anew; keeping it keeps them where their readers' caches and their balance are.

use std::fmt::Write as _;
use std::path::Path;

use base::{CoreId, PartitionId, PartitionIndex};
use cluster::placement::{Placement, PlacementRow};
use rt::{Disk, DiskError};

const FILE: &str = "placement";
const FIRST_LINE: &str = "corelane placement 1";
const BYTES_MAX: usize = 64 << 20;

/// The stored table, and for how many cores it was made. `None` when there is none that makes sense.
pub(crate) async fn read(disk: &dyn Disk) -> Result<Option<(u16, Vec<PlacementRow>)>, DiskError> {
    let bytes = match disk.read_small(Path::new(FILE), BYTES_MAX).await {
        Err(DiskError::NotFound { .. }) => return Ok(None),
        other => other?,
    };
    let parsed = std::str::from_utf8(&bytes).ok().and_then(parse);
    if parsed.is_none() {
        tracing::warn!("the file {FILE:?} cannot be read; partitions are placed anew");
    }
    Ok(parsed)
}

pub(crate) async fn write(disk: &dyn Disk, placement: &Placement) -> Result<(), DiskError> {
    let mut text = format!("{FIRST_LINE}\ncores {}\n", placement.cores());
    for row in placement.rows() {
        writeln!(text, "{} {} {}", row.partition.topic, row.partition.index, row.core).expect("a String takes all");
        rt::yield_if_needed().await;
    }
    writeln!(text, "end {}", placement.len()).expect("a String takes all");
    disk.replace_small(Path::new(FILE), text.into_bytes()).await
}

fn parse(text: &str) -> Option<(u16, Vec<PlacementRow>)> {
    let mut lines = text.lines();
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let cores = lines.next()?.strip_prefix("cores ")?.parse().ok()?;
    let mut rows = Vec::new();
    for line in lines {
        if let Some(count) = line.strip_prefix("end ") {
            return (count.parse() == Ok(rows.len())).then_some((cores, rows));
        }
        let mut words = line.split(' ');
        let topic = words.next()?.parse().ok()?;
        let index = PartitionIndex(words.next()?.parse().ok()?);
        let core = CoreId(words.next()?.parse().ok()?);
        rows.push(PlacementRow { partition: PartitionId { topic, index }, core });
    }
    None
}

#[cfg(test)]
mod tests {
    use base::TopicId;

    use super::*;

    #[test]
    fn a_table_that_is_cut_is_not_believed() {
        let topic = TopicId::from_random(5);
        let text = format!("{FIRST_LINE}\ncores 2\n{topic} 0 1\n{topic} 1 0\nend 2\n");
        let (cores, rows) = parse(&text).unwrap();
        assert_eq!((cores, rows.len(), rows[1].core), (2, 2, CoreId(0)));
        for at in 0..text.len() - 2 {
            assert!(parse(&text[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn no_damage_to_the_table_panics() {
        let topic = TopicId::from_random(5);
        let text = format!("{FIRST_LINE}\ncores 2\n{topic} 0 1\n{topic} 1 0\nend 2\n");
        let mut random = base::SeededRandom::new(3);
        for _ in 0..20_000 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..=random.below(3) {
                let at = random.index(bytes.len());
                bytes[at] = b"\n -9e"[random.index(5)];
            }
            if let Some((cores, rows)) = parse(&String::from_utf8_lossy(&bytes)) {
                drop(Placement::from_rows(cores, rows));
            }
        }
    }
}
