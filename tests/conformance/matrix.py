"""Runs every client against one broker: what each produces is read back by itself and by another."""

import argparse
import concurrent.futures
import dataclasses
import os
import re
import subprocess
import sys
import threading
import time

import changes
import looks
import losses
import members
import page
import patterns
import raw
import returns
import tools
from broker import Broker
from roster import CLIENTS, CONSUMERS, PENDING, WORK

STEP_SECONDS_MAX = 180
PARTITIONS = 4
# Not a power of two: rules that differ in the sign bit alone would place keys alike.
PLACED_PARTITIONS = 7
PLACED_RECORDS_MAX = 20_000
# Through groups: all of them join and leave, which takes longer than reading.
GROUP_RECORDS_MAX = 20_000
# The records are dated 2023, and no broker may retire them before they are read.
TOPIC_CONFIG = {"retention.ms": "-1"}
# Half of each case is the start of processes.
CASES_AT_ONCE = 2
# Groups live at the same time: they mostly wait.
STORIES_AT_ONCE = 6
# By what roster.py calls them. The longest come first.
STORIES = {
    "changes": changes.Story,
    "returns": returns.Story,
    "patterns": patterns.Story,
    "members": members.Story,
    "looks": looks.Story,
}
LANES_RECORDS_MAX = 20_000
# While these are written the broker is killed, and asked to end: after so many of each client's records.
RESTART_RECORDS, RESTART_PACE, RESTARTS_AFTER = 6000, 400, (1200, 3000)


@dataclasses.dataclass(frozen=True)
class Case:
    """One topic: who produces it, how, and who reads it."""

    producer: str
    codec: str
    consumers: list
    acks: str = "all"
    idempotent: bool = True
    partitioner: str = "explicit"
    restarts: bool = False
    lanes: bool = False

    def what(self, mode):
        """Which column of docs/clients.md this belongs to."""
        if self.restarts:
            return "restart"
        if self.lanes:
            return "lanes"
        if self.partitioner != "explicit":
            return "placement"
        return f"{mode} {self.codec}" if self.acks == "all" else "acks"

    @property
    def name(self):
        parts = [self.producer, self.codec, "" if self.acks == "all" else f"acks{self.acks}"]
        parts += ["lanes"] if self.lanes else []
        return "-".join([*filter(None, parts), *([] if self.partitioner == "explicit" else [self.partitioner])])

    @property
    def placement(self):
        if self.partitioner == "default":
            return CLIENTS[self.producer].default_placement
        return self.partitioner


def cases(only, codecs):
    """Over the codecs each consumer reads each producer at least once. What kafkajs wrote, two others read."""
    for at, (name, client) in enumerate(CLIENTS.items()):
        if name not in only:
            continue
        others = [consumer for consumer in CONSUMERS if consumer != name]
        for turn, codec in enumerate(raw.CODECS):
            readers = [name, others[(at + turn) % len(others)]] if client.consumes else ["java", "confluent-kafka"]
            if codec in codecs and codec in client.codecs:
                yield Case(name, codec, readers)
        yield Case(name, "none", [others[at % len(others)]], acks="1", idempotent=False)
        yield Case(name, "none", [others[(at + 1) % len(others)]], acks="0", idempotent=False)
        # Only confluent-kafka's reader knows how each client's own partitioner places keys.
        yield Case(name, "none", ["confluent-kafka"], partitioner="default")
        if client.default_placement != "murmur2" and client.murmur2:
            yield Case(name, "none", ["confluent-kafka"], partitioner="murmur2")


class Run:
    def __init__(self, bootstrap, count, broker, lanes=None):
        self.bootstrap, self.count, self.broker, self.lanes_bootstrap = bootstrap, count, broker, lanes
        self.prefix = f"conformance-{int(time.time())}-{os.getpid()}"
        self.cluster = raw.Cluster(bootstrap)
        self.passed = self.failed = 0
        self.report = page.Report()
        self.talking = threading.Lock()

    def case(self, case):
        topic = f"{self.prefix}-{case.name}"
        placed = case.partitioner != "explicit"
        bootstrap = self.lanes_bootstrap if case.lanes else self.bootstrap
        partitions = PLACED_PARTITIONS if placed else PARTITIONS
        count = min(self.count, PLACED_RECORDS_MAX if placed else LANES_RECORDS_MAX if case.lanes else self.count)
        since = int(time.time() * 1000)
        cluster = raw.Cluster(bootstrap)
        shared = ["--topic", topic, "--codec", case.codec, "--count", str(count), "--partitions", str(partitions)]
        how = ["--acks", case.acks, "--idempotent", str(case.idempotent).lower(), "--partitioner", case.partitioner]
        try:
            cluster.create(topic, partitions, TOPIC_CONFIG)
        except Exception as error:
            self.tell(f"client=raw mode=create topic={topic} result=FAILED", str(error))
            return
        if self.step(case.producer, ["produce", *shared, *how], count, case.what("produce"), bootstrap):
            self.inspect(case, cluster, topic, count)
            for consumer in case.consumers:
                reading = ["--shape", CLIENTS[case.producer].shape, "--since", str(since)]
                reading += ["--placement", case.placement] if placed else []
                self.step(consumer, ["consume", *shared, *reading], count, case.what("consume"), bootstrap)
        cluster.delete(topic)

    def codecs(self, only, codecs):
        at_once(CASES_AT_ONCE, self.case, cases(only, codecs))

    def inspect(self, case, cluster, topic, count):
        started = time.monotonic()
        try:
            batches = raw.inspect(cluster, topic, count, case.codec, case.idempotent)
            result, difference = "ok", ""
        except Exception as error:  # Whatever went wrong is the verdict.
            batches, result, difference = 0, f'FAILED difference="{error}"', "see the line above"
        self.report.note(case.producer, case.what("produce"), not difference)
        self.tell(
            f"client=raw version=1 mode=inspect codec={case.codec} topic={topic} batches={batches} "
            f"seconds={time.monotonic() - started:.2f} result={result}",
            difference,
        )

    def step(self, name, arguments, count=None, what=None, bootstrap=None):
        """Runs one client; it passes with exit code 0, a summary line that says so, and all records in it."""
        what = what or arguments[0]
        command = [*CLIENTS[name].command, *arguments[:1], "--bootstrap", bootstrap or self.bootstrap, *arguments[1:]]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_SECONDS_MAX, errors="replace")
            lines, complaint, code = done.stdout.splitlines(), done.stderr, done.returncode
        except subprocess.TimeoutExpired as error:
            complaint = (error.stderr or b"").decode(errors="replace")
            lines, code = [], f"none within {STEP_SECONDS_MAX} s"
        line = lines[-1] if lines and lines[-1].startswith("client=") else ""
        if not line:
            line = f"client={name} mode={arguments[0]} topic={arguments[2]} result=FAILED difference=\"no summary\""
        complete = count is None or f" records={count} " in line
        passed = code == 0 and line.endswith("result=ok") and complete
        if version := re.search(r" version=(\S+)", line):
            self.report.versions[name] = version[1]
        self.report.note(name, what, passed)
        trouble = "" if passed else f"exit code {code}; records complete: {complete}\n{complaint[-2000:]}"
        self.tell(line, trouble, pending=what in PENDING)
        return passed

    def tell(self, line, trouble, pending=False):
        """Prints a result and counts it. One that is pending has to fail."""
        if pending:
            line, trouble = f"pending: {line}", "" if trouble else "it passes now: take it out of roster.PENDING"
        with self.talking:
            print(line, flush=True)
            if trouble:
                self.failed += 1
                print("".join(f"    {each}\n" for each in trouble.strip().splitlines()), end="", flush=True)
            else:
                self.passed += 1

    def groups(self, name):
        topic, count = f"{self.prefix}-{name}-groups", min(self.count, GROUP_RECORDS_MAX)
        shared = ["--topic", topic, "--count", str(count), "--partitions", str(PARTITIONS)]
        self.cluster.create(topic, PARTITIONS, TOPIC_CONFIG)
        how = ["--acks", "all", "--idempotent", "true", "--partitioner", "explicit"]
        if self.step(name, ["produce", *shared, *how], count):
            for protocol in CLIENTS[name].groups:
                passed = self.step(name, ["group", *shared, "--protocol", protocol], count, f"group {protocol}")
                self.report.note(name, "looks", passed)
        self.cluster.delete(topic)

    def stories(self, names):
        told = [(kind, name, way) for kind in STORIES for name in names for way in getattr(CLIENTS[name], kind)]
        at_once(STORIES_AT_ONCE, lambda each: self.story(*each), told)

    def story(self, kind, name, way, lanes=False):
        topic, started = f"{self.prefix}-{name}-{way}-{'lanes' if lanes else kind}", time.monotonic()
        records = again = 0
        bootstrap = self.lanes_bootstrap if lanes else self.bootstrap
        try:
            raw.Cluster(bootstrap).create(topic, PARTITIONS, TOPIC_CONFIG)
            records, again = STORIES[kind](bootstrap, topic, name, way).run()
            result, trouble = "ok", ""
        except Exception as error:  # Whatever went wrong is the verdict.
            result, trouble = "FAILED", f"{type(error).__name__}: {error}"
        what = "lanes" if lanes else f"group {way}" if kind == "members" else kind
        self.report.note(name, what, not trouble)
        self.tell(
            f"client={name} version={self.report.versions.get(name)} mode={kind} way={way} topic={topic} "
            f"records={records} again={again} seconds={time.monotonic() - started:.2f} result={result}",
            trouble,
        )

    def lanes(self, names):
        """Produce, consume and groups once more, where each group of cores is a node of its own."""
        self.look_at_lanes()
        told = [(name, way) for name in names for way in CLIENTS[name].lanes]
        actions = [lambda each=each: self.story("members", *each, lanes=True) for each in told]
        for name in names:
            if CLIENTS[name].lanes:
                reader = name if CLIENTS[name].consumes else "java"
                actions.append(lambda case=Case(name, "zstd", [reader], lanes=True): self.case(case))
        at_once(STORIES_AT_ONCE, lambda action: action(), actions)

    def look_at_lanes(self):
        """Of twenty partitions each lane has some, under an address that no other node has."""
        topic, seen, trouble = f"{self.prefix}-lanes", set(), ""
        try:
            plain, lanes = raw.Cluster(self.bootstrap), raw.Cluster(self.lanes_bootstrap)
            lanes.create(topic, 20, TOPIC_CONFIG)
            seen, only = set(lanes.leaders(topic).values()), set(plain.leaders(topic).values())
            lanes.delete(topic)
            if len(seen) < 2 or self.lanes_bootstrap not in seen or only != {self.bootstrap}:
                trouble = f"leaders are at {seen} through the lanes, and at {only} without"
        except Exception as error:  # Whatever went wrong is the verdict.
            trouble = f"{type(error).__name__}: {error}"
        self.tell(f"client=raw mode=lanes nodes={len(seen)} result={'FAILED' if trouble else 'ok'}", trouble)

    def losses(self, names):
        told = [(name, way, kinds) for name in names for way, kinds in CLIENTS[name].losses.items()]
        at_once(STORIES_AT_ONCE, lambda each: self.loss(*each), told)

    def loss(self, name, way, kinds):
        topic, started, trouble = f"{self.prefix}-{name}-{way}", time.monotonic(), ""
        try:
            cluster = raw.Cluster(self.bootstrap)
            cluster.create(topic, PARTITIONS, TOPIC_CONFIG)
            losses.Story(self.bootstrap, topic, name, way, kinds).run()
            cluster.delete(topic)
        except Exception as error:  # Whatever went wrong is the verdict.
            trouble = f"{type(error).__name__}: {error}"
        self.report.note(name, "group consumer", not trouble)
        self.tell(
            f"client={name} version={self.report.versions.get(name)} mode=losses way={way} topic={topic} "
            f"seconds={time.monotonic() - started:.2f} result={'FAILED' if trouble else 'ok'}",
            trouble,
        )

    def restarts(self, names):
        """All clients write at once while the broker is killed and started again, and asked to end and started."""
        topics = {name: f"{self.prefix}-{name}-restarts" for name in names}
        for topic in topics.values():
            self.cluster.create(topic, PARTITIONS, TOPIC_CONFIG)
        how = ["--count", str(RESTART_RECORDS), "--partitions", str(PARTITIONS), "--pace", str(RESTART_PACE)]
        how += ["--acks", "all", "--idempotent", "true", "--partitioner", "explicit"]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            writing = {
                name: pool.submit(self.step, name, ["produce", "--topic", topic, *how], RESTART_RECORDS, "restart")
                for name, topic in topics.items()
            }
            for kill, records in zip((True, False), RESTARTS_AFTER):
                self.until_written(topics, writing, records)
                self.broker.kill() if kill else self.broker.stop()
                time.sleep(1)
                self.broker.start()
                self.cluster = raw.Cluster(self.bootstrap)
        for name, topic in topics.items():
            if writing[name].result():
                self.inspect(Case(name, "none", [], restarts=True), self.cluster, topic, RESTART_RECORDS)
                reader = name if CLIENTS[name].consumes else "java"
                count, shape = str(RESTART_RECORDS), CLIENTS[name].shape
                reading = ["consume", "--topic", topic, "--count", count, "--partitions", str(PARTITIONS)]
                self.step(reader, [*reading, "--shape", shape], RESTART_RECORDS, "restart")
            self.cluster.delete(topic)

    def until_written(self, topics, writing, records):
        for name, topic in topics.items():
            while not writing[name].done():
                try:
                    leaders = self.cluster.leaders(topic)
                    if sum(self.cluster.end_offset(topic, *leader) for leader in leaders.items()) >= records:
                        break
                except raw.ProtocolError:
                    pass  # A leader that has just started may not serve yet.
                time.sleep(0.1)

    def admin(self, name):
        topic = f"{self.prefix}-{name}-admin"
        if name == "kcat":  # It makes no topics itself.
            self.cluster.create(f"{topic}-made", 2, TOPIC_CONFIG)
        self.step(name, ["admin", "--topic", topic])
        if name == "kcat":
            self.cluster.delete(f"{topic}-made")
        if CLIENTS[name].alters:
            self.step(name, ["alter", "--topic", topic])


def at_once(most, action, items):
    pool = concurrent.futures.ThreadPoolExecutor(most)
    try:
        list(pool.map(action, items))
    finally:
        pool.shutdown(cancel_futures=True)


def arguments():
    parser = argparse.ArgumentParser(prog="run.sh")
    parser.add_argument("bootstrap", help="host:port of the broker")
    parser.add_argument("--serve", help="command that starts the broker there; without it one is there, and stays")
    parser.add_argument("--lanes", help="host:port of the broker's first lane")
    parser.add_argument("--count", type=int, default=100_000, help="records of each client and codec")
    parser.add_argument("--only", default=",".join(CLIENTS), help="clients to run, with commas")
    parser.add_argument("--codec", default=",".join(raw.CODECS), help="codecs to run, with commas")
    parser.add_argument("--pass", dest="passes", default=",".join(PASSES), help="passes to run, with commas")
    parser.add_argument("--page", help="docs/clients.md: compared with what was found, or with --bless written")
    parser.add_argument("--bless", action="store_true")
    options = parser.parse_args()
    for option, known in ("only", list(CLIENTS)), ("codec", raw.CODECS), ("passes", PASSES):
        given = getattr(options, option).split(",")
        setattr(options, option, given)
        if unknown := [name for name in given if name not in known]:
            parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")
    return options


PASSES = ["codecs", "groups", "members", "lanes", "losses", "restarts", "admin", "tools"]


def run_passes(run, options):
    """Runs what was asked for, and says how long each pass took."""
    only = options.only
    passes = {
        "codecs": lambda: run.codecs(only, options.codec),
        "groups": lambda: [run.groups(name) for name in only if CLIENTS[name].groups],
        "members": lambda: run.stories(only),
        "lanes": lambda: run.lanes(only),
        "losses": lambda: run.losses(only),
        "restarts": lambda: run.restarts(only),
        "admin": lambda: [run.admin(name) for name in only],
        "tools": lambda: tools.run(run),
    }
    for name, action in passes.items():
        if name not in options.passes:
            continue
        if name == "restarts" and run.broker is None:
            print("conformance: restarts need --serve", flush=True)
            continue
        if name == "lanes" and run.lanes_bootstrap is None:
            print("conformance: lanes need --lanes", flush=True)
            continue
        started = time.monotonic()
        action()
        print(f"conformance: {name} took {time.monotonic() - started:.0f} s", flush=True)


def main():
    options = arguments()
    broker = None
    if options.serve:
        broker = Broker(options.bootstrap, options.serve, WORK / "broker.log")
        broker.start()
    started = time.monotonic()
    try:
        run = Run(options.bootstrap, options.count, broker, options.lanes)
        print(f"conformance: {options.bootstrap} offers {raw.broker_version(run.cluster)}", flush=True)
        run_passes(run, options)
        if broker:
            code = broker.stop()
            run.tell(f"conformance: the broker ended with {code}", broker.tail() if code else "")
    finally:
        if broker:
            broker.kill()
    if options.page:
        difference = run.report.check(options.page, options.bless)
        run.tell(f"conformance: {options.page} is {'not what was found' if difference else 'current'}", difference)
    if broker and run.failed:
        # A disk that stood still, or a partition that moved, explains what clients can't tell.
        print(f"what the broker said last:\n{broker.tail()}")
    print(f"conformance: took {time.monotonic() - started:.0f} s")
    print(f"conformance: {run.passed} passed, {run.failed} failed")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
