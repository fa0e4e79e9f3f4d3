"""Kafka and ClickHouse of one bench run, by the scripts in tests/services, and questions to both."""
import os
import signal
import subprocess
import urllib.error
import urllib.request

import process

# The first start ever downloads some hundred megabytes.
UP_LIMIT_S = 1500
DOWN_LIMIT_S = 150
TOOL_LIMIT_S = 120


def run(command, limit, **more):
    """Runs a command in a session of its own, so that Ctrl-C leaves it its time; all of it ends at the limit."""
    more = {"stdout": subprocess.PIPE, "text": True, "stdin": subprocess.DEVNULL, **more}
    with subprocess.Popen(command, start_new_session=True, **more) as child:
        try:
            out, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise process.Limit(f"{' '.join(map(str, command))}: not within {limit} s") from error
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit status {child.returncode}")
    return out or ""


class Services:
    def __init__(self, checkout):
        self.scripts = checkout / "tests" / "services"
        self.state = checkout / ".services" / f"bench-{os.getpid()}"
        self.env = {"CLICKHOUSE_SYSTEM_LOGS": "0", **os.environ, "PENSTOCK_SERVICES_STATE": str(self.state)}
        self.kafka = self.clickhouse = self.registry = None
        # Topics and tables carry it, so that a broker that was brought along can be cleaned up.
        self.prefix = f"bench-{os.getpid()}"

    def start(self):
        lines = run([self.scripts / "up", "kafka", "clickhouse"], UP_LIMIT_S, env=self.env).split()
        addresses = dict(line.split("=", 1) for line in lines)
        self.kafka, self.clickhouse = addresses["PENSTOCK_TEST_KAFKA"], addresses["PENSTOCK_TEST_CLICKHOUSE"]

    def start_registry(self):
        line = run([self.scripts / "up", "apicurio"], UP_LIMIT_S, env=self.env).strip()
        # Its interface of the kind that the converters speak.
        self.registry = line.split("=", 1)[1]

    def start_kinesis(self):
        line = run([self.scripts / "up", "kinesis"], UP_LIMIT_S, env=self.env).strip()
        return line.split("=", 1)[1]

    def start_s3(self):
        line = run([self.scripts / "up", "s3"], UP_LIMIT_S, env=self.env).strip()
        return line.split("=", 1)[1]

    def stop(self):
        """Everything that was started here goes, with its data."""
        if self.kafka and "PENSTOCK_TEST_KAFKA" in os.environ:
            self.tool("topics", "--delete", "--if-exists", "--topic", self.prefix + "[.-].*")
        self.down()

    def down(self, *names, wipe=True):
        if self.state.exists():
            run([self.scripts / "down", *(["--wipe"] if wipe else []), *names], DOWN_LIMIT_S, env=self.env)

    def kafka_pid(self):
        return pid_in(self.state / "kafka" / "broker" / "pid")

    def clickhouse_pid(self):
        return pid_in(self.state / "clickhouse" / "server" / "pid")

    def tool(self, name, *arguments):
        """One of Kafka's own tools; every use starts a JVM, so never beside a measurement."""
        command = [self.scripts / "kafka" / "kafka.sh", "cli", name, "--bootstrap-server", self.kafka, *arguments]
        return run(command, TOOL_LIMIT_S, env=self.env)

    def create_topic(self, topic, partitions):
        self.tool("topics", "--create", "--topic", topic, "--partitions", str(partitions),
                  "--replication-factor", "1")

    def end_offsets(self, topic):
        """How many records each partition holds, by the broker's word."""
        lines = self.tool("org.apache.kafka.tools.GetOffsetShell", "--topic", topic).split()
        return [int(line.rsplit(":", 1)[1]) for line in lines]

    def query(self, sql):
        request = urllib.request.Request(self.clickhouse, data=sql.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"ClickHouse: {error.read().decode(errors='replace')[:500]}") from error


def pid_in(path):
    """The process of a service that was started here; none for one that was brought along."""
    pid = process.text(path)
    return int(pid) if pid.isdigit() else None
