//! What an operator decides for all groups.

use std::time::Duration;

use super::{AssignorName, Coordinator, GroupId};
use crate::limits::GROUP_MEMBERS_MAX;

/// A setting of single groups, in milliseconds: it comes before [`GroupSettings::consumer_session_timeout`].
pub const GROUP_SESSION_TIMEOUT: &str = "consumer.session.timeout.ms";
/// As above, before [`GroupSettings::consumer_heartbeat_interval_ms`].
pub const GROUP_HEARTBEAT_INTERVAL: &str = "consumer.heartbeat.interval.ms";

impl Coordinator {
    pub(super) fn consumer_session_timeout_of(&self, group: &GroupId) -> Duration {
        let own = self.own_milliseconds(group, GROUP_SESSION_TIMEOUT);
        own.map_or(self.settings.consumer_session_timeout, |own| Duration::from_millis(own.into()))
    }

    pub(super) fn consumer_heartbeat_interval_ms_of(&self, group: &GroupId) -> u32 {
        let own = self.own_milliseconds(group, GROUP_HEARTBEAT_INTERVAL);
        own.unwrap_or(self.settings.consumer_heartbeat_interval_ms)
    }

    fn own_milliseconds(&self, group: &GroupId, name: &str) -> Option<u32> {
        self.image.settings_of_group(group.as_str())?.get(name)?.parse().ok()
    }
}

/// Kafka's names are given with each; the defaults are Kafka's where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`
    pub session_timeout_ms_min: u32,
    /// `group.max.session.timeout.ms`
    pub session_timeout_ms_max: u32,
    /// `group.initial.rebalance.delay.ms`
    pub initial_rebalance_delay: Duration,
    /// `group.max.size`; Kafka has no limit by default.
    pub classic_members_max: usize,
    /// A member that has joined for the first time is given up after this long if the rebalance does not end.
    pub new_member_join_timeout: Duration,
    /// `group.consumer.max.size`; Kafka has no limit by default.
    pub consumer_members_max: usize,
    /// `group.consumer.session.timeout.ms`
    pub consumer_session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`
    pub consumer_heartbeat_interval_ms: u32,
    /// The first of `group.consumer.assignors`: for groups whose members do not ask for one.
    pub default_assignor: AssignorName,
    /// `group.consumer.migration.policy`
    pub migration: MigrationPolicy,
    /// `offset.metadata.max.bytes`
    pub offset_metadata_bytes_max: usize,
    /// Bytes that all groups may take which share memory with these. Kafka has no limit.
    pub memory_bytes_max: usize,
    /// `offsets.retention.minutes`
    pub offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`
    pub offsets_retention_check_interval: Duration,
}

/// Whether a group with members may change its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationPolicy {
    Disabled,
    Upgrade,
    Downgrade,
    Bidirectional,
}

impl MigrationPolicy {
    pub(super) const fn allows_upgrade(self) -> bool {
        matches!(self, Self::Upgrade | Self::Bidirectional)
    }

    pub(super) const fn allows_downgrade(self) -> bool {
        matches!(self, Self::Downgrade | Self::Bidirectional)
    }
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            initial_rebalance_delay: Duration::from_secs(3),
            classic_members_max: GROUP_MEMBERS_MAX,
            new_member_join_timeout: Duration::from_mins(5),
            consumer_members_max: GROUP_MEMBERS_MAX,
            consumer_session_timeout: Duration::from_secs(45),
            consumer_heartbeat_interval_ms: 5_000,
            default_assignor: AssignorName::Uniform,
            migration: MigrationPolicy::Bidirectional,
            offset_metadata_bytes_max: 4_096,
            memory_bytes_max: 256 << 20,
            offsets_retention: Duration::from_hours(7 * 24),
            offsets_retention_check_interval: Duration::from_mins(10),
        }
    }
}
