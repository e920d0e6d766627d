//! What befalls members and topics while a run is disturbed.

use cluster::groups::GroupId;

use crate::client::{Speaks, Tag};
use crate::topics::topics;
use crate::world::{Event, World};

/// How long it takes until all processes of a group have come back with the other protocol.
const ROLL_MS: u64 = 20_000;

impl World {
    /// A member crashes, leaves or comes.
    pub(crate) fn churn(&mut self) {
        let next = 1 + self.random.below(2 * self.plan.churn_ms);
        self.at(next, Event::Churn);
        if !self.is_disturbed() {
            return;
        }
        let number = self.random.index(self.clients.len());
        let client = &mut self.clients[number];
        if !client.is_running() {
            client.crash();
            let life = client.life;
            self.at(0, Event::Timer { client: number, life, tag: Tag::Join });
        } else if self.random.percent(50) {
            self.crash(number);
        } else {
            self.leave(number);
        }
    }

    fn crash(&mut self, number: usize) {
        self.clients[number].crash();
        self.oracle.summary.crashes += 1;
    }

    fn leave(&mut self, number: usize) {
        self.with_client(number, |client, io| match client.speaks {
            Speaks::Classic => client.classic_leave(io),
            Speaks::Consumer => client.consumer_leave(io),
        });
    }

    /// Somebody deploys another version of a group's processes, which speaks the protocol that most do not speak yet.
    pub(crate) fn roll(&mut self) {
        let next = 1 + self.random.below(2 * self.plan.roll_ms);
        self.at(next, Event::Roll);
        if !self.is_disturbed() {
            return;
        }
        let group = GroupId::new(&format!("group-{}", self.random.index(self.plan.groups)));
        let numbers: Vec<_> = (0..self.clients.len()).filter(|number| self.clients[*number].group == group).collect();
        let classic = numbers.iter().filter(|number| self.clients[**number].speaks == Speaks::Classic).count();
        let speaks = if classic * 2 > numbers.len() { Speaks::Consumer } else { Speaks::Classic };
        for number in numbers {
            let after = self.random.below(ROLL_MS);
            let client = &mut self.clients[number];
            if !client.is_running() {
                // Whoever comes later comes with it.
                client.crash();
                client.speaks = speaks;
            } else if client.speaks != speaks {
                let life = client.life;
                self.at(after, Event::Bounce { client: number, life, speaks });
            }
        }
    }

    pub(crate) fn bounce(&mut self, number: usize, life: u64, speaks: Speaks) {
        if self.clients[number].life != life || !self.is_disturbed() {
            return;
        }
        if self.random.percent(5) {
            self.crash(number);
        } else {
            self.leave(number);
        }
        let down_ms = self.random.below(3_000);
        let client = &mut self.clients[number];
        client.speaks = speaks;
        let life = client.life;
        self.at(down_ms, Event::Timer { client: number, life, tag: Tag::Join });
    }

    pub(crate) fn grow(&mut self) {
        if !self.is_disturbed() {
            return;
        }
        let number = self.random.index(self.plan.topics.len());
        self.plan.topics[number] += 1 + u32::try_from(self.random.below(4)).expect("below 4");
        (self.image, self.partitions) = topics(&self.plan);
        let now = self.now();
        if let Some(coordinator) = &mut self.coordinator {
            let decision = coordinator.topics_changed(self.image.clone(), &[], now);
            self.take(decision);
        }
        let next = 1 + self.random.below(2 * self.plan.restart_ms);
        self.at(next, Event::Growth);
    }
}
