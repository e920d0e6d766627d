#!/usr/bin/env python3
"""Compares our tables with Kafka's own message definitions.

    schemas/compare-with-kafka.py kafka-clients-4.3.1.jar kafka-group-coordinator-4.3.1.jar

The jars (Maven Central, org.apache.kafka) hold the definitions as common/message/*.json. For every API, record and kind
of data of schemas/kafka/ and every version that we handle, both are laid out as a list of fields in the order of the
wire: name, type, null or not, tag, default, ignorable. What differs is printed, and the exit code is 1.
Versions that Kafka has and we do not are printed as a remark only.
"""

import json
import pathlib
import re
import sys
import zipfile

TABLES = pathlib.Path(__file__).resolve().parent / "kafka"
OPEN_END = 32767


def versions(text):
    """(first, last) of `7`, `3-6`, `3+`; None of `none`."""
    if text is None or text == "none":
        return None
    if text.endswith("+"):
        return int(text[:-1]), OPEN_END
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def holds(span, version):
    return span is not None and span[0] <= version <= span[1]


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# One field of either side: a dict of name, type, versions, nullable, tag, default, ignorable, fields.


def our_default(kind, nullable, text):
    """The table's default in one spelling for both sides."""
    if text is None:
        if kind == "records":
            return "null"
        return {"bool": "false", "uuid": "0"}.get(kind, "0" if kind.startswith("int") else "empty")
    if text == '""':
        return "empty"
    if re.fullmatch(r"-?(0x)?[0-9a-fA-F]+", text):
        return str(int(text, 0))
    return text


def read_table(path):
    """Our table as {name, key or types, handled, advertised, flexible, messages}."""
    api, structs, stack = {"messages": {}}, {}, []
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        words = raw.split(" ; ")[0].split()
        depth = (len(raw) - len(raw.lstrip(" "))) // 2
        if depth == 0:
            if words[0] in ("request", "response", "key", "value") or words == ["data"]:
                stack = [api["messages"].setdefault(words[0], [])]
            elif words[0] == "api":
                api["key"], api["name"] = int(words[1]), words[2]
            elif words[0] == "record":
                api["types"], api["name"] = versions(words[1]), words[2]
            elif words[0] == "data":
                api["name"] = words[1]
            elif words[0] in ("handled", "advertised"):
                api[words[0]] = versions(words[1])
            elif words[0] == "flexible":
                api["flexible"] = None if words[1] == "never" else int(words[1])
            elif words[0] == "struct":
                stack = [structs.setdefault(words[1], [])]
            elif words[0] not in ("served", "views"):
                sys.exit(f"{path}:{number}: `{words[0]}`")
            continue
        name, kind, span, *rest = words
        option = lambda key: rest[rest.index(key) + 1] if key in rest else None
        base, called = kind.removeprefix("[]"), option("called")
        fields = structs.setdefault(base, []) if base[0].isupper() else None
        stack = stack[:depth]
        stack[-1].append({
            "name": snake(called) if called and fields is None else name,
            "type": kind.replace(base, called) if called and fields is not None else kind, "versions": versions(span), "nullable": versions(option("nullable")),
            "tag": None if option("tag") is None else int(option("tag")),
            "tagged": versions(span) if option("tag") else None,
            "default": our_default(kind, option("nullable"), option("default")),
            "ignorable": "ignorable" in rest, "fields": fields,
        })
        stack.append(fields)
    return api


def their_json(text):
    """Kafka's definitions are JSON with // comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    return json.loads("\n".join(re.sub(r'\s//[^"]*$', "", line) for line in lines))


def their_fields(fields, common):
    result = []
    for field in fields:
        kind = field["type"]
        inner = field.get("fields") or common.get(kind.removeprefix("[]"))
        default = field.get("default")
        # A null of JSON is no default at all; Kafka's own word for one that is null is a string.
        if default is not None:
            named = isinstance(default, bool)
            default = '""' if default == "" else json.dumps(default) if named else str(default)
        result.append({
            "name": snake(field["name"]), "type": kind, "versions": versions(field["versions"]),
            "nullable": versions(field.get("nullableVersions")), "tag": field.get("tag"),
            "tagged": versions(field.get("taggedVersions")),
            "default": our_default(kind, None, default), "ignorable": bool(field.get("ignorable")),
            "fields": their_fields(inner, common) if inner else None,
        })
    return result


def at_version(fields, version, prefix=""):
    """The fields in the order of the wire, with tagged ones last, as comparable lines."""
    plain, tagged = [], []
    for field in fields:
        path = prefix + field["name"]
        if not holds(field["versions"], version):
            # A field that is not there has a default, and encoding it there is refused or not.
            plain.append((path, "absent", field["default"], field["ignorable"]))
            continue
        is_tagged = holds(field["tagged"], version)
        nullable = "nullable" if holds(field["nullable"], version) else ""
        lines = [(path, field["type"], nullable, field["tag"] if is_tagged else "", field["default"])]
        if field["fields"]:
            lines += at_version(field["fields"], version, path + ".")
        (tagged if is_tagged else plain).append(lines)
    present = [line for lines in plain if isinstance(lines, list) for line in lines]
    absent = sorted(line for line in plain if isinstance(line, tuple))
    tags = [line for lines in sorted(tagged, key=lambda lines: lines[0][3]) for line in lines]
    return present + tags + absent


def lives(field, handled):
    return field["versions"][0] <= handled[1] and field["versions"][1] >= handled[0]


def living(fields, handled):
    """Without the fields that no version we handle has: our tables leave them out."""
    kept = [dict(field) for field in fields if lives(field, handled)]
    for field in kept:
        if field["fields"]:
            field["fields"] = living(field["fields"], handled)
    return kept


def compare(api, definitions):
    """What differs, what is worth a remark, and how many messages and versions were compared."""
    complaints, remarks, compared = [], [], 0
    for section, fields in api["messages"].items():
        name = api["name"] + ("" if section == "data" else section.capitalize())
        handled, flexible, number = api["handled"], api["flexible"], api.get("key")
        if "types" in api:
            number = api["types"][1]
            if section == "key":
                handled, flexible = (0, 0), None
        expected = [(name, number, handled)]
        # Records of an older type have the first version alone.
        for older in range(api["types"][0], api["types"][1]) if "types" in api else ():
            expected.append(("Legacy" + name, older, (0, 0)))
        for message, number, handled in expected:
            theirs = definitions.get(message)
            if theirs is None:
                complaints.append(f"{message}: Kafka has no such message in these jars")
                continue
            legacy = message != name
            found = compare_message(message, fields, number, handled, None if legacy else flexible, theirs)
            complaints += found
            compared += handled[1] - handled[0] + 1
            valid = versions(theirs["validVersions"])
            if valid != handled and section != "response":
                unstable = ", the last one unstable" if theirs.get("latestVersionUnstable") else ""
                remarks.append(f"{message}: we handle {handled} of Kafka's {valid}{unstable}")
    return complaints, remarks, compared


def compare_message(message, ours, number, handled, our_flexible, theirs):
    complaints = []
    valid, flexible = versions(theirs["validVersions"]), versions(theirs["flexibleVersions"])
    if theirs.get("apiKey") != number:
        complaints.append(f"{message}: number {number}, Kafka's is {theirs.get('apiKey')}")
    if (flexible[0] if flexible else None) != our_flexible:
        complaints.append(f"{message}: flexible {our_flexible}, Kafka's is {theirs['flexibleVersions']}")
    if not (valid[0] <= handled[0] and handled[1] <= valid[1]):
        complaints.append(f"{message}: handled {handled}, Kafka's versions are {valid}")
    common = {one["name"]: one["fields"] for one in theirs.get("commonStructs", [])}
    ours = living(ours, handled)
    theirs = living(their_fields(theirs["fields"], common), handled)
    for version in range(handled[0], handled[1] + 1):
        mine, other = at_version(ours, version), at_version(theirs, version)
        for line in [line for line in mine if line not in other]:
            complaints.append(f"{message} version {version}: only in our table: {line}")
        for line in [line for line in other if line not in mine]:
            complaints.append(f"{message} version {version}: only in Kafka's: {line}")
        if sorted(map(str, mine)) == sorted(map(str, other)) and mine != other:
            complaints.append(f"{message} version {version}: the order differs")
    return complaints


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    definitions = {}
    for path in sys.argv[1:]:
        with zipfile.ZipFile(path) as jar:
            for name in jar.namelist():
                if name.startswith("common/message/") and name.endswith(".json"):
                    definition = their_json(jar.read(name).decode())
                    definitions[definition["name"]] = definition
    complaints, compared = [], 0
    for path in sorted(TABLES.glob("**/*.txt")):
        found, remarks, count = compare(read_table(path), definitions)
        complaints += found
        compared += count
        for remark in remarks:
            print("remark:", remark)
    for complaint in complaints:
        print(complaint)
    if not compared:
        sys.exit("no tables")
    print(f"{compared} messages and versions compared with Kafka's, {len(complaints)} differences")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
