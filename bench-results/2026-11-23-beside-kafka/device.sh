#!/bin/bash
# the device: a write of 4 KiB and its flush, one after the other, in place
cd $1; fio --name=flushed --filename=dev.img --size=64m --rw=write --bs=4k --direct=1 --ioengine=io_uring --iodepth=1 --fdatasync=1 --time_based --runtime=10 --output-format=json 2>/dev/null > dev.json; python3 - <<'P'
import json
j=json.load(open('dev.json'))['jobs'][0]
w=j['write']['clat_ns']['percentile']; s=j['sync']['lat_ns']['percentile']
g=lambda d,k:d[k]/1e6
print('write p50 %.3f p99 %.3f, flush p50 %.3f p99 %.3f ms'%(g(w,'50.000000'),g(w,'99.000000'),g(s,'50.000000'),g(s,'99.000000')))
P
rm -f dev.img
