//! Whether this host can run us, asked before anything is started.

use std::io;
use std::sync::OnceLock;

/// io_uring as glommio needs it.
const KERNEL_MIN: (u32, u32) = (5, 8);
/// glommio's own condition.
const LOCKED_MEMORY_MIN: u64 = 512 * 1024;
const RING_ENTRIES: libc::c_uint = 8;
/// `struct io_uring_params` has 120 bytes.
const RING_PARAMS_WORDS: usize = 15;
/// `MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED`
const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 16;

/// What the host lacks, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    #[error("this is Linux {found}, and {}.{} or later is needed for io_uring", KERNEL_MIN.0, KERNEL_MIN.1)]
    KernelTooOld { found: String },
    #[error(
        "io_uring is forbidden here: allow it in the container's seccomp profile, and set the sysctl \
         kernel.io_uring_disabled to 0"
    )]
    IoUringForbidden,
    #[error("this kernel has no io_uring: it was built without it, or a sandbox hides it")]
    IoUringMissing,
    #[error("there is no memory for an io_uring: raise the limit on locked memory (ulimit -l, LimitMEMLOCK)")]
    IoUringMemory,
    #[error("io_uring cannot be set up: {}", io::Error::from_raw_os_error(*errno))]
    IoUring { errno: i32 },
    #[error(
        "only {limit} bytes of memory may be locked, and at least {LOCKED_MEMORY_MIN} are needed: raise the limit \
         (ulimit -l, LimitMEMLOCK)"
    )]
    LockedMemory { limit: u64 },
}

/// Checks the kernel, io_uring and the limit on locked memory, and warms up what would make the first sleep of a core
/// slow. Does its work once; [`crate::run_cores`] calls it too, but the best time is at the start of `main`, before
/// there are other threads.
pub fn preflight() -> Result<(), PreflightError> {
    static OUTCOME: OnceLock<Result<(), PreflightError>> = OnceLock::new();
    OUTCOME.get_or_init(check).clone()
}

fn check() -> Result<(), PreflightError> {
    let uname = rustix::system::uname();
    check_kernel(&uname.release().to_string_lossy())?;
    check_locked_memory(rustix::process::getrlimit(rustix::process::Resource::Memlock).current)?;
    check_ring()?;
    // SAFETY: the call takes no pointers. It registers this process; without it the first sleep of a core waits for all
    // CPUs, 10 to 30 ms. A kernel without it is fine too, so the result doesn't matter.
    unsafe { libc::syscall(libc::SYS_membarrier, REGISTER_PRIVATE_EXPEDITED, 0, 0) };
    Ok(())
}

fn check_kernel(release: &str) -> Result<(), PreflightError> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < KERNEL_MIN => {
            Err(PreflightError::KernelTooOld { found: release.to_owned() })
        }
        // A release that can't be read is no reason to refuse: the ring is tried next.
        _ => Ok(()),
    }
}

fn check_locked_memory(limit: Option<u64>) -> Result<(), PreflightError> {
    match limit {
        Some(limit) if limit < LOCKED_MEMORY_MIN => Err(PreflightError::LockedMemory { limit }),
        Some(_) | None => Ok(()),
    }
}

fn check_ring() -> Result<(), PreflightError> {
    let mut params = [0_u64; RING_PARAMS_WORDS];
    // SAFETY: the kernel reads and writes as many bytes as its structure has, which `params` has as well.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, RING_ENTRIES, params.as_mut_ptr()) };
    match libc::c_int::try_from(ring) {
        Ok(fd) if fd >= 0 => {
            // SAFETY: the kernel has just given us this descriptor, and nobody else knows it.
            unsafe { libc::close(fd) };
            Ok(())
        }
        Ok(_) | Err(_) => Err(ring_error(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))),
    }
}

fn ring_error(errno: i32) -> PreflightError {
    match errno {
        libc::EPERM | libc::EACCES => PreflightError::IoUringForbidden,
        libc::ENOSYS => PreflightError::IoUringMissing,
        libc::ENOMEM => PreflightError::IoUringMemory,
        errno => PreflightError::IoUring { errno },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_kernel_is_refused_by_name() {
        assert_eq!(check_kernel("6.18.44-fc-v669"), Ok(()));
        assert_eq!(check_kernel("5.8.0"), Ok(()));
        assert_eq!(check_kernel("10.0-rc1"), Ok(()));
        assert_eq!(check_kernel("strange"), Ok(()));
        let error = check_kernel("5.4.0-100-generic").unwrap_err();
        assert_eq!(error.to_string(), "this is Linux 5.4.0-100-generic, and 5.8 or later is needed for io_uring");
    }

    #[test]
    fn a_small_limit_on_locked_memory_is_refused_with_the_way_out() {
        assert_eq!(check_locked_memory(None), Ok(()));
        assert_eq!(check_locked_memory(Some(LOCKED_MEMORY_MIN)), Ok(()));
        let error = check_locked_memory(Some(65_536)).unwrap_err().to_string();
        assert!(error.contains("65536") && error.contains("ulimit -l"), "{error}");
    }

    #[test]
    fn each_refusal_of_io_uring_says_what_to_do() {
        assert!(ring_error(libc::EPERM).to_string().contains("seccomp"));
        assert!(ring_error(libc::ENOSYS).to_string().contains("no io_uring"));
        assert!(ring_error(libc::ENOMEM).to_string().contains("locked memory"));
        assert!(ring_error(libc::EMFILE).to_string().contains("Too many open files"));
        assert_eq!(check_ring(), Ok(()), "the machine of this test has io_uring");
    }
}
