#!/bin/bash
# Corelane beside Apache Kafka: one at a time, on the same disk, with equal durability, the same scenarios, interleaved.
#
#   compare.sh OUT [SCENARIO ...]
#
# A scenario is a name of the library or a file. OUT gets one JSON a run and one HTML report a scenario. Environment:
#   CORELANE     the program (default: corelane in the path); built with --release
#   WORK         folder of the brokers' data (default: OUT/work); it decides which disk is measured
#   REPETITIONS  rounds, each with every broker and durability (default 3)
#   DURABILITIES which of them (default: durable relaxed)
#   SET          further arguments for each run, such as "--set time.measured_s=10"
#   HEAP         of Kafka (default 1g)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: compare.sh OUT [SCENARIO ...]}
shift
mkdir -p "$out"
out=$(cd "$out" && pwd)
corelane=${CORELANE:-corelane}
work=${WORK:-$out/work}
repetitions=${REPETITIONS:-3}
read -ra durabilities <<< "${DURABILITIES:-durable relaxed}"
heap=${HEAP:-1g}
scenarios=("$@")
[ ${#scenarios[@]} -gt 0 ] || scenarios=(single-record-latency small-batches keyed-1k fan-out-5 large-batches catch-up)
kafka_port=${KAFKA_PORT:-23092}
corelane_port=${CORELANE_PORT:-24092}
native_port=${NATIVE_PORT:-24292}
mkdir -p "$work"
work=$(cd "$work" && pwd)
server=
stop_server() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }
trap stop_server EXIT

wait_for() { # FILE TEXT
  for _ in $(seq 240); do grep -q "$2" "$1" && return; kill -0 "$server" 2>/dev/null || break; sleep 0.25; done
  echo "the server did not start:" >&2; tail -5 "$1" >&2; exit 1
}

start_kafka() {
  local dir=$work/kafka
  rm -rf "$dir/data"; mkdir -p "$dir"
  if [ ! -d "$dir/lib" ]; then
    cp "$here/pom.xml" "$dir/"
    (cd "$dir" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib)
  fi
  sed -e "s#@DIR@#$dir#" -e "s#@PORT@#$kafka_port#" -e "s#@CONTROLLER@#$((kafka_port + 1))#" "$here/kafka.properties.in" > "$dir/server.properties"
  local id; id=$(java -cp "$dir/lib/*" kafka.tools.StorageTool random-uuid 2>/dev/null | tail -1)
  java -cp "$dir/lib/*" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" > "$dir/format.log" 2>&1
  # Kafka's own start script: G1 with short pauses, the whole heap from the beginning.
  java "-Xms$heap" "-Xmx$heap" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 \
    -XX:+ExplicitGCInvokesConcurrent -cp "$dir/lib/*" kafka.Kafka "$dir/server.properties" > "$dir/server.log" 2>&1 &
  server=$!
  # Without a logging library nothing is printed: ask the port.
  for _ in $(seq 240); do (exec 3<> "/dev/tcp/127.0.0.1/$kafka_port") 2>/dev/null && { sleep 2; return; }; sleep 0.25; done
  echo "Kafka did not start" >&2; tail -5 "$dir/server.log" >&2; exit 1
}

start_corelane() {
  local dir=$work/corelane
  rm -rf "$dir"; mkdir -p "$dir"
  "$corelane" serve --data "$dir/data" --kafka "127.0.0.1:$corelane_port" --native "127.0.0.1:$native_port" > "$dir/server.log" 2>&1 &
  server=$!
  wait_for "$dir/server.log" '^ready '
}

# The first touch of memory can cost ten times a later one where the host backs guest memory lazily.
warm_memory() {
  python3 - <<'PY'
pages = open('/proc/meminfo').read().split('MemAvailable:')[1].split()[0]
size = min(int(pages) * 1024 // 2, 8 << 30)
block = bytearray(size)
for at in range(0, size, 4096):
    block[at] = 1
PY
}

measure() { # BROKER TARGET SCENARIO DURABILITY ROUND
  local name
  name="$(basename "$3" .toml).$1.$4.$5"
  echo "== $name"
  # shellcheck disable=SC2086 # SET is several arguments.
  "$corelane" loadgen run "$3" --target "$2" --server-pid "$server" --quiet --set "topic.durability=$4" ${SET:-} \
    --json "$out/$name.json" || echo "   not valid; its file says why"
}

warm_memory
for round in $(seq "$repetitions"); do
  for scenario in "${scenarios[@]}"; do
    for durability in "${durabilities[@]}"; do
      start_kafka; measure kafka "kafka://127.0.0.1:$kafka_port" "$scenario" "$durability" "$round"; stop_server
      start_corelane
      measure corelane-kafka "kafka://127.0.0.1:$corelane_port" "$scenario" "$durability" "$round"
      measure corelane-native "native://127.0.0.1:$native_port" "$scenario" "$durability" "$round"
      stop_server
    done
  done
done
for scenario in "${scenarios[@]}"; do
  scenario=$(basename "$scenario" .toml)
  "$corelane" loadgen report "$out/$scenario".*.json --html "$out/$scenario.html"
done
