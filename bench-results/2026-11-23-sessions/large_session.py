#!/usr/bin/env python3
"""Times fetches of a Kafka fetch session of many partitions of which few move.

    large_session.py HOST:PORT [--partitions N] [--rounds N]

Makes a topic, a session of all its partitions, and prints milliseconds: of the fetches that set the session up, of those
that find nothing, of those that find one record, and from the sending of a record to its arrival at a fetch that waits.
"""

import argparse
import socket
import struct
import time

PRODUCE, FETCH, CREATE = (0, 3), (1, 7), (19, 2)
BYTES_MAX = 50 << 20


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def batch():
    now = int(time.time() * 1000)
    value = b"x" * 10
    body = b"\0\0\0\x01" + bytes([len(value) << 1]) + value + b"\0"
    record = bytes([len(body) << 1]) + body
    after_crc = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + record
    after_length = struct.pack(">ib", -1, 2) + struct.pack(">I", crc32c(after_crc)) + after_crc
    return struct.pack(">qi", 0, len(after_length)) + after_length


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, api, body):
        request = struct.pack(">hhi", *api, 1) + string("sessions") + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)

    def receive(self):
        length = struct.unpack(">i", self.read(4))[0]
        return self.read(length)[4:]

    def ask(self, api, body):
        self.send(api, body)
        return self.receive()

    def read(self, length):
        data = bytearray()
        while len(data) < length:
            piece = self.socket.recv(length - len(data))
            if not piece:
                raise SystemExit("the broker has closed the connection")
            data += piece
        return bytes(data)


class Session:
    """Goes on with a session, and knows where it is."""

    def __init__(self, connection, topic, partitions):
        self.connection, self.topic = connection, topic
        self.id, self.epoch = 0, 0
        self.changed = [(partition, 0) for partition in range(partitions)]

    def send(self, wait_ms):
        parts = [struct.pack(">iqqi", partition, offset, -1, 1 << 20) for partition, offset in self.changed]
        topics = [string(self.topic) + array(parts)] if parts else []
        fixed = struct.pack(">iiiibii", -1, wait_ms, 1, BYTES_MAX, 0, self.id, self.epoch)
        self.changed = []
        self.epoch += 1
        self.connection.send(FETCH, fixed + array(topics) + array([]))

    def receive(self):
        """The partitions that the answer tells, each with its high watermark."""
        data = self.connection.receive()
        _, error, self.id, topics = struct.unpack_from(">ihii", data)
        if error:
            raise SystemExit(f"the session is refused with {error}")
        told, at = [], 14
        for _ in range(topics):
            at += 2 + struct.unpack_from(">h", data, at)[0]
            count = struct.unpack_from(">i", data, at)[0]
            at += 4
            for _ in range(count):
                partition, error, end, _, _, aborted = struct.unpack_from(">ihqqqi", data, at)
                at += 34 + 16 * max(aborted, 0)
                at += 4 + max(struct.unpack_from(">i", data, at)[0], 0)
                told.append((partition, error, end))
                if end > 0:
                    self.changed.append((partition, end))
        return told

    def fetch(self, wait_ms):
        begun = time.perf_counter()
        self.send(wait_ms)
        told = self.receive()
        return (time.perf_counter() - begun) * 1000, told


def produce(connection, topic, partition):
    part = struct.pack(">i", partition)
    records = batch()
    body = struct.pack(">hhi", -1, -1, 10_000) + array([string(topic) + array([part + struct.pack(">i", len(records)) + records])])
    answer = connection.ask(PRODUCE, body)
    error = struct.unpack_from(">h", answer, 4 + 2 + len(topic) + 4 + 4)[0]
    if error:
        raise SystemExit(f"an append is refused with {error}")


def figures(name, times):
    times = sorted(times)
    at = lambda share: times[min(int(len(times) * share), len(times) - 1)]
    print(f"{name:>34}: p50 {at(0.5):7.3f}  p90 {at(0.9):7.3f}  p99 {at(0.99):7.3f}  max {times[-1]:7.3f} ms  ({len(times)})")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("address")
    arguments.add_argument("--partitions", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=200)
    options = arguments.parse_args()
    topic = f"sessions-{int(time.time())}"
    producer, consumer = Connection(options.address), Connection(options.address)
    made = string(topic) + struct.pack(">ihii", options.partitions, 1, 0, 0)
    producer.ask(CREATE, array([made]) + struct.pack(">ib", 60_000, 0))
    session = Session(consumer, topic, options.partitions)
    while True:
        took, told = session.fetch(0)
        if all(error == 0 for _, error, _ in told):
            break
        session = Session(consumer, topic, options.partitions)
        time.sleep(0.2)
    print(f"{'the full fetch':>34}: {took:.1f} ms, {len(told)} partitions")
    print(f"{'the fetch after it':>34}: {session.fetch(0)[0]:.1f} ms")
    figures("nothing has come, no wait", [session.fetch(0)[0] for _ in range(options.rounds)])
    found, arrived, acked = [], [], []
    for number in range(options.rounds):
        partition = number * 7919 % options.partitions
        begun = time.perf_counter()
        produce(producer, topic, partition)
        acked.append((time.perf_counter() - begun) * 1000)
        took, told = session.fetch(0)
        if [partition] != [told_of for told_of, _, _ in told]:
            raise SystemExit(f"{told} is told, not {partition}")
        found.append(took)
    figures("ack of a record", acked)
    figures("one record is there, no wait", found)
    session.fetch(0)
    acked = []
    for number in range(options.rounds):
        partition = (number * 7919 + 13) % options.partitions
        session.send(30_000)
        time.sleep(0.02)
        begun = time.perf_counter()
        produce(producer, topic, partition)
        acked.append((time.perf_counter() - begun) * 1000)
        told = session.receive()
        if [partition] != [told_of for told_of, _, _ in told]:
            raise SystemExit(f"{told} is told, not {partition}")
        arrived.append((time.perf_counter() - begun) * 1000)
    figures("ack beside a fetch that waits", acked)
    figures("from sending to a fetch that waits", arrived)


if __name__ == "__main__":
    main()
