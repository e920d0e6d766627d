//! Values of ConsumerGroupDescribe for the tests.
//!
//! Generated from `schemas/kafka/consumer_group_describe.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::consumer_group_describe::{
    Assignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup, Member, TopicPartitions,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for TopicPartitions {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            topic_id: draw::u128(random),
            topic_name: draw::string(random),
            partitions: draw::array(random, draw::i32),
        }
    }
}

impl Sample for Assignment {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { topic_partitions: draw::array(random, |random| TopicPartitions::sample(random, version)) }
    }
}

impl Sample for ConsumerGroupDescribeRequest {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_ids: draw::array(random, draw::string), include_authorized_operations: draw::bool(random) }
    }
}

impl Sample for Member {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            member_id: draw::string(random),
            instance_id: draw::nullable(random, draw::string),
            rack_id: draw::nullable(random, draw::string),
            member_epoch: draw::i32(random),
            client_id: draw::string(random),
            client_host: draw::string(random),
            subscribed_topic_names: draw::array(random, draw::string),
            subscribed_topic_regex: draw::nullable(random, draw::string),
            assignment: Assignment::sample(random, version),
            target_assignment: Assignment::sample(random, version),
            member_type: if version >= 1 { draw::i8(random) } else { -1 },
        }
    }
}

impl Sample for DescribedGroup {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
            group_id: draw::string(random),
            group_state: draw::string(random),
            group_epoch: draw::i32(random),
            assignment_epoch: draw::i32(random),
            assignor_name: draw::string(random),
            members: draw::array(random, |random| Member::sample(random, version)),
            authorized_operations: draw::i32(random),
        }
    }
}

impl Sample for ConsumerGroupDescribeResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            groups: draw::array(random, |random| DescribedGroup::sample(random, version)),
        }
    }
}

impl Fixture for ConsumerGroupDescribeRequest {
    type Theirs = theirs::ConsumerGroupDescribeRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::consumer_group_describe_request(self)
    }
}

impl Fixture for ConsumerGroupDescribeResponse {
    type Theirs = theirs::ConsumerGroupDescribeResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::consumer_group_describe_response(self)
    }
}

mod request {
    use super::ConsumerGroupDescribeRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn consumer_group_describe_request(
        ours: &ConsumerGroupDescribeRequest,
    ) -> theirs::consumer_group_describe_request::ConsumerGroupDescribeRequest {
        let mut their = theirs::consumer_group_describe_request::ConsumerGroupDescribeRequest::default();
        their.group_ids = ours.group_ids.iter().map(|item| convert::string(item)).collect();
        their.include_authorized_operations = convert::number(ours.include_authorized_operations);
        their
    }
}

mod response {
    use super::{Assignment, ConsumerGroupDescribeResponse, DescribedGroup, Member, TopicPartitions};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn topic_partitions(
        ours: &TopicPartitions,
    ) -> theirs::consumer_group_describe_response::TopicPartitions {
        let mut their = theirs::consumer_group_describe_response::TopicPartitions::default();
        their.topic_id = convert::uuid(ours.topic_id);
        their.topic_name = convert::string(&ours.topic_name);
        their.partitions = ours.partitions.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn assignment(ours: &Assignment) -> theirs::consumer_group_describe_response::Assignment {
        let mut their = theirs::consumer_group_describe_response::Assignment::default();
        their.topic_partitions = ours.topic_partitions.iter().map(topic_partitions).collect();
        their
    }

    pub(super) fn member(ours: &Member) -> theirs::consumer_group_describe_response::Member {
        let mut their = theirs::consumer_group_describe_response::Member::default();
        their.member_id = convert::string(&ours.member_id);
        their.instance_id = ours.instance_id.as_ref().map(|value| convert::string(value));
        their.rack_id = ours.rack_id.as_ref().map(|value| convert::string(value));
        their.member_epoch = convert::number(ours.member_epoch);
        their.client_id = convert::string(&ours.client_id);
        their.client_host = convert::string(&ours.client_host);
        their.subscribed_topic_names = ours.subscribed_topic_names.iter().map(|item| convert::string(item)).collect();
        their.subscribed_topic_regex = ours.subscribed_topic_regex.as_ref().map(|value| convert::string(value));
        their.assignment = assignment(&ours.assignment);
        their.target_assignment = assignment(&ours.target_assignment);
        their.member_type = convert::number(ours.member_type);
        their
    }

    pub(super) fn described_group(ours: &DescribedGroup) -> theirs::consumer_group_describe_response::DescribedGroup {
        let mut their = theirs::consumer_group_describe_response::DescribedGroup::default();
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.group_id = convert::string(&ours.group_id);
        their.group_state = convert::string(&ours.group_state);
        their.group_epoch = convert::number(ours.group_epoch);
        their.assignment_epoch = convert::number(ours.assignment_epoch);
        their.assignor_name = convert::string(&ours.assignor_name);
        their.members = ours.members.iter().map(member).collect();
        their.authorized_operations = convert::number(ours.authorized_operations);
        their
    }

    pub(super) fn consumer_group_describe_response(
        ours: &ConsumerGroupDescribeResponse,
    ) -> theirs::consumer_group_describe_response::ConsumerGroupDescribeResponse {
        let mut their = theirs::consumer_group_describe_response::ConsumerGroupDescribeResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.groups = ours.groups.iter().map(described_group).collect();
        their
    }
}
