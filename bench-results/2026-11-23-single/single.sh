#!/bin/bash
# single.sh CORELANE FOLDER ROUNDS: one durable record of 1 KiB in flight beside what the machine can do, alternating.
# Lines: the device back to back and with pauses of 200 us (fio), the least program (floor.c), and the broker.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); corelane=$1; mkdir -p "$2"; folder=$(cd "$2" && pwd); rounds=$3
gcc -O2 -o "$folder/floor" "$here/floor.c" -lpthread
device() { # PAUSE_US
  (cd "$folder" && fio --name=flushed --filename=dev.img --size=64m --rw=write --bs=4k --direct=1 --ioengine=io_uring --fdatasync=1 \
    --overwrite=1 --thinktime="$1" --time_based --runtime=5 --output-format=json > dev.json 2>/dev/null; python3 - "$1" <<'P'
import json, sys
job = json.load(open('dev.json'))['jobs'][0]
part = lambda ns, key: ns['percentile'][key] / 1e3
write, sync = job['write']['clat_ns'], job['sync']['lat_ns']
print('device, pause %s us: write p50 %.0f p99 %.0f, flush p50 %.0f p99 %.0f us' % (sys.argv[1], *(part(ns, key) for ns in (write, sync) for key in ('50.000000', '99.000000'))))
P
  )
}
broker() {
  "$corelane" serve --data "$folder/data" --kafka 127.0.0.1:0 --native 127.0.0.1:0 --set http.listen=127.0.0.1:0 --set memory.cache=256MiB \
    --log warn > "$folder/ready" 2> "$folder/log" &
  local pid=$!
  until grep -q '^ready ' "$folder/ready"; do sleep .1; done
  "$corelane" loadgen run "$here/../peers/closed-single-1k.toml" --target "native://$(sed -n 's/.*native=\([^ ]*\).*/\1/p' "$folder/ready")" \
    --server-pid $pid --quiet --json "$folder/run.json" --set time.warm_up_s=5 --set time.measured_s=10 --set time.drain_s=3 > /dev/null
  python3 - "$folder/run.json" <<'P'
import json, sys
run = json.load(open(sys.argv[1]))
s = run['latency']['service']
print('broker: p50 %.0f p99 %.0f us, %.0f CPU s per million' % (s['p50'] * 1e3, s['p99'] * 1e3, run['server']['cpu_seconds_per_million_records']))
P
  kill $pid; wait $pid || true; rm -rf "$folder/data"
}
for _ in $(seq "$rounds"); do device 0; device 200; "$folder/floor" "$folder/floor.img" 1 0 0 20000; broker; done
rm -f "$folder"/dev.* "$folder/floor"
