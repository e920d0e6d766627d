//! What a group is subscribed to, and what that comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::TopicId;
use regex::{Regex, RegexBuilder};

use crate::groups::{ConsumerGroup, GroupError, GroupId, GroupRecord, MemberId, MemberMetadata, Now, ResolvedRegex};
use crate::limits::{GROUP_REGEX_COMPILED_BYTES_MAX, GROUP_REGEXES_MAX};
use crate::metadata::{MetadataImage, TopicName};

/// The list of topics, and how often it has changed.
#[derive(Clone, Copy)]
pub(in crate::groups) struct Topics<'a> {
    pub(in crate::groups) image: &'a MetadataImage,
    pub(in crate::groups) version: u64,
}

/// Whether what the group's regular expressions matched is still true.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownOnes {
    AreFresh,
    MayBeStale,
}

/// The subscriptions of a group in which one member may have changed, come or gone.
pub(super) struct Subscriptions<'a> {
    pub(super) group: &'a ConsumerGroup,
    /// A member with what it says now.
    pub(super) changed: Option<(&'a MemberId, &'a Arc<MemberMetadata>)>,
    /// In their order.
    gone: &'a [MemberId],
    /// Regular expressions that the group has not resolved, or not lately.
    resolved: BTreeMap<Arc<str>, Arc<ResolvedRegex>>,
}

impl<'a> Subscriptions<'a> {
    pub(super) fn with(group: &'a ConsumerGroup, member: &'a MemberId, metadata: &'a Arc<MemberMetadata>) -> Self {
        Self { group, changed: Some((member, metadata)), gone: &[], resolved: BTreeMap::new() }
    }

    pub(super) fn without(group: &'a ConsumerGroup, gone: &'a [MemberId]) -> Self {
        Self { group, changed: None, gone, resolved: BTreeMap::new() }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&MemberId, &Arc<MemberMetadata>)> {
        let changed = self.changed.map(|(id, _)| id);
        let others =
            self.group.members().filter(move |(id, _)| Some(*id) != changed && self.gone.binary_search(id).is_err());
        others.chain(self.changed)
    }

    /// Forgets regular expressions that nobody uses, and says which are used.
    pub(super) fn drop_unused(&self, id: &GroupId, records: &mut Vec<GroupRecord>) -> BTreeSet<Arc<str>> {
        let used: BTreeSet<_> = self.members().filter_map(|(_, metadata)| metadata.regex.clone()).collect();
        for regex in self.group.regexes().keys().filter(|regex| !used.contains(*regex)) {
            records.push(GroupRecord::Regex { group: id.clone(), regex: regex.clone(), value: None });
        }
        used
    }

    /// Matches the regular expressions in use that are new, and all of them unless they were matched against these
    /// topics, and writes down what has changed.
    pub(super) fn resolve(
        &mut self,
        id: &GroupId,
        topics: Topics<'_>,
        known_ones: KnownOnes,
        now: Now,
        records: &mut Vec<GroupRecord>,
    ) -> Result<(), GroupError> {
        let used = self.drop_unused(id, records);
        if used.len() > GROUP_REGEXES_MAX {
            let what = "regular expressions in a group";
            return Err(GroupError::LimitReached { what, limit: GROUP_REGEXES_MAX });
        }
        for regex in used {
            let known = self.group.regexes().get(&regex);
            if known.is_some() && known_ones == KnownOnes::AreFresh {
                continue;
            }
            let matching = matching_topics(&compile(&regex)?, topics.image);
            let changed = known.is_none_or(|known| known.topics != matching);
            let value = Arc::new(ResolvedRegex { topics: matching, version: topics.version, resolved_at: now.wall });
            if changed {
                let (group, regex) = (id.clone(), regex.clone());
                records.push(GroupRecord::Regex { group, regex, value: Some(value.clone()) });
            }
            self.resolved.insert(regex, value);
        }
        Ok(())
    }

    /// Topics that exist and that a member is subscribed to.
    pub(super) fn topics_of(&self, metadata: &MemberMetadata, image: &MetadataImage) -> BTreeSet<TopicId> {
        let by_regex = metadata.regex.as_ref().and_then(|regex| {
            let resolved = self.resolved.get(regex).or_else(|| self.group.regexes().get(regex));
            resolved.map(|resolved| resolved.topics.as_slice())
        });
        let names = metadata.topics.iter().chain(by_regex.unwrap_or_default());
        names.filter_map(|name| image.topic_id(name.as_str())).collect()
    }

    /// A number that changes when a topic that the group is subscribed to comes, goes, or grows; 0 without any.
    pub(super) fn metadata_hash(&self, image: &MetadataImage) -> u64 {
        let topics: BTreeSet<_> = self.members().flat_map(|(_, metadata)| self.topics_of(metadata, image)).collect();
        if topics.is_empty() {
            return 0;
        }
        let mut hash = FNV_BASIS;
        for topic in topics.iter().filter_map(|id| image.topic(*id)) {
            hash = fnv(hash, &topic.id.to_bytes());
            hash = fnv(hash, &(topic.partitions.len() as u64).to_be_bytes());
        }
        hash.max(1)
    }
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the hash is kept in the log, so it must be the same in every release.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A regular expression that a whole name must match. Its syntax is RE2's, as in Kafka, and its time is linear.
pub(super) fn compile(regex: &str) -> Result<Regex, GroupError> {
    // Compiled by itself first: `a)|(b` must not become valid by what is put around it.
    let build = |text: &str| RegexBuilder::new(text).size_limit(GROUP_REGEX_COMPILED_BYTES_MAX).build();
    let whole = build(regex).and_then(|_| build(&format!("^(?:{regex})$")));
    whole.map_err(|error| GroupError::InvalidRegularExpression { reason: error.to_string() })
}

fn matching_topics(regex: &Regex, image: &MetadataImage) -> Vec<TopicName> {
    image.topics().map(|topic| &topic.name).filter(|name| regex.is_match(name.as_str())).cloned().collect()
}
