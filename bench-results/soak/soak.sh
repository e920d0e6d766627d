#!/bin/bash
# Half an hour of a steady load while retention removes and compaction rewrites segments: does the tail or the memory grow?
#
#   soak.sh OUT
#
# Three runs of a third of the time each, one after the other on one broker, so that `loadgen compare` can say
# whether the last is worse than the first; beside them a keyed load on a compacted topic. Environment:
#   CORELANE   the program (default: corelane in the path); built with --release
#   WORK       folder of the broker's data (default: OUT/work)
#   THIRD      seconds of each run (default 600)
set -euo pipefail
out=${1:?usage: soak.sh OUT}
mkdir -p "$out"
out=$(cd "$out" && pwd)
corelane=${CORELANE:-corelane}
third=${THIRD:-600}
work=${WORK:-$out/work}
rm -rf "$work"
mkdir -p "$work"
cat > "$work/corelane.toml" <<'TOML'
[memory]
cache = "256 MiB"
[retention]
check_interval = "10 s"
[compaction]
check_interval = "10 s"
TOML
"$corelane" serve --config "$work/corelane.toml" --data "$work/data" --kafka 127.0.0.1:0 --native 127.0.0.1:0 > "$work/ready" 2> "$out/broker.log" &
server=$!
keyed=
stop() { for pid in $keyed $server; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$work"; }
trap stop EXIT
until grep -q '^ready ' "$work/ready"; do kill -0 "$server"; sleep 0.1; done
target=native://$(sed -n 's/.* native=\([^ ]*\)$/\1/p' "$work/ready")

"$corelane" loadgen run keyed-1k --target "$target" --quiet --json "$out/keyed.json" \
  --set topic.settings.cleanup.policy=compact --set topic.settings.segment.bytes=16777216 \
  --set topic.settings.min.cleanable.dirty.ratio=0.1 \
  --set topic.partitions=8 --set load.rate=1000 --set produce.producers=4 --set consume.readers=0 \
  --set time.measured_s=$((3 * third + 60)) > "$out/keyed.txt" 2>&1 &
keyed=$!
for part in 1 2 3; do
  "$corelane" loadgen run small-batches --target "$target" --server-pid "$server" --quiet --json "$out/part-$part.json" \
    --set topic.partitions=8 --set topic.settings.retention.bytes=16777216 --set topic.settings.segment.bytes=4194304 \
    --set load.rate=5000 --set produce.producers=4 --set records.bytes=1024 \
    --set time.warm_up_s=60 --set time.measured_s=$((third - 60)) | tee "$out/part-$part.txt"
  grep VmRSS "/proc/$server/status" | tee -a "$out/part-$part.txt"
done
"$corelane" loadgen compare "$out/part-1.json" "$out/part-3.json" | tee "$out/compare.txt" || true
