#!/usr/bin/env python3
"""The tail of acks of 200 busy partitions, without and with idle ones beside them, in windows that alternate.

    idle.py CORELANE FOLDER [IDLE] [PAIRS] [SECONDS]

Two brokers, one of them with IDLE partitions (9800) that nobody writes to, each in a folder of its own below FOLDER, so that what
the machine and its disk do in the meantime meets both. Of each pair of windows (18 of 10 s) the order changes. A window whose generator
was late itself is repeated. Prints each pair's p50 and p99 in ms, and the ratios' geometric mean with its standard error.
"""
import json, math, pathlib, re, subprocess, sys

corelane, folder = sys.argv[1], pathlib.Path(sys.argv[2])
idle, pairs, seconds = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((3, 9800), (4, 18), (5, 10)))


def serve(name):
    broker = subprocess.Popen(
        [corelane, "serve", "--set", "memory.cache=32 MiB", "--data", folder / name, "--kafka", "127.0.0.1:0", "--native", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=open(folder / f"{name}.log", "w"), text=True)
    line = broker.stdout.readline()
    return broker, re.search(r"kafka=(\S+)", line)[1], re.search(r"native=(\S+)", line)[1]


def window(broker, native):
    out = folder / "window.json"
    ended = subprocess.run(
        [corelane, "loadgen", "run", "small-batches", "--target", f"native://{native}", "--server-pid", str(broker.pid), "--quiet",
         "--json", out, "--set", "topic.partitions=200", "--set", "consume.readers=0", "--set", "load.rate=20000",
         "--set", "produce.producers=4", "--set", "time.warm_up_s=2", "--set", f"time.measured_s={seconds}"],
        stdout=subprocess.DEVNULL)
    run = json.loads(out.read_text())
    if ended.returncode != 0:
        print("again:", *run["problems"], flush=True)
        return window(broker, native)
    return run["latency"]["due"], run["server"]["cpu_seconds_per_million_records"]


def mean(ratios):
    logs = [math.log(ratio) for ratio in ratios]
    middle = sum(logs) / len(logs)
    error = math.sqrt(sum((x - middle) ** 2 for x in logs) / max(1, len(logs) - 1) / len(logs))
    return f"{math.exp(middle):.3f} +- {math.exp(middle) * error:.3f}, median {sorted(ratios)[len(ratios) // 2]:.3f}"


folder.mkdir(parents=True, exist_ok=True)
brokers = {name: serve(name) for name in ("alone", "beside")}
try:
    subprocess.run([corelane, "topic", "create", "idle", "--partitions", str(idle), "--broker", brokers["beside"][1]],
                   check=True, stdout=subprocess.DEVNULL)
    for name in brokers:  # the first touch of memory
        window(brokers[name][0], brokers[name][2])
    found = {"p50": [], "p99": [], "p99_9": [], "cpu": []}
    for pair in range(pairs):
        order = ("alone", "beside") if pair % 2 == 0 else ("beside", "alone")
        of = {name: window(brokers[name][0], brokers[name][2]) for name in order}
        for key in ("p50", "p99", "p99_9"):
            found[key].append(of["beside"][0][key] / of["alone"][0][key])
        found["cpu"].append(of["beside"][1] / of["alone"][1])
        print("alone p50 {:.3f} p99 {:.3f} ms".format(of["alone"][0]["p50"], of["alone"][0]["p99"]), "  beside p50 {:.3f} p99 {:.3f} ms".format(
            of["beside"][0]["p50"], of["beside"][0]["p99"]), "  CPU s per million {:.1f} {:.1f}".format(of["alone"][1], of["beside"][1]), flush=True)
    for key, ratios in found.items():
        print(f"{key}: beside / alone {mean(ratios)}")
finally:
    for broker, *_ in brokers.values():
        broker.terminate()
        broker.wait()
