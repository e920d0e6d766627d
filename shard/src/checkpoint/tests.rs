//! Checkpoints: what is written is read back, and nothing else is believed.

use super::*;
use crate::journal::ring::RingLayout;

fn checkpoint() -> Checkpoint {
    let mut row = PartitionRow::new(PartitionId::new(TopicId::METADATA, 3));
    row.end = Offset::new(10).unwrap();
    row.active_segment = Offset::new(4).unwrap();
    row.position = 700;
    row.open_span =
        Span { base: Offset::new(6).unwrap(), end: row.end, position: 600, length: 100, crc: 9, max_timestamp: 5 };
    row.epochs = vec![EpochStart { epoch: LeaderEpoch::ZERO, start: Offset::ZERO }];
    row.times = SegmentTimes { first: 2, max: 5 };
    row.attachment = Bytes::from_static(b"producers");
    Checkpoint {
        number: 8,
        core: Some(CoreId(0)),
        identity: JournalIdentity { journal: 1, incarnation: 2 },
        clean: false,
        replay: JournalPosition { lsn: Lsn(4096), previous_crc: 77 },
        flushed: Lsn(8192),
        ring: Some(RingState { layout: RingLayout::of_total(1 << 20), prepared: 0b1011 }),
        rows: vec![row, PartitionRow::new(PartitionId::new(TopicId::METADATA, 4))],
    }
}

#[test]
fn a_checkpoint_is_read_back_whole_or_not_at_all() {
    let bytes = checkpoint().encode();
    assert_eq!(Checkpoint::decode(&bytes), Some(checkpoint()));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        assert_eq!(Checkpoint::decode(&damaged), None, "byte {at}");
        assert_eq!(Checkpoint::decode(&bytes[..at]), None, "cut at {at}");
    }
}

#[test]
fn a_checkpoint_that_does_not_know_the_ring_is_read() {
    let before = Checkpoint { ring: None, ..checkpoint() };
    assert_eq!(Checkpoint::decode(&before.encode()), Some(before));
}

#[test]
fn a_checkpoint_that_knows_more_files_than_the_ring_has_is_not_believed() {
    let ring = RingState { layout: RingLayout::of_total(1 << 20), prepared: 0b1_0000 };
    let wrong = Checkpoint { ring: Some(ring), ..checkpoint() };
    assert_eq!(Checkpoint::decode(&wrong.encode()), None);
}

async fn encoded(checkpoint: Checkpoint) -> Checkpoint<EncodedRows> {
    let rows = EncodedRows::of(&checkpoint.rows).await;
    let Checkpoint { number, core, identity, clean, replay, flushed, ring, .. } = checkpoint;
    Checkpoint { number, core, identity, clean, replay, flushed, ring, rows }
}

#[test]
fn others_have_their_turns_while_a_row_with_much_attached_to_it_is_put_into_blocks() {
    let sim = rt::sim::Sim::new(rt::sim::SimConfig::new(1));
    sim.block_on(CoreId(0), async {
        let turns = Rc::new(std::cell::Cell::new(0));
        let counted = Rc::clone(&turns);
        drop(rt::spawn(rt::TaskQueue::DEFAULT, async move {
            loop {
                counted.set(counted.get() + 1);
                rt::yield_now().await;
            }
        }));
        let mut rows = EncodedRows::new();
        let row = checkpoint().rows.remove(0);
        rows.push(&row).await;
        assert_eq!(turns.get(), 0, "a small one is done at once");
        let large = PartitionRow { attachment: vec![7; 40 * limits::CHECKPOINT_BLOCK_BYTES].into(), ..row };
        rows.push(&large).await;
        assert_ne!(turns.get(), 0);
    });
}

#[test]
fn the_size_is_known_beforehand_and_blocks_give_the_same_bytes() {
    let sim = rt::sim::Sim::new(rt::sim::SimConfig::new(1));
    let many = Checkpoint {
        rows: std::iter::repeat_with(|| checkpoint().rows).take(1_500).flatten().collect(),
        ..checkpoint()
    };
    for checkpoint in [checkpoint(), many, Checkpoint { ring: None, rows: Vec::new(), ..checkpoint() }] {
        let whole = checkpoint.encode();
        sim.block_on(CoreId(0), async move {
            let encoded = encoded(checkpoint).await;
            assert_eq!(encoded.encoded_bytes(), whole.len() as u64);
            let blocks = encoded.into_blocks().await;
            assert_eq!(blocks.len(), whole.len().div_ceil(limits::CHECKPOINT_BLOCK_BYTES));
            assert!(blocks.iter().rev().skip(1).all(|block| block.remaining() == 0));
            assert!(blocks.iter().flat_map(|block| block.as_slice()).eq(&whole));
        });
    }
}

#[test]
fn a_checkpoint_that_would_not_be_believed_is_not_written() {
    let disk = rt::sim::SimDisk::new(1, rt::sim::SimDiskConfig::default());
    let attached = disk.attach();
    let sim = rt::sim::Sim::new(rt::sim::SimConfig::new(1));
    sim.block_on(CoreId(0), async move {
        let core = CoreId(0);
        let mut files = CheckpointFiles::open(&*attached, core).await.unwrap();
        files.bytes_max = checkpoint().encode().len();
        files.write(encoded(checkpoint()).await).await.unwrap();
        let mut larger = Checkpoint { number: 10, ..checkpoint() };
        larger.rows[0].attachment = Bytes::from_static(b"producers and more");
        let refused = files.write(encoded(larger).await).await;
        assert!(matches!(refused, Err(DiskError::TooLarge { operation: "write", .. })), "{refused:?}");
        assert_eq!(read_slots(&*attached, core).await.unwrap(), [checkpoint()]);
    });
}

/// Makes it what an earlier build wrote. Fields are given by place and length, from the last to the first.
fn take_out(bytes: &mut Vec<u8>, magic: &[u8; 8], fields: &[(usize, usize)]) {
    for (at, length) in fields {
        bytes.drain(*at..at + length);
    }
    bytes[..8].copy_from_slice(magic);
    let length = u32::try_from(bytes.len() - PREFIX_BYTES).unwrap();
    bytes[16..CRC_AT].copy_from_slice(&length.to_le_bytes());
    let crc = wire::batch::crc::append(wire::batch::crc::crc32c(&bytes[..CRC_AT]), &bytes[PREFIX_BYTES..]);
    bytes[CRC_AT..PREFIX_BYTES].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn a_checkpoint_of_earlier_builds_does_not_say_of_which_core_it_is() {
    let before = Checkpoint { core: None, ..checkpoint() };
    let mut bytes = before.encode();
    assert_eq!(Checkpoint::decode(&bytes).as_ref(), Some(&before), "nor does one that is written as it was read");
    take_out(&mut bytes, MAGIC_WITHOUT_CORE, &[(PREFIX_BYTES, 2)]);
    assert_eq!(Checkpoint::decode(&bytes), Some(before));
}

/// Takes the times out of the rows, as the first builds wrote them.
#[test]
fn a_checkpoint_of_the_first_builds_is_read_and_its_segments_are_as_new_as_they_may_be() {
    let mut checkpoint = checkpoint();
    checkpoint.core = None;
    checkpoint.rows.truncate(1);
    checkpoint.rows[0].newest = Newest { timestamp: 77, batch_base: Offset::ZERO };
    let mut bytes = checkpoint.encode();
    let times = PREFIX_BYTES + HEAD_BYTES + 20 + 5 * 8 + 8 + 8 + 8;
    take_out(&mut bytes, MAGIC_WITHOUT_TIMES, &[(times, 16), (PREFIX_BYTES, 2)]);
    checkpoint.rows[0].times = SegmentTimes { first: -1, max: 77 };
    assert_eq!(Checkpoint::decode(&bytes), Some(checkpoint));
}
