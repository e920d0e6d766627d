//! The surface on real executors. Each trap of glommio 0.9 that could be met through it has a test here, named after
//! what its users would have seen.

#[path = "real/disk.rs"]
mod disk;
#[path = "real/lanes.rs"]
mod lanes;
#[path = "real/memory.rs"]
mod memory;
#[path = "real/net.rs"]
mod net;
#[path = "real/process.rs"]
mod process;
#[path = "real/support.rs"]
mod support;
#[path = "real/tasks.rs"]
mod tasks;
