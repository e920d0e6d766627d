//! I/O memory that travels between cores.

use std::collections::BTreeSet;

use base::{ByteSize, CoreId};
use bytes::Bytes;
use rt::{CoresConfig, IoBuf, MeshEnd, buffers_returned, mesh, run_cores, sleep, yield_if_needed};

use crate::support::{MS, two_cores};

#[test]
fn slices_dropped_on_another_core_go_home_and_their_memory_is_used_again() {
    const ROUNDS: usize = 2_000;
    const SIZE: usize = 256 << 10;
    let config = CoresConfig { io_memory: ByteSize::mib(8), ..two_cores() };
    let ends = mesh("test", 2, 8);
    let results = run_cores(config, ends, |end: MeshEnd<Bytes>| async move {
        let mut mesh = end.connect().await;
        if mesh.core() == CoreId(0) {
            let lane = mesh.sender(CoreId(1));
            let mut places = BTreeSet::new();
            for round in 0..ROUNDS {
                let buf = IoBuf::alloc(SIZE);
                places.insert(buf.as_slice().as_ptr().addr());
                buf.append(&round.to_le_bytes());
                let slice = buf.share(0..8);
                // So that the slice is the last reference.
                drop(buf);
                lane.send(slice).await.unwrap();
                yield_if_needed().await;
            }
            drop((lane, mesh));
            // The watchdog brings home what nobody asked for.
            while buffers_returned() < ROUNDS as u64 {
                sleep(MS).await;
            }
            places.len()
        } else {
            let (_, mut lane) = mesh.take_receivers().pop().unwrap();
            let mut round = 0_usize;
            while let Some(slice) = lane.recv().await {
                assert_eq!(*slice, round.to_le_bytes());
                round += 1;
            }
            round
        }
    });
    let results = results.unwrap();
    assert_eq!(results[1], ROUNDS);
    // 500 MB went through: as many different places as there were in flight, and not as many as rounds.
    assert!(results[0] < 64, "{} places", results[0]);
}

#[test]
fn a_slice_outlives_its_executor() {
    let config = CoresConfig { io_memory: ByteSize::mib(1), ..CoresConfig::default() };
    let slice = rt::run_one(config, || async {
        let buf = IoBuf::alloc(4096);
        buf.append(b"still here");
        buf.share(6..10)
    });
    assert_eq!(slice.unwrap(), "here");
}
