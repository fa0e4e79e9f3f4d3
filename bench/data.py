"""The records that are measured with: made by the datagen connector, so the same in every run.

A field is (name, datagen kind, ClickHouse type, bytes of its value as JSON). Kinds are chosen so that a value has the
same length in every record; only a boolean varies by one byte, and its mean is what counts. A record's number is its
id and its key, so the partition of each record is the same in every run as well.
"""

ID = ("id", "sequence(1000000,1)", "UInt64", 7)
# Ids keep seven digits up to here.
RECORDS_MAX = 8_999_999

ORDER = [
    ID,
    ("ordered_at", "sequence(1767225600000,1)", "DateTime64(3)", 13),
    ("customer", "uuid", "UUID", 38),
    ("country", "choice(DE|FR|GB|JP|US)", "LowCardinality(String)", 4),
    ("product", "string(12)", "String", 14),
    ("quantity", "int(1..9)", "UInt8", 1),
    ("price", "decimal(100..999,2)", "Decimal(10, 2)", 6),
    ("discount", "decimal(0..1,15)", "Float64", 17),
    ("paid", "boolean", "Bool", 4.5),
]

VISIT = [
    ID,
    ("seen_at", "sequence(1767225600000,1)", "DateTime64(3)", 13),
    ("session", "uuid", "UUID", 38),
    ("visitor", "uuid", "UUID", 38),
    ("account", "long(1000000000..9999999999)", "Int64", 10),
    ("country", "choice(DE|FR|GB|JP|US)", "LowCardinality(String)", 4),
    ("currency", "choice(EUR|GBP|JPY|USD)", "LowCardinality(String)", 5),
    ("device", "choice(laptop|mobile|tablet)", "LowCardinality(String)", 8),
    ("status", "int(200..599)", "UInt16", 3),
    ("duration_ms", "int(100..999)", "UInt32", 3),
    ("bytes_sent", "int(100000..999999)", "UInt32", 6),
    ("price", "decimal(100..999,2)", "Decimal(10, 2)", 6),
    ("latitude", "decimal(10..89,6)", "Float64", 9),
    ("longitude", "decimal(100..179,6)", "Float64", 10),
    ("is_bot", "boolean", "Bool", 4.5),
    ("is_member", "boolean", "Bool", 4.5),
    ("page", "string(60)", "String", 62),
    ("referrer", "string(60)", "String", 62),
    ("agent", "string(110)", "String", 112),
]

# Three fields.
READING = [ID, ("sensor", "int(1000..9999)", "UInt16", 4)]

LINE = [ID]


class Data:
    """One topic: fields filled up by a text field to `size` bytes a record as JSON, a boolean counted as 4 bytes."""

    def __init__(self, name, fields, size, records, partitions, encoding="json"):
        self.name, self.records, self.partitions, self.encoding = name, records, partitions, encoding
        self.topic = None
        # `"name":value` with a comma between two, in braces; a text has two quotes.
        rest = size - int(json_bytes(fields)) - len(',"note":""')
        self.fields = [*fields, ("note", f"string({rest})", "String", rest + 2)]
        # What a record has in another encoding is not known before it is written.
        self.bytes = json_bytes(self.fields) if encoding == "json" else None

    def datagen(self):
        return ",".join(f"{name}:{kind}" for name, kind, _, _ in self.fields)

    def table(self, name):
        columns = ", ".join(f"`{column}` {kind}" for column, _, kind, _ in self.fields)
        return f"CREATE TABLE `{name}` ({columns}) ENGINE = MergeTree ORDER BY id"

    def about(self):
        return {"records": self.records, "partitions": self.partitions, "fields": len(self.fields),
                "encoding": self.encoding, "bytes_per_record": self.bytes, "datagen_fields": self.datagen()}


def json_bytes(fields):
    return 2 + sum(len(name) + 3 + value for name, _, _, value in fields) + len(fields) - 1


# How many partitions the same records are spread over.
SPREADS = (1, 8, 64, 1000)


def all_data(records, partitions):
    spread = {f"tiny-{count}": Data(f"tiny-{count}", READING, 100, records, count) for count in SPREADS}
    return {
        **spread,
        "tiny": Data("tiny", READING, 100, records, partitions),
        "avro": Data("avro", ORDER, 244, records, partitions, "avro"),
        "protobuf": Data("protobuf", ORDER, 244, records, partitions, "protobuf"),
        "small": Data("small", ORDER, 244, records, partitions),
        "wide": Data("wide", VISIT, 1000, records, partitions),
        "lines": Data("lines", LINE, 200, records, partitions),
        # Few enough to be moved at once: what a start is measured with.
        "few": Data("few", LINE, 200, 1000, 1),
    }
