"""Static members: one that is restarted within its session finds what it had, and nobody else hears of it."""

import time

import groups
import members

SESSION_MS = 15_000
# Some: they are half a second apart.
HEARTBEATS_SECONDS = 1.5


class Story(members.Story):
    def rebalances(self):
        if self.way == "consumer":
            groups.alter(self.cluster, self.group, {"consumer.session.timeout.ms": str(SESSION_MS)})
        one = self.joins_as("one", "A")
        self.until("the first member reads alone", lambda: self.shares(one) and self.reads(one))
        two = self.joins_as("two", "B")
        self.until("both share", lambda: self.shares(one, two) and self.reads(one, two))
        two = self.returns(two, "B", self.leave, beside=one)
        one = self.returns(one, "A", self.leave, beside=two)
        if self.way != "consumer":
            # In the consumer protocol nobody gets the place of one who may still be there.
            two = self.returns(two, "B", self.kill, beside=one)
            one = self.returns(one, "A", self.kill, beside=two)
        self.leave(two)
        self.until("the other one has all after the session", lambda: self.shares(one) and self.reads(one))
        self.leave(one)

    def joins_as(self, name, instance):
        return self.join(name, None, "--instance", f"{self.group}-{instance}", "--session-ms", str(SESSION_MS))

    def returns(self, name, instance, ends, beside):
        """Under its name of before a new process takes what the old one had."""
        had, epoch = self.owned[name], self.epoch()
        with self.changed:
            self.ledger.resting.add(beside)
        ends(name)
        # What the others would be told now, they are told before somebody returns.
        time.sleep(HEARTBEATS_SECONDS)
        again = self.joins_as(f"{name}-again", instance)
        self.until(f"{again} has what it had", lambda: self.owned[again] == had and self.reads(again, beside))
        self.until_heard_of_by(beside)
        if self.epoch() != epoch:
            raise members.StoryFailed(f"the epoch was {epoch} and is {self.epoch()}, though nothing had changed")
        with self.changed:
            self.ledger.resting.clear()
        return again

    def until_heard_of_by(self, name):
        """A rebalance would reach it with its next heartbeat: it reads on for longer than that."""
        until = time.monotonic() + HEARTBEATS_SECONDS
        self.read_by[name] = 0
        self.until(f"{name} reads on", lambda: time.monotonic() > until and self.reads(name))

    def epoch(self):
        """Classic groups don't tell theirs."""
        found = groups.described(self.cluster, self.group)
        return found and found.epoch

    def last_joins(self):
        return self.joins_as("last", "A")

    def until_empty(self):
        """It is not: static members come back. In the consumer protocol one who is away is still on his way."""
        protocol, state = found = groups.listed(self.cluster, self.group)
        if found != (("consumer", "Reconciling") if self.way == "consumer" else ("classic", "Stable")):
            raise members.StoryFailed(f"the group of a static member that left is {state}, of the {protocol} protocol")
