//! Where things lie in the data folder.
//!
//! ```text
//! journal/<core>/ring-<n>                      the ring of one core's journal
//! journal/<core>/checkpoint-a, checkpoint-b    two slots, written in turn
//! journal/<core>/checkpoint-flushed            which checkpoint was flushed last
//! topics/<topic id>/<partition>/<base>.log     a segment: batches back to back, exactly as they travel
//! topics/<topic id>/<partition>/<base>.index   its spans: offset, position, time, checksum
//! topics/<topic id>/<partition>/compaction     how far it is compacted; only if it ever was
//! topics/<topic id>/<partition>/<...>.cleaned  what compaction is about to put in the place of a segment or index
//! lost+found-<start>/<topic id>/               a topic that no record knew of at that start, as it was found
//! ```

use std::path::{Path, PathBuf};

use base::{CoreId, Offset, PartitionId, TopicId};

pub const JOURNALS: &str = "journal";
pub const TOPICS: &str = "topics";
pub const COMPACTION: &str = "compaction";
const CLEANED_SUFFIX: &str = ".cleaned";

pub fn journal_folder(core: CoreId) -> PathBuf {
    Path::new(JOURNALS).join(core.to_string())
}

/// Where a start puts the topics that it knows nothing of.
pub fn lost_and_found(incarnation: u32) -> PathBuf {
    PathBuf::from(format!("lost+found-{incarnation}"))
}

pub fn topic_folder(topic: TopicId) -> PathBuf {
    Path::new(TOPICS).join(topic.to_string())
}

pub fn partition_folder(id: PartitionId) -> PathBuf {
    topic_folder(id.topic).join(id.index.to_string())
}

pub fn segment_file(id: PartitionId, base: Offset) -> PathBuf {
    partition_folder(id).join(format!("{:020}.log", base.get()))
}

pub fn index_file(id: PartitionId, base: Offset) -> PathBuf {
    partition_folder(id).join(format!("{:020}.index", base.get()))
}

/// What is known of a partition's compaction.
pub fn compaction_file(id: PartitionId) -> PathBuf {
    partition_folder(id).join(COMPACTION)
}

/// The name of what shall replace a segment or an index.
pub fn cleaned(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(CLEANED_SUFFIX);
    PathBuf::from(name)
}

/// Whether compaction has left this in a partition's folder.
pub fn is_of_compaction(file_name: &str) -> bool {
    file_name == COMPACTION || is_unfinished(file_name)
}

/// Whether this is a file that compaction has not put in its place yet.
pub fn is_unfinished(file_name: &str) -> bool {
    file_name.ends_with(CLEANED_SUFFIX) || file_name.strip_suffix(rt::REPLACING_SUFFIX) == Some(COMPACTION)
}

/// The base offset in the name of a segment, `None` for every other file.
pub fn segment_base(file_name: &str) -> Option<Offset> {
    base_of(file_name.strip_suffix(".log")?)
}

/// The base offset in the name of a segment's index, `None` for every other file.
pub fn index_base(file_name: &str) -> Option<Offset> {
    base_of(file_name.strip_suffix(".index")?)
}

fn base_of(digits: &str) -> Option<Offset> {
    if digits.len() != 20 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Offset::new(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segments_name_gives_its_base_offset_back() {
        let id = PartitionId::new(TopicId::METADATA, 3);
        let path = segment_file(id, Offset::new(42).unwrap());
        assert_eq!(path.to_str(), Some("topics/AAAAAAAAAAAAAAAAAAAAAQ/3/00000000000000000042.log"));
        assert_eq!(segment_base("00000000000000000042.log"), Offset::new(42));
        assert_eq!(index_base("00000000000000000042.index"), Offset::new(42));
        for other in
            ["42.log", "0000000000000000004x.log", "00000000000000000042.index", "99999999999999999999.log", ""]
        {
            assert_eq!(segment_base(other), None, "{other}");
        }
    }
}
