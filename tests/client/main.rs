//! The native client against real brokers.

mod administering;
mod failing;
mod producing;
mod reading;
mod streams;
mod support;
