//! A plain, blocking client of the native door: it can also say what no real client says.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use wire::batch::crc;
use wire::native::frame::{FrameBuilder, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    CorrelationId, ErrorReply, Features, FetchEnded, Hello, HelloReply, Incoming, Message, MetadataReply,
    MetadataRequest, Outgoing, Payload, Role, TopicSelection,
};

/// Marks a frame: bytes 12 and 13.
pub const MAGIC: u16 = 0xC101;

pub struct Client {
    stream: TcpStream,
    limits: Limits,
}

/// What the broker sent.
pub struct Frame {
    pub prefix: FramePrefix,
    pub header: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Client {
    /// Connects without a greeting.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, limits: Limits::default() })
    }

    /// Connects and greets.
    pub fn greeted(address: SocketAddr) -> io::Result<Self> {
        let mut client = Self::connect(address)?;
        client.send(&hello())?;
        client.receive()?.open::<HelloReply<'_>>()?;
        Ok(client)
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn send<M: Outgoing>(&mut self, message: &M) -> io::Result<()> {
        self.send_raw(&frame_of(message, &[]))
    }

    pub fn receive(&mut self) -> io::Result<Frame> {
        let mut bytes = vec![0; PREFIX_BYTES];
        self.stream.read_exact(&mut bytes)?;
        let prefix = peek(&bytes, &self.limits).map_err(io::Error::other)?.expect("the prefix is whole");
        let mut header = vec![0; prefix.header_bytes()];
        self.stream.read_exact(&mut header)?;
        prefix.check_header(&header).map_err(io::Error::other)?;
        let mut payload = vec![0; prefix.payload_bytes()];
        self.stream.read_exact(&mut payload)?;
        Ok(Frame { prefix, header, payload })
    }

    /// Id of a topic, and the core of each of its partitions.
    pub fn topic(&mut self, name: &str) -> io::Result<(base::TopicId, Vec<base::CoreId>)> {
        self.send(&MetadataRequest { selection: TopicSelection::Named(vec![name]), page_partitions_max: None })?;
        let frame = self.receive()?;
        let reply: MetadataReply<'_> = frame.open()?;
        let topic = reply.topics.first().ok_or_else(|| io::Error::other("an empty answer"))?;
        let id = topic.id.ok_or_else(|| io::Error::other("an unknown topic"))?;
        Ok((id, topic.partitions.iter().map(|partition| partition.core).collect()))
    }
}

impl Frame {
    pub fn open<'a, M: Incoming<'a>>(&'a self) -> io::Result<M> {
        if let Some(code) = self.error_code() {
            return Err(io::Error::other(crate::kafka::code(code).name()));
        }
        if self.prefix.api_key() != Some(M::API) || self.prefix.role != M::ROLE {
            if let Ok(FetchEnded { error, message, .. }) = FetchEnded::open(&self.header, 0)
                && self.prefix.api_key() == Some(FetchEnded::API)
            {
                let why = format!("the stream ended with {error:?} ({message:?}), no {:?} came", M::API);
                return Err(io::Error::other(why));
            }
            return Err(io::Error::other(format!("a frame of {:?}, not {:?}", self.prefix.api_key(), M::API)));
        }
        let length = u32::try_from(self.payload.len()).expect("frames are limited");
        M::open(&self.header, length).map_err(io::Error::other)
    }

    /// The code of an answer that the request failed as a whole.
    pub fn error_code(&self) -> Option<i16> {
        let error = (self.prefix.role == Role::Error).then(|| ErrorReply::open(&self.header));
        error.map(|reply| reply.expect("the broker's errors can be read").code.0)
    }
}

pub fn hello() -> Hello<'static> {
    Hello { software: "tests", version: "1", wanted_features: Features::NONE }
}

/// The bytes of a frame.
pub fn frame_of<M: Outgoing>(message: &M, payload: &[u8]) -> Vec<u8> {
    let mut pieces = Payload::default();
    if !payload.is_empty() {
        pieces.push(Bytes::copy_from_slice(payload)).expect("payloads of tests are small");
    }
    let frame = FrameBuilder::new(Limits::default()).frame_with_payload(CorrelationId(7), message, pieces);
    frame.expect("messages of tests are small").pieces().flat_map(|piece| piece.iter().copied()).collect()
}

/// A frame with any numbers in its prefix, and the checksum that belongs to them.
pub fn raw_frame(api: u16, version: u16, flags: u16, header: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).expect("frames of tests are small");
    let mut frame = Vec::with_capacity(PREFIX_BYTES + header.len() + payload.len());
    frame.extend_from_slice(&length(PREFIX_BYTES - 4 + header.len() + payload.len()).to_le_bytes());
    frame.extend_from_slice(&length(header.len()).to_le_bytes());
    frame.extend_from_slice(&length(payload.len()).to_le_bytes());
    frame.extend_from_slice(&MAGIC.to_le_bytes());
    frame.extend_from_slice(&flags.to_le_bytes());
    frame.extend_from_slice(&7_u32.to_le_bytes());
    frame.extend_from_slice(&api.to_le_bytes());
    frame.extend_from_slice(&version.to_le_bytes());
    let checksum = crc::append(crc::crc32c(&frame), header);
    frame.extend_from_slice(&checksum.to_le_bytes());
    frame.extend_from_slice(&0_u32.to_le_bytes());
    frame.extend_from_slice(header);
    frame.extend_from_slice(payload);
    frame
}
