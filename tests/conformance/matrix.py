"""Runs every client against one broker: what each produces is read back by itself and by another."""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys
import time

import raw

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE / ".work"
STEP_SECONDS_MAX = 180
PARTITIONS = 4
# Not a power of two: rules that differ in the sign bit alone would place keys alike.
PLACED_PARTITIONS = 7
PLACED_RECORDS_MAX = 20_000
# Through groups: all of them join and leave, which takes longer than reading.
GROUP_RECORDS_MAX = 20_000
# The records are dated 2023, and no broker may retire them before they are read.
TOPIC_CONFIG = {"retention.ms": "-1"}
JAVA_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"]
JAVA_OPTIONS += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


@dataclasses.dataclass(frozen=True)
class Client:
    command: list
    shape: str = "full"  # Which records it can express: README.md, "The records".
    consumes: bool = True
    groups: tuple = ()  # Protocols in which it reads through a group.
    default_placement: str = "murmur2"


def python(script):
    return [str(WORK / "venv/bin/python"), str(HERE / "clients/python" / script)]


def node(script):
    return [str(WORK / "node/node"), "--no-warnings", str(HERE / "clients/node" / script)]


JAVA = ["java", *JAVA_OPTIONS, "-cp", f"{WORK}/java/classes:{WORK}/java/lib/*", "conformance.Main"]
CLIENTS = {
    "kcat": Client(python("kcat.py"), shape="lines", default_placement="crc32"),
    "confluent-kafka": Client(python("confluent.py"), groups=("classic", "consumer"), default_placement="crc32"),
    "kafkajs": Client(node("kafkajs.js"), shape="grouped", consumes=False, groups=("classic",)),
    "platformatic": Client(node("platformatic.js"), default_placement="murmur2-unsigned"),
    "java": Client(JAVA, groups=("classic", "consumer")),
    "sarama": Client([str(WORK / "sarama")], default_placement="fnv1a"),
}
CONSUMERS = [name for name, client in CLIENTS.items() if client.consumes]


@dataclasses.dataclass(frozen=True)
class Case:
    """One topic: who produces it, how, and who reads it."""

    producer: str
    codec: str
    consumers: list
    acks: str = "all"
    idempotent: bool = True
    partitioner: str = "explicit"

    @property
    def name(self):
        parts = [self.producer, self.codec, "" if self.acks == "all" else f"acks{self.acks}"]
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
            if codec in codecs:
                yield Case(name, codec, readers)
        yield Case(name, "none", [others[at % len(others)]], acks="1", idempotent=False)
        yield Case(name, "none", [others[(at + 1) % len(others)]], acks="0", idempotent=False)
        # Only confluent-kafka's reader knows how each client's own partitioner places keys.
        yield Case(name, "none", ["confluent-kafka"], partitioner="default")
        if client.default_placement != "murmur2":
            yield Case(name, "none", ["confluent-kafka"], partitioner="murmur2")


class Run:
    def __init__(self, bootstrap, count):
        self.bootstrap, self.count = bootstrap, count
        self.prefix = f"conformance-{int(time.time())}-{os.getpid()}"
        self.cluster = raw.Cluster(bootstrap)
        self.passed = self.failed = 0

    def case(self, case):
        topic = f"{self.prefix}-{case.name}"
        placed = case.partitioner != "explicit"
        partitions = PLACED_PARTITIONS if placed else PARTITIONS
        count = min(self.count, PLACED_RECORDS_MAX) if placed else self.count
        since = int(time.time() * 1000)
        shared = ["--topic", topic, "--codec", case.codec, "--count", str(count), "--partitions", str(partitions)]
        how = ["--acks", case.acks, "--idempotent", str(case.idempotent).lower(), "--partitioner", case.partitioner]
        try:
            self.cluster.create(topic, partitions, TOPIC_CONFIG)
        except Exception as error:
            self.tell(f"client=raw mode=create topic={topic} result=FAILED", str(error))
            return
        if self.step(case.producer, ["produce", *shared, *how], count):
            self.inspect(case, topic, count)
            for consumer in case.consumers:
                reading = ["--shape", CLIENTS[case.producer].shape, "--since", str(since)]
                reading += ["--placement", case.placement] if placed else []
                self.step(consumer, ["consume", *shared, *reading], count)
        self.cluster.delete(topic)

    def inspect(self, case, topic, count):
        started = time.monotonic()
        try:
            batches = raw.inspect(self.cluster, topic, count, case.codec, case.idempotent)
            result, difference = "ok", ""
        except Exception as error:  # Whatever went wrong is the verdict.
            batches, result, difference = 0, f'FAILED difference="{error}"', "see the line above"
        self.tell(
            f"client=raw version=1 mode=inspect codec={case.codec} topic={topic} batches={batches} "
            f"seconds={time.monotonic() - started:.2f} result={result}",
            difference,
        )

    def step(self, name, arguments, count=None):
        """Runs one client; it passes with exit code 0, a summary line that says so, and all records in it."""
        command = [*CLIENTS[name].command, *arguments[:1], "--bootstrap", self.bootstrap, *arguments[1:]]
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
        self.tell(line, "" if passed else f"exit code {code}; records complete: {complete}\n{complaint[-2000:]}")
        return passed

    def tell(self, line, trouble):
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
                self.step(name, ["group", *shared, "--protocol", protocol], count)
        self.cluster.delete(topic)

    def admin(self, name):
        topic = f"{self.prefix}-{name}-admin"
        if name == "kcat":  # It makes no topics itself.
            self.cluster.create(f"{topic}-made", 2, TOPIC_CONFIG)
        self.step(name, ["admin", "--topic", topic])
        if name == "kcat":
            self.cluster.delete(f"{topic}-made")


def main():
    parser = argparse.ArgumentParser(prog="run.sh")
    parser.add_argument("bootstrap", help="host:port of the broker")
    parser.add_argument("--count", type=int, default=100_000, help="records of each client and codec")
    parser.add_argument("--only", default=",".join(CLIENTS), help="producers and admin passes to run, with commas")
    parser.add_argument("--codec", default=",".join(raw.CODECS), help="codecs to run, with commas")
    options = parser.parse_args()
    only, codecs = options.only.split(","), options.codec.split(",")
    for given, known in (only, list(CLIENTS)), (codecs, raw.CODECS):
        unknown = [name for name in given if name not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")
    run = Run(options.bootstrap, options.count)
    print(f"conformance: {options.bootstrap} offers {raw.broker_version(run.cluster)}", flush=True)
    started = time.monotonic()
    for case in cases(only, codecs):
        run.case(case)
    for name in only:
        if CLIENTS[name].groups:
            run.groups(name)
        run.admin(name)
    print(f"conformance: took {time.monotonic() - started:.0f} s")
    print(f"conformance: {run.passed} passed, {run.failed} failed")
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
