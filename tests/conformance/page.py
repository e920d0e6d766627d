"""docs/clients.md, made from what a run found. Nothing in it differs from one run to the next, if all is well."""

import pathlib

import raw
from members import WAYS
from roster import CLIENTS, PENDING

HEAD = """# Clients

Made by the [conformance suite](../tests/conformance/README.md) from what it found: unmodified clients, at the versions
given, against one broker of this source. CI runs the same and fails if this page says something else.

Every record that is read is compared with what was written, byte for byte: none may be missing, none may come twice.

"""
COLUMNS = """
- **writes**, **reads**: records in each codec (none, gzip, snappy, lz4, zstd), idempotent, `acks=all`; what was stored
  is looked at as well: codec, sequences, offsets.
- **acks**: the same without idempotence, `acks=1` and `acks=0`. **keys**: placed by the client's own partitioner.
- **restart**: an idempotent producer writes on while the broker is killed (-9) and started again, and then asked to end
  and started again: each record is there once, in order.
- **lanes**: 20,000 records in zstd, and a group, through the ports of `kafka.lanes`, where each group of cores is a
  node of its own; all else goes through the plain listener beside them.
- **admin**: topics made, listed, described, grown and deleted; settings; offsets by time; the error of each mistake.
- **alter**: settings of a topic changed, records deleted.
- **–** says that the client does not have it, **not yet** that the broker does not serve it.

## Groups

Members are processes that read while a producer writes. No record is left out, and none comes again that was committed
before. The members of Java and confluent-kafka tell when they are given a partition and when they give it back: it has
one owner at a time.

"""
GROUP_COLUMNS = """
- **classic**, **cooperative**, **consumer**: members of the classic protocol, also with the cooperative assignor, and
  of the consumer protocol. Two share the partitions, one leaves, one joins and another is killed (-9) while the group
  rebalances, and when all are gone a later member goes on where they had committed. Unless the group is classic, a
  member gives back only what another gets. In the consumer protocol a heartbeat or its answer gets lost, and each
  member comes to its share.
- **changes**: a group changes from the classic to the consumer protocol and back while its members read, some of either
  protocol, also with cooperative ones. **returns**: static members in both protocols: one is restarted within its
  session and has what it had, and no rebalance reaches the other. **patterns**: members hand a regular expression to
  the broker, and a topic that is made later is theirs, too; another is not.
- **looks**: the client's own calls list and describe a group with members and without, list its committed offsets, and
  delete it when it is empty, and only then; aiokafka deletes none.
"""
# What each column is called, and under which name it is noted.
PASSED = {"acks": "acks", "keys": "placement"} | {what: what for what in ("restart", "lanes", "admin", "alter")}
IN_GROUPS = {way: f"group {way}" for way in WAYS} | {what: what for what in ("changes", "returns", "patterns", "looks")}


class Report:
    def __init__(self):
        self.versions, self.results, self.tools = {}, {}, []

    def note(self, name, what, passed):
        self.results[name, what] = self.results.get((name, what), True) and passed

    def check(self, path, bless):
        """What is wrong with the page at `path`, or nothing."""
        path, made = pathlib.Path(path), self.markdown()
        if bless:
            path.write_text(made)
        written = path.read_text() if path.exists() else ""
        if written == made:
            return ""
        pairs = zip(written.splitlines() + [""], made.splitlines() + [""])
        return next((f"it says: {old}\nfound:   {new}" for old, new in pairs if old != new), "one of them is longer")

    def markdown(self):
        rows, in_groups = [], []
        for name, client in CLIENTS.items():
            version = self.versions.get(name, "?").replace("/", ", ").replace("librdkafka-", "librdkafka ")
            cells = [self.codecs(name, "produce"), self.codecs(name, "consume") if client.consumes else "in groups"]
            cells += [self.cell(name, what) for what in PASSED.values()]
            rows.append([f"{name} ({client.about})", version, *cells])
            in_groups.append([name, *(self.cell(name, what) for what in IN_GROUPS.values())])
        clients = table(["client", "version", "writes", "reads", *PASSED], rows)
        groups = table(["client", *IN_GROUPS], in_groups)
        return HEAD + clients + COLUMNS + groups + GROUP_COLUMNS + self.tools_markdown()

    def codecs(self, name, mode):
        tried = [codec for codec in raw.CODECS if (name, f"{mode} {codec}") in self.results]
        wrong = [codec for codec in tried if not self.results[name, f"{mode} {codec}"]]
        if not tried:
            return "–"
        return f"**not {', '.join(wrong)}**" if wrong else ("all codecs" if len(tried) == 5 else ", ".join(tried))

    def cell(self, name, what):
        if (name, what) not in self.results:
            return "–"
        if not self.results[name, what]:
            return "not yet" if what in PENDING else "**fails**"
        return "ok"

    def tools_markdown(self):
        if not self.tools:
            return ""
        version = self.versions.get("tools", "?")
        results = [
            [name, about, "ok" if passed else "not yet" if name in PENDING else "**fails**"]
            for name, about, passed in self.tools
        ]
        titles = ["tool", "what was done, and its output compared", "result"]
        return f"\n## Kafka's own tools, {version}\n\n{table(titles, results)}"


def table(titles, rows):
    head, *lines = [f"| {' | '.join(cells)} |\n" for cells in (titles, *rows)]
    return head + "|---" * len(titles) + "|\n" + "".join(lines)
