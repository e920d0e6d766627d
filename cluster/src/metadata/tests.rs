//! Exact decisions of the metadata.

use base::{LeaderEpoch, PartitionId};

use super::*;
use crate::limits;
use crate::settings::{InvalidSetting, TopicDefaults};

fn id(number: u128) -> TopicId {
    TopicId::from_random(number)
}

fn brokers(ids: &[u32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn cluster(ids: &[u32]) -> Metadata {
    let mut metadata = Metadata::default();
    for broker in brokers(ids) {
        run(&mut metadata, Command::RegisterBroker { broker, incarnation: Incarnation::FIRST }).unwrap();
    }
    metadata
}

fn run(metadata: &mut Metadata, command: Command) -> Result<Decision, MetadataError> {
    let decision = metadata.decide(command)?;
    decision.records.iter().for_each(|record| metadata.apply(record));
    Ok(decision)
}

fn topic(name: &str, number: u128) -> CreateTopic {
    CreateTopic {
        name: name.to_owned(),
        topic_id: id(number),
        partitions: NewPartitions::Count(None),
        replication_factor: None,
        settings: vec![],
        validate_only: false,
        defaults: CreationDefaults { partitions: 3, replication_factor: 1 },
    }
}

fn create(metadata: &mut Metadata, command: CreateTopic) -> Result<Topic, MetadataError> {
    match run(metadata, Command::CreateTopic(command))?.reply {
        Reply::TopicCreated(topic) => Ok(topic),
        other => panic!("{other:?}"),
    }
}

/// Creates a topic after a change to the plain request.
fn creating(metadata: &mut Metadata, change: impl FnOnce(&mut CreateTopic)) -> Result<Topic, MetadataError> {
    let mut command = topic("orders", 1);
    change(&mut command);
    create(metadata, command)
}

#[test]
fn a_topic_without_wishes_gets_the_brokers_defaults() {
    let mut metadata = cluster(&[1]);
    let created = create(&mut metadata, topic("orders", 1)).unwrap();
    let partition = Partition {
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch::ZERO,
        replicas: brokers(&[1]),
        isr: brokers(&[1]),
        partition_epoch: PartitionEpoch::ZERO,
    };
    assert_eq!(created.partitions, vec![partition.clone(); 3]);
    let image = metadata.image();
    assert_eq!(image.topic_named("orders").map(|topic| Topic::clone(topic)), Some(created));
    assert_eq!(image.partition(PartitionId::new(id(1), 2)), Some(&partition));
    assert_eq!(image.partition(PartitionId::new(id(1), 3)), None);
    assert_eq!((image.topic_count(), image.partition_count()), (1, 3));
}

#[test]
fn each_start_of_a_broker_fences_what_it_led_in_its_earlier_life() {
    let mut metadata = cluster(&[1, 2]);
    let assignment = NewPartitions::Assignment(vec![brokers(&[1, 2]), brokers(&[2, 1])]);
    creating(&mut metadata, |command| command.partitions = assignment).unwrap();
    let before = metadata.image().clone();
    let register = |number| Command::RegisterBroker { broker: BrokerId(2), incarnation: Incarnation(number) };

    assert_eq!(metadata.next_incarnation(BrokerId(2)), Incarnation(2));
    let decision = run(&mut metadata, register(2)).unwrap();
    assert_eq!(decision.records.len(), 1);
    let epochs = |image: &MetadataImage| -> Vec<_> {
        let topic = image.topic(id(1)).unwrap();
        topic.partitions.iter().map(|p| (p.leader_epoch.get(), p.partition_epoch.get())).collect()
    };
    assert_eq!(epochs(metadata.image()), [(0, 0), (1, 1)]);
    assert_eq!(epochs(&before), [(0, 0), (0, 0)], "an image given out before has changed");

    assert_eq!(run(&mut metadata, register(2)).unwrap().records, []);
    let stale = MetadataError::StaleIncarnation { broker: BrokerId(2), got: Incarnation(1), current: Incarnation(2) };
    assert_eq!(run(&mut metadata, register(1)), Err(stale));
    assert_eq!(epochs(metadata.image()), [(0, 0), (1, 1)]);
}

#[test]
fn names_are_checked_before_anything_else() {
    let mut metadata = cluster(&[1]);
    let named = |metadata: &mut Metadata, name: &str| create(metadata, topic(name, 9)).unwrap_err();
    create(&mut metadata, topic("a.b", 1)).unwrap();
    for bad in ["", ".", "..", "a b", &"x".repeat(250)] {
        assert!(matches!(named(&mut metadata, bad), MetadataError::InvalidTopicName(_)), "{bad}");
    }
    let existing = TopicName::new("a.b").unwrap();
    assert_eq!(named(&mut metadata, "a.b"), MetadataError::TopicExists { name: existing.clone() });
    let collides = MetadataError::TopicNameCollides { name: TopicName::new("a_b").unwrap(), existing };
    assert_eq!(named(&mut metadata, "a_b"), collides);
    assert_eq!(collides.to_string(), "a_b and the existing topic a.b differ in '.' and '_' only");

    run(&mut metadata, Command::DeleteTopic { topic: TopicReference::Name("a.b".to_owned()) }).unwrap();
    create(&mut metadata, topic("a_b", 2)).unwrap();
}

#[test]
fn impossible_partitions_and_replicas_are_refused_with_kafkas_distinctions() {
    let mut metadata = cluster(&[1, 2]);
    let mut refused = |change: fn(&mut CreateTopic)| creating(&mut metadata, change).unwrap_err();
    let too_many = limits::PARTITIONS_PER_TOPIC_MAX + 1;
    assert_eq!(too_many, 10_001);

    for change in [
        |command: &mut CreateTopic| command.partitions = NewPartitions::Count(Some(0)),
        |command: &mut CreateTopic| command.partitions = NewPartitions::Count(Some(10_001)),
        |command: &mut CreateTopic| command.partitions = NewPartitions::Assignment(vec![]),
        |command: &mut CreateTopic| command.defaults.partitions = 0,
    ] {
        assert!(matches!(refused(change), MetadataError::InvalidPartitions { .. }));
    }
    for change in [
        |command: &mut CreateTopic| command.replication_factor = Some(0),
        |command: &mut CreateTopic| command.replication_factor = Some(-2),
        |command: &mut CreateTopic| command.replication_factor = Some(3),
        |command: &mut CreateTopic| command.replication_factor = Some(i16::MIN),
        |command: &mut CreateTopic| command.defaults.replication_factor = 0,
    ] {
        assert!(matches!(refused(change), MetadataError::InvalidReplicationFactor { .. }));
    }
    for change in [
        |command: &mut CreateTopic| command.partitions = NewPartitions::Assignment(vec![vec![]]),
        |command: &mut CreateTopic| command.partitions = NewPartitions::Assignment(vec![brokers(&[1, 1])]),
        |command: &mut CreateTopic| command.partitions = NewPartitions::Assignment(vec![brokers(&[3])]),
        |command: &mut CreateTopic| {
            command.partitions = NewPartitions::Assignment(vec![brokers(&[1]), brokers(&[1, 2])]);
        },
        |command: &mut CreateTopic| {
            command.partitions = NewPartitions::Assignment(vec![brokers(&(0..33).collect::<Vec<_>>())]);
        },
    ] {
        assert!(matches!(refused(change), MetadataError::InvalidAssignment { .. }));
    }
    let both = refused(|command| {
        command.partitions = NewPartitions::Assignment(vec![brokers(&[1])]);
        command.replication_factor = Some(1);
    });
    assert!(matches!(both, MetadataError::InvalidRequest { .. }));
    assert_eq!(metadata, cluster(&[1, 2]), "a refused command changed the state");
}

#[test]
fn a_taken_topic_id_is_refused() {
    let mut metadata = cluster(&[1]);
    create(&mut metadata, topic("a", 1)).unwrap();
    assert!(matches!(create(&mut metadata, topic("b", 1)), Err(MetadataError::InvalidRequest { .. })));
}

#[test]
fn the_wires_count_and_assignment_exclude_each_other() {
    let read = |count, assignments: &[(i32, &[i32])]| {
        NewPartitions::from_wire(count, assignments.iter().map(|(index, ids)| (*index, ids.to_vec())).collect())
    };
    assert_eq!(read(-1, &[]), Ok(NewPartitions::Count(None)));
    assert_eq!(read(7, &[]), Ok(NewPartitions::Count(Some(7))));
    assert!(matches!(read(0, &[]), Err(MetadataError::InvalidPartitions { .. })));
    assert!(matches!(read(-2, &[]), Err(MetadataError::InvalidPartitions { .. })));
    assert!(matches!(read(1, &[(0, &[1])]), Err(MetadataError::InvalidRequest { .. })));
    let sorted = NewPartitions::Assignment(vec![brokers(&[2]), brokers(&[1])]);
    assert_eq!(read(-1, &[(1, &[1]), (0, &[2])]), Ok(sorted));
    for broken in [&[(1, &[1][..])][..], &[(0, &[1]), (0, &[1])], &[(0, &[1]), (2, &[1])], &[(0, &[-1])], &[(-1, &[1])]]
    {
        assert!(matches!(read(-1, broken), Err(MetadataError::InvalidAssignment { .. })), "{broken:?}");
    }
}

#[test]
fn validation_alone_answers_the_same_and_proposes_nothing() {
    let mut metadata = cluster(&[1]);
    let mut command = topic("orders", 1);
    command.validate_only = true;
    let dry = metadata.decide(Command::CreateTopic(command.clone())).unwrap();
    command.validate_only = false;
    let wet = metadata.decide(Command::CreateTopic(command.clone())).unwrap();
    assert_eq!((dry.records.len(), wet.records.len()), (0, 1));
    assert_eq!(dry.reply, wet.reply);

    create(&mut metadata, command).unwrap();
    let grow = CreatePartitions { name: "orders".to_owned(), total: 4, assignments: None, validate_only: true };
    assert_eq!(metadata.decide(Command::CreatePartitions(grow)).unwrap().records, []);
    let alter = alter(&[("flush.ms", SettingOperation::Set("1".to_owned()))], true);
    assert_eq!(metadata.decide(alter).unwrap().records, []);
}

#[test]
fn a_topic_is_deleted_by_name_or_by_id_and_only_once() {
    let mut metadata = cluster(&[1]);
    let delete = |topic| Command::DeleteTopic { topic };
    create(&mut metadata, topic("a", 1)).unwrap();
    create(&mut metadata, topic("b", 2)).unwrap();
    run(&mut metadata, delete(TopicReference::Name("a".to_owned()))).unwrap();
    run(&mut metadata, delete(TopicReference::Id(id(2)))).unwrap();
    assert_eq!(metadata, cluster(&[1]));
    assert_eq!(
        run(&mut metadata, delete(TopicReference::Name("a".to_owned()))),
        Err(MetadataError::UnknownTopic { name: "a".to_owned() })
    );
    assert_eq!(run(&mut metadata, delete(TopicReference::Id(id(2)))), Err(MetadataError::UnknownTopicId { id: id(2) }));
}

#[test]
fn a_topic_grows_and_never_shrinks() {
    let mut metadata = cluster(&[1, 2]);
    creating(&mut metadata, |command| command.replication_factor = Some(2)).unwrap();
    let mut grow = |total, assignments: Option<Vec<Vec<BrokerId>>>| {
        let command = CreatePartitions { name: "orders".to_owned(), total, assignments, validate_only: false };
        run(&mut metadata, Command::CreatePartitions(command)).map(|decision| decision.reply)
    };
    assert_eq!(grow(5, None), Ok(Reply::PartitionsCreated { total: 5 }));
    assert_eq!(grow(6, Some(vec![brokers(&[2, 1])])), Ok(Reply::PartitionsCreated { total: 6 }));
    for total in [6, 5, 0, -1, i32::MIN, 10_001, i32::MAX] {
        assert!(matches!(grow(total, None), Err(MetadataError::InvalidPartitions { .. })), "{total}");
    }
    for assignment in [vec![], vec![brokers(&[1])], vec![brokers(&[1, 3])], vec![brokers(&[1, 2]), brokers(&[1, 2])]] {
        let message = format!("{assignment:?}");
        assert!(matches!(grow(7, Some(assignment)), Err(MetadataError::InvalidAssignment { .. })), "{message}");
    }
    let topic = metadata.image().topic(id(1)).unwrap();
    assert_eq!(topic.partitions[5].replicas, brokers(&[2, 1]));
    assert_eq!(metadata.image().partition_count(), 6);
    let unknown = CreatePartitions { name: "none".to_owned(), total: 1, assignments: None, validate_only: false };
    assert!(matches!(metadata.decide(Command::CreatePartitions(unknown)), Err(MetadataError::UnknownTopic { .. })));
}

fn alter(changes: &[(&str, SettingOperation)], validate_only: bool) -> Command {
    let changes = changes
        .iter()
        .map(|(name, operation)| SettingChange { name: (*name).to_owned(), operation: operation.clone() })
        .collect();
    Command::AlterSettings(AlterSettings {
        topic: TopicReference::Name("orders".to_owned()),
        changes,
        others: OtherSettings::Stay,
        validate_only,
        defaults: TopicDefaults::default(),
    })
}

fn alter_owner(owner: SettingsOwner, changes: Vec<OwnerChange>) -> AlterOwnerSettings {
    let defaults = TopicDefaults::default();
    AlterOwnerSettings { owner, changes, others: OtherSettings::Stay, validate_only: false, defaults }
}

fn default_of(name: &str, operation: SettingOperation) -> OwnerChange {
    OwnerChange::TopicDefault(SettingChange { name: name.to_owned(), operation })
}

fn set(value: &str) -> SettingOperation {
    SettingOperation::Set(value.to_owned())
}

#[test]
fn settings_change_one_by_one_and_only_real_changes_are_recorded() {
    use SettingOperation::{Append, Set, Subtract, Unset};
    let mut metadata = cluster(&[1]);
    let settings = vec![("segment.bytes".to_owned(), Some("2097152".to_owned()))];
    creating(&mut metadata, |command| command.settings = settings).unwrap();
    let text = |value: &str| value.to_owned();

    let decision = run(
        &mut metadata,
        alter(
            &[("segment.bytes", Unset), ("flush.ms", Set(text(" 10 "))), ("cleanup.policy", Append(text("delete")))],
            false,
        ),
    );
    let changes = [("cleanup.policy", Some("delete")), ("flush.ms", Some("10")), ("segment.bytes", None)];
    let changes = changes.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
    assert_eq!(decision.unwrap().records, [MetadataRecord::SettingsAltered { topic: id(1), changes }]);
    let topic = metadata.image().topic(id(1)).unwrap();
    assert_eq!(topic.settings.iter().collect::<Vec<_>>(), [("cleanup.policy", "delete"), ("flush.ms", "10")]);
    assert_eq!(run(&mut metadata, alter(&[("flush.ms", Set(text("10")))], false)).unwrap().records, []);

    for (name, operation) in [
        ("no.such", Set(text("1"))),
        ("flush.ms", Set(text("-1"))),
        ("flush.ms", Append(text("1"))),
        ("flush.ms", Subtract(text("1"))),
        ("cleanup.policy", Append(text("compacted"))),
        ("cleanup.policy", Subtract(text("delete"))),
        ("corelane.durability", Set(text("relaxed"))),
    ] {
        let refused = run(&mut metadata, alter(&[(name, operation)], false));
        assert!(matches!(refused, Err(MetadataError::InvalidSetting(_))), "{name} {refused:?}");
    }
    let twice = run(&mut metadata, alter(&[("flush.ms", Unset), ("flush.ms", Unset)], false));
    assert_eq!(twice, Err(InvalidSetting::Twice { name: text("flush.ms") }.into()));
    let nothing = run(&mut metadata, alter(&[("no.such", Unset)], false));
    assert_eq!(nothing.unwrap().records, [], "what is not there can be taken away");
    run(&mut metadata, alter(&[("corelane.durability", Set(text("relaxed"))), ("flush.ms", Unset)], false)).unwrap();
}

#[test]
fn replacing_settings_takes_back_those_that_are_not_named() {
    let mut metadata = cluster(&[1]);
    let settings = [("segment.bytes", "2097152"), ("flush.ms", "5")];
    let settings = settings.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).to_vec();
    creating(&mut metadata, |command| command.settings = settings).unwrap();
    let Command::AlterSettings(command) = alter(&[("flush.ms", set("5")), ("retention.ms", set("9"))], false) else {
        panic!("it alters settings")
    };
    let replace = Command::AlterSettings(AlterSettings { others: OtherSettings::Reset, ..command });
    let changes = [("retention.ms", Some("9")), ("segment.bytes", None)];
    let changes = changes.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
    let records = run(&mut metadata, replace).unwrap().records;
    assert_eq!(records, [MetadataRecord::SettingsAltered { topic: id(1), changes }]);
}

#[test]
fn a_list_is_added_to_what_is_in_force() {
    let mut metadata = cluster(&[1]);
    create(&mut metadata, topic("orders", 1)).unwrap();
    let append = SettingOperation::Append("delete".to_owned());
    let Command::AlterSettings(command) = alter(&[("cleanup.policy", append)], false) else {
        panic!("it alters settings")
    };
    let defaults = TopicDefaults::new([("cleanup.policy", "compact")]).unwrap();
    run(&mut metadata, Command::AlterSettings(AlterSettings { defaults, ..command })).unwrap();
    let settings = &metadata.image().topic(id(1)).unwrap().settings;
    assert_eq!(settings.get("cleanup.policy"), Some("compact,delete"));
}

/// Out of a snapshot that comes after something else.
fn from_snapshot(metadata: &Metadata) -> Metadata {
    let mut found = cluster(&[8, 9]);
    metadata.snapshot(vec![id(77)]).records().for_each(|record| found.apply(&record));
    found
}

#[test]
fn a_snapshot_is_due_when_the_log_is_several_times_as_long() {
    let mut metadata = cluster(&[1]);
    assert!(!metadata.is_snapshot_due(999) && metadata.is_snapshot_due(1_000));
    for number in 1..=300 {
        create(&mut metadata, topic(&format!("t{number}"), number << 80)).unwrap();
    }
    assert_eq!(metadata.snapshot(Vec::new()).records().count(), 302);
    assert!(!metadata.is_snapshot_due(1_211) && metadata.is_snapshot_due(1_212));
}

#[test]
fn brokers_and_groups_have_settings_beside_topics() {
    let mut metadata = cluster(&[1]);
    let mut run = |owner: &SettingsOwner, changes| {
        let command = Command::AlterOwnerSettings(alter_owner(owner.clone(), changes));
        let done = run(&mut metadata, command).map(|decision| decision.records);
        done.map(|records| {
            assert_eq!(from_snapshot(&metadata), metadata);
            (records.len(), metadata.image().settings_of(owner).map(|all| all.iter().count()))
        })
    };
    let (all, own) = (SettingsOwner::AllBrokers, SettingsOwner::Broker(BrokerId(1)));
    assert_eq!(run(&all, vec![default_of("log.retention.ms", set("5"))]), Ok((1, Some(1))));
    assert_eq!(run(&all, vec![default_of("log.retention.ms", set("5"))]), Ok((0, Some(1))));
    let checked = |value: Option<&str>| OwnerChange::Checked {
        name: "balancer.enabled".to_owned(),
        value: value.map(str::to_owned),
    };
    assert_eq!(run(&own, vec![checked(Some("false")), default_of("message.max.bytes", set("7"))]), Ok((1, Some(2))));
    assert_eq!(run(&own, vec![checked(None)]), Ok((1, Some(1))));
    let gone = vec![default_of("message.max.bytes", SettingOperation::Unset)];
    assert_eq!(run(&own, gone), Ok((1, None)));
    let group = SettingsOwner::Group("readers".to_owned());
    assert_eq!(run(&group, vec![checked(Some("x"))]), Ok((1, Some(1))));

    for refused in [
        default_of("retention.ms", set("5")),
        default_of("log.retention.ms", set("five")),
        default_of("log.retention.ms", SettingOperation::Append("5".to_owned())),
    ] {
        let outcome = run(&all, vec![refused.clone()]);
        assert!(matches!(outcome, Err(MetadataError::InvalidSetting(_))), "{refused:?}: {outcome:?}");
    }
    let lags = vec![
        default_of("log.cleaner.min.compaction.lag.ms", set("9")),
        default_of("log.cleaner.max.compaction.lag.ms", set("5")),
    ];
    assert!(matches!(run(&all, lags), Err(MetadataError::InvalidSetting(InvalidSetting::CompactionLags { .. }))));
    let unknown = run(&SettingsOwner::Broker(BrokerId(9)), vec![checked(Some("true"))]);
    assert_eq!(unknown, Err(MetadataError::UnknownBroker { broker: BrokerId(9) }));
    let twice = run(&all, vec![checked(None), checked(None)]);
    assert_eq!(twice, Err(InvalidSetting::Twice { name: "balancer.enabled".to_owned() }.into()));
}

#[test]
fn producer_ids_come_in_whole_blocks_and_never_twice() {
    let mut metadata = cluster(&[1, 2]);
    let mut reserve = |broker, count| {
        run(&mut metadata, Command::ReserveProducerIds { broker: BrokerId(broker), count }).map(|done| done.reply)
    };
    let block =
        |broker, first, end| Ok(Reply::ProducerIdsReserved(ProducerIdBlock { broker: BrokerId(broker), first, end }));
    assert_eq!(reserve(1, 1), block(1, 0, 1_000));
    assert_eq!(reserve(2, 1_001), block(2, 1_000, 3_000));
    assert_eq!(reserve(1, 1_000), block(1, 3_000, 4_000));
    assert_eq!(reserve(3, 1), Err(MetadataError::UnknownBroker { broker: BrokerId(3) }));
    assert!(matches!(reserve(1, 0), Err(MetadataError::InvalidRequest { .. })));
    assert!(matches!(reserve(1, 1_000_001), Err(MetadataError::InvalidRequest { .. })));
    let mut recovered = from_snapshot(&metadata);
    let next = run(&mut recovered, Command::ReserveProducerIds { broker: BrokerId(1), count: 1 }).unwrap();
    assert_eq!(Ok(next.reply), block(1, 4_000, 5_000));
}

#[test]
fn topics_are_listed_by_name_page_by_page() {
    let mut metadata = cluster(&[1]);
    for number in 0..1_000_u128 {
        create(&mut metadata, topic(&format!("t{:03}", (number * 7) % 1_000), number << 80)).unwrap();
    }
    let image = metadata.image();
    let names: Vec<_> = image.topics().map(|topic| topic.name.to_string()).collect();
    assert!(names.is_sorted() && names.len() == 1_000);
    let page: Vec<_> = image.topics_after("t497").take(3).map(|topic| topic.name.as_str()).collect();
    assert_eq!(page, ["t498", "t499", "t500"]);
    assert_eq!(image.topics_after("t4975").next().map(|topic| topic.name.as_str()), Some("t498"));
    assert_eq!(image.topics_after("zzz").count(), 0);
}

#[test]
#[should_panic(expected = "is deleted but does not exist")]
fn a_record_that_does_not_fit_the_state_stops_the_process() {
    Metadata::default().apply(&MetadataRecord::TopicDeleted { topic: id(1) });
}
