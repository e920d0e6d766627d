//! `corelane topic alter`.

use serde_json::json;
use tests::broker::{Broker, folder};

use crate::program::{Door, Outcome, ask};

fn topic(broker: &Broker, arguments: &[&str]) -> Outcome {
    ask(broker, Door::Kafka, &[&["topic"], arguments].concat(), b"")
}

#[test]
fn settings_are_changed_one_by_one_and_given_back() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    topic(&broker, &["create", "a", "--config", "retention.ms=60000", "--config", "segment.bytes=2097152"]).well();
    let alter = |arguments: &[&str]| topic(&broker, &[&["alter", "a"], arguments].concat());
    let own = || {
        let described = topic(&broker, &["describe", "a", "--json"]).well().json();
        described[0]["configs"].clone()
    };
    let trial = alter(&["--set", "retention.ms=70000", "--unset", "segment.bytes", "--dry-run", "--json"]).well();
    assert!(trial.stderr.contains("nothing is changed yet"), "{}", trial.stderr);
    assert_eq!(own(), json!({"retention.ms": "60000", "segment.bytes": "2097152"}));

    let done =
        alter(&["--set", "retention.ms=70000", "--unset", "segment.bytes", "--set", "max.message.bytes=5000"]).well();
    let table = "\
SETTING                OLD         NEW  SOURCE
retention.ms         60000       70000  topic
max.message.bytes  1048588        5000  topic
segment.bytes      2097152  1073741824  default
";
    assert_eq!(done.text(), table);
    let expected = json!({"retention.ms": "70000", "max.message.bytes": "5000"});
    assert_eq!(own(), expected);
    // It holds at once.
    let large = ask(&broker, Door::Kafka, &["produce", "a"], &b"a line\n".repeat(2_000));
    large.refused_naming(&["\"a\"", "MESSAGE_TOO_LARGE"]);

    // The trial has said what came of it.
    let expectation =
        |line: &serde_json::Value| json!(["name", "old_value", "new_value", "source"].map(|name| &line[name]));
    let lines: Vec<_> = trial.json().iter().map(expectation).collect();
    let retention = json!(["retention.ms", "60000", "70000", "topic"]);
    assert_eq!(lines, [retention, json!(["segment.bytes", "2097152", "1073741824", "default"])]);

    // One that is wrong keeps the others from being changed.
    alter(&["--set", "retention.ms=1", "--set", "no.such=1"]).refused_naming(&["\"a\"", "no.such"]);
    alter(&["--set", "retention.ms=soon"]).refused_naming(&["\"a\"", "retention.ms"]);
    alter(&["--set", "retention.ms=1", "--unset", "retention.ms"]).refused_naming(&["retention.ms", "twice"]);
    topic(&broker, &["alter", "nope", "--set", "retention.ms=1"]).refused_naming(&["\"nope\"", "corelane topic list"]);
    assert_eq!(own(), expected);
    for arguments in [&[][..], &["--set", "retention.ms"]] {
        assert_eq!(alter(arguments).code, 2, "{arguments:?}");
    }
}
