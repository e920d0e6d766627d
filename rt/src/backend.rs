//! Which runtime the current thread is on: a core of glommio, a simulation, or none.

use std::cell::RefCell;
use std::rc::Rc;

use crate::executor::Core;
use crate::sim::world::World;

/// The runtime that serves the calls of this thread.
#[derive(Clone)]
pub(crate) enum Backend {
    Real(Rc<Core>),
    Sim(Rc<World>),
}

thread_local! {
    static CURRENT: RefCell<Option<Backend>> = const { RefCell::new(None) };
}

/// Calls `act` with the runtime of this thread; `operation` names the caller when there is none.
#[inline]
pub(crate) fn with<R>(operation: &str, act: impl FnOnce(&Backend) -> R) -> R {
    CURRENT.with_borrow(|current| match current {
        Some(backend) => act(backend),
        None => panic!(
            "rt::{operation} was called on a thread that is no core: call it from a task that run_cores, run_one or a \
             simulation runs"
        ),
    })
}

/// Calls `act` with the runtime of this thread, if there is one.
#[inline]
pub(crate) fn peek<R>(act: impl FnOnce(Option<&Backend>) -> R) -> R {
    CURRENT.with_borrow(|current| act(current.as_ref()))
}

/// The simulation that this thread is in, if any.
pub(crate) fn simulation() -> Option<Rc<World>> {
    peek(|backend| match backend {
        Some(Backend::Sim(world)) => Some(world.clone()),
        Some(Backend::Real(_)) | None => None,
    })
}

/// Makes `backend` this thread's runtime until the guard is dropped.
pub(crate) fn enter(backend: Backend) -> Entered {
    CURRENT.with_borrow_mut(|current| {
        assert!(current.is_none(), "this thread already runs a core or a simulation; they don't nest");
        *current = Some(backend);
    });
    Entered(())
}

/// Ends the stay in a runtime when dropped.
pub(crate) struct Entered(());

impl Drop for Entered {
    fn drop(&mut self) {
        let left = CURRENT.with_borrow_mut(Option::take);
        drop(left);
    }
}
