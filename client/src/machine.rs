//! What a client decides, without I/O: no clock, no async, no randomness but from seeds that are passed in.
//!
//! | machine | decides |
//! |---|---|
//! | [`connection::ConnectionCore`] | what a connection's bytes mean, and when its peer is taken for dead |
//! | [`metadata::MetadataCache`] | where partitions are, and when to ask again |
//! | [`partitioner::Partitioner`] | which partition a record goes to |
//! | [`accumulator::Accumulator`] | which records make a batch, and how much memory they may take |
//! | [`producer::ProducerCore`] | which batch is sent where and when, and what became of it |
//! | [`consumer::ConsumerCore`] | which streams are open, with how much credit, and where each reader stands |
//!
//! A driver feeds events and the time into `step`, performs the actions that come out, and calls again by the time that
//! `next_wakeup` names. Nothing here knows which runtime that is.

pub mod accumulator;
pub mod backoff;
pub mod connection;
pub mod consumer;
pub mod metadata;

pub mod partitioner;
pub mod producer;

pub mod refusal;
pub mod route;
