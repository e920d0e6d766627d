//! ConsumerGroupDescribe (key 69): the state and members of groups of the consumer protocol. Versions 0-1.
//!
//! Generated from `schemas/kafka/consumer_group_describe.txt` by `cargo run -p schemas -- generate`; edit the table.

use crate::gather::Gather;
use crate::kafka::message::{Layout, admit};
use crate::kafka::write::{write_len, write_null_string, write_string};
use crate::kafka::{ApiKey, DecodeError, EncodeError, Message, Reader, Request};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicPartitions {
    pub topic_id: u128,
    pub topic_name: String,
    pub partitions: Vec<i32>,
}

impl TopicPartitions {
    fn decode(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let topic_id = reader.uuid("TopicPartitions.topic_id")?;
        let topic_name = reader.string("TopicPartitions.topic_name", Layout::Flexible)?;
        let partitions = reader.array("TopicPartitions.partitions", Layout::Flexible, 4, |reader| {
            reader.i32("TopicPartitions.partitions")
        })?;
        reader.skip_tags("TopicPartitions")?;
        Ok(Self { topic_id, topic_name, partitions })
    }

    fn encode(&self, out: &mut Gather, _version: i16) -> Result<(), EncodeError> {
        out.put_u128(self.topic_id);
        write_string(out, "TopicPartitions.topic_name", &self.topic_name, Layout::Flexible)?;
        write_len(out, "TopicPartitions.partitions", self.partitions.len(), Layout::Flexible)?;
        for &item in &self.partitions {
            out.put_i32(item);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Assignment {
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Assignment {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let topic_partitions = reader.array("Assignment.topic_partitions", Layout::Flexible, 19, |reader| {
            TopicPartitions::decode(reader, version)
        })?;
        reader.skip_tags("Assignment")?;
        Ok(Self { topic_partitions })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_len(out, "Assignment.topic_partitions", self.topic_partitions.len(), Layout::Flexible)?;
        for item in &self.topic_partitions {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}

/// The state and members of groups of the consumer protocol.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupDescribeRequest {
    pub group_ids: Vec<String>,
    pub include_authorized_operations: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub member_id: String,
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub member_epoch: i32,
    pub client_id: String,
    pub client_host: String,
    pub subscribed_topic_names: Vec<String>,
    pub subscribed_topic_regex: Option<String>,
    pub assignment: Assignment,
    pub target_assignment: Assignment,
    /// -1 unknown, 0 of the classic protocol, 1 of the consumer protocol. Versions 1+.
    pub member_type: i8,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            member_id: String::new(),
            instance_id: None,
            rack_id: None,
            member_epoch: 0,
            client_id: String::new(),
            client_host: String::new(),
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: None,
            assignment: Assignment::default(),
            target_assignment: Assignment::default(),
            member_type: -1,
        }
    }
}

impl Member {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let member_id = reader.string("Member.member_id", Layout::Flexible)?;
        let instance_id = reader.nullable_string("Member.instance_id", Layout::Flexible)?;
        let rack_id = reader.nullable_string("Member.rack_id", Layout::Flexible)?;
        let member_epoch = reader.i32("Member.member_epoch")?;
        let client_id = reader.string("Member.client_id", Layout::Flexible)?;
        let client_host = reader.string("Member.client_host", Layout::Flexible)?;
        let subscribed_topic_names = reader.array("Member.subscribed_topic_names", Layout::Flexible, 1, |reader| {
            reader.string("Member.subscribed_topic_names", Layout::Flexible)
        })?;
        let subscribed_topic_regex = reader.nullable_string("Member.subscribed_topic_regex", Layout::Flexible)?;
        let assignment = Assignment::decode(reader, version)?;
        let target_assignment = Assignment::decode(reader, version)?;
        let member_type = if version >= 1 { reader.i8("Member.member_type")? } else { -1 };
        reader.skip_tags("Member")?;
        Ok(Self {
            member_id,
            instance_id,
            rack_id,
            member_epoch,
            client_id,
            client_host,
            subscribed_topic_names,
            subscribed_topic_regex,
            assignment,
            target_assignment,
            member_type,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        write_string(out, "Member.member_id", &self.member_id, Layout::Flexible)?;
        match &self.instance_id {
            Some(value) => {
                write_string(out, "Member.instance_id", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        match &self.rack_id {
            Some(value) => {
                write_string(out, "Member.rack_id", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        out.put_i32(self.member_epoch);
        write_string(out, "Member.client_id", &self.client_id, Layout::Flexible)?;
        write_string(out, "Member.client_host", &self.client_host, Layout::Flexible)?;
        write_len(out, "Member.subscribed_topic_names", self.subscribed_topic_names.len(), Layout::Flexible)?;
        for item in &self.subscribed_topic_names {
            write_string(out, "Member.subscribed_topic_names", item, Layout::Flexible)?;
        }
        match &self.subscribed_topic_regex {
            Some(value) => {
                write_string(out, "Member.subscribed_topic_regex", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        self.assignment.encode(out, version)?;
        self.target_assignment.encode(out, version)?;
        if version >= 1 {
            out.put_i8(self.member_type);
        }
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedGroup {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub group_id: String,
    pub group_state: String,
    pub group_epoch: i32,
    pub assignment_epoch: i32,
    pub assignor_name: String,
    pub members: Vec<Member>,
    /// A bit each; the least number when not asked for.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: String::new(),
            group_state: String::new(),
            group_epoch: 0,
            assignment_epoch: 0,
            assignor_name: String::new(),
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl DescribedGroup {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let error_code = reader.i16("DescribedGroup.error_code")?;
        let error_message = reader.nullable_string("DescribedGroup.error_message", Layout::Flexible)?;
        let group_id = reader.string("DescribedGroup.group_id", Layout::Flexible)?;
        let group_state = reader.string("DescribedGroup.group_state", Layout::Flexible)?;
        let group_epoch = reader.i32("DescribedGroup.group_epoch")?;
        let assignment_epoch = reader.i32("DescribedGroup.assignment_epoch")?;
        let assignor_name = reader.string("DescribedGroup.assignor_name", Layout::Flexible)?;
        let members =
            reader.array("DescribedGroup.members", Layout::Flexible, 16, |reader| Member::decode(reader, version))?;
        let authorized_operations = reader.i32("DescribedGroup.authorized_operations")?;
        reader.skip_tags("DescribedGroup")?;
        Ok(Self {
            error_code,
            error_message,
            group_id,
            group_state,
            group_epoch,
            assignment_epoch,
            assignor_name,
            members,
            authorized_operations,
        })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        out.put_i16(self.error_code);
        match &self.error_message {
            Some(value) => {
                write_string(out, "DescribedGroup.error_message", value, Layout::Flexible)?;
            }
            None => write_null_string(out, Layout::Flexible),
        }
        write_string(out, "DescribedGroup.group_id", &self.group_id, Layout::Flexible)?;
        write_string(out, "DescribedGroup.group_state", &self.group_state, Layout::Flexible)?;
        out.put_i32(self.group_epoch);
        out.put_i32(self.assignment_epoch);
        write_string(out, "DescribedGroup.assignor_name", &self.assignor_name, Layout::Flexible)?;
        write_len(out, "DescribedGroup.members", self.members.len(), Layout::Flexible)?;
        for item in &self.members {
            item.encode(out, version)?;
        }
        out.put_i32(self.authorized_operations);
        out.put_uvarint(0);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerGroupDescribeResponse {
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

impl Message for ConsumerGroupDescribeRequest {
    const API: ApiKey = ApiKey::ConsumerGroupDescribe;
    const NAME: &'static str = "ConsumerGroupDescribeRequest";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let group_ids = reader.array("ConsumerGroupDescribeRequest.group_ids", Layout::Flexible, 1, |reader| {
            reader.string("ConsumerGroupDescribeRequest.group_ids", Layout::Flexible)
        })?;
        let include_authorized_operations =
            reader.bool("ConsumerGroupDescribeRequest.include_authorized_operations")?;
        reader.skip_tags("ConsumerGroupDescribeRequest")?;
        Ok(Self { group_ids, include_authorized_operations })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        write_len(out, "ConsumerGroupDescribeRequest.group_ids", self.group_ids.len(), Layout::Flexible)?;
        for item in &self.group_ids {
            write_string(out, "ConsumerGroupDescribeRequest.group_ids", item, Layout::Flexible)?;
        }
        out.put_bool(self.include_authorized_operations);
        out.put_uvarint(0);
        Ok(())
    }
}

impl Request for ConsumerGroupDescribeRequest {
    type Response = ConsumerGroupDescribeResponse;
}

impl Message for ConsumerGroupDescribeResponse {
    const API: ApiKey = ApiKey::ConsumerGroupDescribe;
    const NAME: &'static str = "ConsumerGroupDescribeResponse";

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        reader.admit::<Self>(version)?;
        let throttle_time_ms = reader.i32("ConsumerGroupDescribeResponse.throttle_time_ms")?;
        let groups = reader.array("ConsumerGroupDescribeResponse.groups", Layout::Flexible, 20, |reader| {
            DescribedGroup::decode(reader, version)
        })?;
        reader.skip_tags("ConsumerGroupDescribeResponse")?;
        Ok(Self { throttle_time_ms, groups })
    }

    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError> {
        admit::<Self>(version)?;
        out.put_i32(self.throttle_time_ms);
        write_len(out, "ConsumerGroupDescribeResponse.groups", self.groups.len(), Layout::Flexible)?;
        for item in &self.groups {
            item.encode(out, version)?;
        }
        out.put_uvarint(0);
        Ok(())
    }
}
