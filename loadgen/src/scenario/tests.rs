//! Scenarios as people write them, right and wrong.

use super::*;

fn error(text: &str, overrides: &[&str]) -> String {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    read("my.toml", text, &overrides).expect_err("the scenario is wrong").to_string()
}

#[test]
fn a_name_is_enough() {
    let scenario = read("my.toml", "name = \"x\"\n", &[]).expect("defaults are valid");
    assert_eq!((scenario.load.rate, scenario.produce.in_flight, scenario.records.bytes), (1_000.0, 5, 1_024));
}

#[test]
fn an_unknown_key_is_shown_with_its_line() {
    let message = error("name = \"x\"\n[load]\nspeed = 5\n", &[]);
    assert!(message.contains("line 3") && message.contains("speed"), "{message}");
}

#[test]
fn a_value_of_the_wrong_kind_is_shown_with_its_line() {
    let message = error("name = \"x\"\n\n[load]\nrate = \"fast\"\n", &[]);
    assert!(message.contains("line 4") && message.contains("rate"), "{message}");
}

#[test]
fn a_value_out_of_bounds_is_named_with_key_and_line() {
    let message = error("name = \"x\"\n[topic]\npartitions = 3\n[load]\n  rate = -5.0\n", &[]);
    assert_eq!(message, "my.toml:5: load.rate: -5 is not between 0.001 and 1000000000");
    let message = error("name = \"x\"\n[produce]\nbatch_bytes = 2000000000\n", &[]);
    assert_eq!(message, "my.toml:3: produce.batch_bytes: 2000000000 is above 1 GiB");
    let message = error("name = \"x\"\n[produce]\nbatch_bytes = 0\nbuffer_bytes = 0\n", &[]);
    assert_eq!(message, "my.toml:4: produce.buffer_bytes: 0 is less than one batch of 0");
    let message = error("name = \"x\"\n[consume]\nreaders = 1\necho = true\n", &[]);
    assert!(message.starts_with("my.toml:4: consume.echo: set topic.name"), "{message}");
    let message = error("name = \"x\"\n[records]\nbytes = 10\n", &[]);
    assert!(message.starts_with("my.toml:3: records.bytes: 10 B leave no room"), "{message}");
    let message = error("name = \"x\"\n[produce]\nrepeat_batches = true\n", &[]);
    assert!(message.starts_with("my.toml:3: produce.repeat_batches: batches repeat in a closed loop"), "{message}");
    let message = error("name = \"x\"\n[produce]\nidempotent = true\nin_flight = 9\n", &[]);
    assert!(message.starts_with("my.toml:4: produce.in_flight:"), "{message}");
}

#[test]
fn overrides_win_and_their_mistakes_are_theirs() {
    let text = "name = \"x\"\n[load]\nrate = 100.0\n";
    let set = |pairs: &[&str]| {
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        read("my.toml", text, &pairs)
    };
    let scenario =
        set(&["load.rate=5000", "produce.codec=lz4", "topic.settings.segment.bytes=1048576"]).expect("valid");
    assert_eq!((scenario.load.rate, scenario.produce.codec.as_str()), (5_000.0, "lz4"));
    assert_eq!(scenario.topic.settings["segment.bytes"], "1048576");
    assert!(error(text, &["load.rate=0"]).starts_with("--set load.rate=0: load.rate: 0 is not between"));
    assert!(error(text, &["load.speed=1"]).starts_with("--set load.speed=1: unknown field `speed`"));
    assert!(error(text, &["load.rate"]).contains("write KEY=VALUE"));
}

#[test]
fn every_scenario_of_the_library_is_valid_and_named_as_its_file() {
    assert!(library::ALL.len() >= 15);
    for embedded in library::ALL {
        let scenario = read(embedded.name, embedded.text, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.name, embedded.name);
        assert!(!scenario.about.is_empty(), "{} does not say what it is for", embedded.name);
    }
}
