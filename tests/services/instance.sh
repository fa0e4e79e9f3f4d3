# Sourced by up and down: where an instance lives, how it gets its ports, how it starts and stops.
STATE=$(realpath -m -- "${PENSTOCK_SERVICES_STATE:-$here/../../.services}")

die() { echo "${0##*/}: $*" >&2; exit 1; }
usage() { awk 'NR>1{if(!/^#/)exit; sub(/^# ?/,""); print}' "$1"; exit 2; }

# variable NAME: the environment variable that carries the address of this kind of service.
variable() {
  case $1 in
    kafka-secure*) echo PENSTOCK_TEST_KAFKA_SECURE ;;
    kafka*) echo PENSTOCK_TEST_KAFKA ;;
    clickhouse*) echo PENSTOCK_TEST_CLICKHOUSE ;;
    zookeeper*) echo PENSTOCK_TEST_ZOOKEEPER ;;
    apicurio*) echo PENSTOCK_TEST_APICURIO ;;
    kinesis*) echo PENSTOCK_TEST_KINESIS ;;
    s3*) echo PENSTOCK_TEST_S3 ;;
    connect*) echo PENSTOCK_TEST_CONNECT ;;
  esac
}

# given NAME: prints the address of a service that the caller brought along. A labelled instance is always ours.
given() {
  case $1 in
    kafka) [ -n "${PENSTOCK_TEST_KAFKA:-}" ] && echo "$PENSTOCK_TEST_KAFKA" ;;
    clickhouse) [ -n "${PENSTOCK_TEST_CLICKHOUSE:-}" ] && echo "$PENSTOCK_TEST_CLICKHOUSE" ;;
    apicurio) [ -n "${PENSTOCK_TEST_APICURIO:-}" ] && echo "$PENSTOCK_TEST_APICURIO" ;;
    kinesis) [ -n "${PENSTOCK_TEST_KINESIS:-}" ] && echo "$PENSTOCK_TEST_KINESIS" ;;
    s3) [ -n "${PENSTOCK_TEST_S3:-}" ] && echo "$PENSTOCK_TEST_S3" ;;
    *) return 1 ;;
  esac
}

# more NAME: further lines that tests of this service need: addresses of its other listeners, its certificates.
more() {
  case $1 in
    kafka-secure*)
      sed -n -e 's/^KAFKA_BOOTSTRAP_\(SASL\|SASL_SSL\|SSL\)=/PENSTOCK_TEST_KAFKA_SECURE_\1=/p' \
        -e 's/^KAFKA_TLS_DIR=/PENSTOCK_TEST_KAFKA_SECURE_TLS=/p' "$STATE/$1/broker/env" ;;
  esac
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: the first of eight neighbouring ports nobody listens on, below the range that clients' sockets use.
free_port() {
  local port tries=0 i
  while ((tries++ < 200)); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    for i in 0 1 2 3 4 5 6 7; do if answers $((port + i)); then continue 2; fi; done
    echo "$port"
    return 0
  done
  die "found no free ports between 20000 and 32000"
}

# run NAME VERB [ARG]: the service's own script, with this instance's folder and ports.
run() {
  local name=$1 dir=$STATE/$1 port; shift
  port=$(<"$dir/port")
  case $name in
    kafka-secure*)
      if [ "$1" = up ]; then set -- up --secure; fi
      # It serves a handful of clients.
      KAFKA_HEAP=${KAFKA_HEAP:-192m} KAFKA_PORT=$port KAFKA_DATA_DIR=$dir/broker "$here/kafka/kafka.sh" "$@" ;;
    kafka*) KAFKA_PORT=$port KAFKA_DATA_DIR=$dir/broker "$here/kafka/kafka.sh" "$@" ;;
    zookeeper*) ZOOKEEPER_PORT=$port ZOOKEEPER_DIR=$dir/server "$here/zookeeper/zookeeper.sh" "$@" ;;
    clickhouse*) CLICKHOUSE_ZOOKEEPER=${ZOOKEEPER:-} CLICKHOUSE_HOME=$dir/server CLICKHOUSE_HTTP_PORT=$port CLICKHOUSE_TCP_PORT=$((port + 1)) \
      "$here/clickhouse/clickhouse.sh" "$@" ;;
    apicurio*) APICURIO_DIR=$dir/server APICURIO_PORT=$port "$here/apicurio/apicurio.sh" "$@" ;;
    kinesis*) KINESIS_DIR=$dir/server KINESIS_PORT=$port "$here/kinesis/kinesis.sh" "$@" ;;
    s3*) S3_DIR=$dir/server S3_PORT=$port "$here/s3/s3.sh" "$@" ;;
    connect*) CONNECT_DIR=$dir/worker CONNECT_NAME=$name CONNECT_REST_PORT=$port CONNECT_BOOTSTRAP=${BOOTSTRAP:-} \
      "$here/kafka/kafka.sh" "connect-$1" "${@:2}" ;;
  esac
}

# start NAME: prints its address. A port that somebody takes between the look and the start costs another try,
# but only for a new instance: clients hold the address of an old one.
start() {
  local name=$1 dir=$STATE/$1 new=1 try
  mkdir -p "$dir"
  if [ -e "$dir/port" ]; then new=0; fi
  if [[ $name == connect* ]]; then
    BOOTSTRAP=$(given kafka || start kafka)
  fi
  # Its own, as two servers would share their tables by it.
  if [[ $name == clickhouse-keeper* ]]; then
    ZOOKEEPER=$(start "zookeeper${name#clickhouse-keeper}")
  fi
  for try in 1 2 3; do
    if [ $new = 1 ]; then free_port >"$dir/port"; fi
    if run "$name" up; then return 0; fi
    if [ $new = 0 ] || ! answers "$(<"$dir/port")"; then break; fi
  done
  die "$name did not start; its files are in $dir"
}

stop() {
  local name=$1 wipe=${2:-}
  if [ -e "$STATE/$name/port" ]; then
    run "$name" down $wipe
    if [ -n "$wipe" ]; then rm -rf "${STATE:?}/$name"; fi
    if [[ $name == clickhouse-keeper* ]]; then stop "zookeeper${name#clickhouse-keeper}" $wipe; fi
  fi
}
