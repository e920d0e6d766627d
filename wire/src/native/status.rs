//! How a broker is doing.

use base::CoreId;

use super::message::{Builder, Incoming, Message, MessageError, Outgoing, root};
use super::{ApiKey, Role, Stage};
use crate::generated::native as schema;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerStatusRequest;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerStatusReply {
    pub uptime_ms: u64,
    /// Processor time of the process, of all its threads.
    pub cpu_ms: u64,
    pub resident_bytes: u64,
    pub connections: u32,
    pub partitions: u32,
    pub cores: Vec<CoreStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreStatus {
    pub core: CoreId,
    pub connections: u32,
    pub partitions: u32,
    pub stages: Vec<StageStatus>,
    /// Appends and reads of partitions of this core that its connections asked for.
    pub direct: u64,
    /// As `direct`, of partitions of other cores.
    pub crossed: u64,
    /// What somebody should look after, a sentence each. None from a broker of an earlier version.
    pub troubles: Vec<String>,
}

/// Percentiles of one stage on one core, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageStatus {
    pub stage: Stage,
    pub count: u64,
    pub p50_us: u32,
    pub p90_us: u32,
    pub p99_us: u32,
    pub p999_us: u32,
    pub max_us: u32,
}

impl StageStatus {
    fn to_schema(self) -> schema::StageStatus {
        let Self { stage, count, p50_us, p90_us, p99_us, p999_us, max_us } = self;
        schema::StageStatus::new(count, p50_us, p90_us, p99_us, p999_us, max_us, stage.to_schema())
    }

    /// `None` for a stage of a newer version.
    fn from_schema(status: &schema::StageStatus) -> Option<Self> {
        Some(Self {
            stage: Stage::from_schema(status.stage())?,
            count: status.count(),
            p50_us: status.p50_us(),
            p90_us: status.p90_us(),
            p99_us: status.p99_us(),
            p999_us: status.p999_us(),
            max_us: status.max_us(),
        })
    }
}

impl Message for BrokerStatusRequest {
    const API: ApiKey = ApiKey::BrokerStatus;
    const ROLE: Role = Role::Request;
}

impl Outgoing for BrokerStatusRequest {
    fn encode(&self, builder: &mut Builder<'_>) {
        let root = schema::BrokerStatusRequest::create(builder, &schema::BrokerStatusRequestArgs {});
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for BrokerStatusRequest {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        root::<schema::BrokerStatusRequest<'_>>(header).map(|_| Self)
    }
}

impl Message for BrokerStatusReply {
    const API: ApiKey = ApiKey::BrokerStatus;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for BrokerStatusReply {
    fn encode(&self, builder: &mut Builder<'_>) {
        let cores: Vec<_> = self
            .cores
            .iter()
            .map(|status| {
                let CoreStatus { core, connections, partitions, stages, direct, crossed, troubles } = status;
                let troubles: Vec<_> = troubles.iter().map(|trouble| builder.create_string(trouble)).collect();
                let stages = builder.create_vector_from_iter(stages.iter().map(|stage| stage.to_schema()));
                let args = schema::CoreStatusArgs {
                    core: core.0,
                    connections: *connections,
                    partitions: *partitions,
                    stages: Some(stages),
                    direct: *direct,
                    crossed: *crossed,
                    troubles: Some(builder.create_vector(&troubles)),
                };
                schema::CoreStatus::create(builder, &args)
            })
            .collect();
        let args = schema::BrokerStatusReplyArgs {
            uptime_ms: self.uptime_ms,
            cpu_ms: self.cpu_ms,
            resident_bytes: self.resident_bytes,
            connections: self.connections,
            partitions: self.partitions,
            cores: Some(builder.create_vector(&cores)),
        };
        let root = schema::BrokerStatusReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for BrokerStatusReply {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::BrokerStatusReply<'_>>(header)?;
        let core = |status: schema::CoreStatus<'_>| CoreStatus {
            core: CoreId(status.core()),
            connections: status.connections(),
            partitions: status.partitions(),
            stages: status.stages().iter().filter_map(StageStatus::from_schema).collect(),
            direct: status.direct(),
            crossed: status.crossed(),
            troubles: status.troubles().iter().flatten().map(str::to_owned).collect(),
        };
        Ok(Self {
            uptime_ms: reply.uptime_ms(),
            cpu_ms: reply.cpu_ms(),
            resident_bytes: reply.resident_bytes(),
            connections: reply.connections(),
            partitions: reply.partitions(),
            cores: reply.cores().iter().map(core).collect(),
        })
    }
}
