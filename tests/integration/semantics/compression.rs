//! `compression.type`.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, encode, produce_request};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, TimestampType};
use wire::compress::{Codec, Compressor};
use wire::kafka::produce::ProduceRequest;

use crate::producing::stamp;

use super::{batch_of, compressed, now, stored};

fn topic(client: &mut Client, name: &str, settings: &[(&str, &str)]) {
    assert_eq!(client.create_topic(name, 1, settings).unwrap(), ErrorCode::None);
}

/// A batch whose records have so many bytes that compress as text does.
fn text(codec: Codec, bytes: usize, producer: Option<ProducerStamp>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
    let line: Vec<u8> = (0..1_000_u32).map(|index| (index * index % 61).to_le_bytes()[0]).collect();
    for _ in 0..bytes.div_ceil(1_000) {
        let timestamp = base::Timestamp::from_wire(now());
        builder
            .push(&NewRecord { timestamp, key: Some(b"k"), value: Some(&line), headers: &[] })
            .expect("there is room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

#[test]
fn a_topic_stores_the_codec_that_it_names_and_producer_stores_what_came() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    for (name, wanted) in [
        ("producer", None),
        ("uncompressed", Some(Codec::None)),
        ("gzip", Some(Codec::Gzip)),
        ("snappy", Some(Codec::Snappy)),
        ("lz4", Some(Codec::Lz4)),
        ("zstd", Some(Codec::Zstd)),
    ] {
        topic(&mut client, name, &[("compression.type", name)]);
        let sent: Vec<Vec<u8>> = Codec::ALL
            .into_iter()
            .flat_map(|codec| {
                [batch_of(compressed(codec), &[(now(), None), (now(), Some(b"k"))]), text(codec, 90_000, None)]
            })
            .collect();
        let mut next = 0;
        for batch in &sent {
            let made = client.produce(name, 0, batch).unwrap();
            assert_eq!((code(made.error_code), made.base_offset), (ErrorCode::None, next), "{name}");
            next += i64::from(u32::from_be_bytes(*batch[57..].first_chunk().unwrap()));
        }
        let found = stored(&mut client, name);
        assert_eq!(found.len(), sent.len());
        for ((header, records), sent) in found.iter().zip(&sent) {
            let (before, _) = wire::batch::Batch::parse(sent).unwrap();
            assert_eq!(header.codec(), wanted.unwrap_or(before.header().codec()), "{name}");
            let mut decompressor = wire::compress::Decompressor::new();
            let plain = decompressor.decompress(before.header().codec(), before.payload(), 1 << 20).unwrap();
            assert!(plain == records, "{name}: the records are what was sent");
            assert_eq!(header.max_timestamp(), before.header().max_timestamp());
        }
        if wanted.is_none() {
            let log = client.fetch_all(name, 0).unwrap();
            let mut log = &log[..];
            for sent in &sent {
                let (batch, rest) = log.split_at(sent.len());
                assert!(batch[16..] == sent[16..], "`producer` leaves all bytes as they are but offset and epoch");
                log = rest;
            }
        }
    }
}

/// Large batches take their time on another thread, small ones none; and a few need nothing done.
#[test]
fn batches_of_one_producer_stay_in_order_whatever_has_to_be_done_with_each() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    topic(&mut client, "order", &[("compression.type", "gzip")]);
    let id = client.producer_id().unwrap();
    let mut sent = Vec::new();
    let mut sequence = 0;
    for round in 0..40 {
        let (codec, bytes) =
            [(Codec::None, 400_000), (Codec::Gzip, 1_000), (Codec::Zstd, 1_000), (Codec::Lz4, 200_000)][round % 4];
        let batch = text(codec, bytes, stamp(id, 0, sequence));
        sequence += u32::try_from(bytes / 1_000).unwrap();
        client.send(9, &produce_request("order", 0, &batch, -1)).unwrap();
        sent.push((batch, sequence - u32::try_from(bytes / 1_000).unwrap()));
    }
    for (_, first) in &sent {
        let answer = client.receive::<ProduceRequest>(9).unwrap();
        let answer = &answer.responses[0].partition_responses[0];
        assert_eq!((code(answer.error_code), answer.base_offset), (ErrorCode::None, i64::from(*first)));
    }
    // One that comes again has its first offset.
    let (last, first) = sent.last().unwrap();
    let again = client.produce("order", 0, last).unwrap();
    assert_eq!((code(again.error_code), again.base_offset), (ErrorCode::None, i64::from(*first)));
    broker.kill();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert!(stored(&mut client, "order").iter().all(|(header, _)| header.codec() == Codec::Gzip));
    let again = client.produce("order", 0, last).unwrap();
    assert_eq!((code(again.error_code), again.base_offset), (ErrorCode::None, i64::from(*first)));
}

#[test]
fn batches_that_are_compressed_anew_are_judged_by_all_rules_and_by_their_new_size() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    topic(&mut client, "keyed", &[("compression.type", "zstd"), ("cleanup.policy", "compact")]);
    topic(&mut client, "plain", &[("compression.type", "uncompressed"), ("max.message.bytes", "20000")]);
    topic(&mut client, "ours", &[("compression.type", "lz4"), ("message.timestamp.type", "LogAppendTime")]);
    for codec in Codec::ALL {
        let refused =
            client.produce("keyed", 0, &batch_of(compressed(codec), &[(now(), Some(b"k")), (now(), None)])).unwrap();
        let places: Vec<i32> = refused.record_errors.iter().map(|error| error.batch_index).collect();
        assert_eq!((code(refused.error_code), places), (ErrorCode::InvalidRecord, vec![1]), "{codec}");
        let large = client.produce("plain", 0, &text(codec, 30_000, None)).unwrap();
        assert_eq!(code(large.error_code), ErrorCode::MessageTooLarge, "{codec}");
        let made = client.produce("ours", 0, &batch_of(compressed(codec), &[(5, None)])).unwrap();
        assert_eq!(code(made.error_code), ErrorCode::None);
        let (header, _) = stored(&mut client, "ours").pop().expect("a batch");
        assert_eq!((header.codec(), header.attributes().timestamp_type()), (Codec::Lz4, TimestampType::LogAppendTime));
        assert_eq!(header.max_timestamp().map(base::Timestamp::to_wire), Some(made.log_append_time_ms));
    }
    assert!(stored(&mut client, "plain").is_empty() && stored(&mut client, "keyed").is_empty());
    // What cannot be decompressed is not stored, and closes the connection of a producer that wants no answers.
    let mut damaged = text(Codec::Zstd, 30_000, None);
    let end = damaged.len();
    damaged[end - 9..].fill(0xff);
    let crc = wire::batch::crc::crc32c(&damaged[21..]);
    damaged[17..21].copy_from_slice(&crc.to_be_bytes());
    let refused = client.produce("ours", 0, &damaged).unwrap();
    assert_eq!(code(refused.error_code), ErrorCode::InvalidRecord);
    client.send_raw(&encode(9, &produce_request("ours", 0, &damaged, 0)).unwrap()).unwrap();
    assert!(client.receive_raw().is_err(), "acks=0 knows no other answer");
}
