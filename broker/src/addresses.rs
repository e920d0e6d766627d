//! Where a broker listens, and where it tells clients to connect.

use std::net::SocketAddr;

use rt::net::{BindError, BoundListener};

use crate::config::{Advertised, Config};
use crate::lanes::{Grouping, Lanes};
use crate::limits;
use crate::server::ServeError;
use crate::view::Endpoint;

pub(crate) const BACKLOG: u32 = 1_024;

/// The lanes' listeners: of each core that is in one, as all of them are, or none where there are no lanes.
pub(crate) type LaneListeners = Vec<BoundListener>;

/// Binds each lane's port for the lane's cores.
pub(crate) fn bind_lanes(config: &Config, cores: u16) -> Result<Option<(Lanes, LaneListeners)>, ServeError> {
    let lanes = config.kafka_lanes;
    if lanes == 0 {
        return Ok(None);
    }
    if lanes > cores {
        let text = format!("kafka.lanes is {lanes}, but there are {cores} cores: a lane has one core at least");
        return Err(ServeError::Cores(text));
    }
    let grouping = Grouping::new(cores, lanes);
    let mut endpoints = Vec::new();
    let mut listeners = Vec::new();
    for lane in 0..lanes {
        let address = nth_port(config.kafka_lanes_listen, lane)
            .ok_or_else(|| ServeError::Cores(format!("kafka.lanes_listen leaves no port for lane {lane}")))?;
        let (bound, its) = rt::net::bind(address, grouping.cores_of(lane).len(), BACKLOG)?;
        endpoints.push(advertised(config.kafka_lanes_advertise.as_ref(), bound, lane));
        listeners.extend(its);
    }
    let lanes = Lanes::new(config.node_id, grouping, endpoints).ok_or_else(|| {
        let text = format!(
            "node.id {} is too large for kafka.lanes: node ids of lanes begin at 1,000 times it",
            config.node_id
        );
        ServeError::Cores(text)
    })?;
    Ok(Some((lanes, listeners)))
}

/// Port 0 stands for any free one.
fn nth_port(first: SocketAddr, number: u16) -> Option<SocketAddr> {
    let port = if first.port() == 0 { 0 } else { first.port().checked_add(number)? };
    Some(SocketAddr::new(first.ip(), port))
}

/// The HTTP door's listener, which one core has; `None` for no such door.
pub(crate) fn bind_http(config: &Config) -> Result<Option<(SocketAddr, BoundListener)>, BindError> {
    let Some(address) = config.http_listen else { return Ok(None) };
    match rt::net::bind(address, 1, limits::HTTP_BACKLOG) {
        Ok((bound, mut one)) => Ok(one.pop().map(|listener| (bound, listener))),
        // Nobody has asked for this address, and clients can be served without it.
        Err(error @ BindError::InUse { .. }) if !config.is_given("http.listen") => {
            tracing::warn!(%error, "there is no HTTP door for metrics and health: set http.listen, or to off");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// One listener a core: on ports that follow one another, or on any free ones.
pub(crate) fn bind_native(first: SocketAddr, cores: u16) -> Result<(Vec<SocketAddr>, Vec<BoundListener>), ServeError> {
    let mut addresses = Vec::new();
    let mut listeners = Vec::new();
    for core in 0..cores {
        let address = nth_port(first, core)
            .ok_or_else(|| ServeError::Cores(format!("native.listen leaves no port for core {core}")))?;
        let (bound, mut one) = rt::net::bind(address, 1, BACKLOG)?;
        addresses.push(bound);
        listeners.append(&mut one);
    }
    Ok((addresses, listeners))
}

pub(crate) fn advertised(setting: Option<&Advertised>, bound: SocketAddr, core: u16) -> Endpoint {
    match setting {
        Some(Advertised { host, port }) => {
            let port = port.map_or(bound.port(), |port| port.saturating_add(core));
            Endpoint { host: host.clone(), port }
        }
        None if bound.ip().is_unspecified() => Endpoint { host: host_name(), port: bound.port() },
        None => Endpoint { host: bound.ip().to_string(), port: bound.port() },
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
