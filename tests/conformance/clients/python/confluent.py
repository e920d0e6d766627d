"""confluent-kafka: Python over the newest librdkafka."""

import time

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TIMESTAMP_CREATE_TIME, TopicPartition

import confluent_admin
import confluent_group
import dataset
from report import Difference, Pace, expect, run

CONSUME_SECONDS_MAX = 120


def produce(options):
    config = {
        "bootstrap.servers": options.bootstrap,
        "compression.codec": options.codec,
        "acks": options.acks,
        "enable.idempotence": options.idempotent,
        "queue.buffering.max.messages": 200_000,
    }
    if options.partitioner == "murmur2":
        config["partitioner"] = "murmur2_random"
    errors = []

    def delivered(error, _message):
        if error is not None:
            errors.append(error)

    producer = Producer(config)
    keyed = options.partitioner != "explicit"
    pace = Pace(options.pace)
    for i in range(options.count):
        while (ahead := pace.ahead(i)) > 0:
            producer.poll(ahead)
        key, value, headers, timestamp = dataset.record(i, keyed=keyed)
        where = {} if keyed else {"partition": i % options.partitions}
        while True:
            try:
                producer.produce(
                    options.topic,
                    value=value,
                    key=key,
                    headers=headers,
                    timestamp=timestamp,
                    on_delivery=delivered,
                    **where,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(CONSUME_SECONDS_MAX)
    if errors:
        raise Difference(f"{len(errors)} records not delivered, first: {errors[0]}")
    expect("records still queued after the flush", 0, left)
    return options.count


def consume(options):
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap,
            # Its constructor asks for one; with assign() it looks for a coordinator but needs none.
            "group.id": "unused",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "check.crcs": True,
            "fetch.wait.max.ms": 100,
        }
    )
    numbers = dataset.partitions(options.count, options.partitions, options.placement)
    keyed = options.placement != "explicit"
    consumer.assign([TopicPartition(options.topic, p, 0) for p in range(options.partitions)])
    deadline, seen = time.monotonic() + CONSUME_SECONDS_MAX, [0] * options.partitions
    until = None
    while sum(seen) < options.count:
        messages = consumer.consume(5000, timeout=0.1)
        if not messages and time.monotonic() > deadline:
            raise Difference(f"only {seen} records per partition arrived")
        until = time.time() * 1000 + 1000
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            partition, offset = message.partition(), message.offset()
            at = f"partition {partition} offset {seen[partition]}"
            expect(f"{at}: offset", seen[partition], offset)
            if offset >= len(numbers[partition]):
                raise Difference(f"{at}: one record more than were produced")
            check(at, message, dataset.record(numbers[partition][offset], options.shape, keyed), options.since, until)
            seen[partition] += 1
    for partition, of_partition in enumerate(numbers):
        low, high = consumer.get_watermark_offsets(TopicPartition(options.topic, partition), timeout=10)
        expect(f"partition {partition}: earliest and latest offset", (0, len(of_partition)), (low, high))
    consumer.close()
    return sum(seen)


def check(at, message, expected, since, until):
    key, value, headers, timestamp = expected
    if message.key() != key:
        expect(f"{at}: key", key, message.key())
    if message.value() != value:
        expect(f"{at}: value", value, message.value())
    actual_headers = message.headers() or []
    if actual_headers != headers:
        expect(f"{at}: headers", headers, actual_headers)
    kind, actual = message.timestamp()
    earliest, latest = (since, until) if timestamp is None else (timestamp, timestamp)
    if kind != TIMESTAMP_CREATE_TIME or not earliest <= actual <= latest:
        raise Difference(f"{at}: expected a create time from {earliest} to {latest:.0f}, got {actual} of type {kind}")


if __name__ == "__main__":
    modes = {"produce": produce, "consume": consume, "group": confluent_group.group, "member": confluent_group.member}
    modes |= {"admin": confluent_admin.admin, "alter": confluent_admin.alter}
    version = f"{confluent_kafka.version()}/librdkafka-{confluent_kafka.libversion()[0]}"
    run("confluent-kafka", version, modes)
