//! The scenarios that come with the program, from `loadgen/scenarios`.

/// A scenario that was compiled in.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(Embedded { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),*]
    };
}

/// By name, in the order in which they are listed.
pub const ALL: &[Embedded] = embedded![
    "single-record-latency",
    "small-batches",
    "large-batches",
    "keyed-1k",
    "fan-out-5",
    "backlog-drain",
    "catch-up",
    "bursts",
    "connection-churn",
    "idle-partitions-1000",
    "idle-partitions-10000",
    "omb-1-topic-1-partition-1kb",
    "omb-1-topic-16-partitions-1kb",
    "omb-1-topic-100-partitions-1kb-4p-4c",
    "omb-1-topic-1-partition-100b",
    "omb-max-rate-1-topic-16-partitions-1kb",
];

pub fn find(name: &str) -> Option<Embedded> {
    ALL.iter().copied().find(|embedded| embedded.name == name)
}
