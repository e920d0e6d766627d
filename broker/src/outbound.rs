//! Sending answers, within limits of memory and time. Both doors use it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rt::net::WriteHalf;

use crate::core::Core;
use crate::ending::Ending;
use crate::limits;
use crate::memory::MemoryPool;

/// Sends all parts. A peer that hardly takes them, while others wait for what it holds, loses its connection: those who do
/// not read must not keep everybody else from being answered.
pub(crate) async fn send(core: &Core, write: &mut WriteHalf, parts: &mut VecDeque<Bytes>) -> Result<(), Ending> {
    let mut left = bytes_of(parts);
    let end = rt::now().plus(send_time(core, left));
    let mut was_slow = false;
    loop {
        let patience = end.since(rt::now()).min(limits::ANSWER_PACE_INTERVAL);
        match rt::timeout(patience, write.write_parts(parts)).await {
            Ok(sent) => return sent.map_err(Ending::Io),
            Err(_) => {
                let taken = left - bytes_of(parts);
                left -= taken;
                let is_slow = taken < limits::PACE_BYTES_MIN && is_somebody_waiting(core);
                if (is_slow && was_slow) || rt::now() >= end {
                    return Err(Ending::NotReading);
                }
                was_slow = is_slow;
            }
        }
    }
}

/// Requests behind the answer hold memory as well.
fn is_somebody_waiting(core: &Core) -> bool {
    [&core.answer_memory, &core.request_memory, &core.produce_parts].into_iter().any(MemoryPool::is_contended)
}

fn bytes_of(parts: &VecDeque<Bytes>) -> usize {
    parts.iter().map(Bytes::len).sum()
}

/// How long a peer may take to receive an answer of so many bytes: the setting's time, and more for large ones.
fn send_time(core: &Core, bytes: usize) -> Duration {
    core.config.request_time_max + Duration::from_millis(bytes as u64 >> 10)
}
