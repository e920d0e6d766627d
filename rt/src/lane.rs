//! Lanes: queues with a limit from one core to another, and the mesh of all of them.
//!
//! One lane for each ordered pair of cores, one sender core and one receiver core on each, so that no lock is needed.
//! Messages keep their order. A full lane is back-pressure.

use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use base::CoreId;

use crate::backend::{self, Backend};

mod real;
mod simulated;

/// Makes the mesh of lanes between `cores` cores, each lane for `capacity` messages. Made before the executors are; each
/// core gets its end and connects it.
///
/// `capacity` is rounded up to a power of two. Below 1,024 a busy lane spends its time on sleeping and waking.
pub fn mesh<T: Send + 'static>(name: &'static str, cores: u16, capacity: usize) -> Vec<MeshEnd<T>> {
    assert!(cores > 0, "the mesh {name} needs a core");
    assert!(capacity > 0, "the lanes of mesh {name} need room for a message");
    let fabric = Fabric { name, cores, capacity, lanes: Lanes::Undecided { gone: Vec::new() } };
    let fabric = Arc::new(Mutex::new(fabric));
    CoreId::all(cores).map(|core| MeshEnd { core, cores, fabric: Some(fabric.clone()) }).collect()
}

/// One core's end of a mesh, on its way to the core.
///
/// An end that is dropped without being connected counts as a core that has gone: its lanes are closed.
pub struct MeshEnd<T: Send + 'static> {
    core: CoreId,
    cores: u16,
    fabric: Option<SharedFabric<T>>,
}

type SharedFabric<T> = Arc<Mutex<Fabric<T>>>;

/// What the ends have in common until all are connected. Which kind of lanes it holds shows at the first
/// [`MeshEnd::connect`].
struct Fabric<T: Send + 'static> {
    name: &'static str,
    cores: u16,
    capacity: usize,
    lanes: Lanes<T>,
}

enum Lanes<T: Send + 'static> {
    Undecided { gone: Vec<CoreId> },
    Real(real::Matrix<T>),
    Simulated(simulated::Matrix<T>),
}

impl<T: Send + 'static> Fabric<T> {
    /// Makes the lanes if this is the first call, and takes out the ends of dropped cores.
    fn real(&mut self) -> &mut real::Matrix<T> {
        if let Lanes::Undecided { gone } = &mut self.lanes {
            let gone = std::mem::take(gone);
            let mut matrix = real::Matrix::new(self.cores, self.capacity);
            gone.into_iter().for_each(|core| drop(matrix.take(core)));
            self.lanes = Lanes::Real(matrix);
        }
        match &mut self.lanes {
            Lanes::Real(matrix) => matrix,
            Lanes::Undecided { .. } | Lanes::Simulated(_) => {
                panic!("the mesh {} connects cores of one kind: executors, or those of a simulation", self.name)
            }
        }
    }

    fn simulated(&mut self) -> &mut simulated::Matrix<T> {
        if let Lanes::Undecided { gone } = &mut self.lanes {
            let gone = std::mem::take(gone);
            let mut matrix = simulated::Matrix::new(self.cores, self.capacity);
            gone.into_iter().for_each(|core| drop(matrix.take(core)));
            self.lanes = Lanes::Simulated(matrix);
        }
        match &mut self.lanes {
            Lanes::Simulated(matrix) => matrix,
            Lanes::Undecided { .. } | Lanes::Real(_) => {
                panic!("the mesh {} connects cores of one kind: executors, or those of a simulation", self.name)
            }
        }
    }
}

impl<T: Send + 'static> MeshEnd<T> {
    /// The core that this end is for.
    pub fn core(&self) -> CoreId {
        self.core
    }

    /// Connects the lanes to and from all other cores. Resolves when they have connected theirs, or have gone.
    pub async fn connect(mut self) -> Mesh<T> {
        let core = crate::core();
        assert_eq!(core, self.core, "the end of a mesh is connected on its own core");
        let fabric = self.fabric.take().expect("taken here or when dropped, and never both");
        let is_real = backend::with("MeshEnd::connect", |backend| matches!(backend, Backend::Real(_)));
        let lock = || fabric.lock().unwrap_or_else(PoisonError::into_inner);
        let (senders, receivers) = if is_real {
            let ends = lock().real().take(core);
            real::connect(ends).await
        } else {
            let (ends, meeting) = {
                let mut fabric = lock();
                let matrix = fabric.simulated();
                (matrix.take(core), matrix.meeting())
            };
            meeting.all_here().await;
            simulated::connect(ends)
        };
        Mesh { core, cores: self.cores, senders, receivers }
    }
}

impl<T: Send + 'static> Drop for MeshEnd<T> {
    fn drop(&mut self) {
        let Some(fabric) = self.fabric.take() else { return };
        let mut fabric = fabric.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut fabric.lanes {
            Lanes::Undecided { gone } => gone.push(self.core),
            Lanes::Real(matrix) => drop(matrix.take(self.core)),
            Lanes::Simulated(matrix) => drop(matrix.take(self.core)),
        }
    }
}

/// The lanes between this core and the others.
pub struct Mesh<T: Send + 'static> {
    core: CoreId,
    cores: u16,
    senders: Vec<Option<LaneSender<T>>>,
    receivers: Vec<Option<LaneReceiver<T>>>,
}

impl<T: Send + 'static> Mesh<T> {
    /// How many cores there are, this one included.
    pub fn cores(&self) -> u16 {
        self.cores
    }

    pub fn core(&self) -> CoreId {
        self.core
    }

    /// The lane to another core. There is none to oneself.
    pub fn sender(&self, to: CoreId) -> LaneSender<T> {
        let sender = self.senders.get(to.as_usize()).and_then(Option::as_ref);
        sender.unwrap_or_else(|| panic!("there is no lane from core {} to core {to}", self.core)).clone()
    }

    /// The lanes from all other cores, by their numbers; empty the second time.
    pub fn take_receivers(&mut self) -> Vec<(CoreId, LaneReceiver<T>)> {
        CoreId::all(self.cores).zip(&mut self.receivers).filter_map(|(core, lane)| Some((core, lane.take()?))).collect()
    }
}

/// Sends on one lane. The lane is closed when the mesh and all clones of its sender are gone.
pub struct LaneSender<T: Send + 'static> {
    kind: Rc<SenderKind<T>>,
}

enum SenderKind<T: Send + 'static> {
    Real(real::Sender<T>),
    Simulated(simulated::Sender<T>),
}

impl<T: Send + 'static> LaneSender<T> {
    pub fn try_send(&self, message: T) -> Result<(), LaneRefused<T>> {
        match &*self.kind {
            SenderKind::Real(sender) => sender.try_send(message),
            SenderKind::Simulated(sender) => sender.try_send(message),
        }
    }

    /// Waits for room. If the future is dropped first, the message is dropped with it.
    pub async fn send(&self, message: T) -> Result<(), LaneClosed<T>> {
        match self.try_send(message) {
            Ok(()) => Ok(()),
            Err(LaneRefused::Closed(message)) => Err(LaneClosed(message)),
            Err(LaneRefused::Full(message)) => match &*self.kind {
                SenderKind::Real(sender) => sender.send(message).await,
                SenderKind::Simulated(sender) => sender.send(message).await,
            },
        }
    }
}

impl<T: Send + 'static> Clone for LaneSender<T> {
    fn clone(&self) -> Self {
        Self { kind: self.kind.clone() }
    }
}

/// Receives on one lane. Dropping it closes the lane.
pub struct LaneReceiver<T: Send + 'static> {
    kind: ReceiverKind<T>,
}

enum ReceiverKind<T: Send + 'static> {
    Real(real::Receiver<T>),
    Simulated(simulated::Receiver<T>),
}

impl<T: Send + 'static> LaneReceiver<T> {
    /// The next message; `None` once the lane is closed and empty. A message is never lost by dropping the future.
    pub async fn recv(&mut self) -> Option<T> {
        match &mut self.kind {
            ReceiverKind::Real(receiver) => receiver.recv().await,
            ReceiverKind::Simulated(receiver) => receiver.recv().await,
        }
    }
}

/// The lane did not take the message; here it is back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LaneRefused<T> {
    Full(T),
    /// The other core no longer receives.
    Closed(T),
}

impl<T> fmt::Display for LaneRefused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the lane to the other core is full",
            Self::Closed(_) => "the other core no longer receives",
        })
    }
}

impl<T> fmt::Debug for LaneRefused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> std::error::Error for LaneRefused<T> {}

/// The other core no longer receives; here is the message back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LaneClosed<T>(pub T);

impl<T> fmt::Display for LaneClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other core no longer receives")
    }
}

impl<T> fmt::Debug for LaneClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaneClosed(..)")
    }
}

impl<T> std::error::Error for LaneClosed<T> {}

/// What one core takes out of a matrix of lanes: a sender to and a receiver from each other core.
struct Ends<S, R> {
    senders: Vec<Option<S>>,
    receivers: Vec<Option<R>>,
}

/// The lanes of a mesh, by sending and receiving core, whose ends are taken out one by one.
struct Square<S, R> {
    cores: usize,
    lanes: Vec<(Option<S>, Option<R>)>,
}

impl<S, R> Square<S, R> {
    fn new(cores: u16, mut lane: impl FnMut() -> (S, R)) -> Self {
        let cores = usize::from(cores);
        let lanes = (0..cores * cores).map(|index| {
            // None to oneself.
            if index / cores == index % cores {
                return (None, None);
            }
            let (sender, receiver) = lane();
            (Some(sender), Some(receiver))
        });
        Self { cores, lanes: lanes.collect() }
    }

    fn take(&mut self, core: CoreId) -> Ends<S, R> {
        let core = core.as_usize();
        Ends {
            senders: (0..self.cores).map(|to| self.lanes[core * self.cores + to].0.take()).collect(),
            receivers: (0..self.cores).map(|from| self.lanes[from * self.cores + core].1.take()).collect(),
        }
    }
}

type Connected<T> = (Vec<Option<LaneSender<T>>>, Vec<Option<LaneReceiver<T>>>);
