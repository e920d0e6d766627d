//! A disk that says it has flushed and has not.

use rt::DiskError;
use rt::sim::{Flush, Interference};

pub(crate) struct Lies;

impl Interference for Lies {
    fn flush(&self, what: Flush<'_>) -> Option<Result<(), DiskError>> {
        (!matches!(what, Flush::Folder(_))).then_some(Ok(()))
    }
}
