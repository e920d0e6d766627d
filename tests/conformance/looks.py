"""A client looks at a group from outside, with its own calls: one with two members, and later without any."""

import subprocess

import members

LOOK_SECONDS_MAX = 60


class Story(members.Story):
    def rebalances(self):
        one, two = self.join("one"), self.join("two")
        self.until("both share", lambda: self.shares(one, two) and self.reads(one, two))
        self.look("Stable", 2)
        self.leave(one)
        # Asked to end while the group rebalances, @platformatic/kafka may fall over its own next join.
        self.until("the other one has all", lambda: self.shares(two))
        self.leave(two)

    def resume(self):
        """Nobody reads what was written after the members had left."""
        self.until_empty()
        self.watch_no_longer()  # What is deleted now has no offsets.
        self.look("Empty", 0, "--committed", ",".join(map(str, self.committed(self.cluster))))
        self.ledger.check_whole(self.ledger.counts())
        self.until("what was read has no gaps", lambda: True)

    def look(self, state, number, *more):
        arguments = [*members.WAYS[self.way], "--group", self.group, "--state", state, "--members", str(number), *more]
        command = self.command("look", self.topic, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LOOK_SECONDS_MAX)
        said = (done.stdout.splitlines() or [""])[-1]
        if done.returncode != 0 or not said.endswith("result=ok"):
            raise members.StoryFailed(f"looked for {state} with {number} members: {said}\n{done.stderr[-1000:]}")
