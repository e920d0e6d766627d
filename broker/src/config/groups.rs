//! Settings of groups.

use std::time::Duration;

use cluster::groups::{AssignorName, GroupSettings, MigrationPolicy};

use super::{ConfigError, Gathered};

impl Gathered {
    pub(super) fn group_settings(&self) -> Result<GroupSettings, ConfigError> {
        let settings = GroupSettings {
            session_timeout_ms_min: milliseconds(self.duration("groups.session_timeout_min")),
            session_timeout_ms_max: milliseconds(self.duration("groups.session_timeout_max")),
            initial_rebalance_delay: self.duration("groups.initial_rebalance_delay"),
            classic_members_max: self.count("groups.members_max") as usize,
            consumer_members_max: self.count("groups.consumer.members_max") as usize,
            consumer_session_timeout: self.duration("groups.consumer.session_timeout"),
            consumer_heartbeat_interval_ms: milliseconds(self.duration("groups.consumer.heartbeat_interval")),
            default_assignor: self
                .text("groups.consumer.assignor")
                .and_then(AssignorName::parse)
                .expect("the table's words are assignors"),
            migration: match self.text("groups.consumer.migration") {
                Some("upgrade") => MigrationPolicy::Upgrade,
                Some("downgrade") => MigrationPolicy::Downgrade,
                Some("disabled") => MigrationPolicy::Disabled,
                _ => MigrationPolicy::Bidirectional,
            },
            memory_bytes_max: self.bytes("memory.groups").as_usize(),
            offset_metadata_bytes_max: self.bytes("groups.offset_metadata_bytes_max").as_usize(),
            offsets_retention: self.duration("groups.offsets_retention"),
            offsets_retention_check_interval: self.duration("groups.offsets_check_interval"),
            ..GroupSettings::default()
        };
        let (min, max) = (settings.session_timeout_ms_min, settings.session_timeout_ms_max);
        if min > max {
            let why = format!("groups.session_timeout_min ({min} ms) is above groups.session_timeout_max ({max} ms)");
            return Err(ConfigError::Together { why });
        }
        let session = milliseconds(settings.consumer_session_timeout);
        let interval = settings.consumer_heartbeat_interval_ms;
        if interval >= session {
            return Err(ConfigError::Together {
                why: format!(
                    "groups.consumer.heartbeat_interval ({interval} ms) must be below groups.consumer.session_timeout \
                     ({session} ms)"
                ),
            });
        }
        Ok(settings)
    }
}

/// The table keeps such times below 50 days.
fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_decisions() {
        let config = Gathered::default().finish().unwrap();
        assert_eq!(config.groups, GroupSettings::default());
        assert_eq!(config.offsets_partitions, 50);
    }

    #[test]
    fn times_that_do_not_fit_together_are_refused() {
        for (name, value, why) in [
            ("groups.session_timeout_min", "31 min", "above groups.session_timeout_max"),
            ("groups.consumer.heartbeat_interval", "45 s", "must be below groups.consumer.session_timeout"),
        ] {
            let mut gathered = Gathered::default();
            gathered.set(name, value).unwrap();
            let error = gathered.finish().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
