#!/usr/bin/env python3
"""Run a real ClickHouse server (HTTP + native TCP) out of the PyPI wheel chdb-core.

The wheel carries the whole ClickHouse engine as one shared library, with the
main of clickhouse-local in it, and since 26.7 clickhouse-local can open
ClickHouse's own HTTP and TCP listeners (SYSTEM START LISTEN).  This program
loads the library, runs that main on a data directory, opens both listeners
and waits.  Every byte a client sees is made by ClickHouse's own protocol
handlers: there is no shim.  Standard library only.

    server.py --lib .../chdb/_chdb.abi3.so --home DIR [options]

Stops cleanly on SIGTERM or SIGINT.  clickhouse.sh wraps it.
"""
import argparse
import ctypes
import errno
import importlib.util
import os
import signal
import socket
import stat
import sys
import threading
import time

# CREATE USER needs a writeable access storage, which clickhouse-local has not:
# the users that a test wants are written here, before the start.
USERS_XML = """<clickhouse>
  <!-- Written once by server.py; yours to edit (then restart). -->
  <profiles>
    <default>
      <!-- clickhouse-local turns these on; a server does not. -->
      <implicit_select>0</implicit_select>
      <allow_introspection_functions>0</allow_introspection_functions>
      <storage_file_read_method>pread</storage_file_read_method>
    </default>
    <readonly><profile>default</profile><readonly>1</readonly></readonly>
  </profiles>
  <quotas><default></default></quotas>
  <users>
    <default> <!-- no password, may do everything -->
      <password></password>
      <networks><ip>::1</ip><ip>127.0.0.0/8</ip></networks>
      <profile>default</profile><quota>default</quota>
      <access_management>1</access_management>
      <named_collection_control>1</named_collection_control>
      <show_named_collections>1</show_named_collections>
      <show_named_collections_secrets>1</show_named_collections_secrets>
    </default>
    <writer> <!-- password writer: what a sink needs and no more -->
      <password>writer</password>
      <networks><ip>::1</ip><ip>127.0.0.0/8</ip></networks>
      <profile>default</profile><quota>default</quota>
      <grants>
        <query>GRANT SHOW, SELECT, INSERT ON *.*</query>
      </grants>
    </writer>
    <inserter> <!-- password inserter: INSERT alone, on what tests of the sink make -->
      <password>inserter</password>
      <networks><ip>::1</ip><ip>127.0.0.0/8</ip></networks>
      <profile>default</profile><quota>default</quota>
      <grants><query>GRANT INSERT ON penstock_sink_*.*</query></grants>
    </inserter>
    <creator> <!-- password creator: as inserter, and may create tables -->
      <password>creator</password>
      <networks><ip>::1</ip><ip>127.0.0.0/8</ip></networks>
      <profile>default</profile><quota>default</quota>
      <grants><query>GRANT INSERT, CREATE TABLE ON penstock_sink_*.*</query><query>GRANT TABLE ENGINE ON MergeTree</query></grants>
    </creator>
    <evolver> <!-- password evolver: as inserter, and may add and widen columns -->
      <password>evolver</password>
      <networks><ip>::1</ip><ip>127.0.0.0/8</ip></networks>
      <profile>default</profile><quota>default</quota>
      <grants><query>GRANT INSERT, ALTER ADD COLUMN, ALTER MODIFY COLUMN ON penstock_sink_*.*</query></grants>
    </evolver>
    <reader> <!-- password reader -->
      <password>reader</password>
      <networks><ip>::1</ip><ip>127.0.0.0/8</ip></networks>
      <profile>readonly</profile><quota>default</quota>
      <grants><query>GRANT SHOW, SELECT ON *.*</query></grants>
    </reader>
  </users>
</clickhouse>
"""

SYSTEM_LOGS = ("query_log", "part_log", "query_views_log", "error_log")


def config_xml(a):
    extra = ""
    if a.system_logs:
        for n in SYSTEM_LOGS:
            extra += (f"  <{n}><database>system</database><table>{n}</table>"
                      f"<flush_interval_milliseconds>1000</flush_interval_milliseconds></{n}>\n")
    if a.zookeeper:
        host, _, port = a.zookeeper.rpartition(":")
        extra += (f"  <zookeeper><node><host>{host}</host><port>{port}</port></node></zookeeper>\n"
                  "  <keeper_map_path_prefix>/keeper_map_tables</keeper_map_path_prefix>\n")
    return f"""<clickhouse>
  <!-- Written by server.py at every start. -->
  <log-level>{a.log_level}</log-level>
  <logger>
    <log>{a.home}/log/clickhouse.log</log>
    <errorlog>{a.home}/log/clickhouse.err.log</errorlog>
    <size>100M</size><count>2</count>
  </logger>
  <listen_host>{a.host}</listen_host>
  <http_port>{a.http_port}</http_port>
  <tcp_port>{a.tcp_port}</tcp_port>
  <max_server_memory_usage>{a.max_memory}</max_server_memory_usage>
  <users_config>{a.home}/users.xml</users_config>
  <macros><shard>1</shard><replica>r1</replica><cluster>default</cluster></macros>
  <remote_servers><default><shard><replica>
    <host>{a.host}</host><port>{a.tcp_port}</port>
  </replica></shard></default></remote_servers>
{extra}</clickhouse>
"""


def has_users(path):
    """Whether the file is there and not from a time before its newest user."""
    try:
        with open(path) as f:
            return "<evolver>" in f.read()
    except FileNotFoundError:
        return False


def make_fifo(path):
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        if not stat.S_ISFIFO(os.stat(path).st_mode):
            raise


def port_free(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
            return True
        except OSError:
            return False


def engine_main(lib, sql, data):
    """Runs the main of clickhouse-local to its end; returns an error text, or ''."""
    if os.path.basename(lib).startswith("_chdb"):  # PyPI: chdb-core
        # Not "import chdb": that also wants pandas and starts a second engine.
        spec = importlib.util.spec_from_file_location("_chdb", lib)
        mod = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mod)
        r = mod.query(sql, "TSV", path=data)
        return r.error_message() if r.has_error() else ""
    so = ctypes.CDLL(lib)  # npm: @chdb/lib-linux-*-gnu, libchdb.so and its C API
    so.chdb_query_cmdline.restype = ctypes.c_void_p
    so.chdb_query_cmdline.argtypes = [ctypes.c_int, ctypes.c_void_p]
    so.chdb_result_error.restype = ctypes.c_char_p
    so.chdb_result_error.argtypes = [ctypes.c_void_p]
    argv = [s.encode() for s in ("clickhouse", "--multiquery", "--output-format=TSV",
                                 f"--path={data}", f"--query={sql}")]
    r = so.chdb_query_cmdline(len(argv), (ctypes.c_char_p * (len(argv) + 1))(*argv, None))
    return (so.chdb_result_error(r) or b"").decode(errors="replace") if r else "no result"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lib", required=True)
    p.add_argument("--home", required=True, help="data, logs and configuration go here")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--http-port", type=int, default=8123)
    p.add_argument("--tcp-port", type=int, default=9000)
    p.add_argument("--log-level", default="warning")
    p.add_argument("--max-memory", type=int, default=6 << 30, help="bytes, for the whole server")
    p.add_argument("--zookeeper", default="", metavar="HOST:PORT", help="turns KeeperMap on")
    p.add_argument("--system-logs", type=int, default=1, help="0: no query_log, part_log, ...")
    a = p.parse_args()
    a.home = os.path.abspath(a.home)
    lib = os.path.abspath(a.lib)
    for port in (a.http_port, a.tcp_port):
        if not port_free(a.host, port):
            sys.exit(f"server.py: {a.host}:{port} is in use")
    print("ports are free", flush=True)  # clickhouse.sh waits for this line
    for d in ("", "log", "data"):
        os.makedirs(os.path.join(a.home, d), exist_ok=True)
    with open(os.path.join(a.home, "config.xml"), "w") as f:
        f.write(config_xml(a))
    users = os.path.join(a.home, "users.xml")
    if not has_users(users):
        with open(users, "w") as f:
            f.write(USERS_XML)
    os.chdir(a.home)  # the engine reads ./config.xml
    ctl = os.path.join(a.home, "control.fifo")
    make_fifo(ctl)

    # The engine's threads inherit this mask, so that the signals reach sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    sql = (
        "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
        # This waits, using no CPU, until somebody writes to the pipe.
        f"SELECT * FROM file('{ctl}', 'LineAsString', 'l String') FORMAT Null; "
        "SYSTEM STOP LISTEN HTTP; SYSTEM STOP LISTEN TCP"
    )
    error = []

    def run():
        try:
            error.append(engine_main(lib, sql, os.path.join(a.home, "data")))
        except BaseException as e:
            error.append(str(e) or repr(e))
        os.kill(os.getpid(), signal.SIGTERM)

    t = threading.Thread(target=run, name="engine")
    t.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    deadline = time.monotonic() + 30
    while t.is_alive() and time.monotonic() < deadline:
        try:
            fd = os.open(ctl, os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, b"stop\n")
            os.close(fd)
            t.join(20)
        except OSError as e:
            if e.errno not in (errno.ENXIO, errno.EPIPE):  # nobody reads the pipe (yet)
                raise
            t.join(0.1)
    code = 0
    if t.is_alive():
        print("server.py: the engine did not stop in time", file=sys.stderr)
        code = 1
    elif error and error[0]:
        print(f"server.py: {error[0]}", file=sys.stderr)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # the library's own exit handlers are not needed


if __name__ == "__main__":
    main()
