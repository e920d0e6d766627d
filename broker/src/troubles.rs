//! What of a core somebody should look after, in sentences for people.

use crate::core::Core;
use crate::limits;
use crate::metrics::{named, oldest_stalls};

impl Core {
    /// Few, however much is wrong: of a device that hangs, or a disk full of damage, more would say nothing new.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        if let Some(cause) = self.shard.failed() {
            troubles.push(format!("refuses records until a restart: {cause}"));
        }
        let stats = self.shard.stats();
        if stats.is_short_of_space {
            let free = stats.free_bytes.map_or_else(|| "?".to_owned(), |free| base::ByteSize(free).to_string());
            let floor = base::ByteSize(stats.free_bytes_floor);
            troubles.push(format!("refuses records for want of space: {free} are free, disk.free_floor is {floor}"));
        }
        for (operation, file, lasting) in oldest_stalls(self.shard.stalled_operations()) {
            let (operation, seconds) = (operation.replace('_', " "), lasting.as_secs_f64());
            troubles.push(format!("the disk hangs: {operation} of {file} has lasted {seconds:.1} s"));
        }
        let told = self.shard.first_damage(limits::TROUBLES_DAMAGE_MAX);
        for damage in &told {
            let (file, position, offset) = (named(&damage.file()), damage.position, damage.offset);
            troubles.push(format!("damage in {file} at byte {position}, offset {offset}: {}", damage.what));
        }
        if stats.damage_known > told.len() {
            troubles.push(format!("{} more places of damage", stats.damage_known - told.len()));
        }
        troubles
    }
}
