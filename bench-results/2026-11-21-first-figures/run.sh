#!/bin/bash
# First figures: durable produce in large and small batches, consume, and one record in flight, beside the limit
# prototype in the same run.
#   CORELANE=target/release/corelane LIMIT=path/to/limit-prototype run.sh [OUT]
# Closed loops give throughput; the single record's latency is that of one request in flight.
set -euo pipefail
corelane=${CORELANE:-corelane}
out=${1:-.}
work=$(mktemp -d -p "${WORK:-.}")
server=
clean_up() { [ -z "$server" ] || { kill "$server"; wait "$server" || true; }; rm -rf "$work"; }
trap clean_up EXIT
# The prototype has been seen to wait for ever.
limit() { [ -z "${LIMIT:-}" ] || (cd "$work" && timeout 60 "$LIMIT" mode=sync kb="$1" shards=2 file=zeroed) || echo "the prototype did not end"; }

# Memory that the host has not backed yet would be measured otherwise (facts: ten times slower at first touch).
"$corelane" serve --data "$work/data" --kafka 127.0.0.1:0 --native 127.0.0.1:0 > "$work/ready" 2> "$work/log" &
server=$!
until grep -q ready "$work/ready"; do sleep 0.1; done
kafka=$(sed -n 's/^ready kafka=\([^ ]*\) .*/\1/p' "$work/ready")
native=$(sed -n 's/.* native=\([^ ]*\)$/\1/p' "$work/ready")

closed=(--set load.loop=closed --set topic.partitions=8 --set time.warm_up_s=2 --set time.measured_s=5 --set time.drain_s=1)
case_() { # NAME SCENARIO ARGUMENTS...
  local name=$1 scenario=$2 door
  shift 2
  for door in native kafka; do
    echo "== $name, $door door"
    # A run that refuses its own latency still tells the throughput.
    "$corelane" loadgen run "$scenario" --target "$door://${!door}" --quiet --server-pid "$server" "$@" \
      --json "$out/$name-$door.json" || true
  done
}
echo "== warm-up"
"$corelane" loadgen run large-batches --target "native://$native" --quiet "${closed[@]}" > /dev/null || true
for repetition in 1 2 3; do
  echo "==== repetition $repetition: $(uptime)"
  limit 1024
  case_ produce-1KiBx1000 large-batches "${closed[@]}" --set produce.in_flight=1
  limit 16
  case_ produce-100Bx100 large-batches "${closed[@]}" --set produce.in_flight=1 --set records.bytes=100 \
    --set produce.batch_bytes=11500 --set produce.request_bytes=11500
  limit 1
  case_ single-1KiB large-batches "${closed[@]}" --set produce.in_flight=1 --set produce.producers=1 \
    --set topic.partitions=1 --set produce.batch_bytes=1150 --set produce.request_bytes=2048
  case_ consume catch-up --set consume.backlog_records=1000000 --set time.measured_s=20
done
