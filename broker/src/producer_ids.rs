//! Ids for idempotent producers: each core takes blocks of them from the controller.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use base::ProducerId;
use cluster::metadata::{Command, Reply};
use rt::Notify;
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;

use crate::core::Core;
use crate::limits;
use crate::refusal::Refusal;

#[derive(Default)]
pub(crate) struct ProducerIds {
    next: Cell<u64>,
    end: Cell<u64>,
    asking: Cell<bool>,
    failed: RefCell<Option<Refusal>>,
    answered: Notify,
}

impl Core {
    /// An id that no producer ever had.
    pub(crate) async fn new_producer_id(self: &Rc<Self>) -> Result<ProducerId, Refusal> {
        let ids = &self.producer_ids;
        loop {
            if ids.next.get() < ids.end.get() {
                let id = ids.next.replace(ids.next.get() + 1);
                return ProducerId::new(id).ok_or_else(|| ErrorCode::UnknownServerError.into());
            }
            if !ids.asking.replace(true) {
                // A task of its own: whoever asked first may go away before the answer comes.
                drop(rt::spawn(FOREGROUND, Rc::clone(self).reserve_producer_ids()));
            }
            ids.answered.notified().await;
            if let Some(refusal) = ids.failed.borrow().clone() {
                return Err(refusal);
            }
        }
    }

    async fn reserve_producer_ids(self: Rc<Self>) {
        let count = limits::PRODUCER_IDS_AT_ONCE;
        let reply = self.control(Command::ReserveProducerIds { broker: self.identity.broker, count }).await;
        let ids = &self.producer_ids;
        *ids.failed.borrow_mut() = match reply {
            Ok(Reply::ProducerIdsReserved(block)) => {
                ids.next.set(block.first);
                ids.end.set(block.end);
                None
            }
            Ok(other) => Some(Refusal::new(ErrorCode::UnknownServerError, format!("unexpected {other:?}"))),
            Err(refusal) => Some(refusal),
        };
        ids.asking.set(false);
        ids.answered.notify_all();
    }
}
