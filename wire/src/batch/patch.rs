//! What the broker changes in a batch that it appends: 12 bytes that the CRC does not cover, and on some topics the
//! timestamps, for which the CRC is adjusted without reading the records again.

use base::{LeaderEpoch, Offset, Timestamp};

use super::Batch;
use super::crc;
use super::header::{Attributes, HEADER_BYTES, NO_TIMESTAMP, TimestampType, at, peek_size, put};

/// The changes to one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderPatch {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub timestamps: Option<TimestampPatch>,
}

/// Timestamps that differ from what the producer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampPatch {
    pub timestamp_type: TimestampType,
    pub max_timestamp: Option<Timestamp>,
}

impl Batch<'_> {
    /// A changed copy of the header, to be written before this batch's own [`payload`](Batch::payload): the received
    /// bytes stay as they are.
    pub fn patched_header(&self, patch: &HeaderPatch) -> [u8; HEADER_BYTES] {
        let mut header = *self.bytes().first_chunk().expect("a batch has a header");
        if let Some(timestamps) = patch.timestamps {
            patch_timestamps(&mut header, timestamps, self.payload().len());
        }
        patch_assignment(&mut header, patch.base_offset, patch.leader_epoch);
        header
    }
}

/// Gives one whole batch its place in the log. The CRC stays valid.
///
/// # Panics
/// When `batch` is shorter than a header.
pub fn assign(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    patch_assignment(header_of(batch).0, base_offset, leader_epoch);
}

/// Makes `time` the timestamp of all records of one whole batch. A CRC that matched still does.
///
/// # Panics
/// When `batch` is not one batch of just the size that it says.
pub fn set_log_append_time(batch: &mut [u8], time: Timestamp) {
    let timestamps = TimestampPatch { timestamp_type: TimestampType::LogAppendTime, max_timestamp: Some(time) };
    set_timestamps(batch, timestamps);
}

/// Corrects the largest timestamp that one whole batch claims, and makes its records keep their own. A CRC that
/// matched still does.
///
/// # Panics
/// When `batch` is not one batch of just the size that it says.
pub fn set_max_timestamp(batch: &mut [u8], max_timestamp: Option<Timestamp>) {
    set_timestamps(batch, TimestampPatch { timestamp_type: TimestampType::CreateTime, max_timestamp });
}

fn set_timestamps(batch: &mut [u8], timestamps: TimestampPatch) {
    assert_eq!(peek_size(batch), Some(batch.len()), "the CRC covers exactly one batch");
    let (header, payload_len) = header_of(batch);
    patch_timestamps(header, timestamps, payload_len);
}

fn header_of(batch: &mut [u8]) -> (&mut [u8; HEADER_BYTES], usize) {
    let payload_len = batch.len().saturating_sub(HEADER_BYTES);
    (batch.first_chunk_mut().expect("a batch has a header"), payload_len)
}

fn patch_assignment(header: &mut [u8; HEADER_BYTES], base_offset: Offset, leader_epoch: LeaderEpoch) {
    put(header, at::BASE_OFFSET, base_offset.to_wire().to_be_bytes());
    put(header, at::LEADER_EPOCH, leader_epoch.to_wire().to_be_bytes());
}

fn patch_timestamps(header: &mut [u8; HEADER_BYTES], timestamps: TimestampPatch, payload_len: usize) {
    let before = *header;
    let attributes = Attributes::from_bits(u16::from_be_bytes([before[at::ATTRIBUTES], before[at::ATTRIBUTES + 1]]));
    let attributes = attributes.with_timestamp_type(timestamps.timestamp_type);
    put(header, at::ATTRIBUTES, attributes.bits().to_be_bytes());
    let max_timestamp = timestamps.max_timestamp.map_or(NO_TIMESTAMP, Timestamp::to_wire);
    put(header, at::MAX_TIMESTAMP, max_timestamp.to_be_bytes());
    let stored = u32::from_be_bytes(*before[at::CRC..].first_chunk().expect("the field lies in the header"));
    let crc = crc::replace_front(stored, &before[at::ATTRIBUTES..], &header[at::ATTRIBUTES..], payload_len);
    put(header, at::CRC, crc.to_be_bytes());
}
