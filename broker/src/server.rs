//! One broker from start to stop.

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use base::{ByteSize, CoreId};
use futures_lite::FutureExt;
use rt::net::{BindError, BoundListener};
use rt::{CoresConfig, CpuPlacement, DirectDisk, Disk, MeshEnd, RunError, StopSignal};
use shard::recovery::RecoveredCore;
use shard::task_queues::{CONTROL, FOREGROUND, TASK_QUEUES};
use shard::{ScrubConfig, Shard, ShardConfig};

use crate::addresses::{self, BACKLOG};
use crate::balancing;
use crate::config::{Config, Cores};
use crate::controller::Controller;
use crate::core::Core;
use crate::descriptors::{Descriptors, TooFewDescriptors};
use crate::http::HttpDoor;
use crate::identity_file;
use crate::lanes::Shown;
use crate::limits;
use crate::listener::Door;
use crate::mesh::{Mesh, Message};
use crate::start::{self, Started};
use crate::view::{ClusterView, Identity};
use crate::{producer_memory, producer_state};

/// Memory of each core that is registered for I/O: the journal's buffers in flight.
const IO_MEMORY: ByteSize = ByteSize::mib(16);
/// Memory for the disk that a core uses beside its cache, at most times.
const BUFFERS_BESIDE_CACHE: u64 = 64 << 20;
/// The smallest cache that a core can work with.
const CACHE_BYTES_MIN: u64 = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the data folder {} cannot be used: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("the data folder {} is in use by another broker", folder.display())]
    InUse { folder: PathBuf },
    #[error("{}: {why}", file.display())]
    Identity { file: PathBuf, why: String },
    #[error("{0}")]
    Cores(String),
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Run(#[from] RunError),
    /// A core could not start or stop in good order.
    #[error("{0}")]
    Core(String),
}

/// Where a broker that serves can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    pub kafka: SocketAddr,
    /// Of core 0; the other cores' addresses come with the metadata.
    pub native: SocketAddr,
    /// Of metrics and health, if there is a door for them.
    pub http: Option<SocketAddr>,
    /// Of the first lane, as it is listened on.
    pub lanes: Option<SocketAddr>,
}

/// A place where all cores wait for one another.
struct Barrier {
    arrived: AtomicU16,
    passed: StopSignal,
}

impl Barrier {
    fn new() -> Self {
        Self { arrived: AtomicU16::new(0), passed: StopSignal::new() }
    }

    fn arrive(&self, cores: u16) {
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == cores {
            self.passed.stop();
        }
    }
}

/// What core 0 has for each core, once recovery is done.
struct Board {
    view: Arc<ClusterView>,
    cores: Vec<Option<RecoveredCore>>,
}

/// What a start has found and done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// Counts the starts, from 0.
    pub(crate) incarnation: u32,
    pub(crate) took: Duration,
    pub(crate) replayed_bytes: u64,
}

/// How far a broker's life has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Recovering,
    Opening,
    Serving,
    Stopping,
    /// A core could not start.
    Failed(String),
}

/// What all cores of a broker share; replaced never, or atomic.
pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) cores: u16,
    pub(crate) started: std::time::Instant,
    pub(crate) descriptors: Descriptors,
    /// Connections of each core.
    pub(crate) connections: Vec<AtomicU32>,
    /// Once the data folder is recovered.
    pub(crate) restart: OnceLock<Restart>,
    cache_bytes: u64,
    board: Mutex<Option<Board>>,
    recovered: StopSignal,
    opened: Barrier,
    serving: StopSignal,
    listening: Barrier,
    drained: Barrier,
    closed: Barrier,
    failure: Mutex<Option<String>>,
    stop: StopSignal,
}

impl Shared {
    /// Remembers the first failure and lets everybody go on to the end.
    fn fail(&self, what: String) {
        tracing::error!("{what}");
        self.failure.lock().expect("nobody panics with the lock").get_or_insert(what);
        self.stop.stop();
        for latch in [&self.recovered, &self.serving, &self.opened.passed, &self.listening.passed] {
            latch.stop();
        }
        for latch in [&self.drained.passed, &self.closed.passed] {
            latch.stop();
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        if let Some(what) = &*self.failure.lock().expect("nobody panics with the lock") {
            return Phase::Failed(what.clone());
        }
        if self.stop.is_stopped() {
            Phase::Stopping
        } else if self.listening.passed.is_stopped() {
            Phase::Serving
        } else if self.recovered.is_stopped() {
            Phase::Opening
        } else {
            Phase::Recovering
        }
    }

    fn has_failed(&self) -> bool {
        self.failure.lock().expect("nobody panics with the lock").is_some()
    }
}

struct Seat {
    core: CoreId,
    mesh: MeshEnd<Message>,
    kafka: BoundListener,
    native: BoundListener,
    lane: Option<BoundListener>,
    http: Option<BoundListener>,
    shared: Arc<Shared>,
    ready: Option<Box<dyn FnOnce() + Send>>,
}

/// Runs a broker until `stop`. `ready` is called once it serves.
pub fn serve(config: Config, stop: StopSignal, ready: impl FnOnce(Ready) + Send + 'static) -> Result<(), ServeError> {
    rt::preflight().map_err(RunError::Host)?;
    let cpus = cpus_of(&config.cores)?;
    let cores = u16::try_from(cpus.len()).expect("at most 1,024 cores");
    let descriptors = Descriptors::divide(rt::raise_descriptor_limit(), cores)?;
    let _lock = lock(&config.data)?;
    let cluster_id =
        identity_file::load(&config.data, config.node_id).map_err(|(file, why)| ServeError::Identity { file, why })?;
    let (kafka_address, kafka) = rt::net::bind(config.kafka_listen, usize::from(cores), BACKLOG)?;
    let (native_addresses, native) = addresses::bind_native(config.native_listen, cores)?;
    let (lanes, lane_listeners) = addresses::bind_lanes(&config, cores)?.unzip();
    let (http_address, mut http) = addresses::bind_http(&config)?.unzip();
    let first_lane = lane_listeners.iter().flatten().next().map(BoundListener::local_addr);
    let identity = Identity {
        cluster_id,
        broker: config.node_id,
        kafka: addresses::advertised(config.kafka_advertise.as_ref(), kafka_address, 0),
        native: (0..)
            .zip(&native_addresses)
            .map(|(core, address)| addresses::advertised(config.native_advertise.as_ref(), *address, core))
            .collect(),
        lanes,
    };
    let cache_bytes =
        config.cache_bytes.map_or_else(|| default_cache_bytes(cores), ByteSize::bytes).max(CACHE_BYTES_MIN);
    // Beside the cache: the journal's buffers, reads ahead, compaction; and what lies between.
    let buffer_bytes = cache_bytes + cache_bytes / 4 + BUFFERS_BESIDE_CACHE;
    if let Err(error) = rt::warm::start(cores, ByteSize(buffer_bytes)) {
        tracing::warn!(%error, "no memory can be touched ahead; the first use of each page costs its core a fault");
    }
    let spin = config.spin;
    let shared = Arc::new(Shared {
        config: Arc::new(config),
        identity: Arc::new(identity),
        cores,
        started: std::time::Instant::now(),
        descriptors,
        connections: (0..cores).map(|_| AtomicU32::new(0)).collect(),
        restart: OnceLock::new(),
        cache_bytes,
        board: Mutex::new(None),
        recovered: StopSignal::new(),
        opened: Barrier::new(),
        serving: StopSignal::new(),
        listening: Barrier::new(),
        drained: Barrier::new(),
        closed: Barrier::new(),
        failure: Mutex::new(None),
        stop,
    });
    let addresses = Ready { kafka: kafka_address, native: native_addresses[0], http: http_address, lanes: first_lane };
    let mut ready: Option<Box<dyn FnOnce() + Send>> = Some(Box::new(move || ready(addresses)));
    let mesh = rt::mesh("mesh", cores, limits::LANE_MESSAGES);
    let mut lane_listeners = lane_listeners.into_iter().flatten();
    let doors = kafka.into_iter().zip(native);
    let seats: Vec<Seat> = CoreId::all(cores)
        .zip(mesh.into_iter().zip(doors))
        .map(|(core, (mesh, (kafka, native)))| {
            let ready = if core == CoreId(0) { ready.take() } else { None };
            // Not on core 0, which has the controller as well, unless it is the only one.
            let http = if core.0 + 1 == cores { http.take() } else { None };
            Seat { core, mesh, kafka, native, lane: lane_listeners.next(), http, shared: Arc::clone(&shared), ready }
        })
        .collect();
    let config = CoresConfig {
        cpus,
        queues: TASK_QUEUES,
        io_memory: IO_MEMORY,
        spin_before_park: spin,
        ..CoresConfig::default()
    };
    rt::run_cores(config, seats, run_core)?;
    let failure = shared.failure.lock().expect("nobody panics with the lock").take();
    failure.map_or(Ok(()), |what| Err(ServeError::Core(what)))
}

async fn run_core(seat: Seat) {
    let shared = Arc::clone(&seat.shared);
    let core = seat.core;
    if let Err(error) = run_core_inner(seat).await {
        shared.fail(format!("core {core}: {error}"));
    }
}

async fn run_core_inner(mut seat: Seat) -> Result<(), Box<dyn std::error::Error>> {
    let http = seat.http.take().map(|bound| HttpDoor::open(bound, Arc::clone(&seat.shared)));
    let result = live(seat, http.as_deref()).await;
    if let Some(http) = http {
        http.close().await;
    }
    result
}

/// A core's life, from recovery to its end.
async fn live(mut seat: Seat, http: Option<&HttpDoor>) -> Result<(), Box<dyn std::error::Error>> {
    let shared = Arc::clone(&seat.shared);
    let mut lanes = seat.mesh.connect().await;
    let (mesh, receivers) = Mesh::new(seat.core, &mut lanes);
    let disk = DirectDisk::open(shared.config.data.clone()).await?;
    let mut controller = None;
    if seat.core == CoreId(0) {
        let started = start::recover(&shared.config, shared.cores, &disk, shared.descriptors.open_files_max).await?;
        controller = Some(post(&shared, started, &disk));
    }
    shared.recovered.stopped().await;
    if shared.has_failed() {
        return Ok(());
    }
    let core = open_core(&shared, seat.core, disk, mesh).await?;
    if let Some(http) = http {
        http.attach(&core);
    }
    for (from, lane) in receivers {
        drop(rt::spawn(FOREGROUND, Rc::clone(&core).serve_lane(from, lane)));
    }
    shared.opened.arrive(shared.cores);
    shared.opened.passed.stopped().await;
    if let Some(controller) = controller {
        *core.controller.borrow_mut() = Some(Rc::clone(&controller));
        controller.register(&core).await.map_err(|refusal| refusal.text().to_owned())?;
        drop(rt::spawn(CONTROL, balancing::balance(Rc::clone(&core), controller)));
        shared.serving.stop();
    }
    shared.serving.stopped().await;
    if shared.has_failed() {
        return Ok(());
    }
    if seat.core == CoreId(0) {
        shared.descriptors.compare(core.live().connections_max);
    }
    core.open_groups();
    core.keep_producers();
    core.listen(seat.kafka, Door::Kafka(Shown::Host));
    if let Some(lane) = seat.lane {
        core.listen(lane, Door::Kafka(Shown::Lanes));
    }
    core.listen(seat.native, Door::Native);
    shared.listening.arrive(shared.cores);
    shared.listening.passed.stopped().await;
    if let Some(ready) = seat.ready.take() {
        ready();
    }
    shared.stop.stopped().await;
    stop_core(&shared, &core).await?;
    Ok(())
}

/// Puts up what recovery found, for all cores to take.
fn post(shared: &Shared, started: Started, disk: &Rc<dyn Disk>) -> Rc<Controller> {
    let Started { metadata, log_records, placement, cores, restart } = started;
    shared.restart.set(restart).expect("a broker recovers once");
    let controller = Controller::new((metadata, log_records), placement, Rc::clone(disk), restart.incarnation);
    let board = Board { view: Arc::new(controller.view()), cores: cores.into_iter().map(Some).collect() };
    *shared.board.lock().expect("nobody panics with the lock") = Some(board);
    shared.recovered.stop();
    controller
}

async fn open_core(
    shared: &Arc<Shared>,
    id: CoreId,
    disk: Rc<dyn Disk>,
    mesh: Rc<Mesh>,
) -> Result<Rc<Core>, Box<dyn std::error::Error>> {
    let (view, recovered) = {
        let mut board = shared.board.lock().expect("nobody panics with the lock");
        let board = board.as_mut().expect("recovery has put it up");
        let recovered = board.cores[id.as_usize()].take().expect("each core takes its part once");
        (Arc::clone(&board.view), recovered)
    };
    let tuning = shared.config.live_with(start::altered_of(&shared.config, &view.image)).tuning();
    let config = ShardConfig {
        core: id,
        cache_bytes: shared.cache_bytes,
        flush_interval: shared.config.flush_interval,
        checkpoint_interval: shared.config.checkpoint_interval,
        free_space_floor: tuning.free_space_floor,
        retention_check_interval: tuning.retention_check_interval,
        direct_bytes_min: shard::limits::DIRECT_BYTES_MIN,
        freed_at_once_bytes_max: shard::limits::FREED_AT_ONCE_BYTES_MAX,
        scrub: ScrubConfig {
            interval: shared.config.scrub_interval,
            bytes_per_second: shared.config.scrub_bytes_per_second.bytes(),
        },
        compaction_check_interval: tuning.compaction_check_interval,
        compaction_key_bytes: shared.config.compaction_keys_memory.bytes() / u64::from(shared.cores),
        compaction_bytes_per_second: tuning.compaction_bytes_per_second,
        open_files_max: shared.descriptors.open_files_max,
    };
    let specs = start::specs(&view.image, &start::defaults_of(&shared.config, &view.image));
    let mut producers = Vec::new();
    let mut partitions = Vec::new();
    for row in recovered.rows {
        if !row.attachment.is_empty() {
            producers.push((row.id, producer_state::decode(&row.attachment)?));
        }
        partitions.push((*specs.get(&row.id).expect("recovery keeps what exists"), row));
    }
    let has_metadata = partitions.iter().any(|(spec, _)| spec.id == start::METADATA_PARTITION);
    let shard = Shard::open(disk, config, recovered.start, partitions).await?;
    if id == CoreId(0) && !has_metadata {
        let spec = start::metadata_spec();
        shard.add_partition(spec, &shard::PartitionRow::new(spec.id));
    }
    let core = Core::new(id, Arc::clone(shared), shard, mesh, view);
    for (id, table) in producers {
        core.take_in_producers(id, table);
    }
    let owner = Rc::downgrade(&core);
    core.shard.set_attachments(Rc::new(move |id| {
        let producers = owner.upgrade()?.producers_now(id)?;
        Some(producer_state::encode_in_pauses(producers).boxed_local())
    }));
    let owner = Rc::downgrade(&core);
    core.shard.set_producers(Rc::new(move |id| {
        let producers = owner.upgrade()?.producers_now(id)?;
        Some(producer_memory::last_offsets(producers).boxed_local())
    }));
    Ok(core)
}

/// Ends a core: no new requests, answers to those in progress, then everything to disk.
async fn stop_core(shared: &Shared, core: &Rc<Core>) -> Result<(), Box<dyn std::error::Error>> {
    let patience = shared.config.stop_time_max;
    let begun = rt::now();
    core.close_groups();
    if rt::timeout(patience, core.connections.close()).await.is_err() {
        tracing::warn!(core = %core.id, ?patience, "requests in progress are given up");
    }
    let connections = rt::now().since(begun);
    shared.drained.arrive(shared.cores);
    shared.drained.passed.stopped().await;
    let drained = rt::now().since(begun);
    let closed = core.shard.close().await;
    let storage = rt::now().since(begun).saturating_sub(drained);
    tracing::info!(core = %core.id, ?connections, ?storage, "stopped");
    shared.closed.arrive(shared.cores);
    // The lanes stay open until nobody needs them.
    shared.closed.passed.stopped().await;
    Ok(closed?)
}

fn cpus_of(cores: &Cores) -> Result<Vec<CpuPlacement>, ServeError> {
    let online = rt::online_cpus();
    let chosen: Vec<usize> = match cores {
        Cores::All => online,
        Cores::Count(count) if usize::from(*count) <= online.len() => online[..usize::from(*count)].to_vec(),
        Cores::Count(count) => {
            return Err(ServeError::Cores(format!("cores is {count}, but only {} are to be had here", online.len())));
        }
        Cores::List(list) => {
            let list: Vec<usize> = list.iter().map(|core| usize::from(*core)).collect();
            if let Some(missing) = list.iter().find(|core| !online.contains(core)) {
                return Err(ServeError::Cores(format!("core {missing} is not to be had here; these are: {online:?}")));
            }
            list
        }
    };
    Ok(chosen.into_iter().map(CpuPlacement::Pinned).collect())
}

fn lock(folder: &Path) -> Result<File, ServeError> {
    let unusable = |source| ServeError::Folder { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(unusable)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("LOCK")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// A sixteenth of the machine's memory over all cores: seconds of data at the speed of a disk.
fn default_cache_bytes(cores: u16) -> u64 {
    let fallback = 1 << 30;
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    let total: u64 = kib.map_or(fallback, |kib: u64| kib << 10);
    total / 16 / u64::from(cores)
}
