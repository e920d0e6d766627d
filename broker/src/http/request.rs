//! A request's head: its method and its path; nothing else of it matters here.

use super::answer::Answer;
use crate::limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    /// The answer's head alone.
    Head,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Metrics,
    Health,
    Ready,
    Unknown,
}

impl Path {
    pub(super) const ALL: [Self; 4] = [Self::Metrics, Self::Health, Self::Ready, Self::Unknown];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metrics => "/metrics",
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::Unknown => "other",
        }
    }

    fn of(target: &str) -> Self {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        Self::ALL.into_iter().find(|known| known.name() == path).unwrap_or(Self::Unknown)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: Path,
}

/// A request that is refused without a look at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    NotHttp,
    UnknownVersion,
    NotGet,
    TooLarge,
    TooSlow,
}

impl Malformed {
    pub(super) fn answer(self) -> Answer {
        let (status, text) = match self {
            Self::NotHttp => ("400 Bad Request", "this is no HTTP request"),
            Self::UnknownVersion => ("505 HTTP Version Not Supported", "HTTP/1.0 and HTTP/1.1 are spoken here"),
            Self::NotGet => ("405 Method Not Allowed", "GET and HEAD are answered here"),
            Self::TooLarge => ("431 Request Header Fields Too Large", "the request's head is too large"),
            Self::TooSlow => ("408 Request Timeout", "the request did not arrive whole in time"),
        };
        Answer::text(status, format!("{text}\n"))
    }
}

/// Reads the front of what has arrived; `None` until it is whole.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Request>, Malformed> {
    let mut headers = [httparse::EMPTY_HEADER; limits::HTTP_HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::TooLarge),
        Err(httparse::Error::Version) => return Err(Malformed::UnknownVersion),
        Err(_) => return Err(Malformed::NotHttp),
    }
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => return Err(Malformed::NotGet),
    };
    let path = request.path.map_or(Path::Unknown, Path::of);
    Ok(Some(Request { method, path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9644\r\nUser-Agent: Prometheus/3.5.0\r\n\
                          Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n\r\n";

    #[test]
    fn a_scrape_is_understood_once_it_is_whole() {
        for end in 0..SCRAPE.len() {
            assert_eq!(parse(&SCRAPE.as_bytes()[..end]), Ok(None), "{end}");
        }
        let request = Request { method: Method::Get, path: Path::Metrics };
        assert_eq!(parse(SCRAPE.as_bytes()), Ok(Some(request)));
    }

    #[test]
    fn methods_and_paths_are_told_apart() {
        let parsed = |line: &str| parse(format!("{line}\r\n\r\n").as_bytes());
        let is = |method, path| Ok(Some(Request { method, path }));
        assert_eq!(parsed("HEAD /healthz HTTP/1.0"), is(Method::Head, Path::Health));
        assert_eq!(parsed("GET /readyz?verbose HTTP/1.1"), is(Method::Get, Path::Ready));
        for other in ["/", "/metrics/", "/Metrics", "//metrics", "/other", "other", "*", "http://host/metrics"] {
            assert_eq!(parsed(&format!("GET {other} HTTP/1.1")), is(Method::Get, Path::Unknown), "{other}");
        }
        assert_eq!(parsed("POST /metrics HTTP/1.1"), Err(Malformed::NotGet));
        assert_eq!(parsed("get /metrics HTTP/1.1"), Err(Malformed::NotGet));
    }

    #[test]
    fn what_is_no_request_is_refused_and_never_panics() {
        assert_eq!(parse(b"GET /metrics HTTP/2.0\r\n\r\n"), Err(Malformed::UnknownVersion));
        assert_eq!(parse(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Err(Malformed::NotHttp), "TLS");
        assert_eq!(parse(b"\x00\x00\x00\x17\x00\x12\x00\x03"), Err(Malformed::NotHttp), "Kafka");
        let many = "X-Y: z\r\n".repeat(limits::HTTP_HEADERS_MAX + 1);
        assert_eq!(parse(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()), Err(Malformed::TooLarge));
        for (at, bit) in (0..SCRAPE.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = SCRAPE.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            // Whatever comes of it.
            let _ = parse(&bytes);
        }
    }
}
