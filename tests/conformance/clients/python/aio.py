"""aiokafka: Python without librdkafka, which speaks the low versions of each API."""

import asyncio
import signal
import sys
import time

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, RebalanceInProgressError

import aio_admin
import aio_look
import dataset
from report import Difference, Pace, expect, run

SHAPE = "keyed-or-valued"
CONSUME_SECONDS_MAX = 120
PENDING_RECORDS_MAX = 5000


async def produce(options):
    producer = AIOKafkaProducer(
        bootstrap_servers=options.bootstrap,
        acks="all" if options.acks == "all" else int(options.acks),
        compression_type=None if options.codec == "none" else options.codec,
        enable_idempotence=options.idempotent == "true",
        max_batch_size=65536,
    )
    await producer.start()
    keyed, pace, pending = options.partitioner != "explicit", Pace(options.pace), []
    for i in range(options.count):
        while (ahead := pace.ahead(i)) > 0:
            await asyncio.sleep(ahead)
        key, value, headers, timestamp = dataset.record(i, SHAPE, keyed)
        where = None if keyed else i % options.partitions
        sent = producer.send(options.topic, value, key, where, timestamp_ms=timestamp, headers=headers)
        pending.append(await sent)
        if len(pending) >= PENDING_RECORDS_MAX:
            await asyncio.gather(*pending)
            pending.clear()
    await asyncio.gather(*pending)
    await producer.stop()
    return options.count


async def consume(options):
    consumer = AIOKafkaConsumer(
        bootstrap_servers=options.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=100,
        check_crcs=True,
    )
    await consumer.start()
    partitions = [TopicPartition(options.topic, index) for index in range(options.partitions)]
    numbers = dataset.partitions(options.count, options.partitions, options.placement)
    keyed, seen = options.placement != "explicit", [0] * options.partitions
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)
    deadline = time.monotonic() + CONSUME_SECONDS_MAX
    while sum(seen) < options.count:
        if time.monotonic() > deadline:
            raise Difference(f"only {seen} records per partition arrived")
        for where, messages in (await consumer.getmany(timeout_ms=100)).items():
            for message in messages:
                at = f"partition {where.partition} offset {seen[where.partition]}"
                expect(f"{at}: offset", seen[where.partition], message.offset)
                if message.offset >= len(numbers[where.partition]):
                    raise Difference(f"{at}: one record more than were produced")
                number = numbers[where.partition][message.offset]
                check(at, message, dataset.record(number, options.shape, keyed), options.since)
                seen[where.partition] += 1
    lengths = [len(of_partition) for of_partition in numbers]
    earliest, latest = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    expect("earliest offsets", [0] * len(partitions), [earliest[partition] for partition in partitions])
    expect("latest offsets", lengths, [latest[partition] for partition in partitions])
    await consumer.stop()
    return sum(seen)


def check(at, message, expected, since):
    key, value, headers, timestamp = expected
    if (message.key, message.value) != (key, value):
        expect(f"{at}: key and value", (key, value), (message.key, message.value))
    if list(message.headers) != headers:
        expect(f"{at}: headers", headers, list(message.headers))
    earliest, latest = (since, time.time() * 1000 + 1000) if timestamp is None else (timestamp, timestamp)
    if message.timestamp_type != 0 or not earliest <= message.timestamp <= latest:
        found = f"{message.timestamp} of type {message.timestamp_type}"
        raise Difference(f"{at}: expected a create time from {earliest} to {latest:.0f}, got {found}")


class Told(ConsumerRebalanceListener):
    def __init__(self, voice):
        self.voice = voice

    async def on_partitions_revoked(self, revoked):
        self.voice.assigned([])

    async def on_partitions_assigned(self, assigned):
        self.voice.assigned(where.partition for where in assigned)


async def member(options, voice):
    consumer = AIOKafkaConsumer(
        bootstrap_servers=options.bootstrap,
        group_id=options.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
    )
    consumer.subscribe([options.topic], listener=Told(voice))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, voice.ask_to_leave)
    await consumer.start()
    while not voice.leaving:
        found = await consumer.getmany(timeout_ms=100, max_records=200)
        for where, messages in found.items():
            voice.read((where.partition, each.offset, each.key, each.value) for each in messages)
        offsets = {where: messages[-1].offset + 1 for where, messages in found.items()}
        try:
            if offsets:
                await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError, RebalanceInProgressError) as late:
            # A rebalance came between: whoever has the partition next reads these records again.
            print("not committed:", late, file=sys.stderr)
    await consumer.stop()


if __name__ == "__main__":
    modes = {"produce": produce, "consume": consume, "admin": aio_admin.admin, "alter": aio_admin.alter}
    modes["look"] = aio_look.look
    blocking = {mode: lambda options, pass_=pass_: asyncio.run(pass_(options)) for mode, pass_ in modes.items()}
    blocking["member"] = lambda options, voice: asyncio.run(member(options, voice))
    run("aiokafka", aiokafka.__version__, blocking)
