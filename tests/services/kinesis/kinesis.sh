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
#   KINESIS_ITERATOR_TTL_S  KINESIS_EFO_SESSION_MS  KINESIS_FAULTS  KINESIS_GETS_PER_SECOND: see server/src/main.rs
set -euo pipefail

MOCK=0.6.2
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=$(realpath -m -- "${PENSTOCK_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock/services}")
PORT=${KINESIS_PORT:-4567}
DIR=$(realpath -m -- "${KINESIS_DIR:-$CACHE/kinesis-$PORT}")
URL=http://127.0.0.1:$PORT

die() { echo "kinesis.sh: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || die "needs '$1' on the PATH: install it (Debian, Ubuntu: apt-get install $2)"; }

# Prints the pid of our server on this folder, if it runs.
running() {
  local pid
  pid=$(cat "$DIR/pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/environ" ] || return 1
  tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF -- "PENSTOCK_SERVICE_DIR=$DIR" || return 1
  echo "$pid"
}

# Any HTTP answer does.
answers() { curl -sS -m 2 -o /dev/null "$URL/" 2>/dev/null; }

resolve() {
  mkdir -p "$CACHE"
  need curl curl; need flock util-linux
  exec 8>"$CACHE/.kinesis.lock"
  flock -w 1800 8 || die "another install holds $CACHE/.kinesis.lock"
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

launch() {
  local mock=$CACHE/kinesis-mock/node_modules/kinesis-local
  export PENSTOCK_SERVICE_DIR=$DIR KINESIS_PORT=$PORT
  cd "$DIR"
  if [ "${KINESIS_ENGINE:-}" = mock ]; then
    KINESIS_MOCK_CERT_PATH=$mock/server.json KINESIS_MOCK_PLAIN_PORT=$PORT KINESIS_MOCK_TLS_PORT=$((PORT + 1)) \
      SHARD_LIMIT=500 LOG_LEVEL=WARN NODE_OPTIONS=--max-old-space-size=512 exec setsid nohup node "$mock/main.js"
  else
    exec setsid nohup "$CACHE/kinesis-server"
  fi
}

up() {
  local pid
  resolve
  mkdir -p "$DIR"
  exec 9>"$DIR/up.lock"
  flock -w 600 9 || die "another start holds $DIR/up.lock"
  if ! running >/dev/null; then
    # A session of its own: Ctrl-C on a test run must not reach it before `down` does.
    (launch </dev/null >"$DIR/log" 2>&1 8>&- 9>&-) &
    pid=$!
    echo "$pid" >"$DIR/pid"
    for _ in $(seq 300); do
      kill -0 "$pid" 2>/dev/null || { tail -n 20 "$DIR/log" >&2; rm -f "$DIR/pid"; die "it ended at its start"; }
      if answers; then break; fi
      sleep 0.1
    done
    answers || { kill -KILL "$pid"; rm -f "$DIR/pid"; die "no answer at $URL; its log is $DIR/log"; }
  fi
  echo "kinesis.sh: up, pid $(<"$DIR/pid")" >&2
  echo "$URL"
}

down() {
  local pid
  if pid=$(running); then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$pid" 2>/dev/null; then kill -KILL "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$DIR/pid"
  if [ "${1:-}" = --wipe ]; then rm -rf "$DIR"; fi
}

case ${1:-help} in
  up) up ;;
  down) down "${2:-}" ;;
  resolve) resolve ;;
  *) awk 'NR>1{if(!/^#/)exit; sub(/^# ?/,""); print}' "$0"; exit 2 ;;
esac
