#!/bin/bash
# run.sh BOOTSTRAP [--count N] [--only CLIENT[,CLIENT]] [--codec CODEC[,CODEC]]: see README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/setup.sh" >&2
exec "$here/.work/venv/bin/python" "$here/matrix.py" "$@"
