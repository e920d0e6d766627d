//! What can be altered of brokers while they run, as it is in force on this core.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cluster::metadata::MetadataImage;
use cluster::settings::TopicDefaults;
use rt::Notify;

use crate::config::{Config, LiveSettings};
use crate::core::Core;
use crate::start;

pub(crate) struct AlteredSettings {
    /// For topics that say nothing themselves.
    defaults: RefCell<Rc<TopicDefaults>>,
    live: Cell<LiveSettings>,
    /// The live settings have changed.
    pub(crate) changed: Notify,
}

impl AlteredSettings {
    pub(crate) fn new(config: &Config) -> Self {
        Self { defaults: RefCell::default(), live: Cell::new(config.live()), changed: Notify::new() }
    }
}

impl Core {
    /// Takes what a new image says.
    pub(crate) fn take_broker_settings(&self, image: &MetadataImage) {
        *self.altered.defaults.borrow_mut() = Rc::new(start::defaults_of(&self.config, image));
        let live = self.config.live_with(start::altered_of(&self.config, image));
        if self.altered.live.replace(live) != live {
            self.shard.tune(live.tuning());
            self.altered.changed.notify_all();
        }
    }

    /// Settings of the broker that can be altered while it runs, as they are now.
    pub(crate) fn live(&self) -> LiveSettings {
        self.altered.live.get()
    }

    /// What topics have that say nothing themselves.
    pub(crate) fn topic_defaults(&self) -> Rc<TopicDefaults> {
        Rc::clone(&self.altered.defaults.borrow())
    }
}
