"""Groups of the consumer protocol from whose members one answer, or one request, is kept.

The coordinator has done what was asked, or has not heard of it, and the member cannot know which. Whatever becomes of
it, in the end each member must own its share. What is lost is called `join`, `take` and `give`, which are answers, and
`have`, with which a member says that it has what it was assigned. The connection ends with it (`cut`), or nothing comes
back until the client gives up (`silence`).
"""

import threading

import members
from compact import Compact
from tap import Tap

HEARTBEAT = 68
# The last heartbeats and answers explain a story that fails.
SEEN_SHOWN_MAX = 30


class Asked:
    """A heartbeat's request, as far as it counts here."""

    def __init__(self, frame):
        it = Compact(frame)
        _key, version, self.correlation = it.take("hhi")
        it.bytes(it.take("h"))
        it.tags()
        _group, self.member, self.epoch = it.string(), it.string(), it.take("i")
        _instance, _rack, self.rebalance_timeout_ms = it.string(), it.string(), it.take("i")
        topics = it.array(it.string)
        regex = it.string() if version > 0 else None
        it.string()
        at = it.at
        self.owned = None if it.unsigned() == 0 else it
        if self.owned:
            it.at = at
            self.owned = it.partitions()
        self.is_full = self.rebalance_timeout_ms != -1 and (topics or regex) is not None and self.owned is not None


class Told:
    """And its answer."""

    def __init__(self, frame):
        it = Compact(frame)
        self.correlation = it.take("i")
        it.tags()
        _throttled, self.error = it.take("ih")
        it.string()
        self.member, self.epoch, _interval = it.string(), *it.take("ii")
        self.assigned = it.partitions() if it.take("b") >= 0 else None


class Losses:
    """What is armed, and what was lost; one for all connections of a story."""

    def __init__(self, upstream):
        self.lock = threading.Lock()
        self.armed = self.way = self.lost = None
        self.assigned, self.had = {}, {}
        self.seen = []
        self.tap = Tap(upstream, lambda: Talk(self))

    def arm(self, kind, way):
        with self.lock:
            self.armed, self.way, self.lost = kind, way, None

    def takes(self, *kinds):
        """Whether a frame that is of these kinds is lost, and how."""
        if self.armed not in kinds:
            return None
        self.lost, self.armed = self.armed, None
        self.seen.append(f"LOST {self.lost} by {self.way}")
        return self.way


class Talk:
    """One connection."""

    def __init__(self, losses):
        self.losses, self.asked = losses, {}

    def request(self, frame):
        if int.from_bytes(frame[:2]) != HEARTBEAT:
            return frame
        asked = Asked(frame)
        with self.losses.lock:
            self.asked[asked.correlation] = asked
            self.losses.seen.append(f"{asked.member} epoch {asked.epoch} owned {asked.owned} full {asked.is_full}")
            changed = asked.owned is not None and asked.owned != self.losses.had.get(asked.member, [])
            self.losses.had[asked.member] = asked.owned if changed else self.losses.had.get(asked.member, [])
            way = self.losses.takes("have") if changed and asked.epoch > 0 else None
        return spared(frame, way)

    def reply(self, frame):
        asked = self.asked.pop(int.from_bytes(frame[:4]), None)
        if asked is None:
            return frame
        told = Told(frame)
        with self.losses.lock:
            before = self.losses.assigned.get(asked.member, [])
            self.losses.seen.append(f"{asked.member} told epoch {told.epoch} {told.assigned} error {told.error}")
            kinds = set()
            if told.error == 0 and told.assigned is not None:
                kinds |= {"join"} if asked.epoch == 0 else set()
                kinds |= {"take"} if set(before) - set(told.assigned) else set()
                kinds |= {"give"} if set(told.assigned) - set(before) and asked.epoch > 0 else set()
                self.losses.assigned[asked.member] = told.assigned
            way = self.losses.takes(*kinds)
        return spared(frame, way)


def spared(frame, way):
    if way == "cut":
        raise EOFError
    return None if way == "silence" else frame


class Story(members.Story):
    """Members join and leave, and each time something is lost. They need not read."""

    def __init__(self, bootstrap, topic, name, how, kinds):
        super().__init__(bootstrap, topic, name, "consumer")
        self.how, self.kinds, self.losses = how, kinds, Losses(bootstrap)
        self.bootstrap = self.losses.tap.address

    def run(self):
        try:
            for kind in self.kinds:
                self.rebalance(kind)
        except members.StoryFailed as failure:
            seen = "\n".join(self.losses.seen[-SEEN_SHOWN_MAX:])
            raise members.StoryFailed(f"{failure}, with {kind} lost; {self.told()}\n{seen}") from None
        finally:
            for process in self.members.values():
                process.destroy()
            self.losses.tap.close()

    def rebalance(self, kind):
        """One member has all; another comes, and they share; the first one goes, and the other has all."""
        first, second = f"{kind}-first", f"{kind}-second"
        if kind == "join":
            self.losses.arm(kind, self.how)
        self.join(first)
        self.until("the first member has all", lambda: self.shares(first))
        if kind != "join":
            self.losses.arm(kind, self.how)
        self.join(second)
        self.until("both share", lambda: self.shares(first, second))
        if self.losses.lost != kind:
            raise members.StoryFailed("nothing was lost")
        self.leave(first)
        self.until("the second member has all", lambda: self.shares(second))
        self.leave(second)

