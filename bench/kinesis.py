"""A stream of 16 shards into ClickHouse by a pipe: what a worker's CPU second carries, and how old rows are."""
import base64
import hashlib
import http.client
import json
import threading
import time
import urllib.parse

import process
from workers import Penstock

SHARDS = 16
# What is offered to each shard, and how many records go into one of the stream's. On two cores, which it shares, the
# emulator takes 2 MB, the most that AWS lets read, only of records that are packed as AWS's producer library does it; a
# megabyte of single ones may time out.
OFFERS = ((0.25, 1), (1, 48), (2, 48), (1, 1))
RECORDS, RECORD_BYTES = 96, 1024
PACKED = b"\xf3\x89\x9a\xc2"
WARM_UP_S, MEASURED_S = 10, 30
REQUEST_LIMIT_S = 60
TABLE = """CREATE TABLE `{name}` (id UInt64, name String, amount Float64, text String, _shard LowCardinality(String),
 _sequence_number String, _timestamp DateTime64(3), inserted DateTime64(3) DEFAULT now64(3))
 ENGINE = MergeTree ORDER BY (_shard, id)"""


def measure(lab, number, offer):
    """The writer keeps its rate as far as the server takes it; the pipe runs beside it."""
    name = f"{lab.services.prefix}-kinesis-{number}".replace("-", "_")
    stream = Stream(lab.services.start_kinesis(), name)
    worker = Penstock(lab, f"kinesis-{number}")
    ready = worker.start()
    writer = None
    try:
        stream.create()
        lab.services.query(TABLE.format(name=name))
        worker.create(name, pipe(lab, stream))
        process.wait("the pipe RUNNING", lambda: worker.is_running(name, lab.tasks), lab.limit)
        writer = Writer(stream, *offer)
        writer.start()
        process.wait("rows", lambda: count(lab, name), lab.limit, 0.1)
        time.sleep(WARM_UP_S)
        before = (time.time(), writer.records, count(lab, name), process.cpu_s(worker.pid))
        time.sleep(MEASURED_S)
        after = (time.time(), writer.records, count(lab, name), process.cpu_s(worker.pid))
        worker.is_running(name, lab.tasks)
        return {**ready, **figures(before, after), **ages(lab, name, before[0], after[0]),
                "peak_mb": process.memory_mb(worker.pid, "VmHWM")}
    finally:
        if writer:
            writer.end()
        worker.stop()
        lab.services.query(f"DROP TABLE IF EXISTS `{name}` SYNC")
        stream.call("DeleteStream", {"StreamName": name})


def pipe(lab, stream):
    address = urllib.parse.urlsplit(lab.services.clickhouse)
    return {"connector.class": "Pipe", "tasks.max": str(lab.tasks),
            "source.connector.class": "KinesisSource", "source.kinesis.stream": stream.name,
            "source.aws.region": "us-east-1", "source.aws.endpoint": stream.url,
            "source.aws.access.key.id": "bench", "source.aws.secret.access.key": "bench",
            "sink.connector.class": "ClickHouseSink", "sink.hostname": address.hostname, "sink.port": str(address.port),
            **lab.connector_settings("penstock")}


def count(lab, table):
    return int(lab.services.query(f"SELECT count() FROM `{table}`"))


def figures(before, after):
    seconds, written, rows, cpu = (b - a for a, b in zip(before, after))
    mb = RECORD_BYTES / 1e6
    return {"written_mb_per_shard_s": round(written * mb / seconds / SHARDS, 2), "rows_per_s": round(rows / seconds),
            "rows_per_cpu_s": round(rows / cpu) if cpu else None,
            "mb_per_cpu_s": round(rows * mb / cpu, 1) if cpu else None,
            "cpu_percent": round(cpu / seconds * 100, 1)}


def ages(lab, table, since, until):
    """From the moment at which the stream had a record to the insert of its row; both by clocks of this machine."""
    age = "toUnixTimestamp64Milli(inserted) - toUnixTimestamp64Milli(_timestamp)"
    sql = (f"SELECT quantilesExact(0.5, 0.99, 1)({age}) "
           f"FROM `{table}` WHERE inserted BETWEEN fromUnixTimestamp64Milli({int(since * 1000)}) "
           f"AND fromUnixTimestamp64Milli({int(until * 1000)})")
    p50, p99, most = json.loads(lab.services.query(sql))
    return {"p50_ms": p50, "p99_ms": p99, "max_ms": most}


class Stream:
    """A stream of an emulator, which looks at no signature."""

    def __init__(self, url, name):
        self.url, self.name = url, name
        self.address = urllib.parse.urlsplit(url)

    def connect(self):
        return http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=REQUEST_LIMIT_S)

    def send(self, connection, action, body):
        credential = "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/kinesis/aws4_request"
        connection.request("POST", "/", body, {
            "content-type": "application/x-amz-json-1.1", "x-amz-target": f"Kinesis_20131202.{action}",
            "x-amz-date": "20260101T000000Z",
            "authorization": f"{credential}, SignedHeaders=host, Signature={'0' * 64}"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"Kinesis: {action}: {answer.status} {text[:300]}")
        return json.loads(text or "null")

    def call(self, action, body):
        connection = self.connect()
        try:
            return self.send(connection, action, json.dumps(body))
        finally:
            connection.close()

    def create(self):
        self.call("CreateStream", {"StreamName": self.name, "ShardCount": SHARDS})
        described = {"StreamName": self.name}
        process.wait("the stream", lambda: self.call("DescribeStreamSummary", described)
                     ["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE", REQUEST_LIMIT_S, 0.05)


class Writer:
    """A thread for each shard, which sends the same request again and again at its rate."""

    def __init__(self, stream, rate_mb, packed):
        self.stream, self.rate_mb, self.packed, self.ended = stream, rate_mb, packed, threading.Event()
        self.sent = [0] * SHARDS
        self.threads = [threading.Thread(target=self.run, args=(shard,), daemon=True) for shard in range(SHARDS)]

    @property
    def records(self):
        return sum(self.sent)

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(REQUEST_LIMIT_S)

    def run(self, shard):
        hash_key = str((2 ** 128 // SHARDS) * shard + 1)
        entries = [{"Data": base64.b64encode(data(range(first, first + self.packed), hash_key)).decode(),
                    "PartitionKey": f"k{first}", "ExplicitHashKey": hash_key} for first in range(0, RECORDS, self.packed)]
        body = json.dumps({"StreamName": self.stream.name, "Records": entries})
        every = RECORDS * RECORD_BYTES / (self.rate_mb * 1e6)
        connection, due = self.stream.connect(), time.monotonic() + every * shard / SHARDS
        while not self.ended.wait(max(0.0, due - time.monotonic())):
            answer = self.stream.send(connection, "PutRecords", body)
            self.sent[shard] += RECORDS - answer["FailedRecordCount"] * self.packed
            # What the server did not take in its time is not made up for.
            due = max(due + every, time.monotonic())
        connection.close()


def data(numbers, hash_key):
    """One record as it is, several in AWS's aggregated format: Protobuf between a mark and its MD5."""
    if len(numbers) == 1:
        return record(numbers[0])
    keys = b"".join(field(1, f"k{number}".encode()) for number in numbers) + field(2, hash_key.encode())
    own = (bytes([0x08, index, 0x10, 0]) + field(3, record(number)) for index, number in enumerate(numbers))
    message = keys + b"".join(field(3, each) for each in own)
    return PACKED + message + hashlib.md5(message).digest()


def field(number, content):
    """A field of bytes: tag, length, content."""
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def record(number):
    value = {"id": number, "name": f"name {number}", "amount": number / 8, "text": ""}
    value["text"] = "x" * (RECORD_BYTES - len(json.dumps(value)))
    return json.dumps(value).encode()
