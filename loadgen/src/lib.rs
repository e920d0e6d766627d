//! Load for log brokers, and what it measures.
//!
//! So far a closed loop over blocking sockets ([`closed_loop`]), as plain as the yardstick that it is compared with: so
//! many connections, so many requests in flight on each, batches prepared beforehand, latency from the moment a request
//! was sent. Closed-loop latency hides stalls (a slow answer delays the requests after it); it is said beside each
//! figure.

pub mod closed_loop;
mod target;

pub use target::{Door, Target};
