//! A group is listed and described as it is. Where it has members it is not deleted; where it has none its committed
//! offsets are looked at, and it is, once.

use krafka::KrafkaError;
use krafka::admin::{
    AdminClient, DeleteConsumerGroupsOptions, DescribeConsumerGroupsOptions, ListConsumerGroupOffsetsOptions,
    ListConsumerGroupsOptions, TopicPartition,
};
use krafka::error::ErrorCode;

use crate::{Options, Outcome, expect};

pub async fn look(options: &Options) -> Outcome<u32> {
    let admin = options.connect().await?.admin();
    let (group, members) = (options.text("group", ""), usize::try_from(options.number("members", 0))?);
    expect("listed", true, is_listed(&admin, group).await?)?;
    let mut described = admin.describe_consumer_groups([group], DescribeConsumerGroupsOptions::default()).await?;
    let described = described.remove(group).ok_or("the group is not described")??;
    expect("type", options.text("protocol", ""), described.group_type.to_string().as_str())?;
    expect("state", options.text("state", ""), described.state.as_str())?;
    expect("members", members, described.members.len())?;
    if members > 0 {
        refused("a group with members deleted", ErrorCode::NonEmptyGroup, delete(&admin, group).await)?;
        return Ok(5);
    }
    let mut found = admin.list_consumer_group_offsets(group, ListConsumerGroupOffsetsOptions::default()).await?;
    for (partition, wanted) in (0..).zip(options.text("committed", "").split(',')) {
        let place = TopicPartition::new(options.topic(), partition);
        let offset = found.remove(&place).ok_or("no offset of a partition")??.offset;
        expect(format!("committed of {partition}"), Some(wanted.parse::<i64>()?), offset)?;
    }
    delete(&admin, group).await?;
    expect("listed after it was deleted", false, is_listed(&admin, group).await?)?;
    refused("a group deleted twice", ErrorCode::GroupIdNotFound, delete(&admin, group).await)?;
    Ok(10)
}

async fn is_listed(admin: &AdminClient, group: &str) -> Outcome<bool> {
    for listed in admin.list_consumer_groups(ListConsumerGroupsOptions::default()).await?.into_values() {
        if listed?.iter().any(|each| each.group_id == group) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn delete(admin: &AdminClient, group: &str) -> Result<(), KrafkaError> {
    let mut answers = admin.delete_consumer_groups([group], DeleteConsumerGroupsOptions::default()).await?;
    answers.remove(group).expect("an answer to the one thing asked")
}

fn refused(what: &str, wanted: ErrorCode, found: Result<(), KrafkaError>) -> Outcome<()> {
    match found {
        Err(KrafkaError::Broker { code, .. }) => expect(what, wanted, code),
        other => Err(format!("{what}: expected {wanted:?}, got {other:?}").into()),
    }
}
