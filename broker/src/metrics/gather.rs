//! Asking all cores. A core that does not answer holds nobody up: it is asked once and named.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use base::CoreId;
use rt::Notify;

use super::samples::Samples;
use crate::core::Core;
use crate::limits;
use crate::mesh::Call;
use crate::messages::{Reply, Request};

/// Whether a core takes records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Sound,
    /// It refuses appends until a restart.
    Poisoned(String),
    /// It has not said anything in time.
    Silent,
}

/// What is asked of all cores, by one at a time: a core that does not answer has one question to answer, not one for each
/// time that somebody has asked.
#[derive(Default)]
pub(crate) struct Gathering {
    busy: Cell<bool>,
    freed: Notify,
    late: Late<Call>,
}

/// Questions that were not answered in time, one for each core.
struct Late<C>(RefCell<BTreeMap<CoreId, C>>);

struct Turn<'a>(&'a Gathering);

impl Gathering {
    async fn turn(&self) -> Turn<'_> {
        while self.busy.replace(true) {
            self.freed.notified().await;
        }
        Turn(self)
    }

    /// The metrics of all cores; `None` for those that did not give them in time.
    pub(crate) async fn metrics(&self, core: &Rc<Core>) -> Vec<(CoreId, Option<Samples>)> {
        let _turn = self.turn().await;
        let late = self.ask(core, || Request::Metrics);
        let here = core.metrics().await;
        let mut all: Vec<(CoreId, Option<Samples>)> = self
            .answers(late)
            .await
            .into_iter()
            .map(|(core, reply)| match reply {
                Some(Reply::Metrics(samples)) => (core, Some(*samples)),
                _ => (core, None),
            })
            .collect();
        all.push((core.id, Some(here)));
        all.sort_by_key(|(core, _)| *core);
        all
    }

    pub(crate) async fn standings(&self, core: &Rc<Core>) -> Vec<(CoreId, Standing)> {
        let _turn = self.turn().await;
        let asked = self.ask(core, || Request::Standing);
        let mut all: Vec<(CoreId, Standing)> = self
            .answers(asked)
            .await
            .into_iter()
            .map(|(core, reply)| match reply {
                Some(Reply::Standing(standing)) => (core, standing),
                _ => (core, Standing::Silent),
            })
            .collect();
        all.push((core.id, core.standing()));
        all.sort_by_key(|(core, _)| *core);
        all
    }

    /// Asks every other core, but for those that have a question open.
    fn ask(&self, core: &Rc<Core>, request: impl Fn() -> Request) -> Vec<(CoreId, Call)> {
        let others = CoreId::all(core.cores()).filter(|other| *other != core.id);
        self.late.ask(others, |other| core.call(other, request()))
    }

    async fn answers(&self, asked: Vec<(CoreId, Call)>) -> Vec<(CoreId, Option<Reply>)> {
        let answers = self.late.answers(asked).await.into_iter();
        answers.map(|(core, answer)| (core, answer.and_then(Result::ok))).collect()
    }
}

impl<C: Future + Unpin> Late<C> {
    fn ask(&self, cores: impl Iterator<Item = CoreId>, question: impl Fn(CoreId) -> C) -> Vec<(CoreId, C)> {
        let mut late = self.0.take();
        // An answer that has come meanwhile tells of a time that is past.
        let is_open = |asked: &mut C| {
            let mut context = Context::from_waker(Waker::noop());
            Pin::new(asked).poll(&mut context).is_pending()
        };
        late.retain(|_, asked| is_open(asked));
        cores.map(|core| (core, late.remove(&core).unwrap_or_else(|| question(core)))).collect()
    }

    /// What has come in time; a question whose answer has not is kept.
    async fn answers(&self, asked: Vec<(CoreId, C)>) -> Vec<(CoreId, Option<C::Output>)> {
        let begun = rt::now();
        let mut answers = Vec::with_capacity(asked.len());
        for (core, mut question) in asked {
            let left = limits::METRICS_WAIT.saturating_sub(rt::now().since(begun));
            let answer = rt::timeout(left, &mut question).await.ok();
            if answer.is_none() {
                self.0.borrow_mut().insert(core, question);
            }
            answers.push((core, answer));
        }
        answers
    }
}

impl<C> Default for Late<C> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.busy.set(false);
        self.0.freed.notify_all();
    }
}

impl Core {
    pub(crate) fn standing(&self) -> Standing {
        self.shard.failed().map_or(Standing::Sound, |cause| Standing::Poisoned(cause.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use rt::Flag;
    use rt::sim::{Sim, SimConfig};

    use super::*;

    type Question = Pin<Box<dyn Future<Output = u32>>>;

    #[test]
    fn a_core_that_does_not_answer_is_asked_once_and_holds_nobody_up_for_long() {
        let sim = Sim::new(SimConfig::new(1));
        sim.block_on(CoreId(0), async {
            let (late, asked, silence) = (Late::<Question>::default(), Rc::new(Cell::new(0)), Rc::new(Flag::new()));
            let question = |core: CoreId| -> Question {
                asked.set(asked.get() + 1);
                let (silence, number) = (Rc::clone(&silence), asked.get());
                Box::pin(async move {
                    if core == CoreId(1) && number == 1 {
                        silence.wait().await;
                    }
                    number
                })
            };
            let cores = || [CoreId(1), CoreId(2)].into_iter();
            for (round, second) in [(1, 2), (2, 3), (3, 4)] {
                let begun = rt::now();
                let answers = late.answers(late.ask(cores(), question)).await;
                assert_eq!(answers, [(CoreId(1), None), (CoreId(2), Some(second))], "round {round}");
                assert!(rt::now().since(begun) < 2 * limits::METRICS_WAIT);
            }
            silence.raise();
            let answers = late.answers(late.ask(cores(), question)).await;
            assert_eq!(answers, [(CoreId(1), Some(5)), (CoreId(2), Some(6))], "what was late is not told as new");
            assert_eq!(late.0.borrow().len(), 0);
        });
    }
}
