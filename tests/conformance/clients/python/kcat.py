"""kcat as Debian ships it, driven with files and formats: librdkafka 2.0.2, which many installations still run."""

import re
import signal
import subprocess
import sys
import threading
import time

import dataset
from report import Difference, Pace, expect, run

KEY_END, RECORD_END = b":=:", b"\n=:=\n"
FORMAT = "%p %o %T %K %S %h\\n%k%s\\n"
SECONDS_MAX = 120


def kcat(options, mode, arguments, feed=None):
    command = ["kcat", "-b", options.bootstrap, mode, "-m", "30", *arguments]
    done = subprocess.run(command, input=feed, capture_output=True, timeout=SECONDS_MAX)
    if done.returncode != 0:
        raise Difference(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode()[-300:]}")
    return done.stdout


def produce(options):
    """One run a partition, as -p holds for all records of a run; one run in all where the partitioner chooses."""
    settings = {
        "compression.codec": options.codec,
        "enable.idempotence": options.idempotent,
        "acks": options.acks,
        "queue.buffering.max.messages": "200000",
    }
    keyed = options.partitioner != "explicit"
    if options.partitioner == "murmur2":
        settings["partitioner"] = "murmur2_random"
    arguments = ["-t", options.topic, "-K", KEY_END.decode(), "-D", RECORD_END.decode().replace("\n", "\\n")]
    for name, value in dataset.LINE_HEADERS:
        arguments += ["-H", name if value is None else f"{name}={value.decode()}"]
    for name, value in settings.items():
        arguments += ["-X", f"{name}={value}"]
    if options.pace:
        return produce_slowly(options, arguments)
    for partition in [-1] if keyed else range(options.partitions):
        numbers = range(options.count) if keyed else range(partition, options.count, options.partitions)
        kcat(options, "-P", [*arguments, "-p", str(partition)], b"".join(line(i, keyed) for i in numbers))
    return options.count


def produce_slowly(options, arguments):
    """As produce, but with all partitions at once, and through times without a broker (-E)."""
    command = ["kcat", "-b", options.bootstrap, "-P", "-E", "-m", "30", *arguments]
    running = [
        subprocess.Popen([*command, "-p", str(partition)], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for partition in range(options.partitions)
    ]
    pace = Pace(options.pace)
    for i in range(options.count):
        while (ahead := pace.ahead(i)) > 0:
            time.sleep(ahead)
        feed = running[i % options.partitions].stdin
        feed.write(line(i, False))
        feed.flush()
    for each in running:
        _, complaint = each.communicate(timeout=SECONDS_MAX)
        if each.returncode != 0:
            raise Difference(f"kcat ended with {each.returncode}: {complaint.decode()[-300:]}")
    return options.count


def line(i, keyed):
    key, value, _, _ = dataset.record(i, "lines", keyed)
    return (value if key is None else key + KEY_END + value) + RECORD_END


def consume(options):
    """Reads all partitions at once and compares with what kcat must print, byte for byte."""
    arguments = ["-t", options.topic, "-o", "beginning", "-e", "-q", "-X", "check.crcs=true"]
    printed = kcat(options, "-C", [*arguments, "-X", "fetch.wait.max.ms=100", "-f", FORMAT])
    numbers = dataset.partitions(options.count, options.partitions, options.placement)
    keyed, until = options.placement != "explicit", time.time() * 1000 + 1000
    at, seen = 0, [0] * options.partitions
    while at < len(printed):
        head = re.compile(rb"(\d+) (\d+) (-?\d+) ").match(printed, at)
        if head is None:
            raise Difference(f"after {seen} records per partition: unreadable: {printed[at : at + 100]!r}")
        partition, offset, timestamp = (int(field) for field in head.groups())
        where = f"partition {partition} offset {seen[partition]}"
        expect(f"{where}: offset", seen[partition], offset)
        if offset >= len(numbers[partition]):
            raise Difference(f"{where}: one record more than were produced")
        expected, expected_timestamp = text(numbers[partition][offset], options.shape, keyed)
        if expected_timestamp is None and options.since <= timestamp <= until:
            expected_timestamp = timestamp
        expect(f"{where}: timestamp", expected_timestamp, timestamp)
        at = head.end() + len(expected)
        if printed[head.end() : at] != expected:
            expect(where, expected, printed[head.end() : at])
        seen[partition] += 1
    expect("records per partition", [len(of_partition) for of_partition in numbers], seen)
    return sum(seen)


def member(options, voice):
    """kcat commits by itself what it printed; twice a second here."""
    settings = ["auto.offset.reset=earliest", "session.timeout.ms=6000", "heartbeat.interval.ms=500"]
    settings += ["auto.commit.interval.ms=500", "fetch.wait.max.ms=100"]
    command = ["kcat", "-b", options.bootstrap, "-G", options.group, "-u", "-f", "%p %o %K %S\\n%k%s\\n"]
    command += [word for setting in settings for word in ("-X", setting)] + [options.topic]
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    voice.say("pid", running.pid)
    signal.signal(signal.SIGTERM, lambda *_: running.terminate())
    threading.Thread(target=tell_assignments, args=(running.stderr, voice), daemon=True).start()
    while head := running.stdout.readline():
        partition, offset, *lengths = map(int, head.split())
        *parts, end = (running.stdout.read(max(length, 0)) for length in [*lengths, 1])
        if not end:
            break  # It was killed while it printed.
        # It prints a null as nothing, of length -1.
        key, value = (None if length < 0 else part for part, length in zip(parts, lengths))
        voice.read([(partition, offset, key, value)])
    if running.wait() == -signal.SIGKILL:
        sys.exit(1)  # As it was meant.
    if running.returncode != 0:
        raise Difference(f"kcat ended with {running.returncode}")


def tell_assignments(stderr, voice):
    for said in stderr:
        rebalance = re.search(r"rebalanced .*: (assigned|revoked): (.*)", said.decode())
        if rebalance:
            found = re.findall(r"\[(\d+)\]", rebalance[2])
            voice.assigned(map(int, found if rebalance[1] == "assigned" else []))
        elif b"Reached end of topic" not in said:
            sys.stderr.write(said.decode())


def text(i, shape, keyed):
    """What FORMAT makes of a record after its timestamp."""
    key, value, headers, timestamp = dataset.record(i, shape, keyed)
    lengths = b"%d %d" % tuple(-1 if part is None else len(part) for part in (key, value))
    # kcat prints a header's value as a C string: up to its first NUL.
    pairs = b",".join(n.encode() + b"=" + (b"NULL" if v is None else v.split(b"\0")[0]) for n, v in headers)
    return b"%s %s\n%s%s\n" % (lengths, pairs, key or b"", value or b""), timestamp


def admin(options):
    """kcat only reads metadata and offsets."""
    topic, met = f"{options.topic}-made", 0
    listed = kcat(options, "-L", []).decode()
    if not re.search(r"^ \d+ brokers:\n  broker \d+ at \S+", listed, re.MULTILINE):
        raise Difference(f"no brokers listed: {listed[:200]}")
    numbers = [dataset.record(i, "lines")[1] for i in range(10)]
    feed = b"".join((value or b"empty") + RECORD_END for value in numbers)
    kcat(options, "-P", ["-t", topic, "-p", "0", "-D", "\\n=:=\\n", "-X", "acks=all"], feed)
    listed = kcat(options, "-L", ["-t", topic]).decode()
    expect("the topic's line", True, f'topic "{topic}" with 2 partitions:' in listed)
    found = re.findall(r"partition \d+, leader (\d+), replicas: \1, isrs: \1\n", listed)
    expect("the partitions' lines", 2, len(found))
    unknown = kcat(options, "-L", ["-t", f"{topic}-absent", "-X", "allow.auto.create.topics=false"]).decode()
    expect("an unknown topic's error", True, "Unknown topic or partition" in unknown)
    met += 4
    for what, timestamp, offset in ("earliest", -2, 0), ("latest", -1, 10), ("by timestamp", 1, 0):
        found = kcat(options, "-Q", ["-t", f"{topic}:0:{timestamp}"]).decode()
        expect(f"offset: {what}", f"{topic} [0] offset {offset}\n", found)
        met += 1
    for what, start, count in ("from the middle", "4", 6), ("the last three", "-3", 3):
        found = kcat(options, "-C", ["-t", topic, "-p", "0", "-o", start, "-e", "-q", "-f", "%o\\n"])
        expect(f"offsets: {what}", [b"%d" % offset for offset in range(10 - count, 10)], found.split())
        met += 1
    return met


if __name__ == "__main__":
    about = subprocess.run(["kcat", "-V"], capture_output=True).stdout.decode()
    found = re.search(r"Version (\S+) .*librdkafka (\S+) ", about)
    modes = {"produce": produce, "consume": consume, "member": member, "admin": admin}
    run("kcat", f"{found[1]}/librdkafka-{found[2]}", modes)
