//! Frames on their way out of a native connection.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use rt::net::WriteHalf;
use rt::{Flag, Notify};
use wire::native::Stage;
use wire::native::frame::FrameParts;

use crate::core::Core;
use crate::ending::Ending;
use crate::limits;
use crate::memory::Held;
use crate::outbound;
use crate::stages::microseconds;

struct Waiting {
    frame: FrameParts,
    /// Memory of the frame.
    held: Held,
}

/// Beyond [`limits::OUTBOX_BYTES_MAX`] streams pause and requests are not read.
pub(super) struct Outbox {
    frames: RefCell<VecDeque<Waiting>>,
    bytes: Cell<usize>,
    arrived: Flag,
    sent: Notify,
    ended: Cell<bool>,
    broken: Cell<bool>,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            frames: RefCell::default(),
            bytes: Cell::new(0),
            arrived: Flag::new(),
            sent: Notify::new(),
            ended: Cell::new(false),
            broken: Cell::new(false),
        }
    }

    pub(super) fn push(&self, frame: FrameParts, held: Held) {
        if self.broken.get() {
            return;
        }
        self.bytes.set(self.bytes.get() + frame.frame_bytes());
        self.frames.borrow_mut().push_back(Waiting { frame, held });
        self.arrived.raise();
    }

    /// Waits until more is welcome; false when the connection is gone.
    pub(super) async fn room(&self) -> bool {
        while self.bytes.get() >= limits::OUTBOX_BYTES_MAX && !self.broken.get() {
            self.sent.notified().await;
        }
        !self.broken.get()
    }

    /// Resolves whenever something was sent, and when the connection breaks.
    pub(super) async fn progress(&self) {
        self.sent.notified().await;
    }

    /// Something else that whoever waits for progress should look at has happened.
    pub(super) fn wake(&self) {
        self.sent.notify_all();
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Nothing more will be pushed.
    pub(super) fn end(&self) {
        self.ended.set(true);
        self.arrived.raise();
    }

    /// Sends everything until the end.
    pub(super) async fn send_all(&self, core: &Core, mut write: WriteHalf) -> Result<(), Ending> {
        let result = self.send_frames(core, &mut write).await;
        write.shutdown();
        self.broken.set(true);
        self.frames.borrow_mut().clear();
        self.sent.notify_all();
        result
    }

    async fn send_frames(&self, core: &Core, write: &mut WriteHalf) -> Result<(), Ending> {
        let mut parts = VecDeque::new();
        loop {
            let mut held = Vec::new();
            let mut bytes = 0;
            {
                let mut frames = self.frames.borrow_mut();
                for waiting in (0..limits::FRAMES_AT_ONCE).map_while(|_| frames.pop_front()) {
                    bytes += waiting.frame.frame_bytes();
                    parts.extend(waiting.frame.pieces().cloned());
                    held.push(waiting.held);
                }
            }
            if parts.is_empty() {
                if self.ended.get() {
                    return Ok(());
                }
                self.arrived.wait().await;
                continue;
            }
            let begun = rt::now();
            outbound::send(core, write, &mut parts).await?;
            core.stages.record(Stage::Send, microseconds(rt::now().since(begun)));
            drop(held);
            self.bytes.set(self.bytes.get() - bytes);
            self.sent.notify_all();
        }
    }
}
