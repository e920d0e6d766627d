//! One row of the placement table, as it is stored.

use base::{CoreId, PartitionId, TopicId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A partition and the core that owns it. Stored as `{ topic, partition, core }`, the topic's id as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacementRow {
    pub partition: PartitionId,
    pub core: CoreId,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    topic: String,
    partition: u32,
    core: u16,
}

impl Serialize for PlacementRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PartitionId { topic, index } = self.partition;
        Stored { topic: topic.to_string(), partition: index.0, core: self.core.0 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PlacementRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { topic, partition, core } = Stored::deserialize(deserializer)?;
        let topic: TopicId = topic.parse().map_err(serde::de::Error::custom)?;
        Ok(Self { partition: PartitionId::new(topic, partition), core: CoreId(core) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_stored_readably_and_comes_back() {
        let row = PlacementRow { partition: PartitionId::new(TopicId::METADATA, 3), core: CoreId(2) };
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(text, r#"{"topic":"AAAAAAAAAAAAAAAAAAAAAQ","partition":3,"core":2}"#);
        assert_eq!(serde_json::from_str::<PlacementRow>(&text).unwrap(), row);
        assert!(serde_json::from_str::<PlacementRow>(&text.replace("AAAQ", "")).is_err());
    }
}
