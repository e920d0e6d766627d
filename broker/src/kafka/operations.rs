//! The operations that a client may perform on a resource, as a bit for each `AclOperation` (KIP-430).
//!
//! Nobody is denied anything yet, so it is all that the kind of resource has, as in Kafka without an authorizer.

/// Nobody has asked, or the resource is not there.
const UNKNOWN: i32 = i32::MIN;

const READ: i32 = 1 << 3;
const WRITE: i32 = 1 << 4;
const CREATE: i32 = 1 << 5;
const DELETE: i32 = 1 << 6;
const ALTER: i32 = 1 << 7;
const DESCRIBE: i32 = 1 << 8;
const CLUSTER_ACTION: i32 = 1 << 9;
const DESCRIBE_CONFIGS: i32 = 1 << 10;
const ALTER_CONFIGS: i32 = 1 << 11;
const IDEMPOTENT_WRITE: i32 = 1 << 12;

const ALL_ON_TOPIC: i32 = READ | WRITE | CREATE | DELETE | ALTER | DESCRIBE | DESCRIBE_CONFIGS | ALTER_CONFIGS;
const ALL_ON_GROUP: i32 = READ | DELETE | DESCRIBE | DESCRIBE_CONFIGS | ALTER_CONFIGS;
const ALL_ON_CLUSTER: i32 =
    CREATE | ALTER | DESCRIBE | CLUSTER_ACTION | DESCRIBE_CONFIGS | ALTER_CONFIGS | IDEMPOTENT_WRITE;

pub(super) fn on_topic(asked: bool) -> i32 {
    if asked { ALL_ON_TOPIC } else { UNKNOWN }
}

pub(super) fn on_group(asked: bool) -> i32 {
    if asked { ALL_ON_GROUP } else { UNKNOWN }
}

pub(super) fn on_cluster(asked: bool) -> i32 {
    if asked { ALL_ON_CLUSTER } else { UNKNOWN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `AclEntry.supportedOperations` of Kafka 4.3.1 gives.
    #[test]
    fn a_resource_has_the_operations_that_it_has_in_kafka() {
        assert_eq!((on_topic(true), on_group(true), on_cluster(true)), (3_576, 3_400, 8_096));
        assert_eq!((on_topic(false), on_group(false), on_cluster(false)), (i32::MIN, i32::MIN, i32::MIN));
    }
}
