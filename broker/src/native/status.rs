//! The broker's own figures.

use std::rc::Rc;

use base::CoreId;
use wire::native::{BrokerStatusReply, CoreStatus as WireStatus, StageStatus};

use super::connection::{Arrived, Connection};
use crate::core::Core;
use crate::messages::{CoreStatus, Reply, Request};
use crate::metrics::{processor_time, resident_bytes};

pub(super) fn broker_status(connection: &Rc<Connection>, arrived: &Arrived) {
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let cores = gather(&worker.core).await;
        let reply = BrokerStatusReply {
            uptime_ms: u64::try_from(worker.core.shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cpu_ms: processor_time().map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
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
        troubles: status.troubles,
    }
}
