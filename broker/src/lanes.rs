//! Lanes: groups of cores that Kafka clients see as nodes of their own, so that they connect straight to the core that
//! owns a partition.
//!
//! Each lane has a port, because clients take two nodes on one host and port for one. Any lane serves any partition, at
//! the price of a hop: a partition that changes its core costs its clients no error, only that hop, until they ask for
//! metadata again. Clients choose by the port that they start from: the plain listener shows the host as one node.

use std::ops::Range;

use base::{BrokerId, CoreId};

use crate::view::Endpoint;

/// Node ids of a host's lanes are this many times its own id, and the next ones.
pub(crate) const NODE_IDS_PER_HOST: u32 = 1_000;
/// More cost every idle client more threads and requests than they save: 8 nodes have 8 times the idle fetches of one.
pub(crate) const LANES_MAX: u32 = 8;

/// As what a broker shows itself to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As one node.
    Host,
    /// As a node for each lane.
    Lanes,
}

/// Cores in groups of neighbours, as even as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grouping {
    cores: u16,
    lanes: u16,
}

impl Grouping {
    /// `lanes` is from 1 to the number of cores.
    pub(crate) fn new(cores: u16, lanes: u16) -> Self {
        assert!((1..=cores).contains(&lanes), "{lanes} lanes of {cores} cores");
        Self { cores, lanes }
    }

    pub(crate) fn lane_of(self, core: CoreId) -> u16 {
        let lane = u32::from(core.0) * u32::from(self.lanes) / u32::from(self.cores);
        u16::try_from(lane).expect("there are fewer lanes than cores")
    }

    pub(crate) fn cores_of(self, lane: u16) -> Range<u16> {
        // The first core c with c * lanes / cores >= lane.
        let first = |lane: u16| (u32::from(lane) * u32::from(self.cores)).div_ceil(u32::from(self.lanes));
        let core = |number: u32| u16::try_from(number).expect("no more than the number of cores");
        core(first(lane))..core(first(lane + 1))
    }
}

/// A host's lanes as they are told to clients.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    pub(crate) grouping: Grouping,
    pub(crate) endpoints: Vec<Endpoint>,
    first_node: u32,
}

impl Lanes {
    /// `None` when the host's id leaves no room for those of its lanes.
    pub(crate) fn new(host: BrokerId, grouping: Grouping, endpoints: Vec<Endpoint>) -> Option<Self> {
        let first_node = host.0.checked_mul(NODE_IDS_PER_HOST)?;
        i32::try_from(first_node.checked_add(LANES_MAX)?).ok()?;
        Some(Self { grouping, endpoints, first_node })
    }

    pub(crate) fn node_of_lane(&self, lane: u16) -> BrokerId {
        BrokerId(self.first_node + u32::from(lane))
    }

    pub(crate) fn node_of_core(&self, core: CoreId) -> BrokerId {
        self.node_of_lane(self.grouping.lane_of(core))
    }

    /// Whether a node id is that of one of the lanes.
    pub(crate) fn has_node(&self, node: BrokerId) -> bool {
        node.0.checked_sub(self.first_node).is_some_and(|lane| (lane as usize) < self.endpoints.len())
    }

    /// Node ids and addresses of all lanes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (BrokerId, &Endpoint)> {
        (0..).zip(&self.endpoints).map(|(lane, endpoint)| (self.node_of_lane(lane), endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_core_is_in_one_lane_and_lanes_are_neighbours_and_even() {
        for cores in 1..=130 {
            for lanes in 1..=cores.min(8) {
                let grouping = Grouping::new(cores, lanes);
                let mut next = 0;
                let mut sizes = Vec::new();
                for lane in 0..lanes {
                    let range = grouping.cores_of(lane);
                    assert_eq!(range.start, next, "{cores} cores, {lanes} lanes");
                    assert!(range.clone().all(|core| grouping.lane_of(CoreId(core)) == lane), "{cores}, {lanes}");
                    sizes.push(range.len());
                    next = range.end;
                }
                assert_eq!(next, cores);
                let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
                assert!(*least > 0 && most - least <= 1, "{sizes:?}");
            }
        }
    }

    #[test]
    fn node_ids_of_lanes_are_those_of_no_other_host() {
        let endpoint = Endpoint { host: "h".to_owned(), port: 1 };
        let lanes = |host| Lanes::new(BrokerId(host), Grouping::new(8, 8), vec![endpoint.clone(); 8]);
        let first = lanes(1).unwrap();
        assert_eq!(first.nodes().map(|(id, _)| id.0).collect::<Vec<_>>(), (1_000..1_008).collect::<Vec<_>>());
        assert_eq!(first.node_of_core(CoreId(7)), BrokerId(1_007));
        let second = lanes(2).unwrap();
        assert!(second.nodes().all(|(id, _)| second.has_node(id) && !first.has_node(id)));
        assert!(!first.has_node(BrokerId(1)) && !first.has_node(BrokerId(1_008)));
        assert!(lanes(2_147_483).is_some());
        assert!(lanes(2_147_484).is_none());
    }
}
