//! Many pieces of work, some of them at a time.

use std::collections::VecDeque;
use std::future::Future;

use rt::{DiskError, JoinHandle};

use crate::limits;
use crate::task_queues::WRITE_BACK;

/// Does work on the files of many partitions, several at a time. All of it is done; the first failure is given.
pub(crate) async fn several<F>(work: impl IntoIterator<Item = F>) -> Result<(), DiskError>
where
    F: Future<Output = Result<(), DiskError>> + 'static,
{
    let mut running: VecDeque<JoinHandle<Result<(), DiskError>>> = VecDeque::new();
    let mut result = Ok(());
    for piece in work {
        if running.len() >= limits::CHECKPOINT_PARTITIONS_IN_FLIGHT_MAX
            && let Some(oldest) = running.pop_front()
        {
            result = result.and(oldest.await);
        }
        running.push_back(rt::spawn(WRITE_BACK, piece));
    }
    for task in running {
        result = result.and(task.await);
    }
    result
}
