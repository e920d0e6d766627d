"""The suite's own few lines of the Kafka protocol: makes and deletes topics, and looks at batches as they are stored.

Clients decompress and number records out of sight. Here the batches are read as bytes, so that a client which silently
stopped compressing, or was not idempotent after all, is seen.
"""

import socket
import struct
import time

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
FETCH, LIST_OFFSETS, METADATA, CREATE_TOPICS, DELETE_TOPICS = (1, 4), (2, 1), (3, 4), (19, 2), (20, 1)
OFFSET_FETCH, DESCRIBE_GROUPS = (9, 1), (15, 0)
FETCH_BYTES_MAX = 16 << 20
NO_AUTO_CREATION = b"\0"
CLIENT = "conformance-raw"
SMALL_BATCH_RECORDS = 20


class ProtocolError(Exception):
    """The broker answered with an error code."""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def bytes(self, length):
        self.at += max(length, 0)
        return self.data[self.at - max(length, 0) : self.at]

    def string(self):
        return self.bytes(self.take("h")).decode()

    def array(self, read):
        return [read() for _ in range(self.take("i"))]


def string(text):
    return struct.pack(">h", len(text.encode())) + text.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)

    def ask(self, api, body):
        request = struct.pack(">hhi", *api, 1) + string(CLIENT) + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        length = struct.unpack(">i", self.read(4))[0]
        return Reader(self.read(length)[4:])

    def read(self, length):
        parts, left = [], length
        while left:
            part = self.socket.recv(min(left, 1 << 20))
            if not part:
                raise ConnectionError("the broker closed the connection")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


class Cluster:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap.split(",")[0]
        self.connections = {}

    def connection(self, address=None):
        address = address or self.bootstrap
        if address not in self.connections:
            self.connections[address] = Connection(address)
        return self.connections[address]

    def leaders(self, topic):
        """Address of each partition's leader, or None while there is none."""
        reply = self.connection().ask(METADATA, array([string(topic)]) + NO_AUTO_CREATION)
        reply.take("i")
        brokers = {}

        def broker():
            node, host, port, _rack = reply.take("i"), reply.string(), reply.take("i"), reply.string()
            brokers[node] = f"{host}:{port}"

        def partition():
            _error, index, leader = reply.take("hii")
            reply.array(lambda: reply.take("i"))
            reply.array(lambda: reply.take("i"))
            return index, brokers.get(leader)

        reply.array(broker)
        _cluster, _controller, _topics = reply.string(), *reply.take("ii")
        error, _name, _internal = reply.take("h"), reply.string(), reply.take("b")
        found = dict(reply.array(partition))
        return found if error == 0 else {}

    def create(self, topic, partitions, config):
        pairs = [string(name) + string(value) for name, value in config.items()]
        entry = string(topic) + struct.pack(">ih", partitions, 1) + array([]) + array(pairs)
        reply = self.connection().ask(CREATE_TOPICS, array([entry]) + struct.pack(">ib", 30_000, 0))
        reply.take("i")
        error, message = reply.array(lambda: (reply.string(), reply.take("h"), reply.string())[1:])[0]
        if error:
            raise ProtocolError(f"topic {topic} could not be created: error {error} {message}")
        for _ in range(200):
            leaders = self.leaders(topic)
            if len(leaders) == partitions and None not in leaders.values() and self.serves(topic, leaders):
                return
            time.sleep(0.05)
        raise RuntimeError(f"topic {topic} does not serve after 10 s; leaders: {leaders}")

    def serves(self, topic, leaders):
        """Kafka names leaders a moment before they serve; a producer with acks=0 would lose records to that moment."""
        try:
            return all(self.end_offset(topic, partition, leader) == 0 for partition, leader in leaders.items())
        except ProtocolError:
            return False

    def delete(self, topic):
        self.connection().ask(DELETE_TOPICS, array([string(topic)]) + struct.pack(">i", 30_000))

    def end_offset(self, topic, partition, leader):
        body = struct.pack(">i", -1) + array([string(topic) + array([struct.pack(">iq", partition, -1)])])
        reply = self.connection(leader).ask(LIST_OFFSETS, body)
        reply.take("i"), reply.string()
        _count, _partition, error, _timestamp, offset = reply.take("iihqq")
        if error:
            raise ProtocolError(f"offsets of {topic}-{partition}: error {error}")
        return offset

    def committed(self, group, topic, partitions):
        """Committed offset of each partition, -1 where there is none. The group's coordinator is the bootstrap."""
        wanted = array([struct.pack(">i", partition) for partition in range(partitions)])
        reply = self.connection().ask(OFFSET_FETCH, string(group) + array([string(topic) + wanted]))

        def partition():
            index, offset, _metadata, error = reply.take("i"), reply.take("q"), reply.string(), reply.take("h")
            if error:
                raise ProtocolError(f"offsets of group {group}: error {error}")
            return index, offset

        found = dict(reply.array(lambda: (reply.string(), reply.array(partition)))[0][1])
        return [found[partition] for partition in range(partitions)]

    def group_state(self, group):
        """As the classic protocol names it; Dead if there is no such group in it."""
        reply = self.connection().ask(DESCRIBE_GROUPS, array([string(group)]))
        _count, _error, _group, state = reply.take("i"), reply.take("h"), reply.string(), reply.string()
        return state

    def batches(self, topic, partition, leader):
        """Headers of all batches of a partition."""
        offset = 0
        while offset < self.end_offset(topic, partition, leader):
            entry = string(topic) + array([struct.pack(">iqi", partition, offset, FETCH_BYTES_MAX)])
            body = struct.pack(">iiiib", -1, 1000, 1, FETCH_BYTES_MAX, 0) + array([entry])
            reply = self.connection(leader).ask(FETCH, body)
            reply.take("ii"), reply.string()
            _count, _partition, error, _high_watermark, _last_stable = reply.take("iihqq")
            reply.array(lambda: reply.take("qq"))
            if error:
                raise ProtocolError(f"fetch of {topic}-{partition} at {offset}: error {error}")
            records, before = Reader(reply.bytes(reply.take("i"))), offset
            while len(records.data) - records.at >= 61:
                batch = Batch(records)
                if records.at > len(records.data):
                    break  # The last batch of a fetch may be cut.
                yield batch
                offset = batch.base_offset + batch.last_offset_delta + 1
            if offset == before:
                raise RuntimeError(f"fetch of {topic}-{partition} at {offset} brought no whole batch")


class Batch:
    def __init__(self, reader):
        start = reader.at
        self.base_offset, length, self.leader_epoch, self.magic, self.crc = reader.take("qiibI")
        self.attributes, self.last_offset_delta, self.base_timestamp, self.max_timestamp = reader.take("hiqq")
        self.producer_id, self.producer_epoch, self.base_sequence, self.count = reader.take("qhii")
        reader.at = start + 12 + length


def settled(cluster, topic, count):
    """Waits for all records: with acks=0 a producer is done before the broker is."""
    for _ in range(300):
        leaders = cluster.leaders(topic)
        found = sum(cluster.end_offset(topic, partition, leader) for partition, leader in leaders.items())
        if found >= count:
            return sorted(leaders.items())
        time.sleep(0.1)
    raise ValueError(f"expected {count} records, got {found} after 30 s")


def inspect(cluster, topic, count, codec, idempotent):
    """Checks every batch's header; returns how many batches there are. Raises ValueError at the first difference."""
    batches, records = 0, {"none": 0, codec: 0}
    for partition, leader in settled(cluster, topic, count):
        offset, sequences = 0, {}
        for batch in cluster.batches(topic, partition, leader):
            used = CODECS[batch.attributes & 0b111]
            # Clients leave a batch as it is that would not get smaller, such as a last one of a few records.
            codecs = (codec, "none") if batch.count < SMALL_BATCH_RECORDS else (codec,)
            sequence = batch.base_sequence
            producer = (batch.producer_id, batch.producer_epoch)
            expected = sequences.get(producer, 0) if idempotent else sequence
            for what, wanted, found in (
                ("base offset", offset, batch.base_offset),
                ("magic", 2, batch.magic),
                (f"codec {used} is one of {codecs}", True, used in codecs),
                ("other attributes", 0, batch.attributes & ~0b111),
                ("records", batch.last_offset_delta + 1, batch.count),
                ("has a leader epoch", True, batch.leader_epoch >= 0),
                ("has a producer id", idempotent, batch.producer_id >= 0),
                ("base sequence", expected, sequence),
            ):
                if wanted != found:
                    raise ValueError(f"partition {partition} batch at {offset}: {what}: expected {wanted}, got {found}")
            sequences[producer] = sequence + batch.count
            offset, batches = offset + batch.count, batches + 1
            records[used] += batch.count
    if sum(records.values()) != count or records[codec] * 2 < count:
        raise ValueError(f"expected {count} records, most of them in {codec}; got {records}")
    return batches


def broker_version(cluster):
    """The range of Produce and Fetch versions the broker offers, to tell brokers apart in logs."""
    reply = cluster.connection().ask((18, 0), b"")
    reply.take("h")
    ranges = {key: (low, high) for key, low, high in reply.array(lambda: reply.take("hhh"))}
    return " ".join(f"{name} {ranges[key][0]}-{ranges[key][1]}" for key, name in ((0, "Produce"), (1, "Fetch")))

