//! Files of S3 come to ClickHouse through a pipe, without any Kafka: every format and compression, and as rights allow.

use penstock_tests::rights::{Guard, Policy};
use penstock_tests::{Bucket, ClickHouse, SOON, Worker, objects, unique, until};
use serde_json::{Value, json};

/// Rows as ClickHouse makes them up: `from` to before `from + count`.
pub fn made_up(from: u64, count: u64, columns: &str) -> String {
    format!("SELECT {columns} FROM ({ROWS} FROM numbers({from}, {count}))")
}

const ROWS: &str = "SELECT number AS id, -3 * toInt64(number) AS n, toDecimal64(number, 4) / 7 AS price, \
    toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + toIntervalMicrosecond(number * 1234567) AS at, \
    toDate32('1955-12-31') + toInt32(number % 20000) AS day, concat('ü\"\\n,\\t', toString(number)) AS name, \
    if(number % 3 = 0, NULL, toString(number)) AS opt, number / 3 AS f, toBool(number % 2 = 1) AS flag, \
    [toString(number), ''] AS tags";
const COLUMNS: &str = "id UInt64, n Int64, price Decimal(18, 4), at DateTime64(6, 'UTC'), day Date32, name String, \
    opt Nullable(String), f Float64, flag Bool";
const PLAIN: &str = "id, n, price, at, day, name, opt, f, flag";

/// A pipe from a prefix of the bucket to the table that has its name.
pub fn pipe(bucket: &Bucket, clickhouse: &ClickHouse, table: &str, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "Pipe",
        "tasks.max": "1",
        "source.connector.class": "S3Source",
        "source.s3.bucket": bucket.name,
        "source.s3.prefix": format!("{table}/"),
        "source.topic": table,
        "source.aws.endpoint": bucket.url,
        "source.aws.region": "us-east-1",
        "source.aws.access.key.id": objects::ADMIN,
        "source.aws.secret.access.key": objects::ADMIN_SECRET,
        "sink.connector.class": "ClickHouseSink",
        "sink.hostname": clickhouse.host(),
        "sink.port": clickhouse.port(),
        "sink.penstock.batch.age.max.ms": "100",
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

pub fn alone() -> Worker {
    Worker::standalone().unset("bootstrap.servers").start()
}

/// Has ClickHouse write a file, by the format and compression that its end says.
pub fn write(clickhouse: &ClickHouse, bucket: &Bucket, (key, format): (&str, &str), select: &str) {
    let (url, user, secret) = (&bucket.url, objects::ADMIN, objects::ADMIN_SECRET);
    let settings = "s3_truncate_on_insert = 1, output_format_avro_string_column_pattern = '.*'";
    clickhouse.query(&format!(
        "INSERT INTO FUNCTION s3('{url}/{}/{key}', '{user}', '{secret}', '{format}') SETTINGS {settings} {select}",
        bucket.name
    ));
}

/// All files of the formats, and the columns that they have.
const FORMATS: [(&str, &str, &str, &[&str]); 5] = [
    ("json", "JSONEachRow", "json", &["", ".gz", ".zst", ".lz4"]),
    ("csv", "CSVWithNames", "csv", &["", ".gz"]),
    ("tsv", "TSVWithNames", "tsv", &["", ".zst"]),
    ("avro", "Avro", "avro", &["", ".gz"]),
    ("parquet", "Parquet", "parquet", &[""]),
];
const COUNT: u64 = 3000;

#[test]
fn every_format_and_compression_reaches_clickhouse() {
    let (clickhouse, bucket) = (ClickHouse::shared(), Bucket::create("penstock-formats"));
    let mut worker = alone();
    for (name, format, end, packings) in FORMATS {
        let table = unique(name);
        let has_lists = !matches!(name, "csv" | "tsv");
        let (columns, list) =
            if has_lists { (format!("{PLAIN}, tags"), ", tags Array(String)") } else { (PLAIN.into(), "") };
        clickhouse.query(&format!("CREATE TABLE `{table}` ({COLUMNS}{list}) ENGINE = MergeTree ORDER BY id"));
        for (number, packing) in (0..).zip(packings) {
            let key = format!("{table}/{number}.{end}{packing}");
            write(&clickhouse, &bucket, (&key, format), &made_up(number * COUNT, COUNT, &columns));
        }
        worker.create(&table, &pipe(&bucket, &clickhouse, &table, &[]));
        let total = packings.len() as u64 * COUNT;
        until(&format!("all rows of {name}"), SOON, || clickhouse.count(&table) >= total);
        let sum =
            |from: &str| clickhouse.query(&format!("SELECT count(), sum(cityHash64({columns})) FROM {from}"));
        assert_eq!(sum(&format!("`{table}`")), sum(&format!("({})", made_up(0, total, &columns))), "{name}");
        until("the import to be complete", SOON, || {
            let offsets = worker.rest.get(&format!("/connectors/{table}/offsets")).expect(200);
            offsets["offsets"].as_array().is_some_and(|all| {
                all.len() == 64 && all.iter().all(|lane| lane["offset"]["complete"] == true)
            })
        });
        let series = [format!("connector=\"{table}\""), "name=\"complete\"".to_owned()];
        let series: Vec<&str> = series.iter().map(String::as_str).collect();
        until("the gauge to say so", SOON, || worker.metric("penstock_plugin_value", &series) > 0.5);
        clickhouse.query(&format!("DROP TABLE `{table}`"));
    }
    // What is complete stays so, also when files come and the worker starts again.
    worker.stop();
    worker.start();
    worker.stop();
}

/// A bucket that users of the server may read in part.
fn readers() -> Bucket {
    Bucket::create("penstock-reader")
}

const READER: [(&str, &str); 2] =
    [("source.aws.access.key.id", "reader"), ("source.aws.secret.access.key", "reader-secret")];

#[test]
fn least_rights_are_enough_and_what_is_denied_is_named() {
    let (clickhouse, bucket, table) = (ClickHouse::shared(), readers(), unique("rights"));
    let prefix = format!("in/{table}/");
    for number in 0..3 {
        bucket.put(&format!("{prefix}{number}.json"), format!("{{\"id\":{number}}}\n").as_bytes());
    }
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id UInt64, _timestamp DateTime64(3), _header_keys Array(String), \
         _header_values Array(String)) ENGINE = MergeTree ORDER BY id"
    ));
    let worker = alone();
    // The server knows what its user may; the guard knows what the page says.
    let (page, guard) = (include_str!("../../docs/s3.md"), Guard::default());
    let names = [("exports", bucket.name.as_str()), ("orders/", &prefix)];
    guard.admit("reader", Policy::documented(page, "## Rights", &names));
    let bucket = Bucket { url: guard.before(&bucket.url), ..bucket };
    let own = [("source.s3.prefix", prefix.as_str()), ("source.s3.headers", "true"), ("tasks.max", "2")];
    let more = [READER.as_slice(), &own].concat();
    worker.create(&table, &pipe(&bucket, &clickhouse, &table, &more));
    until("three rows", SOON, || clickhouse.count(&table) == 3);
    let told = clickhouse.query(&format!(
        "SELECT id, arrayStringConcat(_header_values, ' '), _timestamp > now() - 600 FROM `{table}` ORDER BY id LIMIT 1"
    ));
    assert_eq!(told, format!("0\tpenstock-reader {prefix}0.json 0\t1"));
    let answer = worker
        .rest
        .post("/penstock/v1/connector-plugins/S3Source/questions/progress", &json!({ "input": table }));
    let answer = answer.expect(200);
    assert_eq!(
        (&answer["tasks"], &answer["files"]["done"], &answer["rows"]["done"]),
        (&json!(2), &json!(3), &json!(3))
    );
    assert_eq!((guard.refused("reader"), guard.unused("reader")), (vec![], vec![]));
    // The same connector, elsewhere.
    let denied = unique("denied");
    let more = [READER.as_slice(), &[("source.s3.prefix", "elsewhere/")]].concat();
    let config = pipe(&bucket, &clickhouse, &denied, &more);
    let refused = worker.rest.post("/connectors", &json!({ "name": denied, "config": config })).expect(400);
    let said = refused["message"].as_str().unwrap_or_default();
    let line = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::penstock-reader"}"#;
    let expected =
        "bucket penstock-reader: s3:ListBucket is denied to access key reader: a policy has to allow it, as";
    assert!(said.contains(&format!("{expected} {line} does")), "{said}");
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn files_that_come_later_are_read_by_their_keys() {
    let (clickhouse, bucket, table) =
        (ClickHouse::shared(), Bucket::create("penstock-continuous"), unique("later"));
    clickhouse.query(&format!("CREATE TABLE `{table}` (line UInt64) ENGINE = MergeTree ORDER BY line"));
    let put = |day: u64| {
        bucket.put(&format!("{table}/2026-01-{day:02}.json"), format!("{{\"line\":{day}}}\n").as_bytes());
    };
    let more = [("source.s3.mode", "continuous"), ("source.s3.list.interval.ms", "1000")];
    let mut worker = alone();
    put(1);
    worker.create(&table, &pipe(&bucket, &clickhouse, &table, &more));
    until("the first file", SOON, || clickhouse.count(&table) == 1);
    put(2);
    until("the second file", SOON, || clickhouse.count(&table) == 2);
    worker.stop();
    put(3);
    worker.start();
    until("the third file", SOON, || clickhouse.count(&table) == 3);
    assert_eq!(
        clickhouse.query(&format!("SELECT groupArray(line) FROM (SELECT * FROM `{table}` ORDER BY 1)")),
        "[1,2,3]"
    );
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
