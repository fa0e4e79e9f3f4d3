"""How many parts a second a table gets from a topic of many partitions, each of which grows at a steady rate."""
import time

import process
from scenarios import STRING
from workers import Penstock

PARTITIONS, RATE_OF_PARTITION = 64, 1000
# Until the connectors run evenly, and then while parts are counted.
WARM_UP_S, MEASURED_S = 10, 60
# The generator's records are in all partitions within this.
EVERY_S = 0.05
# Parts that were merged stay in system.parts for this long, so that none is missed.
KEPT_S = 3600


def measure(lab, data, number, make_target):
    """One generator and one sink of the same worker, both at their defaults but for the generator's rate."""
    worker = Penstock(lab, number)
    ready = worker.start()
    target = None
    try:
        data.topic = f"{lab.services.prefix}.{number}"
        lab.services.create_topic(data.topic, PARTITIONS)
        target = make_target(worker, data)
        lab.services.query(f"ALTER TABLE `{target.table}` MODIFY SETTING old_parts_lifetime = {KEPT_S}")
        worker.create(worker.name, {"tasks.max": str(lab.tasks), "topics": data.topic, "key.converter": STRING,
                                    **target.config(), **lab.connector_settings(worker.kind)})
        process.wait("the sink RUNNING", lambda: worker.is_running(worker.name, lab.tasks), lab.limit)
        rate = PARTITIONS * RATE_OF_PARTITION
        worker.create(data.topic, {
            "connector.class": "DatagenSource", "tasks.max": "1", "topic": data.topic, "fields": data.datagen(),
            "rate": str(rate), "batch.records.max": str(int(rate * EVERY_S)), "format": "json", "key.field": "id",
            "key.converter": STRING, "value.converter": STRING})
        process.wait("rows", target.count, lab.limit, target.every)
        time.sleep(WARM_UP_S)
        first = look(lab, worker, target)
        time.sleep(MEASURED_S)
        last = look(lab, worker, target)
        peak = process.memory_mb(worker.pid, "VmHWM")
        settle(lab, worker, target, data)
        return {**ready, **figures(first, last), "peak_mb": peak}
    finally:
        worker.stop()
        if target:
            target.drop()


def look(lab, worker, target):
    """When, CPU time of the worker, parts that inserts made, and their rows. What merges made has a level above 0."""
    sql = ("SELECT count(), sum(rows) FROM system.parts "
           f"WHERE database = currentDatabase() AND table = '{target.table}' AND level = 0")
    parts, rows = map(int, lab.services.query(sql).split())
    return time.monotonic(), process.cpu_s(worker.pid), parts, rows


def figures(first, last):
    seconds, cpu, parts, rows = (after - before for before, after in zip(first, last))
    return {"parts_per_s": round(parts / seconds, 2), "rows_per_part": round(rows / parts) if parts else None,
            "rows_per_s": round(rows / seconds), "cpu_percent": round(cpu / seconds * 100, 1)}


def settle(lab, worker, target, data):
    """The generator ends, and each of its records has to arrive; under exactly-once delivery once."""
    status, document = worker.call("PUT", f"/connectors/{data.topic}/stop")
    if status not in (202, 204):
        raise RuntimeError(f"stopping {data.topic}: {status} {document}")
    process.wait("the generator's end", lambda: stopped(worker, data.topic), lab.limit, 0.1)
    wanted = sum(lab.services.end_offsets(data.topic))
    process.wait(f"{wanted} rows", lambda: target.count() >= wanted, lab.limit, 0.1)
    _, distinct = target.verify()
    if distinct != wanted:
        raise RuntimeError(f"{worker.name}: {distinct} of {wanted} records arrived")


def stopped(worker, name):
    status, document = worker.call("GET", f"/connectors/{name}/status")
    return status == 200 and document["connector"]["state"] == "STOPPED" and not document["tasks"]
