//! Lanes between executors: glommio's shared channels, which are queues of one producer and one consumer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use base::CoreId;
use glommio::channels::shared_channel::{self, ConnectedReceiver, ConnectedSender, SharedReceiver, SharedSender};
use glommio::{GlommioError, ResourceType};

use super::{Connected, Ends, LaneClosed, LaneReceiver, LaneRefused, LaneSender, ReceiverKind, SenderKind, Square};
use crate::relay::{Link, Relay};
use crate::task::{TaskQueue, spawn};

pub(super) struct Matrix<T: Send + 'static>(Square<SharedSender<T>, SharedReceiver<T>>);

impl<T: Send + 'static> Matrix<T> {
    pub(super) fn new(cores: u16, capacity: usize) -> Self {
        Self(Square::new(cores, || shared_channel::new_bounded(capacity)))
    }

    pub(super) fn take(&mut self, core: CoreId) -> Ends<SharedSender<T>, SharedReceiver<T>> {
        self.0.take(core)
    }
}

/// Connects all at once: each connection waits for the other core, which may be waiting for another.
pub(super) async fn connect<T: Send + 'static>(ends: Ends<SharedSender<T>, SharedReceiver<T>>) -> Connected<T> {
    let senders: Vec<_> = ends
        .senders
        .into_iter()
        .map(|sender| sender.map(|sender| spawn(TaskQueue::DEFAULT, sender.connect())))
        .collect();
    let receivers: Vec<_> = ends
        .receivers
        .into_iter()
        .map(|receiver| receiver.map(|receiver| spawn(TaskQueue::DEFAULT, receiver.connect())))
        .collect();
    let (mut connected_senders, mut connected_receivers) = (Vec::new(), Vec::new());
    for sender in senders {
        connected_senders.push(match sender {
            Some(sender) => Some(LaneSender { kind: Rc::new(SenderKind::Real(Sender(sender.await))) }),
            None => None,
        });
    }
    for receiver in receivers {
        connected_receivers.push(match receiver {
            Some(receiver) => Some(LaneReceiver { kind: ReceiverKind::Real(Receiver::new(receiver.await)) }),
            None => None,
        });
    }
    (connected_senders, connected_receivers)
}

pub(super) struct Sender<T: Send + 'static>(ConnectedSender<T>);

impl<T: Send + 'static> Sender<T> {
    pub(super) fn try_send(&self, message: T) -> Result<(), LaneRefused<T>> {
        self.0.try_send(message).map_err(|error| match error {
            GlommioError::WouldBlock(ResourceType::Channel(message)) => LaneRefused::Full(message),
            GlommioError::Closed(ResourceType::Channel(message)) => LaneRefused::Closed(message),
            error => unreachable!("a channel is full or closed, and not {error}"),
        })
    }

    pub(super) async fn send(&self, message: T) -> Result<(), LaneClosed<T>> {
        // Each poll of glommio's future leaves a waker behind: only one at a time may.
        Relay::new(self.0.send(message)).await.map_err(|error| match error {
            GlommioError::Closed(ResourceType::Channel(message)) => LaneClosed(message),
            error => unreachable!("a send waits for room until the channel is closed: {error}"),
        })
    }
}

pub(super) struct Receiver<T: Send + 'static> {
    channel: ConnectedReceiver<T>,
    link: Arc<Link>,
    waker: Waker,
    /// Whether the channel holds our waker, and will wake it.
    armed: bool,
}

impl<T: Send + 'static> Receiver<T> {
    fn new(channel: ConnectedReceiver<T>) -> Self {
        let link = Arc::new(Link::default());
        Self { channel, waker: Waker::from(link.clone()), link, armed: false }
    }

    pub(super) async fn recv(&mut self) -> Option<T> {
        // Not a `Relay`, because the channel's waker outlives the future: a receiver that waits with a time limit, again
        // and again, would leave one behind each time.
        poll_fn(|cx| {
            if self.armed {
                self.link.wait(cx.waker());
                if !self.link.take_woken() {
                    return Poll::Pending;
                }
                self.armed = false;
            }
            let received = pin!(self.channel.recv()).poll(&mut Context::from_waker(&self.waker));
            if received.is_pending() {
                self.armed = true;
                self.link.wait(cx.waker());
            }
            received
        })
        .await
    }
}
