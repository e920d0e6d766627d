//! How many segment files are kept open between writes.

use std::cell::Cell;
use std::rc::Rc;

use rt::DiskFile;

/// Counts files that are kept open, up to a limit.
#[derive(Clone)]
pub(crate) struct OpenFiles {
    open: Rc<Cell<usize>>,
    limit: usize,
}

/// A file that is kept open. Counts until it is dropped, whatever becomes of whoever kept it.
pub(crate) struct OpenFile {
    file: Rc<dyn DiskFile>,
    counted: Counted,
}

struct Counted(Rc<Cell<usize>>);

impl OpenFiles {
    pub(crate) fn new(limit: usize) -> Self {
        Self { open: Rc::default(), limit }
    }

    /// Keeps a file open; `None` when the limit is reached.
    pub(crate) fn keep(&self, file: &Rc<dyn DiskFile>) -> Option<OpenFile> {
        let open = self.open.get();
        (open < self.limit).then(|| {
            self.open.set(open + 1);
            OpenFile { file: Rc::clone(file), counted: Counted(Rc::clone(&self.open)) }
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.open.get()
    }
}

impl OpenFile {
    pub(crate) fn file(&self) -> &Rc<dyn DiskFile> {
        &self.file
    }

    /// Closes the file; a failure is told and does no harm, since what matters was flushed.
    pub(crate) async fn close(self) {
        let Self { file, counted } = self;
        if let Err(cause) = file.close().await {
            tracing::warn!(%cause, "closing a segment failed");
        }
        drop(counted);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
