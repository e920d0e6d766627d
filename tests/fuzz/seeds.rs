//! The part of the corpus that encoders and a real broker give.

mod native;

use base::{CoreId, LeaderEpoch, Offset, PartitionId, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId};
use shard::PartitionRow;
use shard::checkpoint::Checkpoint;
use shard::journal::JournalPosition;
use shard::journal::entry::{ENTRY_ALIGNMENT, EntryHeader, EntryKind, Lsn, log_start_body};
use shard::journal::ring::{RingFileHeader, RingLayout, RingState};
use shard::segment::index::{Span, encode_header};
use shard::{EpochStart, Newest};
use tests::broker::{Broker, folder};
use wire::batch::{BatchBuilder, BatchOptions, HEADER_BYTES, Header, NewRecord, ProducerStamp};
use wire::compress::{Codec, Compressor};
use wire::internal::{MetadataRecord, PartitionState, SettingsOwner, encode_metadata_record};

use crate::corpus::{captured, write};
use crate::targets::{kafka, storage};

fn write_codecs(plain: &[Vec<u8>]) {
    for codec in Codec::ALL.into_iter().filter(|codec| *codec != Codec::None) {
        let packed = plain.iter().map(|plain| {
            let mut packed = Vec::new();
            Compressor::new().compress(codec, None, plain, &mut packed);
            packed
        });
        write(codec.name(), "encoded.hex", &packed.collect::<Vec<_>>());
    }
}

pub(crate) fn write_all() {
    write("kafka_request", "defaults.hex", &kafka::default_requests());
    write("kafka_response", "defaults.hex", &kafka::default_responses());
    write("kafka_response", "recorded.hex", &recorded());
    write("record_batch", "encoded.hex", &batches());
    write_codecs(&[
        Vec::new(),
        b"a".to_vec(),
        b"the same words, the same words, the same words".to_vec(),
        (0..=255).cycle().take(2_000).collect(),
        vec![0; 100_000],
    ]);
    write("native_frame", "encoded.hex", &native::samples());
    write_storage();
    write("metadata_record", "encoded.hex", &metadata_records());
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    write(
        "config_file",
        "written.hex",
        &texts(&[
            "data = \"/srv/log\"\ncores = 2\n[kafka]\nlisten = \"127.0.0.1:9092\"\nadvertise = \"h:1\"\n",
            "cores = [0, 2]\n[memory]\ncache = \"1.5 GiB\"\nrequests = \"256 MiB\"\n[connections]\nidle = \"90 s\"\n",
            "cores = \"0,2-3\"\n[topics]\nauto_create = false\n[topics.defaults]\n\"segment.bytes\" = 16777216\n",
            "recovery.damaged_journal = \"refuse\"\njournal.bytes = 1048576\nruntime.spin = \"20 us\"\n",
        ]),
    );
    let values = ["1.5 GiB", "90 s", "250 ms", "all", "0,2-3", "[::]:9092", "host:1", "true", "refuse", "64", "1 d"];
    let settings = (0..32).flat_map(|number| values.map(|value| [&[number], value.as_bytes()].concat()));
    write("setting", "written.hex", &settings.collect::<Vec<_>>());
}

/// What a real broker answers to real clients.
fn recorded() -> Vec<Vec<u8>> {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "1"]);
    let mut answers = Vec::new();
    for request in captured() {
        let mut client = tests::kafka::Client::connect(broker.kafka).expect("the broker serves");
        client.stream().set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("a socket");
        let length = i32::try_from(request.len()).expect("small");
        client.send_raw(&[&length.to_be_bytes(), &request[..]].concat()).expect("the broker reads");
        if let Ok(response) = client.receive_raw()
            && response.len() < 8 << 10
        {
            answers.extend(kafka::answer(&request, &response));
        }
    }
    answers.sort();
    answers.dedup();
    answers
}

fn batches() -> Vec<Vec<u8>> {
    let producer = ProducerStamp {
        id: ProducerId::new(7).expect("an id"),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Some(Sequence::ZERO),
    };
    let mut all = Vec::new();
    for codec in Codec::ALL {
        for (records, producer) in [(1, None), (3, Some(producer)), (40, None)] {
            let mut builder = BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
            for number in 0..records {
                let key = [number];
                let headers = [Header { key: b"h", value: Some(b"v") }, Header { key: b"n", value: None }];
                let record = NewRecord {
                    timestamp: Some(Timestamp::from_millis(1_699_999_000_000 + u64::from(number))),
                    key: (number % 3 != 0).then_some(&key[..]),
                    value: (number % 5 != 4).then_some(b"some value of some length"),
                    headers: if number % 2 == 0 { &headers } else { &[] },
                };
                builder.push(&record).expect("there is room");
            }
            all.push(builder.finish(&mut Compressor::new()).to_vec());
        }
    }
    all.push(all[0].repeat(3));
    all
}

fn offset(value: u64) -> Offset {
    Offset::new(value).expect("an offset")
}

fn write_storage() {
    let mut journal = Vec::new();
    let mut entries = Vec::new();
    let mut previous_crc = 0;
    let log_start = log_start_body(offset(5)).to_vec();
    let bodies = batches().into_iter().take(6).map(|batch| (EntryKind::Batch, batch));
    for (kind, body) in bodies.chain([(EntryKind::LogStart, log_start)]) {
        let head = body.first_chunk::<HEADER_BYTES>().expect("a body has a front");
        let header = EntryHeader {
            kind,
            lsn: Lsn(journal.len() as u64),
            flushed: Lsn::ZERO,
            partition: PartitionId::new(TopicId::METADATA, 3),
            body_bytes: u32::try_from(body.len()).expect("small"),
            previous_crc,
            identity: storage::IDENTITY,
        };
        let (envelope, crc) = header.encode(head);
        previous_crc = crc;
        let mut entry = [&envelope[..], &body].concat();
        entry.resize(entry.len().next_multiple_of(ENTRY_ALIGNMENT), 0);
        journal.extend_from_slice(&entry);
        entries.push(entry);
    }
    write("journal_entry", "encoded.hex", &entries);
    write("journal_replay", "encoded.hex", &[journal, entries[0].clone()]);
    let layout = RingLayout::of_total(1 << 24);
    write("ring_header", "encoded.hex", &[RingFileHeader { layout, index: 1, journal: 9 }.encode()]);
    write("checkpoint", "encoded.hex", &checkpoints());
    let segment = 100_u64;
    let mut file = (segment << 1).to_le_bytes().to_vec();
    file.extend_from_slice(&encode_header(offset(segment)));
    for number in 0..4 {
        let (position, length) = (u32::try_from(number).expect("small") * 50, 50);
        let (base, end) = (offset(segment + number * 10), offset(segment + number * 10 + 10));
        let span = Span { base, end, position, length, crc: 1, max_timestamp: 7 };
        file.extend_from_slice(&span.encode(offset(segment)));
    }
    write("segment_index", "encoded.hex", &[file]);
}

fn checkpoints() -> Vec<Vec<u8>> {
    let mut row = PartitionRow::new(PartitionId::new(TopicId::METADATA, 3));
    row.end = offset(10);
    row.active_segment = offset(4);
    row.position = 700;
    row.newest = Newest { timestamp: 5, batch_base: offset(6) };
    row.open_span = Span { base: offset(6), end: row.end, position: 600, length: 100, crc: 9, max_timestamp: 5 };
    row.epochs = vec![EpochStart { epoch: LeaderEpoch::ZERO, start: Offset::ZERO }; 3];
    row.attachment = bytes::Bytes::from_static(b"producers");
    let other = PartitionRow::new(PartitionId::new(TopicId::METADATA, 4));
    let of_rows = |core: Option<CoreId>, rows: Vec<PartitionRow>, ring: Option<RingState>| {
        let replay = JournalPosition { lsn: Lsn(4_096), previous_crc: 77 };
        let checkpoint = Checkpoint {
            number: 8,
            core,
            identity: storage::IDENTITY,
            clean: true,
            replay,
            flushed: Lsn(8_192),
            ring,
            rows,
        };
        checkpoint.encode()
    };
    let ring = RingState { layout: RingLayout::of_total(1 << 24), prepared: 0b101 };
    let core = Some(CoreId(1));
    vec![
        of_rows(core, Vec::new(), None),
        of_rows(core, vec![row.clone()], Some(ring)),
        of_rows(core, vec![row.clone(), other], None),
        of_rows(None, vec![row], Some(ring)),
    ]
}

fn metadata_records() -> Vec<Vec<u8>> {
    let broker = base::BrokerId(1);
    let state = PartitionState {
        leader: broker,
        leader_epoch: LeaderEpoch::ZERO,
        partition_epoch: 2,
        replicas: vec![broker; 3],
        isr: vec![broker],
    };
    let topic = TopicId::METADATA;
    let text = |text: &str| text.to_owned();
    let records = [
        MetadataRecord::BrokerRegistered { broker, incarnation: 5 },
        MetadataRecord::TopicCreated {
            id: topic,
            name: text("orders"),
            settings: vec![(text("retention.ms"), text("1000")), (text("segment.bytes"), text("1048576"))],
            partitions: vec![state.clone(); 3],
        },
        MetadataRecord::TopicDeleted { topic },
        MetadataRecord::PartitionsAdded { topic, first: base::PartitionIndex(3), partitions: vec![state] },
        MetadataRecord::SettingsAltered { topic, changes: vec![(text("a"), None), (text("b"), Some(text("c")))] },
        MetadataRecord::ProducerIdsReserved { broker, first: 1, end: 1_001 },
        MetadataRecord::OwnerSettingsAltered {
            owner: SettingsOwner::Group(text("readers")),
            changes: vec![(text("a"), None), (text("b"), Some(text("c")))],
        },
        MetadataRecord::SnapshotBegun { deleted: vec![topic] },
    ];
    records.iter().map(encode_metadata_record).collect()
}
