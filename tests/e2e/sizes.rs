//! Records and batches as large as they come: what passes, what is refused, and what that takes of the worker's memory.

use crate::clickhouse::{await_committed, sink};
use penstock_tests::kafka::Record;
use penstock_tests::registry::register;
use penstock_tests::services::registry;
use penstock_tests::{ClickHouse, Kafka, Worker, unique};
use serde_json::{Value, json};

/// Bytes of key and value that a record may have, without a setting.
const RECORD_MAX: usize = 16 << 20;
const MB: u64 = 1 << 20;

/// What a test does to a worker: a topic that is read by a connector of its own.
struct Stream {
    name: String,
    topic: String,
    clickhouse: ClickHouse,
}

impl Stream {
    /// A topic for large records, and a table for them.
    fn new(kind: &str, columns: &str) -> Self {
        let (name, topic, clickhouse) = (unique(kind), unique(kind), ClickHouse::shared());
        let size = (64 * MB).to_string();
        Kafka::shared().create_topic_with(&topic, 1, &[("max.message.bytes", &size)]);
        clickhouse.query(&format!("CREATE TABLE `{name}` ({columns}) ENGINE = MergeTree ORDER BY tuple()"));
        Stream { name, topic, clickhouse }
    }

    fn append(&self, values: Vec<Vec<u8>>, settings: &[(&str, &str)]) {
        let record =
            |value| Record { partition: 0, offset: 0, key: None, value: Some(value), headers: Vec::new() };
        let records: Vec<_> = values.into_iter().map(record).collect();
        let (size, queue) = ((256 * MB).to_string(), (1 << 20).to_string());
        let usual = [("message.max.bytes", size.as_str()), ("queue.buffering.max.kbytes", &queue)];
        Kafka::shared().append_with(&self.topic, &records, &[&usual, settings].concat());
    }

    /// Lets a connector carry the topic into the table, and answers the worker's peak of memory.
    fn carry(&self, worker: &Worker, more: &[(&str, &str)]) -> u64 {
        let mut config = sink(&self.clickhouse, &self.topic, &self.name, 1);
        let tolerant = [("errors.tolerance", "all"), ("errorTableEnabled", "true")];
        for (key, value) in tolerant.iter().chain(more) {
            config[*key] = json!(value);
        }
        worker.create(&self.name, &config);
        await_committed(&self.name, &self.topic);
        worker.memory_peak()
    }

    fn query(&self, sql: &str) -> String {
        self.clickhouse.query(&sql.replace('@', &self.name))
    }

    fn errors(&self) -> String {
        self.query("SELECT offset, error_message FROM `@_penstock_error` ORDER BY offset")
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        for table in ["", "_penstock_error"] {
            let _ = self.clickhouse.try_query(&format!("DROP TABLE IF EXISTS `{}{table}`", self.name));
        }
    }
}

fn registered(schema: &Value, kind: &str) -> u32 {
    let text = schema.as_str().map_or_else(|| schema.to_string(), str::to_owned);
    register(&registry(), &unique("sizes"), kind, &text, &json!([]))
}

fn framed(schema: u32, body: &[u8]) -> Vec<u8> {
    [&[0], &schema.to_be_bytes()[..], body].concat()
}

/// Base 128, lowest digits first.
fn varint(mut rest: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
    bytes
}

/// Makes a value of so many bytes, of what stands around its text, which is of another length for each.
fn sized(bytes: usize, around: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let mut length = bytes;
    while around(&"x".repeat(length)).len() > bytes {
        length -= around(&"x".repeat(length)).len() - bytes;
    }
    around(&"x".repeat(length))
}

fn against_the_largest(
    stream: &Stream,
    worker: &Worker,
    around: impl Fn(&str) -> Vec<u8>,
    more: &[(&str, &str)],
) {
    let value = |bytes| sized(bytes, &around);
    stream.append(vec![value(100), value(RECORD_MAX), value(RECORD_MAX + 1), value(101)], &[]);
    let base = worker.memory_peak();
    let peak = stream.carry(worker, more);
    assert_eq!(stream.query("SELECT count(), max(length(v)) > 16777000 FROM `@`"), "3\t1", "{}", stream.name);
    let refused = format!(
        "2\t{}-0@2: the record has 16777217 bytes of key and value, and recordBytesMax lets 16777216 through",
        stream.topic
    );
    assert_eq!(stream.errors(), refused);
    println!("{}: {} MB, then {} MB", stream.name, base / MB, peak / MB);
    assert!(peak < base + COPIES * RECORD_MAX as u64, "{} MB of memory, {} before", peak / MB, base / MB);
}

/// A record is at most this often in memory: as an answer of the broker, in the batch that grows, in the one that is
/// written, in a column, twice while that grows, as a compressed block, and in an insert into the error table.
const COPIES: u64 = 8;

#[test]
fn records_of_16_mib_arrive_and_a_larger_one_is_refused_with_its_size() {
    let mut worker = Worker::distributed().start();
    let columns = "_offset Int64, v String";
    let json = |text: &str| format!("{{\"v\":\"{text}\"}}").into_bytes();
    against_the_largest(&Stream::new("json", columns), &worker, json, &[]);
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": "string"}]});
    let schema = registered(&schema, "AVRO");
    let avro = |text: &str| framed(schema, &[&varint(text.len() as u64 * 2), text.as_bytes()].concat());
    let registry = registry();
    let converter = [
        ("value.converter", "io.confluent.connect.avro.AvroConverter"),
        ("value.converter.schema.registry.url", registry.as_str()),
    ];
    against_the_largest(&Stream::new("avro", columns), &worker, avro, &converter);
    let raw = [
        ("value.converter", "org.apache.kafka.connect.converters.ByteArrayConverter"),
        ("rawOnly", "true"),
        ("field2ColumnMap", "_raw_message=v"),
    ];
    let plain = |text: &str| text.as_bytes().to_vec();
    against_the_largest(&Stream::new("raw", columns), &worker, plain, &raw);
    worker.stop();
}

/// Records of one batch, and their bytes each.
const BOMB: (u64, u64) = (24, 1 << 20);

/// What one batch unpacks to is held at most this often: by the client, which takes no second answer before it has
/// room for it, in the batch that grows, in the one that is written, twice in columns that grow, and as blocks on their
/// way; Zstandard is unpacked into twice the room.
const HELD: u64 = 7;

/// What makes a producer send all that it is given at once.
fn one_batch(codec: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("compression.type", codec),
        ("batch.size", "25165824"),
        ("linger.ms", "5000"),
        ("batch.num.messages", "1000000"),
    ]
}

#[test]
fn batches_that_grow_a_thousandfold_take_no_more_than_one_answer_of_the_broker() {
    for codec in ["gzip", "zstd", "snappy", "lz4"] {
        let stream = Stream::new(codec, "k UInt64, v String");
        let around = |text: &str| format!("{{\"k\":1,\"v\":\"{text}\"}}").into_bytes();
        let values = vec![sized(BOMB.1 as usize, around); 3 * BOMB.0 as usize];
        stream.append(values, &one_batch(codec));
        let mut worker = Worker::distributed().start();
        let base = worker.memory_peak();
        let peak = stream.carry(&worker, &[("consumer.override.max.partition.fetch.bytes", "1000")]);
        println!("{codec}: {} MB, then {} MB", base / MB, peak / MB);
        let bound = base + HELD * BOMB.0 * BOMB.1;
        assert!(peak < bound, "{codec}: {} MB of memory, {} before", peak / MB, base / MB);
        assert_eq!(stream.query("SELECT sum(k) FROM `@`"), (3 * BOMB.0).to_string());
        worker.stop();
    }
}

/// Bytes of a bomb, of which each is one more level.
const LEVELS: usize = 8 << 20;

/// Messages in each other, each with its length before it.
fn nested_messages(levels: usize) -> Vec<u8> {
    let mut reversed: Vec<u8> = Vec::new();
    while reversed.len() < levels {
        let mut length = varint(reversed.len() as u64);
        length.reverse();
        reversed.extend(length);
        reversed.push(3 << 3 | 2);
    }
    reversed.reverse();
    reversed
}

/// What nests as deep as its bytes last, in three formats, into columns that keep whole values.
fn bombs(kind: &str) -> (Vec<(&'static str, String)>, Vec<Vec<u8>>) {
    let registry = registry();
    let with = |class: &str| {
        vec![("value.converter", class.to_owned()), ("value.converter.schema.registry.url", registry.clone())]
    };
    match kind {
        "json" => {
            let deep = |start: &str, each: &str| {
                format!("{{\"v\":{start}{}", each.repeat(LEVELS / each.len())).into_bytes()
            };
            (
                Vec::new(),
                vec![deep("", "["), deep("", "{\"v\":"), deep("[", "[{},"), deep("{\"a\":", "[{\"a\":")],
            )
        }
        "avro" => {
            let choice =
                json!(["null", "R", {"type": "array", "items": "R"}, {"type": "map", "values": "R"}]);
            let schema = json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": choice}]});
            let schema = registered(&schema, "AVRO");
            let deep = |each: &[u8]| framed(schema, &each.repeat(LEVELS / each.len()));
            // The record in itself; arrays and maps of one; arrays that claim to be without end.
            let bombs =
                vec![deep(&[2]), deep(&[4, 2]), deep(&[6, 2, 0]), deep(&[4, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F])];
            (with("io.confluent.connect.avro.AvroConverter"), bombs)
        }
        _ => {
            let text = "syntax = \"proto2\"; message R { optional group G = 1 { optional R r = 2; } \
                optional R v = 3; map<string, R> m = 4; repeated G l = 5; }";
            let text = text.replace(" repeated G l = 5;", "");
            let schema = registered(&json!(text), "PROTOBUF");
            let deep = |body: Vec<u8>| framed(schema, &[&[0], body.as_slice()].concat());
            let groups = [1 << 3 | 3].repeat(LEVELS);
            let many = [3 << 3 | 2, 0].repeat(LEVELS / 2);
            let bombs = vec![deep(nested_messages(LEVELS)), deep(groups), deep(many)];
            (with("io.confluent.connect.protobuf.ProtobufConverter"), bombs)
        }
    }
}

/// 4,194,304 fields of a message are what is noted of one at a time.
const REFUSED: [&str; 3] = ["nested deeper than", "does not fit column", "more than 4194304 fields"];

#[test]
fn records_that_nest_without_end_are_refused_within_the_memory_of_any_record_of_their_size() {
    let mut worker = Worker::distributed().start();
    for kind in ["json", "avro", "protobuf"] {
        for column in ["String", "JSON", "Dynamic"] {
            let (more, bombs) = bombs(kind);
            let stream = Stream::new(kind, &format!("v {column}, _offset UInt64"));
            let more: Vec<_> = more.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let count = bombs.len();
            stream.append(bombs, &[]);
            let base = worker.memory_peak();
            let peak = stream.carry(&worker, &more);
            println!("{kind} into {column}: {} MB, then {} MB", base / MB, peak / MB);
            let errors = stream.errors();
            let rows = stream.query("SELECT count() FROM `@`").parse::<usize>().unwrap();
            assert_eq!(errors.lines().count() + rows, count, "{kind} into {column}: {errors}");
            assert!(errors.lines().all(|line| REFUSED.iter().any(|why| line.contains(why))), "{errors}");
            let bound = base + COPIES * count as u64 * LEVELS as u64;
            assert!(peak < bound, "{kind} into {column}: {} MB of memory, {} before", peak / MB, base / MB);
        }
    }
    worker.stop();
}

#[test]
fn a_batch_that_unpacks_to_more_than_is_received_fails_its_task_with_the_setting() {
    let stream = Stream::new("unpacked", "k UInt64, v String");
    let around = |text: &str| format!("{{\"k\":1,\"v\":\"{text}\"}}").into_bytes();
    let values = vec![sized(BOMB.1 as usize, around); BOMB.0 as usize];
    stream.append(values, &one_batch("zstd"));
    let mut worker = Worker::distributed()
        .set("consumer.fetch.max.bytes", "1000000")
        .set("consumer.receive.message.max.bytes", "2000000")
        .allow("receive.message.max.bytes")
        .start();
    worker.submit(&stream.name, &sink(&stream.clickhouse, &stream.topic, &stream.name, 1));
    let failed = |status: &Value| {
        let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
        trace.contains("may unpack to no more bytes than receive.message.max.bytes")
    };
    worker.await_status(&stream.name, "its task to fail", failed);
    assert_eq!(stream.query("SELECT count() FROM `@`"), "0");
    worker.stop();
}
