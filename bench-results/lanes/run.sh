#!/bin/bash
# What lanes change for Kafka clients: the same loads through the plain listener and through the lanes of one broker,
# in turn, from Java's client and from librdkafka. A line of JSON a run.
#
#   run.sh OUT
#
# Environment:
#   CORELANE     the program (default: corelane in the path); built with --release
#   KAFKA_LIBS   folder with kafka-tools and kafka-clients of 4.3 (as bench-results/peers/pom.xml fetches them)
#   PYTHON       an interpreter that has confluent-kafka (default python3)
#   ROUNDS       each with both clients and both listeners (default 3)
#   RATE         records of 1 KiB in a second (default 20000)
#   SECONDS_EACH length of a run (default 15)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: run.sh OUT}
mkdir -p "$out"
out=$(cd "$out" && pwd)
corelane=${CORELANE:-corelane}
libs=${KAFKA_LIBS:?the folder of the jars}
python=${PYTHON:-python3}
rounds=${ROUNDS:-3}
rate=${RATE:-20000}
length=${SECONDS_EACH:-15}
partitions=16
rm -rf "$out/data"
"$corelane" serve --data "$out/data" --kafka 127.0.0.1:25092 --native 127.0.0.1:25292 --set memory.cache=256MiB \
  --set kafka.lanes=2 --set kafka.lanes_listen=127.0.0.1:25192 > "$out/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true; rm -rf "$out/data"' EXIT
for _ in $(seq 100); do grep -q ready "$out/server.log" && break; sleep 0.1; done
"$corelane" topic create lanes --partitions $partitions --door native --broker 127.0.0.1:25292 > /dev/null

figures() { "$corelane" status --json --broker 127.0.0.1:25292 | "$python" -c '
import json, sys
status = json.loads(sys.stdin.readline())
print(status["cpu_ms"], *(sum(core[field] for core in status["cores"]) for field in ("direct", "crossed")))'; }

java_produce() {
  java -Xmx512m -cp "$libs/*" org.apache.kafka.tools.ProducerPerformance --topic lanes --record-size 1024 \
    --num-records $((rate * length)) --throughput "$rate" \
    --producer-props bootstrap.servers="$1" acks=all linger.ms=2 batch.size=65536 2> /dev/null | tail -1 |
    "$python" -c '
import json, re, sys
line = sys.stdin.read()
p50, p95, p99 = (float(re.search(r"([\d.]+) ms %sth" % q, line).group(1)) for q in ("50", "95", "99"))
print(json.dumps({"records": int(line.split()[0]), "p50_ms": p50, "p99_ms": p99}))'
}

librdkafka_produce() { "$python" "$here/librdkafka.py" "$1" lanes "$rate" "$length"; }

librdkafka_consume() { "$python" "$here/librdkafka.py" "$1" lanes consume $((rate * length)); }

java_consume() {
  java -Xmx512m -cp "$libs/*" org.apache.kafka.tools.ConsumerPerformance --topic lanes --bootstrap-server "$1" \
    --num-records $((rate * length)) --timeout 60000 2> /dev/null | tail -1 |
    "$python" -c '
import json, sys
cells = [cell.strip() for cell in sys.stdin.read().split(",")]
print(json.dumps({"records": int(cells[4]), "mb_per_second": float(cells[3])}))'
}

for round in $(seq "$rounds"); do
  for load in java_produce librdkafka_produce java_consume librdkafka_consume; do
    for listener in plain lanes; do
      port=25092; [ $listener = lanes ] && port=25192
      read -r cpu direct crossed < <(figures)
      answer=$("$load" "127.0.0.1:$port")
      read -r cpu_end direct_end crossed_end < <(figures)
      "$python" -c '
import json, sys
round, load, listener, cpu, direct, crossed, answer = sys.argv[1:]
run = {"round": int(round), "load": load, "listener": listener, **json.loads(answer)}
run["cpu_ms"] = int(cpu)
asked = int(direct) + int(crossed)
run["requests"], run["crossed_share"] = asked, (int(crossed) / asked if asked else None)
run["cpu_ms_per_mib"] = int(cpu) / (run["records"] / 1024)
print(json.dumps(run))' "$round" "$load" "$listener" $((cpu_end - cpu)) $((direct_end - direct)) $((crossed_end - crossed)) "$answer" |
        tee -a "$out/runs.jsonl"
    done
  done
done
