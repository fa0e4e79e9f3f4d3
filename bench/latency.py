"""How old a record is when a query finds it: generator, Kafka, sink and ClickHouse, at a given rate."""
import time
from statistics import quantiles

import process
from scenarios import STRING, ClickHouseTarget
from workers import Penstock

# Until the connectors run evenly, and then while records are looked at.
WARM_UP_S, MEASURED_S = 5, 30
LOOK_EVERY_S = 0.01


class Target(ClickHouseTarget):
    """The records' columns, and where and when Kafka got them."""

    def statement(self):
        columns = "_partition UInt64, _offset UInt64, _timestamp DateTime64(3)"
        return self.data.table(self.table).replace(") ENGINE", f", {columns}) ENGINE", 1)


def measure(lab, data, number, age_ms):
    """One generator and one sink of the same worker; the generator keeps its rate, the table is asked all the time."""
    worker = Penstock(lab, number)
    ready = worker.start()
    target = None
    try:
        data.topic = f"{lab.services.prefix}.latency.{number}"
        lab.services.create_topic(data.topic, data.partitions)
        target = Target(worker, data)
        config = {"tasks.max": str(lab.tasks), "topics": data.topic, "key.converter": STRING, **target.config(),
                  **lab.connector_settings(worker.kind), "penstock.batch.age.max.ms": str(age_ms)}
        worker.create(worker.name, config)
        process.wait("the sink RUNNING", lambda: worker.is_running(worker.name, lab.tasks), lab.limit)
        worker.create(data.topic, {
            "connector.class": "DatagenSource", "tasks.max": "1", "topic": data.topic, "fields": data.datagen(),
            "rate": str(lab.options.rate), "batch.records.max": "1000", "format": "json", "key.field": "id",
            "key.converter": STRING, "value.converter": STRING})
        process.wait("rows", target.count, lab.limit, target.every)
        watch = Watch(target)
        before = process.cpu_s(worker.pid)
        watch.run(WARM_UP_S + MEASURED_S)
        spent = process.cpu_s(worker.pid) - before
        worker.call("PUT", f"/connectors/{data.topic}/stop")
        return {**ready, **watch.figures(), "cpu_percent": round(spent / (WARM_UP_S + MEASURED_S) * 100, 1),
                "peak_mb": process.memory_mb(worker.pid, "VmHWM")}
    finally:
        worker.stop()
        if target:
            target.drop()


class Watch:
    """Asks again and again up to which offset each partition is there."""

    def __init__(self, target):
        self.target, self.looks = target, []

    def run(self, seconds):
        end = time.monotonic() + seconds
        sql = f"SELECT _partition, max(_offset) FROM `{self.target.table}` GROUP BY _partition"
        while time.monotonic() < end:
            found = self.target.services.query(sql)
            # After the answer: rows are never thought to have been there sooner than they were.
            now = time.time()
            if not self.looks or found != self.looks[-1][1]:
                self.looks.append((now, found))
            time.sleep(LOOK_EVERY_S)
        self.began = self.looks[0][0] + WARM_UP_S

    def figures(self):
        """The age of every row that came after the warm-up, by the first look that found it."""
        ages, seen = [], {}
        for now, found in self.looks:
            ends = dict(tuple(map(int, line.split())) for line in found.splitlines())
            if now > self.began:
                ages += self.ages(now, {at: (seen.get(at, -1), end) for at, end in ends.items()})
            seen = ends
        cuts = quantiles(ages, n=1000)
        return {"rows": len(ages), "p50_ms": round(cuts[499]), "p99_ms": round(cuts[989]), "p999_ms": round(cuts[998]),
                "max_ms": round(max(ages)), "looks": len(self.looks)}

    def ages(self, now, ranges):
        parts = [f"_partition = {at} AND _offset > {start} AND _offset <= {end}"
                 for at, (start, end) in ranges.items() if end > start]
        if not parts:
            return []
        sql = (f"SELECT toUnixTimestamp64Milli(_timestamp) FROM `{self.target.table}` WHERE "
               + " OR ".join(f"({part})" for part in parts))
        return [now * 1000 - int(line) for line in self.target.services.query(sql).split()]
