"""What the members of a group have read and committed, and what must never happen to it."""

import bisect

# What a member reads this long after a commit was seen at the broker, it cannot have asked for before.
SETTLED_SECONDS = 1.0


class Ledger:
    """`wrong` is the first thing that must not happen, or nothing. Moments are seconds of any clock that only grows."""

    def __init__(self, partitions):
        self.seen = [set() for _ in range(partitions)]
        self.commits = [([float("-inf")], [0]) for _ in range(partitions)]  # When seen, and which offset.
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
        if offset < offsets[-1]:
            self.fail(f"partition {partition}: committed {offsets[-1]}, and then {offset}")
        times.append(now)
        offsets.append(offset)

    def fail(self, what):
        self.wrong = self.wrong or what

    def counts(self):
        return [len(offsets) for offsets in self.seen]

    def check_whole(self, ends):
        """All records below these ends were read, and none beyond."""
        for partition, (end, offsets) in enumerate(zip(ends, self.seen)):
            missing = next((offset for offset in range(end) if offset not in offsets), None)
            if missing is not None:
                self.fail(f"partition {partition}: {missing} of {end} was never read")
            elif len(offsets) != end:
                self.fail(f"partition {partition}: {len(offsets)} records were read, but there are {end}")
