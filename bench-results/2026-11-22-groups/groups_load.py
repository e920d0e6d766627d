#!/usr/bin/env python3
"""Many consumer groups at once: members that heartbeat, and commits on a schedule.

Open loop: a heartbeat or a burst of commits is due at a time that was fixed before, and its latency counts from then.
Requests are made of bytes prepared beforehand, so that one core of Python is enough.
"""
import argparse, json, os, select, socket, struct, time

def string(text):
    raw = text.encode()
    return struct.pack(">h", len(raw)) + raw

def frame(api, version, body, correlation=1):
    raw = struct.pack(">hhi", api, version, correlation) + string("groups-load") + body
    return struct.pack(">i", len(raw)) + raw

def join(group, session):  # version 3: no id is needed first
    protocols = struct.pack(">i", 1) + string("range") + struct.pack(">i", 4) + b"load"
    return frame(11, 3, string(group) + struct.pack(">ii", session, 60000) + string("") + string("consumer") + protocols)

def sync(group, generation, member, members):  # version 1
    assignments = struct.pack(">i", len(members)) + b"".join(string(m) + struct.pack(">i", 4) + b"some" for m in members)
    return frame(14, 1, string(group) + struct.pack(">i", generation) + string(member) + assignments)

def heartbeat(group, generation, member):  # version 1
    return frame(12, 1, string(group) + struct.pack(">i", generation) + string(member))

def commit(group, generation, member, topic, partition, offset):  # version 5
    part = struct.pack(">iqi", partition, offset, -1) + string("")
    topics = struct.pack(">i", 1) + string(topic) + struct.pack(">i", 1) + part
    return frame(8, 5, string(group) + struct.pack(">i", generation) + string(member) + topics)

def find(group):  # version 1
    return frame(10, 1, string(group) + b"\0")

def create(topic, partitions):  # version 2
    return frame(19, 2, struct.pack(">i", 1) + string(topic) + struct.pack(">ih", partitions, 1) + struct.pack(">iii", 0, 0, 10000) + b"\0")

def connect(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s

def exactly(s, n):
    b = b""
    while len(b) < n:
        more = s.recv(n - len(b))
        if not more: raise EOFError
        b += more
    return b

def receive(s):
    return exactly(s, struct.unpack(">i", exactly(s, 4))[0])[4:]

def text(b, at):
    n = struct.unpack_from(">h", b, at)[0]
    return b[at + 2 : at + 2 + n].decode(), at + 2 + n

def joined(b):  # version 3
    error, generation = struct.unpack_from(">hi", b, 4)
    assert error == 0, error
    _, at = text(b, 10)
    leader, at = text(b, at)
    member, at = text(b, at)
    return generation, leader, member

def form(port, groups, members, session, batch=250):
    """The heartbeats of all members, and a (generation, member) of each group. Each joins on a connection of its own."""
    beats, known = [], []
    for first in range(0, groups, batch):
        some = [(g, [connect(port) for _ in range(members)]) for g in range(first, min(groups, first + batch))]
        for g, connections in some:
            for s in connections: s.sendall(join(f"group-{g}", session))
        for g, connections in some:
            said = [joined(receive(s)) for s in connections]
            generation = said[0][0]
            assert all(one[0] == generation for one in said), "the group did not come together at once"
            ids = [one[2] for one in said]
            for s, (_, leader, me) in zip(connections, said):
                s.sendall(sync(f"group-{g}", generation, me, ids if leader == me else []))
            for s, (_, leader, me) in zip(connections, said):
                assert struct.unpack_from(">h", receive(s), 4)[0] == 0
                beats.append(heartbeat(f"group-{g}", generation, me))
                s.close()
            known.append((generation, ids[0]))
    return beats, known

def cpu(pid):
    f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")

class Sender:
    """Requests of one connection, answered in order; the error code is the last int16 of each answer."""
    def __init__(self, s, requests, many):
        self.s, self.requests, self.many, self.turn = s, requests, many, 0
        self.due, self.got, self.buffer = [], 0, b""
        s.setblocking(False)

def percentiles(values):
    values.sort()
    at = lambda q: round(values[min(len(values) - 1, int(len(values) * q))] * 1000, 3)
    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": at(1)} if values else {}

def run(poll, senders, interval, seconds, kinds):
    """Sends what is due and times the answers; `senders` are spread over the interval."""
    begun = time.perf_counter() + 0.5
    end = begun + seconds
    schedule = [(begun + interval[k] * i / max(1, len(group)), interval[k], s, k) for k, group in senders.items() for i, s in enumerate(group)]
    import heapq
    order = [(due, n) for n, (due, _, _, _) in enumerate(schedule)]
    heapq.heapify(order)
    by_fd = {s.s.fileno(): (s, k) for k, group in senders.items() for s in group}
    for fd in by_fd: poll.register(fd, select.EPOLLIN)
    latency = {k: [] for k in senders}
    errors, late = {k: 0 for k in senders}, {k: 0 for k in senders}
    counts = {k: 0 for k in senders}
    while True:
        now = time.perf_counter()
        if now > end + 3: break
        while order and order[0][0] <= now:
            due, n = heapq.heappop(order)
            _, step, s, k = schedule[n]
            if due < end:
                if len(s.due) < s.many * 8:
                    try:
                        s.s.setblocking(True); s.s.sendall(s.requests[s.turn]); s.s.setblocking(False)
                    except OSError: errors[k] += s.many
                    s.turn = (s.turn + 1) % len(s.requests)
                    s.due.extend([due] * s.many)
                else: late[k] += s.many
                heapq.heappush(order, (due + step, n))
        wait = max(0, (order[0][0] if order else end + 3) - time.perf_counter())
        for fd, _ in poll.poll(min(wait, 0.05)):
            s, k = by_fd[fd]
            try: more = s.s.recv(1 << 16)
            except BlockingIOError: continue
            if not more: raise EOFError(k)
            now = time.perf_counter()
            b = s.buffer + more
            at = 0
            while len(b) - at >= 4:
                n = int.from_bytes(b[at : at + 4], "big")
                if len(b) - at < 4 + n: break
                at += 4 + n
                if b[at - 2 : at] != b"\0\0": errors[k] += 1
                latency[k].append(now - s.due[s.got]); s.got += 1
            s.buffer = b[at:]
            if s.got: del s.due[: s.got]; s.got = 0
    for k in senders:
        counts[k] = len(latency[k])
    return {k: {"answered": counts[k], "per_second": round(counts[k] / seconds), "errors": errors[k], "not_sent": late[k],
                "unanswered": sum(len(s.due) for s in senders[k]), **percentiles(latency[k])} for k in senders}

if __name__ == "__main__":
    p = argparse.ArgumentParser()
    for name, default in dict(port=19492, pid=0, groups=1000, members=10, session=45000, beat=3.0, commits=100000, connections=200, beat_connections=2000, burst=25, seconds=20).items():
        p.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    a = p.parse_args()
    c = connect(a.port)
    c.sendall(create("flights", 1)); receive(c)
    c.sendall(find("group-0")); receive(c)
    time.sleep(1)
    begun = time.time()
    beats, known = form(a.port, a.groups, a.members, a.session)
    formed = time.time() - begun
    # The members of a connection take turns, so that each has its turn once in the interval.
    shares = [beats[n :: a.beat_connections] for n in range(a.beat_connections)]
    senders = {"heartbeats": [Sender(connect(a.port), own, 1) for own in shares]}
    interval = {"heartbeats": a.beat * a.beat_connections / len(beats)}
    if a.commits:
        senders["commits"] = []
        for n in range(a.connections):
            own = [g for g in range(a.groups) if g % a.connections == n]
            burst = b"".join(commit(f"group-{g}", *known[g], "flights", 0, i) for i in range(a.burst) for g in [own[i % len(own)]])
            senders["commits"].append(Sender(connect(a.port), [burst], a.burst))
        interval["commits"] = a.connections * a.burst / a.commits
    before, me = cpu(a.pid) if a.pid else 0, time.process_time()
    result = run(select.epoll(), senders, interval, a.seconds, None)
    spent = (cpu(a.pid) if a.pid else 0) - before
    # The answers of the last burst are waited for three seconds longer.
    result.update(groups=a.groups, members=a.members, formed_seconds=round(formed, 1), asked_commits_per_second=a.commits, seconds=a.seconds,
                  broker_cpu_cores=round(spent / (a.seconds + 3.5), 3), generator_cpu_cores=round((time.process_time() - me) / (a.seconds + 3.5), 3))
    print(json.dumps(result))
