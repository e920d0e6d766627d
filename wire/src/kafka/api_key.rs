//! What the table says about each API as a whole: key, name, versions.

use std::fmt;

use super::ApiKey;
use super::api_versions::ApiVersion;

/// Versions from `min` to `max`, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    pub min: i16,
    pub max: i16,
}

impl VersionRange {
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// Every version, lowest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = i16> {
        self.min..=self.max
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.min, self.max)
    }
}

/// One API's line in the table.
pub(super) struct ApiSpec {
    pub(super) key: i16,
    pub(super) name: &'static str,
    pub(super) served: bool,
    pub(super) handled: VersionRange,
    pub(super) advertised: VersionRange,
    pub(super) first_flexible: Option<i16>,
}

impl ApiKey {
    /// The number that stands for the API in a request header.
    pub const fn key(self) -> i16 {
        self.spec().key
    }

    /// Kafka's name for the API.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// False for an API that only our clients use: the broker does not answer it.
    pub const fn is_served(self) -> bool {
        self.spec().served
    }

    /// The versions that decode and encode, and so the versions that may be asked of the broker.
    pub const fn versions_handled(self) -> VersionRange {
        self.spec().handled
    }

    /// The versions that the broker claims. Produce claims more than it handles: see `schemas/kafka/produce.txt`.
    pub const fn versions_advertised(self) -> VersionRange {
        self.spec().advertised
    }

    /// True when that version has compact lengths, tagged fields, and headers with tagged fields.
    pub const fn is_flexible(self, version: i16) -> bool {
        match self.spec().first_flexible {
            Some(first) => version >= first,
            None => false,
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the broker puts into an ApiVersions response: every API served, ordered by key.
pub fn advertised_versions() -> Vec<ApiVersion> {
    let served = ApiKey::ALL.into_iter().filter(|api| api.is_served());
    served
        .map(|api| {
            let VersionRange { min, max } = api.versions_advertised();
            ApiVersion { api_key: api.key(), min_version: min, max_version: max }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_leads_back_to_its_api_and_no_other_does() {
        for key in i16::MIN..=i16::MAX {
            let expected = ApiKey::ALL.into_iter().find(|api| api.key() == key);
            assert_eq!(ApiKey::from_key(key), expected);
        }
    }

    #[test]
    fn what_is_advertised_is_handled_except_for_the_oldest_produce() {
        for api in ApiKey::ALL {
            let (claimed, handled) = (api.versions_advertised(), api.versions_handled());
            assert!(claimed.max <= handled.max, "{api} claims {claimed}, handles {handled}");
            if api != ApiKey::Produce {
                assert!(claimed.min >= handled.min, "{api} claims {claimed}, handles {handled}");
            }
        }
        assert_eq!(ApiKey::Produce.versions_advertised().min, 0, "librdkafka needs to see it (KAFKA-18659)");
        assert_eq!(ApiKey::Produce.versions_handled().min, 3);
    }

    #[test]
    fn the_advertised_list_holds_the_served_apis_in_order() {
        let list = advertised_versions();
        let keys: Vec<i16> = list.iter().map(|version| version.api_key).collect();
        assert!(keys.is_sorted() && keys.contains(&18), "{keys:?}");
        assert_eq!(list[0], ApiVersion { api_key: 0, min_version: 0, max_version: 13 });
        // Topic ids come with Metadata 10; librdkafka 2.5 sends Fetch 12 whatever the broker says.
        assert!(ApiKey::Metadata.versions_advertised().contains(10));
        assert!(ApiKey::Fetch.versions_advertised().contains(12));
    }
}
