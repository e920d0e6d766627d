//! A coordinator, a log or a leader that is broken on purpose: whoever watches must say so.

use std::collections::BTreeSet;

use base::Offset;
use cluster::groups::{Partitions, Reply, Request};

use crate::embedded::{Subscription, read_assignment, write_assignment};
use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Now and then a classic member is given what another one was given last, too.
    SharesAssignments,
    /// The same with members of the consumer protocol.
    SharesPartitions,
    /// A leader gives away what its owner has not given back.
    HastyLeader,
    /// The coordinator does not hear what cooperative members keep while they join.
    ForgetsClaims,
    /// The coordinator takes it that members have given back whatever they should.
    ForgetsRevocations,
    /// Now and then a commit says less than the member said.
    GoesBack,
    /// What could not be appended counts as appended.
    LosesAppends,
    /// No session and no wait ever ends.
    Sleeps,
}

impl Sabotage {
    pub(crate) fn of_request(self, request: &mut Request) {
        match (self, request) {
            (Self::ForgetsClaims, Request::Join(join)) => {
                for (version, protocol) in join.protocols.iter_mut().map(|protocol| (protocol.metadata[1], protocol)) {
                    let said = Subscription::read(&protocol.metadata);
                    protocol.metadata = Subscription { owned: BTreeSet::new(), ..said }.write(version);
                }
            }
            (Self::ForgetsRevocations, Request::ConsumerHeartbeat(heartbeat)) => {
                heartbeat.owned = Some(Partitions::EMPTY);
            }
            _ => {}
        }
    }
}

impl World {
    pub(crate) fn forget_progress(&mut self, request: &mut Request) {
        if self.plan.sabotage == Some(Sabotage::GoesBack)
            && self.random.percent(5)
            && let Request::OffsetCommit(commit) = request
        {
            commit.offsets.iter_mut().for_each(|offset| offset.offset = Some(Offset::ZERO));
        }
    }

    /// Changes an answer on its way.
    pub(crate) fn sabotage(&mut self, reply: &mut Reply) {
        match (self.plan.sabotage, reply) {
            (Some(Sabotage::SharesAssignments), Reply::Sync(Ok(synced))) => {
                let mut assigned = read_assignment(&synced.assignment);
                if self.random.percent(10) {
                    assigned.extend(self.given_last.iter().cloned());
                    synced.assignment = write_assignment(&assigned);
                }
                self.given_last = assigned;
            }
            (Some(Sabotage::SharesPartitions), Reply::ConsumerHeartbeat(Ok(reply))) => {
                if let Some(assigned) = &mut reply.assignment {
                    if self.random.percent(10) {
                        assigned.extend(self.partitions_given_last.iter());
                    }
                    self.partitions_given_last.clone_from(assigned);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use crate::plan::{Mix, Plan};
    use crate::sabotage::Sabotage;
    use crate::world::World;

    /// One of the first seeds must find it, and say so in these words.
    fn is_found(sabotage: Sabotage, mix: Mix, words: &[&str]) {
        for seed in 0..10 {
            let plan = Plan { sabotage: Some(sabotage), ..Plan::of_seed(seed, mix) };
            let Err(panic) = catch_unwind(AssertUnwindSafe(|| World::new(&plan).run())) else { continue };
            let said = panic.downcast::<String>().expect("an assertion with a message");
            assert!(words.iter().any(|words| said.contains(words)), "seed {seed}: {said}");
            return;
        }
        panic!("{sabotage:?} was not found with {mix:?}");
    }

    #[test]
    fn an_assignment_that_two_members_are_told_is_found() {
        let words = ["has two owners in generation", "and may read only"];
        for mix in [Mix::Classic, Mix::Both] {
            is_found(Sabotage::SharesAssignments, mix, &words);
        }
        for mix in [Mix::Consumer, Mix::Both] {
            is_found(Sabotage::SharesPartitions, mix, &words);
        }
    }

    #[test]
    fn a_partition_that_is_given_away_before_it_was_given_back_is_found() {
        for mix in [Mix::Classic, Mix::Both] {
            is_found(Sabotage::HastyLeader, mix, &["is held by"]);
            is_found(Sabotage::ForgetsClaims, mix, &["and may read only"]);
        }
        for mix in [Mix::Consumer, Mix::Both] {
            is_found(Sabotage::ForgetsRevocations, mix, &["and may read only"]);
        }
    }

    #[test]
    fn an_offset_that_goes_back_and_one_that_is_lost_are_found() {
        for mix in [Mix::Classic, Mix::Consumer, Mix::Both] {
            is_found(Sabotage::GoesBack, mix, &["goes back from", "was acknowledged and is not in the log"]);
            let words = ["was acknowledged and is not in the log", "is held by", "and may read only"];
            is_found(Sabotage::LosesAppends, mix, &words);
        }
    }

    #[test]
    fn a_group_that_does_not_settle_is_found() {
        for mix in [Mix::Classic, Mix::Consumer, Mix::Both] {
            is_found(Sabotage::Sleeps, mix, &["waits", "has no owner", "is in another epoch"]);
        }
    }
}
