//! Prints what the surface costs on this machine. Run it in release mode, on a machine that does nothing else:
//! `cargo run --release -p rt --example figures [folder on the disk to measure]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{ByteSize, CoreId, Instant};
use bytes::{Bytes, BytesMut};
use rt::net::{bind, connect};
use rt::sim::{Sim, SimConfig};
use rt::{
    CoresConfig, CpuPlacement, DirectDisk, IoBuf, MeshEnd, OpenMode, TaskQueue, blocking, mesh, now, run_cores,
    run_one, sleep, spawn, yield_if_needed, yield_now,
};

const ROUNDS: u32 = 200_000;
const IDLE: Duration = Duration::from_secs(10);

fn main() {
    rt::preflight().expect("this machine can run executors");
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/figures"), PathBuf::from);
    println!("idle, two cores, watchdog at 50 ms: {:.2} % of a CPU", idle_percent());
    run_one(config(1), local_costs).expect("a core");
    lanes("parked", config(2));
    lanes("spinning 100 us", CoresConfig { spin_before_park: Duration::from_micros(100), ..config(2) });
    run_one(config(1), move || disk(folder)).expect("a core");
    network();
    simulation();
}

fn config(cores: usize) -> CoresConfig {
    let cpus = rt::online_cpus();
    assert!(cpus.len() >= cores, "two CPUs are needed");
    let cpus = cpus[..cores].iter().map(|cpu| CpuPlacement::Pinned(*cpu)).collect();
    CoresConfig { cpus, io_memory: ByteSize::mib(64), ..CoresConfig::default() }
}

/// CPU that this process has used, in clock ticks of 10 ms.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a process may read its own state");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("the name is in brackets").split_whitespace().collect();
    [11, 12].map(|field| fields[field].parse::<u64>().expect("a number")).iter().sum()
}

fn idle_percent() -> f64 {
    let used = run_cores(config(2), vec![(), ()], |()| async {
        sleep(Duration::from_secs(1)).await;
        let before = ticks();
        sleep(IDLE).await;
        ticks() - before
    });
    used.expect("two cores").into_iter().max().unwrap_or(0) as f64 / IDLE.as_secs_f64()
}

fn report(what: &str, rounds: u32, start: Instant) {
    let nanos = now().since(start).as_nanos() as f64 / f64::from(rounds);
    println!("{what}: {nanos:.1} ns");
}

fn percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100].as_nanos() as f64 / 1_000.0;
    println!("{what}: p50 {:.1} us, p99 {:.1} us", at(50), at(99));
}

async fn local_costs() {
    let start = now();
    for _ in 0..ROUNDS {
        spawn(TaskQueue::DEFAULT, async {}).await;
    }
    report("spawn and await a task", ROUNDS, start);

    let start = now();
    for _ in 0..ROUNDS {
        yield_if_needed().await;
    }
    report("yield_if_needed", ROUNDS, start);

    let start = now();
    for _ in 0..ROUNDS {
        yield_now().await;
    }
    report("yield_now", ROUNDS, start);

    let start = now();
    for _ in 0..ROUNDS {
        std::hint::black_box(IoBuf::alloc(64 << 10));
    }
    report("IoBuf::alloc of 64 KiB, and its release", ROUNDS, start);

    let buf = IoBuf::alloc(64 << 10);
    buf.advance(64 << 10);
    let start = now();
    for _ in 0..ROUNDS {
        std::hint::black_box(buf.share(100..5_000));
    }
    report("IoBuf::share, and its drop", ROUNDS, start);

    let start = now();
    for _ in 0..ROUNDS {
        now();
    }
    report("now", ROUNDS, start);

    let mut times = Vec::new();
    for _ in 0..5_000 {
        let start = now();
        blocking(|| {}).await.expect("nothing panics");
        times.push(now().since(start));
    }
    percentiles("blocking, there and back", times);
}

fn lanes(how: &str, config: CoresConfig) {
    let how = how.to_owned();
    let done = run_cores(config, mesh("figures", 2, 1024), move |end: MeshEnd<Bytes>| {
        let how = how.clone();
        async move {
            let mut mesh = end.connect().await;
            let first = mesh.core() == CoreId(0);
            let lane = mesh.sender(CoreId(u16::from(first)));
            let (_, mut from_other) = mesh.take_receivers().pop().expect("one other core");
            let message = Bytes::from_static(b"ping");
            let mut times = Vec::new();
            for _ in 0..20_000 {
                if first {
                    let start = now();
                    lane.send(message.clone()).await.expect("the other core is there");
                    from_other.recv().await.expect("the other core answers");
                    times.push(now().since(start));
                } else {
                    let message = from_other.recv().await.expect("the other core asks");
                    lane.send(message).await.expect("the other core is there");
                }
            }
            if first {
                percentiles(&format!("lane, there and back, {how}"), times);
            }
            let start = now();
            for _ in 0..5 * ROUNDS {
                if first {
                    lane.send(message.clone()).await.expect("the other core is there");
                } else {
                    from_other.recv().await.expect("the other core sends");
                }
                yield_if_needed().await;
            }
            if !first {
                report(&format!("lane, one way, a message, {how}"), 5 * ROUNDS, start);
            }
        }
    });
    done.expect("two cores");
}

async fn disk(folder: PathBuf) {
    const SEGMENT: u64 = 64 << 20;
    const SIZE: usize = 64 << 10;
    let disk = DirectDisk::open(folder).await.expect("a folder on a disk");
    let file = disk.open(Path::new("figures"), OpenMode::Create).await.expect("a file");
    for pos in (0..SEGMENT).step_by(1 << 20) {
        let zeroes = IoBuf::alloc(1 << 20);
        zeroes.advance(1 << 20);
        file.write(zeroes, pos).await.expect("space");
    }
    file.sync().await.expect("a disk");
    let (mut writes, mut syncs) = (Vec::new(), Vec::new());
    for round in 0..2_000_u64 {
        let buf = IoBuf::alloc(SIZE);
        buf.advance(SIZE);
        let start = now();
        file.write(buf, round * SIZE as u64 % SEGMENT).await.expect("space");
        writes.push(now().since(start));
        let start = now();
        file.sync().await.expect("a disk");
        syncs.push(now().since(start));
    }
    percentiles("write of 64 KiB over old blocks", writes);
    percentiles("sync after it", syncs);
    file.close().await.expect("a disk");
    disk.remove_file(Path::new("figures")).await.expect("the file is there");
}

fn network() {
    let (addr, listeners) = bind("127.0.0.1:0".parse().expect("an address"), 1, 16).expect("a free port");
    let mut listeners = listeners.into_iter();
    let seats = vec![listeners.next(), None];
    let done = run_cores(config(2), seats, move |listener| async move {
        let mut buf = BytesMut::with_capacity(64 << 10);
        let mut times = Vec::new();
        match listener {
            Some(listener) => {
                let accepted = listener.attach().accept().await.expect("a client");
                let (mut read, mut write) = accepted.attach().expect("a connection");
                while read.read(&mut buf).await.expect("a client") > 0 {
                    if buf.len() >= 1024 {
                        write.write_parts(&mut [buf.split_to(1024).freeze()].into()).await.expect("a client");
                        buf.reserve(4096);
                    }
                }
            }
            None => {
                let (mut read, mut write) = connect(addr, Duration::from_secs(5)).await.expect("a server");
                for _ in 0..20_000 {
                    let start = now();
                    write.write_parts(&mut [Bytes::from_static(&[1; 1024])].into()).await.expect("a server");
                    while buf.len() < 1024 {
                        read.read(&mut buf).await.expect("a server");
                    }
                    buf.clear();
                    times.push(now().since(start));
                }
                percentiles("TCP, 1 KiB there and back", times);
            }
        }
    });
    done.expect("two cores");
}

fn simulation() {
    let sim = Sim::new(SimConfig::new(1));
    for _ in 0..100 {
        drop(sim.spawn_on(CoreId(0), async {
            for _ in 0..10_000 {
                sleep(Duration::from_micros(100)).await;
            }
        }));
    }
    let start = std::time::Instant::now();
    sim.run_until_idle();
    let each = start.elapsed().as_nanos() as f64 / sim.steps() as f64;
    println!("simulation, a step with a timer: {each:.1} ns");
}
