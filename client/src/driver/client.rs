//! A client of one cluster.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use base::{BrokerId, CoreId, SeededRandom};
use futures_lite::future::or;
use rt::{Flag, Gate, Notify, now, sleep_until, timeout};
use wire::native::{ApiKey, MetadataReply, MetadataRequest, TopicSelection};

use super::admin::Admin;
use super::calls::{CallError, ask};
use super::connection::{Connection, ConnectionSettings};
use super::consumer::Consumer;
use super::pool::{Pool, Purpose};
use super::producer::Producer;
use super::stop::Stop;
use crate::config::{ClientConfig, ConsumerConfig, ProducerConfig};
use crate::error::ClientError;
use crate::limits;
use crate::machine::connection::ConnectionError;
use crate::machine::metadata::{Address, Lookup, MetadataCache, Topic};
use crate::machine::partitioner::{KeyPartitioner, Partitioner};
use crate::machine::route::Destination;

/// A client of one cluster, from which producers, consumers and an administrator are made. Clones are the same client.
///
/// [`close`](Self::close) lets producers finish what they have begun. A client whose last clone is dropped ends at once.
#[derive(Clone)]
pub struct Client {
    handle: Rc<Handle>,
}

/// Ends the client when the last clone is dropped.
struct Handle {
    shared: Rc<Shared>,
}

/// Whoever wants to know when partitions may have moved.
pub(super) trait RoutesObserver {
    fn routes_changed(self: Rc<Self>);
}

/// Something that a client was asked to make, and that ends with it.
pub(super) enum Owned {
    Producer(Weak<super::producer::ProducerInner>),
    Consumer(Weak<super::consumer::ConsumerInner>),
}

/// What the parts of a client have in common.
pub(super) struct Shared {
    pub(super) config: ClientConfig,
    pub(super) gate: Gate,
    pub(super) stop: Rc<Stop>,
    pub(super) pool: Rc<Pool>,
    pub(super) metadata: RefCell<MetadataCache>,
    metadata_wanted: Flag,
    pub(super) metadata_changed: Notify,
    /// Why the last request for metadata failed.
    metadata_error: RefCell<Option<Arc<ClientError>>>,
    observers: RefCell<Vec<Weak<dyn RoutesObserver>>>,
    owned: RefCell<Vec<Owned>>,
    random: RefCell<SeededRandom>,
    next_owner: Cell<u32>,
    /// The bootstrap broker that was last of use.
    current: Cell<usize>,
}

impl Client {
    /// Connects to the first of the brokers that answers.
    pub async fn connect(config: ClientConfig) -> Result<Self, ClientError> {
        config.check()?;
        let mut random = SeededRandom::new(config.seed.unwrap_or_else(rt::entropy));
        let gate = Gate::new("client");
        let stop = Rc::new(Stop::default());
        let settings = ConnectionSettings {
            options: config.connection(),
            connect_timeout: config.connect_timeout,
            software: config.software.as_str().into(),
            version: config.version.as_str().into(),
            queue: config.queues.network,
        };
        let (backoff, upkeep) = (config.reconnect_backoff, config.queues.upkeep);
        let pool = Pool::new(settings, backoff, upkeep, gate.clone(), stop.clone(), random.fork());
        let shared = Rc::new(Shared {
            metadata: RefCell::new(MetadataCache::new(config.metadata(), random.fork())),
            config,
            gate,
            stop,
            pool: Rc::new(pool),
            metadata_wanted: Flag::new(),
            metadata_changed: Notify::new(),
            metadata_error: RefCell::new(None),
            observers: RefCell::default(),
            owned: RefCell::default(),
            random: RefCell::new(random),
            next_owner: Cell::new(0),
            current: Cell::new(0),
        });
        let client = Self { handle: Rc::new(Handle { shared: shared.clone() }) };
        shared.control().await?;
        let upkeep = shared.config.queues.upkeep;
        drop(shared.gate.spawn(upkeep, shared.clone().keep_metadata()));
        Ok(client)
    }

    /// A producer that chooses partitions as Kafka's clients do.
    pub fn producer(&self, config: ProducerConfig) -> Result<Producer, ClientError> {
        let seed = self.shared().random.borrow_mut().next_u64();
        self.producer_with(config, Box::new(KeyPartitioner::new(seed)))
    }

    /// A producer that chooses partitions in its own way.
    pub fn producer_with(
        &self,
        config: ProducerConfig,
        partitioner: Box<dyn Partitioner>,
    ) -> Result<Producer, ClientError> {
        Producer::new(self.shared().clone(), config, partitioner)
    }

    pub fn consumer(&self, config: ConsumerConfig) -> Result<Consumer, ClientError> {
        Consumer::new(self.shared().clone(), config)
    }

    pub fn admin(&self) -> Admin {
        Admin::new(self.shared().clone())
    }

    /// Lets producers deliver what they have, closes them and the consumers, and waits until nothing of the client is left.
    ///
    /// It takes as long as the producers' delivery timeout at worst.
    pub async fn close(&self) {
        let shared = self.shared();
        let owned = std::mem::take(&mut *shared.owned.borrow_mut());
        for owned in &owned {
            if let Owned::Producer(producer) = owned
                && let Some(producer) = producer.upgrade()
            {
                producer.close().await;
            }
        }
        for owned in &owned {
            if let Owned::Consumer(consumer) = owned
                && let Some(consumer) = consumer.upgrade()
            {
                consumer.close();
            }
        }
        shared.end();
        shared.gate.close().await;
    }

    fn shared(&self) -> &Rc<Shared> {
        &self.handle.shared
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let owned = std::mem::take(&mut *self.shared.owned.borrow_mut());
        for owned in owned {
            match owned {
                Owned::Producer(producer) => drop(producer.upgrade().map(|producer| producer.abort())),
                Owned::Consumer(consumer) => drop(consumer.upgrade().map(|consumer| consumer.close())),
            }
        }
        self.shared.end();
    }
}

impl Shared {
    /// Makes a name for a new owner of connections.
    pub(super) fn next_owner(&self) -> u32 {
        let owner = self.next_owner.get();
        self.next_owner.set(owner + 1);
        owner
    }

    pub(super) fn fork_random(&self) -> SeededRandom {
        self.random.borrow_mut().fork()
    }

    pub(super) fn own(&self, owned: Owned, observer: Weak<dyn RoutesObserver>) {
        let is_alive = |owned: &Owned| match owned {
            Owned::Producer(producer) => producer.strong_count() > 0,
            Owned::Consumer(consumer) => consumer.strong_count() > 0,
        };
        let mut all = self.owned.borrow_mut();
        all.retain(is_alive);
        all.push(owned);
        let mut observers = self.observers.borrow_mut();
        observers.retain(|observer| observer.strong_count() > 0);
        observers.push(observer);
    }

    /// Stops all tasks and closes all connections.
    fn end(&self) {
        self.stop.stop();
        self.pool.close_all();
        self.metadata_changed.notify_all();
    }

    /// Where the broker is that was last of use.
    pub(super) fn current_broker(&self) -> SocketAddr {
        self.config.bootstrap[self.current.get()]
    }

    /// A connection to some broker: the one that was last of use, or else the first of the others that answers.
    pub(super) async fn control(&self) -> Result<Rc<Connection>, ClientError> {
        let bootstrap = &self.config.bootstrap;
        let first = self.current.get();
        let mut last = None;
        for turn in 0..bootstrap.len() {
            if self.stop.is_stopped() {
                return Err(ClientError::Closed { what: "client" });
            }
            let index = (first + turn) % bootstrap.len();
            match self.reach(&Address::Socket(bootstrap[index]), Purpose::Control).await {
                Ok(connection) => {
                    self.current.set(index);
                    return Ok(connection);
                }
                Err(error) => last = Some(error),
            }
        }
        let last = last.expect("there is a broker to begin with");
        Err(ClientError::NoBroker { tried: bootstrap.clone(), last })
    }

    /// A connection, from whose greeting is learned who is there.
    pub(super) async fn reach(
        &self,
        address: &Address,
        purpose: Purpose,
    ) -> Result<Rc<Connection>, Arc<ConnectionError>> {
        let known = self.pool.ready(address, purpose);
        if let Some(connection) = known {
            return Ok(connection);
        }
        let connection = self.pool.connect(address, purpose).await?;
        if purpose == Purpose::Control {
            let greeting = connection.greeting();
            let endpoints = greeting.core_endpoints.iter().map(|(host, port)| (&**host, *port));
            self.metadata.borrow_mut().brokers_mut().reached(greeting.broker, connection.addr(), endpoints);
        }
        Ok(connection)
    }

    /// A connection to a destination; `None` if nobody has said where that is.
    pub(super) async fn reach_destination(
        &self,
        destination: Destination,
        purpose: Purpose,
    ) -> Option<Result<Rc<Connection>, Arc<ConnectionError>>> {
        let address = self.metadata.borrow().address(destination)?;
        Some(self.reach(&address, purpose).await)
    }

    /// What is known of a topic. Waits until it is known whether there is one.
    pub(super) async fn topic(&self, name: &str) -> Result<Rc<Topic>, ClientError> {
        let begun = now();
        let limit = self.config.operation_timeout;
        let give_up_at = begun.plus(limit);
        loop {
            let changed = self.metadata_changed.notified();
            if self.stop.is_stopped() {
                return Err(ClientError::Closed { what: "client" });
            }
            let lookup = self.metadata.borrow_mut().look_up(now(), name);
            let wait_until = match lookup {
                Lookup::Known(topic) => return Ok(topic),
                Lookup::Refused(refusal) => {
                    let broker = Address::Socket(self.current_broker());
                    // The next one who asks may be luckier.
                    self.metadata.borrow_mut().doubt_name(now(), name);
                    return Err(ClientError::Refused {
                        broker,
                        api: ApiKey::Metadata,
                        topic: Some(name.into()),
                        refusal,
                    });
                }
                Lookup::Missing => {
                    self.metadata.borrow_mut().doubt_name(now(), name);
                    begun.plus(limits::UNKNOWN_TOPIC_PATIENCE).min(give_up_at)
                }
                Lookup::Awaited => give_up_at,
            };
            self.metadata_wanted.raise();
            let left = wait_until.since(now());
            if left == Duration::ZERO || timeout(left, changed).await.is_err() {
                return Err(match self.metadata.borrow_mut().look_up(now(), name) {
                    Lookup::Missing => ClientError::UnknownTopic { topic: name.into() },
                    Lookup::Known(_) | Lookup::Refused(_) | Lookup::Awaited => ClientError::TimedOut {
                        what: format!("the lookup of topic {name:?}"),
                        limit,
                        last: self.metadata_error.borrow().clone(),
                    },
                });
            }
        }
    }

    /// Something has shown that what is known of partitions is not true; the metadata has been told what.
    pub(super) fn refresh_metadata(&self) {
        self.metadata_wanted.raise();
    }

    /// A broker cannot be reached.
    pub(super) fn doubt_broker(&self, broker: BrokerId) {
        self.metadata.borrow_mut().doubt_broker(now(), broker);
        self.metadata_wanted.raise();
    }

    async fn keep_metadata(self: Rc<Self>) {
        while !self.stop.is_stopped() {
            let request = self.metadata.borrow_mut().take_request(now());
            if let Some(names) = request {
                let answered = self.stop.or_stopped(self.refresh(&names)).await;
                self.settle_refresh(answered.unwrap_or(Err(ClientError::Closed { what: "client" })));
                continue;
            }
            let due = self.metadata.borrow().next_wakeup();
            let timer = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            self.stop.or_stopped(or(self.metadata_wanted.wait(), timer)).await;
        }
    }

    fn settle_refresh(&self, outcome: Result<(), ClientError>) {
        match outcome {
            Ok(()) => {
                self.metadata_error.take();
                self.metadata_changed.notify_all();
                let observers = self.observers.borrow().clone();
                observers.iter().filter_map(Weak::upgrade).for_each(|observer| observer.routes_changed());
            }
            Err(error) => {
                tracing::debug!(%error, "metadata could not be refreshed");
                self.metadata.borrow_mut().failed(now());
                *self.metadata_error.borrow_mut() = Some(Arc::new(error));
            }
        }
    }

    async fn refresh(&self, names: &[Arc<str>]) -> Result<(), ClientError> {
        let connection = self.control().await?;
        let selection = TopicSelection::Named(names.iter().map(|name| &**name).collect());
        let request = MetadataRequest { selection, page_partitions_max: None };
        let about = |error: CallError| error.about(&connection, ApiKey::Metadata, None);
        let frame = ask(&connection, &request, self.config.request_timeout).await.map_err(about)?;
        let reply: MetadataReply<'_> = frame.open().map_err(|error| {
            connection.fail_unreadable(ApiKey::Metadata, error);
            about(CallError::Lost(connection.error().expect("it has just failed")))
        })?;
        let is_lost = {
            let mut metadata = self.metadata.borrow_mut();
            metadata.apply(now(), connection.greeting().broker, &reply);
            metadata.has_unknown_leaders()
        };
        if is_lost {
            self.meet_all_brokers().await;
        }
        Ok(())
    }

    /// Greets every bootstrap broker, to learn where the leaders are that nobody has told the address of.
    async fn meet_all_brokers(&self) {
        for addr in &self.config.bootstrap {
            if let Err(error) = self.reach(&Address::Socket(*addr), Purpose::Control).await {
                tracing::debug!(%addr, %error, "a bootstrap broker cannot be reached");
            }
        }
    }

    /// Core 0 of every broker that has answered.
    pub(super) fn known_brokers(&self) -> Vec<BrokerId> {
        let metadata = self.metadata.borrow();
        metadata.brokers().all().map(|destination| destination.broker).collect()
    }

    pub(super) fn core_zero(broker: BrokerId) -> Destination {
        Destination { broker, core: CoreId(0) }
    }
}
