//! Whose clock stamps records, and what it may say.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::batch::{BatchOptions, TimestampType};
use wire::compress::Codec;

use super::{batch_of, compressed, now, stored};

/// Of any time that is long over.
const OLD: i64 = 1_500_000_000_000;

#[test]
fn with_log_append_time_the_broker_stamps_and_times_are_found_by_its_clock() {
    let data = folder();
    let mut broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let settings = [("message.timestamp.type", "LogAppendTime")];
    assert_eq!(client.create_topic("ours", 1, &settings).unwrap(), ErrorCode::None);
    assert_eq!(client.create_topic("theirs", 1, &[]).unwrap(), ErrorCode::None);
    let mut appended = Vec::new();
    for codec in Codec::ALL {
        let before = now();
        let made = client.produce("ours", 0, &batch_of(compressed(codec), &[(OLD, None), (OLD + 5, None)])).unwrap();
        assert_eq!(code(made.error_code), ErrorCode::None);
        assert!((before..=now()).contains(&made.log_append_time_ms), "{made:?}");
        appended.push(made.log_append_time_ms);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Whatever a producer says of the future is not looked at either.
    let future = batch_of(BatchOptions::default(), &[(now() + 86_400_000, None)]);
    assert_eq!(code(client.produce("ours", 0, &future).unwrap().error_code), ErrorCode::None);
    let made = client.produce("theirs", 0, &batch_of(BatchOptions::default(), &[(OLD, None)])).unwrap();
    assert_eq!((code(made.error_code), made.log_append_time_ms), (ErrorCode::None, -1));
    for life in 0..2 {
        let stored = stored(&mut client, "ours");
        for ((header, _), time) in stored.iter().zip(&appended) {
            assert_eq!(header.attributes().timestamp_type(), TimestampType::LogAppendTime);
            assert_eq!(header.max_timestamp().map(base::Timestamp::to_wire), Some(*time));
        }
        for (index, time) in (0..).zip(&appended) {
            let found = client.list_offset("ours", 0, *time).unwrap();
            assert_eq!(found, (ErrorCode::None, 2 * index, *time), "in life {life}");
        }
        assert_eq!(client.list_offset("ours", 0, OLD).unwrap(), (ErrorCode::None, 0, appended[0]));
        if life == 0 {
            broker.kill();
            broker = Broker::start(data.path(), &[]);
            client = Client::connect(broker.kafka).unwrap();
        }
    }
}

#[test]
fn timestamps_beyond_the_topics_bounds_are_refused_with_the_places_of_their_records() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let bounds = [("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "60000")];
    assert_eq!(client.create_topic("bounded", 1, &bounds).unwrap(), ErrorCode::None);
    let now = now();
    for (records, expected) in [
        (vec![now, now - 50_000, now + 50_000, -1], None),
        (vec![now, now - 70_000, now, OLD], Some(vec![1, 3])),
        (vec![now + 600_000, now], Some(vec![0])),
    ] {
        let records: Vec<_> = records.into_iter().map(|timestamp| (timestamp, None)).collect();
        let answer = client.produce("bounded", 0, &batch_of(BatchOptions::default(), &records)).unwrap();
        let places: Vec<i32> = answer.record_errors.iter().map(|error| error.batch_index).collect();
        match expected {
            None => assert_eq!(code(answer.error_code), ErrorCode::None, "{records:?}"),
            Some(expected) => {
                assert_eq!((code(answer.error_code), places), (ErrorCode::InvalidTimestamp, expected), "{records:?}");
                assert!(answer.error_message.is_some() && answer.base_offset == -1);
            }
        }
    }
    // Of a compressed batch the header is judged.
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let refused = client.produce("bounded", 0, &batch_of(compressed(codec), &[(now, None), (now + 600_000, None)]));
        assert_eq!(code(refused.unwrap().error_code), ErrorCode::InvalidTimestamp, "{codec}");
        let taken = client.produce("bounded", 0, &batch_of(compressed(codec), &[(now, None), (now - 1, None)]));
        assert_eq!(code(taken.unwrap().error_code), ErrorCode::None, "{codec}");
    }
    // By default an hour ahead is allowed, and any time in the past.
    assert_eq!(client.create_topic("usual", 1, &[]).unwrap(), ErrorCode::None);
    for (timestamp, expected) in
        [(0, ErrorCode::None), (now + 3_500_000, ErrorCode::None), (now + 3_700_000, ErrorCode::InvalidTimestamp)]
    {
        let batch = batch_of(BatchOptions::default(), &[(timestamp, None)]);
        assert_eq!(code(client.produce("usual", 0, &batch).unwrap().error_code), expected, "{timestamp}");
    }
    let kept = stored(&mut client, "usual");
    assert!(kept.iter().all(|(header, _)| header.attributes().timestamp_type() == TimestampType::CreateTime));
}
