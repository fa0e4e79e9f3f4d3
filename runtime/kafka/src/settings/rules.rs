//! The tables behind the translation of Java's keys.

/// Java's name, librdkafka's name, and the least and greatest number that librdkafka takes.
pub(super) const BOUNDED: &[(&str, &str, i64, i64)] = &[
    ("batch.size", "batch.size", 1, MAX),
    ("connections.max.idle.ms", "connections.max.idle.ms", 0, MAX),
    ("delivery.timeout.ms", "delivery.timeout.ms", 1, MAX),
    ("fetch.max.bytes", "fetch.max.bytes", 1, 2_147_482_000),
    ("fetch.max.wait.ms", "fetch.wait.max.ms", 0, 300_000),
    ("fetch.min.bytes", "fetch.min.bytes", 1, 100_000_000),
    ("heartbeat.interval.ms", "heartbeat.interval.ms", 1, 3_600_000),
    ("linger.ms", "linger.ms", 0, 900_000),
    ("max.in.flight.requests.per.connection", "max.in.flight.requests.per.connection", 1, 1_000_000),
    ("max.partition.fetch.bytes", "max.partition.fetch.bytes", 1, 1_000_000_000),
    ("max.poll.interval.ms", "max.poll.interval.ms", 1, 86_400_000),
    ("max.request.size", "message.max.bytes", 1_000, 1_000_000_000),
    ("metadata.max.age.ms", "topic.metadata.refresh.interval.ms", 1_000, 3_600_000),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes", 0, 100_000_000),
    ("reconnect.backoff.max.ms", "reconnect.backoff.max.ms", 0, 3_600_000),
    ("reconnect.backoff.ms", "reconnect.backoff.ms", 0, 3_600_000),
    ("request.timeout.ms", "socket.timeout.ms", 10, 300_000),
    ("retries", "retries", 0, MAX),
    ("retry.backoff.max.ms", "retry.backoff.max.ms", 1, 300_000),
    ("retry.backoff.ms", "retry.backoff.ms", 1, 300_000),
    ("send.buffer.bytes", "socket.send.buffer.bytes", 0, 100_000_000),
    ("session.timeout.ms", "session.timeout.ms", 1, 3_600_000),
    ("socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.ms", 1_000, MAX),
    ("transaction.timeout.ms", "transaction.timeout.ms", 1_000, MAX),
];

const MAX: i64 = 2_147_483_647;

/// Keys that need more than another name.
pub(super) const SPECIAL: &[&str] = &[
    "auto.offset.reset",
    "buffer.memory",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "group.protocol",
    "isolation.level",
    "partition.assignment.strategy",
    "partitioner.class",
    "partitioner.ignore.keys",
    "security.protocol",
];

pub(super) const JAVA_CODE: &[&str] = &["security.providers", "ssl.engine.factory.class"];

pub(super) const OBSERVES: &str = "it names Java code that only reports or observes";

pub(super) const LEFT_OUT: &[(&[&str], &str)] = &[
    (&["key.serializer", "value.serializer", "key.deserializer", "value.deserializer"], "converters do this"),
    (&["enable.auto.commit", "auto.commit.interval.ms"], "offsets are committed after the write"),
    (&["max.poll.records"], "batches are cut by rows, bytes and age"),
    (&["max.block.ms"], "sending never blocks here"),
    (&["group.id", "group.instance.id"], "the worker names its groups and members"),
    (&["interceptor.classes", "metric.reporters", "auto.include.jmx.reporter"], OBSERVES),
    (
        &[
            "default.api.timeout.ms",
            "exclude.internal.topics",
            "metadata.max.idle.ms",
            "partitioner.adaptive.partitioning.enable",
            "partitioner.availability.timeout.ms",
            "socket.connection.setup.timeout.max.ms",
            "ssl.keymanager.algorithm",
            "ssl.provider",
            "ssl.secure.random.implementation",
            "ssl.trustmanager.algorithm",
        ],
        "it tunes Java's own implementation",
    ),
];
