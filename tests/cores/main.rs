//! A broker that changes its number of cores between starts, and one that is asked to stop while clients wait.

mod history;
mod stop;

use std::path::Path;

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;

use history::History;

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stop,
    Kill,
}

fn start(data: &Path, cores: &str) -> Broker {
    // Small segments, so that some data is in finished ones.
    Broker::start(data, &["--cores", cores, "--set", "topics.defaults.segment.bytes=1048576"])
}

fn several_lives(end: End) {
    let available = std::thread::available_parallelism().expect("the system knows").get();
    let more = available.min(2).to_string();
    let data = folder();
    let mut history = History::new();
    for (life, cores) in ["1", more.as_str(), "1", more.as_str()].into_iter().enumerate() {
        let broker = start(data.path(), cores);
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        if life == 0 {
            history.make_topics(&mut client);
        }
        history.check(&mut client);
        history.check_native(&broker, cores.parse().expect("a number"));
        history.repeat_last_batches(&mut client);
        history.produce(&mut client, 60);
        history.check(&mut client);
        // Its answer may or may not come: it is sent again in the next life.
        history.send_without_waiting(&mut client);
        match end {
            End::Stop => {
                let (took, well) = broker.stop();
                assert!(well, "life {life} ended with an error");
                println!("life {life} on {cores} cores: the stop took {took:.0?}");
                assert!(took < std::time::Duration::from_secs(2), "the stop took {took:?}");
            }
            End::Kill => broker.kill(),
        }
        history.forget_connection();
    }
    let broker = start(data.path(), "1");
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    history.repeat_last_batches(&mut client);
    history.check(&mut client);
    println!("{end:?}: {} batches over five lives", history.batches());
}

#[test]
fn data_survives_changes_of_the_number_of_cores_with_a_stop_in_good_order() {
    several_lives(End::Stop);
}

#[test]
fn data_survives_changes_of_the_number_of_cores_with_kill_9() {
    several_lives(End::Kill);
}

#[test]
fn a_topic_deleted_before_the_change_stays_deleted() {
    let data = folder();
    let broker = start(data.path(), "1");
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    for topic in ["kept", "gone"] {
        assert_eq!(client.create_topic(topic, 4, &[]).expect("it answers"), ErrorCode::None);
        let batch = history::batch(None, 0, 3);
        assert_eq!(code(client.produce(topic, 3, &batch).expect("it answers").error_code), ErrorCode::None);
    }
    let request = wire::kafka::delete_topics::DeleteTopicsRequest {
        topic_names: vec!["gone".to_owned()],
        timeout_ms: 10_000,
        ..Default::default()
    };
    assert_eq!(client.ask(5, &request).expect("it answers").responses[0].error_code, 0);
    broker.kill();
    let broker = start(data.path(), "all");
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert!(!client.fetch_all("kept", 3).expect("it can be read").is_empty());
    assert_eq!(client.fetch("gone", 3, 0, 0).expect("it answers").error, ErrorCode::UnknownTopicOrPartition);
}
