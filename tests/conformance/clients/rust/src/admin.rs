//! What is made is described as it was made, and each mistake has its error.

use std::time::Duration;

use bytes::Bytes;
use krafka::admin::{
    AdminClient, ConfigOp, ConfigResource, CreatePartitionsOptions, CreateTopicsOptions, DeleteRecordsOptions,
    DeleteTopicsOptions, DescribeClusterOptions, DescribeConfigsOptions, DescribeTopicsOptions,
    IncrementalAlterConfigsOptions, ListOffsetsOptions, ListTopicsOptions, NewTopic, OffsetSpec, TopicDescription,
    TopicPartition,
};
use krafka::error::ErrorCode;
use krafka::{Kafka, KrafkaError, Record};

use crate::dataset::FIRST_TIMESTAMP;
use crate::{Options, Outcome, expect};

const CONFIG: [(&str, &str); 3] =
    [("max.message.bytes", "65536"), ("retention.ms", "-1"), ("cleanup.policy", "delete")];
const DEFAULTS: [(&str, &str); 2] = [("segment.bytes", "1073741824"), ("compression.type", "producer")];
const OF_THE_TOPIC: i8 = 1;
const DEFAULT: i8 = 5;

/// Counts the expectations met, so that the summary line can say how many there were.
struct Pass {
    kafka: Kafka,
    admin: AdminClient,
    topic: String,
    absent: String,
    met: u32,
}

impl Pass {
    async fn new(options: &Options, topic: &str) -> Outcome<Self> {
        let kafka = options.connect().await?;
        // It asks again until then where an offset is not there.
        let admin = kafka.admin().default_api_timeout(Duration::from_secs(3));
        let [topic, absent] = [topic, "absent"].map(|end| format!("{}-{end}", options.topic()));
        Ok(Self { kafka, admin, topic, absent, met: 0 })
    }

    fn that<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, wanted: T, found: T) -> Outcome<()> {
        expect(what, wanted, found)?;
        self.met += 1;
        Ok(())
    }

    fn fails<T>(&mut self, what: &str, wanted: ErrorCode, found: Result<T, KrafkaError>) -> Outcome<()> {
        match found {
            Err(KrafkaError::Broker { code, .. }) => self.that(what, wanted, code),
            Err(other) => Err(format!("{what}: expected {wanted:?}, got {other}").into()),
            Ok(_) => Err(format!("{what}: expected {wanted:?}, but it succeeded").into()),
        }
    }

    async fn create(
        &self,
        name: &str,
        partitions: i32,
        replicas: i16,
        config: &[(&str, &str)],
    ) -> Result<(), KrafkaError> {
        let mut wanted = NewTopic::new(name, partitions, replicas)?;
        for (name, value) in config {
            wanted = wanted.with_config(*name, *value);
        }
        only(self.admin.create_topics([wanted], CreateTopicsOptions::default()).await?)
    }

    async fn delete(&self, name: &str) -> Result<(), KrafkaError> {
        only(self.admin.delete_topics([name], DeleteTopicsOptions::default()).await?)
    }

    async fn grow(&self, name: &str, partitions: i32) -> Result<(), KrafkaError> {
        only(self.admin.create_partitions([(name, partitions)], CreatePartitionsOptions::default()).await?)
    }

    async fn describe(&self, name: &str) -> Result<TopicDescription, KrafkaError> {
        only(self.admin.describe_topics([name], DescribeTopicsOptions::default()).await?)
    }

    async fn is_listed(&self, name: &str) -> Outcome<bool> {
        Ok(self.admin.list_topics(ListTopicsOptions::default()).await?.iter().any(|listed| listed == name))
    }

    /// Metadata spreads after the answer to the change: waits until it has.
    async fn settle_listed(&mut self, name: &str, wanted: bool) -> Outcome<()> {
        for _ in 0..100 {
            if self.is_listed(name).await? == wanted {
                self.met += 1;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{name}: is listed is not {wanted} after 10 s").into())
    }

    async fn setting(&self, topic: &str, name: &str) -> Result<Option<(String, i8)>, KrafkaError> {
        let options = DescribeConfigsOptions::default();
        let found = only(self.admin.describe_configs([ConfigResource::topic(topic)], options).await?)?;
        let entry = found.into_iter().find(|entry| entry.name == name);
        Ok(entry.map(|entry| (entry.value.unwrap_or_default(), entry.config_source)))
    }

    async fn expect_setting(&mut self, name: &str, value: &str, source: i8) -> Outcome<()> {
        let wanted = Some((value.to_owned(), source));
        let mut found = self.setting(&self.topic.clone(), name).await?;
        // Changes spread after they are answered.
        for _ in 0..100 {
            if found == wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            found = self.setting(&self.topic.clone(), name).await?;
        }
        self.that(name, wanted, found)
    }

    async fn alter(&self, change: ConfigOp) -> Result<(), KrafkaError> {
        let changes = [(ConfigResource::topic(&self.topic), vec![change])];
        only(self.admin.incremental_alter_configs(changes, IncrementalAlterConfigsOptions::default()).await?)
    }

    async fn offset(&self, partition: i32, spec: OffsetSpec) -> Result<i64, KrafkaError> {
        let asked = [(TopicPartition::new(&*self.topic, partition), spec)];
        Ok(only(self.admin.list_offsets(asked, ListOffsetsOptions::default()).await?)?.offset)
    }

    async fn trim(&self, before: i64) -> Result<i64, KrafkaError> {
        let asked = [(TopicPartition::new(&*self.topic, 0), before)];
        only(self.admin.delete_records(asked, DeleteRecordsOptions::default()).await?)
    }

    async fn send(&self, value: Bytes, timestamp: i64) -> Result<i64, KrafkaError> {
        let producer = self.kafka.producer().build().await?;
        let sent = producer.send(Record::new(&*self.topic, value).partition(0).timestamp(timestamp)).await;
        producer.close().await?;
        Ok(sent?.offset)
    }
}

/// The one result of a call that asked for one thing.
fn only<K, T>(results: impl IntoIterator<Item = (K, Result<T, KrafkaError>)>) -> Result<T, KrafkaError> {
    results.into_iter().next().expect("an answer to the one thing asked").1
}

pub async fn admin(options: &Options) -> Outcome<u32> {
    let mut it = Pass::new(options, "made").await?;
    topics(&mut it).await?;
    offsets(&mut it).await?;
    let (topic, absent) = (it.topic.clone(), it.absent.clone());
    it.grow(&topic, 5).await?;
    let fewer = it.grow(&topic, 2).await;
    it.fails("fewer partitions", ErrorCode::InvalidPartitions, fewer)?;
    let found = it.describe(&topic).await?.partitions.len();
    it.that("partitions", 5, found)?;
    mistakes(&mut it, &topic, &absent).await?;
    it.delete(&topic).await?;
    it.settle_listed(&topic, false).await?;
    it.admin.close().await?;
    Ok(it.met)
}

async fn topics(it: &mut Pass) -> Outcome<()> {
    let cluster = it.admin.describe_cluster(DescribeClusterOptions::default()).await?;
    it.that("the cluster has an id", false, cluster.cluster_id.is_empty())?;
    let known = cluster.brokers.iter().any(|broker| broker.id == cluster.controller_id);
    it.that("the controller is one of the nodes", true, known)?;
    let topic = it.topic.clone();
    it.create(&topic, 3, 1, &CONFIG).await?;
    it.settle_listed(&topic, true).await?;
    let described = it.describe(&topic).await?;
    it.that("the topic has an id", false, described.topic_id == [0; 16])?;
    it.that("partitions", 3, described.partitions.len())?;
    for partition in described.partitions {
        let leader: Vec<i32> = partition.leader.into_iter().collect();
        it.that("replicas", &leader, &partition.replicas)?;
        it.that("in sync", &leader, &partition.isr)?;
    }
    for (name, value) in CONFIG {
        it.expect_setting(name, value, OF_THE_TOPIC).await?;
    }
    for (name, value) in DEFAULTS {
        it.expect_setting(name, value, DEFAULT).await?;
    }
    Ok(())
}

async fn offsets(it: &mut Pass) -> Outcome<()> {
    for i in 0..10 {
        let after = if i == 5 { 100_000 } else { i * 1_000 };
        let offset = it.send(Bytes::from(i.to_string()), FIRST_TIMESTAMP + after).await?;
        it.that("offset", i, offset)?;
    }
    let large = it.send(Bytes::from(vec![0; 70_000]), FIRST_TIMESTAMP).await;
    it.fails("a record too large", ErrorCode::MessageTooLarge, large)?;
    for (what, partition, spec, wanted) in [
        ("earliest", 0, OffsetSpec::Earliest, 0),
        ("latest", 0, OffsetSpec::Latest, 10),
        ("latest when empty", 1, OffsetSpec::Latest, 0),
        ("by an exact timestamp", 0, OffsetSpec::Timestamp(FIRST_TIMESTAMP + 3_000), 3),
        ("by a timestamp between", 0, OffsetSpec::Timestamp(FIRST_TIMESTAMP + 3_001), 4),
        ("by the last timestamp", 0, OffsetSpec::Timestamp(FIRST_TIMESTAMP + 9_001), 5),
        ("of the largest timestamp", 0, OffsetSpec::MaxTimestamp, 5),
    ] {
        let found = it.offset(partition, spec).await?;
        it.that(what, wanted, found)?;
    }
    let later = it.offset(0, OffsetSpec::Timestamp(FIRST_TIMESTAMP + 100_001)).await;
    it.fails("by a later timestamp", ErrorCode::OffsetNotAvailable, later)
}

/// Partitions and replicas below one, it refuses itself.
async fn mistakes(it: &mut Pass, topic: &str, absent: &str) -> Outcome<()> {
    let again = it.create(topic, 3, 1, &[]).await;
    it.fails("a topic that exists", ErrorCode::TopicAlreadyExists, again)?;
    let replicas = it.create(absent, 3, 100, &[]).await;
    it.fails("too many replicas", ErrorCode::InvalidReplicationFactor, replicas)?;
    for config in [("no.such.setting", "1"), ("max.message.bytes", "many")] {
        let refused = it.create(absent, 3, 1, &[config]).await;
        it.fails(config.0, ErrorCode::InvalidConfig, refused)?;
    }
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let found = it.describe(absent).await;
    it.fails("an unknown topic described", unknown, found)?;
    let found = it.setting(absent, "retention.ms").await;
    it.fails("settings of an unknown topic", unknown, found)?;
    let found = it.delete(absent).await;
    it.fails("an unknown topic deleted", unknown, found)?;
    let found = it.grow(absent, 9).await;
    it.fails("an unknown topic grown", unknown, found)?;
    let listed = it.is_listed(absent).await?;
    it.that("nothing was made by mistake", false, listed)
}

/// Changes the settings of a topic that is there, and deletes records of it.
pub async fn alter(options: &Options) -> Outcome<u32> {
    let mut it = Pass::new(options, "altered").await?;
    let topic = it.topic.clone();
    it.create(&topic, 2, 1, &[("retention.ms", "-1")]).await?;
    it.settle_listed(&topic, true).await?;
    let list = |value: &str| (String::from("cleanup.policy"), value.to_owned());
    it.alter(ConfigOp::set("max.message.bytes", "20000")).await?;
    it.expect_setting("max.message.bytes", "20000", OF_THE_TOPIC).await?;
    it.expect_setting("retention.ms", "-1", OF_THE_TOPIC).await?;
    let (name, value) = list("compact");
    it.alter(ConfigOp::Append { name, value }).await?;
    it.expect_setting("cleanup.policy", "delete,compact", OF_THE_TOPIC).await?;
    let (name, value) = list("compact");
    it.alter(ConfigOp::Subtract { name, value }).await?;
    it.expect_setting("cleanup.policy", "delete", OF_THE_TOPIC).await?;
    it.alter(ConfigOp::delete("cleanup.policy")).await?;
    it.expect_setting("cleanup.policy", "delete", DEFAULT).await?;
    for change in [ConfigOp::set("no.such.setting", "1"), ConfigOp::set("max.message.bytes", "many")] {
        let refused = it.alter(change).await;
        it.fails("a bad setting", ErrorCode::InvalidConfig, refused)?;
    }
    for i in 0..10 {
        let offset = it.send(Bytes::from_static(b"x"), FIRST_TIMESTAMP).await?;
        it.that("offset", i, offset)?;
    }
    let large = it.send(Bytes::from(vec![0; 30_000]), FIRST_TIMESTAMP).await;
    it.fails("larger than the new limit", ErrorCode::MessageTooLarge, large)?;
    for (before, earliest) in [(4, 4), (-1, 10)] {
        let low = it.trim(before).await?;
        it.that("deleted up to", earliest, low)?;
        let found = it.offset(0, OffsetSpec::Earliest).await?;
        it.that("earliest", earliest, found)?;
    }
    let refused = it.trim(11).await;
    it.fails("more than there are", ErrorCode::OffsetOutOfRange, refused)?;
    it.delete(&topic).await?;
    it.admin.close().await?;
    Ok(it.met)
}
