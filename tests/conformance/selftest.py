"""Damages one record at a time and asks every consumer of the suite to notice: a judge that never objects is no judge.

    .work/venv/bin/python selftest.py HOST:PORT
"""

import argparse
import os
import subprocess
import sys

import changes
import looks
import matrix
import members
import patterns
import raw
import returns
import roster
from ledger import Ledger

sys.path.insert(0, str(roster.HERE / "clients/python"))
import confluent  # noqa: E402
import dataset  # noqa: E402

RECORDS = 2000
INTACT = dataset.record

# What is damaged: which records have it, and what becomes of (key, value, headers, timestamp).
DAMAGES = {
    "a bit of a value": (lambda k, v, h, t: v, lambda k, v, h, t: (k, v[:-1] + bytes([v[-1] ^ 1]), h, t)),
    "a bit of a key": (lambda k, v, h, t: k, lambda k, v, h, t: (k[:-1] + bytes([k[-1] ^ 1]), v, h, t)),
    "a value cut short": (lambda k, v, h, t: v and len(v) > 999, lambda k, v, h, t: (k, v[:-1], h, t)),
    "a null value made empty": (lambda k, v, h, t: v is None, lambda k, v, h, t: (k, b"", h, t)),
    "an empty value made null": (lambda k, v, h, t: v == b"", lambda k, v, h, t: (k, None, h, t)),
    "a null key made empty": (lambda k, v, h, t: k is None, lambda k, v, h, t: (b"", v, h, t)),
    "an empty key made null": (lambda k, v, h, t: k == b"", lambda k, v, h, t: (None, v, h, t)),
    "a timestamp": (lambda k, v, h, t: True, lambda k, v, h, t: (k, v, h, t + 1)),
    "a null header made empty": (
        lambda k, v, h, t: named(h, "null"),
        lambda k, v, h, t: (k, v, [("null", b""), h[1]], t),
    ),
    "the order of headers": (lambda k, v, h, t: named(h, "dup"), lambda k, v, h, t: (k, v, [h[0], h[2], h[1]], t)),
    "a header's name": (lambda k, v, h, t: named(h, "trace"), lambda k, v, h, t: (k, v, [("Trace", h[0][1])], t)),
    "a header lost": (lambda k, v, h, t: len(h) == 1, lambda k, v, h, t: (k, v, [], t)),
    "nothing": (lambda k, v, h, t: True, lambda k, v, h, t: (k, v, h, t)),
}


def named(headers, name):
    return bool(headers) and headers[0][0] == name


# What a group must never do, as the calls that tell of it; the last one is fine.
LIVES = {
    "a record read again that was committed": lambda it: (it.committed(0, 5, 1.0), it.read("two", 0, 4, 4, 3.0)),
    "a commit that goes back": lambda it: (it.committed(0, 5, 1.0), it.committed(0, 4, 2.0)),
    "a record left out": lambda it: (it.read("two", 0, 11, 19, 2.0), it.check_whole([20])),
    "a record beyond the end": lambda it: it.check_whole([9]),
    "two owners at a time": lambda it: (
        it.gains("one", [0], 1),
        it.gives("one", [0], 5),
        it.gains("two", [0], 4),
        it.check_owners(),
    ),
    "an owner beside one that was never asked": lambda it: (
        it.gains("one", [0], 1),
        it.gains("two", [0], 4),
        it.check_owners(),
    ),
    "no owner at all": lambda it: it.check_owners(),
    "all taken away where some must stay": lambda it: (it.gains("one", [0], 1), it.gives("one", [0], 2, True)),
    "something given back that was never had": lambda it: it.gives("one", [0], 2),
    "a rebalance where nothing had changed": lambda it: (it.resting.add("one"), it.gains("one", [], 1)),
    "a record read again that was not committed": lambda it: (
        it.committed(0, 5, 1.0),
        it.gains("one", [0], 1),
        it.loses("one", [0]),
        it.gains("two", [0], 1),
        it.dies("two", 2),
        it.gains("three", [0], 3),
        it.check_owners(),
        it.read("two", 0, 5, 19, 3.0),
        it.check_whole([20]),
    ),
}


def judge_lives():
    missed = 0
    for what, life in LIVES.items():
        ledger = Ledger(1)
        ledger.read("one", 0, 0, 9, 0.0)
        life(ledger)
        fair = (ledger.wrong is None) == (what == list(LIVES)[-1])
        print(f"{'judged' if fair else 'MISSED'} members: {what}: {ledger.wrong}", flush=True)
        missed += not fair
    return missed


class Eager(members.Story):
    def join(self, name, way=None, *more):
        found = super().join(name, "classic", *more)
        self.ways[name] = "cooperative"
        return found


class Unchanged(changes.Story):
    def join(self, name, way=None, *more):
        found = super().join(name, "classic", *more)
        self.ways[name] = way or self.way
        return found


class Nameless(returns.Story):
    def joins_as(self, name, instance):
        return self.join(name)


class Narrow(patterns.Story):
    def joins_by_pattern(self, name):
        self.pattern = f"^{self.topic}(-earlier)?$"
        return super().joins_by_pattern(name)


class Wide(patterns.Story):
    def joins_by_pattern(self, name):
        return self.join(name, None, "--pattern", f"^{self.topic}.*$")


class Named(patterns.Story):
    def joins_by_pattern(self, name):
        return self.join(name)


class Miscounted(looks.Story):
    def look(self, state, number, *more):
        super().look(state, number + 1, *more)


class Misstated(looks.Story):
    def look(self, state, number, *more):
        super().look("Dead", number, *more)


class Misread(looks.Story):
    def look(self, state, number, *more):
        super().look(state, number, *(word.replace(",", "1,") for word in more))


# Lives of real members that are not what the story says they are, and by which words of its complaint that is seen.
STORIES = {
    "a cooperative group that is not": (Eager, "cooperative", "gave back all it had"),
    "a group that keeps its protocol": (Unchanged, "classic", "not reached: one of each protocol share"),
    "members that are not static": (Nameless, "classic", "though nothing had changed"),
    "a pattern that does not match the later topic": (Narrow, "consumer", "not reached: both share the later topic"),
    "a pattern that matches another topic": (Wide, "consumer", "is not of a topic of this group"),
    "members without a pattern": (Named, "consumer", "knows of the patterns set()"),
    "members that are not static, in the consumer protocol": (Nameless, "consumer", "though nothing had changed"),
}
for name, client in roster.CLIENTS.items():
    if client.looks:
        STORIES[f"members miscounted by {name}"] = (Miscounted, "classic", "looked for Stable with 3 members", name)
        STORIES[f"a state mistaken by {name}"] = (Misstated, "classic", "looked for Dead with 2 members", name)
        STORIES[f"offsets misread by {name}"] = (Misread, "classic", "looked for Empty with 0 members", name)
STORY_SECONDS_MAX = 20


def judge_stories(bootstrap):
    missed = 0
    members.PHASE_SECONDS_MAX = STORY_SECONDS_MAX
    for number, (what, (damaged, way, word, *client)) in enumerate(STORIES.items()):
        topic, told = f"selftest-{os.getpid()}-story-{number}", "nothing"
        raw.Cluster(bootstrap).create(topic, matrix.PARTITIONS, matrix.TOPIC_CONFIG)
        try:
            damaged(bootstrap, topic, *(client or ["java"]), way).run()
        except members.StoryFailed as failure:
            told = str(failure).splitlines()[0]
        fair = word in told
        print(f"{'judged' if fair else 'MISSED'} members: {what}: {told[:160]}", flush=True)
        missed += not fair
    return missed


def judge_lanes(bootstrap):
    """A plain listener is none."""
    run = matrix.Run(bootstrap, RECORDS, None, bootstrap)
    run.look_at_lanes()
    print(f"{'judged' if run.failed else 'MISSED'} lanes: a plain listener", flush=True)
    return 1 - run.failed


def main(bootstrap):
    cluster, missed = raw.Cluster(bootstrap), judge_lives() + judge_stories(bootstrap) + judge_lanes(bootstrap)
    for number, (damage, (suits, change)) in enumerate(DAMAGES.items()):
        victim = next(i for i in range(500, RECORDS) if suits(*INTACT(i)))
        dataset.record = lambda i, *rest, **more: change(*INTACT(i)) if i == victim else INTACT(i, *rest, **more)
        topic = f"selftest-{os.getpid()}-{number}"
        cluster.create(topic, matrix.PARTITIONS, matrix.TOPIC_CONFIG)
        confluent.produce(
            argparse.Namespace(
                bootstrap=bootstrap,
                topic=topic,
                codec="none",
                acks="all",
                idempotent="true",
                partitioner="explicit",
                count=RECORDS,
                partitions=matrix.PARTITIONS,
                pace=0,
            )
        )
        for consumer in matrix.CONSUMERS:
            missed += not judges(bootstrap, consumer, topic, RECORDS, damage, right=damage == "nothing")
            if damage == "nothing":
                missed += not judges(bootstrap, consumer, topic, RECORDS - 3, "records too many", right=False)
        cluster.delete(topic)
    print(f"selftest: {missed} missed")
    return 1 if missed else 0


def judges(bootstrap, consumer, topic, count, damage, right):
    command = [*matrix.CLIENTS[consumer].command, "consume", "--bootstrap", bootstrap, "--topic", topic]
    done = subprocess.run([*command, "--count", str(count)], capture_output=True, text=True, errors="replace")
    fair = (done.returncode == 0) == right
    verdict = done.stdout.rsplit("result=", 1)[-1].strip()
    print(f"{'judged' if fair else 'MISSED'} {consumer}: {damage}: {verdict[:160]}", flush=True)
    return fair


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
