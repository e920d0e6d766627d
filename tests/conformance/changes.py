"""One group changes from the classic to the consumer protocol and back, again and again, while its members read.

Members of both are in it at the same time: while an application is rolled over, that is what a group looks like.
"""

import groups
import members


class Story(members.Story):
    """`way` is how its classic members join."""

    def rebalances(self):
        one = self.join("one")
        self.shared("the first member reads alone", "classic", one)
        two = self.join("two", "consumer")
        self.shared("one of each protocol share", "consumer", one, two)
        self.leave(one)
        self.shared("the new protocol has all", "consumer", two)
        three = self.join("three")
        self.shared("a classic member comes back", "consumer", two, three)
        self.leave(two)
        self.shared("the last one of the new protocol has left", "classic", three)
        four = self.join("four", "consumer")
        self.shared("one of each protocol share again", "consumer", three, four)
        self.kill(three)
        self.shared("the classic member is dead", "consumer", four)
        five = self.join("five")
        self.shared("another classic member shares", "consumer", four, five)
        self.kill(four)
        self.shared("the last one of the new protocol is dead", "classic", five)
        self.leave(five)

    def shared(self, what, protocol, *names):
        """These share and read, in a group of this protocol."""
        kinds = sorted("consumer" if self.ways[name] == "consumer" else "classic" for name in names)

        def reached():
            if not (self.shares(*names) and self.reads(*names)):
                return False
            if (groups.listed(self.cluster, self.group) or [None])[0] != protocol:
                return False
            return protocol == "classic" or groups.described(self.cluster, self.group).kinds == kinds

        self.until(what, reached)
