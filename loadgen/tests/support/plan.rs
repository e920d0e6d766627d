//! A load of one worker, for tests that look inside.

use std::net::SocketAddr;
use std::sync::Arc;

use loadgen::door::{Door, Route};
use loadgen::engine::{Clock, Pace, Plan};
use loadgen::record::{Checksum, KeyChoice, Payload, PayloadKind, RecordShape, SizeChoice};
use loadgen::schedule::{Placement, RateCurve};

const SECOND: f64 = 1e9;

/// Arrivals at a constant rate to four partitions, one request in flight a connection.
pub(crate) fn open_loop(address: SocketAddr, clock: Clock, rate: f64, seconds: f64, producers: u32) -> Plan {
    let start = clock.now() + 200_000_000;
    let end = start + (seconds * SECOND) as u64;
    let curve = Arc::new(RateCurve::constant(rate, seconds).expect("valid"));
    let route = Route {
        door: Door::Kafka,
        topic: "t".to_owned(),
        topic_id: None,
        addresses: vec![address],
        by_partition: vec![0; 4],
    };
    let records = RecordShape {
        sizes: SizeChoice::Fixed(100),
        keys: KeyChoice::None,
        payload: Arc::new(Payload::generated(PayloadKind::Random, 1)),
        checksum: Checksum::Written,
    };
    Plan {
        read_route: route.clone(),
        read_from: Vec::new(),
        route,
        partitions: 4,
        producers,
        producer_base: 0,
        producers_known: producers,
        pace: Pace::Open { curve, placement: Placement::Even, burst: 1 },
        acks: -1,
        in_flight: 1,
        batch_bytes: 256 << 10,
        batch_records: 100_000,
        // What comes due in seconds goes with the next request.
        request_bytes: 8 << 20,
        linger_ns: 0,
        codec: wire::Codec::None,
        repeats_batches: false,
        reconnect_every: 0,
        buffer_bytes: 8 << 20,
        headers: 0,
        header_bytes: 0,
        identities: Vec::new(),
        records,
        readers: 0,
        reader_connections: 1,
        fetch_bytes: 1 << 20,
        fetch_wait_ms: 100,
        run: 1,
        seed: 1,
        start,
        measure_from: start,
        measure_to: end,
        load_end: end,
        readers_from: 0,
        deadline: end + 30_000_000_000,
        handicap_ns: 0,
    }
}
