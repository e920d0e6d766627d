"""What the members of a group have read and committed, and what must never happen to it."""

import bisect

# What a member reads this long after a commit was seen at the broker, it cannot have asked for before.
SETTLED_SECONDS = 1.0


class Ledger:
    """`wrong` is the first thing that must not happen, or nothing. Moments are seconds of any clock that only grows."""

    def __init__(self, partitions, commits_late=False):
        self.commits_late = commits_late  # A commit may come after others have committed more.
        self.seen = [set() for _ in range(partitions)]
        self.commits = [([float("-inf")], [0]) for _ in range(partitions)]  # When seen, and which offset.
        self.owners = [[] for _ in range(partitions)]  # Who had it, since when and until when (ns).
        self.resting = set()  # Whom no rebalance may reach.
        self.again = 0
        self.wrong = None

    def read(self, name, partition, first, last, now):
        """Records may come again that were not committed; whoever reads next begins at what was committed."""
        times, offsets = self.commits[partition]
        floor = offsets[bisect.bisect_right(times, now - SETTLED_SECONDS) - 1]
        for offset in range(first, last + 1):
            if offset in self.seen[partition]:
                self.again += 1
                if offset < floor:
                    self.fail(f"{name} read {partition}:{offset} again, which was committed (up to {floor})")
            self.seen[partition].add(offset)

    def committed(self, partition, offset, now):
        times, offsets = self.commits[partition]
        if offset < offsets[-1] and not self.commits_late:
            self.fail(f"partition {partition}: committed {offsets[-1]}, and then {offset}")
        times.append(now)
        offsets.append(offset)

    # What members that tell of it are given and give back; here moments come from the members themselves.

    def gains(self, name, partitions, moment):
        self.rests(name, f"was given {sorted(partitions)}")
        for partition in partitions:
            self.owners[partition].append([name, moment, float("inf")])

    def gives(self, name, partitions, moment, keeps_some=False):
        """Before it says so to anybody else. `keeps_some`: only what another gets is taken away."""
        self.rests(name, f"gave back {sorted(partitions)}")
        held = self.held(name)
        if keeps_some and partitions and set(partitions) == set(held):
            self.fail(f"{name} gave back all it had: {sorted(partitions)}")
        for partition in partitions:
            if partition not in held:
                self.fail(f"{name} gave back {partition}, which it did not have")
            else:
                held[partition][2] = moment

    def loses(self, name, partitions):
        """It hears late that others may have them already, which is nobody's fault."""
        self.rests(name, f"lost {sorted(partitions)}")
        held = self.held(name)
        for partition in partitions:
            self.owners[partition].remove(held[partition])

    def dies(self, name, moment):
        for span in self.held(name).values():
            span[2] = moment

    def held(self, name):
        spans = {partition: each[-1] for partition, each in enumerate(map(self.of(name), self.owners)) if each}
        return {partition: span for partition, span in spans.items() if span[2] == float("inf")}

    @staticmethod
    def of(name):
        return lambda spans: [span for span in spans if span[0] == name]

    def rests(self, name, what):
        if name in self.resting:
            self.fail(f"{name} {what}, though nothing had changed")

    def check_owners(self):
        """Each partition had one owner at a time. Lines of two processes do not come in order: only now it is known."""
        if not any(self.owners):
            self.fail("no member told what it was given")
        for partition, spans in enumerate(self.owners):
            spans = sorted(spans, key=lambda span: span[1])
            for (name, _since, until), (other, since, _until) in zip(spans, spans[1:]):
                if since < until:
                    self.fail(f"partition {partition}: {other} was given it before {name} gave it back")

    def fail(self, what):
        self.wrong = self.wrong or what

    def counts(self):
        return [len(offsets) for offsets in self.seen]

    def check_whole(self, ends):
        """All records below these ends were read, and none beyond."""
        for partition, (end, missing) in enumerate(zip(ends, self.missing(ends))):
            if missing is not None:
                self.fail(f"partition {partition}: {missing} of {end} was never read")
            elif len(self.seen[partition]) != end:
                self.fail(f"partition {partition}: {len(self.seen[partition])} records were read, but there are {end}")

    def missing(self, ends):
        """The first record of each partition that was not read."""
        return [next((at for at in range(end) if at not in seen), None) for end, seen in zip(ends, self.seen)]
