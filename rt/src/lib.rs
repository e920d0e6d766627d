//! The one place that touches the runtime: executors, task queues, timers, files, sockets, and lanes between cores.
//!
//! One executor runs on each core, on one thread; nothing is shared between cores but messages. This crate offers few
//! and plain things and no policy, on either of two backends that a thread has: glommio, or the deterministic world of
//! [`sim`]. What is written against it runs on both.
//!
//! glommio 0.9 has faults that would end or stall a broker. Each is avoided here, once, and has a test that is named
//! after what its users would have seen.

mod backend;
mod blocking;
mod buffer;
mod descriptors;
mod disk;
mod executor;
mod gate;
mod lane;
pub mod net;
mod notify;
mod preflight;
mod queue_time;
mod relay;
pub mod sim;
mod slices;
mod stop;
mod task;
mod task_stalls;
mod time;
mod volume;
pub mod warm;
mod watchdog;

pub use blocking::{BlockingPanicked, blocking};
pub use buffer::{BLOCK_BYTES, IoBuf};
pub use descriptors::{is_short_of_descriptors, raise_descriptor_limit};
pub use disk::{
    DirEntry, DirectDisk, Disk, DiskError, DiskFile, DiskFuture, DiskOperations, DiskStalls, OpenMode,
    REPLACING_SUFFIX, StalledOperation, WatchedDisk,
};
pub use executor::{CoresConfig, CpuPlacement, PREEMPT_TIMER_MIN, RunError, online_cpus, run_cores, run_one};
pub use gate::{Gate, GateClosed, Pass};
pub use lane::{LaneClosed, LaneReceiver, LaneRefused, LaneSender, Mesh, MeshEnd, mesh};
pub use notify::{Flag, FlagWait, Notified, Notify};
pub use preflight::{PreflightError, preflight};
pub use queue_time::{processor_time, queue_time};
pub use slices::Slices;
pub use stop::{StopSignal, Stopped};
pub use task::{JoinHandle, TaskQueue, TaskQueueSpec, core, entropy, spawn, yield_if_needed, yield_now};
pub use task_stalls::{QueueStalls, TaskStall, stalled_tasks, task_stalls};
pub use time::{Elapsed, Sleep, now, sleep, sleep_until, timeout, wall_clock};
pub use volume::{Volume, volume_of};
pub use watchdog::{Stalls, WatchdogConfig, buffers_returned, stalls};
