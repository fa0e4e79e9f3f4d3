//! Exactly-once pipes from S3: whatever is killed or changed on the way, each row of each file is in ClickHouse once.

use crate::clickhouse::LONG;
use crate::pipe_exact::{Stage, alone, await_failure};
use crate::s3::{pipe, write};
use crate::s3_faults::gzip;
use penstock_tests::{Bucket, SOON, Worker, until};
use serde_json::{Value, json};
use std::fmt::Write;

/// Small batches, so that there are many plans, and most of them span files.
fn once(bucket: &Bucket, stage: &Stage, tasks: u32, more: &[(&str, &str)]) -> Value {
    let tasks = tasks.to_string();
    let own = [
        ("tasks.max", tasks.as_str()),
        ("source.s3.headers", "false"),
        ("sink.exactlyOnce", "true"),
        ("sink.penstock.batch.rows.max", "2000"),
        ("sink.penstock.batch.age.max.ms", "50"),
    ];
    pipe(bucket, &stage.clickhouse, &stage.name, &[own.as_slice(), more].concat())
}

fn lines(from: u64, count: u64) -> String {
    (from..from + count).fold(String::new(), |mut text, id| {
        writeln!(text, "{{\"id\":{id}}}").unwrap();
        text
    })
}

const ROWS: u64 = 9_000;

/// A file of each kind, and small ones between them; answers the number behind the last.
fn files(stage: &Stage, bucket: &Bucket, round: u64, from: u64) -> u64 {
    let name = |number: u64, end: &str| format!("{}/{round}/{number:03}.{end}", stage.name);
    let select = |from: u64| format!("SELECT number AS id FROM numbers({from}, {ROWS})");
    let mut next = from;
    for number in (0..40).step_by(10) {
        bucket.put(&name(number, "json.gz"), &gzip(&lines(next, ROWS)));
        write(&stage.clickhouse, bucket, (&name(number + 1, "parquet"), "Parquet"), &select(next + ROWS));
        write(
            &stage.clickhouse,
            bucket,
            (&name(number + 2, "csv"), "CSVWithNames"),
            &select(next + 2 * ROWS),
        );
        next += 3 * ROWS;
        for small in 3..10 {
            bucket.put(&name(number + small, "json"), lines(next, small).as_bytes());
            next += small;
        }
        bucket.put(&name(number, "nothing.json"), b"\n");
    }
    next
}

fn kill_once_more_are_there(worker: &mut Worker, stage: &Stage, total: u64) {
    let further = total.min(stage.rows() + fastrand::u64(1..12_000));
    until("more of it to arrive", LONG, || stage.rows() >= further);
    worker.kill();
}

#[test]
fn rows_of_every_format_are_there_once_after_five_kills() {
    let (stage, bucket) =
        (Stage::new("id UInt64, _partition Int32, _offset Int64"), Bucket::create("penstock-once"));
    let total = files(&stage, &bucket, 0, 0);
    let mut worker = alone();
    worker.create(&stage.name, &once(&bucket, &stage, 1, &[]));
    for late in 0..5 {
        kill_once_more_are_there(&mut worker, &stage, total);
        // A plan that is open may go over its place; it is no part of it.
        let key = format!("{}/0/{:03}-late-{late}.json", stage.name, fastrand::u8(0..40));
        bucket.put(&key, lines(1_000_000 * (late + 1), 50).as_bytes());
        worker.start();
    }
    let all = format!("SELECT uniqExact(id) FROM `{}` WHERE id < 1000000", stage.name);
    until("all rows", LONG, || stage.clickhouse.number(&all) == total);
    await_completion(&worker, &stage);
    // Those of late files came or did not, as always.
    stage.assert_once("id", stage.rows());
    stage.assert_once("_partition, _offset", stage.rows());
    worker.stop();
}

fn await_completion(worker: &Worker, stage: &Stage) {
    until("the import to be complete", SOON, || {
        let offsets = worker.rest.get(&format!("/connectors/{}/offsets", stage.name)).expect(200);
        let lanes = offsets["offsets"].as_array().unwrap();
        lanes.len() == 64 && lanes.iter().all(|lane| lane["offset"]["complete"] == true)
    });
}

#[test]
fn tasks_of_another_number_settle_what_was_open() {
    let (stage, bucket) = (Stage::new("id UInt64"), Bucket::create("penstock-once"));
    let more = [("source.s3.mode", "continuous"), ("source.s3.list.interval.ms", "1000")];
    let mut worker = alone();
    let mut total = files(&stage, &bucket, 0, 0);
    worker.create(&stage.name, &once(&bucket, &stage, 3, &more));
    for (round, tasks) in [(1, 2), (2, 5), (3, 1)] {
        kill_once_more_are_there(&mut worker, &stage, total);
        total = files(&stage, &bucket, round, total);
        worker.start();
        let path = format!("/connectors/{}/config", stage.name);
        worker.rest.put(&path, &once(&bucket, &stage, tasks, &more)).expect(200);
    }
    stage.assert_once("id", total);
    worker.stop();
}

#[test]
fn a_file_that_was_replaced_or_deleted_under_an_open_plan_is_named() {
    let (stage, bucket) = (Stage::new("id UInt8"), Bucket::create("penstock-once"));
    let key = format!("{}/two.json", stage.name);
    bucket.put(&format!("{}/one.json", stage.name), b"{\"id\":1}\n");
    // The last row does not fit, so that the plan stays open.
    let content = b"{\"id\":2}\n{\"id\":300}\n";
    bucket.put(&key, content);
    let mut worker = alone();
    worker.submit(&stage.name, &once(&bucket, &stage, 1, &[]));
    await_failure(&worker, &stage.name, "errors.tolerance=all");
    worker.stop();
    bucket.put(&key, b"{\"id\":7}\n{\"id\":8}\n");
    worker.start();
    let named =
        format!("s3://{}/{key}: the file is another one now: expected the one with the etag", bucket.name);
    await_failure(&worker, &stage.name, &named);
    await_failure(&worker, &stage.name, "put the source back as it was and restart the task");
    worker.stop();
    bucket.delete(&key);
    worker.start();
    await_failure(&worker, &stage.name, &format!("s3://{}/{key}: the file was deleted", bucket.name));
    let others = format!("SELECT countIf(id NOT IN (1, 2)) FROM `{}`", stage.name);
    assert_eq!(stage.clickhouse.number(&others), 0, "rows came in the place of the plan's");
    // What is put back as it was is read, with the settings of now.
    bucket.put(&key, content);
    let patient = once(&bucket, &stage, 1, &[("errors.tolerance", "all")]);
    worker.rest.put(&format!("/connectors/{}/config", stage.name), &patient).expect(200);
    let ids = || stage.clickhouse.query(&format!("SELECT arraySort(groupArray(id)) FROM `{}`", stage.name));
    until("the good rows", SOON, || ids() == "[1,2]");
    await_completion(&worker, &stage);
    assert_eq!(ids(), "[1,2]");
    worker.stop();
}

#[test]
fn files_of_a_queue_are_refused_with_what_helps() {
    let (stage, bucket) = (Stage::new("id UInt8"), Bucket::create("penstock-once"));
    let mut worker = alone();
    let more = [
        ("source.s3.mode", "continuous"),
        ("source.s3.sqs.queue.url", "http://localhost:1/000000000000/files"),
    ];
    let mut config = once(&bucket, &stage, 1, &more);
    config["name"] = json!(stage.name);
    let found = worker.rest.put("/connector-plugins/Pipe/config/validate", &config).expect(200);
    let is_it = |setting: &&Value| setting["value"]["name"] == "source.s3.sqs.queue.url";
    let setting = found["configs"].as_array().unwrap().iter().find(is_it).unwrap();
    let said = setting["value"]["errors"][0].as_str().unwrap_or_default();
    assert!(said.contains("a pipe's sink.exactlyOnce=true ask: expected no queue"), "{setting}");
    let refused = worker.rest.post("/connectors", &json!({"name": stage.name, "config": config})).expect(400);
    assert!(refused["message"].as_str().is_some_and(|said| said.contains("expected no queue")), "{refused}");
    worker.stop();
}
