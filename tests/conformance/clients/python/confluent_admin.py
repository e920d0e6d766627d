"""The admin pass of confluent-kafka: what is made is described as it was made, and each mistake has its error."""

import time

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource
from confluent_kafka.admin import NewPartitions, NewTopic, OffsetSpec

from dataset import FIRST_TIMESTAMP
from report import Difference, expect

CONFIG = {"max.message.bytes": "65536", "retention.ms": "-1", "cleanup.policy": "delete"}
DEFAULTS = {"segment.bytes": "1073741824", "compression.type": "producer"}
NAMES = [
    "flush.messages",
    "flush.ms",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
]


class Pass:
    """Counts the expectations met, so that the summary line can say how many there were."""

    def __init__(self, options):
        self.bootstrap = options.bootstrap
        self.admin = AdminClient({"bootstrap.servers": options.bootstrap})
        self.topic, self.absent = f"{options.topic}-made", f"{options.topic}-absent"
        self.met = 0

    def expect(self, what, expected, actual):
        expect(what, expected, actual)
        self.met += 1

    def expect_error(self, what, code, action):
        try:
            action()
        except KafkaException as error:
            self.expect(what, KafkaError(code).name(), error.args[0].name())
            return
        raise Difference(f"{what}: expected {KafkaError(code).name()}, but it succeeded")

    def create(self, name, partitions=3, replication=1, config=None):
        made = self.admin.create_topics([NewTopic(name, partitions, replication, config=config or {})])
        return made[name].result()

    def describe(self, name):
        return self.admin.describe_topics(TopicCollection([name]))[name].result()

    def settle(self, what, reached):
        """Metadata spreads after the answer to the change: waits until it has."""
        for _ in range(100):
            if reached():
                self.met += 1
                return
            time.sleep(0.1)
        raise Difference(f"{what}: not within 10 s")


def admin(options):
    it = Pass(options)
    cluster(it)
    topics(it)
    configs(it)
    offsets(it)
    partitions(it)
    mistakes(it)
    deletion(it)
    return it.met


def alter(options):
    """Changes the settings of a topic that is there, and deletes records of it."""
    it = Pass(options)
    it.topic = f"{options.topic}-altered"
    it.create(it.topic, 2, config={"retention.ms": "-1"})
    it.settle("the topic is listed", lambda: it.topic in it.admin.list_topics(timeout=10).topics)
    alter_configs(it)
    delete_records(it)
    it.admin.delete_topics([it.topic])[it.topic].result()
    return it.met


def change(it, name, value, operation):
    entry = ConfigEntry(name, value, incremental_operation=operation)
    resource = ConfigResource(ConfigResource.Type.TOPIC, it.topic, incremental_configs=[entry])
    return it.admin.incremental_alter_configs([resource])[resource].result()


def alter_configs(it):
    def setting(name):
        found = describe_configs(it, it.topic)[name]
        return found.value, ConfigSource(found.source).name

    def becomes(name, value, source):
        it.settle(f"{name} becomes {value} of {source}", lambda: setting(name) == (value, source))

    operation = AlterConfigOpType
    change(it, "max.message.bytes", "20000", operation.SET)
    becomes("max.message.bytes", "20000", "DYNAMIC_TOPIC_CONFIG")
    becomes("retention.ms", "-1", "DYNAMIC_TOPIC_CONFIG")
    change(it, "cleanup.policy", "compact", operation.APPEND)
    becomes("cleanup.policy", "delete,compact", "DYNAMIC_TOPIC_CONFIG")
    change(it, "cleanup.policy", "compact", operation.SUBTRACT)
    becomes("cleanup.policy", "delete", "DYNAMIC_TOPIC_CONFIG")
    change(it, "cleanup.policy", None, operation.DELETE)
    becomes("cleanup.policy", "delete", "DEFAULT_CONFIG")
    for name, value in ("no.such.setting", "1"), ("max.message.bytes", "many"):
        invalid = KafkaError.INVALID_CONFIG
        it.expect_error(f"{name}={value}", invalid, lambda: change(it, name, value, operation.SET))


def delete_records(it):
    for i in range(10):
        it.expect("a record", None, send(it, it.topic, bytes([i])))
    it.expect("a record larger than the new limit", "MSG_SIZE_TOO_LARGE", send(it, it.topic, bytes(30_000)))

    def delete(before):
        where = TopicPartition(it.topic, 0, before)
        return it.admin.delete_records([where])[where].result().low_watermark

    def listed(spec):
        where = TopicPartition(it.topic, 0)
        return it.admin.list_offsets({where: spec})[where].result().offset

    it.expect("deleted up to", 4, delete(4))
    it.expect("earliest", 4, listed(OffsetSpec.earliest()))
    it.expect("latest", 10, listed(OffsetSpec.latest()))
    it.expect_error("more than there are", KafkaError.OFFSET_OUT_OF_RANGE, lambda: delete(11))
    it.expect("deleted up to the end", 10, delete(-1))
    it.expect("earliest of none", 10, listed(OffsetSpec.earliest()))


def cluster(it):
    described = it.admin.describe_cluster().result()
    it.expect("the cluster has an id", True, bool(described.cluster_id))
    it.expect("the cluster has nodes", True, len(described.nodes) > 0)
    it.expect("the controller is one of the nodes", True, described.controller.id in [n.id for n in described.nodes])
    listed = it.admin.list_topics(timeout=10)
    it.expect("metadata and the description agree on the nodes", {n.id for n in described.nodes}, set(listed.brokers))


def topics(it):
    it.create(it.topic, config=CONFIG)
    it.settle("the topic is listed", lambda: it.topic in it.admin.list_topics(timeout=10).topics)
    described = it.describe(it.topic)
    it.expect("name", it.topic, described.name)
    it.expect("is internal", False, described.is_internal)
    it.expect("partitions", [0, 1, 2], sorted(p.id for p in described.partitions))
    for partition in described.partitions:
        replicas = [n.id for n in partition.replicas]
        it.expect("replicas", [partition.leader.id], replicas)
        it.expect("in sync", replicas, [n.id for n in partition.isr])
    it.expect("the topic has an id", True, str(described.topic_id) != "AAAAAAAAAAAAAAAAAAAAAA")


def describe_configs(it, name):
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    return it.admin.describe_configs([resource])[resource].result()


def configs(it):
    described = describe_configs(it, it.topic)
    for name, value in CONFIG.items():
        entry = described[name]
        source = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        it.expect(f"{name}: value, source", (value, source), (entry.value, entry.source))
    for name, value in DEFAULTS.items():
        entry = described[name]
        it.expect(f"{name}: value, source", (value, ConfigSource.DEFAULT_CONFIG.value), (entry.value, entry.source))
    it.expect("settings missing", [], [name for name in NAMES if name not in described])
    broker = ConfigResource(ConfigResource.Type.BROKER, str(next(iter(it.admin.list_topics(timeout=10).brokers))))
    it.expect("the broker has settings", True, len(it.admin.describe_configs([broker])[broker].result()) > 0)


def serves(it):
    """Leaders are named a moment before they serve, and confluent-kafka leaves it to its caller to ask again."""
    every = {TopicPartition(it.topic, partition): OffsetSpec.latest() for partition in range(3)}
    errors = [future.exception() for future in it.admin.list_offsets(every).values()]
    for error in filter(None, errors):
        if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
            raise error
    return not any(errors)


def offsets(it):
    """Ten records a second apart, the sixth of them dated last."""
    it.settle("all partitions serve", lambda: serves(it))
    producer = Producer({"bootstrap.servers": it.bootstrap, "linger.ms": 50})
    for i in range(10):
        moment = FIRST_TIMESTAMP + (100_000 if i == 5 else i * 1000)
        producer.produce(it.topic, value=b"%d" % i, partition=0, timestamp=moment)
    expect("records still queued after the flush", 0, producer.flush(30))

    def listed(spec, partition=0):
        where = TopicPartition(it.topic, partition)
        found = it.admin.list_offsets({where: spec}, isolation_level=IsolationLevel.READ_UNCOMMITTED)[where].result()
        return found.offset, found.timestamp

    it.expect("earliest", 0, listed(OffsetSpec.earliest())[0])
    it.expect("latest", 10, listed(OffsetSpec.latest())[0])
    it.expect("latest of an empty partition", 0, listed(OffsetSpec.latest(), 1)[0])
    at = OffsetSpec.for_timestamp
    it.expect("by an exact timestamp", (3, FIRST_TIMESTAMP + 3000), listed(at(FIRST_TIMESTAMP + 3000)))
    it.expect("by a timestamp between", (4, FIRST_TIMESTAMP + 4000), listed(at(FIRST_TIMESTAMP + 3001)))
    it.expect("by the last timestamp", (5, FIRST_TIMESTAMP + 100_000), listed(at(FIRST_TIMESTAMP + 9001)))
    it.expect("by a later timestamp", -1, listed(at(FIRST_TIMESTAMP + 100_001))[0])
    it.expect("of the largest timestamp", (5, FIRST_TIMESTAMP + 100_000), listed(OffsetSpec.max_timestamp()))
    it.expect("of the largest timestamp when empty", -1, listed(OffsetSpec.max_timestamp(), 1)[0])


def partitions(it):
    it.admin.create_partitions([NewPartitions(it.topic, 5)])[it.topic].result()
    it.settle("the topic has five partitions", lambda: len(it.describe(it.topic).partitions) == 5)
    for what, count in ("fewer partitions", 2), ("as many partitions", 5):
        it.expect_error(
            what,
            KafkaError.INVALID_PARTITIONS,
            lambda: it.admin.create_partitions([NewPartitions(it.topic, count)])[it.topic].result(),
        )


def mistakes(it):
    it.expect_error("a topic that exists", KafkaError.TOPIC_ALREADY_EXISTS, lambda: it.create(it.topic))
    it.expect_error("a bad name", KafkaError.TOPIC_EXCEPTION, lambda: it.create("bad/name"))
    it.expect_error("no partitions", KafkaError.INVALID_PARTITIONS, lambda: it.create(it.absent, 0))
    too_many = KafkaError.INVALID_REPLICATION_FACTOR
    it.expect_error("more replicas than brokers", too_many, lambda: it.create(it.absent, replication=100))
    for config in {"no.such.setting": "1"}, {"max.message.bytes": "many"}, {"max.message.bytes": "-1"}:
        it.expect_error(f"{config}", KafkaError.INVALID_CONFIG, lambda: it.create(it.absent, config=config))
    unknown = KafkaError.UNKNOWN_TOPIC_OR_PART
    it.expect_error("an unknown topic described", unknown, lambda: it.describe(it.absent))
    it.expect_error("an unknown topic's settings", unknown, lambda: describe_configs(it, it.absent))
    deleted = it.admin.delete_topics
    it.expect_error("an unknown topic deleted", unknown, lambda: deleted([it.absent])[it.absent].result())
    grown = [NewPartitions(it.absent, 9)]
    it.expect_error("an unknown topic grown", unknown, lambda: it.admin.create_partitions(grown)[it.absent].result())
    it.expect("a record too large", "MSG_SIZE_TOO_LARGE", send(it, it.topic, bytes(70_000)))
    it.expect("a record to a partition that is not", "_UNKNOWN_PARTITION", send(it, it.topic, b"", partition=77))
    it.expect("nothing was made by mistake", False, it.absent in it.admin.list_topics(timeout=10).topics)


def send(it, topic, value, partition=0):
    """The name of the error that one record meets, or None."""
    errors = []
    producer = Producer({"bootstrap.servers": it.bootstrap})
    producer.produce(topic, value=value, partition=partition, on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    expect("delivery reports", 1, len(errors))
    return errors[0] and errors[0].name()


def deletion(it):
    it.admin.delete_topics([it.topic])[it.topic].result()
    it.settle("the topic is gone", lambda: it.topic not in it.admin.list_topics(timeout=10).topics)
    it.expect_error("the deleted topic described", KafkaError.UNKNOWN_TOPIC_OR_PART, lambda: it.describe(it.topic))
