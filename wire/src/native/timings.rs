//! Where a request's time went.

use crate::generated::native as schema;

/// The parts that a request's time is split into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    Parse = 0,
    Queue = 1,
    CrossCore = 2,
    Append = 3,
    Flush = 4,
    Replicate = 5,
    Send = 6,
}

impl Stage {
    /// All of them, in the order in which a request passes them.
    pub const ALL: [Self; 7] =
        [Self::Parse, Self::Queue, Self::CrossCore, Self::Append, Self::Flush, Self::Replicate, Self::Send];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Queue => "queue",
            Self::CrossCore => "cross-core",
            Self::Append => "append",
            Self::Flush => "flush",
            Self::Replicate => "replicate",
            Self::Send => "send",
        }
    }

    /// `None` for a stage of a newer version.
    pub(super) fn from_schema(stage: schema::Stage) -> Option<Self> {
        Self::ALL.get(usize::from(stage.0)).copied()
    }

    pub(super) fn to_schema(self) -> schema::Stage {
        schema::Stage(self as u8)
    }
}

/// Microseconds that one request spent in each stage. Sending is over only after the answer has been written, so a broker
/// that cannot know it says 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimings([u32; 7]);

impl StageTimings {
    pub fn get(&self, stage: Stage) -> u32 {
        self.0[stage as usize]
    }

    pub fn set(&mut self, stage: Stage, microseconds: u32) {
        self.0[stage as usize] = microseconds;
    }

    /// The whole time, as far as it is known.
    pub fn total(&self) -> u64 {
        self.0.iter().copied().map(u64::from).sum()
    }

    pub(super) fn to_schema(self) -> schema::StageTimings {
        let [parse, queue, cross_core, append, flush, replicate, send] = self.0;
        schema::StageTimings::new(parse, queue, cross_core, append, flush, replicate, send)
    }

    pub(super) fn from_schema(timings: &schema::StageTimings) -> Self {
        Self([
            timings.parse_us(),
            timings.queue_us(),
            timings.cross_core_us(),
            timings.append_us(),
            timings.flush_us(),
            timings.replicate_us(),
            timings.send_us(),
        ])
    }
}
