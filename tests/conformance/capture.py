"""Records the first request frames of every client, through a proxy on loopback, into frames/.

    .work/venv/bin/python capture.py HOST:PORT

Start from a broker without topics: some clients name all they know of. Groups settle sooner where the broker's
heartbeats are short.
"""

import shutil
import struct
import sys

import matrix
import members
import raw
import roster
import tools
from losses import HEARTBEAT, Asked
from tap import Tap

FRAMES = roster.HERE / "frames"
RECORDS = 24
PRODUCE, JOIN_GROUP = 0, 11
APIS = {
    PRODUCE: "produce",
    1: "fetch",
    2: "list-offsets",
    3: "metadata",
    8: "offset-commit",
    9: "offset-fetch",
    10: "find-coordinator",
    JOIN_GROUP: "join-group",
    12: "heartbeat",
    13: "leave-group",
    14: "sync-group",
    15: "describe-groups",
    16: "list-groups",
    18: "api-versions",
    19: "create-topics",
    20: "delete-topics",
    21: "delete-records",
    22: "init-producer-id",
    23: "offset-for-leader-epoch",
    32: "describe-configs",
    33: "alter-configs",
    35: "describe-log-dirs",
    37: "create-partitions",
    42: "delete-groups",
    44: "incremental-alter-configs",
    46: "list-partition-reassignments",
    47: "offset-delete",
    60: "describe-cluster",
    61: "describe-producers",
    HEARTBEAT: "consumer-group-heartbeat",
    69: "consumer-group-describe",
    74: "list-config-resources",
    75: "describe-topic-partitions",
}
# Whatever the folder is called, these come from Kafka's own tools.
TOOLS = "kafka-tools"


class Recorder:
    """Keeps the first request of each API, version and label, but for the suite's own."""

    def __init__(self):
        self.folder = self.label = None
        self.kept = {}

    def request(self, frame):
        key, version = struct.unpack_from(">hh", frame)
        if raw.Reader(frame[8:]).string() == raw.CLIENT:
            return frame
        name = f"{APIS.get(key, f'api-{key}')}-v{version}"
        if key == PRODUCE:
            # What a codec makes of records differs, and batches with a producer id from those without.
            name += f"-{self.label}"
        if key == HEARTBEAT:
            name += f"-{heartbeat_kind(Asked(frame))}"
        if key == JOIN_GROUP and (self.folder, name) in self.kept:
            name += "-again"  # As a rule with the id that the first one was given.
        self.kept.setdefault((self.folder, name), frame)
        return frame

    def reply(self, frame):
        return frame


def heartbeat_kind(asked):
    if asked.epoch <= 0:
        return "join" if asked.epoch == 0 else "leave"
    return "stay" if asked.owned is None else "tell"


class Life(members.Story):
    """A group of two, as far as it takes for each to say all that it has to say."""

    def rebalances(self):
        one = self.join("one")
        self.until("the first member reads alone", lambda: self.shares(one) and self.reads(one))
        two = self.join("two")
        self.until("both share", lambda: self.shares(one, two) and self.reads(one, two))
        self.leave(two)
        self.until("the first reads alone again", lambda: self.shares(one) and self.reads(one))
        self.leave(one)

    def resume(self):
        pass


def capture(bootstrap):
    recorder = Recorder()
    tap = Tap(bootstrap, lambda: recorder)
    run = matrix.Run(tap.address, RECORDS, None)
    run.prefix = "capture"  # Always the same, so that a new capture differs only where the client does.
    for name, client in matrix.CLIENTS.items():
        recorder.folder = name
        for codec in raw.CODECS:
            recorder.label = codec
            run.case(matrix.Case(name, codec, [name] if client.consumes else []))
        for acks in "1", "0":
            recorder.label = f"acks{acks}"
            run.case(matrix.Case(name, "none", [], acks=acks, idempotent=False))
        recorder.label = "admin"
        run.admin(name)
        recorder.label = "group"
        if client.groups:
            run.groups(name)
        for way in client.members:
            live(run, tap, name, way)
    recorder.folder = recorder.label = TOOLS
    print(tools.run_part(run, "tools"))
    if run.failed:
        sys.exit(f"{run.failed} steps failed: nothing is kept")
    shutil.rmtree(FRAMES / TOOLS, ignore_errors=True)
    for name in matrix.CLIENTS:
        shutil.rmtree(FRAMES / name, ignore_errors=True)
    for (folder, name), frame in sorted(recorder.kept.items()):
        path = FRAMES / folder / f"{name}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(frame)
    print(f"{len(recorder.kept)} frames, {sum(map(len, recorder.kept.values()))} bytes")


def live(run, tap, name, way):
    topic = f"{run.prefix}-{name}-{way}"
    run.cluster.create(topic, members.PARTITIONS, matrix.TOPIC_CONFIG)
    life, trouble = Life(tap.address, topic, name, way), ""
    try:
        life.run()
    except members.StoryFailed as failure:
        trouble = str(failure)
    run.tell(f"client={name} mode=members way={way} result={'FAILED' if trouble else 'ok'}", trouble)
    run.cluster.delete(topic)


if __name__ == "__main__":
    capture(sys.argv[1])
