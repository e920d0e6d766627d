//! The metadata's log is kept short, and says the same before and after.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::kafka::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::kafka::incremental_alter_configs::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};
use wire::kafka::metadata::MetadataRequest;

use crate::{FOR_EVER, batch};

const TOPIC: i8 = 2;
const SHORTENED: &str = "a snapshot has replaced the metadata's log";
/// Makes topics and deletes them, and alters one that stays: two records each, and as many as asked for.
fn churn(client: &mut Client, round: usize, alterations: usize) {
    let names: Vec<String> = (0..20).map(|number| format!("round-{round}.topic_{number}")).collect();
    let topic = |name: &String| CreatableTopic {
        name: name.clone(),
        num_partitions: 1,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let topics = names.iter().map(topic).collect();
    let create = CreateTopicsRequest { topics, timeout_ms: 30_000, ..CreateTopicsRequest::default() };
    let created = client.ask(7, &create).unwrap();
    assert!(created.topics.iter().all(|topic| topic.error_code == 0), "{created:?}");
    client.produce(&names[0], 0, &batch(3)).unwrap();
    let state = |name: &String| DeleteTopicState { name: Some(name.clone()), ..DeleteTopicState::default() };
    let topics = names.iter().map(state).collect();
    let delete = DeleteTopicsRequest { topics, timeout_ms: 30_000, ..DeleteTopicsRequest::default() };
    let deleted = client.ask(6, &delete).unwrap();
    assert!(deleted.responses.iter().all(|topic| topic.error_code == 0), "{deleted:?}");
    for value in 0..alterations {
        let value = Some(format!("{}", 1_048_576 + round * alterations + value));
        let config = AlterableConfig { name: "segment.bytes".to_owned(), config_operation: 0, value };
        let resource =
            AlterConfigsResource { resource_type: TOPIC, resource_name: "early".to_owned(), configs: vec![config] };
        let alter = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        assert_eq!(client.ask(1, &alter).unwrap().responses[0].error_code, 0);
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
