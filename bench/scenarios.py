"""The measurements themselves: each starts a fresh worker, measures, and stops it."""
import os
import time
import urllib.parse

import process
from workers import Penstock

STRING = "org.apache.kafka.connect.storage.StringConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"
ENCODERS = {"avro": "io.confluent.connect.avro.AvroConverter",
            "protobuf": "io.confluent.connect.protobuf.ProtobufConverter"}
FILE_SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
CLICKHOUSE_SINK = "com.clickhouse.kafka.connect.ClickHouseSinkConnector"
# A worker that has just started still tidies up; both get this time before a measurement.
SETTLE_S = 3
# How often a connector that moves rows is asked whether it failed.
CHECK_S = 2


def feed(lab, every):
    """Fills the topics by Penstock's datagen connector, and lets the broker say that every record is there once."""
    worker = Penstock(lab, "feed")
    # Also the start in which the plugins are new: each is tried in a process of its own, once.
    ready = worker.start()
    try:
        for data in every:
            data.topic = f"{lab.services.prefix}.{data.name}"
            lab.services.create_topic(data.topic, data.partitions)
            worker.create(data.topic, {
                "connector.class": "DatagenSource", "tasks.max": "1", "topic": data.topic, "fields": data.datagen(),
                "total": str(data.records), "key.field": "id", "key.converter": STRING, **written(lab, data)})
            process.wait(f"{data.records} records in {data.topic}", lambda data=data: fed(lab, worker, data),
                         lab.limit, 0.5)
    finally:
        worker.stop()
    return {"worker": "penstock", "case": "first start, plugins new", **ready}


def written(lab, data):
    """How the generator writes values: finished JSON, or by a converter with a schema in the registry."""
    if data.encoding == "json":
        return {"format": "json", "value.converter": STRING}
    return {"format": "struct", **encoded(lab.services, data)}


def encoded(services, data):
    return {"value.converter": ENCODERS[data.encoding], "value.converter.schema.registry.url": services.registry}


def fed(lab, worker, data):
    worker.is_running(data.topic, 1)
    offsets = lab.services.end_offsets(data.topic)
    if sum(offsets) > data.records:
        raise RuntimeError(f"{data.topic} holds {offsets} records in its partitions, {data.records} were wanted")
    data.offsets = offsets
    return sum(offsets) == data.records


class Target:
    """Where rows arrive, and how they are counted there."""

    def source(self):
        """The settings that say where they come from."""
        return {"topics": self.data.topic, "key.converter": STRING}


class FileTarget(Target):
    """Counts by the file's length: every line has the same."""

    def __init__(self, worker, data):
        self.path, self.data = worker.dir / "out.txt", data
        self.every = 0.01

    def config(self):
        return {"connector.class": FILE_SINK, "file": str(self.path), "value.converter": STRING}

    def count(self):
        try:
            return int(os.stat(self.path).st_size // (self.data.bytes + 1))
        except FileNotFoundError:
            return 0

    def verify(self):
        """Rows, and how many of them are there once or more."""
        with open(self.path, "rb") as file:
            ids = [line[6:13] for line in file]
        return len(ids), len(set(ids))

    def drop(self):
        self.path.unlink(missing_ok=True)


class ClickHouseTarget(Target):
    def __init__(self, worker, data):
        self.services, self.topic, self.data = worker.lab.services, data.topic, data
        self.table = worker.name.replace("-", "_")
        self.every = 0.03
        self.services.query(self.statement())

    def statement(self):
        return self.data.table(self.table)

    def config(self):
        address = urllib.parse.urlsplit(self.services.clickhouse)
        return {"connector.class": CLICKHOUSE_SINK, "hostname": address.hostname, "port": str(address.port),
                "database": "default", "username": "default", "password": "",
                # As over a network; the server here is on the same machine.
                "compression": "lz4", "topic2TableMap": f"{self.topic}={self.table}", **self.converter()}

    def converter(self):
        if self.data.encoding == "json":
            return {"value.converter": JSON, "value.converter.schemas.enable": "false"}
        return encoded(self.services, self.data)

    def count(self):
        return int(self.services.query(f"SELECT count() FROM `{self.table}`"))

    def verify(self):
        counts = self.services.query(f"SELECT count(), uniqExact(id) FROM `{self.table}`").split()
        return tuple(map(int, counts))

    def drop(self):
        self.services.query(f"DROP TABLE IF EXISTS `{self.table}` SYNC")


class RawTarget(ClickHouseTarget):
    """The bytes of each record with its position, and nothing of them decoded."""

    def statement(self):
        return (f"CREATE TABLE `{self.table}` (_raw_message String, _partition UInt64, _offset UInt64) "
                "ENGINE = MergeTree ORDER BY (_partition, _offset)")

    def converter(self):
        return {"value.converter": STRING}

    def verify(self):
        found = self.services.query(f"SELECT count(), uniqExact(_partition, _offset) FROM `{self.table}`").split()
        return tuple(map(int, found))


class PlainTarget(RawTarget):
    """The same as a server on the same machine is written to by default: not compressed."""

    def config(self):
        return {**super().config(), "compression": "auto"}


class ExactTarget(ClickHouseTarget):
    """The same table, which keeps tokens, under exactly-once delivery."""

    def __init__(self, worker, data):
        super().__init__(worker, data)
        self.services.query(f"ALTER TABLE `{self.table}` MODIFY SETTING non_replicated_deduplication_window = 10000")

    def config(self):
        return {**super().config(), "exactlyOnce": "true"}

    def verify(self):
        rows, distinct = super().verify()
        if rows != distinct:
            raise RuntimeError(f"{self.table}: {rows - distinct} rows came twice under exactly-once delivery")
        return rows, distinct


class PipeTarget(ClickHouseTarget):
    """What a generator makes in the same task goes there without a topic."""

    def source(self):
        return {"connector.class": "Pipe", "source.connector.class": "DatagenSource", "source.topic": self.table,
                "source.fields": self.data.datagen(), "source.total": str(self.data.records),
                "source.format": "json", "source.key.field": "id"}

    def config(self):
        own = super().config()
        own = {key: own[key] for key in ("hostname", "port", "database", "username", "password")}
        return {f"sink.{key}": value for key, value in {"connector.class": "ClickHouseSink", **own}.items()}


class ExactPipeTarget(PipeTarget, ExactTarget):
    def config(self):
        return {**PipeTarget.config(self), "sink.exactlyOnce": "true"}


def sink(lab, worker, make_target, data):
    """One sink connector drains one topic: how fast, and what it costs."""
    ready = worker.start()
    target = None
    try:
        target = make_target(worker, data)
        time.sleep(SETTLE_S)
        services = {"clickhouse": lab.services.clickhouse_pid(), "kafka": lab.services.kafka_pid()}
        before = {name: process.cpu_s(pid) for name, pid in services.items()}
        drain = Drain(lab, worker, target, data)
        drain.run()
        after = {name: process.cpu_s(pid) for name, pid in services.items()}
        figures = drain.figures()
        for name, pid in services.items():
            spent = None if pid is None else after[name] - before[name]
            figures[f"{name}_cpu_us_per_row"] = spent and round(spent / data.records * 1e6, 3)
        rows, distinct = target.verify()
        if distinct != data.records:
            raise RuntimeError(f"{worker.name}: {distinct} of {data.records} records arrived, in {rows} rows")
        return {**ready, **figures, "duplicate_rows": rows - distinct}
    finally:
        worker.stop()
        if target:
            target.drop()


class Drain:
    """Creates a sink connector and watches its rows arrive."""

    def __init__(self, lab, worker, target, data):
        self.lab, self.worker, self.target, self.data = lab, worker, target, data
        self.running_s = None
        # (seconds since before the create, rows, CPU seconds of the worker), at each change of the rows.
        self.samples = []

    def run(self):
        worker, name = self.worker, self.worker.name
        config = {"tasks.max": str(self.lab.tasks), **self.target.source(), **self.target.config(),
                  **self.lab.connector_settings(worker.kind)}
        self.cpu_before, self.start = process.cpu_s(worker.pid), time.monotonic()
        worker.create(name, config)
        self.created_s = time.monotonic() - self.start
        self.checked = time.monotonic()
        try:
            process.wait("all rows", self.look, self.lab.limit, self.target.every)
        except process.Limit as limit:
            rows = self.samples[-1][1] if self.samples else 0
            raise process.Limit(f"{name}: {limit}: {rows} of {self.data.records} arrived") from limit
        self.peak_mb = process.memory_mb(worker.pid, "VmHWM")

    def look(self):
        rows = self.target.count()
        if rows and (not self.samples or rows != self.samples[-1][1]):
            self.samples.append((time.monotonic() - self.start, rows, process.cpu_s(self.worker.pid)))
        now = time.monotonic()
        if self.running_s is None or now - self.checked > CHECK_S:
            self.checked = now
            if self.worker.is_running(self.worker.name, self.lab.tasks) and self.running_s is None:
                self.running_s = time.monotonic() - self.start
        return rows >= self.data.records

    def figures(self):
        records, (last_s, last_rows, last_cpu) = self.data.records, self.samples[-1]
        first_s, first_rows, _ = self.samples[0]
        cpu = last_cpu - self.cpu_before
        figures = {
            "create_s": round(self.created_s, 3), "running_s": self.running_s and round(self.running_s, 3),
            "first_row_s": round(first_s, 3), "last_row_s": round(last_s, 3),
            "rows_per_s": round((last_rows - first_rows) / (last_s - first_s)) if last_s > first_s else None,
            "rows_per_s_from_create": round(records / last_s),
            "cpu_us_per_row": round(cpu / records * 1e6, 3), "rows_per_cpu_s": round(records / cpu) if cpu else None,
            "mb_per_cpu_s": round(records * self.data.bytes / cpu / 1e6, 1) if cpu and self.data.bytes else None,
            "cpu_us_per_row_second_half": self.second_half(), "peak_mb": self.peak_mb,
        }
        return figures

    def second_half(self):
        """CPU per row from the first sample past the middle on: without a start-up, and without a cold JVM."""
        middle = next(sample for sample in self.samples if sample[1] * 2 >= self.data.records)
        _, last_rows, last_cpu = self.samples[-1]
        rows = last_rows - middle[1]
        # A few big batches have no second half to speak of.
        return round((last_cpu - middle[2]) / rows * 1e6, 3) if rows * 4 >= self.data.records else None


def start(lab, worker, data):
    """A start and its memory, a small file sink until RUNNING and its first row, and a start that finds this sink."""
    ready = worker.start()
    try:
        started = process.cpu_s(worker.pid)
        time.sleep(SETTLE_S)
        idle = process.memory_mb(worker.pid, "VmRSS")
        target = FileTarget(worker, data)
        # Rows and status are looked at in turn: as often as the worker can bear it.
        target.every = 0.002
        drain = Drain(lab, worker, target, data)
        drain.run()
        process.wait(f"{worker.name} RUNNING", lambda: drain.look() and drain.running_s, lab.limit)
        figures = drain.figures()
        time.sleep(SETTLE_S)
        before = process.cpu_s(worker.pid)
        time.sleep(SETTLE_S)
        spent = process.cpu_s(worker.pid) - before
        quiet = {"start_cpu_s": round(started, 2), "idle_mb": idle, "idle_cpu_percent": round(spent / SETTLE_S * 100, 1),
                 "idle_with_connector_mb": process.memory_mb(worker.pid, "VmRSS")}
        again = {f"again_{key}": value for key, value in worker.start_again().items()}
        process.wait(f"{worker.name} RUNNING again", lambda: worker.is_running(worker.name, lab.tasks), lab.limit)
        again["again_running_s"] = round(time.monotonic() - worker.began, 3)
        return {**ready, **quiet, **again,
                **{key: figures[key] for key in ("create_s", "running_s", "first_row_s", "last_row_s")}}
    finally:
        worker.stop()
