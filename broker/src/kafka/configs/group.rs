//! Settings of a consumer group (KIP-848): they come before the broker's.

use std::collections::BTreeMap;

use cluster::groups::{GROUP_HEARTBEAT_INTERVAL, GROUP_SESSION_TIMEOUT};
use cluster::metadata::{OtherSettings, OwnerChange, SettingChange, SettingOperation};
use wire::ErrorCode;

use super::broker::code;
use super::{Described, SOURCE_GROUP, TYPE_INT};
use crate::config::{InForce, KafkaName};
use crate::core::Core;
use crate::refusal::Refusal;
use crate::start;

/// Each setting with the broker's name for what it stands before.
const NAMES: [(&str, &str); 2] = [
    (GROUP_HEARTBEAT_INTERVAL, "group.consumer.heartbeat.interval.ms"),
    (GROUP_SESSION_TIMEOUT, "group.consumer.session.timeout.ms"),
];
/// Members that are asked for more heartbeats than this would do little else.
const HEARTBEAT_INTERVAL_MS_MIN: u32 = 100;

pub(super) fn describe(core: &Core, name: &str) -> Result<Vec<Described>, Refusal> {
    check_name(name)?;
    let view = core.shown_view();
    let own = view.image.settings_of_group(name);
    let altered = start::altered_of(&core.config, &view.image);
    let described = |(name, broker_name): (&'static str, &'static str)| {
        let known = KafkaName::find(broker_name).expect("the table has it");
        let own = own.and_then(|own| own.get(name)).map(|value| (name, value.to_owned(), SOURCE_GROUP));
        let values = core.config.values_of(known.setting(), altered);
        let broker = values.iter().map(|InForce { value, source }| (broker_name, known.spell(value), code(*source)));
        Described {
            name,
            is_read_only: false,
            config_type: TYPE_INT,
            about: known.setting().about,
            places: own.into_iter().chain(broker).collect(),
        }
    };
    Ok(NAMES.into_iter().map(described).collect())
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        let text = "a group is named; defaults are settings of brokers";
        return Err(Refusal::new(ErrorCode::InvalidRequest, text));
    }
    if name.len() > cluster::limits::GROUP_TEXT_BYTES_MAX {
        let text = format!("a group's name has {} bytes at most here", cluster::limits::GROUP_TEXT_BYTES_MAX);
        return Err(Refusal::new(ErrorCode::InvalidRequest, text));
    }
    Ok(())
}

/// Checks changes, alone and with what is in force beside them.
pub(super) fn check(
    core: &Core,
    group: &str,
    changes: Vec<SettingChange>,
    others: OtherSettings,
) -> Result<Vec<OwnerChange>, Refusal> {
    check_name(group)?;
    let view = core.shown_view();
    let own = view.image.settings_of_group(group).filter(|_| others == OtherSettings::Stay);
    let mut values: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, _) in NAMES {
        values.extend(own.and_then(|own| own.get(name)).and_then(|text| text.parse().ok()).map(|value| (name, value)));
    }
    let mut checked = Vec::with_capacity(changes.len());
    for SettingChange { name, operation } in changes {
        let known = NAMES.into_iter().map(|(known, _)| known).find(|known| *known == name);
        let value = match (known, operation) {
            (Some(known), SettingOperation::Set(text)) => {
                let value = parse(core, known, &text)?;
                values.insert(known, value);
                Some(value.to_string())
            }
            (known, SettingOperation::Unset) => {
                known.map(|known| values.remove(known));
                None
            }
            (None, _) => return Err(invalid(format!("there is no group setting {name:?}"))),
            (Some(_), SettingOperation::Append(_) | SettingOperation::Subtract(_)) => {
                return Err(invalid(format!("{name} is not a list, so nothing can be added to it or taken from it")));
            }
        };
        checked.push(OwnerChange::Checked { name, value });
    }
    let settings = &core.config.groups;
    let of_broker = u32::try_from(settings.consumer_session_timeout.as_millis()).unwrap_or(u32::MAX);
    let session = values.get(GROUP_SESSION_TIMEOUT).copied().unwrap_or(of_broker);
    let interval = values.get(GROUP_HEARTBEAT_INTERVAL).copied().unwrap_or(settings.consumer_heartbeat_interval_ms);
    if interval >= session {
        let text = format!("{GROUP_HEARTBEAT_INTERVAL}={interval} must be below {GROUP_SESSION_TIMEOUT}={session}");
        return Err(invalid(text));
    }
    Ok(checked)
}

fn invalid(text: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidConfig, text)
}

fn parse(core: &Core, name: &str, text: &str) -> Result<u32, Refusal> {
    let settings = &core.config.groups;
    let (min, max) = match name {
        GROUP_SESSION_TIMEOUT => (settings.session_timeout_ms_min, settings.session_timeout_ms_max),
        _ => (HEARTBEAT_INTERVAL_MS_MIN, settings.session_timeout_ms_max),
    };
    let value = text.trim().parse().ok().filter(|value| (min..=max).contains(value));
    value
        .ok_or_else(|| invalid(format!("{name}={text:?} is not accepted: expected a whole number from {min} to {max}")))
}
