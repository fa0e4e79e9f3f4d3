#!/usr/bin/env bash
# Runs a Kinesis endpoint on loopback, in memory: the emulator ferrokinesis, built by cargo from server/ beside this file.
# Needs bash, curl, flock, cargo. Any credentials do.
#
#   kinesis.sh up            start it; prints its address
#   kinesis.sh down [--wipe] stop it (and delete its files); fine if none runs. What it held is gone either way
#   kinesis.sh resolve       only build it
#
# Settings (environment):
#   PENSTOCK_SERVICES_HOME  where the build is kept        ${XDG_CACHE_HOME:-~/.cache}/penstock/services
#   KINESIS_DIR             log, pid                       $PENSTOCK_SERVICES_HOME/kinesis-$KINESIS_PORT
#   KINESIS_PORT=4567
#   KINESIS_ENGINE          mock: kinesis-mock from npm instead, which needs node; it listens on all interfaces, the
#                           next port has TLS, and of the settings below it knows none
#   KINESIS_ITERATOR_TTL_S  KINESIS_EFO_SESSION_MS  KINESIS_FAULTS  KINESIS_GETS_PER_SECOND
#   KINESIS_REFUSED_ENTRIES: see server/src/main.rs
set -euo pipefail

MOCK=0.6.2
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$(dirname "${BASH_SOURCE[0]}")/../server.sh"
PORT=${KINESIS_PORT:-4567}
DIR=$(realpath -m -- "${KINESIS_DIR:-$CACHE/kinesis-$PORT}")
URL=http://127.0.0.1:$PORT

# Any HTTP answer does.
answers() { curl -sS -m 2 -o /dev/null "$URL/" 2>/dev/null; }

resolve() {
  need curl curl
  alone "$CACHE/.kinesis.lock"
  if [ "${KINESIS_ENGINE:-}" = mock ]; then
    need node nodejs; need npm npm
    if ! grep -q "\"version\" *: *\"$MOCK\"" "$CACHE/kinesis-mock/node_modules/kinesis-local/package.json" 2>/dev/null; then
      mkdir -p "$CACHE/kinesis-mock"
      npm install --silent --no-audit --no-fund --prefix "$CACHE/kinesis-mock" "kinesis-local@$MOCK" >&2 || die "npm install failed"
    fi
  else
    need cargo cargo
    # Flags for the code under test are none of its business.
    env -u RUSTFLAGS CARGO_TARGET_DIR="$CACHE/kinesis-target" cargo build --quiet --release --locked \
      --manifest-path "$HERE/server/Cargo.toml" >&2 8>&- || die "cargo build failed"
    # One that runs keeps its file, and a later build replaces nothing under it.
    if ! cmp -s "$CACHE/kinesis-target/release/kinesis-server" "$CACHE/kinesis-server"; then
      cp "$CACHE/kinesis-target/release/kinesis-server" "$CACHE/kinesis-server.new"
      mv "$CACHE/kinesis-server.new" "$CACHE/kinesis-server"
    fi
  fi
  exec 8>&-
}

up() {
  local mock=$CACHE/kinesis-mock/node_modules/kinesis-local
  resolve
  export KINESIS_PORT=$PORT
  if [ "${KINESIS_ENGINE:-}" = mock ]; then
    KINESIS_MOCK_CERT_PATH=$mock/server.json KINESIS_MOCK_PLAIN_PORT=$PORT KINESIS_MOCK_TLS_PORT=$((PORT + 1)) \
      SHARD_LIMIT=500 LOG_LEVEL=WARN NODE_OPTIONS=--max-old-space-size=512 launch 30 node "$mock/main.js"
  else
    launch 30 "$CACHE/kinesis-server"
  fi
  echo "kinesis.sh: up, pid $(<"$DIR/pid")" >&2
  echo "$URL"
}

case ${1:-help} in
  up) up ;;
  down) down 5 "${2:-}" ;;
  resolve) resolve ;;
  *) usage ;;
esac
