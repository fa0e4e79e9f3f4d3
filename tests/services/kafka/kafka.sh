#!/usr/bin/env bash
# Runs a real Apache Kafka broker, and a real Apache Kafka Connect worker as the reference, on loopback.
# Everything comes from Maven Central jars (needs: bash, java >= 17, mvn; openssl and Java's keytool for --secure).
#
#   kafka.sh up   [--secure] [--wipe]      start a single-node KRaft broker; prints its bootstrap address
#   kafka.sh down [--wipe]                 stop it (and delete its data)
#   kafka.sh status                        exit 0 and print bootstrap, pid and memory when it runs
#   kafka.sh resolve                       only fetch the jars
#   kafka.sh cli TOOL ARGS...              Kafka's own tools: topics, groups, configs, console-consumer,
#                                          console-producer, producer-perf, dump-log, storage, or a class name
#   kafka.sh connect-up [distributed|standalone]  start a Connect worker; prints its REST address
#                                          (standalone: CONNECTOR_PROPS="a.properties b.properties")
#   kafka.sh connect-down [--wipe]         stop the worker of CONNECT_DIR
#
# Settings (environment):
#   PENSTOCK_SERVICES_HOME  where downloaded jars are kept  ${XDG_CACHE_HOME:-~/.cache}/penstock/services
#   KAFKA_VERSION   Apache Kafka version           4.3.1
#   KAFKA_PORT      PLAINTEXT listener             19092   (controller: +1)
#                   with --secure also: +2 SASL_PLAINTEXT, +3 SASL_SSL, +4 SSL with client certificates; both with
#                   SASL take PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, and OAUTHBEARER with tokens that nobody signed
#   KAFKA_DATA_DIR  data, logs, pid                $PENSTOCK_SERVICES_HOME/broker-$KAFKA_PORT
#   KAFKA_HEAP      broker heap                    512m
#   KAFKA_SET       extra broker settings, one `key=value` a line
#   KAFKA_TIMEOUT   seconds to wait for readiness  240
#   KAFKA_CDS       1 (default): keep a class archive to start faster; 0: do not
#   CONNECT_NAME connect-1 · CONNECT_REST_PORT 18083 · CONNECT_GROUP connect-cluster
#   CONNECT_DIR     the worker's files and log     $PENSTOCK_SERVICES_HOME/worker-$CONNECT_NAME-$CONNECT_REST_PORT
#   CONNECT_BOOTSTRAP 127.0.0.1:$KAFKA_PORT · CONNECT_HEAP_OPTS "-Xms256M -Xmx2G" (Kafka's own default)
#   CONNECT_PLUGIN_PATH  more plugin folders, comma separated
#   CONNECT_SET          extra worker settings, one `key=value` a line
#   CONNECT_OPTS         extra JVM options · CONNECT_CDS=1 keep a class archive to start faster (off: as Kafka ships)
set -euo pipefail

KAFKA_VERSION=${KAFKA_VERSION:-4.3.1}
CACHE=$(realpath -m -- "${PENSTOCK_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock/services}")
KAFKA_PORT=${KAFKA_PORT:-19092}
KAFKA_DATA_DIR=${KAFKA_DATA_DIR:-$CACHE/broker-$KAFKA_PORT}
KAFKA_DATA_DIR=$(realpath -m -- "$KAFKA_DATA_DIR")
KAFKA_HEAP=${KAFKA_HEAP:-512m}
KAFKA_TIMEOUT=${KAFKA_TIMEOUT:-240}
KAFKA_CDS=${KAFKA_CDS:-1}
HOST=127.0.0.1
LIBS=$CACHE/kafka-$KAFKA_VERSION
PLUGINS=$CACHE/kafka-plugins-$KAFKA_VERSION
CONNECT_NAME=${CONNECT_NAME:-connect-1}
CONNECT_REST_PORT=${CONNECT_REST_PORT:-18083}
CONNECT_GROUP=${CONNECT_GROUP:-connect-cluster}
CONNECT_BOOTSTRAP=${CONNECT_BOOTSTRAP:-$HOST:$KAFKA_PORT}
CONNECT_DIR=$(realpath -m -- "${CONNECT_DIR:-$CACHE/worker-$CONNECT_NAME-$CONNECT_REST_PORT}")
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java

say() { printf '%s\n' "kafka.sh: $*" >&2; }
die() { say "$*"; exit 1; }
need() { # need PROGRAM PACKAGE: what a person must install when it is missing
  command -v "$1" >/dev/null 2>&1 || die "needs '$1' on the PATH: install it (Debian, Ubuntu: apt-get install $2)"
}
need_java() {
  need "$JAVA" openjdk-17-jre-headless
  local major; major=$("$JAVA" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  ((${major:-0} >= 17)) || die "needs Java 17 or later, '$JAVA' is ${major:-of an unknown version}"
}
now_ms() { date +%s%3N; }

# alive DIR: true when DIR/pid names a running process that this script started for DIR.
alive() {
  local pid
  [[ -s $1/pid ]] && pid=$(<"$1/pid") && [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] \
    && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "-Dpenstock.service.dir=$1"
}

# stop DIR: end what alive() recognises, TERM first, KILL after a minute: a worker that is killed stays in its group for a while.
stop() {
  local pid i
  if alive "$1"; then
    pid=$(<"$1/pid")
    kill -TERM "$pid" 2>/dev/null || true
    for ((i = 0; i < 600; i++)); do alive "$1" || break; sleep 0.1; done
    if alive "$1"; then say "pid $pid did not stop in a minute: KILL"; kill -KILL "$pid" 2>/dev/null || true; sleep 0.3; fi
  fi
  rm -f "$1/pid"
}

# locked NAME CMD...: one resolver at a time on this machine.
locked() {
  local name=$1; shift
  mkdir -p "$CACHE"
  ( if command -v flock >/dev/null 2>&1; then flock -w 600 9 || die "lock $name is busy"; fi
    "$@" ) 9>"$CACHE/.$name.lock"
}

resolve() { [[ -f $LIBS/.complete ]] || locked resolve resolve_locked; }

resolve_locked() {
  [[ -f $LIBS/.complete ]] && return 0
  need mvn maven
  local t0 tmp; t0=$(now_ms); tmp=$(mktemp -d "$CACHE/.resolve.XXXXXX")
  say "fetching Apache Kafka $KAFKA_VERSION from Maven Central (once) ..."
  pom() { # pom FILE OUTDIR DEPENDENCY... (each "artifact" of org.apache.kafka, or group:artifact:version)
    local file=$1 out=$2 d g a v; shift 2
    { echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
      echo '<groupId>penstock</groupId><artifactId>kafka-service</artifactId><version>1</version><packaging>pom</packaging><dependencies>'
      for d; do
        IFS=: read -r g a v <<<"$d"
        if [[ -z ${a:-} ]]; then a=$g; g=org.apache.kafka; v=$KAFKA_VERSION; fi
        echo "<dependency><groupId>$g</groupId><artifactId>$a</artifactId><version>$v</version></dependency>"
      done
      echo '</dependencies><build><plugins><plugin><groupId>org.apache.maven.plugins</groupId>'
      echo '<artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version><configuration>'
      echo "<outputDirectory>$out</outputDirectory><includeScope>runtime</includeScope>"
      echo '</configuration></plugin></plugins></build></project>'; } >"$file"
  }
  local mvn=(mvn -B -q -ntp -Dstyle.color=never ${KAFKA_MVN_OPTS:-})
  pom "$tmp/pom.xml" "$tmp/libs" kafka_2.13 kafka-server kafka-tools connect-runtime connect-json \
    connect-transforms connect-mirror connect-basic-auth-extension connect-test-plugins \
    org.apache.logging.log4j:log4j-slf4j-impl:2.25.4 org.apache.logging.log4j:log4j-core:2.25.4
  # connect-test-plugins must be on the class path: Connect lists org.apache.kafka.connect.tools.* from plugin.path
  # but does not isolate that package, so such a connector could not be created from there.
  pom "$tmp/plug.xml" "$tmp/plug" connect-file
  "${mvn[@]}" -f "$tmp/pom.xml" dependency:copy-dependencies >&2
  "${mvn[@]}" -f "$tmp/plug.xml" dependency:copy-dependencies -DexcludeTransitive=true >&2
  rm -rf "$LIBS" "$PLUGINS"; mkdir -p "$PLUGINS"
  local j n
  for j in "$tmp"/plug/*.jar; do
    n=$(basename "$j" "-$KAFKA_VERSION.jar"); mkdir -p "$PLUGINS/$n"; mv "$j" "$PLUGINS/$n/"
  done
  mv "$tmp/libs" "$LIBS"; rm -rf "$tmp"
  # The class archives are made for exactly these jars.
  rm -f "$CACHE"/*-"$KAFKA_VERSION".jsa
  touch "$LIBS/.complete"
  say "$(ls "$LIBS"/*.jar | wc -l) jars, $(du -sh "$LIBS" | cut -f1), in $(( ($(now_ms) - t0) / 1000 )) s: $LIBS"
}

# cds NAME: JVM options that use, or at exit make, a class archive for NAME (a warm start takes about half).
cds() {
  local jsa=$CACHE/$1-$KAFKA_VERSION.jsa
  [[ $KAFKA_CDS == 1 ]] || return 0
  if [[ -s $jsa ]]; then echo "-XX:SharedArchiveFile=$jsa" "-Xshare:auto"
  else echo "-XX:ArchiveClassesAtExit=$jsa"; fi
}

jvm() { # jvm CLASS ARGS...: a short-lived tool
  local class=$1; shift
  log4j_quiet
  "$JAVA" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
    -Dlog4j2.configurationFile="$CACHE/.quiet-log4j2.properties" \
    -cp "$LIBS/*" "$class" "$@"
}
log4j_quiet() {
  [[ -s $CACHE/.quiet-log4j2.properties ]] || printf '%s\n' 'rootLogger.level = WARN' \
    'appender.err.type = Console' 'appender.err.name = ERR' 'appender.err.target = SYSTEM_ERR' \
    'appender.err.layout.type = PatternLayout' 'appender.err.layout.pattern = %p %m%n' \
    'rootLogger.appenderRef.err.ref = ERR' >"$CACHE/.quiet-log4j2.properties"
}

# wait_for DIR NEEDLE LOG PORT: until LOG has NEEDLE and PORT answers; fails early when the process ends.
wait_for() {
  local i
  for ((i = 0; i < KAFKA_TIMEOUT * 20; i++)); do
    # (in its first moment the new process still shows this script's own command line)
    if ((i > 20)) && ! alive "$1"; then say "it stopped while starting; the end of $3:"; tail -n 25 "$3" >&2 || true; return 1; fi
    if grep -qF -- "$2" "$3" 2>/dev/null && (exec 3<>"/dev/tcp/$HOST/$4") 2>/dev/null; then return 0; fi
    sleep 0.05
  done
  say "not ready after $KAFKA_TIMEOUT s; the end of $3:"; tail -n 25 "$3" >&2 || true; return 1
}

rss() { awk '/VmRSS/{printf "%d MiB", $2/1024}' "/proc/$1/status" 2>/dev/null; }

certs() { # certs DIR: a CA, a server certificate (localhost, 127.0.0.1) and a client certificate, all PEM
  local d=$1 n; [[ -s $d/client.pem ]] && return 0
  need openssl openssl; mkdir -p "$d"; chmod 700 "$d"
  local q=(-newkey rsa:2048 -nodes -sha256)
  openssl req -x509 "${q[@]}" -days 3650 -subj "/CN=penstock test CA" -keyout "$d/ca.key" -out "$d/ca.crt" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
  for n in server client; do
    printf '%s\n' 'subjectAltName=DNS:localhost,IP:127.0.0.1' 'extendedKeyUsage=serverAuth,clientAuth' \
      'basicConstraints=CA:FALSE' >"$d/$n.ext"
    openssl req "${q[@]}" -subj "/CN=$n/O=penstock" -keyout "$d/$n.key" -out "$d/$n.csr" 2>/dev/null
    openssl x509 -req -sha256 -days 3650 -in "$d/$n.csr" -CA "$d/ca.crt" -CAkey "$d/ca.key" -CAcreateserial \
      -extfile "$d/$n.ext" -out "$d/$n.crt" 2>/dev/null
    cat "$d/$n.key" "$d/$n.crt" "$d/ca.crt" >"$d/$n.pem"   # Java wants key and chain in one file
    rm -f "$d/$n.csr" "$d/$n.ext"
  done
}

stores() { # stores DIR: the client's certificate and the CA in every format of store that Java clients use
  local d=$1; [[ -s $d/.stores ]] && return 0
  local keytool=${JAVA_HOME:+$JAVA_HOME/bin/}keytool; need "$keytool" openjdk-17-jre-headless
  local kt=("$keytool" -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -noprompt)
  rm -f "$d"/*.jks "$d"/*.p12
  openssl pkcs12 -export -in "$d/client.crt" -inkey "$d/client.key" -certfile "$d/ca.crt" -name client \
    -out "$d/openssl.p12" -passout pass:p12-secret
  openssl pkcs8 -topk8 -v2 aes-256-cbc -in "$d/client.key" -out "$d/encrypted.key" -passout pass:key-secret
  cat "$d/encrypted.key" "$d/client.crt" "$d/ca.crt" >"$d/encrypted.pem"
  # A store's password and its key's are different where the format can tell them apart.
  { "${kt[@]}" -importkeystore -srckeystore "$d/openssl.p12" -srcstoretype PKCS12 -srcstorepass p12-secret -srcalias client \
      -destkeystore "$d/client.jks" -deststoretype JKS -deststorepass jks-secret -destkeypass key-secret
    "${kt[@]}" -importkeystore -srckeystore "$d/openssl.p12" -srcstoretype PKCS12 -srcstorepass p12-secret -srcalias client \
      -destkeystore "$d/client.p12" -deststoretype PKCS12 -deststorepass p12-secret
    # As Java wrote it for twenty years.
    "${kt[@]}" -J-Dkeystore.pkcs12.legacy -importkeystore -srckeystore "$d/openssl.p12" -srcstoretype PKCS12 \
      -srcstorepass p12-secret -srcalias client -destkeystore "$d/old.p12" -deststoretype PKCS12 -deststorepass p12-secret; } >"$d/keytool.log" 2>&1 &
  local pid=$!
  { "${kt[@]}" -importcert -alias ca -file "$d/ca.crt" -keystore "$d/trust.jks" -storetype JKS -storepass jks-secret
    "${kt[@]}" -importcert -alias ca -file "$d/ca.crt" -keystore "$d/trust.p12" -storetype PKCS12 -storepass p12-secret; } \
      >"$d/keytool2.log" 2>&1 || { cat "$d/keytool2.log" >&2; die "making trust stores failed"; }
  wait "$pid" || { cat "$d/keytool.log" >&2; die "making key stores failed"; }
  echo ok >"$d/.stores"
}

kafka_up() {
  local secure=0 wipe=0 a
  for a; do case $a in --secure) secure=1 ;; --wipe) wipe=1 ;; *) die "up: unknown option $a" ;; esac; done
  need_java; resolve
  local d=$KAFKA_DATA_DIR p=$KAFKA_PORT t0; t0=$(now_ms)
  if [[ $wipe == 1 ]]; then stop "$d"; rm -rf "$d"; fi
  mkdir -p "$d"
  if alive "$d"; then say "already up, pid $(<"$d/pid")"; sed -n 's/^KAFKA_BOOTSTRAP=//p' "$d/env"; return 0; fi
  if (exec 3<>"/dev/tcp/$HOST/$p") 2>/dev/null; then die "port $p is taken by something else"; fi
  if [[ -f $d/env ]] && grep -q '^KAFKA_TLS_CA=' "$d/env"; then secure=1; fi   # data was formatted with users

  local stores_pid='' listeners="PLAINTEXT://$HOST:$p" scram=()
  {
    echo "process.roles=broker,controller"
    echo "node.id=1"
    echo "controller.quorum.bootstrap.servers=$HOST:$((p + 1))"
    echo "controller.listener.names=CONTROLLER"
    echo "inter.broker.listener.name=PLAINTEXT"
    echo "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL"
    echo "log.dirs=$d/data"
    echo "num.partitions=1"
    echo "auto.create.topics.enable=true"
    echo "offsets.topic.replication.factor=1"
    echo "offsets.topic.num.partitions=4"
    echo "transaction.state.log.replication.factor=1"
    echo "transaction.state.log.min.isr=1"
    echo "transaction.state.log.num.partitions=4"
    echo "share.coordinator.state.topic.replication.factor=1"
    echo "share.coordinator.state.topic.min.isr=1"
    echo "group.initial.rebalance.delay.ms=0"
    echo "log.segment.bytes=67108864"
    echo "num.network.threads=2"
    echo "num.io.threads=4"
    echo "background.threads=2"
    echo "log.cleaner.dedupe.buffer.size=16777216"
    if [[ $secure == 1 ]]; then
      certs "$d/tls"
      # The broker needs none of these: they are made while it starts.
      stores "$d/tls" & stores_pid=$!
      listeners+=",SASL_PLAINTEXT://$HOST:$((p + 2)),SASL_SSL://$HOST:$((p + 3)),SSL://$HOST:$((p + 4))"
      echo "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"
      local l m
      for l in sasl_plaintext sasl_ssl; do
        echo "listener.name.$l.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"alice-secret\" user_bob=\"bob-secret\";"
        echo "listener.name.$l.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";"
        # A session ends with its token.
        echo "listener.name.$l.oauthbearer.connections.max.reauth.ms=3600000"
        for m in 256 512; do
          echo "listener.name.$l.scram-sha-$m.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;"
        done
      done
      echo "ssl.keystore.type=PEM";   echo "ssl.keystore.location=$d/tls/server.pem"
      echo "ssl.truststore.type=PEM"; echo "ssl.truststore.location=$d/tls/ca.crt"
      echo "listener.name.sasl_ssl.ssl.client.auth=none"
      echo "listener.name.ssl.ssl.client.auth=required"
    fi
    echo "listeners=$listeners,CONTROLLER://$HOST:$((p + 1))"
    echo "advertised.listeners=$listeners,CONTROLLER://$HOST:$((p + 1))"
    [[ -z ${KAFKA_SET:-} ]] || printf '%s\n' "$KAFKA_SET"
  } >"$d/server.properties"
  log4j_conf "$d/log4j2.properties"

  if [[ ! -f $d/data/meta.properties ]]; then
    if [[ $secure == 1 ]]; then
      for a in 256 512; do for m in alice bob; do scram+=(--add-scram "SCRAM-SHA-$a=[name=$m,password=$m-secret]"); done; done
    fi
    local id; id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=')
    jvm kafka.tools.StorageTool format --standalone -t "$id" -c "$d/server.properties" "${scram[@]}" >"$d/format.log" 2>&1 \
      || { cat "$d/format.log" >&2; die "formatting $d/data failed"; }
  fi

  : >"$d/broker.log"
  # shellcheck disable=SC2046
  setsid nohup "$JAVA" -Dpenstock.service.dir="$d" -Xms"${KAFKA_HEAP}" -Xmx"${KAFKA_HEAP}" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -Djava.awt.headless=true $(cds broker) -Dlog4j2.configurationFile="$d/log4j2.properties" \
    -cp "$LIBS/*" kafka.Kafka "$d/server.properties" </dev/null >>"$d/broker.log" 2>&1 9>&- &
  echo $! >"$d/pid"; disown
  wait_for "$d" "Kafka Server started" "$d/broker.log" "$p" || { stop "$d"; exit 1; }
  [[ -z $stores_pid ]] || wait "$stores_pid" || { stop "$d"; exit 1; }
  {
    echo "KAFKA_BOOTSTRAP=$HOST:$p"
    if [[ $secure == 1 ]]; then
      echo "KAFKA_BOOTSTRAP_SASL=$HOST:$((p + 2))"; echo "KAFKA_BOOTSTRAP_SASL_SSL=$HOST:$((p + 3))"
      echo "KAFKA_BOOTSTRAP_SSL=$HOST:$((p + 4))"; echo "KAFKA_SASL_USER=alice"; echo "KAFKA_SASL_PASSWORD=alice-secret"
      echo "KAFKA_TLS_CA=$d/tls/ca.crt"; echo "KAFKA_TLS_CERT=$d/tls/client.crt"; echo "KAFKA_TLS_KEY=$d/tls/client.key"
      echo "KAFKA_TLS_DIR=$d/tls"
    fi
  } >"$d/env"
  say "up in $(( $(now_ms) - t0 )) ms, pid $(<"$d/pid"), RSS $(rss "$(<"$d/pid")"), Kafka $KAFKA_VERSION, data $d, addresses in $d/env"
  echo "$HOST:$p"
}

log4j_conf() { # log4j_conf FILE: everything from INFO up, to standard output
  printf '%s\n' 'rootLogger.level = INFO' 'appender.out.type = Console' 'appender.out.name = STDOUT' \
    'appender.out.layout.type = PatternLayout' 'appender.out.layout.pattern = [%d] %p %m (%c)%n' \
    'rootLogger.appenderRef.out.ref = STDOUT' >"$1"
}

kafka_down() {
  stop "$KAFKA_DATA_DIR"
  if [[ ${1:-} == --wipe ]]; then rm -rf "$KAFKA_DATA_DIR"; fi
}

kafka_status() {
  alive "$KAFKA_DATA_DIR" || { say "not running ($KAFKA_DATA_DIR)"; return 1; }
  local pid; pid=$(<"$KAFKA_DATA_DIR/pid")
  echo "$HOST:$KAFKA_PORT pid=$pid rss=$(rss "$pid")"
}

kafka_cli() {
  local t=${1:?cli TOOL ARGS...}; shift; resolve
  case $t in
    topics) t=org.apache.kafka.tools.TopicCommand ;;
    groups) t=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
    configs) t=kafka.admin.ConfigCommand ;;
    console-consumer) t=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
    console-producer) t=org.apache.kafka.tools.ConsoleProducer ;;
    producer-perf) t=org.apache.kafka.tools.ProducerPerformance ;;
    dump-log) t=kafka.tools.DumpLogSegments ;;
    storage) t=kafka.tools.StorageTool ;;
    connect-plugin-path) t=org.apache.kafka.tools.ConnectPluginPath ;;
  esac
  jvm "$t" "$@"
}

connect_up() {
  local mode=distributed; case ${1:-} in distributed|standalone) mode=$1; shift ;; esac
  [[ $# == 0 ]] || die "connect-up: unknown option $1"
  need_java; need curl curl; resolve
  local d=$CONNECT_DIR p=$CONNECT_REST_PORT t0 class i; t0=$(now_ms)
  if alive "$d"; then say "already up, pid $(<"$d/pid")"; echo "http://$HOST:$p"; return 0; fi
  if (exec 3<>"/dev/tcp/$HOST/$p") 2>/dev/null; then die "port $p is taken by something else"; fi
  mkdir -p "$d"
  {
    echo "bootstrap.servers=$CONNECT_BOOTSTRAP"
    echo "key.converter=org.apache.kafka.connect.json.JsonConverter"
    echo "value.converter=org.apache.kafka.connect.json.JsonConverter"
    echo "key.converter.schemas.enable=false"
    echo "value.converter.schemas.enable=false"
    echo "listeners=http://$HOST:$p"
    echo "rest.advertised.host.name=$HOST"
    echo "plugin.path=$PLUGINS${CONNECT_PLUGIN_PATH:+,$CONNECT_PLUGIN_PATH}"
    if [[ $mode == distributed ]]; then
      echo "group.id=$CONNECT_GROUP"
      echo "config.storage.topic=$CONNECT_GROUP-configs"; echo "config.storage.replication.factor=1"
      echo "offset.storage.topic=$CONNECT_GROUP-offsets"; echo "offset.storage.replication.factor=1"; echo "offset.storage.partitions=5"
      echo "status.storage.topic=$CONNECT_GROUP-status";  echo "status.storage.replication.factor=1"; echo "status.storage.partitions=2"
    else
      echo "offset.storage.file.filename=$d/connect.offsets"
    fi
    echo "offset.flush.interval.ms=10000"
    [[ -z ${CONNECT_SET:-} ]] || printf '%s\n' "$CONNECT_SET"
  } >"$d/worker.properties"
  log4j_conf "$d/log4j2.properties"
  : >"$d/worker.log"
  [[ $mode == distributed ]] && class=org.apache.kafka.connect.cli.ConnectDistributed || class=org.apache.kafka.connect.cli.ConnectStandalone
  # shellcheck disable=SC2046,SC2086
  setsid nohup "$JAVA" -Dpenstock.service.dir="$d" ${CONNECT_HEAP_OPTS:--Xms256M -Xmx2G} ${CONNECT_OPTS:-} -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true \
    $( [[ ${CONNECT_CDS:-0} == 1 ]] && cds connect ) -Dlog4j2.configurationFile="$d/log4j2.properties" \
    -cp "$LIBS/*" "$class" "$d/worker.properties" ${CONNECTOR_PROPS:-} </dev/null >>"$d/worker.log" 2>&1 9>&- &
  echo $! >"$d/pid"; disown
  # Ready when GET /health says so (200), which is when the worker has joined its group.
  for ((i = 0; i < KAFKA_TIMEOUT * 10; i++)); do
    ((i < 10)) || alive "$d" || { say "the worker stopped while starting:"; tail -n 25 "$d/worker.log" >&2; rm -f "$d/pid"; exit 1; }
    case $(curl -s -o /dev/null -m 5 -w '%{http_code}' "http://$HOST:$p/health") in 200 | 401)   # 401: a worker with basic authentication
      say "$mode worker up in $(( $(now_ms) - t0 )) ms, pid $(<"$d/pid"), RSS $(rss "$(<"$d/pid")"), log $d/worker.log"
      echo "http://$HOST:$p"; return 0 ;;
    esac
    sleep 0.1
  done
  say "not healthy after $KAFKA_TIMEOUT s"; tail -n 25 "$d/worker.log" >&2; stop "$d"; exit 1
}

connect_down() {
  stop "$CONNECT_DIR"
  if [[ ${1:-} == --wipe ]]; then rm -rf "$CONNECT_DIR"; fi
}

usage() { awk 'NR>1{if(!/^#/)exit; sub(/^# ?/,""); print}' "$0"; }

verb=${1:-help}; [[ $# -gt 0 ]] && shift
case $verb in
  up) kafka_up "$@" ;;
  down) kafka_down "$@" ;;
  status) kafka_status ;;
  resolve) resolve; echo "$LIBS" ;;
  cli) kafka_cli "$@" ;;
  connect-up) connect_up "$@" ;;
  connect-down) connect_down "$@" ;;
  help|-h|--help) usage ;;
  *) usage >&2; exit 2 ;;
esac
