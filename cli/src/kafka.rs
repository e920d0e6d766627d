//! A small blocking client of the Kafka protocol, on our own codec: what the commands need, for Corelane and for Apache
//! Kafka alike.
//!
//! Requests are pipelined on one connection a leader; versions are negotiated; leaders are found by metadata and asked at
//! the address that they advertise.

mod admin;
mod assignment;
mod cluster;
mod configs;
mod connection;
mod error;
mod group_offsets;
mod groups;
mod waiting_since;

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub(crate) use admin::{CreateOutcome, DeleteOutcome};
pub(crate) use assignment::Assignment;
pub(crate) use cluster::{Cluster, Leader, OffsetQuery, PartitionMetadata, TopicMetadata, TopicPartition, leader_of};
pub(crate) use configs::{ConfigChange, Execution, TopicSetting};
pub(crate) use connection::{Answer, Connection};
pub(crate) use error::KafkaError;
pub(crate) use group_offsets::Committed;
pub(crate) use groups::{GroupDescription, GroupMember, ListedGroup};
pub(crate) use waiting_since::Unread;

/// Which of the streams have something to read, or have ended; waits for the first one.
pub(crate) fn readable(streams: &[&TcpStream], wait: Duration) -> io::Result<Vec<usize>> {
    let mut polled: Vec<PollFd<'_>> = streams.iter().map(|stream| PollFd::new(stream, PollFlags::IN)).collect();
    let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
    match poll(&mut polled, Some(&wait)) {
        Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
        other => other?,
    };
    let ready = polled.iter().enumerate().filter(|(_, polled)| !polled.revents().is_empty());
    Ok(ready.map(|(index, _)| index).collect())
}
