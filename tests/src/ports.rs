//! Ports for brokers that are started again at the address they had.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};

/// Leaves alone what services of the system use.
const FIRST: u16 = 10_240;
/// Linux's default.
const EPHEMERAL: u16 = 32_768;

/// The first of so many free ports in a row. None of them is one that the system hands out by itself: while the broker
/// is down, a client's connection could get it, even one to that very port, and then nobody can listen there.
pub fn free_ports(count: u16) -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let given = range.split_whitespace().next().and_then(|first| first.parse().ok());
    let end = given.filter(|end| *end > FIRST + count).unwrap_or(EPHEMERAL);
    let starts = u64::from(end - FIRST - count);
    loop {
        let start = FIRST + u16::try_from(RandomState::new().build_hasher().finish() % starts).expect("below a port");
        let bound: Result<Vec<_>, _> =
            (start..start + count).map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).collect();
        if bound.is_ok() {
            return start;
        }
    }
}
