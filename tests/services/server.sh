# Sourced by the scripts of the services: one server on one folder. The script sets DIR first: the server's own files
# are there, `output` is what it prints, and `pid` its process. It defines `answers`, which tells whether the server serves.
CACHE=$(realpath -m -- "${PENSTOCK_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/penstock/services}")
PYTHON=${PYTHON:-python3}

die() { echo "${0##*/}: $*" >&2; exit 1; }
usage() { awk 'NR>1{if(!/^#/)exit; sub(/^# ?/,""); print}' "$0"; exit 2; }

# need PROGRAM PACKAGE: what a person must install when it is missing.
need() { command -v "$1" >/dev/null 2>&1 || die "needs '$1' on the PATH: install it (Debian, Ubuntu: apt-get install $2)"; }

# alone FILE: waits until no other script holds it, on descriptor 8, which `exec 8>&-` gives back.
alone() {
  need flock util-linux
  mkdir -p "$(dirname "$1")"
  exec 8>"$1"
  flock -w 1800 8 || die "another install holds $1"
}

# from_pypi REQUIREMENTS DIR: the packages of that file, with the hashes in it, in a folder of their own.
from_pypi() {
  if cmp -s "$1" "$2/requirements.txt"; then return; fi
  need "$PYTHON" python3
  "$PYTHON" -m pip --version >/dev/null 2>&1 ||
    die "needs pip for '$PYTHON': install it (Debian, Ubuntu: apt-get install python3-pip)"
  echo "${0##*/}: installing into $2 (once) ..." >&2
  rm -rf "$2" "$2.new"
  PIP_ROOT_USER_ACTION=ignore "$PYTHON" -m pip install -q --disable-pip-version-check --no-compile --no-deps \
    --require-hashes --only-binary=:all: --target "$2.new" -r "$1" >&2
  cp "$1" "$2.new/requirements.txt"
  mv "$2.new" "$2"
}

# Prints the pid of our server on this folder, if it runs.
running() {
  local pid
  pid=$(cat "$DIR/pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/environ" ] || return 1
  tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF -- "PENSTOCK_SERVICE_DIR=$DIR" || return 1
  echo "$pid"
}

# launch SECONDS COMMAND...: starts the server, unless it runs, and waits until it answers.
launch() {
  local pid wait=$1; shift
  mkdir -p "$DIR"
  exec 9>"$DIR/up.lock"
  flock -w 600 9 || die "another start holds $DIR/up.lock"
  if pid=$(running); then
    answers || die "pid $pid runs on $DIR and does not answer (other ports? hung?)"
    return
  fi
  # A session of its own: Ctrl-C on a test run must not reach it before `down` does.
  PENSTOCK_SERVICE_DIR=$DIR setsid nohup "$@" </dev/null >"$DIR/output" 2>&1 8>&- 9>&- &
  pid=$!
  echo "$pid" >"$DIR/pid"
  for _ in $(seq $((wait * 10))); do
    kill -0 "$pid" 2>/dev/null || { tail -n 40 "$DIR/output" >&2; rm -f "$DIR/pid"; die "the server ended at its start"; }
    if answers; then return; fi
    sleep 0.1
  done
  tail -n 20 "$DIR/output" >&2
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$DIR/pid"
  die "no answer after $wait s; its log is $DIR/output"
}

# down SECONDS [--wipe]: lets it end, and ends it when that takes too long.
down() {
  local pid wait=$1
  if pid=$(running); then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq $((wait * 10))); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$pid" 2>/dev/null; then
      kill -KILL "$pid" 2>/dev/null || true
      echo "${0##*/}: pid $pid did not stop in $wait s, killed" >&2
    fi
  fi
  rm -f "$DIR/pid"
  if [ "${2:-}" = --wipe ]; then rm -rf "$DIR"; fi
}
