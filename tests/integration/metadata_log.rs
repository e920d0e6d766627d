//! The metadata's log is kept short, and says the same before and after.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::metadata::MetadataRequest;

use crate::admin::{SET, TOPIC, alter_well};
use crate::{FOR_EVER, batch};

const SHORTENED: &str = "a snapshot has replaced the metadata's log";

/// Makes topics and deletes them, and alters one that stays: two records each, and as many as asked for.
fn churn(client: &mut Client, round: usize, alterations: usize) {
    let names: Vec<String> = (0..20).map(|number| format!("round-{round}.topic_{number}")).collect();
    for name in &names {
        assert_eq!(client.create_topic(name, 1, &[]).unwrap(), ErrorCode::None);
    }
    client.produce(&names[0], 0, &batch(3)).unwrap();
    for name in &names {
        assert_eq!(client.delete_topic(name).unwrap(), ErrorCode::None);
    }
    for value in 0..alterations {
        let value = (1_048_576 + round * alterations + value).to_string();
        alter_well(client, TOPIC, "early", &[("segment.bytes", SET, Some(&value))]);
    }
}

fn topics(client: &mut Client) -> BTreeMap<String, (u128, usize)> {
    let all = client.ask(12, &MetadataRequest { topics: None, ..MetadataRequest::default() }).unwrap();
    let named = |topic: wire::kafka::metadata::MetadataResponseTopic| {
        assert_eq!(code(topic.error_code), ErrorCode::None);
        (topic.name.expect("it has a name"), (topic.topic_id, topic.partitions.len()))
    };
    all.topics.into_iter().map(named).collect()
}

fn folders(data: &Path) -> usize {
    std::fs::read_dir(data.join("topics")).expect("it is there").count()
}

#[test]
fn topics_that_come_and_go_do_not_make_the_metadatas_log_longer_for_ever() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(client.create_topic("early", 3, &[FOR_EVER, ("segment.bytes", "2097152")]).unwrap(), ErrorCode::None);
    client.produce("early", 2, &batch(7)).unwrap();
    let producer_id = client.producer_id().unwrap();
    for round in 0..5 {
        churn(&mut client, round, 400);
    }
    assert_eq!(broker.log().matches(SHORTENED).count(), 2, "{}", broker.log());
    assert_eq!(client.create_topic("late", 1, &[FOR_EVER]).unwrap(), ErrorCode::None);
    client.produce("late", 0, &batch(2)).unwrap();
    let before = topics(&mut client);
    assert_eq!(before.keys().collect::<Vec<_>>(), ["early", "late"]);
    broker.kill();

    for kills in [true, false] {
        let broker = Broker::start(data.path(), &[]);
        let mut client = Client::connect(broker.kafka).unwrap();
        assert_eq!(topics(&mut client), before);
        assert_eq!(client.list_offset("early", 2, -1).unwrap().1, 7);
        assert_eq!(client.list_offset("late", 0, -1).unwrap().1, 2);
        assert!(client.producer_id().unwrap() > producer_id, "ids are never given twice");
        // Of deleted topics nothing is left, and nothing was taken for a topic whose record was lost.
        let deadline = Instant::now() + Duration::from_secs(20);
        while folders(data.path()) > 3 {
            assert!(Instant::now() < deadline, "{} folders are left", folders(data.path()));
            std::thread::sleep(Duration::from_millis(50));
        }
        let names = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with("lost+found")));
        assert!(!broker.log().contains(SHORTENED), "there was nothing to shorten:\n{}", broker.log());
        if kills {
            broker.kill();
        } else {
            assert!(broker.stop().1);
        }
    }
}
