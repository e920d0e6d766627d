//! The native client against real brokers.

mod administering;
mod balancing;
mod failing;
mod following;
mod moving;
mod poisoned;
mod producing;
mod reading;
mod refusing;
mod streams;
mod support;
