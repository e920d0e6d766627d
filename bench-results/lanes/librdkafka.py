"""Records through librdkafka at an even rate, or read back. Prints one line of JSON.

    librdkafka.py HOST:PORT TOPIC RATE SECONDS      produce; latency from produce() to the delivery report
    librdkafka.py HOST:PORT TOPIC consume COUNT     read COUNT records from the beginning
"""
import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

address, topic = sys.argv[1:3]


def produce(rate: int, seconds: int) -> dict:
    latencies = []
    producer = Producer({"bootstrap.servers": address, "acks": "all", "linger.ms": 2, "queue.buffering.max.messages": 1_000_000})
    value = bytes(range(256)) * 4
    partitions = len(producer.list_topics(topic).topics[topic].partitions)
    # A connection to each node is there before it counts.
    for partition in range(partitions):
        producer.produce(topic, value, partition=partition)
    producer.flush()
    begun = time.perf_counter()
    for number in range(rate * seconds):
        due = begun + number / rate
        while (left := due - time.perf_counter()) > 0:
            producer.poll(min(left, 0.001))
        # The partitions in runs, as the sticky partitioner does.
        producer.produce(
            topic, value, partition=number // 16 % partitions,
            on_delivery=lambda error, _, due=due: latencies.append(time.perf_counter() - due if error is None else float("inf")),
        )
    producer.flush()
    latencies.sort()
    at = lambda share: latencies[int(share * (len(latencies) - 1))] * 1e3
    return {"records": len(latencies), "p50_ms": at(0.5), "p99_ms": at(0.99)}


def consume(count: int) -> dict:
    consumer = Consumer({"bootstrap.servers": address, "group.id": "lanes", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic).topics[topic].partitions
    begun = time.perf_counter()
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    read = 0
    while read < count:
        read += sum(message.error() is None for message in consumer.consume(10_000, 1.0))
    took = time.perf_counter() - begun
    consumer.close()
    return {"records": read, "mb_per_second": read / 1024 / took}


print(json.dumps(consume(int(sys.argv[4])) if sys.argv[3] == "consume" else produce(int(sys.argv[3]), int(sys.argv[4]))))
