"""The clients of the suite: how each is started and what it can do."""

import dataclasses
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE / ".work"
JAVA_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"]
JAVA_OPTIONS += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


@dataclasses.dataclass(frozen=True)
class Client:
    command: list
    about: str  # One line of docs/clients.md.
    shape: str = "full"  # Which records it can express: README.md, "The records".
    consumes: bool = True
    codecs: tuple = ("none", "gzip", "snappy", "lz4", "zstd")
    # Protocols in which it reads through a group with two members in one process, and the ways (members.WAYS) in which
    # its members are processes.
    groups: tuple = ()
    members: tuple = ()
    changes: tuple = ()  # The ways of classic members of a group that changes its protocol.
    returns: tuple = ()  # The ways of static members that are restarted.
    patterns: tuple = ()  # The ways of members that hand a regular expression to the broker.
    looks: tuple = ()  # Of groups without `groups`: the ways of members at whom its own admin calls look.
    lanes: tuple = ()  # The ways of members that come through the lanes; one that has any writes and reads there, too.
    tells_owners: bool = False  # Its members tell when they are given partitions, and when they give them back.
    # What may be lost (losses.py) and how, so that it goes on by itself, and soon.
    losses: dict = dataclasses.field(default_factory=dict)
    # Asked to end, it drops the record that it has in its hand, and commits it: members leave when all is read.
    leaves_in_quiet: bool = False
    # In the classic protocol it commits what it had before a rebalance although it is another's by then (README.md).
    commits_late: bool = False
    default_placement: str = "murmur2"
    murmur2: bool = True  # It has a partitioner that agrees with Java's.
    alters: bool = True  # It changes settings and deletes records.


def python(script):
    return [str(WORK / "venv/bin/python"), str(HERE / "clients/python" / script)]


def node(script):
    return [str(WORK / "node/node"), "--no-warnings", str(HERE / "clients/node" / script)]


JAVA = ["java", *JAVA_OPTIONS, "-cp", f"{WORK}/java/classes:{WORK}/java/lib/*", "conformance.Main"]
BOTH = ("classic", "consumer")
ALL_WAYS = ("classic", "cooperative", "consumer")
LOSSES = ("join", "take", "give", "have")
CLIENTS = {
    "kcat": Client(
        python("kcat.py"),
        "the command line of Debian, over an old librdkafka",
        shape="lines",
        members=("classic",),
        lanes=("classic",),
        leaves_in_quiet=True,
        default_placement="crc32",
        alters=False,
    ),
    "confluent-kafka": Client(
        python("confluent.py"),
        "Python over the newest librdkafka",
        groups=BOTH,
        members=ALL_WAYS,
        changes=ALL_WAYS[:2],
        returns=BOTH,
        patterns=BOTH[1:],
        lanes=BOTH[1:],
        tells_owners=True,
        losses={"cut": LOSSES, "silence": LOSSES[1:]},  # It waits 45 s for the answer to its first heartbeat.
        default_placement="crc32",
    ),
    "kafkajs": Client(
        node("kafkajs.js"),
        "Node",
        shape="grouped",
        consumes=False,
        groups=("classic",),
        members=("classic",),
        lanes=("classic",),
    ),
    "platformatic": Client(
        node("platformatic.js"),
        "@platformatic/kafka: Node",
        members=BOTH,
        looks=("classic",),
        lanes=BOTH[1:],
        losses={"cut": LOSSES},
        commits_late=True,
        default_placement="murmur2-unsigned",
    ),
    "java": Client(
        JAVA,
        "Apache Kafka's own",
        groups=BOTH,
        members=ALL_WAYS,
        changes=ALL_WAYS[:2],
        returns=BOTH,
        patterns=BOTH[1:],
        lanes=BOTH,
        tells_owners=True,
        losses={"cut": LOSSES},
    ),
    "sarama": Client(
        [str(WORK / "sarama")],
        "Go",
        members=("classic",),
        looks=("classic",),
        lanes=("classic",),
        default_placement="fnv1a",
    ),
    "aiokafka": Client(
        python("aio.py"),
        "Python without librdkafka",
        shape="keyed-or-valued",
        members=("classic",),
        looks=("classic",),
        lanes=("classic",),
    ),
    "krafka": Client(
        [str(WORK / "rust-target/debug/conformance-rust")],
        "Rust",
        members=ALL_WAYS,
        looks=BOTH,
        lanes=BOTH[1:],
        losses={"cut": LOSSES[1:]},  # A join that fails is the caller's.
    ),
}
# What the broker does not serve yet: it is tried and shown and must fail, so that what is served leaves this list.
PENDING = ()
CONSUMERS = [name for name, client in CLIENTS.items() if client.consumes]
