//! Properties of the metadata under any sequence of commands.

use proptest::prelude::*;

use super::*;
use crate::settings::TopicDefaults;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[abc][._]?[ab]?",
        1 => "\\PC{0,8}",
        1 => Just("x".repeat(300)),
    ]
}

fn reference() -> impl Strategy<Value = TopicReference> {
    prop_oneof![
        name().prop_map(TopicReference::Name),
        (0_u128..40).prop_map(|bits| TopicReference::Id(TopicId::from_random(bits))),
    ]
}

fn broker() -> impl Strategy<Value = BrokerId> {
    (0_u32..5).prop_map(BrokerId)
}

fn assignment() -> impl Strategy<Value = Vec<Vec<BrokerId>>> {
    prop::collection::vec(prop::collection::vec(broker(), 0..4), 0..5)
}

fn setting_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["segment.bytes", "flush.ms", "cleanup.policy", "corelane.durability", "no.such"])
        .prop_map(str::to_owned)
}

fn setting_value() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["1", "1048576", "-1", "delete", "compact", "relaxed", "flushed", ""])
        .prop_map(str::to_owned)
}

fn operation() -> impl Strategy<Value = SettingOperation> {
    prop_oneof![
        3 => setting_value().prop_map(SettingOperation::Set),
        2 => Just(SettingOperation::Unset),
        1 => setting_value().prop_map(SettingOperation::Append),
        1 => setting_value().prop_map(SettingOperation::Subtract),
    ]
}

fn create_topic() -> impl Strategy<Value = Command> {
    let partitions = prop_oneof![
        4 => prop::option::of(0_u32..8).prop_map(NewPartitions::Count),
        1 => Just(NewPartitions::Count(Some(u32::MAX))),
        2 => assignment().prop_map(NewPartitions::Assignment),
    ];
    let settings = prop::collection::vec((setting_name(), prop::option::weighted(0.9, setting_value())), 0..3);
    let factor = prop::option::of(prop_oneof![8 => -1_i16..5, 1 => any::<i16>()]);
    (name(), 0_u128..40, partitions, factor, settings, prop::bool::weighted(0.2)).prop_map(
        |(name, bits, partitions, replication_factor, settings, validate_only)| {
            Command::CreateTopic(CreateTopic {
                name,
                topic_id: TopicId::from_random(bits),
                partitions,
                replication_factor,
                settings,
                validate_only,
                defaults: CreationDefaults { partitions: 2, replication_factor: 2 },
            })
        },
    )
}

fn owner() -> impl Strategy<Value = SettingsOwner> {
    prop_oneof![
        Just(SettingsOwner::AllBrokers),
        broker().prop_map(SettingsOwner::Broker),
        name().prop_map(SettingsOwner::Group),
    ]
}

fn alter_owner() -> impl Strategy<Value = Command> {
    let names = prop::sample::select(vec!["log.segment.bytes", "log.cleanup.policy", "corelane.durability", "no.such"]);
    let change = prop_oneof![
        (names, operation()).prop_map(|(name, operation)| OwnerChange::TopicDefault(SettingChange {
            name: name.to_owned(),
            operation
        })),
        ("[abc]", prop::option::of("[xy]")).prop_map(|(name, value)| OwnerChange::Checked { name, value }),
    ];
    let others = prop_oneof![Just(OtherSettings::Stay), Just(OtherSettings::Reset)];
    (owner(), prop::collection::vec(change, 0..4), others, prop::bool::weighted(0.2)).prop_map(
        |(owner, changes, others, validate_only)| {
            let defaults = TopicDefaults::default();
            Command::AlterOwnerSettings(AlterOwnerSettings { owner, changes, others, validate_only, defaults })
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let change = (setting_name(), operation()).prop_map(|(name, operation)| SettingChange { name, operation });
    let changes = prop::collection::vec(change, 0..4);
    prop_oneof![
        2 => (broker(), 0_u64..6)
            .prop_map(|(broker, number)| Command::RegisterBroker { broker, incarnation: Incarnation(number) }),
        6 => create_topic(),
        1 => reference().prop_map(|topic| Command::DeleteTopic { topic }),
        2 => (name(), -1_i32..12, prop::option::of(assignment()), prop::bool::weighted(0.2)).prop_map(
            |(name, total, assignments, validate_only)| {
                Command::CreatePartitions(CreatePartitions { name, total, assignments, validate_only })
            },
        ),
        2 => (reference(), changes, prop::bool::weighted(0.2)).prop_map(|(topic, changes, validate_only)| {
            let (others, defaults) = (OtherSettings::Stay, TopicDefaults::default());
            Command::AlterSettings(AlterSettings { topic, changes, others, validate_only, defaults })
        }),
        2 => alter_owner(),
        1 => (broker(), 0_u64..3_000).prop_map(|(broker, count)| Command::ReserveProducerIds { broker, count }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_state_is_the_fold_of_its_records_and_of_its_snapshot(
        commands in prop::collection::vec(command(), 0..120), published_at in 0_usize..120,
    ) {
        let mut metadata = Metadata::default();
        let mut log = Vec::new();
        let mut published = None;
        for (step, command) in commands.into_iter().enumerate() {
            if step == published_at {
                published = Some((metadata.image().clone(), log.len()));
            }
            // `apply` checks every invariant; a refusal proposes nothing, so it cannot change the state.
            if let Ok(decision) = metadata.decide(command) {
                decision.records.iter().for_each(|record| metadata.apply(record));
                log.extend(decision.records);
            }
        }
        prop_assert_eq!(&Metadata::from_records(&log), &metadata);
        let snapshot: Vec<_> = metadata.snapshot(Vec::new()).records().collect();
        prop_assert_eq!(&Metadata::from_records(&snapshot), &metadata);
        prop_assert_eq!(&Metadata::from_records(log.iter().chain(&snapshot)), &metadata);
        let image = metadata.image();
        let owners = image.owner_count();
        prop_assert_eq!(owners, image.owner_settings().count());
        prop_assert!(snapshot.len() <= image.topic_count() + image.broker_count() + owners + 2);
        if let Some((image, length)) = published {
            let then = Metadata::from_records(&log[..length]);
            prop_assert_eq!(&image, then.image(), "a published image has changed");
        }
    }

    #[test]
    fn leader_epochs_never_go_back_and_producer_ids_never_repeat(commands in prop::collection::vec(command(), 0..120)) {
        let mut metadata = Metadata::default();
        let mut ids_end = 0;
        for command in commands {
            let Ok(decision) = metadata.decide(command) else { continue };
            let before = metadata.image().clone();
            decision.records.iter().for_each(|record| metadata.apply(record));
            for topic in before.topics() {
                let Some(now) = metadata.image().topic(topic.id) else { continue };
                prop_assert!(now.partitions.len() >= topic.partitions.len());
                for (old, new) in topic.partitions.iter().zip(&now.partitions) {
                    prop_assert!(new.leader_epoch >= old.leader_epoch);
                    prop_assert_eq!(new.partition_epoch > old.partition_epoch, new != old);
                }
            }
            if let Reply::ProducerIdsReserved(block) = decision.reply {
                prop_assert_eq!(block.first, ids_end);
                ids_end = block.end;
            }
        }
    }
}
