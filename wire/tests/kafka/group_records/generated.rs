//! Every key, value and kind of data, for tests that hold for all of them.
//!
//! Generated from `schemas/kafka/group_records/*.txt` by `cargo run -p schemas -- generate`; edit the table.

mod consumer_group_current_member_assignment;
mod consumer_group_member_metadata;
mod consumer_group_metadata;
mod consumer_group_partition_metadata;
mod consumer_group_regular_expression;
mod consumer_group_target_assignment_member;
mod consumer_group_target_assignment_metadata;
mod consumer_protocol_assignment;
mod consumer_protocol_subscription;
mod group_metadata;
mod offset_commit;

use super::Visitor;

pub(crate) fn each_part(visitor: &mut impl Visitor) {
    visitor.visit::<wire::kafka::group_records::offset_commit::OffsetCommitKey>();
    visitor.visit::<wire::kafka::group_records::offset_commit::OffsetCommitValue>();
    visitor.visit::<wire::kafka::group_records::group_metadata::GroupMetadataKey>();
    visitor.visit::<wire::kafka::group_records::group_metadata::GroupMetadataValue>();
    visitor.visit::<wire::kafka::group_records::consumer_group_metadata::ConsumerGroupMetadataKey>();
    visitor.visit::<wire::kafka::group_records::consumer_group_metadata::ConsumerGroupMetadataValue>();
    visitor.visit::<wire::kafka::group_records::consumer_group_partition_metadata::ConsumerGroupPartitionMetadataKey>();
    visitor
        .visit::<wire::kafka::group_records::consumer_group_partition_metadata::ConsumerGroupPartitionMetadataValue>();
    visitor.visit::<wire::kafka::group_records::consumer_group_member_metadata::ConsumerGroupMemberMetadataKey>();
    visitor.visit::<wire::kafka::group_records::consumer_group_member_metadata::ConsumerGroupMemberMetadataValue>();
    visitor.visit::<wire::kafka::group_records::consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataKey>();
    visitor.visit::<wire::kafka::group_records::consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataValue>();
    visitor.visit::<wire::kafka::group_records::consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberKey>();
    visitor.visit::<wire::kafka::group_records::consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberValue>();
    visitor.visit::<wire::kafka::group_records::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentKey>();
    visitor.visit::<wire::kafka::group_records::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentValue>();
    visitor.visit::<wire::kafka::group_records::consumer_group_regular_expression::ConsumerGroupRegularExpressionKey>();
    visitor
        .visit::<wire::kafka::group_records::consumer_group_regular_expression::ConsumerGroupRegularExpressionValue>();
    visitor.visit::<wire::kafka::group_records::consumer_protocol_assignment::ConsumerProtocolAssignment>();
    visitor.visit::<wire::kafka::group_records::consumer_protocol_subscription::ConsumerProtocolSubscription>();
}
