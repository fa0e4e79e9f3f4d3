#!/usr/bin/env bash
# Runs a real ClickHouse server on loopback; the engine comes from PyPI at the first start.
# Safe to call again and from several processes at once: a running server is left as it is.
# Needs bash, curl, flock and Python 3.9+ with pip.
#
#   clickhouse.sh up            start it; prints its HTTP address
#   clickhouse.sh down [--wipe] stop it (and delete its data); fine if none runs
#   clickhouse.sh resolve       only install the engine
#
# Settings (environment):
#   PENSTOCK_SERVICES_HOME       where the engine is kept (0.6 GB)  ${XDG_CACHE_HOME:-~/.cache}/penstock/services
#   CLICKHOUSE_HOME=DIR          data, logs, users.xml              $PENSTOCK_SERVICES_HOME/clickhouse-$CLICKHOUSE_HTTP_PORT
#   CLICKHOUSE_HTTP_PORT=8123    CLICKHOUSE_TCP_PORT=9000           CLICKHOUSE_HOST=127.0.0.1
#   CLICKHOUSE_FRESH=1           empty CLICKHOUSE_HOME first, if no server runs on it
#   CLICKHOUSE_ZOOKEEPER=H:P     turns KeeperMap on; replicated tables can be created then, and stay read-only
#   CLICKHOUSE_SYSTEM_LOGS=0     no query_log and so on (for benchmarks)
#   CLICKHOUSE_MAX_MEMORY=BYTES  CLICKHOUSE_LOG_LEVEL=warning
#   CLICKHOUSE_ENGINE=26.7       an older engine, of requirements-26.7.txt  the newest, of requirements.txt
#   CLICKHOUSE_LIB=FILE          use this engine library instead
#
# Users: `default` (no password, all rights), `writer`/`writer` (SELECT, INSERT), `reader`/`reader`.
# What runs is ClickHouse's own clickhouse-local, out of the wheel chdb-core, with its own HTTP and native
# listeners; nothing imitates the protocol. Against clickhouse-server it has no async-insert queue, no
# CREATE USER, no TLS ports, no ON CLUSTER, no replication and no system.asynchronous_metrics.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=$(realpath -m -- "${PENSTOCK_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock/services}")
HOST=${CLICKHOUSE_HOST:-127.0.0.1}
HTTP_PORT=${CLICKHOUSE_HTTP_PORT:-8123}
TCP_PORT=${CLICKHOUSE_TCP_PORT:-9000}
DIR=$(realpath -m -- "${CLICKHOUSE_HOME:-$CACHE/clickhouse-$HTTP_PORT}")
ENGINE=$CACHE/clickhouse-engine${CLICKHOUSE_ENGINE:+-$CLICKHOUSE_ENGINE}
PYTHON=${PYTHON:-python3}
pidfile=$DIR/server.pid

die() { echo "clickhouse.sh: $*" >&2; exit 1; }
need() { # need PROGRAM PACKAGE: what a person must install when it is missing
  command -v "$1" >/dev/null 2>&1 || die "needs '$1' on the PATH: install it (Debian, Ubuntu: apt-get install $2)"
}

# Prints the pid of our server on this folder, if it runs.
running() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || return 1
  tr '\0' '\n' < "/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "$DIR" || return 1
  echo "$pid"
}

ping() { curl -fsS -m 2 "http://$HOST:$HTTP_PORT/ping" >/dev/null 2>&1; }

say() {
  local version
  version=$(curl -fsS -m 10 "http://$HOST:$HTTP_PORT/?query=SELECT%20version()")
  echo "clickhouse.sh: up, ClickHouse $version, tcp $HOST:$TCP_PORT, pid $1, data $DIR" >&2
  echo "http://$HOST:$HTTP_PORT"
}

install_engine() {
  local want=$here/requirements${CLICKHOUSE_ENGINE:+-$CLICKHOUSE_ENGINE}.txt dir=$ENGINE
  [ -f "$want" ] || die "no engine is known by CLICKHOUSE_ENGINE=${CLICKHOUSE_ENGINE:-}: expected a file $want"
  mkdir -p "$CACHE"
  exec 8>"$dir.lock"
  flock -w 900 8 || die "another install holds $dir.lock"
  if ! cmp -s "$want" "$dir/requirements.txt"; then
    need "$PYTHON" python3
    "$PYTHON" -m pip --version >/dev/null 2>&1 ||
      die "needs pip for '$PYTHON': install it (Debian, Ubuntu: apt-get install python3-pip)"
    echo "clickhouse.sh: installing the engine into $dir (once) ..." >&2
    rm -rf "$dir" "$dir.new"
    PIP_ROOT_USER_ACTION=ignore "$PYTHON" -m pip install -q --disable-pip-version-check --no-compile --no-deps \
      --require-hashes --only-binary=:all: --target "$dir.new" -r "$want" >&2
    cp "$want" "$dir.new/requirements.txt"
    mv "$dir.new" "$dir"
  fi
  exec 8>&-
}

up() {
  local pid lib out=$DIR/server.out
  need curl curl; need flock util-linux; need "$PYTHON" python3
  mkdir -p "$DIR"
  exec 9>"$DIR/up.lock"
  flock -w 600 9 || die "another start holds $DIR/up.lock"
  if pid=$(running); then
    ping || die "pid $pid runs on $DIR but does not answer on port $HTTP_PORT (other ports? hung?)"
    say "$pid"
    return 0
  fi
  lib=${CLICKHOUSE_LIB:-}
  if [ -z "$lib" ]; then
    install_engine
    lib=$ENGINE/chdb/_chdb.abi3.so
  fi
  [ -f "$lib" ] || die "no engine at $lib"
  if [ "${CLICKHOUSE_FRESH:-0}" = 1 ]; then
    rm -rf "$DIR"/{data,log,users.xml,config.xml,control.fifo,server.out}
  fi
  # A session of its own: Ctrl-C on a test run must not reach it before `down` does.
  setsid nohup "$PYTHON" "$here/server.py" --lib "$lib" --home "$DIR" \
    --host "$HOST" --http-port "$HTTP_PORT" --tcp-port "$TCP_PORT" \
    --log-level "${CLICKHOUSE_LOG_LEVEL:-warning}" --system-logs "${CLICKHOUSE_SYSTEM_LOGS:-1}" \
    --zookeeper "${CLICKHOUSE_ZOOKEEPER:-}" --max-memory "${CLICKHOUSE_MAX_MEMORY:-6442450944}" \
    </dev/null >"$out" 2>&1 8>&- 9>&- &
  pid=$!
  echo "$pid" > "$pidfile"
  for _ in $(seq 600); do
    kill -0 "$pid" 2>/dev/null || { cat "$out" >&2; rm -f "$pidfile"; die "the server ended at its start"; }
    if grep -q '^ports are free' "$out" && ping; then say "$pid"; return 0; fi
    sleep 0.1
  done
  tail -n 20 "$out" >&2
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$pidfile"
  die "no answer on $HOST:$HTTP_PORT after 60 s"
}

down() {
  local pid
  if pid=$(running); then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 400); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    if kill -0 "$pid" 2>/dev/null; then
      kill -KILL "$pid" 2>/dev/null || true
      echo "clickhouse.sh: pid $pid did not stop in 40 s, killed" >&2
    fi
  fi
  rm -f "$pidfile"
  if [ "${1:-}" = --wipe ]; then rm -rf "$DIR"; fi
}

case ${1:-help} in
  up) up ;;
  down) down "${2:-}" ;;
  resolve) need "$PYTHON" python3; need flock util-linux; install_engine; echo "$ENGINE" ;;
  *) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"; [ "${1:-help}" = help ] || exit 2 ;;
esac
