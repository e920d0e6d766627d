//! Load for log brokers that says what it measured, through Corelane's door and Kafka's.
//!
//! A [`schedule`] decides when each record is due before the run begins; latency counts from then, so that a broker
//! that stalls cannot hide it by holding the load back. [`health`] judges the generator by its own lag, and [`verify`]
//! what came out of the broker.

pub mod compare;
pub mod door;
pub mod echo;
pub mod engine;
pub mod health;
pub mod host;
pub mod knee;
pub mod latency;
mod number;
pub mod record;
pub mod report;
pub mod result;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod sink;
pub mod verify;
