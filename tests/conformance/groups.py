"""Groups as a broker of today describes them: their protocol, their epoch, and how their members came in."""

import dataclasses
import struct

import raw
from compact import Compact, array, string

LIST_GROUPS, DESCRIBE, ALTER = (16, 5), (69, 1), (44, 0)
NO_TAGS = b"\0"
GROUP, SET = 32, 0
MEMBER_KINDS = {0: "classic", 1: "consumer"}


@dataclasses.dataclass(frozen=True)
class Described:
    epoch: int
    kinds: list  # Of the members: classic or consumer, in order.
    patterns: set  # What they subscribe to by a regular expression.


def ask(cluster, api, body):
    """Throttle time and header are read."""
    reply = Compact(cluster.connection().ask(api, NO_TAGS + body + NO_TAGS).data)
    reply.tags()
    reply.take("i")
    return reply


def listed(cluster, group):
    """Its protocol and its state, or nothing."""
    reply = ask(cluster, LIST_GROUPS, array([]) + array([]))
    if error := reply.take("h"):
        raise raw.ProtocolError(f"groups cannot be listed: error {error}")

    def entry():
        name, _kind, state, protocol = (reply.string() for _ in range(4))
        reply.tags()
        return name, (protocol.lower(), state)

    return dict(reply.array(entry)).get(group)


def described(cluster, group):
    """A group of the consumer protocol; nothing if it is of another, or none."""
    reply = ask(cluster, DESCRIBE, array([string(group)]) + b"\0")
    count, error = reply.unsigned() - 1, reply.take("h")
    if count != 1 or error:
        return None
    _message, _group, _state = reply.string(), reply.string(), reply.string()
    epoch, _assignment_epoch, _assignor = reply.take("i"), reply.take("i"), reply.string()

    def assignment():
        def topic():
            reply.bytes(16)
            reply.string()
            reply.array(lambda: reply.take("i"))
            reply.tags()

        reply.array(topic)
        reply.tags()

    def member():
        _id, _instance, _rack, _epoch = reply.string(), reply.string(), reply.string(), reply.take("i")
        _client, _host, _topics = reply.string(), reply.string(), reply.array(reply.string)
        pattern = reply.string()
        assignment(), assignment()
        kind = reply.take("b")
        reply.tags()
        return MEMBER_KINDS[kind], pattern

    members = reply.array(member)
    return Described(epoch, sorted(kind for kind, _ in members), {pattern for _, pattern in members if pattern})


def alter(cluster, group, settings):
    """Sets what is the group's own."""
    pairs = [raw.string(name) + struct.pack(">b", SET) + raw.string(value) for name, value in settings.items()]
    entry = struct.pack(">b", GROUP) + raw.string(group) + raw.array(pairs)
    reply = cluster.connection().ask(ALTER, raw.array([entry]) + b"\0")
    _throttled, _count, error = reply.take("iih")
    if error:
        raise raw.ProtocolError(f"group {group} cannot be altered: error {error} {reply.string()}")
