"""Starts and stops the two workers that are compared, and talks to their REST interface."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import process

READY_LIMIT_S = 120
REST_LIMIT_S = 60
STOP_LIMIT_S = 30


class Worker:
    """What both have in common. Making one starts nothing; `start` does, and `stop` may always be called."""
    kind = None

    def __init__(self, lab, number):
        self.lab, self.name = lab, f"{lab.services.prefix}-{self.kind}-{number}"
        self.dir = lab.scratch / self.name
        self.pid = self.url = self.began = None

    def start(self):
        """Starts the process and answers the seconds until GET / and until GET /health said 200."""
        self.dir.mkdir()
        self.lab.workers.append(self)
        return self.spawn_and_wait()

    def start_again(self):
        """The same for a worker that finds what it left in Kafka."""
        self.end()
        self.url = None
        return self.spawn_and_wait()

    def spawn_and_wait(self):
        self.spawn()
        ready = {}
        # Looks at /health are fewer: a worker may need seconds for it, and answering is work.
        for name, path, every in (("rest_ready_s", "/", 0.002), ("health_ready_s", "/health", 0.01)):
            process.wait(f"{self.kind}: GET {path}", lambda path=path: self.is_ready(path), READY_LIMIT_S, every)
            ready[name] = round(time.monotonic() - self.began, 3)
        return ready

    def is_ready(self, path):
        if not stat_lives(self.pid):
            raise RuntimeError(f"{self.kind}: the worker ended at its start:\n{self.log_tail()}")
        self.url = self.url or self.address()
        return self.url and self.call("GET", path, limit=5)[0] == 200

    def call(self, method, path, body=None, limit=REST_LIMIT_S):
        """Status and document; status 0 when there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=limit) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")[:1000]
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)

    def create(self, name, config):
        status, document = self.call("POST", "/connectors", {"name": name, "config": config})
        if status != 201:
            raise RuntimeError(f"{self.kind}: creating {name}: {status} {document}")

    def is_running(self, name, tasks):
        """Whether the connector and all its tasks are RUNNING; a failed one ends the measurement."""
        status, document = self.call("GET", f"/connectors/{name}/status")
        if status != 200:
            return False
        parts = [document["connector"], *document["tasks"]]
        failed = [part for part in parts if part["state"] == "FAILED"]
        if failed:
            raise RuntimeError(f"{self.kind}: {name} failed: {str(failed[0].get('trace'))[:1000]}")
        return len(parts) == tasks + 1 and all(part["state"] == "RUNNING" for part in parts)

    def stop(self):
        self.end(wipe=True)
        shutil.rmtree(self.dir, ignore_errors=True)
        if self in self.lab.workers:
            self.lab.workers.remove(self)

    def log_tail(self):
        return "\n".join(process.text(self.log()).splitlines()[-20:])


class Penstock(Worker):
    kind = "penstock"
    child = None

    def spawn(self):
        settings = self.lab.worker_settings(self.name) | {
            "listeners": "http://127.0.0.1:0", "penstock.address.file": self.dir / "address",
            "plugin.path": self.lab.plugins, "penstock.plugin.cache.dir": self.lab.scratch / "cache",
            "penstock.data.dir": self.dir / "data"}
        file = self.dir / "worker.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), encoding="utf-8")
        with open(self.log(), "wb") as log:
            self.began = time.monotonic()
            self.child = subprocess.Popen([self.lab.binary, "run", "--config", file], cwd=self.dir, stdout=log,
                                          stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.pid = self.child.pid

    def log(self):
        return self.dir / "worker.log"

    def address(self):
        return process.text(self.dir / "address")

    def end(self, wipe=False):
        (self.dir / "address").unlink(missing_ok=True)
        if self.child is None:
            return
        self.child.terminate()
        try:
            self.child.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.lab.note(f"{self.name} did not stop in {STOP_LIMIT_S} s: killed")
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        self.child = None


class Java(Worker):
    """Apache Kafka Connect, as tests/services starts it."""
    kind = "java"
    up = None

    def spawn(self):
        services = self.lab.services
        self.state = services.state / f"connect.{self.name}"
        settings = self.lab.worker_settings(self.name)
        lines = "\n".join(f"{key}={value}" for key, value in settings.items())
        env = {**services.env, "PENSTOCK_TEST_KAFKA": services.kafka, "CONNECT_GROUP": self.name, "CONNECT_SET": lines}
        self.up = subprocess.Popen([services.scripts / "up", self.state.name], env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        process.wait("java: the worker's process", self.has_spawned, READY_LIMIT_S)
        self.began = process.started_at(self.pid)
        # The script would ask for the worker's health by one curl after the other, beside the measurement.
        self.end_script()

    def has_spawned(self):
        """Whether the worker has its own session, which ending the script does not reach."""
        pid = process.text(self.state / "worker" / "pid")
        if not pid.isdigit():
            if self.up.poll() is not None:
                raise RuntimeError(f"java: {' '.join(map(str, self.up.args))}: exit status {self.up.returncode}")
            return False
        try:
            self.pid = int(pid)
            return os.getpgid(self.pid) == self.pid
        except OSError:
            return False

    def end_script(self):
        if self.up and self.up.poll() is None:
            os.killpg(self.up.pid, signal.SIGKILL)
            self.up.wait()

    def log(self):
        return self.state / "worker" / "worker.log"

    def address(self):
        return "http://127.0.0.1:" + process.text(self.state / "port")

    def end(self, wipe=False):
        if self.up:
            self.end_script()
            self.lab.services.down(self.state.name, wipe=wipe)


def stat_lives(pid):
    """Whether the process is there and no zombie."""
    state = process.stat(pid)
    return bool(state) and state[0] != "Z"
