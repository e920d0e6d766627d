//! The HTTP door: what is no request for it, too large, too slow, or one too many.

use std::io::{self, Write};
use std::time::Duration;

use tests::http::{connect, get, response};

use crate::case::{Answer, Case, Door, Seen, Setup, case, end_of};

/// As the broker has it.
const CONNECTIONS_MAX: usize = 16;

/// A case that is answered with a status.
fn refused(
    name: &'static str,
    sent: &'static str,
    status: u16,
    told: &'static str,
    bytes: impl Fn() -> Vec<u8> + 'static,
) -> Case {
    case(name, Door::Http, sent, Answer::Told(told), move |setup| {
        let mut stream = connect(setup.broker.http)?;
        stream.write_all(&bytes())?;
        answered(&mut stream, status, told)
    })
}

fn answered(stream: &mut std::net::TcpStream, status: u16, told: &'static str) -> io::Result<Seen> {
    let seen = response(stream)?;
    if seen.status != status || !seen.head.contains("Connection: close") {
        return Err(io::Error::other(seen.head));
    }
    Ok(Seen::Told(told))
}

pub(crate) fn cases() -> Vec<Case> {
    let lines = |line: &'static str| move || format!("{line}\r\n\r\n").into_bytes();
    let mut cases = vec![
        refused("random bytes instead of HTTP", "64 zero bytes", 400, "400 Bad Request", || vec![0; 64]),
        refused("Kafka on the HTTP port", "a Metadata request", 400, "400 Bad Request", || {
            crate::frames::frame(3, 0, &[0; 4])
        }),
        refused("TLS on the HTTP port", "a TLS 1.x handshake record", 400, "400 Bad Request", || {
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()
        }),
        refused(
            "unknown version of HTTP",
            "`GET /metrics HTTP/2.0`",
            505,
            "505 HTTP Version Not Supported",
            lines("GET /metrics HTTP/2.0"),
        ),
        refused(
            "another method",
            "`POST /metrics HTTP/1.1`",
            405,
            "405 Method Not Allowed",
            lines("POST /metrics HTTP/1.1"),
        ),
        refused(
            "unknown path",
            "`GET /../etc/passwd HTTP/1.1`",
            404,
            "404 Not Found",
            lines("GET /../etc/passwd HTTP/1.1"),
        ),
        refused("headers without end", "9 KiB of one header", 431, "431 Request Header Fields Too Large", || {
            format!("GET /metrics HTTP/1.1\r\nX: {}", "y".repeat(9 << 10)).into_bytes()
        }),
        refused("too many headers", "100 headers", 431, "431 Request Header Fields Too Large", || {
            format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100)).into_bytes()
        }),
    ];
    cases.extend(slow());
    cases
}

fn slow() -> Vec<Case> {
    let late = "408 Request Timeout, after 5 s";
    let closed = "the 17th is closed; the door serves again once they are gone";
    vec![
        case("an HTTP request a byte at a time", Door::Http, "a byte every 200 ms", Answer::Told(late), move |setup| {
            let mut stream = connect(setup.broker.http)?;
            let request = format!("GET /metrics HTTP/1.1\r\nX: {}", "y".repeat(100));
            let mut peeked = [0];
            stream.set_read_timeout(Some(Duration::from_millis(200)))?;
            for byte in request.bytes() {
                stream.write_all(&[byte])?;
                match stream.peek(&mut peeked) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(1..) => {
                        // What was sent after the answer may reset the connection once the answer has been read.
                        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
                        return answered(&mut stream, 408, late);
                    }
                    other => return Err(io::Error::other(format!("{other:?}"))),
                }
            }
            Err(io::Error::other("the broker waited for all of it"))
        }),
        case("half an HTTP request", Door::Http, "half a request, then the end", Answer::Told("closed"), |setup| {
            let mut stream = connect(setup.broker.http)?;
            stream.write_all(b"GET /met")?;
            stream.shutdown(std::net::Shutdown::Write)?;
            assert_eq!(end_of(&mut stream)?, Seen::Closed);
            Ok(Seen::Told("closed"))
        }),
        case("too many HTTP connections", Door::Http, "17 silent connections", Answer::Told(closed), move |setup| {
            too_many(setup)?;
            Ok(Seen::Told(closed))
        }),
    ]
}

fn too_many(setup: &Setup) -> io::Result<()> {
    let silent: Vec<_> = (0..CONNECTIONS_MAX).map(|_| connect(setup.broker.http)).collect::<io::Result<_>>()?;
    // They are accepted in their order, and the first of them gets its answer only after 5 s.
    assert_eq!(end_of(&mut connect(setup.broker.http)?)?, Seen::Closed);
    drop(silent);
    for _ in 0..1_000 {
        if get(setup.broker.http, "/healthz").is_ok_and(|response| response.body == "alive\n") {
            let metrics = tests::metrics::Metrics::scrape(setup.broker.http);
            assert!(metrics.value("corelane_http_connections_refused_total", &[]) >= 1.0);
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("the door stays closed"))
}
