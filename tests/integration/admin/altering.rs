//! Settings of topics that change while the topics are used.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::alter_configs::{AlterConfigsRequest, AlterConfigsResource};
use wire::kafka::incremental_alter_configs::IncrementalAlterConfigsRequest;

use super::{
    APPEND, BROKER, DELETE, SET, SUBTRACT, TOPIC, alter, alter_all, alter_well, describe, place, places, replace,
    resource, setting, value,
};
use crate::{EPOCH, batch, batch_at, client_with_topic};

#[test]
fn settings_are_set_taken_back_and_survive_kill_9() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "orders", 2);
    let set = [("retention.ms", SET, Some("86400000")), ("max.message.bytes", SET, Some("2000"))];
    alter_well(&mut client, TOPIC, "orders", &set);
    alter_well(
        &mut client,
        TOPIC,
        "orders",
        &[("max.message.bytes", DELETE, None), ("segment.ms", SET, Some("60000"))],
    );
    let check = |client: &mut Client| {
        assert_eq!(value(client, TOPIC, "orders", "retention.ms"), ("86400000".to_owned(), 1));
        assert_eq!(value(client, TOPIC, "orders", "segment.ms"), ("60000".to_owned(), 1));
        assert_eq!(value(client, TOPIC, "orders", "max.message.bytes"), ("1048588".to_owned(), 5));
        let all = [place("retention.ms", "86400000", 1), place("log.retention.ms", "604800000", 5)];
        assert_eq!(places(client, TOPIC, "orders", "retention.ms"), all);
    };
    check(&mut client);
    broker.kill();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    check(&mut client);
    // A topic of the same name later has none of it.
    alter_well(
        &mut client,
        TOPIC,
        "orders",
        &[("retention.ms", DELETE, None), ("segment.ms", DELETE, Some("ignored"))],
    );
    assert!(describe(&mut client, TOPIC, "orders", None).configs.iter().all(|setting| setting.config_source == 5));
}

#[test]
fn lists_are_added_to_and_taken_from() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "topics.defaults.cleanup.policy=compact"]);
    let mut client = client_with_topic(&broker, "lists", 1);
    alter_well(&mut client, TOPIC, "lists", &[("cleanup.policy", APPEND, Some("delete"))]);
    assert_eq!(value(&mut client, TOPIC, "lists", "cleanup.policy"), ("compact,delete".to_owned(), 1));
    alter_well(&mut client, TOPIC, "lists", &[("cleanup.policy", APPEND, Some("delete"))]);
    assert_eq!(value(&mut client, TOPIC, "lists", "cleanup.policy").0, "compact,delete");
    alter_well(&mut client, TOPIC, "lists", &[("cleanup.policy", SUBTRACT, Some("compact"))]);
    assert_eq!(value(&mut client, TOPIC, "lists", "cleanup.policy"), ("delete".to_owned(), 1));
    for (name, operation, amount) in [("retention.ms", APPEND, "1"), ("retention.ms", SUBTRACT, "1")] {
        let (error, text) = alter(&mut client, TOPIC, "lists", &[(name, operation, Some(amount))]);
        assert_eq!(error, ErrorCode::InvalidConfig);
        assert!(text.contains("retention.ms") && text.contains("not a list"), "{text}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "strict", 1);
    let before = describe(&mut client, TOPIC, "strict", None);
    for (configs, error, expected) in [
        (vec![("retention.ms", SET, Some("soon"))], ErrorCode::InvalidConfig, "expected a whole number from -1"),
        (vec![("segment.bytes", SET, Some("5"))], ErrorCode::InvalidConfig, "expected a whole number from 1048576"),
        (vec![("cleanup.policy", SET, Some("keep"))], ErrorCode::InvalidConfig, "expected a list of delete, compact"),
        (vec![("retention.msec", SET, Some("5"))], ErrorCode::InvalidConfig, "retention.msec"),
        (vec![("retention.ms", SET, None)], ErrorCode::InvalidRequest, "\"retention.ms\" has no value"),
        (vec![("retention.ms", 7, Some("5"))], ErrorCode::InvalidRequest, "operation 7"),
        (
            vec![("retention.ms", SET, Some("5")), ("retention.ms", DELETE, None)],
            ErrorCode::InvalidRequest,
            "\"retention.ms\" is named twice",
        ),
        // The first is fine alone.
        (
            vec![("min.compaction.lag.ms", SET, Some("9")), ("max.compaction.lag.ms", SET, Some("8"))],
            ErrorCode::InvalidConfig,
            "min.compaction.lag.ms=9 is above max.compaction.lag.ms=8",
        ),
        (
            vec![("corelane.durability", SET, Some("relaxed")), ("flush.ms", SET, Some("9"))],
            ErrorCode::InvalidConfig,
            "flush.ms",
        ),
    ] {
        let (got, text) = alter(&mut client, TOPIC, "strict", &configs);
        assert_eq!(got, error, "{configs:?}: {text}");
        assert!(text.contains(expected), "{configs:?}: {text}");
    }
    for (resource_type, name, error) in [
        (TOPIC, "missing", ErrorCode::UnknownTopicOrPartition),
        (TOPIC, "no/name", ErrorCode::InvalidTopicException),
        (TOPIC, "", ErrorCode::InvalidRequest),
        (8, "1", ErrorCode::InvalidRequest),
        (16, "", ErrorCode::InvalidRequest),
        (77, "", ErrorCode::InvalidRequest),
    ] {
        assert_eq!(alter(&mut client, resource_type, name, &[("retention.ms", SET, Some("5"))]).0, error, "{name:?}");
    }
    // What is not there can be taken away.
    alter_well(&mut client, TOPIC, "strict", &[("leader.replication.throttled.replicas", DELETE, None)]);
    assert_eq!(describe(&mut client, TOPIC, "strict", None), before);
}

#[test]
fn resources_are_altered_one_by_one_and_each_may_be_named_once() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "a", 1);
    assert_eq!(client.create_topic("b", 1, &[]).unwrap(), ErrorCode::None);
    let good = |name: &str| resource(TOPIC, name, &[("segment.ms", SET, Some("5000"))]);
    let bad = resource(TOPIC, "b", &[("segment.ms", SET, Some("-5"))]);
    let codes = |outcomes: Vec<super::Outcome>| outcomes.into_iter().map(|each| each.0).collect::<Vec<_>>();
    let outcomes = alter_all(&mut client, vec![good("a"), bad, good("missing")], false);
    let expected = [ErrorCode::None, ErrorCode::InvalidConfig, ErrorCode::UnknownTopicOrPartition];
    assert_eq!(codes(outcomes), expected);
    assert_eq!(value(&mut client, TOPIC, "a", "segment.ms"), ("5000".to_owned(), 1));

    let twice = vec![good("b"), resource(TOPIC, "a", &[("segment.ms", DELETE, None)]), good("b")];
    let outcomes = alter_all(&mut client, twice, false);
    assert_eq!(codes(outcomes), [ErrorCode::InvalidRequest, ErrorCode::None, ErrorCode::InvalidRequest]);
    assert_eq!(value(&mut client, TOPIC, "a", "segment.ms").1, 5);
    assert_eq!(value(&mut client, TOPIC, "b", "segment.ms").1, 5);

    let outcomes = alter_all(&mut client, vec![good("a"), resource(TOPIC, "b", &[("x", SET, Some("1"))])], true);
    assert_eq!(codes(outcomes), [ErrorCode::None, ErrorCode::InvalidConfig]);
    assert_eq!(value(&mut client, TOPIC, "a", "segment.ms").1, 5, "validation alone changes nothing");
    let same_number = vec![resource(TOPIC, "1", &[]), resource(BROKER, "1", &[])];
    let outcomes = alter_all(&mut client, same_number, false);
    assert_eq!(codes(outcomes), [ErrorCode::UnknownTopicOrPartition, ErrorCode::None]);
    let many = (0..1_001).map(|number| good(&format!("t{number}"))).collect();
    assert!(codes(alter_all(&mut client, many, false)).iter().all(|code| *code == ErrorCode::PolicyViolation));
}

#[test]
fn alter_configs_replaces_all_that_a_topic_has() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "whole", 1);
    let set = [("retention.ms", SET, Some("5")), ("segment.ms", SET, Some("6"))];
    alter_well(&mut client, TOPIC, "whole", &set);
    let new = [("segment.ms", Some("7")), ("cleanup.policy", Some("compact"))];
    assert_eq!(replace(&mut client, TOPIC, "whole", &new), (ErrorCode::None, String::new()));
    assert_eq!(value(&mut client, TOPIC, "whole", "retention.ms").1, 5);
    assert_eq!(value(&mut client, TOPIC, "whole", "segment.ms"), ("7".to_owned(), 1));
    assert_eq!(value(&mut client, TOPIC, "whole", "cleanup.policy"), ("compact".to_owned(), 1));
    assert_eq!(replace(&mut client, TOPIC, "whole", &[("segment.ms", None)]).0, ErrorCode::InvalidRequest);
    assert_eq!(replace(&mut client, TOPIC, "whole", &[("segment.ms", Some("x"))]).0, ErrorCode::InvalidConfig);
    assert_eq!(value(&mut client, TOPIC, "whole", "segment.ms").0, "7");
    // Every version asks the same.
    for version in 0..=2 {
        let resource = AlterConfigsResource {
            resource_type: TOPIC,
            resource_name: "whole".to_owned(),
            ..AlterConfigsResource::default()
        };
        let validate_only = version == 0;
        let request = AlterConfigsRequest { resources: vec![resource], validate_only };
        let answer = client.ask(version, &request).unwrap();
        assert_eq!(code(answer.responses[0].error_code), ErrorCode::None);
        let expected = if validate_only { 1 } else { 5 };
        assert_eq!(value(&mut client, TOPIC, "whole", "segment.ms").1, expected, "version {version}");
    }
    for version in 0..=1 {
        let set = resource(TOPIC, "whole", &[("segment.ms", SET, Some(["8", "9"][usize::from(version == 1)]))]);
        let request = IncrementalAlterConfigsRequest { resources: vec![set], validate_only: false };
        assert_eq!(client.ask(version, &request).unwrap().responses[0].error_code, 0);
    }
    assert_eq!(value(&mut client, TOPIC, "whole", "segment.ms").0, "9");
}

/// On every core: connections go to the cores in turn, and so do the partitions.
#[test]
fn a_change_is_in_force_everywhere_when_it_is_answered() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(broker.kafka).unwrap()).collect();
    assert_eq!(clients[0].create_topic("live", 4, &[]).unwrap(), ErrorCode::None);
    for (limit, expected) in [("200", ErrorCode::MessageTooLarge), ("100000", ErrorCode::None)] {
        alter_well(&mut clients[1], TOPIC, "live", &[("max.message.bytes", SET, Some(limit))]);
        for client in &mut clients {
            for partition in 0..4 {
                let made = client.produce("live", partition, &batch_at(&[0], 500, None)).unwrap();
                assert_eq!(code(made.error_code), expected, "{limit}, partition {partition}");
            }
        }
    }
    // Whose clock stamps the records.
    alter_well(&mut clients[2], TOPIC, "live", &[("message.timestamp.type", SET, Some("LogAppendTime"))]);
    for client in &mut clients {
        let made = client.produce("live", 1, &batch(1)).unwrap();
        assert!(made.log_append_time_ms > EPOCH, "{made:?}");
    }
    alter_well(&mut clients[3], TOPIC, "live", &[("message.timestamp.type", DELETE, None)]);
    for client in &mut clients {
        assert_eq!(client.produce("live", 1, &batch(1)).unwrap().log_append_time_ms, -1);
    }
    // Compacted topics take no records without a key.
    alter_well(&mut clients[0], TOPIC, "live", &[("cleanup.policy", SET, Some("compact"))]);
    for client in &mut clients {
        let made = client.produce("live", 2, &batch(1)).unwrap();
        assert_eq!(code(made.error_code), ErrorCode::InvalidRecord);
    }
    let more_than_one = [("cleanup.policy", DELETE, None), ("min.insync.replicas", SET, Some("2"))];
    alter_well(&mut clients[0], TOPIC, "live", &more_than_one);
    for client in &mut clients {
        let made = client.produce("live", 3, &batch(1)).unwrap();
        assert_eq!(code(made.error_code), ErrorCode::NotEnoughReplicas);
    }
}

#[test]
fn records_stay_safe_while_settings_change_under_a_producer() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut admin = client_with_topic(&broker, "busy", 2);
    let address = broker.kafka;
    let producers: Vec<_> = (0..2)
        .map(|partition| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address).unwrap();
                (0..400_i64).for_each(|offset| {
                    let made = client.produce("busy", partition, &batch_at(&[0], 3_000, None)).unwrap();
                    assert_eq!((code(made.error_code), made.base_offset), (ErrorCode::None, offset));
                });
            })
        })
        .collect();
    for round in 0..30 {
        let durability = ["relaxed", "flushed"][round % 2];
        let segment = ["1048576", "1200000"][round % 2];
        let configs = [("corelane.durability", SET, Some(durability)), ("segment.bytes", SET, Some(segment))];
        alter_well(&mut admin, TOPIC, "busy", &configs);
    }
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    alter_well(&mut admin, TOPIC, "busy", &[("corelane.durability", SET, Some("flushed"))]);
    for partition in 0..2 {
        assert_eq!(admin.produce("busy", partition, &batch(1)).unwrap().base_offset, 400);
    }
    broker.kill();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    for partition in 0..2 {
        let all = client.fetch_all("busy", partition).unwrap();
        let records: u32 =
            wire::batch::batches(&all).map(|batch| batch.unwrap().header().last_offset_delta() + 1).sum();
        assert_eq!(records, 401);
    }
}

#[test]
fn retention_that_is_shortened_takes_old_records_away() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "retention.check_interval=100 ms"]);
    let mut client = client_with_topic(&broker, "short", 1);
    // Their timestamps are of 2023; retention is switched off until it is asked for.
    alter_well(&mut client, TOPIC, "short", &[("retention.ms", SET, Some("-1"))]);
    for _ in 0..3 {
        client.produce("short", 0, &batch(2)).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(client.list_offset("short", 0, -2).unwrap().1, 0);
    alter_well(&mut client, TOPIC, "short", &[("retention.ms", SET, Some("60000"))]);
    let begun = std::time::Instant::now();
    while client.list_offset("short", 0, -2).unwrap().1 < 6 {
        assert!(begun.elapsed().as_secs() < 20, "nothing was deleted");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(setting(&mut client, TOPIC, "short", "retention.ms").documentation.is_some());
}
