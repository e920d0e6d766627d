//! Moving a partition to another core of this broker; see [`crate::handover`].

use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, PartitionId};
use wire::ErrorCode;

use super::Controller;
use crate::core::Core;
use crate::handover::HandedOver;
use crate::messages::{Reply, Request};
use crate::placement_file;
use crate::refusal::Refusal;
use shard::task_queues::FOREGROUND;

/// A partition that is on another core now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) from: CoreId,
    /// How long appends to it were held.
    pub(crate) pause: Duration,
}

impl Controller {
    /// Moves a partition, one at a time. It comes to its end even if whoever asked goes away.
    pub(crate) async fn move_partition(
        self: &Rc<Self>,
        core: &Rc<Core>,
        id: PartitionId,
        to: CoreId,
    ) -> Result<Moved, Refusal> {
        if self.moving.replace(true) {
            let text = "another partition is being moved; try again when that is done";
            return Err(Refusal::new(ErrorCode::ReassignmentInProgress, text));
        }
        let (controller, core) = (Rc::clone(self), Rc::clone(core));
        rt::spawn(FOREGROUND, async move {
            let result = controller.move_one(&core, id, to).await;
            controller.moving.set(false);
            match &result {
                Ok(Moved { from, pause }) => tracing::info!(%id, %from, %to, ?pause, "a partition was moved"),
                Err(refusal) => tracing::info!(%id, %to, why = refusal.text(), "a partition was not moved"),
            }
            result
        })
        .await
    }

    async fn move_one(&self, core: &Rc<Core>, id: PartitionId, to: CoreId) -> Result<Moved, Refusal> {
        let from = self.check_move(core, id, to)?;
        core.ask_prepare(from, id).await?;
        self.lock().await;
        let result = match self.check_move(core, id, to) {
            Ok(now) if now == from => self.move_alone(core, id, from, to).await,
            Ok(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "the partition was moved meanwhile")),
            Err(refusal) => Err(refusal),
        };
        self.unlock();
        let moved = result?;
        let table = self.placement.borrow().clone();
        // Without this file the next start merely places as before.
        if let Err(error) = placement_file::write(&*self.disk, &table).await {
            tracing::warn!(%error, "the placement could not be stored");
        }
        Ok(moved)
    }

    fn check_move(&self, core: &Core, id: PartitionId, to: CoreId) -> Result<CoreId, Refusal> {
        let from = self.placement.borrow().core_of(id);
        let Some(from) = from else {
            let text = format!("the topic has no partition {}", id.index);
            return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, text));
        };
        if to.0 >= core.cores() {
            let text = format!("there is no core {to}: this broker runs on cores 0 to {}", core.cores() - 1);
            return Err(Refusal::new(ErrorCode::InvalidRequest, text));
        }
        if from == to {
            return Err(Refusal::new(ErrorCode::InvalidRequest, format!("the partition is on core {to} already")));
        }
        Ok(from)
    }

    /// No view changes meanwhile. Whatever comes of it, all cores send on what they held.
    async fn move_alone(&self, core: &Rc<Core>, id: PartitionId, from: CoreId, to: CoreId) -> Result<Moved, Refusal> {
        let begun = rt::now();
        let result = match core.ask_hand_over(from, id).await {
            Err(refusal) => Err(refusal),
            Ok(handed) => match core.ask_take_over(to, handed).await {
                Ok(()) => Ok(()),
                Err(handed) => {
                    let back = core.ask_take_over(from, handed).await;
                    assert!(back.is_ok() || core.connections.is_closing(), "{id} is on no core");
                    let text = format!("storage of core {to} has failed; the partition stays where it is");
                    Err(Refusal::new(ErrorCode::KafkaStorageError, text))
                }
            },
        };
        if result.is_ok() {
            let moved = self.placement.borrow_mut().move_to(id, to);
            assert!(moved.is_some(), "{id} was looked at before");
        }
        let published = self.publish(core, Some(Vec::new()), Some(id)).await;
        let pause = rt::now().since(begun);
        result.and(published).map(|()| Moved { from, pause })
    }
}

/// Steps of a move, wherever they are made.
impl Core {
    async fn ask_prepare(self: &Rc<Self>, at: CoreId, id: PartitionId) -> Result<(), Refusal> {
        if at == self.id {
            return self.prepare_hand_over(id).await;
        }
        match self.call(at, Request::PrepareHandOver(id)).await? {
            Reply::Prepared(result) => result,
            _ => Err(ErrorCode::UnknownServerError.into()),
        }
    }

    async fn ask_hand_over(self: &Rc<Self>, at: CoreId, id: PartitionId) -> Result<Box<HandedOver>, Refusal> {
        if at == self.id {
            return self.hand_over(id).await;
        }
        match self.call(at, Request::HandOver(id)).await? {
            Reply::HandedOver(result) => result,
            _ => Err(ErrorCode::UnknownServerError.into()),
        }
    }

    async fn ask_take_over(self: &Rc<Self>, at: CoreId, handed: Box<HandedOver>) -> Result<(), Box<HandedOver>> {
        if at == self.id {
            return self.take_over(handed);
        }
        match self.call(at, Request::TakeOver(handed)).await {
            Ok(Reply::TakenOver(result)) => result,
            // Cores stop after those who serve; the next start finds the partition in the checkpoints.
            other => {
                let why = other.err().map(|refusal| refusal.text().to_owned());
                tracing::warn!(core = %at, ?why, "a partition was on its way to a core that has stopped");
                Ok(())
            }
        }
    }
}
