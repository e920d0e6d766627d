"""The admin passes of aiokafka, whose client hands out answers as they came: error codes are looked at here."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OffsetOutOfRangeError, for_code

from dataset import FIRST_TIMESTAMP
from report import Difference, expect

CONFIG = {"max.message.bytes": "65536", "retention.ms": "-1", "cleanup.policy": "delete"}
DEFAULTS = {"segment.bytes": "1073741824", "compression.type": "producer"}
DEFAULT_CONFIG, TOPIC_CONFIG = 5, 1


class Pass:
    """Counts the expectations met, so that the summary line can say how many there were."""

    def __init__(self, options, topic):
        self.bootstrap, self.topic, self.absent = options.bootstrap, topic, f"{options.topic}-absent"
        self.admin = AIOKafkaAdminClient(bootstrap_servers=options.bootstrap)
        self.met = 0

    def expect(self, what, expected, actual):
        expect(what, expected, actual)
        self.met += 1

    async def fails(self, what, error, action):
        try:
            await action
        except KafkaError as found:
            self.expect(what, error, type(found).__name__)
            return
        raise Difference(f"{what}: expected {error}, but it succeeded")

    async def settle(self, what, reached):
        """Metadata spreads after the answer to the change: waits until it has."""
        for _ in range(100):
            if await reached():
                self.met += 1
                return
            await asyncio.sleep(0.1)
        raise Difference(f"{what}: not within 10 s")

    async def create(self, name, partitions=3, replication=1, config=None):
        wanted = NewTopic(name, partitions, replication, topic_configs=config or {})
        refuse((await self.admin.create_topics([wanted])).topic_errors[0][1])

    async def delete(self, name):
        refuse((await self.admin.delete_topics([name])).topic_error_codes[0][1])

    async def grow(self, name, partitions):
        refuse((await self.admin.create_partitions({name: NewPartitions(partitions)})).topic_errors[0][1])

    async def describe(self, name):
        found = (await self.admin.describe_topics([name]))[0]
        refuse(found["error_code"])
        return found

    async def settings(self, name):
        """(value, source) by name."""
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        (answer,) = await self.admin.describe_configs([resource])
        ((error, _message, _type, _name, entries),) = answer.resources
        refuse(error)
        return {entry[0]: (entry[1], entry[3]) for entry in entries}

    async def alter(self, name, value):
        """It knows AlterConfigs only, which replaces all settings of a topic."""
        configs = {"retention.ms": "-1", name: value}
        (answer,) = await self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.topic, configs)])
        refuse(answer.resources[0][0])

    async def trim(self, offset):
        where = TopicPartition(self.topic, 0)
        return (await self.admin.delete_records({where: RecordsToDelete(offset)}))[where]


def refuse(error):
    if error:
        raise for_code(error)


async def admin(options):
    it = Pass(options, f"{options.topic}-made")
    await it.admin.start()
    await topics(it)
    await offsets(it)
    await it.grow(it.topic, 5)

    async def has_five():
        return len((await it.describe(it.topic))["partitions"]) == 5

    await it.settle("the topic has five partitions", has_five)
    await it.fails("fewer partitions", "InvalidPartitionsError", it.grow(it.topic, 2))
    await mistakes(it)
    await it.delete(it.topic)

    async def is_gone():
        return it.topic not in await it.admin.list_topics()

    await it.settle("the topic is gone", is_gone)
    await it.admin.close()
    return it.met


async def topics(it):
    cluster = await it.admin.describe_cluster()
    it.expect("the cluster has an id", True, len(cluster["cluster_id"]) > 0)
    nodes = [broker["node_id"] for broker in cluster["brokers"]]
    it.expect("the controller is one of the nodes", True, cluster["controller_id"] in nodes)
    await it.create(it.topic, config=CONFIG)

    async def is_listed():
        return it.topic in await it.admin.list_topics()

    await it.settle("the topic is listed", is_listed)
    partitions = (await it.describe(it.topic))["partitions"]
    it.expect("partitions", [0, 1, 2], sorted(each["partition"] for each in partitions))
    for each in partitions:
        it.expect("replicas", ([each["leader"]], [each["leader"]]), (each["replicas"], each["isr"]))
    settings = await it.settings(it.topic)
    for name, value in CONFIG.items():
        it.expect(name, (value, TOPIC_CONFIG), settings[name])
    for name, value in DEFAULTS.items():
        it.expect(name, (value, DEFAULT_CONFIG), settings[name])


async def offsets(it):
    producer = AIOKafkaProducer(bootstrap_servers=it.bootstrap)
    await producer.start()
    for i in range(10):
        moment = FIRST_TIMESTAMP + (100_000 if i == 5 else i * 1000)
        sent = await producer.send_and_wait(it.topic, b"%d" % i, partition=0, timestamp_ms=moment)
        it.expect("offset", i, sent.offset)
    large = producer.send_and_wait(it.topic, bytes(70_000), partition=0)
    await it.fails("a record too large", MessageSizeTooLargeError.__name__, large)
    await producer.stop()

    where, empty = TopicPartition(it.topic, 0), TopicPartition(it.topic, 1)
    consumer = AIOKafkaConsumer(bootstrap_servers=it.bootstrap)
    await consumer.start()
    it.expect("earliest", {where: 0, empty: 0}, await consumer.beginning_offsets([where, empty]))
    it.expect("latest", {where: 10, empty: 0}, await consumer.end_offsets([where, empty]))
    for after, offset in (3000, 3), (3001, 4), (9001, 5), (100_001, None):
        found = (await consumer.offsets_for_times({where: FIRST_TIMESTAMP + after}))[where]
        it.expect(f"by timestamp + {after}", offset, found and found.offset)
    await consumer.stop()


async def mistakes(it):
    await it.fails("a topic that exists", "TopicAlreadyExistsError", it.create(it.topic))
    await it.fails("a bad name", "InvalidTopicError", it.create("bad/name"))
    await it.fails("no partitions", "InvalidPartitionsError", it.create(it.absent, 0))
    await it.fails("too many replicas", "InvalidReplicationFactorError", it.create(it.absent, 3, 100))
    for config in {"no.such.setting": "1"}, {"max.message.bytes": "many"}:
        await it.fails(f"{config}", "InvalidConfigurationError", it.create(it.absent, config=config))
    unknown = "UnknownTopicOrPartitionError"
    await it.fails("settings of an unknown topic", unknown, it.settings(it.absent))
    await it.fails("an unknown topic deleted", unknown, it.delete(it.absent))
    await it.fails("an unknown topic grown", unknown, it.grow(it.absent, 9))
    it.expect("nothing was made by mistake", False, it.absent in await it.admin.list_topics())


async def alter(options):
    """Changes the settings of a topic that is there, and deletes records of it."""
    it = Pass(options, f"{options.topic}-altered")
    await it.admin.start()
    await it.create(it.topic, 2, config={"retention.ms": "-1"})
    await it.alter("max.message.bytes", "20000")

    async def is_altered():
        settings = await it.settings(it.topic)
        wanted = {"max.message.bytes": ("20000", TOPIC_CONFIG), "retention.ms": ("-1", TOPIC_CONFIG)}
        return wanted == {name: settings[name] for name in wanted}

    await it.settle("the settings are altered", is_altered)
    await it.fails("an unknown setting", "InvalidConfigurationError", it.alter("no.such.setting", "1"))
    await it.fails("a bad value", "InvalidConfigurationError", it.alter("max.message.bytes", "many"))
    producer = AIOKafkaProducer(bootstrap_servers=it.bootstrap)
    await producer.start()
    for i in range(10):
        await producer.send_and_wait(it.topic, bytes([i]), partition=0)
    large = producer.send_and_wait(it.topic, bytes(30_000), partition=0)
    await it.fails("larger than the new limit", MessageSizeTooLargeError.__name__, large)
    await producer.stop()

    where = TopicPartition(it.topic, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=it.bootstrap)
    await consumer.start()
    it.expect("deleted up to", 4, await it.trim(4))
    it.expect("earliest", {where: 4}, await consumer.beginning_offsets([where]))
    await it.fails("more than there are", OffsetOutOfRangeError.__name__, it.trim(11))
    it.expect("deleted up to the end", 10, await it.trim(-1))
    it.expect("earliest of none", {where: 10}, await consumer.beginning_offsets([where]))
    await consumer.stop()
    await it.delete(it.topic)
    await it.admin.close()
    return it.met
