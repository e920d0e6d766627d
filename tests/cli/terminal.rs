//! What cannot be undone is asked for at a terminal.

use tests::broker::{Broker, folder};

use crate::groups::commit;
use crate::program::{Door, Outcome, ask, run_at_terminal};

/// The end of the input, as Ctrl-D types it.
const END: &str = "\x04";

fn typed(broker: &Broker, arguments: &[&str], keys: &str) -> Outcome {
    let door = Door::Kafka.arguments(broker);
    // `group` has one door only.
    let door = if arguments[0] == "group" { &door[2..] } else { &door[..] };
    let all: Vec<&str> = arguments.iter().copied().chain(door.iter().map(String::as_str)).collect();
    run_at_terminal(&all, keys)
}

/// Asks `question`, does nothing without a clear yes, and is done with one; `is_done` looks.
fn is_asked_for(broker: &Broker, arguments: &[&str], question: &str, is_done: impl Fn() -> bool) {
    let asked = format!("{question}? [y/N] ");
    for keys in ["n\n", "\n", "yess\n", END] {
        let outcome = typed(broker, arguments, keys);
        // What is typed is shown by the terminal, with the end of the line; Ctrl-D is not.
        let end = if keys == END { "\n" } else { "" };
        assert_eq!(outcome.stderr, format!("{asked}{end}corelane: nothing is changed\n"), "{arguments:?}");
        assert_eq!((outcome.code, outcome.text()), (1, ""));
        assert!(!is_done(), "{arguments:?} is done at {keys:?}");
    }
    let outcome = typed(broker, arguments, "Y\n").well();
    assert!(outcome.stderr.starts_with(&asked), "{arguments:?}: {}", outcome.stderr);
    assert!(is_done(), "{arguments:?}");
}

#[test]
fn what_cannot_be_undone_is_asked_for_and_done_at_a_clear_yes_only() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let of = |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        match arguments[0] {
            "group" => typed(&broker, &arguments, ""),
            _ => ask(&broker, Door::Kafka, &arguments, b""),
        }
    };
    for topic in ["a", "b"] {
        ask(&broker, Door::Kafka, &["topic", "create", topic, "--partitions", "2"], b"").well();
    }
    ask(&broker, Door::Kafka, &["produce", "a", "--partition", "1"], b"one\ntwo\n").well();
    for group in ["g", "h"] {
        commit(&broker, group, "a", &[(0, 0), (1, 1)]);
    }

    let start = || of(&["topic", "describe", "a"]).well().json()[0]["partitions"][1]["start_offset"].clone();
    let trim = ["topic", "trim", "a", "--all", "--to-end"];
    is_asked_for(&broker, &trim, "delete 2 offsets of 2 partitions of topic a", || start() == 2);
    // Nothing is left to be lost.
    assert_eq!(typed(&broker, &trim, END).well().stderr, "");

    let offsets = || of(&["group", "describe", "g"]).well().json()[0]["partitions"].as_array().map(Vec::len);
    let some = ["group", "delete-offsets", "g", "--topic", "a:1"];
    is_asked_for(&broker, &some, "delete 1 offset of group g", || offsets() == Some(1));
    let groups = || of(&["group", "list"]).well().json().len();
    let both = ["group", "delete", "g", "h"];
    is_asked_for(&broker, &both, "delete 2 groups with all offsets", || groups() == 0);

    let topics = || of(&["topic", "list"]).well().text().contains("\"b\"");
    is_asked_for(&broker, &["topic", "delete", "b"], "delete topic b with all records", || !topics());
    // Whoever says yes before is not asked.
    assert_eq!(typed(&broker, &["topic", "delete", "a", "--yes"], END).well().stderr, "");
}
