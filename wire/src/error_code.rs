//! Kafka's error codes: what a response says when something was refused.
//!
//! The table below is the only place that lists them: up to Kafka 4.3, with Kafka's spelling, Kafka's view of whether
//! the same request may succeed when it is sent again, and one sentence of ours for people.

/// Whether Kafka's clients send the same request again after this error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    Final,
    Retriable,
}

macro_rules! error_codes {
    ($($variant:ident = $code:literal, $name:literal, $retry:ident, $message:literal;)+) => {
        /// One of Kafka's error codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant = $code,)+
        }

        impl ErrorCode {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// `None` for a number that Kafka 4.3 does not know.
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The number that travels.
            pub const fn code(self) -> i16 {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// Kafka's spelling, as in `OFFSET_OUT_OF_RANGE`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// One sentence for people.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)+
                }
            }

            /// Whether Kafka's clients send the same request again, most of them after refreshing their metadata.
            pub const fn is_retriable(self) -> bool {
                let retry = match self {
                    $(Self::$variant => Retry::$retry,)+
                };
                matches!(retry, Retry::Retriable)
            }
        }
    };
}

error_codes! {
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", Final, "The broker failed in a way it did not expect.";
    None = 0, "NONE", Final, "Nothing went wrong.";
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", Final, "The log does not hold the offset that was asked for.";
    CorruptMessage = 2, "CORRUPT_MESSAGE", Retriable, "The batch's bytes do not match their checksum or their lengths.";
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", Retriable, "This broker has no such topic or partition.";
    InvalidFetchSize = 4, "INVALID_FETCH_SIZE", Final, "That number of bytes cannot be fetched.";
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", Retriable, "The partition has no leader at the moment.";
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", Retriable,
        "This broker does not lead the partition, or holds no replica of it.";
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", Retriable, "The request was not done within its time limit.";
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", Final, "The broker cannot be reached.";
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", Retriable, "The replica cannot serve the partition at the moment.";
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", Final, "The batch is larger than the topic allows.";
    StaleControllerEpoch = 11, "STALE_CONTROLLER_EPOCH", Final, "A newer controller has taken over.";
    OffsetMetadataTooLarge = 12, "OFFSET_METADATA_TOO_LARGE", Final, "The text kept with a committed offset is too long.";
    NetworkException = 13, "NETWORK_EXCEPTION", Retriable, "The connection ended before the response came.";
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", Retriable,
        "The coordinator is still reading its state.";
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", Retriable, "No coordinator is available at the moment.";
    NotCoordinator = 16, "NOT_COORDINATOR", Retriable, "Another broker is the coordinator.";
    InvalidTopicException = 17, "INVALID_TOPIC_EXCEPTION", Final, "The topic's name is not allowed for this operation.";
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", Final, "The batch is larger than one segment of the log.";
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", Retriable, "Too few replicas are in sync; nothing was written.";
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retriable,
        "The records were written, but too few replicas were in sync by then.";
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", Final, "acks must be -1, 0 or 1.";
    IllegalGeneration = 22, "ILLEGAL_GENERATION", Final, "The group has moved on to another generation.";
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", Final,
        "The member shares no assignment protocol with the group.";
    InvalidGroupId = 24, "INVALID_GROUP_ID", Final, "The group's name is not valid.";
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", Final, "The group has no member of this id.";
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", Final,
        "The session timeout is outside the range that the broker allows.";
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", Final, "The group is rebalancing: join again.";
    InvalidCommitOffsetSize = 28, "INVALID_COMMIT_OFFSET_SIZE", Final, "The offsets to commit are too large.";
    TopicAuthorizationFailed = 29, "TOPIC_AUTHORIZATION_FAILED", Final, "Access to the topic is not allowed.";
    GroupAuthorizationFailed = 30, "GROUP_AUTHORIZATION_FAILED", Final, "Access to the group is not allowed.";
    ClusterAuthorizationFailed = 31, "CLUSTER_AUTHORIZATION_FAILED", Final,
        "This operation on the cluster is not allowed.";
    InvalidTimestamp = 32, "INVALID_TIMESTAMP", Final, "A record's timestamp is not acceptable for the topic.";
    UnsupportedSaslMechanism = 33, "UNSUPPORTED_SASL_MECHANISM", Final, "The broker does not offer this SASL mechanism.";
    IllegalSaslState = 34, "ILLEGAL_SASL_STATE", Final, "The request does not fit the state of authentication.";
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", Final, "The broker does not speak this version of the API.";
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", Final, "A topic of this name exists.";
    InvalidPartitions = 37, "INVALID_PARTITIONS", Final, "A topic cannot have that number of partitions.";
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", Final,
        "The replication factor is below 1 or above the number of brokers.";
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", Final, "Replicas cannot be assigned like that.";
    InvalidConfig = 40, "INVALID_CONFIG", Final, "A setting is unknown or its value is out of bounds.";
    NotController = 41, "NOT_CONTROLLER", Retriable, "Another broker is the controller.";
    InvalidRequest = 42, "INVALID_REQUEST", Final, "The request's bytes make no sense for this API and version.";
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Final,
        "The record format in use cannot carry what was asked for.";
    PolicyViolation = 44, "POLICY_VIOLATION", Final, "A policy of the cluster forbids these parameters.";
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", Final,
        "A batch of this producer is missing before this one.";
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", Final, "The batch was written before.";
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", Final, "The producer uses an epoch that has been superseded.";
    InvalidTxnState = 48, "INVALID_TXN_STATE", Final, "The transaction's state does not allow this.";
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING", Final,
        "The transactional id is now held by another producer id.";
    InvalidTransactionTimeout = 50, "INVALID_TRANSACTION_TIMEOUT", Final,
        "The transaction timeout is above what the broker allows.";
    ConcurrentTransactions = 51, "CONCURRENT_TRANSACTIONS", Retriable,
        "Another operation on this transaction is still under way.";
    TransactionCoordinatorFenced = 52, "TRANSACTION_COORDINATOR_FENCED", Final,
        "A newer transaction coordinator has taken over.";
    TransactionalIdAuthorizationFailed = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Final,
        "Use of the transactional id is not allowed.";
    SecurityDisabled = 54, "SECURITY_DISABLED", Final, "The broker runs without the security feature asked for.";
    OperationNotAttempted = 55, "OPERATION_NOT_ATTEMPTED", Final,
        "This part was not tried because another part of the request failed.";
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", Retriable, "The broker's disk failed or is full.";
    LogDirNotFound = 57, "LOG_DIR_NOT_FOUND", Final, "The broker has no such log folder.";
    SaslAuthenticationFailed = 58, "SASL_AUTHENTICATION_FAILED", Final, "The credentials were not accepted.";
    UnknownProducerId = 59, "UNKNOWN_PRODUCER_ID", Final, "The broker keeps no state of this producer id.";
    ReassignmentInProgress = 60, "REASSIGNMENT_IN_PROGRESS", Final, "The partition's replicas are being moved.";
    DelegationTokenAuthDisabled = 61, "DELEGATION_TOKEN_AUTH_DISABLED", Final, "Delegation tokens are switched off.";
    DelegationTokenNotFound = 62, "DELEGATION_TOKEN_NOT_FOUND", Final, "The broker knows no such delegation token.";
    DelegationTokenOwnerMismatch = 63, "DELEGATION_TOKEN_OWNER_MISMATCH", Final,
        "The delegation token belongs to another principal.";
    DelegationTokenRequestNotAllowed = 64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Final,
        "Delegation tokens cannot be managed over this kind of connection.";
    DelegationTokenAuthorizationFailed = 65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", Final,
        "Access to the delegation token is not allowed.";
    DelegationTokenExpired = 66, "DELEGATION_TOKEN_EXPIRED", Final, "The delegation token's time is over.";
    InvalidPrincipalType = 67, "INVALID_PRINCIPAL_TYPE", Final, "Principals of this type are not supported.";
    NonEmptyGroup = 68, "NON_EMPTY_GROUP", Final, "The group still has members.";
    GroupIdNotFound = 69, "GROUP_ID_NOT_FOUND", Final, "There is no such group.";
    FetchSessionIdNotFound = 70, "FETCH_SESSION_ID_NOT_FOUND", Retriable, "The broker keeps no such fetch session.";
    InvalidFetchSessionEpoch = 71, "INVALID_FETCH_SESSION_EPOCH", Retriable,
        "The fetch session is at another epoch.";
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", Retriable, "The leader has no listener of the name used here.";
    TopicDeletionDisabled = 73, "TOPIC_DELETION_DISABLED", Final, "Deleting topics is switched off.";
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", Retriable, "The partition has a newer leader epoch than the request.";
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", Retriable,
        "The request names a leader epoch that this broker has not heard of yet.";
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE", Final,
        "The batch's codec is unknown, or not allowed in this version of the API.";
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", Final, "The broker has registered again since.";
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", Retriable,
        "A new leader does not know yet how far the partition is committed.";
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", Final, "Join again with the member id given here.";
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", Retriable,
        "The preferred leader is not available.";
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", Final, "The group is full.";
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", Final, "Another member has taken over this group.instance.id.";
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", Retriable,
        "No replica is eligible to lead the partition.";
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", Retriable, "The partition has the leader it should have.";
    NoReassignmentInProgress = 85, "NO_REASSIGNMENT_IN_PROGRESS", Final, "The partition's replicas are not being moved.";
    GroupSubscribedToTopic = 86, "GROUP_SUBSCRIBED_TO_TOPIC", Final,
        "The group is subscribed to the topic, so its offsets stay.";
    InvalidRecord = 87, "INVALID_RECORD", Final, "The batch or one of its records breaks a rule.";
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", Retriable,
        "Offsets of an open transaction are pending for the partition.";
    ThrottlingQuotaExceeded = 89, "THROTTLING_QUOTA_EXCEEDED", Retriable, "The quota is used up for now.";
    ProducerFenced = 90, "PRODUCER_FENCED", Final, "A newer producer uses the same transactional id.";
    ResourceNotFound = 91, "RESOURCE_NOT_FOUND", Final, "The request names something that does not exist.";
    DuplicateResource = 92, "DUPLICATE_RESOURCE", Final, "The request names the same thing twice.";
    UnacceptableCredential = 93, "UNACCEPTABLE_CREDENTIAL", Final, "The new credential is too weak or malformed.";
    InconsistentVoterSet = 94, "INCONSISTENT_VOTER_SET", Final, "The two sides disagree about who votes.";
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", Final, "The update does not follow on the version in force.";
    FeatureUpdateFailed = 96, "FEATURE_UPDATE_FAILED", Final, "The feature levels could not be changed.";
    PrincipalDeserializationFailure = 97, "PRINCIPAL_DESERIALIZATION_FAILURE", Final,
        "A forwarded request's principal could not be read.";
    SnapshotNotFound = 98, "SNAPSHOT_NOT_FOUND", Final, "There is no such snapshot.";
    PositionOutOfRange = 99, "POSITION_OUT_OF_RANGE", Final, "The position lies outside the snapshot.";
    UnknownTopicId = 100, "UNKNOWN_TOPIC_ID", Retriable, "This broker has no topic of this id.";
    DuplicateBrokerRegistration = 101, "DUPLICATE_BROKER_REGISTRATION", Final, "Another live broker has this id.";
    BrokerIdNotRegistered = 102, "BROKER_ID_NOT_REGISTERED", Final, "No broker of this id is registered.";
    InconsistentTopicId = 103, "INCONSISTENT_TOPIC_ID", Retriable, "The topic's id differs from the one in the log.";
    InconsistentClusterId = 104, "INCONSISTENT_CLUSTER_ID", Final, "The request is meant for another cluster.";
    TransactionalIdNotFound = 105, "TRANSACTIONAL_ID_NOT_FOUND", Final, "There is no such transactional id.";
    FetchSessionTopicIdError = 106, "FETCH_SESSION_TOPIC_ID_ERROR", Retriable,
        "The fetch session mixes topic ids and topic names.";
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", Final, "A replica in the proposed ISR may not be in it.";
    NewLeaderElected = 108, "NEW_LEADER_ELECTED", Final, "The ISR was changed, and with it the leader.";
    OffsetMovedToTieredStorage = 109, "OFFSET_MOVED_TO_TIERED_STORAGE", Final,
        "The offset is no longer on the broker's disk, only in remote storage.";
    FencedMemberEpoch = 110, "FENCED_MEMBER_EPOCH", Final,
        "The member was fenced: give up all partitions and join again.";
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID", Final,
        "Another member holds this group.instance.id and has to leave first.";
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR", Final, "The group does not support this assignor.";
    StaleMemberEpoch = 113, "STALE_MEMBER_EPOCH", Final,
        "The member's epoch is out of date: heartbeat first, then try again.";
    MismatchedEndpointType = 114, "MISMATCHED_ENDPOINT_TYPE", Final,
        "The request went to a controller instead of a broker, or the reverse.";
    UnsupportedEndpointType = 115, "UNSUPPORTED_ENDPOINT_TYPE", Final, "Endpoints of this type are not supported.";
    UnknownControllerId = 116, "UNKNOWN_CONTROLLER_ID", Final, "There is no controller of this id.";
    UnknownSubscriptionId = 117, "UNKNOWN_SUBSCRIPTION_ID", Final,
        "The telemetry subscription is unknown or out of date.";
    TelemetryTooLarge = 118, "TELEMETRY_TOO_LARGE", Final, "The telemetry is larger than the broker accepts.";
    InvalidRegistration = 119, "INVALID_REGISTRATION", Final, "The broker's registration is not valid.";
    TransactionAbortable = 120, "TRANSACTION_ABORTABLE", Final,
        "The transaction cannot go on: abort it, and the next may begin.";
    InvalidRecordState = 121, "INVALID_RECORD_STATE", Final,
        "The record is not in a state in which it can be acknowledged.";
    ShareSessionNotFound = 122, "SHARE_SESSION_NOT_FOUND", Retriable, "The broker keeps no such share session.";
    InvalidShareSessionEpoch = 123, "INVALID_SHARE_SESSION_EPOCH", Retriable, "The share session is at another epoch.";
    FencedStateEpoch = 124, "FENCED_STATE_EPOCH", Final, "The share group's state is at another epoch.";
    InvalidVoterKey = 125, "INVALID_VOTER_KEY", Final, "The voter's key is not the key of the replica that was asked.";
    DuplicateVoter = 126, "DUPLICATE_VOTER", Final, "The replica votes already.";
    VoterNotFound = 127, "VOTER_NOT_FOUND", Final, "The replica is not one that votes.";
    InvalidRegularExpression = 128, "INVALID_REGULAR_EXPRESSION", Final, "The regular expression cannot be parsed.";
    RebootstrapRequired = 129, "REBOOTSTRAP_REQUIRED", Final,
        "The client's metadata is out of date: start again from the bootstrap servers.";
    StreamsInvalidTopology = 130, "STREAMS_INVALID_TOPOLOGY", Final, "The streams topology is not valid.";
    StreamsInvalidTopologyEpoch = 131, "STREAMS_INVALID_TOPOLOGY_EPOCH", Final,
        "The streams topology's epoch is not valid.";
    StreamsTopologyFenced = 132, "STREAMS_TOPOLOGY_FENCED", Final, "The streams topology has a newer epoch.";
    ShareSessionLimitReached = 133, "SHARE_SESSION_LIMIT_REACHED", Retriable,
        "The broker keeps as many share sessions as it may.";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::error::ResponseError;

    use super::*;

    #[test]
    fn codes_are_dense_from_minus_one_to_the_newest_of_kafka_4_3() {
        let codes: Vec<i16> = ErrorCode::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes, (-1..=133).collect::<Vec<i16>>());
        for error in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(error.code()), Some(*error));
        }
        assert_eq!(ErrorCode::from_code(134), None);
        assert_eq!(ErrorCode::from_code(-2), None);
    }

    /// kafka-protocol spells `OFFSET_OUT_OF_RANGE` as `OffsetOutOfRange`.
    fn camel_case(name: &str) -> String {
        let word = |word: &str| format!("{}{}", &word[..1], word[1..].to_ascii_lowercase());
        name.split('_').map(word).collect()
    }

    #[test]
    fn names_agree_with_another_table() {
        for error in &ErrorCode::ALL[2..] {
            let other = ResponseError::try_from_code(error.code()).expect("zero alone is no error");
            let newer_than_the_other_table = other == ResponseError::Unknown(error.code());
            if newer_than_the_other_table {
                assert_eq!(*error, ErrorCode::ShareSessionLimitReached);
            } else {
                assert_eq!(camel_case(error.name()), format!("{other:?}"));
            }
        }
    }

    #[test]
    fn retriable_errors_are_those_of_the_java_client_4_3_1() {
        let retriable: Vec<i16> =
            ErrorCode::ALL.iter().filter(|error| error.is_retriable()).map(|error| error.code()).collect();
        let java = [
            2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103,
            106, 122, 123, 133,
        ];
        assert_eq!(retriable, java);
    }

    #[test]
    fn variants_are_kafkas_names_in_our_case() {
        for error in ErrorCode::ALL {
            assert_eq!(camel_case(error.name()), format!("{error:?}"));
        }
    }
}
