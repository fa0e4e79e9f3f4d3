#!/usr/bin/env bash
# Runs a real ZooKeeper on loopback, from Maven Central: what ClickHouse keeps KeeperMap tables in.
# Needs bash, flock, Maven, and Java 11 or later.
#
#   zookeeper.sh up            start it; prints its address
#   zookeeper.sh down [--wipe] stop it (and delete its data); fine if none runs
#   zookeeper.sh resolve       only fetch the jars
#
# Settings (environment):
#   PENSTOCK_SERVICES_HOME  where downloads are kept       ${XDG_CACHE_HOME:-~/.cache}/penstock/services
#   ZOOKEEPER_DIR           data, log, pid                 $PENSTOCK_SERVICES_HOME/zookeeper-$ZOOKEEPER_PORT
#   ZOOKEEPER_PORT=2181     ZOOKEEPER_HEAP=64m
set -euo pipefail

VERSION=3.9.4
CACHE=$(realpath -m -- "${PENSTOCK_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock/services}")
PORT=${ZOOKEEPER_PORT:-2181}
DIR=$(realpath -m -- "${ZOOKEEPER_DIR:-$CACHE/zookeeper-$PORT}")
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java
LIBS=$CACHE/zookeeper-$VERSION

die() { echo "zookeeper.sh: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || die "needs '$1' on the PATH: install it (Debian, Ubuntu: apt-get install $2)"; }

# Prints the pid of our server on this folder, if it runs.
running() {
  local pid
  pid=$(cat "$DIR/pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "-Dpenstock.service.dir=$DIR" || return 1
  echo "$pid"
}

# Whether it serves. A connection that comes before it does is taken and never answered, so nobody waits for one.
answers() {
  timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf srvr >&3 && grep -q '^Mode: ' <&3" 2>/dev/null
}

resolve() {
  need flock util-linux; need "$JAVA" openjdk-17-jre-headless
  mkdir -p "$CACHE"
  exec 8>"$CACHE/.zookeeper.lock"
  flock -w 900 8 || die "another install holds $CACHE/.zookeeper.lock"
  if [ ! -e "$LIBS/.complete" ]; then
    need mvn maven
    echo "zookeeper.sh: fetching ZooKeeper $VERSION from Maven Central (once) ..." >&2
    rm -rf "$LIBS"
    mkdir -p "$LIBS"
    pom >"$LIBS/pom.xml"
    mvn -B -q -ntp -Dstyle.color=never -f "$LIBS/pom.xml" \
      org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$LIBS" >&2
    touch "$LIBS/.complete"
  fi
  exec 8>&-
}

# Netty is for TLS and its own connections; metrics-core and snappy are needed, and not named by ZooKeeper itself.
pom() {
  echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>penstock</groupId>'
  echo '<artifactId>zookeeper-service</artifactId><version>1</version><packaging>pom</packaging><dependencies>'
  local d g a v
  for d in "org.apache.zookeeper:zookeeper:$VERSION" io.dropwizard.metrics:metrics-core:4.1.12.1 \
    org.xerial.snappy:snappy-java:1.1.10.7 org.slf4j:slf4j-simple:2.0.13; do
    IFS=: read -r g a v <<<"$d"
    echo "<dependency><groupId>$g</groupId><artifactId>$a</artifactId><version>$v</version><exclusions>"
    for a in netty-handler netty-transport-native-epoll netty-tcnative-boringssl-static; do
      echo "<exclusion><groupId>io.netty</groupId><artifactId>$a</artifactId></exclusion>"
    done
    echo '</exclusions></dependency>'
  done
  echo '</dependencies></project>'
}

up() {
  local pid
  resolve
  mkdir -p "$DIR"
  if pid=$(running); then
    echo "127.0.0.1:$PORT"
    return
  fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then die "port $PORT is taken by something else"; fi
  printf '%s\n' "dataDir=$DIR/data" "clientPort=$PORT" clientPortAddress=127.0.0.1 admin.enableServer=false \
    4lw.commands.whitelist=srvr maxClientCnxns=0 >"$DIR/zoo.cfg"
  setsid nohup "$JAVA" -Dpenstock.service.dir="$DIR" -Xmx"${ZOOKEEPER_HEAP:-64m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dzookeeper.jmx.log4j.disable=true -Dzookeeper.4lw.commands.whitelist=srvr \
    -cp "$LIBS/*" org.apache.zookeeper.server.ZooKeeperServerMain "$DIR/zoo.cfg" </dev/null >"$DIR/log" 2>&1 8>&- &
  pid=$!
  echo "$pid" >"$DIR/pid"
  for _ in $(seq 600); do
    kill -0 "$pid" 2>/dev/null || { cat "$DIR/log" >&2; rm -f "$DIR/pid"; die "the server ended at its start"; }
    if answers; then echo "127.0.0.1:$PORT"; return; fi
    sleep 0.1
  done
  tail -n 20 "$DIR/log" >&2
  kill -KILL "$pid" 2>/dev/null || true
  die "no answer on 127.0.0.1:$PORT after 60 s"
}

down() {
  local pid
  if pid=$(running); then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$DIR/pid"
  if [ "${1:-}" = --wipe ]; then rm -rf "$DIR"; fi
}

case ${1:-help} in
  up) up ;;
  down) down "${2:-}" ;;
  resolve) resolve; echo "$LIBS" ;;
  *) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"; [ "${1:-help}" = help ] || exit 2 ;;
esac
