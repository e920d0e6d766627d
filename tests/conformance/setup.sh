#!/bin/bash
# Installs what the suite needs into .work beside this script. A stamp remembers what each client was made from, so
# that a second run does nothing.
# Needs python3 with venv, npm, go, cargo, a JDK (17 or later) and mvn; and apt for kcat where it is missing.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p .work/stamps
work=$PWD/.work

# once NAME FILES... : true unless NAME was made from these very files.
once() {
  local name=$1
  shift
  sum=$(cat setup.sh "$@" | sha256sum)
  [ "$(cat ".work/stamps/$name" 2>/dev/null)" != "$sum" ]
}
made() { echo "$sum" > ".work/stamps/$1"; }

if ! command -v kcat > /dev/null; then
  echo "setup: kcat from apt"
  apt-get install -y -q kcat > /dev/null || { apt-get update -q > /dev/null && apt-get install -y -q kcat > /dev/null; }
fi

if once python clients/python/requirements.txt; then
  echo "setup: python clients"
  python3 -m venv --clear .work/venv
  .work/venv/bin/pip install -q -r clients/python/requirements.txt
  made python
fi

if once node clients/node/package.json clients/node/package-lock.json; then
  echo "setup: node clients and the node that runs them"
  mkdir -p .work/node
  cp clients/node/package.json clients/node/package-lock.json .work/node/
  (cd .work/node && npm ci --silent --no-fund --no-audit)
  ln -sfn "$work/node/node_modules" clients/node/node_modules
  ln -sfn "$(ls -d "$work"/node/node_modules/node-linux-*/bin/node)" .work/node/node
  made node
fi

if once go clients/go/*; then
  echo "setup: go client"
  (cd clients/go && go build -mod=readonly -o "$work/sarama" .)
  made go
fi

if once java clients/java/pom.xml $(find clients/java/src -name '*.java' | sort); then
  echo "setup: java client"
  rm -rf .work/java
  mvn -q -B -f clients/java/pom.xml -Dwork="$work/java" compile > .work/mvn.log 2>&1 || { cat .work/mvn.log; exit 1; }
  made java
fi

if once rust $(find clients/rust -type f | sort); then
  echo "setup: rust client"
  (cd clients/rust && CARGO_TARGET_DIR="$work/rust-target" cargo build --quiet --locked)
  made rust
fi

if once tools clients/tools/pom.xml $(find clients/tools/src -name '*.java' | sort); then
  echo "setup: Kafka's tools, Streams and Connect"
  rm -rf .work/tools
  mvn -q -B -f clients/tools/pom.xml -Dwork="$work/tools" compile > .work/mvn.log 2>&1 || { cat .work/mvn.log; exit 1; }
  made tools
fi
