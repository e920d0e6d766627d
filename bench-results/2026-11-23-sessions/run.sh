#!/bin/bash
# run.sh CORELANE OUT: a broker of this build on two cores in a folder of its own, the script against it, and the tasks of
# the broker that kept their core for more than 500 us meanwhile.
set -eu
corelane=$1 out=$2
folder=$(dirname "$(readlink -f "$0")")
mkdir -p "$out"
"$corelane" serve --log info,rt=debug --data "$out/data" --cores 2 --kafka 127.0.0.1:19592 --native 127.0.0.1:19593 \
    >"$out/log" 2>&1 &
broker=$!
trap 'kill $broker; wait $broker || true; rm -rf "$out/data"' EXIT
sleep 3
"$folder/large_session.py" 127.0.0.1:19592 "${@:3}" | tee "$out/figures"
sleep 12
