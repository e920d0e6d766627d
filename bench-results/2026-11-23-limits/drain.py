#!/usr/bin/env python3
"""A tail's latency beside the drain of a backlog.

    drain.py CORELANE FOLDER [apart|shared] [GB]

A backlog of GB (10) is written; then a load of 20,000 records/s of 100 B runs, durable, with a reader at its end; ten seconds later two
connections drain the backlog. `shared`: broker and generators have all processors. `apart`: the broker has processor 0 to itself, the
generators have processor 1, where the drain's gives way (nice 19): what is left is what the broker itself does to the tail.
Prints p50/p99 in ms of the acks and from record to reader, by second.
"""
import json, os, pathlib, re, subprocess, sys, time

corelane, folder = sys.argv[1], pathlib.Path(sys.argv[2])
apart = (sys.argv[3] if len(sys.argv) > 3 else "shared") == "apart"
records = int(float(sys.argv[4] if len(sys.argv) > 4 else 10) * 1e9 / 1100)
SETTINGS = os.environ.get("SETTINGS", "").split()

folder.mkdir(parents=True, exist_ok=True)
clients = ["taskset", "-c", "1"] if apart else []
broker = subprocess.Popen(
    [*(["taskset", "-c", "0"] if apart else []), corelane, "serve", *(["--cores", "1"] if apart else []), "--set", "memory.cache=64 MiB",
     *[x for s in SETTINGS for x in ("--set", s)],
     "--data", folder / "data", "--kafka", "127.0.0.1:0", "--native", "127.0.0.1:0"],
    stdout=subprocess.PIPE, stderr=open(folder / "broker.log", "w"), text=True)
target = "native://" + re.search(r"native=(\S+)", broker.stdout.readline())[1]


def loadgen(scenario, name, by=(), **settings):
    sets = [x for key, value in settings.items() for x in ("--set", f"{key.replace('__', '.', 1)}={value}")]
    return subprocess.Popen([*clients, *by, corelane, "loadgen", "run", scenario, "--target", target, "--server-pid", str(broker.pid), "--quiet",
                             "--json", folder / f"{name}.json", *sets], stdout=open(folder / f"{name}.txt", "w"), stderr=subprocess.STDOUT)


def used():
    return int(subprocess.run(["du", "-sm", folder / "data"], capture_output=True, text=True).stdout.split()[0])


try:
    drain = loadgen("catch-up", "drain", ["nice", "-n", "19"] if apart else [], topic__keep="true", consume__connections=2, consume__delay_s=14,
                    consume__backlog_records=records, time__measured_s=60, records__checksum="false")
    before, same = 0, 0
    while same < 4:  # until the backlog is there
        time.sleep(0.25)
        now = used()
        same = same + 1 if now == before and now > 500 else 0
        before = now
    tail = loadgen("small-batches", "tail", time__warm_up_s=1, time__measured_s=int(os.environ.get("TAIL_S", 40)), time__drain_s=3)
    tail.wait(), drain.wait()
    series = json.loads((folder / "tail.json").read_text())["series"]
    run = json.loads((folder / "drain.json").read_text())
    print("drain MB/s by second:", " ".join(str(round(s["counts"]["consumed_bytes"] / 1e6)) for s in run["series"]))
    print("acks", " ".join(f"{s['due']['p50']:.2f}/{s['due']['p99']:.1f}" for s in series))
    print("to reader", " ".join(f"{s['end_to_end']['p50']:.2f}/{s['end_to_end']['p99']:.1f}" for s in series))
    print("server cores", " ".join(f"{s['server_cores'] or 0:.2f}" for s in series))
finally:
    broker.terminate()
    broker.wait()
