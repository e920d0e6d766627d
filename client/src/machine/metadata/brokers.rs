//! Where brokers are.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base::{BrokerId, CoreId};

use crate::machine::route::Destination;

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    Socket(SocketAddr),
    /// A name has to be looked up first.
    Name {
        host: Arc<str>,
        port: u16,
    },
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self::Socket(addr)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(addr) => addr.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// The brokers that have answered, and what they said about their cores.
#[derive(Debug, Default)]
pub struct Brokers {
    brokers: BTreeMap<BrokerId, Broker>,
}

#[derive(Debug)]
struct Broker {
    /// Where it was reached: serves any core.
    reached_at: SocketAddr,
    cores: Vec<Address>,
}

impl Brokers {
    /// A broker was reached at an address and greeted.
    pub fn reached<'a>(
        &mut self,
        broker: BrokerId,
        addr: SocketAddr,
        core_endpoints: impl Iterator<Item = (&'a str, u16)>,
    ) {
        self.brokers.insert(broker, Broker { reached_at: addr, cores: Vec::new() });
        self.learn(broker, core_endpoints);
    }

    /// A broker said where its cores listen. Nothing is learned of a broker that was never reached.
    pub fn learn<'a>(&mut self, broker: BrokerId, core_endpoints: impl Iterator<Item = (&'a str, u16)>) {
        if let Some(broker) = self.brokers.get_mut(&broker) {
            let reached_at = broker.reached_at;
            broker.cores = core_endpoints.map(|(host, port)| address(host, port, reached_at)).collect();
        }
    }

    pub fn knows(&self, broker: BrokerId) -> bool {
        self.brokers.contains_key(&broker)
    }

    /// The core's own address, or the broker's if its cores have none.
    pub fn address(&self, destination: Destination) -> Option<Address> {
        let broker = self.brokers.get(&destination.broker)?;
        let core = broker.cores.get(destination.core.as_usize()).cloned();
        Some(core.unwrap_or(Address::Socket(broker.reached_at)))
    }

    /// Some core of each broker that has answered.
    pub fn all(&self) -> impl Iterator<Item = Destination> {
        self.brokers.keys().map(|broker| Destination { broker: *broker, core: CoreId(0) })
    }
}

/// A broker that listens on all its addresses doesn't know which of them reaches it from here: the one that did.
fn address(host: &str, port: u16, reached_at: SocketAddr) -> Address {
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Address::Socket(SocketAddr::new(reached_at.ip(), port)),
        Ok(ip) => Address::Socket(SocketAddr::new(ip, port)),
        Err(_) if host.is_empty() => Address::Socket(SocketAddr::new(reached_at.ip(), port)),
        Err(_) => Address::Name { host: host.into(), port },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(core: u16) -> Destination {
        Destination { broker: BrokerId(1), core: CoreId(core) }
    }

    #[test]
    fn each_core_is_reached_at_its_own_address_and_others_at_the_brokers() {
        let mut brokers = Brokers::default();
        let reached_at: SocketAddr = "192.0.2.7:9000".parse().unwrap();
        assert_eq!(brokers.address(destination(0)), None);
        let endpoints = [("0.0.0.0", 1), ("::", 2), ("198.51.100.1", 3), ("broker.example", 4), ("", 5)];
        brokers.reached(BrokerId(1), reached_at, endpoints.into_iter());
        let spelled: Vec<_> = (0..6).map(|core| brokers.address(destination(core)).unwrap().to_string()).collect();
        let expected =
            ["192.0.2.7:1", "192.0.2.7:2", "198.51.100.1:3", "broker.example:4", "192.0.2.7:5", "192.0.2.7:9000"];
        assert_eq!(spelled, expected);
    }

    #[test]
    fn nothing_is_learned_of_a_broker_that_was_never_reached() {
        let mut brokers = Brokers::default();
        brokers.learn(BrokerId(1), [("198.51.100.1", 3)].into_iter());
        assert!(!brokers.knows(BrokerId(1)));
    }
}
