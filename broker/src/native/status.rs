//! The broker's own figures.

use std::rc::Rc;

use base::CoreId;
use wire::native::{BrokerStatusReply, CoreStatus as WireStatus, StageStatus};

use super::connection::{Arrived, Connection};
use crate::core::Core;
use crate::messages::{CoreStatus, Reply, Request};

/// Ticks of the kernel's clock in a second, as /proc counts them: 100 on every Linux.
const TICKS_PER_SECOND: u64 = 100;
const PAGE_BYTES: u64 = 4_096;

pub(super) fn broker_status(connection: &Rc<Connection>, arrived: &Arrived) {
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let cores = gather(&worker.core).await;
        let reply = BrokerStatusReply {
            uptime_ms: u64::try_from(worker.core.shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cpu_ms: cpu_milliseconds().unwrap_or(0),
            resident_bytes: resident_bytes().unwrap_or(0),
            connections: cores.iter().map(|(_, status)| status.connections).sum(),
            partitions: cores.iter().map(|(_, status)| status.partitions).sum(),
            cores: cores.into_iter().map(|(core, status)| to_wire(core, status)).collect(),
        };
        worker.reply(correlation, &reply);
    });
}

async fn gather(core: &Rc<Core>) -> Vec<(CoreId, CoreStatus)> {
    let mut gathered = Vec::new();
    for other in CoreId::all(core.cores()) {
        if other == core.id {
            gathered.push((other, core.status()));
        } else if let Ok(Reply::Status(status)) = core.call(other, Request::Status).await {
            gathered.push((other, *status));
        }
    }
    gathered
}

fn to_wire(core: CoreId, status: CoreStatus) -> WireStatus {
    let short = |microseconds: u64| u32::try_from(microseconds).unwrap_or(u32::MAX);
    let stages = status.stages.into_iter().map(|(stage, summary)| StageStatus {
        stage,
        count: summary.count,
        p50_us: short(summary.p50),
        p90_us: short(summary.p90),
        p99_us: short(summary.p99),
        p999_us: short(summary.p999),
        max_us: short(summary.max),
    });
    WireStatus {
        core,
        connections: status.connections,
        partitions: status.partitions,
        stages: stages.collect(),
        direct: status.hops.direct,
        crossed: status.hops.crossed,
    }
}

/// Time of the processor that this process has used, in the kernel and outside.
fn cpu_milliseconds() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may hold anything, and ends with the last parenthesis.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks * 1_000 / TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE_BYTES)
}
