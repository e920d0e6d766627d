//! What one core of the broker has at hand, and how it serves the other cores.

mod views;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use base::{CoreId, LeaderEpoch, Offset, PartitionId, TopicId};
use cluster::fetch_sessions::FetchSessions;
use cluster::metadata::{Command, CreationDefaults, Topic};
use cluster::producers::ProducerBudget;
use cluster::settings::TopicSettings;
use rt::{Flag, Gate, LaneReceiver};
use shard::Shard;
use shard::task_queues::{FOREGROUND, HTTP};
use wire::ErrorCode;
use wire::compress::Decompressor;

use crate::activity::Activity;
use crate::altered::AlteredSettings;
use crate::config::Config;
use crate::controller::{Controller, Moved};
use crate::ending::Endings;
use crate::followers::Followers;
use crate::following::Followings;
use crate::groups::Groups;
use crate::handover::{Holds, MoveCounts};
use crate::hops::HopCounts;
use crate::kafka::Asked;
use crate::leader::{Leader, Progress};
use crate::limits;
use crate::listener::Doors;
use crate::memory::MemoryPool;
use crate::mesh::{Mesh, Message};
use crate::messages::{Caller, CoreStatus, Reply, Request, Room};
use crate::metrics::RequestCounts;
use crate::producer_ids::ProducerIds;
use crate::producer_memory::producers_max;
use crate::recompress::Recompressions;
use crate::refusal::Refusal;
use crate::server::Shared;
use crate::stages::Stages;
use crate::view::{ClusterView, Identity, ViewChange};

/// A topic as doors need it: looked up by name or id, settings resolved.
#[derive(Clone)]
pub(crate) struct KnownTopic {
    pub(crate) topic: Arc<Topic>,
    pub(crate) settings: Rc<TopicSettings>,
}

/// How a wait on behalf of another core has ended.
enum Waited {
    /// Something has come, or the time has passed.
    Over,
    Cancelled,
}

pub(crate) struct Core {
    pub(crate) id: CoreId,
    pub(crate) config: Arc<Config>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) shard: Rc<Shard>,
    pub(crate) mesh: Rc<Mesh>,
    pub(crate) leaders: RefCell<BTreeMap<PartitionId, Leader>>,
    /// What their producers take together.
    pub(crate) producers: RefCell<ProducerBudget>,
    /// Requests as they arrive and are worked on.
    pub(crate) request_memory: MemoryPool,
    /// Answers until they are sent.
    pub(crate) answer_memory: MemoryPool,
    /// Waits on other cores that go on between fetches, and what they bring.
    pub(crate) standing_memory: MemoryPool,
    /// Partitions of produce requests that are not answered yet.
    pub(crate) produce_parts: MemoryPool,
    pub(crate) fetch_sessions: RefCell<FetchSessions<Asked>>,
    /// What those sessions follow.
    pub(crate) followings: Followings,
    /// Who follows partitions of this core for sessions of others.
    pub(crate) followers: Followers,
    pub(crate) stages: Stages,
    pub(crate) hops: HopCounts,
    /// For batches of topics that are compacted: the door looks into them.
    pub(crate) decompressor: RefCell<Decompressor>,
    /// Waits on behalf of other cores, each with what gives it up.
    waits: RefCell<BTreeMap<Caller, Rc<Flag>>>,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) holds: Holds,
    pub(crate) recompressions: Recompressions,
    pub(crate) groups: Groups,
    pub(crate) activity: Activity,
    /// Connections and what they wait for; closed first when the broker stops.
    pub(crate) connections: Gate,
    pub(crate) doors: Doors,
    pub(crate) endings: Endings,
    pub(crate) requests: RequestCounts,
    pub(crate) moves: MoveCounts,
    view: RefCell<Arc<ClusterView>>,
    shown: RefCell<Arc<ClusterView>>,
    topics: RefCell<BTreeMap<TopicId, KnownTopic>>,
    pub(crate) altered: AlteredSettings,
    /// On core 0 only.
    pub(crate) controller: RefCell<Option<Rc<Controller>>>,
}

impl Core {
    pub(crate) fn new(
        id: CoreId,
        shared: Arc<Shared>,
        shard: Rc<Shard>,
        mesh: Rc<Mesh>,
        view: Arc<ClusterView>,
    ) -> Rc<Self> {
        let config = Arc::clone(&shared.config);
        let core = Rc::new(Self {
            id,
            identity: Arc::clone(&shared.identity),
            shard,
            mesh,
            leaders: RefCell::default(),
            producers: RefCell::new(ProducerBudget::new(producers_max(&config, shared.cores))),
            request_memory: MemoryPool::new(config.request_memory.as_usize()),
            answer_memory: MemoryPool::new(config.answer_memory.as_usize()),
            standing_memory: MemoryPool::new(config.answer_memory.as_usize() / limits::STANDING_MEMORY_SHARE),
            produce_parts: MemoryPool::new(limits::PRODUCE_PARTS_MAX),
            fetch_sessions: RefCell::new(FetchSessions::new(config.fetch_sessions)),
            followings: Followings::default(),
            followers: Followers::default(),
            stages: Stages::new(),
            hops: HopCounts::default(),
            decompressor: RefCell::default(),
            waits: RefCell::default(),
            producer_ids: ProducerIds::default(),
            holds: Holds::default(),
            recompressions: Recompressions::new(),
            groups: Groups::new(config.groups.clone()),
            activity: Activity::default(),
            connections: Gate::new("connections"),
            doors: Doors::default(),
            endings: Endings::default(),
            requests: RequestCounts::new(),
            moves: MoveCounts::default(),
            view: RefCell::new(Arc::clone(&view)),
            shown: RefCell::new(Arc::clone(&view)),
            topics: RefCell::default(),
            altered: AlteredSettings::new(&config),
            controller: RefCell::new(None),
            config,
            shared,
        });
        core.apply_view(&ViewChange { view, topics: None, moved: None });
        core
    }

    /// Serves what another core asks.
    pub(crate) async fn serve_lane(self: Rc<Self>, from: CoreId, mut lane: LaneReceiver<Message>) {
        while let Some(message) = lane.recv().await {
            match message {
                Message::Answer { id, reply } => self.mesh.take_answer(id, reply),
                Message::Call { id, request } => self.serve(Caller { core: from, call: id }, request),
                Message::Cancel { id } => {
                    let caller = Caller { core: from, call: id };
                    if let Some(cancelled) = self.waits.borrow().get(&caller) {
                        cancelled.raise();
                    }
                    self.end_following(caller);
                }
            }
            rt::yield_if_needed().await;
        }
    }

    fn serve(self: &Rc<Self>, caller: Caller, request: Request) {
        match request {
            // Appends take their place at once; only the answer may come later.
            Request::Append(append) => match self.append(*append) {
                Progress::Done(result) => self.answer(caller, Reply::Append(result)),
                Progress::Waiting(rest) => self.answer_later(caller, async move { Reply::Append(rest.await) }),
            },
            Request::Read(parts, bytes_max) => match self.read_from_memory(&parts, Room::of(bytes_max)) {
                Some(results) => self.answer(caller, Reply::Read(results)),
                None => {
                    let core = Rc::clone(self);
                    self.answer_later(
                        caller,
                        async move { Reply::Read(core.read_here(&parts, Room::of(bytes_max)).await) },
                    );
                }
            },
            Request::Wait(offsets, milliseconds) => {
                let (core, cancelled) = (Rc::clone(self), self.begin_wait(caller));
                self.answer_later(caller, async move {
                    core.wait_for(caller, &cancelled, &offsets, milliseconds).await;
                    Reply::Moved
                });
            }
            Request::Await(parts, milliseconds) => {
                let (core, cancelled) = (Rc::clone(self), self.begin_wait(caller));
                self.answer_later(caller, async move {
                    let offsets: Vec<_> = parts.iter().map(|part| (part.id, part.offset)).collect();
                    let few = match core.wait_for(caller, &cancelled, &offsets, milliseconds).await {
                        Waited::Cancelled => None,
                        Waited::Over => core.read_few(&parts),
                    };
                    few.map_or(Reply::Moved, Reply::Read)
                });
            }
            Request::Follow => self.begin_following(caller),
            Request::Look(look) => self.look_for(caller, *look),
            Request::Moves { follower, may_bring } => self.tell_moves(caller, follower, may_bring),
            Request::Query(queries) => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::Query(core.query_here(&queries).await) });
            }
            Request::Trim(parts) => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::Trim(core.trim_here(&parts).await) });
            }
            Request::Group(index, ask) => self.serve_group(caller, index, *ask),
            Request::ListGroups => self.answer(caller, Reply::Groups(self.groups_here())),
            Request::Control(command) => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::Control(Box::new(core.control(*command).await)) });
            }
            Request::View(change) => {
                // One that is of a move is in force before the next message of the lane.
                if change.moved.is_some() {
                    self.apply_view(&change);
                    return self.answer(caller, Reply::Done);
                }
                let core = Rc::clone(self);
                self.answer_later(caller, async move {
                    core.take_view(&change).await;
                    Reply::Done
                });
            }
            Request::ShowView => {
                self.show_view();
                self.answer(caller, Reply::Done);
            }
            Request::Hold(id) => {
                self.hold(id);
                self.answer(caller, Reply::Done);
            }
            Request::PrepareHandOver(id) => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::Prepared(core.prepare_hand_over(id).await) });
            }
            Request::HandOver(id) => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::HandedOver(core.hand_over(id).await) });
            }
            Request::TakeOver(handed) => {
                let result = self.take_over(handed);
                self.answer(caller, Reply::TakenOver(result));
            }
            Request::Forget(id, number) => {
                self.shard.forget_departed(id, number);
                self.answer(caller, Reply::Done);
            }
            Request::Activity(look) => self.answer(caller, Reply::Activity(Box::new(self.activity(look)))),
            Request::Move(id, to) => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::Moving(Box::new(core.move_partition(id, to).await)) });
            }
            Request::Status => self.answer(caller, Reply::Status(Box::new(self.status()))),
            Request::Metrics => {
                let core = Rc::clone(self);
                drop(rt::spawn(HTTP, async move {
                    let metrics = core.metrics().await;
                    core.answer(caller, Reply::Metrics(Box::new(metrics)));
                }));
            }
            Request::Standing => self.answer(caller, Reply::Standing(self.standing())),
            Request::Producers(id) => {
                let core = Rc::clone(self);
                self.answer_later(caller, async move { Reply::Producers(core.producers_here(id).await) });
            }
            Request::MetadataLog => self.answer(caller, Reply::MetadataLog(self.metadata_log_here())),
            Request::Connection(handed_over) => {
                self.take_connection(*handed_over);
                self.answer(caller, Reply::Done);
            }
        }
    }

    /// A wait on behalf of another core, which may give it up from now on: that may have come right behind it.
    fn begin_wait(&self, caller: Caller) -> Rc<Flag> {
        let cancelled = Rc::new(Flag::new());
        self.waits.borrow_mut().insert(caller, Rc::clone(&cancelled));
        cancelled
    }

    async fn wait_for(
        &self,
        caller: Caller,
        cancelled: &Flag,
        offsets: &[(PartitionId, Offset)],
        milliseconds: u64,
    ) -> Waited {
        let waited = async {
            self.wait_here(offsets, milliseconds).await;
            Waited::Over
        };
        let given_up = async {
            cancelled.wait().await;
            Waited::Cancelled
        };
        let waited = futures_lite::future::or(waited, given_up).await;
        self.waits.borrow_mut().remove(&caller);
        waited
    }

    pub(crate) fn answer(&self, caller: Caller, reply: Reply) {
        self.mesh.answer(caller.core, caller.call, reply);
    }

    pub(crate) fn answer_later(self: &Rc<Self>, caller: Caller, reply: impl Future<Output = Reply> + 'static) {
        let core = Rc::clone(self);
        drop(rt::spawn(FOREGROUND, async move { core.answer(caller, reply.await) }));
    }

    /// Asks the controller, wherever it is.
    pub(crate) async fn control(self: &Rc<Self>, command: Command) -> Result<cluster::metadata::Reply, Refusal> {
        let controller = self.controller.borrow().clone();
        match controller {
            Some(controller) => controller.ask(self, command).await,
            None => match self.mesh.call(CoreId(0), Request::Control(Box::new(command))).await? {
                Reply::Control(result) => *result,
                _ => Err(ErrorCode::UnknownServerError.into()),
            },
        }
    }

    /// Has the controller move a partition, wherever it is.
    pub(crate) async fn move_partition(self: &Rc<Self>, id: PartitionId, to: CoreId) -> Result<Moved, Refusal> {
        let controller = self.controller.borrow().clone();
        match controller {
            Some(controller) => controller.move_partition(self, id, to).await,
            None => match self.mesh.call(CoreId(0), Request::Move(id, to)).await? {
                Reply::Moving(result) => *result,
                _ => Err(ErrorCode::UnknownServerError.into()),
            },
        }
    }

    /// What this core serves.
    pub(crate) fn view(&self) -> Arc<ClusterView> {
        Arc::clone(&self.view.borrow())
    }

    /// What clients are told: every core serves it already. A client that learns of a topic from one core may ask
    /// another for it in the next microsecond.
    pub(crate) fn shown_view(&self) -> Arc<ClusterView> {
        Arc::clone(&self.shown.borrow())
    }

    /// Shows clients what this core serves.
    pub(crate) fn show_view(&self) {
        *self.shown.borrow_mut() = self.view();
    }

    pub(crate) fn topic_named(&self, name: &str) -> Option<KnownTopic> {
        let id = self.view.borrow().image.topic_id(name)?;
        self.topic(id)
    }

    pub(crate) fn topic(&self, id: TopicId) -> Option<KnownTopic> {
        self.topics.borrow().get(&id).cloned()
    }

    /// The core that owns a partition; `None` when there is no such partition.
    pub(crate) fn owner_of(&self, id: PartitionId) -> Option<CoreId> {
        self.view.borrow().core_of(id)
    }

    /// Where a partition is, if that is another core than this one.
    pub(crate) fn elsewhere(&self, id: PartitionId) -> Option<CoreId> {
        self.owner_of(id).filter(|core| *core != self.id)
    }

    /// An id for a new topic.
    pub(crate) fn new_topic_id(&self) -> TopicId {
        TopicId::from_random((u128::from(rt::entropy()) << 64) | u128::from(rt::entropy()))
    }

    /// What new topics are like that say nothing themselves.
    pub(crate) fn creation_defaults(&self) -> CreationDefaults {
        CreationDefaults { partitions: self.live().partitions, replication_factor: 1 }
    }

    pub(crate) fn cores(&self) -> u16 {
        self.shared.cores
    }

    pub(crate) fn status(&self) -> CoreStatus {
        CoreStatus {
            connections: self.doors.open(),
            partitions: u32::try_from(self.leaders.borrow().len()).unwrap_or(u32::MAX),
            stages: self.stages.summaries(),
            hops: self.hops.get(),
            troubles: self.troubles(),
        }
    }

    /// Checks what a client believes of a partition's leader (KIP-320).
    pub(crate) fn check_epoch(&self, id: PartitionId, believed: Option<LeaderEpoch>) -> Result<LeaderEpoch, Refusal> {
        let leaders = self.leaders.borrow();
        let leader = leaders.get(&id).ok_or(ErrorCode::NotLeaderOrFollower)?;
        match believed {
            Some(epoch) if epoch < leader.epoch => Err(ErrorCode::FencedLeaderEpoch.into()),
            Some(epoch) if epoch > leader.epoch => Err(ErrorCode::UnknownLeaderEpoch.into()),
            Some(_) | None => Ok(leader.epoch),
        }
    }

    /// Where a core's partition ends, for answers that need no disk.
    pub(crate) fn bounds(&self, id: PartitionId) -> Option<(Offset, Offset)> {
        self.shard.offsets(id).map(|offsets| (offsets.log_start, offsets.high_watermark))
    }

    pub(crate) fn call(self: &Rc<Self>, to: CoreId, request: Request) -> crate::mesh::Call {
        self.mesh.call(to, request)
    }
}
