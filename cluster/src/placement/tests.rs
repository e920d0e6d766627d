//! Tests of the placement of partitions on cores.

use proptest::prelude::*;

use super::*;

fn topic(number: u128) -> TopicId {
    TopicId::from_random(number)
}

fn partitions(number: u128, count: u32) -> impl Iterator<Item = PartitionId> {
    (0..count).map(move |index| PartitionId::new(topic(number), index))
}

fn cores(rows: &[PlacementRow]) -> Vec<u16> {
    rows.iter().map(|row| row.core.0).collect()
}

fn loads(placement: &Placement) -> Vec<usize> {
    CoreId::all(placement.cores()).map(|core| placement.load(core)).collect()
}

#[test]
fn partitions_of_one_topic_spread_before_cores_are_levelled() {
    let mut placement = Placement::new(3).unwrap();
    assert_eq!(cores(&placement.assign(partitions(1, 4))), [0, 1, 2, 0]);
    assert_eq!(cores(&placement.assign(partitions(2, 2))), [1, 2]);
    assert_eq!(cores(&placement.assign(partitions(1, 6))), [1, 2], "only the two new ones");
    assert_eq!(loads(&placement), [2, 3, 3]);
    assert_eq!(cores(&placement.assign(partitions(3, 3))), [0, 1, 2]);
}

#[test]
fn a_removed_topic_leaves_room() {
    let mut placement = Placement::new(2).unwrap();
    placement.assign(partitions(1, 3));
    placement.assign(partitions(2, 1));
    assert_eq!(cores(&placement.remove(topic(1))), [0, 1, 0]);
    assert_eq!(placement.remove(topic(1)), []);
    assert_eq!((placement.len(), loads(&placement)), (1, vec![0, 1]));
}

#[test]
fn one_partition_moves_alone() {
    let mut placement = Placement::new(2).unwrap();
    placement.assign(partitions(1, 2));
    let partition = PartitionId::new(topic(1), 0);
    let moved = PlacementMove { partition, from: CoreId(0), to: CoreId(1) };
    assert_eq!(placement.move_to(partition, CoreId(1)), Some(moved));
    assert_eq!(placement.move_to(partition, CoreId(1)), None);
    assert_eq!(placement.move_to(PartitionId::new(topic(2), 0), CoreId(1)), None);
    assert_eq!(placement.core_of(partition), Some(CoreId(1)));
}

#[test]
fn a_copy_shares_all_but_what_a_move_touches() {
    let mut placement = Placement::new(4).unwrap();
    placement.assign(partitions(1, 10_000));
    placement.assign(partitions(2, 10));
    let before = placement.clone();
    assert_eq!(placement.rows.chunks_of_its_own(&before.rows), 0);
    let partition = PartitionId::new(topic(1), 5_000);
    placement.move_to(partition, CoreId(1)).unwrap();
    assert_eq!(placement.rows.chunks_of_its_own(&before.rows), 1);
    assert_eq!((before.core_of(partition), placement.core_of(partition)), (Some(CoreId(0)), Some(CoreId(1))));
}

#[test]
fn a_topic_is_placed_and_removed_in_pieces_as_in_one() {
    let (mut whole, mut pieces) = (Placement::new(3).unwrap(), Placement::new(3).unwrap());
    for placement in [&mut whole, &mut pieces] {
        placement.assign(partitions(1, 7));
    }
    let all: Vec<PartitionId> = partitions(2, 1_000).collect();
    let placed = whole.assign(all.iter().copied());
    let in_pieces: Vec<_> = all.chunks(77).flat_map(|piece| pieces.assign(piece.iter().copied())).collect();
    assert_eq!((&placed, &whole), (&in_pieces, &pieces));
    let mut removed = Vec::new();
    loop {
        let piece = pieces.remove_some(topic(2), 77);
        assert!(piece.len() <= 77);
        if piece.is_empty() {
            break;
        }
        removed.extend(piece);
    }
    assert_eq!(
        (removed, &pieces),
        (placed, &{
            whole.remove(topic(2));
            whole
        })
    );
}

#[test]
fn more_cores_take_their_share_evenly_from_each_topic() {
    let mut placement = Placement::new(1).unwrap();
    placement.assign(partitions(1, 4));
    placement.assign(partitions(2, 4));
    let moves = placement.resize(2).unwrap();
    assert_eq!(moves.len(), 4);
    for number in [1, 2] {
        let there = placement.rows_of(topic(number)).filter(|row| row.core == CoreId(1)).count();
        assert_eq!(there, 2);
    }
    assert_eq!(placement.resize(2).unwrap(), []);
}

#[test]
fn fewer_cores_move_only_what_has_lost_its_core() {
    let mut placement = Placement::new(4).unwrap();
    placement.assign(partitions(1, 8));
    let moves = placement.resize(2).unwrap();
    assert!(moves.iter().all(|moved| moved.from.0 >= 2 && moved.to.0 < 2));
    assert_eq!((moves.len(), loads(&placement)), (4, vec![4, 4]));
}

#[test]
fn tables_that_contradict_themselves_are_refused() {
    let row = |index, core| PlacementRow { partition: PartitionId::new(topic(1), index), core: CoreId(core) };
    let partition = row(0, 0).partition;
    assert_eq!(Placement::from_rows(2, [row(0, 0), row(0, 1)]), Err(PlacementError::Twice { partition }));
    let beyond = PlacementError::NoSuchCore { partition, core: CoreId(2), cores: 2 };
    assert_eq!(Placement::from_rows(2, [row(0, 2)]), Err(beyond));
    assert_eq!(Placement::new(0), Err(PlacementError::Cores { cores: 0 }));
    assert_eq!(Placement::new(1).unwrap().resize(1_025), Err(PlacementError::Cores { cores: 1_025 }));
}

fn imbalance(loads: &[usize]) -> usize {
    loads.iter().max().unwrap() - loads.iter().min().unwrap()
}

/// The fewest moves to a level table, by trying every way to give out the larger shares.
fn fewest_moves(before: &[usize], cores: usize) -> usize {
    let total: usize = before.iter().sum();
    let (share, remainder) = (total / cores, total % cores);
    (0_u32..1 << cores)
        .filter(|larger| usize::try_from(larger.count_ones()) == Ok(remainder))
        .map(|larger| {
            let target = |core: usize| if core < cores { share + usize::from(larger >> core & 1 == 1) } else { 0 };
            before.iter().enumerate().map(|(core, load)| load.saturating_sub(target(core))).sum()
        })
        .min()
        .unwrap()
}

proptest! {
    #[test]
    fn one_topic_alone_is_level_through_growth_and_resizing(
        cores in 1_u16..9, count in 1_u32..60, more in 0_u32..40, resized in prop::collection::vec(1_u16..9, 0..4),
    ) {
        let mut placement = Placement::new(cores).unwrap();
        placement.assign(partitions(1, count));
        prop_assert!(imbalance(&loads(&placement)) <= 1);
        placement.assign(partitions(1, count + more));
        prop_assert!(imbalance(&loads(&placement)) <= 1);
        for cores in resized {
            placement.resize(cores).unwrap();
            prop_assert!(imbalance(&loads(&placement)) <= 1);
        }
    }

    #[test]
    fn no_level_table_is_reached_with_fewer_moves(
        cores in 1_u16..7, resized in 1_u16..7, rows in prop::collection::btree_map((0_u128..6, 0_u32..12), 0_u16..7, 0..60),
    ) {
        let rows = rows.into_iter().map(|((number, index), core)| {
            PlacementRow { partition: PartitionId::new(topic(number), index), core: CoreId(core % cores) }
        });
        let mut placement = Placement::from_rows(cores, rows).unwrap();
        let before = placement.clone();
        let moves = placement.resize(resized).unwrap();

        prop_assert_eq!(moves.len(), fewest_moves(&loads(&before), usize::from(resized)));
        prop_assert!(imbalance(&loads(&placement)) <= 1);
        prop_assert_eq!(placement.len(), before.len());
        let mut replayed: BTreeMap<_, _> = before.rows().map(|row| (row.partition, row.core)).collect();
        for moved in &moves {
            prop_assert_eq!(replayed.insert(moved.partition, moved.to), Some(moved.from));
        }
        prop_assert!(placement.rows().map(|row| (row.partition, row.core)).eq(replayed));
        prop_assert_eq!(Placement::from_rows(resized, placement.rows()).unwrap(), placement);
    }

    #[test]
    fn each_topic_is_spread_when_assigned_whatever_was_there_before(
        cores in 1_u16..7, topics in prop::collection::vec((0_u128..8, 1_u32..10), 1..20), removed in 0_u128..8,
    ) {
        let mut placement = Placement::new(cores).unwrap();
        for (number, count) in topics {
            placement.assign(partitions(number, count));
            let of_topic: Vec<_> = CoreId::all(cores)
                .map(|core| placement.rows_of(topic(number)).filter(|row| row.core == core).count())
                .collect();
            prop_assert!(imbalance(&of_topic) <= 1, "{of_topic:?}");
            prop_assert!(partitions(number, count).all(|partition| placement.core_of(partition).is_some()));
        }
        placement.remove(topic(removed));
        prop_assert_eq!(placement.rows_of(topic(removed)).count(), 0);
    }
}
