//! Topics become objects of a bucket: each record once through kills, in formats that others read, with the least rights.

use crate::formats::AVRO;
use penstock_tests::kafka::Record;
use penstock_tests::objects::{ADMIN, ADMIN_SECRET};
use penstock_tests::registry::register;
use penstock_tests::rights::{Guard, Policy};
use penstock_tests::services::{checkout, registry};
use penstock_tests::{Bucket, ClickHouse, Kafka, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(120);
const PARTITIONS: u64 = 3;

fn sink(bucket: &Bucket, topic: &str, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "S3Sink",
        "tasks.max": "2",
        "topics": topic,
        "s3.bucket": bucket.name,
        "aws.region": "us-east-1",
        "aws.endpoint": bucket.url,
        "aws.access.key.id": ADMIN,
        "aws.secret.access.key": ADMIN_SECRET,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "penstock.batch.age.max.ms": "300",
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

/// Records with their number, in all partitions by turns.
fn produce(kafka: &Kafka, topic: &str, numbers: std::ops::Range<u64>) {
    let mut numbers = numbers;
    kafka.produce(topic, |key, value| {
        let number = numbers.next()?;
        let _ = write!(key, "k{number}");
        value.push_str(
            &json!({"id": number, "site": format!("s{}", number % 4), "tags": [number, null], "o": {"x": 0.5}})
                .to_string(),
        );
        Some((number % PARTITIONS) as i32)
    });
}

#[test]
fn killed_at_any_time_every_record_is_in_one_object() {
    let (kafka, clickhouse, name) = (Kafka::shared(), ClickHouse::shared(), unique("once"));
    let bucket = Bucket::create("penstock-exact");
    kafka.create_topic(&name, PARTITIONS as i32);
    let total = 60_000;
    produce(&kafka, &name, 0..total);
    let template = format!(
        "{name}/site={{field:site}}/hour={{timestamp:%H}}/{{partition}}+{{start_offset:8}}.{{extension}}"
    );
    let more = [
        ("exactlyOnce", "true"),
        ("s3.metadata", "true"),
        ("s3.compression", "zstd"),
        ("s3.key.template", template.as_str()),
        ("penstock.batch.rows.max", "700"),
    ];
    let mut worker = Worker::distributed().start();
    worker.create(&name, &sink(&bucket, &name, &more));
    let objects = (format!("{name}/**.json.zst"), "JSONEachRow");
    let count = |select: &str| bucket.number(&clickhouse, select, (&objects.0, objects.1));
    let mut random = fastrand::Rng::with_seed(11);
    for kill in 1..=3 {
        let before = count("count()");
        until("some more records, or all", LONG, || count("count()") > before || before >= total);
        until("a moment by chance", SOON, || random.u8(..8) == 0);
        worker.kill();
        println!("kill {kill} at {} of {total}", count("count()"));
        worker.start();
    }
    until("all records", LONG, || count("uniqExact(_partition, _offset)") >= total);
    until("the last receipt", LONG, || {
        kafka.committed(&format!("connect-{name}"), &name).iter().sum::<i64>() as u64 >= total
    });
    assert_eq!(count("count()"), total, "a record is in two objects");
    assert_eq!(count("uniqExact(id)"), total);
    assert_eq!(
        count(&format!("countIf(position(_path, concat('/site=', site, '/')) = 0 OR _topic != '{name}')")),
        0
    );
    println!("{total} records in {} objects, each once", count("uniqExact(_path)"));
    worker.stop();
}

#[test]
fn other_programs_read_each_format() {
    let (kafka, clickhouse, name) = (Kafka::shared(), ClickHouse::shared(), unique("formats"));
    let bucket = Bucket::create("penstock-formats");
    kafka.create_topic(&name, PARTITIONS as i32);
    let total = 5_000;
    produce(&kafka, &name, 0..total);
    let mut worker = Worker::distributed().start();
    let schemaless = "org.apache.kafka.connect.json.JsonConverter";
    for (at, (format, compression, converter)) in [
        ("parquet", "zstd", schemaless),
        ("parquet", "snappy", ""),
        ("json", "gzip", schemaless),
        ("lines", "none", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let template =
            format!("{name}/{at}/{{topic}}-{{partition}}-{{start_offset}}-{{end_offset}}.{{extension}}");
        let mut config = sink(
            &bucket,
            &name,
            &[("s3.format", format), ("s3.compression", compression), ("s3.key.template", &template)],
        );
        if !converter.is_empty() {
            config["value.converter"] = json!(converter);
            config["value.converter.schemas.enable"] = json!("false");
        }
        worker.create(&format!("{name}-{at}"), &config);
    }
    for (at, keys, format) in [
        (0, "*.parquet", "Parquet"),
        (1, "*.parquet", "Parquet"),
        (2, "*.json.gz", "JSONEachRow"),
        (3, "*.txt", "JSONEachRow"),
    ] {
        let keys = format!("{name}/{at}/{keys}");
        let count = |select: &str| bucket.number(&clickhouse, select, (&keys, format));
        until("all records", LONG, || count("uniqExact(id)") >= total);
        assert_eq!(count("count()"), total, "{at}");
        assert_eq!(count("sum(id)"), total * (total - 1) / 2, "{at}");
        assert_eq!(
            count("countIf(site = concat('s', toString(id % 4)) AND tags[1] = id AND isNull(tags[2]))"),
            total
        );
        assert_eq!(count("countIf(tupleElement(o, 'x') = 0.5)"), total, "{at}");
    }
    worker.stop();
}

#[test]
fn schemas_make_columns_of_decimals_and_times() {
    let (kafka, clickhouse, topic) = (Kafka::shared(), ClickHouse::shared(), unique("schemas"));
    let bucket = Bucket::create("penstock-formats");
    kafka.create_topic(&topic, 1);
    let schema = |id: &str, more: Value| {
        let mut fields = vec![
            json!({"field": "id", "type": id}),
            json!({"field": "at", "type": "int64", "name": "org.apache.kafka.connect.data.Timestamp", "version": 1}),
            json!({"field": "price", "type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "version": 1,
                   "parameters": {"scale": "2"}}),
        ];
        fields.extend(more.as_array().unwrap().iter().cloned());
        json!({"type": "struct", "fields": fields})
    };
    let note = json!([{"field": "note", "type": "string", "optional": true}]);
    let versions = [schema("int32", json!([])), schema("int64", note)];
    let values: Vec<String> = (0..100_u64)
        .map(|number| {
            // 123.45 as Connect's JSON has decimals.
            let mut payload = json!({"id": number, "at": 1_767_225_600_123_i64, "price": "MDk="});
            let version = usize::from(number >= 50);
            if version == 1 {
                payload["note"] = json!("n");
            }
            json!({"schema": versions[version], "payload": payload}).to_string()
        })
        .collect();
    kafka.produce_values(&topic, values.iter().map(String::as_str));
    let mut worker = Worker::distributed().start();
    for is_given in [true, false] {
        let name = format!("{topic}-{is_given}");
        let template = format!("{name}/{{partition}}-{{start_offset}}-{{end_offset}}.{{extension}}");
        let mut config = sink(&bucket, &topic, &[("s3.format", "parquet"), ("s3.key.template", &template)]);
        config["value.converter"] = json!("org.apache.kafka.connect.json.JsonConverter");
        config["value.converter.schemas.enable"] = json!("true");
        config["s3.metadata"] = json!("true");
        if is_given {
            config["s3.parquet.schema"] = json!(versions[1].to_string());
        }
        worker.create(&name, &config);
        let keys = format!("{name}/*.parquet");
        let count = |select: &str| bucket.number(&clickhouse, select, (&keys, "Parquet"));
        until("all records", LONG, || count("uniqExact(_offset)") >= 100);
        assert_eq!(count("sum(id)"), 4950);
        assert_eq!(count("toUInt64(sum(price) * 100)"), 1_234_500);
        assert_eq!(count("countIf(toUnixTimestamp64Milli(at) = 1767225600123)"), 100);
        assert_eq!(count("countIf(note = 'n' AND id >= 50) + countIf(isNull(note) AND id < 50)"), 100);
        let types = clickhouse.query(&format!("DESCRIBE {}", bucket.table(&keys, "Parquet")));
        assert!(
            types.contains("id\tNullable(Int64)") && types.contains("price\tNullable(Decimal(38, 2))"),
            "{types}"
        );
    }
    worker.stop();
}

#[test]
fn avro_records_bring_their_columns() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (bucket, name) = (Bucket::create("penstock-formats"), unique("avro"));
    kafka.create_topic(&name, 1);
    let fields = json!([
        {"name": "id", "type": "int"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "note", "type": ["null", "string"]},
    ]);
    let schema = json!({"type": "record", "name": "Sale", "fields": fields}).to_string();
    let id = register(&registry, &format!("{name}-value"), "AVRO", &schema, &json!([]));
    for number in 0..10_u8 {
        // The number, 123.45 in two bytes, one second after 1970 began, and no note.
        let value = [&[0][..], &id.to_be_bytes(), &[number * 2, 4, 0x30, 0x39, 0xd0, 0x0f, 0]].concat();
        kafka.put_bytes(&name, &value);
    }
    let template = format!("{name}/{{partition}}-{{start_offset}}-{{end_offset}}.{{extension}}");
    let mut config = sink(&bucket, &name, &[("s3.format", "parquet"), ("s3.key.template", &template)]);
    config["value.converter"] = json!(AVRO);
    config["value.converter.schema.registry.url"] = json!(registry);
    let mut worker = Worker::distributed().start();
    worker.create(&name, &config);
    let keys = format!("{name}/*.parquet");
    let count = |select: &str| bucket.number(&clickhouse, select, (&keys, "Parquet"));
    until("all records", LONG, || count("uniqExact(id)") >= 10);
    assert_eq!(count("countIf(price = 123.45 AND toUnixTimestamp64Milli(at) = 1000 AND isNull(note))"), 10);
    let types = clickhouse.query(&format!("DESCRIBE {}", bucket.table(&keys, "Parquet")));
    for column in ["id\tNullable(Int32)", "price\tNullable(Decimal(10, 2))", "note\tNullable(String)"] {
        assert!(types.contains(column), "{types}");
    }
    worker.stop();
}

#[test]
fn who_may_only_write_writes_objects_of_any_size_and_is_named_where_it_may_not() {
    let (kafka, clickhouse, name) = (Kafka::shared(), ClickHouse::shared(), unique("writer"));
    let bucket = Bucket::create("penstock-writer");
    kafka.create_topic(&name, 1);
    let (mut numbers, mut random) = (0..200_u64, fastrand::Rng::with_seed(3));
    kafka.produce(&name, |_, value| {
        let number = numbers.next()?;
        let noise: String = (0..100_000).map(|_| random.alphanumeric()).collect();
        value.push_str(&json!({"id": number, "noise": noise}).to_string());
        Some(0)
    });
    // The server knows what its user may; the guard knows what the page says.
    let (page, guard) = (include_str!("../../docs/s3-sink.md"), Guard::default());
    let own = format!("penstock-writer/out/{name}/");
    guard.admit("writer", Policy::documented(page, "## Rights", &[("lake/orders/", &own)]));
    let through = Bucket { url: guard.before(&bucket.url), ..bucket.clone() };
    let writer = |template: &str| {
        let template = template.replace("NAME", &name);
        sink(
            &through,
            &name,
            &[
                ("aws.access.key.id", "writer"),
                ("aws.secret.access.key", "writer-secret"),
                ("s3.compression", "none"),
                ("s3.key.template", &template),
                ("penstock.batch.age.max.ms", "5000"),
            ],
        )
    };
    let mut worker = Worker::distributed().allow("s3:PutObject is denied").start();
    worker.create(&name, &writer("out/NAME/{partition}-{start_offset}-{end_offset}"));
    let keys = format!("out/{name}/*");
    let count = |select: &str| bucket.number(&clickhouse, select, (&keys, "JSONEachRow"));
    until("all records", LONG, || count("uniqExact(id)") == 200);
    assert_eq!(count("countIf(length(noise) = 100000)"), 200);
    let largest = count("max(_size)");
    assert!(largest > 9_000_000, "an object in parts was to be made, not one of {largest} bytes");
    // Objects in parts were finished.
    assert_eq!(
        (guard.refused("writer"), guard.unused("writer")),
        (vec![], vec!["s3:AbortMultipartUpload".into()])
    );
    let denied = format!("{name}-denied");
    worker.submit(&denied, &writer("elsewhere/NAME/{partition}-{start_offset}-{end_offset}"));
    let status = worker.await_status(&denied, "to fail", |status| {
        status["tasks"].as_array().is_some_and(|tasks| tasks.iter().any(|task| task["state"] == "FAILED"))
    });
    let told = status["tasks"].to_string();
    let expected =
        "bucket penstock-writer: s3:PutObject is denied to access key writer: a policy has to allow it, as";
    let line = format!(
        "\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::penstock-writer/elsewhere/{name}/0-"
    );
    assert!(told.contains(expected) && told.replace("\\\"", "\"").contains(&line), "{told}");
    worker.stop();
}

#[test]
fn records_that_make_no_key_or_no_line_are_told_and_the_others_arrive() {
    let (kafka, clickhouse, name) = (Kafka::shared(), ClickHouse::shared(), unique("bad"));
    let (bucket, dead) = (Bucket::create("penstock-formats"), unique("dead"));
    kafka.create_topic(&name, 1);
    let record = |value: Option<&str>| Record {
        partition: 0,
        offset: 0,
        key: None,
        value: value.map(Into::into),
        headers: Vec::new(),
    };
    let values = [
        Some(r#"{"id":1,"site":"a/b"}"#),
        Some(r#"{"id":2}"#),
        Some("{\n \"id\":3, \"site\":\"c\"}"),
        Some("no json"),
        None,
    ];
    kafka.append(&name, &values.map(record));
    let mut worker = Worker::distributed().start();
    let template =
        format!("bad/{name}/{{field:site}}/{{partition}}-{{start_offset}}-{{end_offset}}.{{extension}}");
    let more = [
        ("s3.key.template", template.as_str()),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", &dead),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ];
    worker.create(&name, &sink(&bucket, &name, &more));
    until("the dead letters", SOON, || kafka.partitions(&dead) > 0 && kafka.read(&dead).len() == 3);
    let read = format!(
        "SELECT id, _path FROM {} ORDER BY id",
        bucket.table(&format!("bad/{name}/**.gz"), "JSONEachRow")
    );
    let found = clickhouse.query(&read);
    assert!(found.contains("/a%2Fb/0-0-0.json.gz") && found.contains("/c/0-2-2.json.gz"), "{found}");
    let letters = kafka.read(&dead);
    let told = letters.iter().filter_map(|letter| letter.header("__connect.errors.exception.message"));
    let told = told.collect::<Vec<_>>().join("\n");
    for sentence in [
        "the record has no field site, which s3.key.template names",
        "expected JSON",
        "the record has no value",
    ] {
        assert!(told.contains(sentence), "{told}");
    }
    worker.stop();
}

#[test]
fn the_example_works_and_wrong_settings_are_named() {
    let (kafka, clickhouse, orders) = (Kafka::shared(), ClickHouse::shared(), unique("orders"));
    let bucket = Bucket::create("penstock-formats");
    let text = std::fs::read_to_string(checkout().join("config/s3-sink.json")).unwrap();
    let mut config = serde_json::from_str::<Value>(&text).unwrap()["config"].take();
    assert_eq!((&config["topics"], &config["s3.bucket"]), (&json!("orders"), &json!("lake")));
    config["topics"] = json!(orders);
    config["s3.bucket"] = json!(bucket.name);
    config["aws.endpoint"] = json!(bucket.url);
    config["penstock.batch.age.max.ms"] = json!("100");
    kafka.create_topic(&orders, 1);
    kafka.put(&orders, "k", Some("{\"id\":1}"));
    let worker = Worker::example("worker.properties").env("AWS_ACCESS_KEY_ID", ADMIN);
    let mut worker = worker.env("AWS_SECRET_ACCESS_KEY", ADMIN_SECRET).start();
    worker.create(&orders, &config);
    let keys = format!("{orders}/date=20*/{orders}+0+0000000000.json.gz");
    until("the order", SOON, || bucket.number(&clickhouse, "sum(id)", (&keys, "JSONEachRow")) == 1);
    config["s3.key.template"] = json!("{topic}/{start_offset}");
    let path = "/connector-plugins/S3Sink/config/validate";
    let told = worker.rest.send("PUT", path, Some(&config)).unwrap().expect(200).to_string();
    let expected = "expected {partition} and {start_offset} in it: objects would replace each other";
    assert!(told.contains(expected), "{told}");
    worker.stop();
}
