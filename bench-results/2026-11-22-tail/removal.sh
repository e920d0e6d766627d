#!/bin/bash
# The tail of a durable load beside a drain of 3 GB, whose topic is removed at its end, or not.
#
#   removal.sh OUT KEEP      KEEP: true or false, whether the topic stays
#
# Prints p50/p99 of the acks of each second. Environment: CORELANE, the program, built with --release; DISK, a folder on the
# disk to be measured (default OUT); DRAIN_BY, what the drain's generator is started with, such as "nice -n 19".
set -euo pipefail
out=${1:?usage: removal.sh OUT KEEP}
keep=${2:?usage: removal.sh OUT KEEP}
corelane=${CORELANE:-corelane}
mkdir -p "$out"
cd "$out"
disk=${DISK:-.}
rm -rf "$disk/data" ready
"$corelane" serve --set "memory.cache=64 MiB" --data "$disk/data" --kafka 127.0.0.1:0 --native 127.0.0.1:0 > ready 2> broker.log &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$disk/data"' EXIT
until grep -q '^ready ' ready; do kill -0 "$server"; sleep 0.1; done
target=native://$(sed -n 's/.* native=\([^ ]*\)$/\1/p' ready)
read -ra by <<< "${DRAIN_BY:-}"
"${by[@]}" "$corelane" loadgen run catch-up --target "$target" --quiet --json drain.json --set topic.keep="$keep" \
  --set consume.connections=2 --set consume.delay_s=8 --set consume.backlog_records=3000000 --set time.measured_s=40 > drain.txt 2>&1 &
drain=$!
# The backlog is being written.
until [ "$(du -sm "$disk/data" | cut -f1)" -ge 2500 ]; do kill -0 "$drain"; sleep 0.1; done
sleep 1
"$corelane" loadgen run small-batches --target "$target" --quiet --json tail.json \
  --set time.warm_up_s=1 --set time.measured_s=18 --set time.drain_s=3 > tail.txt 2>&1
wait "$drain"
python3 - <<'P'
import json
series = json.load(open('tail.json'))['series']
print(' '.join(f"{s['second']}:{s['due']['p50']:.1f}/{s['due']['p99']:.1f}" for s in series))
P
