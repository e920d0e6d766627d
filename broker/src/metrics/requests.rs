//! How often each API was asked for on one core.

use std::cell::Cell;

use wire::{kafka, native};

use super::samples::Samples;
use super::table::Id;

/// One more than the largest key of an API that is served; keys are the places.
const KAFKA_KEYS: usize = 128;
const NATIVE_KEYS: usize = native::ApiKey::ALL.len() + 1;

pub(crate) struct RequestCounts {
    kafka: [Cell<u64>; KAFKA_KEYS],
    native: [Cell<u64>; NATIVE_KEYS],
}

impl RequestCounts {
    pub(crate) fn new() -> Self {
        Self { kafka: [const { Cell::new(0) }; KAFKA_KEYS], native: [const { Cell::new(0) }; NATIVE_KEYS] }
    }

    pub(crate) fn kafka(&self, api: kafka::ApiKey) {
        let count = &self.kafka[place_of(api)];
        count.set(count.get() + 1);
    }

    pub(crate) fn native(&self, api: native::ApiKey) {
        let count = &self.native[usize::from(api.to_wire())];
        count.set(count.get() + 1);
    }

    pub(super) fn give(&self, samples: &mut Samples) {
        let kafka =
            kafka::ApiKey::ALL.into_iter().map(|api| ("kafka", api.name().into(), self.kafka[place_of(api)].get()));
        let native = native::ApiKey::ALL
            .into_iter()
            .map(|api| ("native", format!("{api:?}").into(), self.native[usize::from(api.to_wire())].get()));
        for (door, api, count) in kafka.chain(native).filter(|(.., count)| *count > 0) {
            samples.add_labelled(Id::Requests, vec![door.into(), api], count);
        }
    }
}

fn place_of(api: kafka::ApiKey) -> usize {
    usize::try_from(api.key()).expect("keys are not negative")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_api_has_a_place() {
        let counts = RequestCounts::new();
        kafka::ApiKey::ALL.into_iter().for_each(|api| counts.kafka(api));
        native::ApiKey::ALL.into_iter().for_each(|api| counts.native(api));
        let mut samples = Samples::of_core(base::CoreId(0));
        counts.give(&mut samples);
        assert_eq!(samples.list.len(), kafka::ApiKey::ALL.len() + native::ApiKey::ALL.len());
    }
}
