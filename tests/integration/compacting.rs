//! A compacted topic through both doors of a real broker: what it refuses, what it keeps, and that kill -9 changes neither.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use tests::native;
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, batches};
use wire::compress::{Codec, Compressor, Decompressor};
use wire::native::{Acks, Payload, ProducePartition, ProduceReplyView, ProduceRequest};

const SETTINGS: [&str; 4] =
    ["--set", "compaction.check_interval=100 ms", "--set", "journal.checkpoint_interval=300 ms"];

/// A batch of records with these keys; a value of none is a tombstone.
fn keyed(codec: Codec, records: &[(Option<&str>, Option<&[u8]>)]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
    for (key, value) in records {
        let record = NewRecord { key: key.map(str::as_bytes), value: *value, ..NewRecord::default() };
        builder.push(&record).expect("the batch has room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

/// Offset and value of the last record of each key.
type Contents = BTreeMap<String, (u64, Option<Vec<u8>>)>;

/// What a log says, and in how many records.
fn contents(log: &[u8]) -> (Contents, usize) {
    let (mut found, mut count, mut decompressor) = (BTreeMap::new(), 0, Decompressor::new());
    for batch in batches(log) {
        let batch = batch.expect("whole");
        batch.verify_crc().expect("as it was written");
        for record in batch.decode(&mut decompressor, 1 << 30).expect("it can be read") {
            let record = record.expect("whole");
            let key = String::from_utf8(record.key.expect("records have keys").to_vec()).expect("a text");
            found.insert(key, (record.offset.get(), record.value.map(<[u8]>::to_vec)));
            count += 1;
        }
    }
    (found, count)
}

#[test]
fn the_last_value_of_each_key_stays_through_both_doors_and_kill_9() {
    let data = folder();
    let broker = Broker::start(data.path(), &SETTINGS);
    let mut client = Client::connect(broker.kafka).unwrap();
    let configs = [("cleanup.policy", "compact"), ("segment.bytes", "1048576"), ("min.cleanable.dirty.ratio", "0.1")];
    assert_eq!(client.create_topic("state", 2, &configs).unwrap(), ErrorCode::None);
    let mut expected = [BTreeMap::new(), BTreeMap::new()];
    let mut sent = [0, 0];
    for round in 0..400_u32 {
        for partition in 0..2 {
            let value = vec![b'a' + u8::try_from(round % 26).unwrap(); 3_000];
            let keys: Vec<String> = (0..5).map(|index| format!("key {}", (round * 7 + index * 3) % 61)).collect();
            let is_tombstone = |index: usize| (round as usize + index).is_multiple_of(17);
            let records: Vec<_> = keys
                .iter()
                .enumerate()
                .map(|(index, key)| (Some(key.as_str()), (!is_tombstone(index)).then_some(&value[..])))
                .collect();
            let codec = Codec::ALL[round as usize % 5];
            let made = client.produce("state", i32::try_from(partition).unwrap(), &keyed(codec, &records)).unwrap();
            assert_eq!(code(made.error_code), ErrorCode::None);
            for (index, (key, value)) in records.iter().enumerate() {
                let offset = made.base_offset.cast_unsigned() + index as u64;
                expected[partition].insert(key.unwrap().to_owned(), (offset, value.map(<[u8]>::to_vec)));
            }
            sent[partition] += records.len();
        }
    }
    let begun = Instant::now();
    let check = |client: &mut Client, partition: usize| {
        let (found, count) = contents(&client.fetch_all("state", i32::try_from(partition).unwrap()).unwrap());
        assert_eq!(found, expected[partition], "partition {partition}");
        count
    };
    while (0..2).any(|partition| check(&mut client, partition) > sent[partition] * 2 / 3) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is compacted");
        std::thread::sleep(Duration::from_millis(100));
    }
    broker.kill();
    let broker = Broker::start(data.path(), &["--cores", "1"]);
    let mut client = Client::connect(broker.kafka).unwrap();
    for (partition, sent) in sent.into_iter().enumerate() {
        assert!(check(&mut client, partition) <= sent * 2 / 3);
    }
}

#[test]
fn records_without_keys_are_refused_with_their_places_and_other_topics_take_them() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let policy = [("cleanup.policy", "compact,delete")];
    assert_eq!(client.create_topic("keyed", 1, &policy).unwrap(), ErrorCode::None);
    assert_eq!(client.create_topic("any", 1, &[]).unwrap(), ErrorCode::None);
    let mut native = native::Client::greeted(broker.native).unwrap();
    let ids = ["keyed", "any"].map(|name| native.topic(name).unwrap().0);
    for codec in Codec::ALL {
        let bad = keyed(codec, &[(Some("a"), Some(b"1")), (None, Some(b"2")), (Some("b"), None), (None, None)]);
        let refused = client.produce("keyed", 0, &bad).unwrap();
        assert_eq!((code(refused.error_code), refused.base_offset), (ErrorCode::InvalidRecord, -1), "{codec}");
        let places: Vec<i32> = refused.record_errors.iter().map(|error| error.batch_index).collect();
        assert_eq!(places, [1, 3], "{codec}");
        assert_eq!(code(client.produce("any", 0, &bad).unwrap().error_code), ErrorCode::None);
        let good = keyed(codec, &[(Some("a"), None), (Some(""), Some(b"2"))]);
        assert_eq!(code(client.produce("keyed", 0, &good).unwrap().error_code), ErrorCode::None, "{codec}");
        for (topic, batch, expected) in [
            (ids[0], &bad, ErrorCode::InvalidRecord),
            (ids[0], &good, ErrorCode::None),
            (ids[1], &bad, ErrorCode::None),
        ] {
            let segment = Payload::default().push(bytes::Bytes::copy_from_slice(batch)).expect("small");
            let partitions = [ProducePartition { topic, partition: base::PartitionIndex(0), segment }];
            let request = ProduceRequest { acks: Acks::All, timeout_ms: 10_000, partitions: &partitions };
            native.send_raw(&native::frame_of(&request, batch)).unwrap();
            let frame = native.receive().unwrap();
            let reply: ProduceReplyView<'_> = frame.open().unwrap();
            assert_eq!(reply.partitions().next().expect("an answer").error.0, expected.code(), "{codec}");
        }
    }
    let garbage = {
        let mut batch = keyed(Codec::Zstd, &[(Some("a"), Some(&[7; 400]))]);
        let end = batch.len();
        batch[end - 6..].fill(0xff);
        let crc = wire::batch::crc::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch
    };
    assert_eq!(code(client.produce("keyed", 0, &garbage).unwrap().error_code), ErrorCode::InvalidRecord);
}
