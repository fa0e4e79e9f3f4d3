"""Files of S3 into ClickHouse: by a pipe, and by ClickHouse's own reader, of the same files into tables of the same form."""
import subprocess
import time
import urllib.parse

import process
from workers import Penstock

FILES, ROWS = 8, 500_000
BUCKET, REGION = "bench", "us-east-1"
# What the server of tests/services/s3 knows its administrator by.
USER, SECRET = "penstock", "penstock-secret"
FORMATS = {"JSON lines": ("json", "JSONEachRow"), "JSON lines, gzip": ("json.gz", "JSONEachRow"),
           "Parquet": ("parquet", "Parquet")}
COLUMNS = "id UInt64, n Int64, price Decimal(18, 4), name String, f Float64, at DateTime64(3, 'UTC'), flag Bool"
SELECT = ("SELECT number AS id, -3 * toInt64(number) AS n, toDecimal64(number, 4) / 7 AS price, "
          "concat('customer ', toString(number % 100000)) AS name, number / 3 AS f, "
          "toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalMillisecond(number) AS at, "
          "toBool(number % 2 = 1) AS flag FROM numbers({}, {})")
CURL_LIMIT_S = 30


class Engine:
    """In the place of a worker: the server reads for itself."""
    kind = "clickhouse"


class Files:
    """The files of a run, made once by ClickHouse."""

    def __init__(self, lab):
        self.services, self.url = lab.services, lab.services.start_s3()
        subprocess.run(["curl", "-sS", "--fail-with-body", "-X", "PUT", "--aws-sigv4", f"aws:amz:{REGION}:s3", "--user",
                        f"{USER}:{SECRET}", f"{self.url}/{BUCKET}"], check=True, timeout=CURL_LIMIT_S)
        for end, form in FORMATS.values():
            for number in range(FILES):
                rows = SELECT.format(number * ROWS, ROWS)
                self.services.query(f"INSERT INTO FUNCTION {self.function(f'{end}/{number}.{end}', form)} {rows}")
        self.bytes = {end: self.size(end) for end, _ in FORMATS.values()}

    def function(self, keys, form, columns=""):
        columns = columns and f", $${columns}$$"
        return f"s3('{self.url}/{BUCKET}/{keys}', '{USER}', '{SECRET}', '{form}'{columns})"

    def size(self, end):
        return int(self.services.query(f"SELECT sum(_size) FROM {self.function(f'{end}/*', 'One')}"))


def measure(lab, files, name, reader):
    """Into an empty table; the rows are counted by their ids at the end."""
    services, table = lab.services, f"{lab.services.prefix}-s3".replace("-", "_")
    services.query(f"CREATE TABLE `{table}` ({COLUMNS}) ENGINE = MergeTree ORDER BY id")
    try:
        figures = reader(lab, files, name, table)
        rows, distinct = map(int, services.query(f"SELECT count(), uniqExact(id) FROM `{table}`").split())
        if distinct != FILES * ROWS:
            raise RuntimeError(f"{table}: {distinct} of {FILES * ROWS} rows arrived, in {rows}")
        return {**figures, "duplicate_rows": rows - distinct}
    finally:
        services.query(f"DROP TABLE IF EXISTS `{table}` SYNC")


def by_itself(lab, files, name, table):
    end, form = FORMATS[name]
    server = lab.services.clickhouse_pid()
    before, start = process.cpu_s(server), time.monotonic()
    lab.services.query(f"INSERT INTO `{table}` SELECT * FROM {files.function(f'{end}/*', form, COLUMNS)}")
    seconds, cpu = time.monotonic() - start, process.cpu_s(server) - before
    return figures(files.bytes[end], seconds, cpu, cpu)


def by_pipe(lab, files, name, table):
    end, _ = FORMATS[name]
    worker, server = Penstock(lab, f"s3-{end.replace('.', '-')}-{time.monotonic_ns()}"), lab.services.clickhouse_pid()
    ready = worker.start()
    try:
        before, start = (process.cpu_s(worker.pid), process.cpu_s(server)), time.monotonic()
        worker.create(table, pipe(lab, files, end, table))
        process.wait("all rows", lambda: int(lab.services.query(f"SELECT count() FROM `{table}`")) >= FILES * ROWS,
                     lab.limit, 0.03)
        seconds = time.monotonic() - start
        own, theirs = process.cpu_s(worker.pid) - before[0], process.cpu_s(server) - before[1]
        worker.is_running(table, lab.tasks)
        return {**ready, **figures(files.bytes[end], seconds, own, own + theirs),
                "peak_mb": process.memory_mb(worker.pid, "VmHWM")}
    finally:
        worker.stop()


def pipe(lab, files, end, table):
    address = urllib.parse.urlsplit(lab.services.clickhouse)
    return {"connector.class": "Pipe", "tasks.max": str(lab.tasks),
            "source.connector.class": "S3Source", "source.s3.bucket": BUCKET, "source.s3.prefix": f"{end}/",
            "source.topic": table, "source.aws.endpoint": files.url, "source.aws.region": REGION,
            "source.aws.access.key.id": USER, "source.aws.secret.access.key": SECRET,
            "sink.connector.class": "ClickHouseSink", "sink.hostname": address.hostname, "sink.port": str(address.port),
            **lab.connector_settings("penstock")}


def figures(size, seconds, own, everybody):
    rows = FILES * ROWS
    return {"rows_per_s": round(rows / seconds), "mb_per_s": round(size / 1e6 / seconds, 1),
            "mb_per_cpu_s": round(size / 1e6 / own, 1), "rows_per_cpu_s": round(rows / own),
            "all_cpu_us_per_row": round(everybody / rows * 1e6, 3)}
