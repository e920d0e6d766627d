"""The command line and the summary line that all Python clients of the suite share."""

import argparse
import os
import signal
import sys
import time
import traceback

import dataset


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["produce", "consume", "group", "member", "look", "admin", "alter"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True, help="for admin: the prefix of its topics")
    parser.add_argument("--codec", default="none")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--acks", default="all")
    parser.add_argument("--idempotent", default="false")
    parser.add_argument("--partitioner", choices=["explicit", "default", "murmur2"], default="explicit")
    parser.add_argument("--placement", default="explicit", help="consume: the rule that placed the records")
    parser.add_argument("--shape", choices=["full", "grouped", "lines", "keyed-or-valued"], default="full")
    parser.add_argument("--since", type=int, default=0, help="consume: earliest timestamp where records are stamped")
    parser.add_argument("--pace", type=int, default=0, help="produce: records a second, or 0 for as fast as it goes")
    parser.add_argument("--group", help="member, look: of which group, or at which")
    parser.add_argument("--state", help="look: which it must be in")
    parser.add_argument("--members", type=int, default=0, help="look: how many it must have")
    parser.add_argument("--committed", help="look: the offset of each partition, with commas")
    parser.add_argument("--assignor", choices=["default", "cooperative"], default="default", help="of a classic member")
    parser.add_argument("--instance", help="group.instance.id of a member")
    parser.add_argument("--pattern", help="member: read all topics that match it")
    parser.add_argument("--session-ms", type=int, default=6000, help="session timeout of a classic member")
    parser.add_argument("--protocol", choices=["classic", "consumer"], default="classic", help="of a group")
    return parser.parse_args()


class Pace:
    """Holds a producer back to so many records a second."""

    def __init__(self, per_second):
        self.per_second, self.begun = per_second, time.monotonic()

    def ahead(self, records):
        """Seconds to wait before the next one."""
        return max(0.0, records / self.per_second - (time.monotonic() - self.begun)) if self.per_second else 0.0


class Voice:
    """What a member of a group says about its life, one line an event: see README.md, "Members"."""

    def __init__(self, options):
        self.options, self.owned, self.leaving = options, None, False
        signal.signal(signal.SIGTERM, self.ask_to_leave)

    def ask_to_leave(self, *_):
        self.leaving = True

    def say(self, *words):
        os.write(1, f"{' '.join(map(str, words))}\n".encode())  # Whole, also from two threads.

    def assigned(self, partitions):
        owned = sorted(partitions)
        if owned != self.owned:
            self.owned = owned
            self.say("assigned", *owned)

    def tells(self, verb, partitions):
        """What it gains, gives or loses, and when: all processes of this machine count alike."""
        self.say(verb, time.monotonic_ns(), *sorted(partitions))

    def read(self, messages):
        """`messages` are (partition, offset, key, value), in order in each partition."""
        runs = {}
        for partition, offset, key, value in messages:
            number = offset * self.options.partitions + int(str(partition).rpartition("/")[2])
            expected = dataset.record(number, self.options.shape, False)
            if expected[:2] != (key, value):
                expect(f"partition {partition} offset {offset}: key and value", expected[:2], (key, value))
            first, last = runs.get(partition, (offset, offset - 1))
            if offset != last + 1:
                self.say("read", partition, first, last)
                first = offset
            runs[partition] = (first, offset)
        for partition, (first, last) in runs.items():
            self.say("read", partition, first, last)


class Difference(Exception):
    """What came back is not what it must be."""


def expect(what, expected, actual):
    if expected != actual:
        raise Difference(f"{what}: expected {show(expected)}, got {show(actual)}")


def show(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"


def run(client, version, modes):
    """Runs the mode that was asked for, which returns the records it handled, and prints one line about it."""
    options = arguments()
    if options.mode == "member":
        be_member(options, modes["member"])
    started, records, difference = time.monotonic(), 0, None
    try:
        records = modes[options.mode](options)
    except Exception as error:  # Whatever went wrong is the verdict; the line must be printed in any case.
        difference = f"{type(error).__name__}: {error}".replace("\n", " ").replace('"', "'")
    seconds = time.monotonic() - started
    result = "ok" if difference is None else f'FAILED difference="{difference}"'
    print(
        f"client={client} version={version} mode={options.mode} codec={options.codec} topic={options.topic} "
        f"records={records} seconds={seconds:.2f} result={result}",
        flush=True,
    )
    sys.exit(0 if difference is None else 1)


def be_member(options, member):
    """Runs until it is asked to leave; the exit code says whether all was well."""
    voice = Voice(options)
    try:
        member(options, voice)
    except Exception as error:
        voice.say("failed", f"{type(error).__name__}: {error}".replace("\n", " "))
        traceback.print_exc()
        sys.exit(1)
    voice.say("left")
    sys.exit(0)
