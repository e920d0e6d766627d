//! Frames of the native protocol, and every message in them.

use wire::batch::crc;
use wire::native::frame::{FrameBuilder, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{
    ApiKey, BrokerStatusReply, BrokerStatusRequest, CorrelationId, CreatePartitionsReply, CreatePartitionsRequest,
    CreateTopicsReply, CreateTopicsRequest, DeleteTopicsReply, DeleteTopicsRequest, DescribeTopicReply,
    DescribeTopicRequest, ErrorReply, FetchClose, FetchData, FetchEnded, FetchGrant, FetchOpen, FetchOpened, Hello,
    HelloReply, Incoming, InitProducerReply, InitProducerRequest, ListOffsetsReply, ListOffsetsRequest,
    ListPartitionsReply, ListPartitionsRequest, MetadataReply, MetadataRequest, MovePartitionReply,
    MovePartitionRequest, Outgoing, Payload, ProducePartition, ProduceReply, ProduceReplyView, ProduceRequest,
    ProduceView, ProducedPartition, Role,
};

use crate::target::{Target, Verdict, bounded};

pub(crate) const FRAME: Target = Target { run: frame, seal, input_bytes_max: 64 << 10, inputs: 60_000 };

const CONSTANT: usize = 8 << 10;
const PER_BYTE: usize = 24;

/// Opens a header, writes the message, opens that.
macro_rules! round {
    ($message:ident, $header:expr) => {{
        let header: &[u8] = $header;
        match bounded(header.len(), CONSTANT, PER_BYTE, || $message::open(header, 0)) {
            Err(_) => Verdict::Refused,
            Ok(message) => {
                if let Some(bytes) = written(&message) {
                    assert_eq!($message::open(&bytes, 0).expect("what we write can be read"), message);
                }
                Verdict::Accepted
            }
        }
    }};
}

/// The prefix's lengths and checksum.
fn seal(input: &mut [u8]) {
    if input.len() < PREFIX_BYTES {
        return;
    }
    let length = |bytes: usize| u32::try_from(bytes).expect("inputs are small").to_le_bytes();
    let rest = input.len() - PREFIX_BYTES;
    let claimed = u32::from_le_bytes([input[4], input[5], input[6], input[7]]) as usize;
    let carries = matches!(input[20], 3 | 5) && claimed < rest;
    let header = if carries { claimed & !7 } else { rest & !7 };
    let payload = if carries { rest - header } else { 0 };
    let total = length(PREFIX_BYTES - 4 + header + payload);
    input[0..4].copy_from_slice(&total);
    input[4..8].copy_from_slice(&length(header));
    input[8..12].copy_from_slice(&length(payload));
    input[12..14].copy_from_slice(&0xC101_u16.to_le_bytes());
    input[28..32].fill(0);
    let sum = crc::append(crc::crc32c(&input[..24]), &input[PREFIX_BYTES..PREFIX_BYTES + header]);
    input[24..28].copy_from_slice(&sum.to_le_bytes());
}

fn frame(input: &[u8]) -> Verdict {
    let limits = Limits::new(1 << 20);
    let Ok(Some(prefix)) = peek(input, &limits) else { return Verdict::Refused };
    if input.len() < prefix.frame_bytes() {
        return Verdict::Refused;
    }
    let header = &input[PREFIX_BYTES..PREFIX_BYTES + prefix.header_bytes()];
    if prefix.check_header(header).is_err() {
        return Verdict::Refused;
    }
    if prefix.role == Role::Error {
        return error(&prefix, header);
    }
    let Some(api) = prefix.api_key() else { return Verdict::Refused };
    match (api, prefix.role) {
        (ApiKey::Hello, Role::Request) => round!(Hello, header),
        (ApiKey::Hello, Role::Reply) => round!(HelloReply, header),
        (ApiKey::Metadata, Role::Request) => round!(MetadataRequest, header),
        (ApiKey::Metadata, Role::Reply) => round!(MetadataReply, header),
        (ApiKey::Produce, Role::Request) => produce(header, prefix.payload_length()),
        (ApiKey::Produce, Role::Reply) => produced(header),
        (ApiKey::FetchOpen, Role::Request) => round!(FetchOpen, header),
        (ApiKey::FetchOpen, Role::Reply) => round!(FetchOpened, header),
        (ApiKey::FetchData, Role::Push) => round!(FetchData, header),
        (ApiKey::FetchGrant, Role::Request) => round!(FetchGrant, header),
        (ApiKey::FetchClose, Role::Request) => round!(FetchClose, header),
        (ApiKey::FetchEnded, Role::Push) => round!(FetchEnded, header),
        (ApiKey::ListOffsets, Role::Request) => round!(ListOffsetsRequest, header),
        (ApiKey::ListOffsets, Role::Reply) => round!(ListOffsetsReply, header),
        (ApiKey::CreateTopics, Role::Request) => round!(CreateTopicsRequest, header),
        (ApiKey::CreateTopics, Role::Reply) => round!(CreateTopicsReply, header),
        (ApiKey::DeleteTopics, Role::Request) => round!(DeleteTopicsRequest, header),
        (ApiKey::DeleteTopics, Role::Reply) => round!(DeleteTopicsReply, header),
        (ApiKey::CreatePartitions, Role::Request) => round!(CreatePartitionsRequest, header),
        (ApiKey::CreatePartitions, Role::Reply) => round!(CreatePartitionsReply, header),
        (ApiKey::DescribeTopic, Role::Request) => round!(DescribeTopicRequest, header),
        (ApiKey::DescribeTopic, Role::Reply) => round!(DescribeTopicReply, header),
        (ApiKey::InitProducer, Role::Request) => round!(InitProducerRequest, header),
        (ApiKey::InitProducer, Role::Reply) => round!(InitProducerReply, header),
        (ApiKey::BrokerStatus, Role::Request) => round!(BrokerStatusRequest, header),
        (ApiKey::BrokerStatus, Role::Reply) => round!(BrokerStatusReply, header),
        (ApiKey::ListPartitions, Role::Request) => round!(ListPartitionsRequest, header),
        (ApiKey::ListPartitions, Role::Reply) => round!(ListPartitionsReply, header),
        (ApiKey::MovePartition, Role::Request) => round!(MovePartitionRequest, header),
        (ApiKey::MovePartition, Role::Reply) => round!(MovePartitionReply, header),
        _ => Verdict::Refused,
    }
}

/// The header of a message as we write it; `None` when it is beyond what we send.
fn written<M: Outgoing>(message: &M) -> Option<Vec<u8>> {
    let frame = FrameBuilder::new(Limits::default()).frame(CorrelationId(7), message).ok()?;
    Some(frame.head[PREFIX_BYTES..].to_vec())
}

fn error(prefix: &FramePrefix, header: &[u8]) -> Verdict {
    let opened = bounded(header.len(), CONSTANT, PER_BYTE, || ErrorReply::open(header));
    let Ok(reply) = opened else { return Verdict::Refused };
    if let Ok(frame) = FrameBuilder::new(Limits::default()).error(prefix, &reply) {
        assert_eq!(ErrorReply::open(&frame.head[PREFIX_BYTES..]).expect("what we write can be read"), reply);
    }
    Verdict::Accepted
}

fn produce(header: &[u8], payload: u32) -> Verdict {
    let opened = bounded(header.len(), CONSTANT, PER_BYTE, || ProduceView::open(header, payload));
    let Ok(view) = opened else { return Verdict::Refused };
    let partitions: Vec<ProducePartition> = view.partitions().collect();
    assert!(partitions.iter().all(|partition| partition.segment.range().end <= payload as usize));
    let request = ProduceRequest { acks: view.acks(), timeout_ms: view.timeout_ms(), partitions: &partitions };
    let mut pieces = Payload::default();
    pieces.push(vec![0; payload as usize].into()).expect("within the limit");
    let frame = FrameBuilder::new(Limits::default()).frame_with_payload(CorrelationId(7), &request, pieces);
    if let Ok(frame) = frame {
        let again = ProduceView::open(&frame.head[PREFIX_BYTES..], payload).expect("what we write can be read");
        assert_eq!((again.acks(), again.timeout_ms()), (view.acks(), view.timeout_ms()));
        assert!(again.partitions().eq(partitions.iter().copied()));
    }
    Verdict::Accepted
}

fn produced(header: &[u8]) -> Verdict {
    let opened = bounded(header.len(), CONSTANT, PER_BYTE, || ProduceReplyView::open(header, 0));
    let Ok(view) = opened else { return Verdict::Refused };
    let partitions: Vec<ProducedPartition<'_>> = view.partitions().collect();
    if let Some(bytes) = written(&ProduceReply { partitions: &partitions, timings: view.timings() }) {
        let again = ProduceReplyView::open(&bytes, 0).expect("what we write can be read");
        assert!(again.partitions().eq(partitions.iter().copied()));
    }
    Verdict::Accepted
}
