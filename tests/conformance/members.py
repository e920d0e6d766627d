"""The life of a group, each member a process: they join, leave, and are killed while the group rebalances.

A producer writes all the while. Nothing may be left out, and nothing may come again that was committed before.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time

import raw
import roster
from ledger import Ledger

PARTITIONS = 4
PHASE_SECONDS_MAX = 90
PRODUCED_PER_SECOND = 400
# What a producer had in its hand arrives in far less.
QUIET_SECONDS = 1.0
# How a member of each kind is started.
WAYS = {
    "classic": ["--protocol", "classic"],
    "cooperative": ["--protocol", "classic", "--assignor", "cooperative"],
    "consumer": ["--protocol", "consumer"],
}


class StoryFailed(Exception):
    """Something the group did is not what it must do, or did not happen in time."""


class Process:
    """One client; `heard` gets its lines, from a thread of its own."""

    def __init__(self, name, command, heard):
        self.name, self.heard = name, heard
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True, errors="replace"
        )
        self.victim = self.process.pid  # kcat's members are not the process that was started.
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            verb, *rest = line.split()
            if verb == "pid":
                self.victim = int(rest[0])
            else:
                self.heard(self, verb, rest, line.strip())

    def kill(self):
        """kill -9; all it had said is heard before this returns."""
        os.kill(self.victim, signal.SIGKILL)
        self.ended()

    def leave(self):
        """Asks it to; all it had said is heard before this returns."""
        self.process.terminate()
        self.ended()

    def ended(self):
        try:
            self.process.wait(PHASE_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise StoryFailed(f"{self.name} does not end") from None
        self.reader.join()

    def complaint(self):
        self.errors.seek(0)
        return self.errors.read()[-1500:].decode(errors="replace")

    def destroy(self):
        if self.process.poll() is None:
            for pid in {self.victim, self.process.pid}:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        self.reader.join()
        self.errors.close()


class Story:
    """One group from its first member to its last; `way` is how its members join."""

    def __init__(self, bootstrap, topic, name, way):
        self.bootstrap, self.topic, self.client, self.way = bootstrap, topic, name, way
        # The ledger's partitions are those of the first topic that may be read, the second, …; some may come later.
        self.topics, self.readable = [topic], [topic]
        self.group = f"{topic}-{way}"
        self.cluster = raw.Cluster(bootstrap)
        self.changed = threading.Condition()
        self.members, self.owned, self.leaving, self.left = {}, {}, set(), set()
        self.ways = {}
        commits_late = way != "consumer" and roster.CLIENTS[name].commits_late
        self.read_by, self.ledger = {}, Ledger(PARTITIONS, commits_late)
        self.over = threading.Event()

    def run(self):
        """Says how many records were read, and how many of them again."""
        self.watcher = threading.Thread(target=self.watch_commits, daemon=True)
        self.producers = [self.produce(self.topic)]
        try:
            self.watcher.start()
            self.rebalances()
            # Nobody is there any more: what comes now is for the later member, who else might find nothing to read.
            read_by_the_dead = self.ends()
            self.until("more is written", lambda: self.ends() != read_by_the_dead)
            for producer in self.producers:
                producer.destroy()
            self.resume()
        except StoryFailed as failure:
            raise StoryFailed(f"{failure}; {self.told()}") from None
        finally:
            self.watch_no_longer()
            for process in [*self.producers, *self.members.values()]:
                process.destroy()
        return sum(self.ledger.counts()), self.ledger.again

    def rebalances(self):
        one = self.join("one")
        self.until("the first member reads alone", lambda: self.shares(one) and self.reads(one))
        two = self.join("two")
        self.until("both share", lambda: self.shares(one, two) and self.reads(one, two))
        self.leave(two)
        self.until("the first reads alone again", lambda: self.shares(one) and self.reads(one))
        three = self.join("three")
        self.until("a new member shares", lambda: self.shares(one, three) and self.reads(one, three))
        before = dict(self.owned)
        four = self.join("four")
        self.until("the group rebalances", lambda: self.is_rebalancing(before), pause=0.005)
        self.kill(one)
        self.until("the others share", lambda: self.shares(three, four) and self.reads(three, four))
        self.leave(four)
        self.kill(three)

    def resume(self):
        """A later member goes on where the dead ones had committed, up to the end."""
        last = self.last_joins()
        self.until("a later member reads the rest", lambda: self.reads(last) and self.is_all_read())
        ends = self.ends()
        self.ledger.check_whole(ends)
        if roster.CLIENTS[self.client].tells_owners:
            self.ledger.check_owners()
        self.until("all is committed", lambda: self.committed(self.cluster) == ends)
        self.leave(last)
        self.until_empty()

    def last_joins(self):
        return self.join("last")

    def until_empty(self):
        self.until("the group is empty", lambda: self.cluster.group_state(self.group) in ("Empty", "Dead"))

    def ends(self):
        found = []
        for topic in self.topics:
            leaders = self.cluster.leaders(topic)
            found += [self.cluster.end_offset(topic, index, leaders[index]) for index in range(PARTITIONS)]
        return found

    def committed(self, cluster):
        return sum((cluster.committed(self.group, topic, PARTITIONS) for topic in self.topics), [])

    # The members.

    def command(self, mode, topic, *arguments):
        shared = ["--bootstrap", self.bootstrap, "--topic", topic, "--partitions", str(PARTITIONS)]
        return [*roster.CLIENTS[self.client].command, mode, *shared, *arguments]

    def produce(self, topic):
        how = ["--count", "1000000", "--pace", str(PRODUCED_PER_SECOND), "--idempotent", "true"]
        return Process("producer", self.command("produce", topic, *how), self.heard)

    def join(self, name, way=None, *more):
        self.ways[name] = way or self.way
        self.read_by[name], self.owned[name] = 0, ()
        arguments = ["--group", self.group, *WAYS[self.ways[name]], "--shape", self.shape(), *more]
        self.members[name] = Process(name, self.command("member", self.topic, *arguments), self.heard)
        return name

    def shape(self):
        return roster.CLIENTS[self.client].shape

    def leave(self, name):
        quiet = roster.CLIENTS[self.client].leaves_in_quiet
        if quiet:
            self.signal_producers(signal.SIGSTOP)
            self.until_quiet()
        self.leaving.add(name)
        self.members[name].leave()
        if quiet:
            self.signal_producers(signal.SIGCONT)
        if name not in self.left:
            raise StoryFailed(f"{name} did not leave in good order")
        self.owned.pop(name)

    def until_quiet(self):
        """All is read, and nothing comes any more that was on its way as the producer was stopped."""
        ends, since = self.ends(), time.monotonic()

        def reached():
            nonlocal ends, since
            if (now := self.ends()) != ends:
                ends, since = now, time.monotonic()
            return time.monotonic() - since > QUIET_SECONDS and self.ledger.counts() == ends

        self.until("all is read", reached)

    def signal_producers(self, what):
        for producer in self.producers:
            producer.process.send_signal(what)

    def kill(self, name):
        self.members[name].kill()
        self.ledger.dies(name, time.monotonic_ns())
        self.owned.pop(name)

    # What they say.

    def place(self, word):
        """Where in the ledger a partition is; with its topic before it, unless that is the first one."""
        topic, _, index = word.rpartition("/")
        if (topic or self.topic) not in self.readable:
            self.ledger.fail(f"{word} is not of a topic of this group")
            return 0
        return self.readable.index(topic or self.topic) * PARTITIONS + int(index)

    def heard(self, process, verb, rest, line):
        with self.changed:
            match verb:
                case "assigned":
                    self.owned[process.name] = tuple(sorted(map(self.place, rest)))
                    self.read_by[process.name] = 0
                case "read":
                    partition, first, last = self.place(rest[0]), *map(int, rest[1:])
                    self.ledger.read(process.name, partition, first, last, time.monotonic())
                    self.read_by[process.name] += last - first + 1
                case "gains" | "gives" | "loses":
                    self.passed_on(process.name, verb, int(rest[0]), list(map(self.place, rest[1:])))
                case "left":
                    self.left.add(process.name)
                case _ if verb == "failed" or process.name == "producer":
                    self.ledger.fail(f"{process.name}: {line}")
            self.changed.notify_all()

    def passed_on(self, name, verb, moment, partitions):
        match verb:
            case "gains":
                self.ledger.gains(name, partitions, moment)
            case "gives":
                # Only in the old way a rebalance begins with nobody owning anything.
                keeps_some = self.ways[name] != "classic" and name not in self.leaving
                self.ledger.gives(name, partitions, moment, keeps_some)
            case "loses":
                self.ledger.loses(name, partitions)

    def watch_commits(self):
        cluster = raw.Cluster(self.bootstrap)
        while not self.over.wait(0.2):
            try:
                found = self.committed(cluster)
            except raw.ProtocolError:
                continue  # The coordinator is being made.
            with self.changed:
                for partition, offset in enumerate(found):
                    self.ledger.committed(partition, max(offset, 0), time.monotonic())

    def watch_no_longer(self):
        self.over.set()
        self.watcher.join()

    # What is waited for.

    def until(self, what, reached, pause=0.1):
        deadline = time.monotonic() + PHASE_SECONDS_MAX
        with self.changed:
            while not reached():
                if self.ledger.wrong:
                    raise StoryFailed(self.ledger.wrong)
                for name, member in self.members.items():
                    if name in self.owned and member.process.poll() is not None:
                        raise StoryFailed(f"{name} ended with {member.process.returncode}")
                if time.monotonic() > deadline:
                    raise StoryFailed(f"within {PHASE_SECONDS_MAX} s not reached: {what}")
                self.changed.wait(pause)
            if self.ledger.wrong:
                raise StoryFailed(self.ledger.wrong)

    def shares(self, *names):
        """These are the owners, each of as many partitions, and each partition has one."""
        owned = [self.owned[name] for name in names]
        partitions = PARTITIONS * len(self.topics)
        each = partitions // len(names)
        return sorted(sum(owned, ())) == list(range(partitions)) and all(len(mine) == each for mine in owned)

    def is_all_read(self):
        return self.ledger.counts() == self.ends()

    def reads(self, *names):
        return all(self.read_by[name] > 0 for name in names)

    def is_rebalancing(self, before):
        if self.way != "consumer":
            return self.cluster.group_state(self.group) in ("PreparingRebalance", "CompletingRebalance")
        return any(self.owned[name] != owned for name, owned in before.items())

    def told(self):
        complaints = [f"\n--- {name}: {member.complaint()}" for name, member in self.members.items()]
        state = self.cluster.group_state(self.group)
        ends = self.ends()
        read = f"read {self.ledger.counts()} of {ends}, first missing {self.ledger.missing(ends)}"
        committed = [offsets[-1] for _moments, offsets in self.ledger.commits]
        return f"owners {self.owned}, {read}, committed {committed}, state {state}" + "".join(complaints)
