//! Connections that are slow, silent, too many, or never read: both doors.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base::{Offset, PartitionIndex};
use tests::kafka::{Client, fetch_request};
use tests::native::{frame_of, hello};
use wire::native::{FetchData, FetchOpen, FetchOpened, StreamId};

use crate::BULK;
use crate::case::{Answer, Case, Door, Seen, Setup, case, end_of};

const REQUEST_TIME: &str = "connections.request_time_max";
const IDLE: &str = "connections.idle";

/// Longer than the impatient broker's times by far, shorter than the patient one's.
const WRITE_STOPS: Duration = Duration::from_secs(2);

fn impatient(setup: &Setup, door: Door) -> SocketAddr {
    if door == Door::Native { setup.impatient.native } else { setup.impatient.kafka }
}

fn both(
    name: &'static str,
    sent: &'static str,
    expected: Answer,
    run: impl Fn(&Setup, Door) -> io::Result<Seen> + 'static,
) -> Case {
    case(name, Door::Both, sent, expected, move |setup| {
        let seen = run(setup, Door::Kafka)?;
        assert_eq!(run(setup, Door::Native)?, seen, "the doors differ");
        Ok(seen)
    })
}

/// A good request of the door.
fn request(door: Door) -> Vec<u8> {
    match door {
        Door::Native => frame_of(&hello(), &[]),
        // All topics, in the oldest version.
        Door::Kafka | Door::Both | Door::Http => crate::frames::frame(3, 0, &[0; 4]),
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = silence();
    cases.extend(floods());
    cases
}

fn silence() -> Vec<Case> {
    vec![
        both("no request at all", "nothing", Answer::ClosedAfter(IDLE), |setup, door| {
            end_of(&mut TcpStream::connect(impatient(setup, door))?)
        }),
        both("silence after an answer", "one request", Answer::ClosedAfter(IDLE), |setup, door| {
            let mut stream = TcpStream::connect(impatient(setup, door))?;
            stream.write_all(&request(door))?;
            skip_answer(&mut stream, door)?;
            end_of(&mut stream)
        }),
        both("half a length", "2 bytes, then nothing", Answer::ClosedAfter(REQUEST_TIME), |setup, door| {
            let mut stream = TcpStream::connect(impatient(setup, door))?;
            stream.write_all(&request(door)[..2])?;
            end_of(&mut stream)
        }),
        both("half a frame", "a request without its last byte", Answer::ClosedAfter(REQUEST_TIME), |setup, door| {
            let mut stream = TcpStream::connect(impatient(setup, door))?;
            let request = request(door);
            stream.write_all(&request[..request.len() - 1])?;
            end_of(&mut stream)
        }),
        both("a byte at a time", "a byte every 20 ms", Answer::ClosedAfter(REQUEST_TIME), |setup, door| {
            let mut stream = TcpStream::connect(impatient(setup, door))?;
            stream.set_read_timeout(Some(Duration::from_millis(20)))?;
            let long = crate::frames::frame(3, 4, &[0; 4_000]);
            let endless = if door == Door::Native { endless_native() } else { long };
            for byte in endless {
                if stream.write_all(&[byte]).is_err() {
                    return Ok(Seen::Closed);
                }
                match end_of(&mut stream) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    other => return other,
                }
            }
            Err(io::Error::other("the broker waited for all of it"))
        }),
        both(
            "a frame cut off by the client's end",
            "half a request, then the end",
            Answer::Told("closed"),
            |setup, door| {
                let mut stream = TcpStream::connect(setup.address(door))?;
                stream.write_all(&request(door)[..6])?;
                stream.shutdown(std::net::Shutdown::Write)?;
                assert_eq!(end_of(&mut stream)?, Seen::Closed);
                Ok(Seen::Told("closed"))
            },
        ),
    ]
}

/// A frame of a large header, of which a byte at a time brings little.
fn endless_native() -> Vec<u8> {
    tests::native::raw_frame(2, 1, 0, &[0; 4_000], &[])
}

fn skip_answer(stream: &mut TcpStream, door: Door) -> io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = if door == Door::Native { u32::from_le_bytes(length) } else { u32::from_be_bytes(length) };
    stream.read_exact(&mut vec![0; length as usize])
}

fn floods() -> Vec<Case> {
    let stops = "the broker stops reading: back-pressure";
    let waits = "answered in turn, within `memory.answers`";
    vec![
        both(
            "too many connections",
            "20 connections where 8 are allowed",
            Answer::Closed("connections.max is reached"),
            too_many,
        ),
        both("answers that nobody reads", "requests without end", Answer::Told(stops), move |setup, door| {
            let outcome = flood(setup.address(door), &request(door))?;
            assert_eq!(outcome, Flood::Stopped);
            Ok(Seen::Told(stops))
        }),
        both(
            "answers that nobody reads, for long",
            "requests without end",
            Answer::ClosedAfter(REQUEST_TIME),
            |setup, door| match flood(impatient(setup, door), &request(door))? {
                Flood::Closed => Ok(Seen::Closed),
                other => Err(io::Error::other(format!("{other:?}"))),
            },
        ),
        case(
            "large fetches that nobody reads",
            Door::Kafka,
            "24 fetches of 8 MiB from disk",
            Answer::Told(waits),
            move |setup| {
                unread_fetches(setup)?;
                Ok(Seen::Told(waits))
            },
        ),
        case(
            "streams that nobody reads",
            Door::Native,
            "48 streams with credit for 4 GiB each",
            Answer::Told(waits),
            move |setup| {
                unread_streams(setup)?;
                Ok(Seen::Told(waits))
            },
        ),
    ]
}

fn too_many(setup: &Setup, door: Door) -> io::Result<Seen> {
    let address = if door == Door::Native { setup.narrow.native } else { setup.narrow.kafka };
    let mut kept = Vec::new();
    let mut refused = 0;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address)?;
        // Whoever is refused may learn of it while sending.
        let answered = stream.write_all(&request(door)).and_then(|()| skip_answer(&mut stream, door));
        match answered {
            Ok(()) => kept.push(stream),
            Err(_) => refused += 1,
        }
    }
    assert_eq!((kept.len(), refused), (8, 12));
    drop(kept);
    // There is room again, as soon as the broker has noticed.
    for _ in 0..500 {
        let mut stream = TcpStream::connect(address)?;
        if stream.write_all(&request(door)).and_then(|()| skip_answer(&mut stream, door)).is_ok() {
            drop(stream);
            wait_for_no_connections(address, door)?;
            return Ok(Seen::Closed);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("no connection is accepted any more"))
}

/// So that the other door finds all places free.
fn wait_for_no_connections(address: SocketAddr, door: Door) -> io::Result<()> {
    for _ in 0..500 {
        let mut all = Vec::new();
        for _ in 0..8 {
            let mut stream = TcpStream::connect(address)?;
            if stream.write_all(&request(door)).and_then(|()| skip_answer(&mut stream, door)).is_ok() {
                all.push(stream);
            }
        }
        if all.len() == 8 {
            drop(all);
            std::thread::sleep(Duration::from_millis(200));
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("closed connections are still counted"))
}

#[derive(Debug, PartialEq, Eq)]
enum Flood {
    /// Nothing more could be written for a while.
    Stopped,
    Closed,
    /// The broker took more than any client has in flight.
    Endless,
}

/// Sends one request again and again without reading an answer.
fn flood(address: SocketAddr, request: &[u8]) -> io::Result<Flood> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(WRITE_STOPS))?;
    let many: Vec<u8> = request.iter().copied().cycle().take(request.len() * 1_000).collect();
    let mut sent = 0;
    while sent < 256 << 20 {
        match stream.write(&many[sent % request.len()..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Flood::Stopped),
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
                return Ok(Flood::Closed);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Flood::Endless)
}

fn unread_fetches(setup: &Setup) -> io::Result<()> {
    let mut clients = Vec::new();
    let mut request = fetch_request(BULK, 0, 0, 0);
    request.max_bytes = 8 << 20;
    request.topics[0].partitions[0].partition_max_bytes = 8 << 20;
    for _ in 0..24 {
        let mut client = setup.kafka()?;
        for _ in 0..2 {
            client.send(12, &request)?;
        }
        clients.push(client);
    }
    std::thread::sleep(Duration::from_secs(1));
    for client in &mut clients {
        for _ in 0..2 {
            let response = client.receive::<wire::kafka::fetch::FetchRequest>(12)?;
            let data = &response.responses[0].partitions[0];
            assert_eq!(data.error_code, 0);
            let records = data.records.as_ref().map(|records| records.to_vec()).unwrap_or_default();
            assert!(wire::batch::batches(&records).next().is_some_and(|batch| batch.is_ok()), "an empty answer");
        }
    }
    Ok(())
}

fn unread_streams(setup: &Setup) -> io::Result<()> {
    let (topic, _) = setup.native()?.topic(BULK)?;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = setup.native()?;
        for stream in 0..6 {
            client.send(&FetchOpen {
                stream: StreamId(stream),
                topic,
                partition: PartitionIndex(0),
                offset: Offset::ZERO,
                credit_bytes: u32::MAX,
                frame_bytes_max: 4 << 20,
            })?;
        }
        clients.push(client);
    }
    std::thread::sleep(Duration::from_secs(1));
    for client in &mut clients {
        let (mut opened, mut data) = (0, 0);
        while opened < 6 || data < 6 {
            let frame = client.receive()?;
            if frame.open::<FetchOpened>().is_ok() && frame.payload.is_empty() {
                opened += 1;
            } else {
                frame.open::<FetchData>()?;
                data += 1;
            }
        }
    }
    Ok(())
}

/// Of the whole process, after all cases.
pub(crate) fn works(setup: &Setup) -> io::Result<()> {
    let mut client: Client = setup.kafka()?;
    let batch = crate::batches::good(3, wire::batch::BatchOptions::default());
    let produced = client.produce(crate::TOPIC, 1, &batch)?;
    assert_eq!(produced.error_code, 0);
    let fetched = client.fetch(crate::TOPIC, 1, produced.base_offset, 0)?;
    let (read, _) = wire::batch::Batch::parse(&fetched.records).map_err(io::Error::other)?;
    assert_eq!(read.payload(), &batch[wire::batch::HEADER_BYTES..]);
    let mut native = setup.native()?;
    assert_eq!(native.topic(crate::TOPIC)?.0, setup.topic);
    Ok(())
}
