#!/bin/bash
# The tail of acks of 200 busy partitions, without and with 9,800 idle ones beside them.
#
#   idle.sh OUT IDLE      IDLE: partitions that nobody writes to, 0 for none
#
# Prints the acks' p50/p99 and the broker's CPU. Environment: CORELANE, the program, built with --release; DISK, a folder on
# the disk to be measured (default OUT); SECONDS_EACH (default 20); RATE in records/s (default 20000).
set -euo pipefail
out=${1:?usage: idle.sh OUT IDLE}
idle=${2:?usage: idle.sh OUT IDLE}
corelane=${CORELANE:-corelane}
mkdir -p "$out"
out=$(cd "$out" && pwd)
disk=${DISK:-$out}
rm -rf "$disk/data" "$out/ready"
"$corelane" serve --set "memory.cache=32 MiB" --data "$disk/data" --kafka 127.0.0.1:0 --native 127.0.0.1:0 > "$out/ready" 2> "$out/broker.log" &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$disk/data"' EXIT
until grep -q '^ready ' "$out/ready"; do kill -0 "$server"; sleep 0.1; done
kafka=$(sed -n 's/.* kafka=\([^ ]*\) .*/\1/p' "$out/ready")
target=native://$(sed -n 's/.* native=\([^ ]*\)$/\1/p' "$out/ready")
[ "$idle" = 0 ] || "$corelane" topic create idle --partitions "$idle" --broker "$kafka" > /dev/null
"$corelane" loadgen run small-batches --target "$target" --server-pid "$server" --quiet --json "$out/idle-$idle.json" \
  --set topic.partitions=200 --set consume.readers=0 --set load.rate="${RATE:-20000}" --set produce.producers=4 \
  --set time.warm_up_s=15 --set time.measured_s="${SECONDS_EACH:-20}" > "$out/idle-$idle.txt" 2>&1
python3 - "$out/idle-$idle.json" "$idle" <<'P'
import json, sys
run = json.load(open(sys.argv[1]))
ack = run["latency"]["due"] if "due" in run["latency"] else next(v for v in run["latency"].values() if v.get("count"))
cpu = run["server"]["cpu_seconds_per_million_records"]
print(f"{sys.argv[2]} idle: p50 {ack['p50']:.3f} p99 {ack['p99']:.3f} p99.9 {ack['p99_9']:.3f} ms, {cpu:.1f} CPU s per million, valid {run['is_valid']}")
P
