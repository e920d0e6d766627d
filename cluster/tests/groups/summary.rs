//! What has happened in a run.

#[derive(Debug, Default, Clone)]
pub(crate) struct Summary {
    pub(crate) restarts: usize,
    pub(crate) failed_appends: usize,
    pub(crate) lost_messages: usize,
    pub(crate) crashes: usize,
    pub(crate) rebalances: usize,
    pub(crate) commits: usize,
    /// Cooperative members that were told to give something back.
    pub(crate) given_back: usize,
    /// Of classic groups with members.
    pub(crate) upgrades: usize,
    /// Of consumer groups with members that stay.
    pub(crate) downgrades: usize,
    /// How many runs this is of.
    pub(crate) seeds: u64,
}

impl Summary {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            restarts,
            failed_appends,
            lost_messages,
            crashes,
            rebalances,
            commits,
            given_back,
            upgrades,
            downgrades,
            seeds,
        } = other;
        self.restarts += restarts;
        self.failed_appends += failed_appends;
        self.lost_messages += lost_messages;
        self.crashes += crashes;
        self.rebalances += rebalances;
        self.commits += commits;
        self.given_back += given_back;
        self.upgrades += upgrades;
        self.downgrades += downgrades;
        self.seeds += seeds;
    }

    /// A simulation in which nothing goes wrong shows nothing.
    pub(crate) fn check_that_it_happened(&self) {
        assert!(self.restarts > 0, "{self:?}");
        assert!(self.failed_appends > 0, "{self:?}");
        assert!(self.lost_messages > 100, "{self:?}");
        assert!(self.crashes > 10, "{self:?}");
        assert!(self.rebalances > 10, "{self:?}");
        assert!(self.commits > 100, "{self:?}");
    }
}
