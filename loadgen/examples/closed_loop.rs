//! The first figures: produce and consume in a closed loop through either door.
//!
//! ```text
//! closed_loop DOOR KAFKA_ADDR [key=value ...]
//!   door      kafka | native
//!   native=ADDR  pid=PID  what=produce|consume  conns=8  flight=1  records=1000  bytes=1024  acks=-1  secs=3  reps=3
//!   relaxed=0|1
//! ```

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use loadgen::closed_loop::{Outcome, Shape, consume, produce};
use loadgen::{Door, Target};

fn argument<T: FromStr>(name: &str) -> Option<T> {
    std::env::args().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// Seconds of processor that a process has used.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn main() -> io::Result<()> {
    let usage = || io::Error::other("closed_loop DOOR KAFKA_ADDR [key=value ...]");
    let door = match std::env::args().nth(1).as_deref() {
        Some("kafka") => Door::Kafka,
        Some("native") => Door::Native,
        _ => return Err(usage()),
    };
    let kafka: SocketAddr = std::env::args().nth(2).and_then(|text| text.parse().ok()).ok_or_else(usage)?;
    let shape = Shape {
        connections: argument("conns").unwrap_or(8),
        in_flight: argument("flight").unwrap_or(1),
        records_per_batch: argument("records").unwrap_or(1_000),
        record_bytes: argument("bytes").unwrap_or(1_024),
        acks: argument("acks").unwrap_or(-1),
        warm_up: Duration::from_secs_f64(argument("warm").unwrap_or(1.0)),
        measured: Duration::from_secs_f64(argument("secs").unwrap_or(3.0)),
    };
    let what: String = argument("what").unwrap_or_else(|| "produce".to_owned());
    let pid: Option<u32> = argument("pid");
    let topic = format!("bench-{}", std::process::id());
    let max_bytes = (shape.records_per_batch * (shape.record_bytes + 70) + 1_000).max(1_048_588).to_string();
    let mut settings = vec![("max.message.bytes", max_bytes.as_str())];
    if argument::<u8>("relaxed") == Some(1) {
        settings.push(("corelane.durability", "relaxed"));
    }
    if argument::<u8>("flush") == Some(1) {
        settings.push(("flush.messages", "1"));
    }
    let partitions = argument("parts").unwrap_or(shape.connections);
    let target = Target::make(door, kafka, argument("native"), &topic, partitions, &settings)?;
    if what == "consume" {
        let fill = Shape { in_flight: 4, warm_up: Duration::ZERO, measured: Duration::from_secs(1), ..shape };
        produce(&target, fill)?;
    }
    for _ in 0..argument("reps").unwrap_or(3) {
        let before = pid.map_or(0.0, cpu_seconds);
        let outcome = match what.as_str() {
            "consume" => consume(&target, shape, argument("fetch").unwrap_or(1 << 20))?,
            _ => produce(&target, shape)?,
        };
        print(&what, &shape, &outcome, pid.map(|pid| cpu_seconds(pid) - before));
    }
    Ok(())
}

fn print(what: &str, shape: &Shape, outcome: &Outcome, cpu: Option<f64>) {
    let whole = shape.warm_up.as_secs_f64() + outcome.seconds;
    print!(
        "{what} {} B x {} conns={} flight={} acks={}: {:.0} MB/s, {:.0} requests/s, p50 {:.3} p99 {:.3} p99.9 {:.3} ms (closed loop)",
        shape.record_bytes,
        shape.records_per_batch,
        shape.connections,
        shape.in_flight,
        shape.acks,
        outcome.megabytes_per_second(),
        outcome.requests as f64 / outcome.seconds,
        outcome.quantile(0.5),
        outcome.quantile(0.99),
        outcome.quantile(0.999),
    );
    if let Some(cpu) = cpu {
        // The warm-up's work is in it too, so it is set against the whole time.
        let records = outcome.records as f64 / outcome.seconds * whole;
        let gigabytes = outcome.bytes as f64 / 1e9 / outcome.seconds * whole;
        print!(", server {:.2} CPU s/M records, {:.2} CPU s/GB", cpu / records * 1e6, cpu / gigabytes);
    }
    println!();
}
