//! Pipes: a source and a sink in one connector, without a topic between them and without any Kafka.

use crate::clickhouse::LONG;
use crate::s3::alone;
use penstock_tests::files::{append, await_text};
use penstock_tests::{ClickHouse, Kafka, SOON, Worker, command, services, unique, until, until_some, with};
use serde_json::{Value, json};
use std::path::Path;

fn files(from: &Path, to: &Path) -> Value {
    json!({
        "connector.class": "Pipe",
        "source.connector.class": "FileStreamSource",
        "source.file": from.to_string_lossy(),
        "source.topic": "lines",
        "sink.connector.class": "FileStreamSink",
        "sink.file": to.to_string_lossy(),
        "sink.penstock.batch.age.max.ms": "50",
    })
}

pub fn to_clickhouse(from: &Path, clickhouse: &ClickHouse, table: &str) -> Value {
    json!({
        "connector.class": "Pipe",
        "source.connector.class": "FileStreamSource",
        "source.file": from.to_string_lossy(),
        "source.topic": table,
        "sink.connector.class": "ClickHouseSink",
        "sink.hostname": clickhouse.host(),
        "sink.port": clickhouse.port(),
        "sink.username": "default",
        "sink.penstock.batch.age.max.ms": "100",
    })
}

/// The position in the file that is stored for a pipe.
fn position(worker: &Worker, name: &str) -> Option<u64> {
    let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).expect(200);
    offsets["offsets"][0]["offset"]["position"].as_u64()
}

#[test]
fn lines_go_from_file_to_file_and_on_after_a_restart() {
    let mut worker = alone();
    let (from, to, name) = (worker.path("in.txt"), worker.path("out.txt"), unique("pipe"));
    let lines: Vec<String> = (0..5_000).map(|n| format!("line {n}: größer, \"quoted\"\n")).collect();
    let mut expected = lines.concat();
    append(&from, &expected);
    worker.create(&name, &files(&from, &to));
    await_text(&to, &expected);
    let info = worker.rest.get(&format!("/connectors/{name}?expand=info")).expect(200);
    assert_eq!((&info["type"], &info["config"]["connector.class"]), (&json!("source"), &json!("Pipe")));
    until("the position to be stored", SOON, || position(&worker, &name) == Some(expected.len() as u64));

    worker.rest.put(&format!("/connectors/{name}/pause"), &json!(null)).expect(202);
    worker.await_status(&name, "to pause", |status| status["tasks"][0]["state"] == "PAUSED");
    append(&from, "while paused\n");
    worker.rest.put(&format!("/connectors/{name}/resume"), &json!(null)).expect(202);
    expected += "while paused\n";
    await_text(&to, &expected);

    // A clean stop stores what was written: nothing comes again.
    worker.stop();
    append(&from, "while stopped\n");
    expected += "while stopped\n";
    worker.start();
    await_text(&to, &expected);
    worker.stop();
}

#[test]
fn a_killed_worker_loses_nothing_on_its_way_to_clickhouse() {
    let (clickhouse, table) = (ClickHouse::shared(), unique("pipe"));
    clickhouse
        .query(&format!("CREATE TABLE `{table}` (n UInt64, note String) ENGINE = MergeTree ORDER BY n"));
    let mut worker = alone();
    let from = worker.path("in.jsonl");
    let line = |n: u64| format!("{{\"n\":{n},\"note\":\"note {n}\"}}\n");
    let mut written = 0;
    let mut more = |count: u64| {
        append(&from, &(written..written + count).map(line).collect::<String>());
        written += count;
        written
    };
    more(100_000);
    let config = with(to_clickhouse(&from, &clickhouse, &table), &[("sink.penstock.batch.rows.max", "5000")]);
    worker.create(&table, &config);
    let mut seen = 0;
    for _ in 0..3 {
        until("more of it to arrive", LONG, || clickhouse.count(&table) > seen);
        worker.kill();
        seen = clickhouse.count(&table);
        more(20_000);
        worker.start();
    }
    let total = more(1);
    let unique_rows = || -> u64 {
        clickhouse.query(&format!("SELECT uniqExact(n) FROM `{table}`")).trim().parse().unwrap()
    };
    until("every line to be there", LONG, || unique_rows() == total);
    let wrong =
        format!("SELECT count() FROM `{table}` WHERE note != concat('note ', toString(n)) OR n >= {total}");
    assert_eq!(clickhouse.query(&wrong).trim(), "0");
    // What came again is at most what was written in the last moment before each kill.
    let again = clickhouse.count(&table) - total;
    println!("{again} of {total} rows came twice, by 3 kills");
    assert!(again <= total, "{again} rows came again");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn transforms_apply_and_bad_records_leave_alone() {
    let (clickhouse, table) = (ClickHouse::shared(), unique("pipe"));
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (n UInt8, origin String, _topic String) ENGINE = MergeTree ORDER BY n"
    ));
    let mut worker = alone();
    let from = worker.path("in.jsonl");
    append(&from, "{\"n\":1}\n{\"n\":300}\nno json\n{\"n\":2}\n");
    let more = [
        ("errors.tolerance", "all"),
        ("transforms", "from"),
        ("transforms.from.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.from.static.field", "origin"),
        ("transforms.from.static.value", "file"),
    ];
    worker.create(&table, &with(to_clickhouse(&from, &clickhouse, &table), &more));
    until("the good rows", SOON, || clickhouse.count(&table) == 2);
    let rows = clickhouse.query(&format!("SELECT n, origin, _topic FROM `{table}` ORDER BY n FORMAT TSV"));
    assert_eq!(rows.trim(), format!("1\tfile\t{table}\n2\tfile\t{table}"));
    let label = format!("connector=\"{table}\"");
    until("the bad ones to be counted", SOON, || {
        worker.metric("penstock_task_records_rejected_total", &[&label]) as u64 == 2
    });
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn a_bad_record_fails_the_task_and_keeps_its_place() {
    let (clickhouse, table) = (ClickHouse::shared(), unique("pipe"));
    clickhouse.query(&format!("CREATE TABLE `{table}` (n UInt8) ENGINE = MergeTree ORDER BY tuple()"));
    let mut worker = Worker::standalone().unset("bootstrap.servers").allow("300").start();
    let from = worker.path("in.jsonl");
    append(&from, "{\"n\":300}\n");
    worker.submit(&table, &to_clickhouse(&from, &clickhouse, &table));
    let failed = worker.await_status(&table, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = failed["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains("300") && trace.contains("errors.tolerance=all"), "{trace}");
    assert_eq!(position(&worker, &table), None);
    // Whoever widens the column has the record.
    clickhouse.query(&format!("ALTER TABLE `{table}` MODIFY COLUMN n UInt16"));
    worker.rest.post(&format!("/connectors/{table}/tasks/0/restart"), &json!(null)).expect(204);
    until("the row", SOON, || clickhouse.query(&format!("SELECT n FROM `{table}`")).trim() == "300");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn offsets_are_read_altered_and_reset_like_a_sources() {
    let mut worker = alone();
    let (from, to, name) = (worker.path("in.txt"), worker.path("out.txt"), unique("pipe"));
    append(&from, "one\ntwo\nthree\n");
    worker.create(&name, &files(&from, &to));
    await_text(&to, "one\ntwo\nthree\n");
    until("the position to be stored", SOON, || position(&worker, &name) == Some(14));
    let path = format!("/connectors/{name}/offsets");
    worker.rest.put(&format!("/connectors/{name}/stop"), &json!(null)).expect(204);
    worker.await_status(&name, "to stop", |status| {
        status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([])
    });
    let at = |position: u64| json!({"offsets": [{"partition": {"filename": from.to_string_lossy()}, "offset": {"position": position}}]});
    let alter = |body: &Value| worker.rest.send("PATCH", &path, Some(body)).unwrap();
    alter(&json!({"offsets": [{"partition": {"x": 1}, "offset": {}}]})).expect(400);
    alter(&at(4)).expect(200);
    worker.rest.put(&format!("/connectors/{name}/resume"), &json!(null)).expect(202);
    await_text(&to, "one\ntwo\nthree\ntwo\nthree\n");
    worker.stop();
}

#[test]
fn a_wrong_pipe_is_refused_with_everything_that_is_wrong() {
    let worker = alone();
    let errors = |config: &Value| -> Vec<(String, String)> {
        let answer = worker.rest.put("/connector-plugins/Pipe/config/validate", config).expect(200);
        let configs = answer["configs"].as_array().unwrap().clone();
        let errors = configs.iter().flat_map(|setting| {
            let value = &setting["value"];
            let name = value["name"].as_str().unwrap().to_owned();
            let errors = value["errors"].as_array().unwrap().clone();
            errors.into_iter().map(move |error| (name.clone(), error.as_str().unwrap().to_owned()))
        });
        errors.collect()
    };
    let names = |config: &Value| errors(config).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let good = files(Path::new("a"), Path::new("b"));
    assert_eq!(names(&with(good.clone(), &[("name", "p")])), Vec::<String>::new());
    let bare = json!({"connector.class": "Pipe", "name": "p"});
    assert_eq!(names(&bare), ["source.connector.class", "sink.connector.class"]);
    let crossed = with(
        good.clone(),
        &[("name", "p"), ("source.connector.class", "FileStreamSink"), ("sink.connector.class", "Nothing")],
    );
    let crossed = errors(&crossed);
    assert!(crossed[0].1.contains("is no source: expected one of"), "{crossed:?}");
    assert!(crossed[1].1.contains("no plugin is named Nothing: expected a sink, one of"), "{crossed:?}");
    let inner = with(
        good,
        &[("name", "p"), ("source.topic", ""), ("source.batch.size", "many"), ("sink.exactlyOnce", "true")],
    );
    let inner = errors(&inner);
    let refused: Vec<_> = inner.iter().map(|(name, _)| name.as_str()).collect();
    assert!(refused.contains(&"source.topic") && refused.contains(&"source.batch.size"), "{inner:?}");
    assert!(inner.iter().any(|(_, error)| error.contains("sink.exactlyOnce")), "{inner:?}");
    let listed = worker.rest.get("/connector-plugins").expect(200);
    let pipe = listed.as_array().unwrap().iter().find(|plugin| plugin["class"] == "Pipe").unwrap();
    assert_eq!(pipe["type"], "source");
    assert!(worker.rest.get("/connector-plugins/Pipe/config").expect(200).as_array().unwrap().len() > 10);
}

#[test]
fn a_cluster_runs_the_tasks_of_a_pipe_with_dead_letters_in_kafka() {
    let (clickhouse, table) = (ClickHouse::shared(), unique("pipe"));
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id UInt64, customer String) ENGINE = MergeTree ORDER BY id"
    ));
    let kafka = Kafka::shared();
    let letters = unique("letters");
    // A pipe has no producer that could be shut out: what the worker promises of sources does not touch it.
    let mut worker = Worker::distributed().set("exactly.once.source.support", "enabled").start();
    let config = json!({
        "connector.class": "Pipe",
        "tasks.max": "2",
        "source.connector.class": "DatagenSource",
        "source.topic": table,

        "source.total": "20000",
        "sink.connector.class": "ClickHouseSink",
        "sink.hostname": clickhouse.host(),
        "sink.port": clickhouse.port(),
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
    });
    worker.create(&table, &config);
    until("all rows", LONG, || clickhouse.count(&table) >= 20_000);
    assert_eq!(clickhouse.query(&format!("SELECT uniqExact(id) FROM `{table}`")).trim(), "20000");
    assert_eq!(kafka.ends(&letters), [0]);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn the_command_line_runs_a_pipe_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    append(&from, "one\ntwo\n");
    let file = folder.path().join("pipe.json");
    let pipe = |from: &Path| json!({"name": "copy", "config": files(from, &to)}).to_string();
    std::fs::write(&file, pipe(&from)).unwrap();
    let address = folder.path().join("address");
    let plugins = services::plugins();
    let start = || {
        let mut command = command::penstock(&["run", "--standalone", "--connector"]);
        command.arg(&file).args(["--listen", "http://127.0.0.1:0", "--plugin-path"]).arg(&plugins);
        command.arg("--set").arg(format!("penstock.address.file={}", address.display()));
        command.current_dir(folder.path()).stderr(std::fs::File::create(folder.path().join("log")).unwrap());
        command
    };
    let mut worker = start().spawn().unwrap();
    let url = until_some("the worker's address", SOON, || {
        std::fs::read_to_string(&address).ok().filter(|url| url.ends_with('\n'))
    });
    let copied = std::panic::catch_unwind(|| await_text(&to, "one\ntwo\n"));
    command::signal(&worker, "TERM");
    assert!(command::wait(&mut worker, "the worker to end").success());
    assert!(copied.is_ok() && url.starts_with("http://"));

    // A file that is wrong, and one that names what the worker would refuse, end the command with their sentence.
    std::fs::write(&file, r#"{"name":"copy","config":{"connector.class":"Pipe"}}"#).unwrap();
    let output = command::output(&mut start(), folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        output.stderr.contains("pipe.json") && output.stderr.contains("source.connector.class"),
        "{output:?}"
    );
    let mut cluster = start();
    for (key, value) in
        [("group.id", "g"), ("bootstrap.servers", "localhost:1"), ("config.storage.topic", "c")]
    {
        cluster.arg("--set").arg(format!("{key}={value}"));
    }
    let topics = ["--set", "offset.storage.topic=o", "--set", "status.storage.topic=s"];
    let output = command::output(cluster.args(topics), folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.contains("--standalone: the settings have group.id=g"), "{output:?}");
}
