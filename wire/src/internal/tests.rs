//! Tests of the internal logs' records.

use base::SeededRandom;

use super::*;

fn partition(random: &mut SeededRandom) -> PartitionState {
    let brokers =
        |random: &mut SeededRandom| (0..random.below(4)).map(|id| BrokerId(u32::try_from(id).unwrap())).collect();
    PartitionState {
        leader: BrokerId(u32::try_from(random.below(1 << 32)).unwrap()),
        leader_epoch: LeaderEpoch::new(u32::try_from(random.below(1 << 31)).unwrap()).unwrap(),
        partition_epoch: u32::try_from(random.below(3)).unwrap(),
        replicas: brokers(random),
        isr: brokers(random),
    }
}

fn partitions(random: &mut SeededRandom) -> Vec<PartitionState> {
    (0..random.below(5)).map(|_| partition(random)).collect()
}

fn samples(random: &mut SeededRandom) -> [MetadataRecord; 11] {
    let topic = TopicId::from_random(random.next_u128());
    let text = |random: &mut SeededRandom| ["", "flush.ms", "ü\0", "-1"][random.index(4)].to_owned();
    let broker = BrokerId(7);
    [
        MetadataRecord::BrokerRegistered { broker, incarnation: random.next_u64() },
        MetadataRecord::TopicCreated {
            id: topic,
            name: text(random),
            settings: (0..random.below(3)).map(|_| (text(random), text(random))).collect(),
            partitions: partitions(random),
        },
        MetadataRecord::TopicDeleted { topic },
        MetadataRecord::PartitionsAdded { topic, first: PartitionIndex(9), partitions: partitions(random) },
        MetadataRecord::SettingsAltered {
            topic,
            changes: vec![(text(random), None), (text(random), Some(text(random)))],
        },
        MetadataRecord::ProducerIdsReserved { broker, first: random.next_u64(), end: random.next_u64() },
        MetadataRecord::OwnerSettingsAltered { owner: SettingsOwner::AllBrokers, changes: vec![(text(random), None)] },
        MetadataRecord::OwnerSettingsAltered {
            owner: SettingsOwner::Broker(BrokerId(0)),
            changes: vec![(text(random), Some(text(random)))],
        },
        MetadataRecord::OwnerSettingsAltered { owner: SettingsOwner::Group(text(random)), changes: vec![] },
        MetadataRecord::SnapshotBegun { deleted: vec![] },
        MetadataRecord::SnapshotBegun { deleted: vec![topic, TopicId::from_random(random.next_u128())] },
    ]
}

#[test]
fn every_record_survives_and_no_damage_panics() {
    for seed in 0..50 {
        let mut random = SeededRandom::new(seed);
        for record in samples(&mut random) {
            let mut bytes = encode_metadata_record(&record);
            assert_eq!(decode_metadata_record(&bytes).as_ref(), Ok(&record), "seed {seed}");
            for end in 0..bytes.len() {
                drop(decode_metadata_record(&bytes[..end]));
            }
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                drop(decode_metadata_record(&bytes));
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

/// Written by version 1. It must open for ever.
#[rustfmt::skip]
const PRODUCER_IDS_V1: [u8; 64] = [
    0x10, 0, 0, 0,                                   // the root is at 16
    0, 0,                                            // alignment
    0x0A, 0, 0x0E, 0, 0x06, 0, 0x05, 0, 0x08, 0,     // its vtable: version at 6, kind at 5, body at 8
    0x0A, 0, 0, 0,                                   // the record: back to the vtable
    0, 0x06, 1, 0,                                   // kind 6, version 1
    0x10, 0, 0, 0,                                   // the body is 16 further on
    0, 0,                                            // alignment
    0x0A, 0, 0x18, 0, 0x04, 0, 0x08, 0, 0x10, 0,     // its vtable: broker at 4, first at 8, end at 16
    0x0A, 0, 0, 0,                                   // the body: back to the vtable
    1, 0, 0, 0,                                      // broker 1
    0xE8, 0x03, 0, 0, 0, 0, 0, 0,                    // first 1,000
    0xD0, 0x07, 0, 0, 0, 0, 0, 0,                    // end 2,000
];

#[test]
fn a_record_of_version_1_opens_for_ever() {
    let record = MetadataRecord::ProducerIdsReserved { broker: BrokerId(1), first: 1_000, end: 2_000 };
    assert_eq!(encode_metadata_record(&record), PRODUCER_IDS_V1);
    assert_eq!(decode_metadata_record(&PRODUCER_IDS_V1), Ok(record));
}

/// A record of any version, kind and body.
fn raw(
    version: u16,
    kind: u8,
    build: impl FnOnce(&mut FlatBufferBuilder<'_>) -> WIPOffset<flatbuffers::UnionWIPOffset>,
) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let body = Some(build(&mut builder));
    let args = schema::MetadataRecordArgs { version, body_type: schema::MetadataBody(kind), body };
    let root = schema::MetadataRecord::create(&mut builder, &args);
    builder.finish_minimal(root);
    builder.finished_data().to_vec()
}

#[test]
fn records_of_a_newer_release_are_refused_by_name() {
    let empty = |builder: &mut FlatBufferBuilder<'_>| {
        schema::BrokerRegistered::create(builder, &schema::BrokerRegisteredArgs::default()).as_union_value()
    };
    assert_eq!(decode_metadata_record(&raw(2, 1, empty)), Err(RecordError::Version { got: 2 }));
    assert_eq!(decode_metadata_record(&raw(0, 1, empty)), Err(RecordError::Version { got: 0 }));
    assert_eq!(decode_metadata_record(&raw(1, 77, empty)), Err(RecordError::Kind { got: 77 }));
    let endless = vec![0; METADATA_RECORD_BYTES_MAX + 1];
    assert_eq!(decode_metadata_record(&endless), Err(RecordError::TooLarge { bytes: endless.len() }));
}

#[test]
fn what_no_type_can_hold_is_refused_by_name() {
    let topic_zero = |builder: &mut FlatBufferBuilder<'_>| {
        let zero = schema::Uuid::new(0, 0);
        schema::TopicDeleted::create(builder, &schema::TopicDeletedArgs { topic: Some(&zero) }).as_union_value()
    };
    assert_eq!(decode_metadata_record(&raw(1, 3, topic_zero)), Err(RecordError::Missing { field: "topic id" }));
    let no_value = |builder: &mut FlatBufferBuilder<'_>| {
        let args = schema::TopicCreatedArgs {
            id: Some(&schema::Uuid::new(0, 1)),
            name: Some(builder.create_string("t")),
            settings: Some(write_settings(builder, [("flush.ms", None)].into_iter())),
            partitions: Some(write_partitions(builder, &[])),
        };
        schema::TopicCreated::create(builder, &args).as_union_value()
    };
    let refused = RecordError::Missing { field: "a new topic's setting" };
    assert_eq!(decode_metadata_record(&raw(1, 2, no_value)), Err(refused));
    let two_owners = |builder: &mut FlatBufferBuilder<'_>| {
        let args = schema::OwnerSettingsAlteredArgs {
            broker: Some(3),
            group: Some(builder.create_string("g")),
            changes: Some(write_settings(builder, std::iter::empty())),
        };
        schema::OwnerSettingsAltered::create(builder, &args).as_union_value()
    };
    let refused = RecordError::Field { field: "the broker beside a group", got: 3 };
    assert_eq!(decode_metadata_record(&raw(1, 7, two_owners)), Err(refused));
}

#[test]
fn the_largest_topic_fits_a_record() {
    let replicas: Vec<_> = (0..32).map(BrokerId).collect();
    let partition = PartitionState {
        leader: BrokerId(0),
        leader_epoch: LeaderEpoch::ZERO,
        partition_epoch: 0,
        isr: replicas.clone(),
        replicas,
    };
    for partition in [partition.clone(), PartitionState { replicas: vec![], isr: vec![], ..partition }] {
        let record = MetadataRecord::PartitionsAdded {
            topic: TopicId::METADATA,
            first: PartitionIndex(0),
            partitions: vec![partition; 10_000],
        };
        let bytes = encode_metadata_record(&record);
        assert!(bytes.len() < 4 << 20, "{} bytes", bytes.len());
        assert_eq!(decode_metadata_record(&bytes), Ok(record));
    }
}
