"""The records of the suite, each computed from its number alone. README.md has the rule in words."""

import zlib

GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mü nü ξ π 🦀"
WORDS = [f"{word} ".encode() for word in GREEK.split(" ")]
MASK = 0xFFFFFFFF
TAPE_LENGTH = 65536 + 2048
FIRST_TIMESTAMP = 1_700_000_000_000

# What kcat puts on every record: -H takes no binary and holds for all records of a run.
LINE_HEADERS = [
    ("trace", b"conformance"),
    ("nullheader", None),
    ("emptyheader", b""),
    ("trace", b"again"),
    ("ключ", "значение".encode()),
]


def mix(x):
    x ^= x >> 16
    x = (x * 0x7FEB352D) & MASK
    x ^= x >> 15
    x = (x * 0x846CA68B) & MASK
    return x ^ (x >> 16)


def make_tape():
    tape, x = bytearray(), 0x2545F491
    while len(tape) < TAPE_LENGTH:
        x ^= (x << 13) & MASK
        x ^= x >> 17
        x ^= (x << 5) & MASK
        if x & 3 == 0:
            tape.append(x >> 24)
        else:
            tape += WORDS[(x >> 8) & 15]
    return bytes(tape[:TAPE_LENGTH])


TAPE = make_tape()


def record(i, shape="full", keyed=False):
    """(key, value, headers, timestamp) of record `i`. The timestamp is None where the client stamps records itself."""
    a = mix(i + 1)
    b = mix(a)
    c = mix(b)

    role = a & 15
    if role > 1 or keyed:
        start = a >> 16
        key = b"k%d:" % i + TAPE[start : start + ((a >> 4) & 31)]
    else:
        key = b"" if role else None

    size, room, start = b & 63, b >> 8, b >> 16
    if size > 1:
        length = 512 + room % 1537 if size < 4 else 128 + room % 385 if size < 12 else room % 129
        value = TAPE[start : start + length]
    else:
        value = b"" if size else None

    if shape == "lines":
        value = value or b""
        if key is None and not value:
            key = b""
        return key, value, LINE_HEADERS, None
    if shape == "keyed-or-valued" and key is None:
        value = value or b""
    return key, value, headers(i, c, shape), FIRST_TIMESTAMP + i * 10 + (c >> 3) % 1000


def headers(i, c, shape):
    kind = c & 7
    if kind < 3:
        return []
    start = c >> 16
    text = TAPE[start : start + ((c >> 8) & 31)]
    if kind == 3:
        return [("trace", b"%d" % i)]
    if kind == 4:
        return [("ключ-ß-🦀", text)]
    if kind == 5:
        return [("empty", b""), ("binary", mix(c).to_bytes(4, "big"))]
    if kind == 6:
        pairs = [("dup", b"%d" % i), ("other", text), ("dup", b"")]
        return [pairs[0], pairs[2], pairs[1]] if shape == "grouped" else pairs
    return [("null", b"" if shape == "grouped" else None), ("after", b"%d" % i)]


def murmur2(data):
    length = len(data)
    h = (0x9747B28C ^ length) & MASK
    for at in range(0, length - 3, 4):
        k = (int.from_bytes(data[at : at + 4], "little") * 0x5BD1E995) & MASK
        k = ((k ^ (k >> 24)) * 0x5BD1E995) & MASK
        h = ((h * 0x5BD1E995) & MASK) ^ k
    tail = data[length & ~3 :]
    if tail:
        h = ((h ^ int.from_bytes(tail, "little")) * 0x5BD1E995) & MASK
    h = ((h ^ (h >> 13)) * 0x5BD1E995) & MASK
    return h ^ (h >> 15)


def fnv1a(data):
    h = 0x811C9DC5
    for byte in data:
        h = ((h ^ byte) * 0x01000193) & MASK
    return h


def signed(x):
    return x - (1 << 32) if x >> 31 else x


# How each family of clients maps a key to a partition.
PLACEMENTS = {
    "murmur2": lambda key, n: (murmur2(key) & 0x7FFFFFFF) % n,
    "murmur2-unsigned": lambda key, n: murmur2(key) % n,
    "crc32": lambda key, n: zlib.crc32(key) % n,
    "fnv1a": lambda key, n: abs(signed(fnv1a(key))) % n,
}


def partitions(count, n, placement="explicit"):
    """Per partition, the numbers of its records in the order of their offsets."""
    if placement == "explicit":
        return [range(p, count, n) for p in range(n)]
    place, numbers = PLACEMENTS[placement], [[] for _ in range(n)]
    for i in range(count):
        numbers[place(record(i, keyed=True)[0], n)].append(i)
    return numbers
