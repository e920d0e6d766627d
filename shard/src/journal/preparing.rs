//! Making the ring's files: the first one before anything else, the others in the background.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use rt::{Disk, DiskError};

use super::Journal;
use super::ring::{self, RingFileHeader};
use crate::limits;

impl Journal {
    pub(super) async fn prepare_next(&self, disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
        let count = self.state.borrow().prepared;
        let first = self.start.layout.place(self.start.lsn).file;
        let index = (u32::try_from(first).expect("few files") + count) % self.start.layout.files;
        let header = RingFileHeader { layout: self.start.layout, index, journal: self.start.identity.journal };
        let Some(file) = ring::prepare(disk, folder, header, &self.closing).await? else { return Ok(()) };
        self.files.borrow_mut()[index as usize] = Some(file);
        {
            let mut state = self.state.borrow_mut();
            state.prepared += 1;
            state.ring.prepared |= 1 << index;
        }
        self.room.notify_all();
        Ok(())
    }

    pub(super) async fn prepare_rest(self: Rc<Self>, disk: Rc<dyn Disk>, folder: PathBuf) {
        while self.state.borrow().prepared < self.start.layout.files && !self.closing.get() {
            match self.prepare_next(&*disk, &folder).await {
                Ok(()) => {}
                Err(DiskError::NoSpace { .. }) => {
                    tracing::warn!("journal: no space for the next file of the ring; trying again");
                    rt::sleep(limits::NO_SPACE_RETRY).await;
                }
                Err(cause) => return self.poison(cause),
            }
        }
    }
}
