#!/bin/bash
# run.sh HOST:PORT [--serve COMMAND] [--count N] [--only CLIENT,…] [--codec CODEC,…] [--pass PASS,…]: see README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/setup.sh" >&2
exec "$here/.work/venv/bin/python" "$here/matrix.py" "$@"
