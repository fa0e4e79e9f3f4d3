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
. "$(dirname "${BASH_SOURCE[0]}")/../server.sh"
PORT=${ZOOKEEPER_PORT:-2181}
DIR=$(realpath -m -- "${ZOOKEEPER_DIR:-$CACHE/zookeeper-$PORT}")
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java
LIBS=$CACHE/zookeeper-$VERSION

# Whether it serves. A connection that comes before it does is taken and never answered, so nobody waits for one.
answers() {
  timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf srvr >&3 && grep -q '^Mode: ' <&3" 2>/dev/null
}

resolve() {
  need "$JAVA" openjdk-17-jre-headless
  alone "$CACHE/.zookeeper.lock"
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
  resolve
  mkdir -p "$DIR"
  if ! running >/dev/null && (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
    die "port $PORT is taken by something else"
  fi
  printf '%s\n' "dataDir=$DIR/data" "clientPort=$PORT" clientPortAddress=127.0.0.1 admin.enableServer=false \
    4lw.commands.whitelist=srvr maxClientCnxns=0 >"$DIR/zoo.cfg"
  launch 60 "$JAVA" -Xmx"${ZOOKEEPER_HEAP:-64m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dzookeeper.jmx.log4j.disable=true -Dzookeeper.4lw.commands.whitelist=srvr \
    -cp "$LIBS/*" org.apache.zookeeper.server.ZooKeeperServerMain "$DIR/zoo.cfg"
  echo "127.0.0.1:$PORT"
}

case ${1:-help} in
  up) up ;;
  down) down 10 "${2:-}" ;;
  resolve) resolve; echo "$LIBS" ;;
  *) usage ;;
esac
