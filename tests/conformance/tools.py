"""Kafka's own command-line tools, Streams and Connect, each part in a JVM of its own, at the same time."""

import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import tempfile

from roster import JAVA_OPTIONS, PENDING, WORK

SECONDS_MAX = 240
COMMAND = ["java", *JAVA_OPTIONS, "-cp", f"{WORK}/tools/classes:{WORK}/tools/lib/*", "tools.Main"]

# What docs/clients.md says of each, in its order. One that is not in the output has failed.
ABOUT = {
    "kafka-broker-api-versions": "the broker and the versions it offers",
    "kafka-topics": "create, also again and `--if-not-exists`; list, describe, alter; mistakes",
    "kafka-topics --delete": "delete",
    "kafka-configs": "describe, also `--all`; alter: add and delete settings of a topic, of a broker, of all brokers "
    "(`--entity-default`), which topics then have, and of a group; mistakes",
    "kafka-console-producer": "150 lines with keys, the last 50 in zstd with `acks=1`",
    "kafka-console-consumer": "the same lines through a group; one record of one partition",
    "kafka-consumer-groups": "list with state and type; describe offsets, members and state of an empty group and of "
    "one with a member, in each protocol, also `--verbose`; reset offsets (earliest, latest, shift, offset, current, "
    "time, duration, export, file, dry run; not of a living group), delete offsets, delete",
    "kafka-producer-perf-test": "20,000 records in lz4",
    "kafka-consumer-perf-test": "the same records",
    "kafka-get-offsets": "latest, earliest, largest timestamp, one partition",
    "kafka-delete-records": "from a file; earliest and latest after it",
    "kafka-log-dirs": "folder, partitions and their sizes",
    "streams": "Kafka Streams: a word count with repartition topic and changelog, at least once; 10,000 lines, partly "
    "while it runs, over a restart and over a restart without its local state; all counts right",
    "connect": "Kafka Connect standalone: 80,000 lines from a file to a topic to a file, written while it runs and "
    "while it is down; restarted in the middle; both files are the same",
}
PARTS = ("tools", "streams", "connect")


def run(matrix_run):
    with concurrent.futures.ThreadPoolExecutor(len(PARTS)) as pool:
        outputs = list(pool.map(lambda part: run_part(matrix_run, part), PARTS))
    found = {}
    for line in "".join(outputs).splitlines():
        if named := re.match(r"client=(.+) version=(\S+) mode=tool ", line):
            found[named[1]] = line
            matrix_run.report.versions["tools"] = named[2]
    for name, about in ABOUT.items():
        line = found.get(name, f"client={name} mode=tool result=FAILED")
        passed = line.endswith("result=ok")
        matrix_run.report.tools.append((name, about, passed))
        trouble = "" if passed else "see above" if name in found else "no such line in the output"
        matrix_run.tell(line, trouble, pending=name in PENDING)


def run_part(matrix_run, part):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{part}-", dir=WORK))
    command = [*COMMAND, part, matrix_run.bootstrap, f"{matrix_run.prefix}-{part}", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, errors="replace")
    except subprocess.TimeoutExpired:
        return f"client={part} version=? mode=tool result=FAILED none within {SECONDS_MAX} s\n"
    if done.returncode == 0:
        shutil.rmtree(folder)
    else:
        print(f"    {part} ended with {done.returncode}, its files are in {folder}\n{done.stderr[-2000:]}", flush=True)
    return done.stdout
