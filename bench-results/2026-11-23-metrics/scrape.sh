#!/bin/bash
# Scrapes of a broker with a topic of 5,000 partitions: their times, and the stalls that it counts before and after.
#   CORELANE=target/release/corelane scrape.sh FOLDER
set -euo pipefail
cd "${1:?usage: scrape.sh FOLDER}"
corelane=${CORELANE:-corelane}
metrics=http://127.0.0.1:24494/metrics
"$corelane" serve --data data --kafka 127.0.0.1:24392 --native 127.0.0.1:24393 --set http.listen=127.0.0.1:24494 > broker.log 2>&1 &
broker=$!
trap 'kill $broker; wait $broker || true' EXIT
for _ in $(seq 100); do grep -q '^ready ' broker.log && break; sleep 0.1; done
"$corelane" topic create many --partitions 5000 --broker 127.0.0.1:24392
sleep 2
stalls() { curl -s $metrics | grep '^corelane_task_stalls_total' || true; }
stalls > before.txt
for _ in $(seq 60); do curl -s -o scraped.txt -w '%{time_total}\n' $metrics; sleep 0.2; done | sort -n > times.txt
stalls > after.txt
echo "shortest, median and longest scrape in seconds: $(sed -n '1p;30p;60p' times.txt | tr '\n' ' ')"
echo "$(wc -l < scraped.txt) lines; stalls that were counted meanwhile:"
diff before.txt after.txt && echo none
