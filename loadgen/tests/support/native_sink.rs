//! A server that speaks just enough of the native protocol to be produced to. It keeps nothing.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::Offset;
use wire::native::frame::{FrameBuilder, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    ApiKey, ErrorCode, Features, HelloReply, Incoming as _, Outgoing, ProduceReply, ProduceView, ProducedPartition,
};

/// A running server; its threads end with the process.
#[derive(Debug)]
pub(crate) struct NativeSink {
    pub(crate) address: SocketAddr,
    /// The most batches that one request had.
    pub(crate) batches_max: Arc<AtomicUsize>,
}

impl NativeSink {
    /// Holds each produce request back for a while, so that several batches gather for the next.
    pub(crate) fn start(holds: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let batches_max = Arc::new(AtomicUsize::new(0));
        let seen = batches_max.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                std::thread::spawn(move || serve(stream, holds, &seen));
            }
        });
        Ok(Self { address, batches_max })
    }
}

fn serve(mut stream: TcpStream, holds: Duration, seen: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let limits = Limits::default();
    loop {
        let mut frame = vec![0; PREFIX_BYTES];
        stream.read_exact(&mut frame)?;
        let prefix = peek(&frame, &limits).map_err(io::Error::other)?.expect("the prefix is whole");
        frame.resize(prefix.frame_bytes(), 0);
        stream.read_exact(&mut frame[PREFIX_BYTES..])?;
        let header = &frame[PREFIX_BYTES..PREFIX_BYTES + prefix.header_bytes()];
        prefix.check_header(header).map_err(io::Error::other)?;
        let answer = match prefix.api_key() {
            Some(ApiKey::Hello) => encode(&prefix, &hello()),
            Some(ApiKey::Produce) => {
                let request = ProduceView::open(header, prefix.payload_length()).map_err(io::Error::other)?;
                seen.fetch_max(request.len(), Ordering::Relaxed);
                std::thread::sleep(holds);
                let partitions: Vec<ProducedPartition<'_>> = request.partitions().map(|part| done(&part)).collect();
                encode(&prefix, &ProduceReply { partitions: &partitions, timings: None })
            }
            _ => return Err(io::Error::other("a request that the sink does not serve")),
        };
        stream.write_all(&answer)?;
    }
}

fn encode<M: Outgoing>(request: &FramePrefix, message: &M) -> Vec<u8> {
    let frame = FrameBuilder::new(Limits::default()).frame(request.correlation, message).expect("answers are small");
    frame.head.to_vec()
}

fn hello() -> HelloReply<'static> {
    HelloReply {
        software: "sink",
        version: "0",
        features: Features::NONE,
        cluster_id: "sink",
        broker: base::BrokerId(1),
        core: base::CoreId(0),
        core_count: 1,
        frame_bytes_max: 64 << 20,
        requests_in_flight_max: 1_000,
        core_endpoints: Vec::new(),
    }
}

fn done(part: &wire::native::ProducePartition) -> ProducedPartition<'static> {
    ProducedPartition {
        topic: part.topic,
        partition: part.partition,
        error: ErrorCode(0),
        base_offset: Some(Offset::ZERO),
        log_append_time: None,
        log_start_offset: None,
        message: None,
        core: None,
    }
}
