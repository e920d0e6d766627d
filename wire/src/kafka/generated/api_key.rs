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
    /// Keeps how far a group has read.
    OffsetCommit,
    /// How far a group has read.
    OffsetFetch,
    /// Which broker looks after a group or a transactional id.
    FindCoordinator,
    /// Enters a group of the classic protocol, and waits for its next generation.
    JoinGroup,
    /// Tells that a member of the classic protocol is alive, and learns of a rebalance.
    Heartbeat,
    /// Takes members out of a group of the classic protocol.
    LeaveGroup,
    /// Hands out the assignment that the group's leader has made.
    SyncGroup,
    /// The state and members of groups of the classic protocol.
    DescribeGroups,
    /// The groups that a broker coordinates.
    ListGroups,
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
    /// Replaces all settings of a topic or broker by those named.
    AlterConfigs,
    /// The folders of a broker, and how much each partition takes there.
    DescribeLogDirs,
    /// Gives topics more partitions.
    CreatePartitions,
    /// Deletes groups that have no members.
    DeleteGroups,
    /// Changes single settings of a topic or broker.
    IncrementalAlterConfigs,
    /// Forgets what a group has committed for some partitions.
    OffsetDelete,
    /// The replicas of the metadata log and how far each has come.
    DescribeQuorum,
    /// The brokers and the controller.
    DescribeCluster,
    /// The producers that a partition knows.
    DescribeProducers,
    /// Joins, stays in and leaves a group of the consumer protocol (KIP-848).
    ConsumerGroupHeartbeat,
    /// The state and members of groups of the consumer protocol.
    ConsumerGroupDescribe,
    /// The resources that have settings.
    ListConfigResources,
    /// The partitions of topics, page by page.
    DescribeTopicPartitions,
}

impl ApiKey {
    /// Every API of the table, ordered by key.
    pub const ALL: [ApiKey; 33] = [
        ApiKey::Produce,
        ApiKey::Fetch,
        ApiKey::ListOffsets,
        ApiKey::Metadata,
        ApiKey::OffsetCommit,
        ApiKey::OffsetFetch,
        ApiKey::FindCoordinator,
        ApiKey::JoinGroup,
        ApiKey::Heartbeat,
        ApiKey::LeaveGroup,
        ApiKey::SyncGroup,
        ApiKey::DescribeGroups,
        ApiKey::ListGroups,
        ApiKey::ApiVersions,
        ApiKey::CreateTopics,
        ApiKey::DeleteTopics,
        ApiKey::DeleteRecords,
        ApiKey::InitProducerId,
        ApiKey::OffsetForLeaderEpoch,
        ApiKey::DescribeConfigs,
        ApiKey::AlterConfigs,
        ApiKey::DescribeLogDirs,
        ApiKey::CreatePartitions,
        ApiKey::DeleteGroups,
        ApiKey::IncrementalAlterConfigs,
        ApiKey::OffsetDelete,
        ApiKey::DescribeQuorum,
        ApiKey::DescribeCluster,
        ApiKey::DescribeProducers,
        ApiKey::ConsumerGroupHeartbeat,
        ApiKey::ConsumerGroupDescribe,
        ApiKey::ListConfigResources,
        ApiKey::DescribeTopicPartitions,
    ];

    /// The API with that number.
    pub const fn from_key(key: i16) -> Option<ApiKey> {
        Some(match key {
            0 => ApiKey::Produce,
            1 => ApiKey::Fetch,
            2 => ApiKey::ListOffsets,
            3 => ApiKey::Metadata,
            8 => ApiKey::OffsetCommit,
            9 => ApiKey::OffsetFetch,
            10 => ApiKey::FindCoordinator,
            11 => ApiKey::JoinGroup,
            12 => ApiKey::Heartbeat,
            13 => ApiKey::LeaveGroup,
            14 => ApiKey::SyncGroup,
            15 => ApiKey::DescribeGroups,
            16 => ApiKey::ListGroups,
            18 => ApiKey::ApiVersions,
            19 => ApiKey::CreateTopics,
            20 => ApiKey::DeleteTopics,
            21 => ApiKey::DeleteRecords,
            22 => ApiKey::InitProducerId,
            23 => ApiKey::OffsetForLeaderEpoch,
            32 => ApiKey::DescribeConfigs,
            33 => ApiKey::AlterConfigs,
            35 => ApiKey::DescribeLogDirs,
            37 => ApiKey::CreatePartitions,
            42 => ApiKey::DeleteGroups,
            44 => ApiKey::IncrementalAlterConfigs,
            47 => ApiKey::OffsetDelete,
            55 => ApiKey::DescribeQuorum,
            60 => ApiKey::DescribeCluster,
            61 => ApiKey::DescribeProducers,
            68 => ApiKey::ConsumerGroupHeartbeat,
            69 => ApiKey::ConsumerGroupDescribe,
            74 => ApiKey::ListConfigResources,
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
                advertised: VersionRange { min: 4, max: 18 },
                first_flexible: Some(12),
            },
            ApiKey::ListOffsets => &ApiSpec {
                key: 2,
                name: "ListOffsets",
                served: true,
                handled: VersionRange { min: 1, max: 11 },
                advertised: VersionRange { min: 1, max: 11 },
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
            ApiKey::OffsetCommit => &ApiSpec {
                key: 8,
                name: "OffsetCommit",
                served: true,
                handled: VersionRange { min: 2, max: 10 },
                advertised: VersionRange { min: 2, max: 10 },
                first_flexible: Some(8),
            },
            ApiKey::OffsetFetch => &ApiSpec {
                key: 9,
                name: "OffsetFetch",
                served: true,
                handled: VersionRange { min: 1, max: 10 },
                advertised: VersionRange { min: 1, max: 10 },
                first_flexible: Some(6),
            },
            ApiKey::FindCoordinator => &ApiSpec {
                key: 10,
                name: "FindCoordinator",
                served: true,
                handled: VersionRange { min: 0, max: 6 },
                advertised: VersionRange { min: 0, max: 6 },
                first_flexible: Some(3),
            },
            ApiKey::JoinGroup => &ApiSpec {
                key: 11,
                name: "JoinGroup",
                served: true,
                handled: VersionRange { min: 0, max: 9 },
                advertised: VersionRange { min: 0, max: 9 },
                first_flexible: Some(6),
            },
            ApiKey::Heartbeat => &ApiSpec {
                key: 12,
                name: "Heartbeat",
                served: true,
                handled: VersionRange { min: 0, max: 4 },
                advertised: VersionRange { min: 0, max: 4 },
                first_flexible: Some(4),
            },
            ApiKey::LeaveGroup => &ApiSpec {
                key: 13,
                name: "LeaveGroup",
                served: true,
                handled: VersionRange { min: 0, max: 5 },
                advertised: VersionRange { min: 0, max: 5 },
                first_flexible: Some(4),
            },
            ApiKey::SyncGroup => &ApiSpec {
                key: 14,
                name: "SyncGroup",
                served: true,
                handled: VersionRange { min: 0, max: 5 },
                advertised: VersionRange { min: 0, max: 5 },
                first_flexible: Some(4),
            },
            ApiKey::DescribeGroups => &ApiSpec {
                key: 15,
                name: "DescribeGroups",
                served: true,
                handled: VersionRange { min: 0, max: 6 },
                advertised: VersionRange { min: 0, max: 6 },
                first_flexible: Some(5),
            },
            ApiKey::ListGroups => &ApiSpec {
                key: 16,
                name: "ListGroups",
                served: true,
                handled: VersionRange { min: 0, max: 5 },
                advertised: VersionRange { min: 0, max: 5 },
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
            ApiKey::AlterConfigs => &ApiSpec {
                key: 33,
                name: "AlterConfigs",
                served: true,
                handled: VersionRange { min: 0, max: 2 },
                advertised: VersionRange { min: 0, max: 2 },
                first_flexible: Some(2),
            },
            ApiKey::DescribeLogDirs => &ApiSpec {
                key: 35,
                name: "DescribeLogDirs",
                served: true,
                handled: VersionRange { min: 1, max: 5 },
                advertised: VersionRange { min: 1, max: 5 },
                first_flexible: Some(2),
            },
            ApiKey::CreatePartitions => &ApiSpec {
                key: 37,
                name: "CreatePartitions",
                served: true,
                handled: VersionRange { min: 0, max: 3 },
                advertised: VersionRange { min: 0, max: 3 },
                first_flexible: Some(2),
            },
            ApiKey::DeleteGroups => &ApiSpec {
                key: 42,
                name: "DeleteGroups",
                served: true,
                handled: VersionRange { min: 0, max: 2 },
                advertised: VersionRange { min: 0, max: 2 },
                first_flexible: Some(2),
            },
            ApiKey::IncrementalAlterConfigs => &ApiSpec {
                key: 44,
                name: "IncrementalAlterConfigs",
                served: true,
                handled: VersionRange { min: 0, max: 1 },
                advertised: VersionRange { min: 0, max: 1 },
                first_flexible: Some(1),
            },
            ApiKey::OffsetDelete => &ApiSpec {
                key: 47,
                name: "OffsetDelete",
                served: true,
                handled: VersionRange { min: 0, max: 0 },
                advertised: VersionRange { min: 0, max: 0 },
                first_flexible: None,
            },
            ApiKey::DescribeQuorum => &ApiSpec {
                key: 55,
                name: "DescribeQuorum",
                served: true,
                handled: VersionRange { min: 0, max: 2 },
                advertised: VersionRange { min: 0, max: 2 },
                first_flexible: Some(0),
            },
            ApiKey::DescribeCluster => &ApiSpec {
                key: 60,
                name: "DescribeCluster",
                served: true,
                handled: VersionRange { min: 0, max: 2 },
                advertised: VersionRange { min: 0, max: 2 },
                first_flexible: Some(0),
            },
            ApiKey::DescribeProducers => &ApiSpec {
                key: 61,
                name: "DescribeProducers",
                served: true,
                handled: VersionRange { min: 0, max: 0 },
                advertised: VersionRange { min: 0, max: 0 },
                first_flexible: Some(0),
            },
            ApiKey::ConsumerGroupHeartbeat => &ApiSpec {
                key: 68,
                name: "ConsumerGroupHeartbeat",
                served: true,
                handled: VersionRange { min: 0, max: 1 },
                advertised: VersionRange { min: 0, max: 1 },
                first_flexible: Some(0),
            },
            ApiKey::ConsumerGroupDescribe => &ApiSpec {
                key: 69,
                name: "ConsumerGroupDescribe",
                served: true,
                handled: VersionRange { min: 0, max: 1 },
                advertised: VersionRange { min: 0, max: 1 },
                first_flexible: Some(0),
            },
            ApiKey::ListConfigResources => &ApiSpec {
                key: 74,
                name: "ListConfigResources",
                served: true,
                handled: VersionRange { min: 0, max: 1 },
                advertised: VersionRange { min: 0, max: 1 },
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
