//! Lanes of a simulation: messages arrive in order, each after a delay that the seed draws.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use base::{CoreId, Instant};

use super::{Connected, Ends, LaneClosed, LaneReceiver, LaneRefused, LaneSender, ReceiverKind, SenderKind, Square};
use crate::backend;
use crate::time::{Sleep, now, sleep_until};

// A lane is behind a lock although there is one thread, because the ends of a mesh can be sent.
type SharedLane<T> = Arc<Mutex<Lane<T>>>;

struct Lane<T> {
    capacity: usize,
    messages: VecDeque<(Instant, T)>,
    last_arrival: Instant,
    sender_gone: bool,
    receiver_gone: bool,
    wait_for_message: Option<Waker>,
    wait_for_room: Vec<Waker>,
}

fn lock<T>(lane: &SharedLane<T>) -> MutexGuard<'_, Lane<T>> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake_all(wakers: &mut Vec<Waker>) {
    wakers.drain(..).for_each(Waker::wake);
}

fn wake_one(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

pub(super) struct Matrix<T> {
    lanes: Square<Sender<T>, Receiver<T>>,
    meeting: Meeting,
}

impl<T> Matrix<T> {
    pub(super) fn new(cores: u16, capacity: usize) -> Self {
        let lanes = Square::new(cores, || {
            let lane = Arc::new(Mutex::new(Lane {
                // As the real ones do.
                capacity: capacity.next_power_of_two(),
                messages: VecDeque::new(),
                last_arrival: Instant::ZERO,
                sender_gone: false,
                receiver_gone: false,
                wait_for_message: None,
                wait_for_room: Vec::new(),
            }));
            (Sender(lane.clone()), Receiver(lane))
        });
        let missing = usize::from(cores);
        Self { lanes, meeting: Meeting(Arc::new(Mutex::new(MeetingState { missing, waiting: Vec::new() }))) }
    }

    pub(super) fn take(&mut self, core: CoreId) -> Ends<Sender<T>, Receiver<T>> {
        self.meeting.arrive();
        self.lanes.take(core)
    }

    pub(super) fn meeting(&self) -> Meeting {
        self.meeting.clone()
    }
}

/// Where the cores wait for each other, as they do on the real lanes.
#[derive(Clone)]
pub(super) struct Meeting(Arc<Mutex<MeetingState>>);

struct MeetingState {
    missing: usize,
    waiting: Vec<Waker>,
}

impl Meeting {
    fn arrive(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.missing -= 1;
        wake_all(&mut state.waiting);
    }

    pub(super) async fn all_here(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.missing == 0 {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

pub(super) fn connect<T: Send + 'static>(ends: Ends<Sender<T>, Receiver<T>>) -> Connected<T> {
    let senders = ends.senders.into_iter();
    let receivers = ends.receivers.into_iter();
    (
        senders.map(|end| Some(LaneSender { kind: Rc::new(SenderKind::Simulated(end?)) })).collect(),
        receivers.map(|end| Some(LaneReceiver { kind: ReceiverKind::Simulated(end?) })).collect(),
    )
}

pub(super) struct Sender<T>(SharedLane<T>);

impl<T> Sender<T> {
    pub(super) fn try_send(&self, message: T) -> Result<(), LaneRefused<T>> {
        let mut lane = lock(&self.0);
        if lane.receiver_gone {
            return Err(LaneRefused::Closed(message));
        }
        if lane.messages.len() >= lane.capacity {
            return Err(LaneRefused::Full(message));
        }
        let world = backend::simulation().expect("a simulated lane is used inside its simulation");
        let arrival = world.now().plus(world.draw_lane_delay()).max(lane.last_arrival);
        lane.last_arrival = arrival;
        lane.messages.push_back((arrival, message));
        wake_one(&mut lane.wait_for_message);
        Ok(())
    }

    pub(super) async fn send(&self, message: T) -> Result<(), LaneClosed<T>> {
        let mut message = Some(message);
        poll_fn(|cx| {
            let offered = message.take().expect("polled no more once it is sent");
            match self.try_send(offered) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(LaneRefused::Closed(message)) => Poll::Ready(Err(LaneClosed(message))),
                Err(LaneRefused::Full(refused)) => {
                    message = Some(refused);
                    lock(&self.0).wait_for_room.push(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut lane = lock(&self.0);
        lane.sender_gone = true;
        wake_one(&mut lane.wait_for_message);
    }
}

pub(super) struct Receiver<T>(SharedLane<T>);

impl<T> Receiver<T> {
    pub(super) async fn recv(&mut self) -> Option<T> {
        let mut travelling: Option<Sleep> = None;
        poll_fn(|cx| {
            loop {
                let mut lane = lock(&self.0);
                let Some((arrival, _)) = lane.messages.front() else {
                    if lane.sender_gone {
                        return Poll::Ready(None);
                    }
                    lane.wait_for_message = Some(cx.waker().clone());
                    return Poll::Pending;
                };
                if *arrival <= now() {
                    let (_, message) = lane.messages.pop_front().expect("looked at above");
                    wake_all(&mut lane.wait_for_room);
                    return Poll::Ready(Some(message));
                }
                let timer = travelling.insert(sleep_until(*arrival));
                if Pin::new(timer).poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut lane = lock(&self.0);
        lane.receiver_gone = true;
        wake_all(&mut lane.wait_for_room);
        let undelivered = std::mem::take(&mut lane.messages);
        // A message may hold ends of lanes itself.
        drop(lane);
        drop(undelivered);
    }
}
