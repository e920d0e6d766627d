//! The timestamp of the first record from an offset on: since when it waits to be read.
//!
//! ListOffsets finds offsets for timestamps and not the other way round, so the batch at the offset is fetched.

use std::collections::{BTreeMap, VecDeque};

use wire::kafka::ApiKey;
use wire::kafka::fetch::{FetchPartition, FetchRequest, FetchResponseView, FetchTopic};
use wire::{Decompressor, batch};

use super::cluster::{Cluster, Leader, TopicPartition};
use super::connection::{Answer, Connection};
use super::error::KafkaError;

/// Requests on their way to one leader.
const IN_FLIGHT_MAX: usize = 8;
/// Enough for one batch, since the first batch of an answer is whole whatever its size.
const FIRST_BYTES: i32 = 1;
/// For the next questions, where the first batch had no record that counts.
const NEXT_BYTES: i32 = 1 << 20;
/// Batches without such records are a few; after so many answers it is given up.
const ANSWERS_MAX: u32 = 64;
/// Memory for one batch that is decompressed.
const BATCH_BYTES_MAX: usize = 256 << 20;

/// From where on, and up to where, a record is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread {
    pub(crate) from: u64,
    pub(crate) end: u64,
}

struct Question {
    /// In what was asked for.
    at: usize,
    from: u64,
    answers: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A record with or without a timestamp, or nothing that can be read.
    Settled(Option<u64>),
    /// Look on from here.
    Nothing { next: u64 },
}

impl Cluster {
    /// For each partition, the timestamp of its first unread record, if it has one that can be found.
    pub(crate) fn waiting_since(
        &mut self,
        unread: &[(TopicPartition, Leader, Unread)],
    ) -> Result<Vec<Option<u64>>, KafkaError> {
        let mut by_leader: BTreeMap<Leader, VecDeque<Question>> = BTreeMap::new();
        for (at, (_, leader, span)) in unread.iter().enumerate().filter(|(_, (_, _, span))| span.from < span.end) {
            by_leader.entry(*leader).or_default().push_back(Question { at, from: span.from, answers: 0 });
        }
        let mut found = vec![None; unread.len()];
        for (leader, questions) in by_leader {
            ask_all(self.leader(leader)?, unread, questions, &mut found)?;
        }
        Ok(found)
    }
}

fn ask_all(
    connection: &mut Connection,
    unread: &[(TopicPartition, Leader, Unread)],
    mut questions: VecDeque<Question>,
    found: &mut [Option<u64>],
) -> Result<(), KafkaError> {
    let (mut asked, mut spare, mut decompressor) = (VecDeque::new(), Vec::new(), Decompressor::new());
    loop {
        while asked.len() < IN_FLIGHT_MAX
            && let Some(question) = questions.pop_front()
        {
            connection.send(&request(&unread[question.at].0, &question))?;
            asked.push_back(question);
        }
        let Some(mut question) = asked.pop_front() else { return Ok(()) };
        let answer = connection.receive(&mut spare)?;
        match read(connection.broker(), &answer, question.from, &mut decompressor)? {
            Found::Settled(timestamp) => found[question.at] = timestamp,
            Found::Nothing { next } => {
                question.answers += 1;
                let is_open = next > question.from && next < unread[question.at].2.end;
                question.from = next;
                if is_open && question.answers < ANSWERS_MAX {
                    questions.push_back(question);
                }
            }
        }
        Connection::recycle(answer, &mut spare);
    }
}

fn request((topic, index): &TopicPartition, question: &Question) -> FetchRequest {
    let bytes = if question.answers == 0 { FIRST_BYTES } else { NEXT_BYTES };
    let partition = FetchPartition {
        partition: index.cast_signed(),
        fetch_offset: question.from.cast_signed(),
        partition_max_bytes: bytes,
        ..FetchPartition::default()
    };
    FetchRequest {
        replica_id: -1,
        max_wait_ms: 0,
        min_bytes: 0,
        max_bytes: bytes,
        session_epoch: -1,
        topics: vec![FetchTopic { topic: topic.clone(), partitions: vec![partition], ..FetchTopic::default() }],
        ..FetchRequest::default()
    }
}

fn read(broker: &str, answer: &Answer, from: u64, decompressor: &mut Decompressor) -> Result<Found, KafkaError> {
    let mut reader = answer.body();
    let response = FetchResponseView::parse(&mut reader, answer.version())
        .map_err(|error| KafkaError::answer(broker, ApiKey::Fetch, &error))?;
    let data = response.responses.iter().flat_map(|topic| topic.partitions).next();
    let records = data.filter(|data| data.error_code == 0).and_then(|data| data.records);
    // Without records: deleted in the meantime, or the leader is another one now.
    Ok(records.map_or(Found::Settled(None), |records| first(records, from, decompressor)))
}

/// The first record from `from` on that is a user's.
fn first(records: &[u8], from: u64, decompressor: &mut Decompressor) -> Found {
    let mut next = from;
    for batch in batch::batches(records) {
        // An answer may end inside a batch.
        let Ok(batch) = batch else { break };
        let after = batch.header().next_offset().get();
        if after > from && !batch.header().attributes().is_control() {
            let Ok(decoded) = batch.decode(decompressor, BATCH_BYTES_MAX) else { return Found::Settled(None) };
            for record in decoded {
                let Ok(record) = record else { return Found::Settled(None) };
                if record.offset.get() >= from {
                    return Found::Settled(record.timestamp.map(base::Timestamp::as_millis));
                }
            }
        }
        next = next.max(after);
    }
    Found::Nothing { next }
}

#[cfg(test)]
mod tests {
    use base::{Offset, Timestamp};
    use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
    use wire::{Codec, Compressor};

    use super::*;

    /// Records with these offset deltas and timestamps.
    fn batch(options: BatchOptions, records: &[(u32, u64)], span: u32) -> Vec<u8> {
        let mut builder = BatchBuilder::new(options);
        for (delta, millis) in records {
            let record = NewRecord {
                timestamp: Some(Timestamp::from_millis(*millis)),
                key: None,
                value: Some(b"v"),
                headers: &[],
            };
            builder.push_at(*delta, &record).unwrap();
        }
        builder.set_span(span);
        builder.finish(&mut Compressor::new()).to_vec()
    }

    fn at(base: u64) -> BatchOptions {
        BatchOptions { base_offset: Offset::new(base).unwrap(), ..BatchOptions::default() }
    }

    fn search(records: &[u8], from: u64) -> Found {
        first(records, from, &mut Decompressor::new())
    }

    #[test]
    fn the_first_record_from_an_offset_on_is_found_inside_a_batch() {
        for codec in [Codec::None, Codec::Lz4, Codec::Zstd] {
            // Compaction has taken offset 11.
            let bytes = batch(BatchOptions { codec, ..at(10) }, &[(0, 500), (2, 400), (3, 900)], 4);
            let found = [10, 11, 12, 13].map(|from| search(&bytes, from));
            assert_eq!(found, [500, 400, 400, 900].map(|millis| Found::Settled(Some(millis))), "{codec}");
        }
    }

    #[test]
    fn control_batches_and_batches_emptied_by_compaction_are_passed_over() {
        let control = batch(BatchOptions { control: true, transactional: true, ..at(10) }, &[(0, 500)], 1);
        let emptied = batch(at(11), &[], 4);
        let bytes = [control, emptied].concat();
        assert_eq!(search(&bytes, 10), Found::Nothing { next: 15 });
        let more = [bytes.as_slice(), &batch(at(15), &[(0, 700)], 1)].concat();
        assert_eq!(search(&more, 10), Found::Settled(Some(700)));
    }

    #[test]
    fn what_is_cut_or_damaged_has_no_timestamp() {
        let bytes = batch(at(10), &[(0, 500), (1, 600)], 2);
        assert_eq!(search(&bytes[..bytes.len() - 1], 10), Found::Nothing { next: 10 });
        assert_eq!(search(&[], 10), Found::Nothing { next: 10 });
        let mut damaged = batch(BatchOptions { codec: Codec::Zstd, ..at(10) }, &[(0, 500)], 1);
        let last = damaged.len() - 1;
        damaged[last - 4..].fill(0xff);
        assert_eq!(search(&damaged, 10), Found::Settled(None));
    }
}
