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
. "$here/../server.sh"
HOST=${CLICKHOUSE_HOST:-127.0.0.1}
HTTP_PORT=${CLICKHOUSE_HTTP_PORT:-8123}
TCP_PORT=${CLICKHOUSE_TCP_PORT:-9000}
DIR=$(realpath -m -- "${CLICKHOUSE_HOME:-$CACHE/clickhouse-$HTTP_PORT}")
ENGINE=$CACHE/clickhouse-engine${CLICKHOUSE_ENGINE:+-$CLICKHOUSE_ENGINE}

answers() {
  grep -qs '^ports are free' "$DIR/output" && curl -fsS -m 2 "http://$HOST:$HTTP_PORT/ping" >/dev/null 2>&1
}

say() {
  local version
  version=$(curl -fsS -m 10 "http://$HOST:$HTTP_PORT/?query=SELECT%20version()")
  echo "clickhouse.sh: up, ClickHouse $version, tcp $HOST:$TCP_PORT, pid $(<"$DIR/pid"), data $DIR" >&2
  echo "http://$HOST:$HTTP_PORT"
}

install_engine() {
  local want=$here/requirements${CLICKHOUSE_ENGINE:+-$CLICKHOUSE_ENGINE}.txt dir=$ENGINE
  [ -f "$want" ] || die "no engine is known by CLICKHOUSE_ENGINE=${CLICKHOUSE_ENGINE:-}: expected a file $want"
  alone "$dir.lock"
  from_pypi "$want" "$dir"
  exec 8>&-
}

up() {
  local lib=${CLICKHOUSE_LIB:-}
  need curl curl; need flock util-linux; need "$PYTHON" python3
  if [ -z "$lib" ]; then
    install_engine
    lib=$ENGINE/chdb/_chdb.abi3.so
  fi
  [ -f "$lib" ] || die "no engine at $lib"
  if [ "${CLICKHOUSE_FRESH:-0}" = 1 ] && ! running >/dev/null; then
    rm -rf "$DIR"/{data,log,users.xml,config.xml,control.fifo,output}
  fi
  launch 60 "$PYTHON" "$here/server.py" --lib "$lib" --home "$DIR" \
    --host "$HOST" --http-port "$HTTP_PORT" --tcp-port "$TCP_PORT" \
    --log-level "${CLICKHOUSE_LOG_LEVEL:-warning}" --system-logs "${CLICKHOUSE_SYSTEM_LOGS:-1}" \
    --zookeeper "${CLICKHOUSE_ZOOKEEPER:-}" --max-memory "${CLICKHOUSE_MAX_MEMORY:-6442450944}"
  say
}

case ${1:-help} in
  up) up ;;
  down) down 40 "${2:-}" ;;
  resolve) need "$PYTHON" python3; install_engine; echo "$ENGINE" ;;
  *) usage ;;
esac
