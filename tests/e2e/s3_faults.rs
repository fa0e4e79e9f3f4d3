//! Files of S3 that are broken, changed or large, and workers that are killed in the middle of them.

use crate::clickhouse::LONG;
use crate::s3::{made_up, pipe, write};
use penstock_tests::{Bucket, ClickHouse, SOON, Worker, unique, until};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

pub fn gzip(text: &str) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip starts");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

const COUNT: u64 = 150_000;

#[test]
fn kills_in_the_middle_of_large_files_lose_nothing() {
    let (clickhouse, bucket, table) =
        (ClickHouse::shared(), Bucket::create("penstock-kills"), unique("kills"));
    let files = [
        ("0.json", "JSONEachRow"),
        ("1.json.gz", "JSONEachRow"),
        ("2.csv", "CSVWithNames"),
        ("3.avro", "Avro"),
        ("4.parquet", "Parquet"),
    ];
    for (number, (name, format)) in (0..).zip(files) {
        let select = made_up(number * COUNT, COUNT, "id, name, at");
        write(&clickhouse, &bucket, (&format!("{table}/{name}"), format), &select);
    }
    let total = files.len() as u64 * COUNT;
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id UInt64, name String, at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY id"
    ));
    let more = [("source.s3.buffer.bytes", "8388608"), ("sink.penstock.batch.rows.max", "5000")];
    // Positions are stored often: what comes again is what a file that begins anew would bring.
    let worker = Worker::standalone().unset("bootstrap.servers").set("offset.flush.interval.ms", "20");
    let mut worker = worker.start();
    worker.create(&table, &pipe(&bucket, &clickhouse, &table, &more));
    let seen = || clickhouse.number(&format!("SELECT uniqExact(id) FROM `{table}`"));
    let mut kills = 0;
    for part in 1..=6 {
        // In the middle of each file, and of most of them twice.
        let least = total * part / 7;
        until("more rows", SOON * 2, || seen() >= least);
        worker.kill();
        kills += 1;
        worker.start();
    }
    until("every row", SOON * 2, || seen() == total);
    let sum = |from: &str| clickhouse.query(&format!("SELECT sum(cityHash64(id, name, at)) FROM {from}"));
    assert_eq!(
        sum(&format!("(SELECT DISTINCT * FROM `{table}`)")),
        sum(&format!("({})", made_up(0, total, "id, name, at")))
    );
    let again = clickhouse.count(&table) - total;
    println!("{again} of {total} rows came again, by {kills} kills");
    // A file that began anew each time would have come again whole.
    assert!(again < total, "{again} rows came again");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

fn trace(status: &Value) -> String {
    status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned()
}

fn failing() -> Worker {
    let worker = Worker::standalone().unset("bootstrap.servers").set("offset.flush.interval.ms", "20");
    worker.allow("s3://").allow("the rest of the file").start()
}

#[test]
fn a_broken_file_is_named_or_left_out() {
    let (clickhouse, bucket, table) =
        (ClickHouse::shared(), Bucket::create("penstock-broken"), unique("broken"));
    clickhouse.query(&format!("CREATE TABLE `{table}` (a UInt64) ENGINE = MergeTree ORDER BY a"));
    let rows = (0..1000).map(|number| format!("{{\"a\":{number}}}\n")).collect::<Vec<_>>().concat();
    let packed = gzip(&rows);
    bucket.put(&format!("{table}/1-cut.json.gz"), &packed[..packed.len() - 30]);
    bucket.put(&format!("{table}/2-none.parquet"), b"PAR1 this is none PAR1");
    bucket.put(&format!("{table}/3-cells.csv"), b"a,b\n2001,1\n2002\n2003,1\n");
    bucket.put(&format!("{table}/4-unclear.data"), b"x");
    bucket.put(&format!("{table}/5-good.json"), b"{\"a\":3000}\n");
    let worker = failing();
    worker.submit(&table, &pipe(&bucket, &clickhouse, &table, &[]));
    let status = worker.await_status(&table, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let said = trace(&status);
    assert!(said.contains(&format!("s3://penstock-broken/{table}/1-cut.json.gz: by row")), "{said}");
    worker.rest.delete(&format!("/connectors/{table}")).expect(204);
    clickhouse.query(&format!("TRUNCATE TABLE `{table}`"));
    let patient = unique("patient");
    let more = [
        ("errors.tolerance", "all"),
        ("source.errors.tolerance", "all"),
        ("source.s3.prefix", &format!("{table}/")),
    ];
    let mut config = pipe(&bucket, &clickhouse, &table, &more);
    config["source.topic"] = table.clone().into();
    worker.create(&patient, &config);
    until("what is good", SOON, || {
        clickhouse.number(&format!("SELECT count() FROM `{table}` WHERE a >= 2000")) == 3
    });
    let counted = |name: &str| worker.plugin_events(&patient, name);
    until("all to be counted", SOON, || counted("files_cut") == 3 && counted("records_skipped") == 1);
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

/// So many that a position within the file is stored, and seen, before it is read.
const ROWS: u64 = 4_000_000;

#[test]
fn a_file_that_changed_while_it_was_read_is_noticed() {
    let (clickhouse, bucket, table) =
        (ClickHouse::shared(), Bucket::create("penstock-changed"), unique("changed"));
    clickhouse.query(&format!("CREATE TABLE `{table}` (id UInt64) ENGINE = MergeTree ORDER BY id"));
    let key = format!("{table}/one.json");
    let rows =
        |from: u64| (from..from + ROWS).map(|id| format!("{{\"id\":{id}}}\n")).collect::<Vec<_>>().concat();
    bucket.put(&key, rows(0).as_bytes());
    let more = [("source.s3.buffer.bytes", "8388608"), ("sink.penstock.batch.rows.max", "1000")];
    let mut worker = failing();
    worker.create(&table, &pipe(&bucket, &clickhouse, &table, &more));
    until("a stored position", SOON, || {
        let offsets = worker.rest.get(&format!("/connectors/{table}/offsets")).expect(200);
        offsets["offsets"].as_array().is_some_and(|all| all.iter().any(|lane| lane["offset"]["row"].is_u64()))
    });
    worker.kill();
    bucket.put(&key, rows(ROWS).as_bytes());
    worker.start();
    let status = worker.await_status(&table, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    assert!(trace(&status).contains("the file is another one than the one that was begun"), "{status}");
    let changed = [more.as_slice(), &[("source.s3.file.changed", "restart")]].concat();
    let config = pipe(&bucket, &clickhouse, &table, &changed);
    worker.rest.put(&format!("/connectors/{table}/config"), &config).expect(200);
    let fresh = format!("SELECT uniqExact(id) FROM `{table}` WHERE id >= {ROWS}");
    until("all of the new file", LONG, || {
        clickhouse.count(&table) >= ROWS && clickhouse.number(&fresh) == ROWS
    });
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
