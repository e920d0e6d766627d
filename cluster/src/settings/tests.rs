//! Tests of topic settings.

use std::time::Duration;

use super::*;

fn overrides(values: &[(&str, &str)]) -> Result<SettingOverrides, InvalidSetting> {
    SettingOverrides::from_request(values.iter().map(|(name, value)| (*name, Some(*value))))
}

#[test]
fn every_default_is_valid_in_its_one_spelling_and_names_ascend() {
    for definition in DEFINITIONS {
        assert_eq!(definition.validate(definition.default).as_deref(), Ok(definition.default), "{}", definition.name);
        assert!(definition.doc.ends_with('.') && !definition.doc.contains('|'), "{}", definition.name);
    }
    assert!(DEFINITIONS.is_sorted_by(|a, b| a.name < b.name));
}

#[test]
fn the_built_in_values_are_those_of_kafka_where_kafka_has_them() {
    let built_in = TopicSettings {
        max_message_bytes: 1_048_588,
        compression: CompressionType::Producer,
        timestamp_type: TimestampType::Create,
        timestamp_before_max: Duration::from_millis(i64::MAX.cast_unsigned()),
        timestamp_after_max: Duration::from_secs(3_600),
        segment_bytes: 1 << 30,
        segment_time: Duration::from_secs(7 * 86_400),
        segment_jitter: Duration::ZERO,
        cleanup: CleanupPolicy::Delete,
        delete_retention: Duration::from_secs(86_400),
        cleanable_dirty_ratio: Ratio::parse("0.5").unwrap(),
        compaction_lag_min: Duration::ZERO,
        compaction_lag_max: None,
        retention_time: Some(Duration::from_secs(7 * 86_400)),
        retention_bytes: None,
        min_insync_replicas: 1,
        durability: Durability::Flushed,
    };
    assert_eq!(TopicSettings::default(), built_in);
}

#[test]
fn the_topic_wins_over_the_broker_and_the_broker_over_the_built_in_value() {
    let broker = TopicDefaults::new([("segment.bytes", "2097152"), ("max.message.bytes", "1000")]).unwrap();
    let topic = overrides(&[("segment.bytes", " 4194304 "), ("message.timestamp.type", "LogAppendTime")]).unwrap();
    let settings = TopicSettings::resolve(&topic, &broker);
    assert_eq!((settings.segment_bytes, settings.max_message_bytes), (4_194_304, 1_000));
    assert_eq!(settings.timestamp_type, TimestampType::LogAppend);
    assert_eq!(settings.min_insync_replicas, 1);
}

#[test]
fn values_outside_their_bounds_are_refused_with_what_was_expected() {
    let cases = [
        ("segment.bytes", "1048575", "expected a whole number from 1048576 to 2147483647"),
        ("segment.ms", "0", "expected a whole number from 1 to 9223372036854775807"),
        ("segment.jitter.ms", "-1", "expected a whole number from 0 to 9223372036854775807"),
        ("segment.bytes", "1 MiB", "expected a whole number from 1048576 to 2147483647"),
        ("max.message.bytes", "67108865", "expected a whole number from 0 to 67108864"),
        ("min.insync.replicas", "0", "expected a whole number from 1 to 2147483647"),
        ("message.timestamp.type", "logappendtime", "expected CreateTime or LogAppendTime"),
        ("flush.ms", "9223372036854775808", "expected a whole number from 0 to 9223372036854775807; a flushed topic"),
        ("cleanup.policy", "compacted", "expected a list of delete, compact"),
        ("cleanup.policy", "delete,delete", "expected a list of delete, compact"),
        ("cleanup.policy", "", "expected a list of delete, compact"),
        ("min.cleanable.dirty.ratio", "1.1", "expected a number from 0 to 1"),
        ("max.compaction.lag.ms", "0", "expected a whole number from 1 to 9223372036854775807"),
        ("delete.retention.ms", "-1", "expected a whole number from 0 to 9223372036854775807"),
        ("compression.type", "none", "expected producer or uncompressed or gzip or snappy or lz4 or zstd"),
        ("retention.ms", "-2", "expected a whole number from -1 to 9223372036854775807"),
        ("retention.bytes", "1 GiB", "expected a whole number from -9223372036854775808 to 9223372036854775807"),
        ("corelane.durability", "none", "expected flushed or relaxed"),
    ];
    for (name, value, expected) in cases {
        let message = overrides(&[(name, value)]).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{name}={value:?} is not accepted: {expected}")), "{message}");
    }
}

#[test]
fn the_policy_says_how_records_leave_and_the_lags_of_compaction_leave_room_between_them() {
    let resolved = |values: &[(&str, &str)]| {
        TopicSettings::resolve(&overrides(values).unwrap(), &TopicDefaults::default()).cleanup
    };
    for (text, compacts, deletes) in [
        ("delete", false, true),
        ("compact", true, false),
        ("compact,delete", true, true),
        ("delete, compact", true, true),
    ] {
        let policy = resolved(&[("cleanup.policy", text)]);
        assert_eq!((policy.compacts(), policy.deletes()), (compacts, deletes), "{text}");
    }
    let lags = |min, max| overrides(&[("min.compaction.lag.ms", min), ("max.compaction.lag.ms", max)]);
    assert!(lags("5", "5").is_ok());
    assert_eq!(lags("6", "5").unwrap_err().to_string(), "min.compaction.lag.ms=6 is above max.compaction.lag.ms=5");
}

#[test]
fn negative_retention_keeps_everything_and_zero_keeps_nothing() {
    let resolved = |values| {
        let settings = TopicSettings::resolve(&overrides(values).unwrap(), &TopicDefaults::default());
        (settings.retention_time, settings.retention_bytes)
    };
    assert_eq!(resolved(&[("retention.ms", "-1"), ("retention.bytes", "-5")]), (None, None));
    assert_eq!(resolved(&[("retention.ms", "0"), ("retention.bytes", "0")]), (Some(Duration::ZERO), Some(0)));
    let longest = Duration::from_millis(i64::MAX.cast_unsigned());
    assert_eq!(resolved(&[("retention.ms", "9223372036854775807")]), (Some(longest), None));
}

#[test]
fn unknown_names_null_values_repetitions_and_endless_values_are_refused() {
    let long_name = "x".repeat(1_000);
    let Err(InvalidSetting::Unknown { name }) = overrides(&[(&long_name, "1")]) else { panic!("accepted") };
    assert_eq!(name.len(), limits::QUOTED_BYTES_MAX);
    assert_eq!(
        SettingOverrides::from_request([("flush.ms", None)]),
        Err(InvalidSetting::Null { name: "flush.ms".to_owned() })
    );
    assert_eq!(
        overrides(&[("flush.ms", "1"), ("flush.ms", "1")]),
        Err(InvalidSetting::Twice { name: "flush.ms".to_owned() })
    );
    let spaces = " ".repeat(limits::SETTING_VALUE_BYTES_MAX + 1);
    assert_eq!(
        overrides(&[("flush.ms", &spaces)]),
        Err(InvalidSetting::TooLong { name: "flush.ms", bytes: spaces.len() })
    );
}

#[test]
fn a_bound_on_what_is_not_flushed_makes_a_topic_flushed_and_refuses_relaxed() {
    let broker = TopicDefaults::new([("corelane.durability", "relaxed")]).unwrap();
    let resolved = |values| TopicSettings::resolve(&overrides(values).unwrap(), &broker).durability;
    assert_eq!(resolved(&[]), Durability::Relaxed);
    assert_eq!(resolved(&[("flush.messages", "1")]), Durability::Flushed);
    assert_eq!(resolved(&[("flush.messages", "9223372036854775807")]), Durability::Relaxed);
    assert_eq!(
        overrides(&[("corelane.durability", "relaxed"), ("flush.ms", "1000")]),
        Err(InvalidSetting::RelaxedWithFlushBound { name: "flush.ms" })
    );
}

#[test]
fn a_value_from_a_newer_version_counts_as_not_given() {
    let topic = SettingOverrides::from_record([
        ("retention.ms".to_owned(), "5 days".to_owned()),
        ("segment.bytes".to_owned(), "many".to_owned()),
        ("from.the.future".to_owned(), "1".to_owned()),
    ]);
    assert_eq!(TopicSettings::resolve(&topic, &TopicDefaults::default()), TopicSettings::default());
}

#[test]
fn a_description_names_each_source_the_one_in_force_first() {
    let broker = TopicDefaults::new([("max.message.bytes", "1000")]).unwrap();
    let topic = overrides(&[("max.message.bytes", "2000")]).unwrap();
    let views = describe(&topic, &broker);
    assert_eq!(views.len(), DEFINITIONS.len());
    let view = views.iter().find(|view| view.definition.name == "max.message.bytes").unwrap();
    assert_eq!((view.value.as_str(), view.source, view.is_sensitive), ("2000", SettingSource::Topic, false));
    let synonym = |name, value: &str, source| SettingSynonym { name, value: value.to_owned(), source };
    assert_eq!(
        view.synonyms,
        [
            synonym("max.message.bytes", "2000", SettingSource::Topic),
            synonym("message.max.bytes", "1000", SettingSource::BrokerDefault),
            synonym("message.max.bytes", "1048588", SettingSource::Default),
        ]
    );
    let untouched = views.iter().find(|view| view.definition.name == "segment.bytes").unwrap();
    assert_eq!((untouched.value.as_str(), untouched.source), ("1073741824", SettingSource::Default));
}

#[test]
fn what_was_altered_on_brokers_comes_before_their_files_and_after_the_topic() {
    let file = TopicDefaults::new([("retention.ms", "1")]).unwrap();
    let all_brokers = SettingOverrides::from_record([("log.retention.ms".to_owned(), "2".to_owned())]);
    let this_broker = SettingOverrides::from_record([("log.retention.ms".to_owned(), "3".to_owned())]);
    let topic = overrides(&[("retention.ms", "4")]).unwrap();
    let none = SettingOverrides::default();
    let time = |topic: &SettingOverrides, defaults: &TopicDefaults| {
        TopicSettings::resolve(topic, defaults).retention_time.unwrap().as_millis()
    };
    assert_eq!(time(&none, &file), 1);
    assert_eq!(time(&none, &file.altered(Some(&all_brokers), None)), 2);
    let layered = file.altered(Some(&all_brokers), Some(&this_broker));
    assert_eq!(time(&none, &layered), 3);
    assert_eq!(time(&topic, &layered), 4);
    assert_eq!(time(&none, &layered.altered(None, None)), 1, "taking back");

    let definition = definition("retention.ms").unwrap();
    let sources =
        |view: SettingView| view.synonyms.into_iter().map(|each| (each.value, each.source)).collect::<Vec<_>>();
    let value = |value: &str, source| (value.to_owned(), source);
    let of_broker = [
        value("3", SettingSource::Broker),
        value("2", SettingSource::AllBrokers),
        value("1", SettingSource::BrokerDefault),
        value("604800000", SettingSource::Default),
    ];
    assert_eq!(sources(describe_default(definition, &layered)), of_broker);
    let of_topic = describe(&topic, &layered).into_iter().find(|view| view.definition == definition).unwrap();
    assert_eq!((of_topic.value.as_str(), of_topic.source), ("4", SettingSource::Topic));
    assert_eq!(sources(of_topic)[1..], of_broker);
}

#[test]
fn lists_and_booleans_are_read_strictly() {
    const WORDS: &[&str] = &["delete", "compact"];
    assert_eq!(words_of("compact, delete", WORDS), Some(vec!["compact", "delete"]));
    for text in ["", ",", "delete,", "delete,delete", "Delete"] {
        assert_eq!(words_of(text, WORDS), None, "{text:?}");
    }
    let boolean = SettingDefinition {
        name: "test.boolean",
        broker_name: "test.boolean",
        kind: SettingType::Boolean,
        unit: Unit::None,
        default: "false",
        accepted: Accepted::Words(&["true", "false"]),
        effect: Effect::Served,
        doc: "Only here.",
        store: |_, _| {},
    };
    assert_eq!(boolean.validate("true").as_deref(), Ok("true"));
    assert!(boolean.validate("yes").unwrap_err().to_string().ends_with("expected true or false"));
}

#[test]
fn the_manual_has_one_row_for_each_setting() {
    let text = settings_markdown();
    assert_eq!(text.lines().count(), DEFINITIONS.len() + 2);
    assert!(text.lines().all(|line| line.matches('|').count() == 7), "{text}");
    assert!(text.contains("| `segment.bytes` | int | bytes | `1073741824` | `1048576` to `2147483647` |"), "{text}");
    assert!(text.contains("| `cleanup.policy` | list |  | `delete` | `delete`, `compact` |"), "{text}");
}
