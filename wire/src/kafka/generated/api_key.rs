//! The APIs: their keys, names and versions.
//!
//! Generated from `schemas/kafka/*.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::kafka::api_key::{ApiSpec, VersionRange};

/// A kind of request, by Kafka's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiKey {
    /// Appends record batches.
    Produce,
    /// Reads record batches, for consumers and for followers.
    Fetch,
    /// The offset that belongs to a timestamp, or to an end of the log.
    ListOffsets,
    /// The brokers, the topics, and who leads each partition.
    Metadata,
    /// Which broker looks after a group or a transactional id.
    FindCoordinator,
    /// Which APIs and versions the broker serves; a client's first request.
    ApiVersions,
    CreateTopics,
    DeleteTopics,
    /// Moves the start of logs forward.
    DeleteRecords,
    /// Gives a producer its id and epoch.
    InitProducerId,
    /// Where a leader epoch ended, to find where two logs part.
    OffsetForLeaderEpoch,
    /// The settings of topics and brokers.
    DescribeConfigs,
    /// Gives topics more partitions.
    CreatePartitions,
    /// The brokers and the controller.
    DescribeCluster,
    /// The partitions of topics, page by page.
    DescribeTopicPartitions,
}

impl ApiKey {
    /// Every API of the table, ordered by key.
    pub const ALL: [ApiKey; 15] = [
        ApiKey::Produce,
        ApiKey::Fetch,
        ApiKey::ListOffsets,
        ApiKey::Metadata,
        ApiKey::FindCoordinator,
        ApiKey::ApiVersions,
        ApiKey::CreateTopics,
        ApiKey::DeleteTopics,
        ApiKey::DeleteRecords,
        ApiKey::InitProducerId,
        ApiKey::OffsetForLeaderEpoch,
        ApiKey::DescribeConfigs,
        ApiKey::CreatePartitions,
        ApiKey::DescribeCluster,
        ApiKey::DescribeTopicPartitions,
    ];

    /// The API with that number.
    pub const fn from_key(key: i16) -> Option<ApiKey> {
        Some(match key {
            0 => ApiKey::Produce,
            1 => ApiKey::Fetch,
            2 => ApiKey::ListOffsets,
            3 => ApiKey::Metadata,
            10 => ApiKey::FindCoordinator,
            18 => ApiKey::ApiVersions,
            19 => ApiKey::CreateTopics,
            20 => ApiKey::DeleteTopics,
            21 => ApiKey::DeleteRecords,
            22 => ApiKey::InitProducerId,
            23 => ApiKey::OffsetForLeaderEpoch,
            32 => ApiKey::DescribeConfigs,
            37 => ApiKey::CreatePartitions,
            60 => ApiKey::DescribeCluster,
            75 => ApiKey::DescribeTopicPartitions,
            _ => return None,
        })
    }

    pub(in crate::kafka) const fn spec(self) -> &'static ApiSpec {
        match self {
            ApiKey::Produce => &ApiSpec {
                key: 0,
                name: "Produce",
                served: true,
                handled: VersionRange { min: 3, max: 13 },
                advertised: VersionRange { min: 0, max: 13 },
                first_flexible: Some(9),
            },
            ApiKey::Fetch => &ApiSpec {
                key: 1,
                name: "Fetch",
                served: true,
                handled: VersionRange { min: 4, max: 18 },
                advertised: VersionRange { min: 4, max: 17 },
                first_flexible: Some(12),
            },
            ApiKey::ListOffsets => &ApiSpec {
                key: 2,
                name: "ListOffsets",
                served: true,
                handled: VersionRange { min: 1, max: 10 },
                advertised: VersionRange { min: 1, max: 10 },
                first_flexible: Some(6),
            },
            ApiKey::Metadata => &ApiSpec {
                key: 3,
                name: "Metadata",
                served: true,
                handled: VersionRange { min: 0, max: 13 },
                advertised: VersionRange { min: 0, max: 13 },
                first_flexible: Some(9),
            },
            ApiKey::FindCoordinator => &ApiSpec {
                key: 10,
                name: "FindCoordinator",
                served: true,
                handled: VersionRange { min: 0, max: 6 },
                advertised: VersionRange { min: 0, max: 6 },
                first_flexible: Some(3),
            },
            ApiKey::ApiVersions => &ApiSpec {
                key: 18,
                name: "ApiVersions",
                served: true,
                handled: VersionRange { min: 0, max: 4 },
                advertised: VersionRange { min: 0, max: 4 },
                first_flexible: Some(3),
            },
            ApiKey::CreateTopics => &ApiSpec {
                key: 19,
                name: "CreateTopics",
                served: true,
                handled: VersionRange { min: 2, max: 7 },
                advertised: VersionRange { min: 2, max: 7 },
                first_flexible: Some(5),
            },
            ApiKey::DeleteTopics => &ApiSpec {
                key: 20,
                name: "DeleteTopics",
                served: true,
                handled: VersionRange { min: 1, max: 6 },
                advertised: VersionRange { min: 1, max: 6 },
                first_flexible: Some(4),
            },
            ApiKey::DeleteRecords => &ApiSpec {
                key: 21,
                name: "DeleteRecords",
                served: true,
                handled: VersionRange { min: 0, max: 2 },
                advertised: VersionRange { min: 0, max: 2 },
                first_flexible: Some(2),
            },
            ApiKey::InitProducerId => &ApiSpec {
                key: 22,
                name: "InitProducerId",
                served: true,
                handled: VersionRange { min: 0, max: 5 },
                advertised: VersionRange { min: 0, max: 5 },
                first_flexible: Some(2),
            },
            ApiKey::OffsetForLeaderEpoch => &ApiSpec {
                key: 23,
                name: "OffsetForLeaderEpoch",
                served: true,
                handled: VersionRange { min: 2, max: 4 },
                advertised: VersionRange { min: 2, max: 4 },
                first_flexible: Some(4),
            },
            ApiKey::DescribeConfigs => &ApiSpec {
                key: 32,
                name: "DescribeConfigs",
                served: true,
                handled: VersionRange { min: 1, max: 4 },
                advertised: VersionRange { min: 1, max: 4 },
                first_flexible: Some(4),
            },
            ApiKey::CreatePartitions => &ApiSpec {
                key: 37,
                name: "CreatePartitions",
                served: true,
                handled: VersionRange { min: 0, max: 3 },
                advertised: VersionRange { min: 0, max: 3 },
                first_flexible: Some(2),
            },
            ApiKey::DescribeCluster => &ApiSpec {
                key: 60,
                name: "DescribeCluster",
                served: true,
                handled: VersionRange { min: 0, max: 2 },
                advertised: VersionRange { min: 0, max: 2 },
                first_flexible: Some(0),
            },
            ApiKey::DescribeTopicPartitions => &ApiSpec {
                key: 75,
                name: "DescribeTopicPartitions",
                served: true,
                handled: VersionRange { min: 0, max: 0 },
                advertised: VersionRange { min: 0, max: 0 },
                first_flexible: Some(0),
            },
        }
    }
}
