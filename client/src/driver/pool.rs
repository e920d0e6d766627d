//! Connections by where they lead and what they are for, made when they are needed.
//!
//! Producers and consumers have connections of their own, so that an acknowledgement never waits behind a megabyte that
//! somebody else is fetching.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use base::{Instant, SeededRandom};
use futures_lite::future::or;
use rt::{Gate, Notify, TaskQueue, now, sleep_until};

use super::connection::{Connection, ConnectionSettings};
use super::stop::Stop;
use crate::machine::backoff::{Backoff, BackoffOptions};
use crate::machine::connection::ConnectionError;
use crate::machine::metadata::Address;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// Metadata and administration.
    Control,
    /// One producer.
    Produce(u32),
    /// One consumer.
    Fetch(u32),
}

/// See the module.
pub(super) struct Pool {
    settings: ConnectionSettings,
    backoff: BackoffOptions,
    upkeep: TaskQueue,
    gate: Gate,
    stop: Rc<Stop>,
    random: RefCell<SeededRandom>,
    slots: RefCell<BTreeMap<(Address, Purpose), Rc<Slot>>>,
}

struct Slot {
    connection: RefCell<Option<Rc<Connection>>>,
    backoff: RefCell<Backoff>,
    /// No attempt is made before.
    hold_until: Cell<Instant>,
    /// An attempt is under way; all who want the connection wait for what comes of it.
    is_busy: Cell<bool>,
    settled: Notify,
    last_error: RefCell<Option<Arc<ConnectionError>>>,
    /// The owner is gone.
    released: Stop,
}

impl Pool {
    pub(super) fn new(
        settings: ConnectionSettings,
        backoff: BackoffOptions,
        upkeep: TaskQueue,
        gate: Gate,
        stop: Rc<Stop>,
        random: SeededRandom,
    ) -> Self {
        let random = RefCell::new(random);
        Self { settings, backoff, upkeep, gate, stop, random, slots: RefCell::default() }
    }

    /// The connection, if there is one.
    pub(super) fn ready(&self, address: &Address, purpose: Purpose) -> Option<Rc<Connection>> {
        let slot = self.slots.borrow().get(&(address.clone(), purpose))?.clone();
        let connection = slot.connection.borrow().clone();
        connection.filter(|connection| connection.is_open())
    }

    /// The connection, made if there is none: one attempt, after a pause if the ones before have failed.
    pub(super) async fn connect(
        self: &Rc<Self>,
        address: &Address,
        purpose: Purpose,
    ) -> Result<Rc<Connection>, Arc<ConnectionError>> {
        let slot = self.slot(address, purpose);
        let open = || slot.connection.borrow().clone().filter(|connection| connection.is_open());
        if let Some(connection) = open() {
            return Ok(connection);
        }
        let settled = slot.settled.notified();
        if !slot.is_busy.replace(true) {
            // In a task of its own: whoever wants the connection may stop waiting for it.
            let attempt = self.clone().attempt(slot.clone(), address.clone());
            if self.gate.spawn(self.upkeep, attempt).is_err() {
                slot.is_busy.set(false);
                return Err(Arc::new(ConnectionError::ClientClosed));
            }
        }
        settled.await;
        open().ok_or_else(|| {
            let error = slot.last_error.borrow().clone();
            error.unwrap_or_else(|| Arc::new(ConnectionError::Closed))
        })
    }

    /// Closes all connections of one owner.
    pub(super) fn release(&self, purpose: Purpose) {
        let mut slots = self.slots.borrow_mut();
        let theirs: Vec<_> = slots.keys().filter(|(_, other)| *other == purpose).cloned().collect();
        let theirs: Vec<_> = theirs.iter().filter_map(|key| slots.remove(key)).collect();
        drop(slots);
        theirs.iter().for_each(|slot| slot.close());
    }

    pub(super) fn close_all(&self) {
        let slots = std::mem::take(&mut *self.slots.borrow_mut());
        slots.values().for_each(|slot| slot.close());
    }

    fn slot(&self, address: &Address, purpose: Purpose) -> Rc<Slot> {
        let mut slots = self.slots.borrow_mut();
        let new = || {
            Rc::new(Slot {
                connection: RefCell::new(None),
                backoff: RefCell::new(Backoff::new(self.backoff)),
                hold_until: Cell::new(Instant::ZERO),
                is_busy: Cell::new(false),
                settled: Notify::new(),
                last_error: RefCell::new(None),
                released: Stop::default(),
            })
        };
        slots.entry((address.clone(), purpose)).or_insert_with(new).clone()
    }

    async fn attempt(self: Rc<Self>, slot: Rc<Slot>, address: Address) {
        let mut given_up = pin!(or(self.stop.stopped(), slot.released.stopped()));
        let addr = async {
            sleep_until(slot.hold_until.get()).await;
            Some(resolve(&address).await)
        };
        let abandoned = async {
            (&mut given_up).await;
            None
        };
        let result = match or(abandoned, addr).await {
            None => Err(Arc::new(ConnectionError::ClientClosed)),
            Some(Err(error)) => Err(error),
            Some(Ok(addr)) => Connection::open(addr, &self.settings, &self.gate, given_up).await,
        };
        match result {
            Ok(connection) => {
                let watch = self.clone().watch(slot.clone(), connection.clone());
                if self.gate.spawn(self.upkeep, watch).is_err() {
                    connection.fail(ConnectionError::ClientClosed);
                }
                *slot.connection.borrow_mut() = Some(connection);
            }
            Err(error) => {
                self.failed(&slot, error);
            }
        }
        slot.is_busy.set(false);
        slot.settled.notify_all();
    }

    /// A connection that did not last is a failure like one that was not made.
    async fn watch(self: Rc<Self>, slot: Rc<Slot>, connection: Rc<Connection>) {
        let made_at = now();
        let error = connection.closed().await;
        if now().since(made_at) >= self.backoff.max {
            slot.backoff.borrow_mut().succeeded();
        }
        self.failed(&slot, error);
        let is_current = |held: &Rc<Connection>| Rc::ptr_eq(held, &connection);
        if slot.connection.borrow().as_ref().is_some_and(is_current) {
            *slot.connection.borrow_mut() = None;
        }
    }

    fn failed(&self, slot: &Slot, error: Arc<ConnectionError>) {
        *slot.last_error.borrow_mut() = Some(error);
        let until = slot.backoff.borrow_mut().failed(now(), &mut self.random.borrow_mut());
        slot.hold_until.set(until);
    }
}

impl Slot {
    fn close(&self) {
        self.released.stop();
        let connection = self.connection.borrow_mut().take();
        if let Some(connection) = connection {
            connection.fail(ConnectionError::ClientClosed);
        }
    }
}

async fn resolve(address: &Address) -> Result<SocketAddr, Arc<ConnectionError>> {
    let (host, port) = match address {
        Address::Socket(addr) => return Ok(*addr),
        Address::Name { host, port } => (host.clone(), *port),
    };
    let failed = |reason: String| Arc::new(ConnectionError::Resolve { host: host.clone(), reason: reason.into() });
    let host_port = format!("{host}:{port}");
    let found = rt::blocking(move || rt::net::resolve(&host_port)).await.map_err(|error| failed(error.to_string()))?;
    let found = found.map_err(|error| failed(error.to_string()))?;
    found.first().copied().ok_or_else(|| failed("it has no address".to_owned()))
}
