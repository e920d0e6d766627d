//! What a case is: bytes or a request, and the one answer that is right.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base::TopicId;
use tests::broker::Broker;
use wire::ErrorCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Kafka,
    Native,
    Both,
    Http,
}

/// What a client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One of Kafka's codes, over both doors.
    Error(ErrorCode),
    /// The connection is closed at once; these words are in the broker's log.
    Closed(&'static str),
    /// Nothing is said; the connection is closed after the time of this setting.
    ClosedAfter(&'static str),
    /// Something else, in words.
    Told(&'static str),
}

/// What a case's run has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Error(ErrorCode),
    Closed,
    Told(&'static str),
}

pub(crate) type Run = Box<dyn Fn(&Setup) -> io::Result<Seen>>;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) door: Door,
    pub(crate) sent: &'static str,
    pub(crate) expected: Answer,
    pub(crate) run: Run,
}

/// Brokers and topics that the cases use.
pub(crate) struct Setup {
    pub(crate) broker: Broker,
    /// Its times are short.
    pub(crate) impatient: Broker,
    /// Its connections are few.
    pub(crate) narrow: Broker,
    /// [`TOPIC`](crate::TOPIC) of the first broker.
    pub(crate) topic: TopicId,
}

pub(crate) fn case(
    name: &'static str,
    door: Door,
    sent: &'static str,
    expected: Answer,
    run: impl Fn(&Setup) -> io::Result<Seen> + 'static,
) -> Case {
    Case { name, door, sent, expected, run: Box::new(run) }
}

impl Setup {
    pub(crate) fn kafka(&self) -> io::Result<tests::kafka::Client> {
        tests::kafka::Client::connect(self.broker.kafka)
    }

    pub(crate) fn native(&self) -> io::Result<tests::native::Client> {
        tests::native::Client::greeted(self.broker.native)
    }

    pub(crate) fn address(&self, door: Door) -> SocketAddr {
        match door {
            Door::Kafka | Door::Both => self.broker.kafka,
            Door::Native => self.broker.native,
            Door::Http => self.broker.http,
        }
    }

    fn logs(&self) -> String {
        self.broker.log() + &self.impatient.log() + &self.narrow.log()
    }
}

impl Case {
    /// Runs the case and says what is not as expected.
    pub(crate) fn check(&self, setup: &Setup) -> Result<(), String> {
        let before = setup.logs().matches(self.words()).count();
        let seen = (self.run)(setup);
        let is_right = match (&seen, self.expected) {
            (Ok(Seen::Error(seen)), Answer::Error(expected)) => *seen == expected,
            (Ok(Seen::Told(seen)), Answer::Told(expected)) => *seen == expected,
            (Ok(Seen::Closed), Answer::Closed(_) | Answer::ClosedAfter(_)) => true,
            _ => false,
        };
        if !is_right {
            return Err(format!("{}: {seen:?} instead of {}", self.name, self.expected));
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.expected, Answer::Closed(_)) && setup.logs().matches(self.words()).count() <= before {
            if Instant::now() > deadline {
                return Err(format!("{}: {:?} is not in the log", self.name, self.words()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn words(&self) -> &'static str {
        match self.expected {
            Answer::Closed(words) => words,
            _ => "\u{0}",
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kafka => "Kafka",
            Self::Native => "native",
            Self::Both => "both",
            Self::Http => "HTTP",
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(code) => write!(f, "error {} `{}`", code.code(), code.name()),
            Self::Closed(words) => write!(f, "closed; the log says \"{words}\""),
            Self::ClosedAfter(setting) => write!(f, "nothing; closed after `{setting}`"),
            Self::Told(what) => f.write_str(what),
        }
    }
}

/// Waits for the end of a connection and says so; anything that comes before is an error.
pub(crate) fn end_of(stream: &mut impl io::Read) -> io::Result<Seen> {
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(0) => Ok(Seen::Closed),
        Ok(_) => Err(io::Error::other("an answer where none should be")),
        // Closed with bytes of ours still unread.
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            Ok(Seen::Closed)
        }
        Err(error) => Err(error),
    }
}

/// Sends bytes and waits for the end of the connection.
pub(crate) fn closes(address: SocketAddr, bytes: &[u8]) -> io::Result<Seen> {
    let mut client = tests::kafka::Client::connect(address)?;
    match client.send_raw(bytes) {
        Ok(()) => end_of(client.stream()),
        // It was closed while we were still sending.
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            Ok(Seen::Closed)
        }
        Err(error) => Err(error),
    }
}
