"""Reads a topic through a group: one consumer begins and leaves, two others share the rest."""

import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

import dataset
from report import Difference, expect

GROUP_SECONDS_MAX = 120


def group(options):
    name = f"{options.topic}-{options.protocol}"
    seen = [0] * options.partitions
    deadline = time.monotonic() + GROUP_SECONDS_MAX

    def member():
        config = {
            "bootstrap.servers": options.bootstrap,
            "group.id": name,
            "group.protocol": options.protocol,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
        }
        consumer = Consumer(config)
        consumer.subscribe([options.topic])
        return consumer

    def take(consumer):
        messages = consumer.consume(500, timeout=0.1)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            partition = message.partition()
            at = f"partition {partition} offset {seen[partition]}"
            expect(f"{at}: offset", seen[partition], message.offset())
            expected = dataset.record(message.offset() * options.partitions + partition, "full", False)
            expect(f"{at}: key and value", expected[:2], (message.key(), message.value()))
            seen[partition] += 1
        if messages:
            consumer.commit(asynchronous=False)
        if time.monotonic() > deadline:
            raise Difference(f"only {seen} records per partition arrived")

    first = member()
    while sum(seen) < options.count // 2:
        take(first)
    first.close()
    pair = [member(), member()]
    shared = False
    while sum(seen) < options.count or not shared:
        for consumer in pair:
            take(consumer)
        owned = [len(consumer.assignment()) for consumer in pair]
        shared = owned == [options.partitions // 2] * 2
    expect("records per partition", counts(options), seen)
    check_committed(options, pair[0])
    admin = AdminClient({"bootstrap.servers": options.bootstrap})
    described = admin.describe_consumer_groups([name])[name].result()
    expect("members", 2, len(described.members))
    expect("state", "STABLE", described.state.name)
    expect("type", options.protocol.upper(), described.type.name)
    for consumer in pair:
        consumer.close()
    check_admin(options, admin, name)
    return sum(seen)


# A rebalance came between: whoever has the partition next reads these records again.
LATE_COMMITS = ("ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID", "STALE_MEMBER_EPOCH")
LATE_COMMITS += ("FENCED_MEMBER_EPOCH", "_ASSIGNMENT_LOST", "_NO_OFFSET", "_STATE")
# Nobody knows whether it was heard: heartbeats without an answer end the connection, and the commit with it.
LATE_COMMITS += ("_TIMED_OUT",)


def member(options, voice):
    config = {
        "bootstrap.servers": options.bootstrap,
        "group.id": options.group,
        "group.protocol": options.protocol,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
    }
    if options.protocol == "classic":
        config |= {"session.timeout.ms": options.session_ms, "heartbeat.interval.ms": 500}
    if options.instance:
        config["group.instance.id"] = options.instance
    if options.assignor == "cooperative":
        config["partition.assignment.strategy"] = "cooperative-sticky"
    consumer = Consumer(config)
    consumer.subscribe([options.pattern or options.topic], **callbacks(options, voice))
    while not voice.leaving:
        messages = consumer.consume(200, timeout=0.1)
        voice.assigned(places(options, consumer.assignment()))
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        voice.read((place(options, *at(each)), each.offset(), each.key(), each.value()) for each in messages)
        if messages:
            try:
                consumer.commit(asynchronous=False)
            except KafkaException as error:
                if error.args[0].name() not in LATE_COMMITS:
                    raise
    consumer.close()


def callbacks(options, voice):
    """They tell, and do what the client would do by itself if there were none."""
    bit_by_bit = options.protocol == "consumer" or options.assignor == "cooperative"

    def gains(consumer, partitions):
        voice.tells("gains", places(options, partitions))
        (consumer.incremental_assign if bit_by_bit else consumer.assign)(partitions)

    def without(verb):
        def ends(consumer, partitions):
            voice.tells(verb, places(options, partitions))
            consumer.incremental_unassign(partitions) if bit_by_bit else consumer.unassign()

        return ends

    return {"on_assign": gains, "on_revoke": without("gives"), "on_lost": without("loses")}


def at(message):
    return message.topic(), message.partition()


def place(options, topic, partition):
    """The number alone in the topic that was named; others that a pattern matches are named."""
    return str(partition) if topic == options.topic else f"{topic}/{partition}"


def places(options, partitions):
    return [place(options, each.topic, each.partition) for each in partitions]


def check_committed(options, consumer):
    partitions = [TopicPartition(options.topic, index) for index in range(options.partitions)]
    committed = [partition.offset for partition in consumer.committed(partitions, timeout=10)]
    expect("committed offsets", counts(options), committed)


def check_admin(options, admin, name):
    listed = {group.group_id: group for group in admin.list_consumer_groups().result().valid}
    expect("listed", "EMPTY", listed[name].state.name if name in listed else None)
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name].result()
    offsets = {partition.partition: partition.offset for partition in found.topic_partitions}
    expect("offsets of the group", dict(enumerate(counts(options))), offsets)
    admin.delete_consumer_groups([name])[name].result()
    listed = {group.group_id for group in admin.list_consumer_groups().result().valid}
    expect("listed after it was deleted", False, name in listed)


def counts(options):
    """Records of each partition."""
    return [len(numbers) for numbers in dataset.partitions(options.count, options.partitions)]
