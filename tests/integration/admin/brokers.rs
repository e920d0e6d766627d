//! Settings of brokers that change while the broker runs.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};

use super::{APPEND, BROKER, DELETE, SET, TOPIC, alter, alter_well, describe, place, places, replace, setting, value};
use crate::batch_at;

#[test]
fn defaults_of_topics_come_from_the_broker_then_all_brokers_then_the_file() {
    let data = folder();
    let file = ["--set", "topics.defaults.retention.ms=1000"];
    let broker = Broker::start(data.path(), &file);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(client.create_topic("layers", 1, &[]).unwrap(), ErrorCode::None);
    let of_topic = |client: &mut Client| places(client, TOPIC, "layers", "retention.ms");
    let [file_place, default] = [place("log.retention.ms", "1000", 4), place("log.retention.ms", "604800000", 5)];
    assert_eq!(of_topic(&mut client), [file_place.clone(), default.clone()]);
    alter_well(&mut client, BROKER, "", &[("log.retention.ms", SET, Some("2000"))]);
    alter_well(&mut client, BROKER, "1", &[("log.retention.ms", SET, Some("3000"))]);
    alter_well(&mut client, TOPIC, "layers", &[("retention.ms", SET, Some("4000"))]);
    let own = place("log.retention.ms", "3000", 2);
    let all = place("log.retention.ms", "2000", 3);
    let everything = [place("retention.ms", "4000", 1), own.clone(), all.clone(), file_place.clone(), default.clone()];
    let check = |client: &mut Client| {
        assert_eq!(of_topic(client), everything);
        assert_eq!(places(client, BROKER, "1", "log.retention.ms"), everything[1..]);
        assert_eq!(places(client, BROKER, "", "log.retention.ms"), std::slice::from_ref(&all));
        let described = describe(client, BROKER, "", None);
        let names: Vec<_> = described.configs.iter().map(|each| each.name.as_str()).collect();
        assert_eq!(names, ["log.retention.ms"], "of all brokers only what was altered");
    };
    check(&mut client);
    broker.kill();
    let broker = Broker::start(data.path(), &file);
    let mut client = Client::connect(broker.kafka).unwrap();
    check(&mut client);
    alter_well(&mut client, TOPIC, "layers", &[("retention.ms", DELETE, None)]);
    assert_eq!(value(&mut client, TOPIC, "layers", "retention.ms"), ("3000".to_owned(), 2));
    alter_well(&mut client, BROKER, "1", &[("log.retention.ms", DELETE, None)]);
    assert_eq!(value(&mut client, TOPIC, "layers", "retention.ms"), ("2000".to_owned(), 3));
    assert_eq!(replace(&mut client, BROKER, "", &[]), (ErrorCode::None, String::new()));
    assert_eq!(of_topic(&mut client), [file_place, default]);
}

#[test]
fn a_default_is_in_force_for_every_topic_at_once() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(broker.kafka).unwrap()).collect();
    for (name, configs) in [("plain", vec![]), ("own", vec![("max.message.bytes", "5000")])] {
        assert_eq!(clients[0].create_topic(name, 2, &configs).unwrap(), ErrorCode::None);
    }
    alter_well(&mut clients[0], BROKER, "", &[("message.max.bytes", SET, Some("300"))]);
    let produce = |client: &mut Client, topic: &str, partition| {
        code(client.produce(topic, partition, &batch_at(&[0], 1_000, None)).unwrap().error_code)
    };
    for client in &mut clients {
        for partition in 0..2 {
            assert_eq!(produce(client, "plain", partition), ErrorCode::MessageTooLarge);
            assert_eq!(produce(client, "own", partition), ErrorCode::None);
        }
    }
    // Lists of brokers are added to as those of topics are.
    alter_well(&mut clients[0], BROKER, "1", &[("log.cleanup.policy", APPEND, Some("compact"))]);
    assert_eq!(value(&mut clients[1], TOPIC, "plain", "cleanup.policy"), ("delete,compact".to_owned(), 2));
    alter_well(&mut clients[3], BROKER, "", &[("message.max.bytes", DELETE, None)]);
    alter_well(&mut clients[3], BROKER, "1", &[("log.cleanup.policy", DELETE, None)]);
    for client in &mut clients {
        assert_eq!(produce(client, "plain", 1), ErrorCode::None);
    }
}

#[test]
fn the_brokers_own_settings_change_by_our_names_and_by_kafkas() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "balancer.threshold=20"]);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(value(&mut client, BROKER, "1", "balancer.threshold"), ("20".to_owned(), 4), "given, as the default is");
    assert_eq!(value(&mut client, BROKER, "1", "balancer.interval"), ("10 s".to_owned(), 5));
    alter_well(&mut client, BROKER, "", &[("producer.id.expiration.ms", SET, Some("90000"))]);
    assert_eq!(value(&mut client, BROKER, "1", "producers.expiration"), ("90 s".to_owned(), 3));
    let both = [place("producer.id.expiration.ms", "90000", 3), place("producer.id.expiration.ms", "86400000", 5)];
    assert_eq!(places(&mut client, BROKER, "1", "producer.id.expiration.ms"), both);
    let own = [("producers.expiration", SET, Some("2 min")), ("compaction.rate", SET, Some("1 MiB"))];
    alter_well(&mut client, BROKER, "1", &own);
    assert_eq!(value(&mut client, BROKER, "1", "producer.id.expiration.ms"), ("120000".to_owned(), 2));
    assert_eq!(value(&mut client, BROKER, "1", "log.cleaner.io.max.bytes.per.second"), ("1048576".to_owned(), 2));
    broker.kill();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(value(&mut client, BROKER, "1", "compaction.rate"), ("1 MiB".to_owned(), 2));

    // In force, and not only shown.
    alter_well(&mut client, BROKER, "", &[("num.partitions", SET, Some("3"))]);
    let mut ask = |name: &str| {
        let wanted = MetadataRequestTopic { name: Some(name.to_owned()), ..MetadataRequestTopic::default() };
        let request = MetadataRequest {
            topics: Some(vec![wanted]),
            allow_auto_topic_creation: true,
            ..MetadataRequest::default()
        };
        let topic = client.ask(9, &request).unwrap().topics.remove(0);
        (code(topic.error_code), topic.partitions.len())
    };
    assert_eq!(ask("automatic"), (ErrorCode::None, 3));
    let mut admin = Client::connect(broker.kafka).unwrap();
    alter_well(&mut admin, BROKER, "1", &[("topics.auto_create", SET, Some("false"))]);
    assert_eq!(ask("never").0, ErrorCode::UnknownTopicOrPartition);
    alter_well(&mut admin, BROKER, "1", &[("max.connections", SET, Some("2"))]);
    let mut third = Client::connect(broker.kafka).unwrap();
    assert!(third.ask(9, &MetadataRequest::default()).is_err(), "a third connection is closed");
}

#[test]
fn what_is_read_at_start_says_so_and_is_refused() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let described = describe(&mut client, BROKER, "1", None);
    assert_eq!(code(described.error_code), ErrorCode::None);
    let mut writable = 0;
    for setting in described.configs {
        assert!(!setting.synonyms.is_empty() && setting.documentation.is_some(), "{setting:?}");
        let value = setting.value.expect("nothing is secret");
        let outcome = alter(&mut client, BROKER, "1", &[(&setting.name, SET, Some(&value))]);
        if setting.read_only {
            assert_eq!(outcome.0, ErrorCode::InvalidRequest, "{} {outcome:?}", setting.name);
            assert!(outcome.1.contains("read only"), "{outcome:?}");
        } else {
            assert_eq!(outcome.0, ErrorCode::None, "{} {outcome:?}", setting.name);
            writable += 1;
        }
    }
    assert!(writable >= 30, "{writable} settings can be altered");
    for (name, error, text) in [
        ("node.id", ErrorCode::InvalidRequest, "set node.id in the broker's file"),
        ("offsets.topic.num.partitions", ErrorCode::InvalidRequest, "set groups.offsets_partitions"),
        ("balancer.intervall", ErrorCode::InvalidConfig, "there is no broker setting \"balancer.intervall\""),
        ("balancer.interval", ErrorCode::InvalidRequest, "balancer.interval: \"7\" is no duration"),
        ("compaction.rate", ErrorCode::InvalidRequest, "is below"),
        ("log.segment.bytes", ErrorCode::InvalidRequest, "expected a whole number from 1048576"),
    ] {
        let outcome = alter(&mut client, BROKER, "1", &[(name, SET, Some("7"))]);
        assert_eq!(outcome.0, error, "{name} {outcome:?}");
        assert!(outcome.1.contains(text), "{name} {outcome:?}");
    }
    for name in ["2", "one", "-1"] {
        let outcome = alter(&mut client, BROKER, name, &[("balancer.enabled", SET, Some("true"))]);
        assert_eq!(outcome.0, ErrorCode::InvalidRequest, "{outcome:?}");
        assert_eq!(code(describe(&mut client, BROKER, name, None).error_code), ErrorCode::InvalidRequest);
    }
    assert_eq!(alter(&mut client, BROKER, "1", &[("balancer.enabled", APPEND, Some("x"))]).0, ErrorCode::InvalidConfig);
    assert!(setting(&mut client, BROKER, "1", "node.id").read_only);
}
