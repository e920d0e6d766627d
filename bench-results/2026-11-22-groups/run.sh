#!/bin/bash
# run.sh CORELANE DATA OUT: heartbeats alone, then with commits, each on a fresh broker of all cores.
set -euo pipefail
trap '[ $pid = 0 ] || kill $pid 2>/dev/null || true' EXIT; pid=0
corelane=$1; data=$2; out=$3; here=$(cd "$(dirname "$0")" && pwd); mkdir -p "$out"
for commits in ${4:-0 50000 100000}; do
  rm -rf "$data"
  "$corelane" serve --data "$data" --kafka 127.0.0.1:19492 --native 127.0.0.1:19493 --set "journal.bytes=256 MiB" \
    --set "memory.cache=512 MiB" --set disk.free_floor=0 --set connections.max=20000 --set "groups.initial_rebalance_delay=1500 ms" > "$out/broker-$commits.log" 2>&1 &
  pid=$!; sleep 3
  python3 "$here/groups_load.py" --port 19492 --pid $pid --commits $commits --seconds 10 --connections ${CONNECTIONS:-200} | tee "$out/commits-$commits.json"
  kill $pid; wait $pid || true
done
rm -rf "$data"
