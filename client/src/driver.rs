//! The machines on one of `rt`'s executors.

pub(crate) mod admin;
mod calls;
mod client;
mod connection;
pub(crate) mod consumer;
mod control;
mod pool;
pub(crate) mod producer;
mod stop;

pub use client::Client;
