//! Settings of single groups.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use wire::kafka::list_config_resources::ListConfigResourcesRequest;

use super::{APPEND, DELETE, SET, alter, alter_well, describe, place, places, replace, value};
use crate::client_with_topic;
use crate::groups::{find_coordinator, patiently};

const GROUP: i8 = 32;
const INTERVAL: &str = "consumer.heartbeat.interval.ms";
const SESSION: &str = "consumer.session.timeout.ms";

/// How often the group's only member is told to send a heartbeat.
fn interval(client: &mut Client, group: &str) -> i32 {
    let request = ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: "member".to_owned(),
        rebalance_timeout_ms: 10_000,
        subscribed_topic_names: Some(vec!["flights".to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let (_, answer) = patiently(|| {
        let answer = client.ask(1, &request).unwrap();
        (code(answer.error_code), answer)
    });
    assert_eq!(code(answer.error_code), ErrorCode::None);
    answer.heartbeat_interval_ms
}

#[test]
fn a_group_has_times_of_its_own_on_every_core_and_after_kill_9() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "groups.offsets_partitions=4"]);
    let mut client = client_with_topic(&broker, "flights", 1);
    find_coordinator(&mut client, "g0");
    let groups = ["g0", "g1", "g2", "g3", "g4"];
    for group in groups {
        assert_eq!(interval(&mut client, group), 5_000);
        alter_well(&mut client, GROUP, group, &[(INTERVAL, SET, Some("700")), (SESSION, SET, Some("9000"))]);
        assert_eq!(interval(&mut client, group), 700, "{group}");
    }
    let check = |client: &mut Client| {
        assert_eq!(value(client, GROUP, "g3", SESSION), ("9000".to_owned(), 8));
        let all = [place(INTERVAL, "700", 8), place("group.consumer.heartbeat.interval.ms", "5000", 5)];
        assert_eq!(places(client, GROUP, "g3", INTERVAL), all);
        let request = ListConfigResourcesRequest { resource_types: vec![GROUP] };
        let listed = client.ask(1, &request).unwrap().config_resources;
        assert_eq!(listed.iter().map(|each| each.resource_name.as_str()).collect::<Vec<_>>(), groups);
    };
    check(&mut client);
    broker.kill();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    check(&mut client);
    assert_eq!(interval(&mut client, "g2"), 700);
    alter_well(&mut client, GROUP, "g2", &[(INTERVAL, DELETE, None)]);
    assert_eq!(interval(&mut client, "g2"), 5_000);
    assert_eq!(replace(&mut client, GROUP, "g3", &[]), (ErrorCode::None, String::new()));
    assert!(describe(&mut client, GROUP, "g3", None).configs.iter().all(|setting| setting.config_source == 5));
}

#[test]
fn times_of_groups_that_cannot_be_are_refused() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    for (name, operation, amount, text) in [
        (INTERVAL, SET, "99", "expected a whole number from 100"),
        (SESSION, SET, "5999", "expected a whole number from 6000 to 1800000"),
        (SESSION, SET, "x", "expected a whole number"),
        (
            INTERVAL,
            SET,
            "45000",
            "consumer.heartbeat.interval.ms=45000 must be below consumer.session.timeout.ms=45000",
        ),
        (INTERVAL, APPEND, "700", "is not a list"),
        ("retention.ms", SET, "5", "there is no group setting \"retention.ms\""),
    ] {
        let (error, said) = alter(&mut client, GROUP, "g", &[(name, operation, Some(amount))]);
        assert_eq!(error, ErrorCode::InvalidConfig, "{name} {said}");
        assert!(said.contains(text), "{name} {said}");
    }
    alter_well(&mut client, GROUP, "g", &[(INTERVAL, SET, Some("8000"))]);
    assert_eq!(alter(&mut client, GROUP, "g", &[(SESSION, SET, Some("7000"))]).0, ErrorCode::InvalidConfig);
    assert_eq!(alter(&mut client, GROUP, "", &[(SESSION, SET, Some("7000"))]).0, ErrorCode::InvalidRequest);
    assert_eq!(code(describe(&mut client, GROUP, "", None).error_code), ErrorCode::InvalidRequest);
}
