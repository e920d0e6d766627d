//! One connection: requests go out, their answers come back in the same order.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use wire::gather::Gather;
use wire::kafka::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use wire::kafka::{ApiKey, Message as _, Reader, Request, ResponseHeader, VersionRange, frame};

use super::error::KafkaError;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Longer than any request of ours asks a broker to wait.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(40);
/// Largest answer that is believed.
const FRAME_BYTES_MAX: usize = 256 << 20;
const CLIENT_ID: &str = "corelane-cli";
/// Tagged feature lists differ from version to version; every broker of the last years knows this one.
const API_VERSIONS_VERSION: i16 = 3;
const UNSUPPORTED_VERSION: i16 = 35;

/// A request that waits for its answer.
struct Pending {
    correlation: i32,
    api: ApiKey,
    version: i16,
}

pub(crate) struct Connection {
    stream: TcpStream,
    broker: String,
    /// What both sides know, by API; an API that is missing is not served.
    versions: Vec<(ApiKey, VersionRange)>,
    next_correlation: i32,
    pending: VecDeque<Pending>,
    out: Gather,
    parts: Vec<bytes::Bytes>,
}

/// An answer's frame, header included.
pub(crate) struct Answer {
    api: ApiKey,
    version: i16,
    bytes: Vec<u8>,
    body: usize,
}

impl Answer {
    pub(crate) fn version(&self) -> i16 {
        self.version
    }

    pub(crate) fn body(&self) -> Reader<'_> {
        Reader::new(&self.bytes[self.body..])
    }
}

impl Connection {
    /// Connects to `host:port` and learns what the broker serves.
    pub(crate) fn open(broker: &str) -> Result<Self, KafkaError> {
        let stream = connect(broker).map_err(|source| KafkaError::Connect { broker: broker.to_owned(), source })?;
        let mut connection = Self {
            stream,
            broker: broker.to_owned(),
            versions: Vec::new(),
            next_correlation: 0,
            pending: VecDeque::new(),
            out: Gather::new(),
            parts: Vec::new(),
        };
        connection.negotiate()?;
        Ok(connection)
    }

    pub(crate) fn broker(&self) -> &str {
        &self.broker
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Requests that wait for their answers.
    pub(crate) fn in_flight(&self) -> usize {
        self.pending.len()
    }

    fn negotiate(&mut self) -> Result<(), KafkaError> {
        let not_kafka = |broker: &str, what: &dyn std::fmt::Display| KafkaError::NotKafka {
            broker: broker.to_owned(),
            what: what.to_string(),
        };
        let request = ApiVersionsRequest {
            client_software_name: CLIENT_ID.to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        self.send_as(API_VERSIONS_VERSION, &request)?;
        let mut spare = Vec::new();
        let answer = self.receive(&mut spare).map_err(|error| match error {
            KafkaError::Lost { source, .. } => not_kafka(&self.broker, &source),
            other => other,
        })?;
        // A broker that lacks the version answers in version 0, beginning with the error.
        let is_old = answer.body().rest().starts_with(&UNSUPPORTED_VERSION.to_be_bytes());
        let version = if is_old { 0 } else { API_VERSIONS_VERSION };
        let decoded = ApiVersionsResponse::decode(&mut answer.body(), version);
        let decoded = decoded.map_err(|error| not_kafka(&self.broker, &error))?;
        for served in &decoded.api_keys {
            let Some(api) = ApiKey::from_key(served.api_key) else { continue };
            let known = known_versions(api);
            let both = VersionRange { min: known.min.max(served.min_version), max: known.max.min(served.max_version) };
            self.versions.push((api, both));
        }
        match decoded.error_code {
            0 | UNSUPPORTED_VERSION => Ok(()),
            code => {
                let broker = self.broker.clone();
                Err(KafkaError::Refused {
                    broker,
                    api: ApiKey::ApiVersions,
                    topic: None,
                    partition: None,
                    code,
                    message: None,
                })
            }
        }
    }

    /// The newest version of an API that both sides know.
    pub(crate) fn version_of(&self, api: ApiKey) -> Result<i16, KafkaError> {
        let known = self.versions.iter().find(|(key, _)| *key == api).map(|(_, range)| *range);
        match known {
            Some(range) if range.min <= range.max => Ok(range.max),
            _ => {
                let theirs = known.map_or("none".to_owned(), |_| "others".to_owned());
                let ours = known_versions(api).to_string();
                Err(KafkaError::Version { broker: self.broker.clone(), api, theirs, ours })
            }
        }
    }

    /// Sends a request in the version agreed on. Its answer comes after those of the requests before.
    pub(crate) fn send<R: Request>(&mut self, request: &R) -> Result<(), KafkaError> {
        let version = self.version_of(R::API)?;
        self.send_as(version, request)
    }

    /// Sends a request that has no answer, as Produce with `acks=0`.
    pub(crate) fn send_unanswered<R: Request>(&mut self, request: &R) -> Result<(), KafkaError> {
        self.send(request)?;
        self.pending.pop_back();
        Ok(())
    }

    fn send_as<R: Request>(&mut self, version: i16, request: &R) -> Result<(), KafkaError> {
        let correlation = self.next_correlation;
        self.next_correlation = self.next_correlation.wrapping_add(1);
        frame::write_request(&mut self.out, version, correlation, Some(CLIENT_ID), request)?;
        self.parts.clear();
        self.out.finish_into(&mut self.parts);
        let written = self.parts.iter().try_for_each(|part| self.stream.write_all(part));
        self.parts.clear();
        written.map_err(|source| self.lost(R::API, source))?;
        self.pending.push_back(Pending { correlation, api: R::API, version });
        Ok(())
    }

    /// Waits for the next answer. `spare` is a buffer to use; it is given back by [`Connection::recycle`].
    pub(crate) fn receive(&mut self, spare: &mut Vec<u8>) -> Result<Answer, KafkaError> {
        let Pending { correlation, api, version } =
            self.pending.pop_front().expect("an answer is awaited only after a request");
        let mut bytes = std::mem::take(spare);
        self.read_frame(&mut bytes).map_err(|source| self.lost(api, source))?;
        let mut reader = Reader::new(&bytes);
        let header = ResponseHeader::decode(&mut reader, api, version)
            .map_err(|error| KafkaError::answer(&self.broker, api, &error))?;
        if header.correlation_id != correlation {
            let what = format!("it answers request {}, and {correlation} is the next", header.correlation_id);
            return Err(KafkaError::Answer { broker: self.broker.clone(), api, what });
        }
        let body = reader.position();
        Ok(Answer { api, version, bytes, body })
    }

    /// Gives an answer's buffer back for the next one.
    pub(crate) fn recycle(answer: Answer, spare: &mut Vec<u8>) {
        *spare = answer.bytes;
    }

    fn read_frame(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut length = [0; frame::LENGTH_BYTES];
        self.stream.read_exact(&mut length)?;
        let length = frame::peek_length(&length, FRAME_BYTES_MAX).map_err(io::Error::other)?;
        let length = length.expect("four bytes are a whole length");
        // What the peer claims is taken as it comes, not set aside at once.
        bytes.clear();
        let read = (&mut self.stream).take(length as u64).read_to_end(bytes)?;
        match read == length {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Sends a request and waits for its answer. Nothing else may be in flight.
    pub(crate) fn ask<R: Request>(&mut self, request: &R) -> Result<R::Response, KafkaError> {
        assert!(self.pending.is_empty(), "{} requests are in flight", self.pending.len());
        self.send(request)?;
        let answer = self.receive(&mut Vec::new())?;
        self.decode::<R>(&answer)
    }

    pub(crate) fn decode<R: Request>(&self, answer: &Answer) -> Result<R::Response, KafkaError> {
        let mut reader = answer.body();
        let decoded = R::Response::decode(&mut reader, answer.version).and_then(|message| {
            reader.finish()?;
            Ok(message)
        });
        decoded.map_err(|error| KafkaError::answer(&self.broker, answer.api, &error))
    }

    fn lost(&self, api: ApiKey, source: io::Error) -> KafkaError {
        let source = match source.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(source.kind(), "the broker closed it"),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                let what = format!("no answer within {} s", ANSWER_TIME_MAX.as_secs());
                io::Error::new(io::ErrorKind::TimedOut, what)
            }
            _ => source,
        };
        KafkaError::Lost { broker: self.broker.clone(), api, source }
    }
}

/// In later versions topics are named by their ids, which brings nothing here.
fn known_versions(api: ApiKey) -> VersionRange {
    let handled = api.versions_handled();
    let max = match api {
        ApiKey::Produce => 11,
        ApiKey::Fetch => 12,
        ApiKey::OffsetCommit | ApiKey::OffsetFetch => 9,
        _ => handled.max,
    };
    VersionRange { min: handled.min, max: handled.max.min(max) }
}

fn connect(broker: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in rt::net::resolve(broker)? {
        match TcpStream::connect_timeout(&address, CONNECT_TIME_MAX) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
                stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
