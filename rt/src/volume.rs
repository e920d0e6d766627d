//! The volume that a folder lies on.

use std::io;
use std::path::PathBuf;

use crate::blocking;

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    pub total_bytes: u64,
    /// That an ordinary user may still write.
    pub usable_bytes: u64,
}

/// Asks the kernel, on a blocking thread.
pub async fn volume_of(folder: PathBuf) -> io::Result<Volume> {
    let asked = blocking(move || {
        let stat = rustix::fs::statvfs(&folder)?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Ok(Volume { total_bytes: bytes(stat.f_blocks), usable_bytes: bytes(stat.f_bavail) })
    });
    asked.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
