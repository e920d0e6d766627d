//! Checkpoints that were flushed and cannot be read any more.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use base::CoreId;
use rt::{BLOCK_BYTES, IoBuf, OpenMode};
use shard::checkpoint::Checkpoint;
use shard::layout;
use shard::recovery::{OnDamage, RecoveryError};

use crate::bench::{Bench, append, partition, read_all};

const FLUSHED: &str = "journal/0/checkpoint-flushed";

/// One life that ends at once, then one that has so many records of 10,000 bytes acknowledged, after and before a
/// checkpoint; and is killed.
fn bench_with(records: u64, milliseconds_between_checkpoints: u64) -> Rc<Bench> {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live_and_append(id, 3);
    bench.checkpoint_interval.set(Duration::from_millis(milliseconds_between_checkpoints));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        for _ in 0..records {
            append(&shard, id, 10_000).await.expect("a good disk takes it");
        }
    });
    bench.disk.crash();
    bench
}

/// Both slots, with the numbers of their checkpoints, newest first.
fn slots(bench: &Bench) -> [(String, u64); 2] {
    let mut slots = ["checkpoint-a", "checkpoint-b"].map(|slot| {
        let bytes = bench.disk.dump(Path::new("journal/0").join(slot).as_path()).expect("it is there");
        (slot.to_owned(), u64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes")))
    });
    slots.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    slots
}

fn flip(bench: &Bench, slot: &str, byte: u64) {
    bench.disk.flip_bit(&Path::new("journal/0").join(slot), byte, 3);
}

fn start(bench: &Rc<Bench>) -> Result<u64, RecoveryError> {
    bench.live(async |bench| {
        let shard = bench.start().await?;
        Ok(read_all(&shard, partition(1, 0)).await.get())
    })
}

#[test]
fn a_damaged_newest_checkpoint_stops_the_start_and_the_one_before_it_is_not_believed() {
    // Of the start itself, and of later moments, with the journal gone round since, or not.
    for (records, milliseconds) in [(1, 3_600_000), (20, 1), (300, 20), (300, 5)] {
        // Its magic, its number, its length, its CRC, its first row.
        for byte in [0, 9, 17, 21, 100] {
            let bench = bench_with(records, milliseconds);
            let [(newest, number), _] = slots(&bench);
            flip(&bench, &newest, byte);
            let error = start(&bench).expect_err("the checkpoint is damaged");
            let text = error.to_string();
            assert!(matches!(error, RecoveryError::DamagedCheckpoint { lost, .. } if lost == number), "{text}");
            assert!(text.contains(&format!("journal/0: checkpoint {number} was flushed to {newest}")), "{text}");
            // Nothing was changed: with the file as it was the start goes on.
            flip(&bench, &newest, byte);
            assert_eq!(start(&bench).expect("all is as it was"), 3 + records);
        }
    }
}

#[test]
fn with_an_accepted_loss_the_start_goes_back_to_the_checkpoint_before() {
    let bench = bench_with(300, 20);
    let [(newest, _), _] = slots(&bench);
    flip(&bench, &newest, 100);
    bench.on_damage.set(OnDamage::AcceptLoss);
    let found = start(&bench).expect("the loss is accepted");
    assert!((3..=303).contains(&found), "{found} records");
    bench.on_damage.set(OnDamage::Refuse);
    assert_eq!(start(&bench).expect("the loss is behind it"), found);
}

/// The segment in which the older checkpoint has the log go on may have been removed or replaced since.
#[test]
fn a_log_whose_end_is_gone_goes_on_empty_after_an_accepted_loss() {
    for is_removed in [false, true] {
        let bench = bench_with(300, 20);
        let [(newest, _), (older, _)] = slots(&bench);
        flip(&bench, &newest, 100);
        let bytes = bench.disk.dump(&Path::new("journal/0").join(older)).expect("it is there");
        let row = Checkpoint::decode(&bytes).expect("it is whole").rows.remove(0);
        assert!(row.id == partition(1, 0) && row.position > 0, "{row:?}");
        let (id, end, position) = (row.id, row.end, row.position);
        let path = layout::segment_file(id, row.active_segment);
        bench.meddle(async move |disk| {
            if is_removed {
                return disk.remove_file(&path).await.expect("it was there");
            }
            let file = disk.open(&path, OpenMode::Existing).await.expect("it is there");
            file.set_len(u64::from(position) - 1).await.expect("it can be cut");
        });
        assert!(matches!(start(&bench), Err(RecoveryError::DamagedCheckpoint { .. })));
        bench.on_damage.set(OnDamage::AcceptLoss);
        let found = start(&bench).expect("the loss is accepted");
        assert!(found >= end.get(), "{found} is before {end}");
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            let offsets = shard.offsets(id).expect("it is here");
            assert_eq!(offsets.log_start, end, "is_removed {is_removed}: {offsets:?}");
            append(&shard, id, 10_000).await.expect("it takes appends");
        });
        assert_eq!(start(&bench).expect("the folder opens"), found + 1);
    }
}

#[test]
fn a_damaged_older_checkpoint_or_mark_is_no_harm() {
    for records in [1, 300] {
        let bench = bench_with(records, 20);
        let [_, (older, _)] = slots(&bench);
        flip(&bench, &older, 100);
        assert_eq!(start(&bench).expect("the newest one is whole"), 3 + records);
        for mark in 0..2 {
            bench.disk.flip_bit(Path::new(FLUSHED), mark * BLOCK_BYTES as u64 + 9, 0);
            assert_eq!(start(&bench).expect("the checkpoints are whole"), 3 + records);
        }
    }
}

/// Replaces what a file has from this byte on.
fn write_over(bench: &Rc<Bench>, file: &str, at: u64, bytes: Vec<u8>) {
    let file = PathBuf::from(file);
    bench.meddle(async move |disk| {
        let file = disk.open(&file, OpenMode::Existing).await.expect("it is there");
        let block = IoBuf::alloc(bytes.len().next_multiple_of(BLOCK_BYTES));
        block.append(&bytes);
        block.advance(block.capacity() - bytes.len());
        file.write(block, at).await.expect("it can be written");
    });
}

/// A disk may write what was meant for another core's folder.
#[test]
fn the_checkpoint_of_another_core_is_not_believed() {
    for over_the_newest in [true, false] {
        let bench = bench_with(300, 20);
        let [(newest, number), (older, _)] = slots(&bench);
        let bytes = bench.disk.dump(&Path::new("journal/0").join(&newest)).expect("it is there");
        let mut foreign = Checkpoint::decode(&bytes).expect("it is whole");
        assert_eq!(foreign.core, Some(CoreId(0)));
        (foreign.core, foreign.number) = (Some(CoreId(1)), number + 1 + u64::from(over_the_newest));
        foreign.identity.journal ^= 1;
        let place = if over_the_newest { newest } else { older };
        write_over(&bench, &format!("journal/0/{place}"), 0, foreign.encode());
        match start(&bench) {
            Err(RecoveryError::DamagedCheckpoint { lost, .. }) if over_the_newest => assert_eq!(lost, number),
            started if !over_the_newest => assert_eq!(started.expect("its own is whole"), 303),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_mark_of_another_core_is_not_believed() {
    let bench = bench_with(300, 20);
    let [(_, number), _] = slots(&bench);
    let place = (number + 1) % 2 * BLOCK_BYTES as u64;
    let mut mark = bench.disk.dump(Path::new(FLUSHED)).expect("it is there")[..22].to_vec();
    mark[8..16].copy_from_slice(&(number + 1).to_le_bytes());
    mark[16..18].copy_from_slice(&1_u16.to_le_bytes());
    let crc = wire::batch::crc::crc32c(&mark[..18]);
    mark[18..].copy_from_slice(&crc.to_le_bytes());
    write_over(&bench, FLUSHED, place, mark);
    assert_eq!(start(&bench).expect("its own marks agree with its checkpoints"), 303);
}

/// In the data folder of an earlier build nothing says which checkpoint was flushed.
#[test]
fn a_folder_without_marks_is_started_from_what_is_whole() {
    let bench = bench_with(20, 1);
    bench.meddle(async |disk| disk.remove_file(Path::new(FLUSHED)).await.expect("it was there"));
    assert_eq!(start(&bench).expect("both checkpoints are whole"), 23);
    assert!(bench.disk.dump(Path::new(FLUSHED)).is_some(), "it has marks from now on");
}

/// A checkpoint that was being written when the life ended is what a crash leaves.
#[test]
fn half_a_checkpoint_in_the_older_ones_place_is_no_damage() {
    let bench = bench_with(300, 20);
    let [(_, number), (older, _)] = slots(&bench);
    bench.meddle(async move |disk| {
        let file = disk.open(&Path::new("journal/0").join(older), OpenMode::Existing).await.expect("it is there");
        let block = IoBuf::alloc(BLOCK_BYTES);
        block.append(b"CLCKPT03");
        block.append(&(number + 1).to_le_bytes());
        block.append(&100_000_u32.to_le_bytes());
        block.advance(block.capacity() - 20);
        file.write(block, 0).await.expect("it can be written");
    });
    assert_eq!(start(&bench).expect("the newest whole one counts"), 303);
}
