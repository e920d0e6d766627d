//! The balancer against cores and partitions whose loads stay as they are.

use base::TopicId;
use proptest::prelude::*;

use super::*;

fn id(index: u32) -> PartitionId {
    PartitionId::new(TopicId::METADATA, index)
}

/// Partitions on cores, each with a load that goes with it, and what cores have to do beside.
#[derive(Clone, Debug)]
struct Machine {
    own: Vec<u64>,
    partitions: Vec<(CoreId, u64)>,
    /// One part in so many of a partition's load is measured as such.
    measured_one_in: u64,
}

impl Machine {
    fn new(own: &[u64], partitions: &[(u16, u64)]) -> Self {
        let partitions = partitions.iter().map(|(core, busy)| (CoreId(*core), *busy)).collect();
        Self { own: own.to_vec(), partitions, measured_one_in: 1 }
    }

    fn busy(&self) -> Vec<u64> {
        let mut busy = self.own.clone();
        for (core, load) in &self.partitions {
            busy[core.as_usize()] += load;
        }
        busy
    }

    fn look(&self, balancer: &mut Balancer) -> Option<ProposedMove> {
        let cores: Vec<CoreLoad> =
            (0..).map(CoreId).zip(self.busy()).map(|(core, busy)| CoreLoad { core, busy }).collect();
        let loads = (0..).zip(&self.partitions);
        let partitions: Vec<PartitionLoad> = loads
            .map(|(index, (core, busy))| (index, *core, busy / self.measured_one_in))
            .map(|(index, core, busy)| PartitionLoad { partition: id(index), core, busy })
            .collect();
        balancer.look(&cores, &partitions)
    }

    fn perform(&mut self, proposed: ProposedMove) {
        let partition = &mut self.partitions[proposed.partition.index.0 as usize];
        assert_eq!(partition.0, proposed.from);
        partition.0 = proposed.to;
    }
}

#[test]
fn the_partition_that_evens_out_best_moves_after_three_looks() {
    let machine = Machine::new(&[0, 50_000], &[(0, 300_000), (0, 200_000), (0, 10_000)]);
    let mut balancer = Balancer::new(20);
    assert_eq!(machine.look(&mut balancer), None);
    assert_eq!(machine.look(&mut balancer), None);
    let expected = ProposedMove { partition: id(1), from: CoreId(0), to: CoreId(1) };
    // 310,000 and 250,000 by partition 1, which is better; 210,000 and 350,000 by partition 0.
    assert_eq!(machine.look(&mut balancer), Some(expected));
    // It rests now, and after three more looks the next best one is proposed.
    assert_eq!([machine.look(&mut balancer), machine.look(&mut balancer)], [None, None]);
    assert_eq!(machine.look(&mut balancer), Some(ProposedMove { partition: id(0), ..expected }));
}

#[test]
fn a_look_that_finds_nothing_begins_the_count_anew() {
    let uneven = Machine::new(&[0, 0], &[(0, 300_000), (0, 200_000)]);
    let even = Machine::new(&[0, 0], &[(0, 300_000), (1, 200_000)]);
    let mut balancer = Balancer::new(20);
    for _ in 0..10 {
        assert_eq!(uneven.look(&mut balancer), None);
        assert_eq!(uneven.look(&mut balancer), None);
        assert_eq!(even.look(&mut balancer), None);
    }
}

#[test]
fn cores_that_have_little_to_do_are_left_alone() {
    let machine = Machine::new(&[0, 0], &[(0, 150_000), (0, 149_000)]);
    let mut balancer = Balancer::new(1);
    assert!((0..20).all(|_| machine.look(&mut balancer).is_none()));
}

#[test]
fn one_hot_partition_alone_is_not_moved_back_and_forth() {
    for measured_one_in in [1, 2, 5, 20] {
        for own in [0, 50_000, 150_000, 300_000] {
            let machine = Machine::new(&[own, 10_000, 20_000], &[(0, 700_000), (1, 5_000)]);
            let machine = Machine { measured_one_in, ..machine };
            let mut balancer = Balancer::new(20);
            // What its core does beside may be what its requests cost, and would then go with it.
            assert!((0..500).all(|_| machine.look(&mut balancer).is_none()), "{own}, one in {measured_one_in}");
        }
    }
}

#[test]
fn partitions_move_also_when_little_is_measured_of_what_they_cost() {
    let machine = Machine::new(&[0, 0], &[(0, 200_000), (0, 200_000), (0, 200_000), (0, 200_000)]);
    let mut machine = Machine { measured_one_in: 20, ..machine };
    let mut balancer = Balancer::new(20);
    for _ in 0..500 {
        if let Some(proposed) = machine.look(&mut balancer) {
            machine.perform(proposed);
        }
    }
    assert_eq!(machine.busy(), [400_000, 400_000]);
}

#[test]
fn a_partition_that_cannot_be_moved_does_not_keep_others_from_it() {
    let machine = Machine::new(&[0, 0], &[(0, 300_000), (0, 250_000)]);
    let mut balancer = Balancer::new(20);
    let proposed: Vec<PartitionId> =
        (0..20).filter_map(|_| machine.look(&mut balancer)).map(|proposed| proposed.partition).collect();
    assert_eq!(proposed[..2], [id(0), id(1)]);
}

proptest! {
    #[test]
    fn with_constant_loads_moves_come_to_an_end_and_none_makes_the_busiest_core_busier(
        own in prop::collection::vec(0_u64..200_000, 1..9),
        loads in prop::collection::vec((0_u16..8, 0_u64..500_000), 0..60),
        threshold in 1_u32..60,
        measured_one_in in 1_u64..30,
    ) {
        let cores = u16::try_from(own.len()).unwrap();
        let loads: Vec<(u16, u64)> = loads.into_iter().map(|(core, load)| (core % cores, load)).collect();
        // Multiples, so that the part that is measured is the same of each.
        let loads: Vec<(u16, u64)> =
            loads.into_iter().map(|(core, load)| (core, load / measured_one_in * measured_one_in)).collect();
        let mut machine = Machine { measured_one_in, ..Machine::new(&own, &loads) };
        let mut balancer = Balancer::new(threshold);
        let (mut moves, mut last) = (0, 0);
        for look in 0..20_000 {
            let Some(proposed) = machine.look(&mut balancer) else { continue };
            let before = machine.busy();
            machine.perform(proposed);
            let after = machine.busy();
            let (from, to) = (proposed.from.as_usize(), proposed.to.as_usize());
            prop_assert!(after[to] < before[from], "the target is busier than the source was");
            prop_assert!(after.iter().max() <= before.iter().max());
            // Each move takes something off this sum, and not less than a share of the threshold.
            let squares = |busy: &[u64]| busy.iter().map(|busy| u128::from(*busy).pow(2)).sum::<u128>();
            prop_assert!(squares(&after) < squares(&before));
            (moves, last) = (moves + 1, look);
        }
        prop_assert!(moves <= loads.len() * own.len(), "{moves} moves of {} partitions", loads.len());
        prop_assert!(last < 15_000, "it still moves at look {last}");
    }
}
