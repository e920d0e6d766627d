"""The command line and the summary line that all Python clients of the suite share."""

import argparse
import sys
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["produce", "consume", "group", "admin"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True, help="for admin: the prefix of its topics")
    parser.add_argument("--codec", default="none")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--acks", default="all")
    parser.add_argument("--idempotent", default="false")
    parser.add_argument("--partitioner", choices=["explicit", "default", "murmur2"], default="explicit")
    parser.add_argument("--placement", default="explicit", help="consume: the rule that placed the records")
    parser.add_argument("--shape", choices=["full", "grouped", "lines"], default="full")
    parser.add_argument("--since", type=int, default=0, help="consume: earliest timestamp where records are stamped")
    parser.add_argument("--protocol", choices=["classic", "consumer"], default="classic", help="group: which one")
    return parser.parse_args()


class Difference(Exception):
    """What came back is not what it must be."""


def expect(what, expected, actual):
    if expected != actual:
        raise Difference(f"{what}: expected {show(expected)}, got {show(actual)}")


def show(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"


def run(client, version, modes):
    """Runs the mode that was asked for, which returns the records it handled, and prints one line about it."""
    options = arguments()
    started, records, difference = time.monotonic(), 0, None
    try:
        records = modes[options.mode](options)
    except Exception as error:  # Whatever went wrong is the verdict; the line must be printed in any case.
        difference = f"{type(error).__name__}: {error}".replace("\n", " ").replace('"', "'")
    seconds = time.monotonic() - started
    result = "ok" if difference is None else f'FAILED difference="{difference}"'
    print(
        f"client={client} version={version} mode={options.mode} codec={options.codec} topic={options.topic} "
        f"records={records} seconds={seconds:.2f} result={result}",
        flush=True,
    )
    sys.exit(0 if difference is None else 1)
