"""Members subscribe to a regular expression, which the broker matches, also with a topic that is made later."""

import groups
import members
from ledger import Ledger


class Story(members.Story):
    def __init__(self, bootstrap, topic, name, way):
        super().__init__(bootstrap, topic, name, way)
        self.later, self.pattern = f"{topic}-later", f"^{topic}(-later)?$"
        # Members may hear of it before whoever makes it hears that it is made.
        self.readable.append(self.later)
        self.ledger = Ledger(2 * members.PARTITIONS)

    def rebalances(self):
        self.cluster.create(f"{self.topic}-other", members.PARTITIONS, {})
        one = self.joins_by_pattern("one")
        self.until("the first member reads alone", lambda: self.shares(one) and self.reads(one))
        two = self.joins_by_pattern("two")
        self.until("both share", lambda: self.shares(one, two) and self.reads(one, two))
        found = groups.described(self.cluster, self.group).patterns
        if found not in ({self.pattern}, {f"({self.pattern})"}):  # librdkafka makes one of all its expressions.
            raise members.StoryFailed(f"the broker knows of the patterns {found}")
        self.cluster.create(self.later, members.PARTITIONS, {"retention.ms": "-1"})
        self.topics.append(self.later)
        self.producers.append(self.produce(self.later))
        self.until("both share the later topic as well", lambda: self.shares(one, two) and all(self.ledger.counts()))
        self.leave(two)
        self.until("the first has both topics", lambda: self.shares(one) and self.reads(one))
        self.kill(one)

    def joins_by_pattern(self, name):
        return self.join(name, None, "--pattern", self.pattern)

    def last_joins(self):
        return self.joins_by_pattern("last")
