#!/usr/bin/env python3
"""Tests clickhouse.sh and the server it runs. Standard library only;
own ports and an own directory, so it can run beside another server."""
import gzip
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


HTTP, TCP = free_port(), free_port()
HOME = tempfile.mkdtemp(prefix="clickhouse-test-")
ENV = dict(os.environ, CLICKHOUSE_HOST="127.0.0.1", CLICKHOUSE_HTTP_PORT=str(HTTP),
           CLICKHOUSE_TCP_PORT=str(TCP), CLICKHOUSE_HOME=HOME)
for k in ("CLICKHOUSE_FRESH", "CLICKHOUSE_ZOOKEEPER"):
    ENV.pop(k, None)


def tool(*args):
    r = subprocess.run([os.path.join(HERE, "clickhouse.sh"), *args], env=ENV, timeout=900, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert r.returncode == 0, r.stdout
    return r.stdout


def q(sql, body=None, headers=None, **params):
    if body is not None:
        params["query"] = sql
    req = urllib.request.Request(f"http://127.0.0.1:{HTTP}/?" + urllib.parse.urlencode(params),
                                 data=sql.encode() if body is None else body, headers=headers or {})
    with urllib.request.urlopen(req, timeout=60) as r:
        return r.read().decode().strip()


def fails(code, *a, **k):
    try:
        r = q(*a, **k)
    except urllib.error.HTTPError as e:
        got = e.headers.get("X-ClickHouse-Exception-Code")
        assert got == str(code), f"code {got}, not {code}: {e.read()[:200]}"
        return
    raise AssertionError(f"no error, but {r!r}")


def pid():
    with open(os.path.join(HOME, "pid")) as f:
        return int(f.read())


def t01_up_is_idempotent():
    out = tool("up")
    first = pid()
    assert "ClickHouse 26." in out and out.splitlines()[-1] == f"http://127.0.0.1:{HTTP}", out
    tool("up")
    assert pid() == first
    assert q("SELECT 1") == "1"


def t02_one_token_is_one_insert():
    q("CREATE DATABASE t")
    q("CREATE TABLE t.d (k UInt64) ENGINE=MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window=100")
    for token in ("a", "a", "b"):
        q("INSERT INTO t.d FORMAT RowBinary", struct.pack("<Q", 7), insert_deduplication_token=token)
    assert q("SELECT count() FROM t.d") == "2"


def t03_json_gzip_and_materialized_view():
    q("CREATE TABLE t.j (k UInt64, j JSON) ENGINE=MergeTree ORDER BY k")
    q("CREATE TABLE t.s (k UInt64, n UInt64) ENGINE=SummingMergeTree ORDER BY k")
    q("CREATE MATERIALIZED VIEW t.mv TO t.s AS SELECT k % 2 AS k, count() AS n FROM t.j GROUP BY k")
    body = "".join('{"k":%d,"j":{"a":{"b":%d}}}\n' % (i, i) for i in range(100)).encode()
    q("INSERT INTO t.j FORMAT JSONEachRow", gzip.compress(body), {"Content-Encoding": "gzip"})
    assert q("SELECT sum(j.a.b::UInt64) FROM t.j") == "4950"
    assert q("SELECT k, n FROM t.s FINAL ORDER BY k") == "0\t50\n1\t50"


def t04_errors_are_the_servers():
    fails(47, "SELECT nope")
    fails(60, "INSERT INTO t.nope VALUES", b"(1)")
    fails(27, "INSERT INTO t.d FORMAT TSV", b"x\n")


def t05_users_and_grants():
    w = {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "writer"}
    q("INSERT INTO t.d VALUES", b"(1)", w)
    fails(497, "CREATE TABLE t.x (a UInt8) ENGINE=Memory", headers=w)
    fails(497, "INSERT INTO t.d VALUES", b"(1)", {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": "reader"})
    fails(516, "SELECT 1", headers={"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "wrong"})


def t06_native_tcp_says_hello():
    def s(b):
        return bytes([len(b)]) + b
    with socket.create_connection(("127.0.0.1", TCP), timeout=10) as c:
        c.sendall(b"\x00" + s(b"test") + b"\x01\x00" + b"\xa0\xa9\x03" + s(b"default") + s(b"default") + s(b""))
        got = c.recv(100)
    assert got[0] == 0 and got[2:12] == b"ClickHouse", got


def t07_kill_keeps_rows_and_tokens():
    q("INSERT INTO t.d FORMAT RowBinary", struct.pack("<Q", 9), insert_deduplication_token="k")
    n = q("SELECT count() FROM t.d")
    os.kill(pid(), signal.SIGKILL)
    tool("up")
    assert q("SELECT count() FROM t.d") == n
    q("INSERT INTO t.d FORMAT RowBinary", struct.pack("<Q", 9), insert_deduplication_token="k")
    assert q("SELECT count() FROM t.d") == n


def t08_reset_connections_do_no_harm():
    for port in (HTTP, TCP):
        for _ in range(200):
            c = socket.create_connection(("127.0.0.1", port), timeout=10)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
    assert q("SELECT 1") == "1"


def t09_a_taken_port_is_an_error():
    env = dict(ENV, CLICKHOUSE_HOME=HOME + ".2")
    r = subprocess.run([os.path.join(HERE, "clickhouse.sh"), "up"], env=env, timeout=120, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shutil.rmtree(HOME + ".2", ignore_errors=True)
    assert r.returncode != 0 and "in use" in r.stdout, r.stdout


def t10_down_is_clean_and_idempotent():
    p = pid()
    tool("down")
    assert not os.path.exists(f"/proc/{p}")
    tool("down")
    tool("up")
    assert q("SELECT count() FROM t.j") == "100"
    tool("down")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an interrupted run takes its server along
    passed = failed = 0
    try:
        for name, f in sorted((n, f) for n, f in globals().items() if n[:1] == "t" and n[1:3].isdigit()):
            try:
                f()
                passed += 1
                print(f"ok   {name}", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    finally:
        subprocess.run([os.path.join(HERE, "clickhouse.sh"), "down", "--wipe"], env=ENV)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
