//! Files of segments that readers keep open: opening one takes a blocking thread.

use std::rc::Rc;

use rt::DiskFile;

use super::sequences::Place;
use crate::limits;

struct KeptFile {
    place: Place,
    /// Compaction may have put another segment in the place of this one since.
    generation: u64,
    file: Rc<dyn DiskFile>,
}

/// The one that was used last is at the end.
#[derive(Default)]
pub(super) struct ReadFiles(Vec<KeptFile>);

impl ReadFiles {
    pub(super) fn find(&mut self, place: Place, generation: u64) -> Option<Rc<dyn DiskFile>> {
        let found = self.0.iter().position(|kept| (kept.place, kept.generation) == (place, generation))?;
        let kept = self.0.remove(found);
        let file = Rc::clone(&kept.file);
        self.0.push(kept);
        Some(file)
    }

    /// Keeps a file; what it drives out is closed once nobody reads from it.
    pub(super) fn keep(&mut self, place: Place, generation: u64, file: &Rc<dyn DiskFile>) {
        self.forget(|other| other == place);
        if self.0.len() >= limits::READ_FILES_MAX {
            self.0.remove(0);
        }
        self.0.push(KeptFile { place, generation, file: Rc::clone(file) });
    }

    pub(super) fn forget(&mut self, is_gone: impl Fn(Place) -> bool) {
        self.0.retain(|kept| !is_gone(kept.place));
    }
}
