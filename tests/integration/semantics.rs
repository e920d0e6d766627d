//! What Kafka's clients expect of a broker, line by line of what newcomers to the protocol got wrong.

mod admission;
mod compression;
mod timestamps;

use base::Timestamp;
use tests::kafka::Client;
use wire::batch::{BatchBuilder, BatchHeader, BatchOptions, NewRecord, batches};
use wire::compress::{Codec, Compressor, Decompressor};

/// A batch of records with these timestamps and keys.
fn batch_of(options: BatchOptions, records: &[(i64, Option<&[u8]>)]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for (timestamp, key) in records {
        let timestamp = Timestamp::from_wire(*timestamp);
        let value = Some(&b"a value, a value, a value"[..]);
        builder.push(&NewRecord { timestamp, key: *key, value, headers: &[] }).expect("there is room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

fn compressed(codec: Codec) -> BatchOptions {
    BatchOptions { codec, ..BatchOptions::default() }
}

/// The headers of all batches of a partition, whose CRCs are right, and the bytes of their records.
fn stored(client: &mut Client, topic: &str) -> Vec<(BatchHeader, Vec<u8>)> {
    let log = client.fetch_all(topic, 0).unwrap();
    let mut decompressor = Decompressor::new();
    let mut read = |bytes: wire::batch::Batch<'_>| {
        bytes.verify_crc().expect("as it was written");
        let records =
            decompressor.decompress(bytes.header().codec(), bytes.payload(), 64 << 20).expect("it can be read");
        (*bytes.header(), records.to_vec())
    };
    batches(&log).map(|batch| read(batch.expect("whole"))).collect()
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("and not that long after")
}
