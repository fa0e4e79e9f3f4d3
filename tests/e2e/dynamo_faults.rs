//! Exports that are not whole, changes that cannot be read, and rights and steps that are missing.

use crate::dynamo_service::{
    DynamoDb, Guarded, KEY, OF_CHANGES, OF_EXPORTS, SECRET, Sample, arn, documented,
};
use penstock_tests::{Kinesis, SOON, Worker, services, unique, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Into a file, by one task.
pub fn pipe(sample: &Sample, service: &str, to: &Path, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "Pipe",
        "source.connector.class": "DynamoDb",
        "source.dynamodb.table": "Orders",
        "source.dynamodb.snapshot": "only",
        "source.dynamodb.export.bucket": sample.bucket,
        "source.dynamodb.export.path": sample.root(),
        "source.aws.region": "us-east-1",
        "source.aws.dynamodb.endpoint": service,
        "source.aws.kinesis.endpoint": services::kinesis(),
        "source.aws.s3.endpoint": services::s3(),
        "source.aws.access.key.id": KEY,
        "source.aws.secret.access.key": SECRET,
        "sink.connector.class": "FileStreamSink",
        "sink.file": to.to_string_lossy(),
        "sink.penstock.batch.age.max.ms": "50",
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

pub fn worker() -> Worker {
    let worker = Worker::standalone().unset("bootstrap.servers");
    ["task failed", "failed", "orders", "listed again", "left out"]
        .iter()
        .fold(worker, |worker, text| worker.allow(text))
        .start()
}

pub fn sample() -> Sample {
    Sample::make("MICROSECOND", &["--items", "60", "--changes", "120", "--files", "3"])
}

fn rewrite(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

fn sign(sample: &Sample, name: &str) {
    let script = "import base64,hashlib,sys;print(base64.b64encode(hashlib.md5(open(sys.argv[1],'rb').read()).digest()).decode(),end='')";
    let output = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(sample.export(&format!("{name}.json")))
        .output();
    std::fs::write(sample.export(&format!("{name}.md5")), output.unwrap().stdout).unwrap();
}

/// The reason of a task that has failed.
pub fn trace(worker: &Worker, name: &str) -> String {
    let status = worker.await_status(name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned()
}

/// Of an export, or of its first file.
type Damage = fn(&Sample, &Path);

/// What is done to an export, and what is said of it.
const DAMAGES: [(&str, Damage, &str); 5] = [
    ("missing", |_, file| std::fs::remove_file(file).unwrap(), "the export's file is missing"),
    (
        "altered",
        |_, file| {
            let bytes = std::fs::read(file).unwrap();
            // A member more, of nothing: it unpacks to the same.
            let empty = [31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            std::fs::write(file, [bytes.as_slice(), &empty].concat()).unwrap();
        },
        "expected the MD5 sum",
    ),
    (
        "truncated",
        |_, file| {
            let bytes = std::fs::read(file).unwrap();
            std::fs::write(file, &bytes[..bytes.len() - 9]).unwrap();
        },
        "expected gzip to its end",
    ),
    (
        "miscounted",
        |sample, _| {
            rewrite(&sample.export("manifest-files.json"), |text| {
                text.replacen("\"itemCount\":", "\"itemCount\":1", 1)
            });
            sign(sample, "manifest-files");
        },
        "rows, as the manifest says, got",
    ),
    (
        "manifest",
        |sample, _| {
            rewrite(&sample.export("manifest-files.json"), |text| text + "\n");
        },
        "manifest-files.json: expected the MD5 sum",
    ),
];

#[test]
fn an_export_that_is_not_whole_is_refused_with_its_file() {
    let kinesis = Kinesis::shared();
    let stream = unique("faults");
    kinesis.create(&stream, 1);
    let mut worker = worker();
    for (name, damage, expected) in DAMAGES {
        let sample = sample();
        let file = sample.files()[0]["dataFileS3Key"].as_str().unwrap().to_owned();
        damage(&sample, &sample.path("s3").join(&file));
        sample.upload();
        let service = DynamoDb::start(&sample, &kinesis, &stream);
        let rights =
            documented(&sample, &kinesis, &stream).without(&[OF_EXPORTS.as_slice(), &OF_CHANGES].concat());
        let guarded = Guarded::new(&service, rights);
        let unused: &[&str] = if name == "missing" { &[] } else { &["s3:ListBucket"] };
        let name = unique(&format!("orders-{name}"));
        let to = worker.path(&name);
        let through = [("source.aws.s3.endpoint", guarded.s3.as_str())];
        worker.submit(&name, &pipe(&sample, &guarded.dynamodb, &to, &through));
        let trace = trace(&worker, &name);
        guarded.assert_least(unused);
        let is_named = trace.contains(&file) || trace.contains("manifest-files.json");
        assert!(trace.contains(expected) && is_named && trace.contains(sample.bucket), "{name}: {trace}");
        worker.rest.delete(&format!("/connectors/{name}")).expect(204);
    }
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn a_file_that_is_listed_twice_is_loaded_once() {
    let (kinesis, sample, stream) = (Kinesis::shared(), sample(), unique("faults"));
    kinesis.create(&stream, 1);
    rewrite(&sample.export("manifest-files.json"), |text| text.clone() + &text);
    sign(&sample, "manifest-files");
    sample.upload();
    let service = DynamoDb::start(&sample, &kinesis, &stream);
    let (mut worker, name) = (worker(), unique("orders"));
    let to = worker.path(&name);
    worker.create(&name, &pipe(&sample, &service.url, &to, &[]));
    let lines = || std::fs::read_to_string(&to).unwrap_or_default().lines().count() as u64;
    let total = sample.summary["items_in_export"].as_u64().unwrap();
    until("all items", SOON, || lines() >= total);
    let offsets = || worker.rest.get(&format!("/connectors/{name}/offsets")).expect(200).to_string();
    until("the snapshot to be loaded", SOON, || offsets().contains("\"loaded\""));
    assert_eq!(lines(), total);
    // Nothing comes twice after a clean stop.
    worker.stop();
    worker.start();
    worker.await_status(&name, "to run", |status| status["tasks"][0]["state"] == "RUNNING");
    assert_eq!(lines(), total);
    worker.stop();
    kinesis.delete(&stream);
}

/// Takes the export that lies there, and follows a stream of one shard.
struct Given {
    kinesis: Kinesis,
    sample: Sample,
    service: DynamoDb,
    stream: String,
    worker: Worker,
}

impl Given {
    fn new() -> Self {
        let (kinesis, sample, stream) = (Kinesis::shared(), sample(), unique("faults"));
        kinesis.create(&stream, 1);
        sample.upload();
        let service = DynamoDb::start(&sample, &kinesis, &stream);
        Self { kinesis, sample, service, stream, worker: worker() }
    }

    /// A connector and its file.
    fn submit(&self, more: &[(&str, &str)]) -> (String, PathBuf) {
        let name = unique("orders");
        let to = self.worker.path(&name);
        let own = [("source.kinesis.stream", self.stream.as_str()), ("source.dynamodb.snapshot", "initial")];
        let all: Vec<_> = own.iter().chain(more).copied().collect();
        self.worker.submit(&name, &pipe(&self.sample, &self.service.url, &to, &all));
        (name, to)
    }

    #[track_caller]
    fn fails(&self, more: &[(&str, &str)], expected: &[&str]) {
        let (name, _) = self.submit(more);
        let trace = trace(&self.worker, &name);
        assert!(expected.iter().all(|text| trace.contains(text)), "{more:?}: {trace}");
        self.worker.rest.delete(&format!("/connectors/{name}")).expect(204);
    }

    fn end(mut self) {
        self.worker.stop();
        self.kinesis.delete(&self.stream);
    }
}

#[test]
fn what_is_missing_is_named() {
    let given = Given::new();
    let export = arn(&given.sample.summary);
    let path = ("source.dynamodb.export.path", "");
    given.fails(&[path, ("source.dynamodb.setup", "check")], &["its changes do not go to stream"]);
    given.fails(&[], &["changes since the export's time", "the stream was made after it"]);
    given.fails(
        &[path, ("source.dynamodb.export.arn", &export)],
        &["the export of table Orders: it does not exist"],
    );
    given.fails(
        &[("source.dynamodb.export.path", "nowhere")],
        &["nowhere/manifest-summary.json: the export's file is missing"],
    );
    given.fails(
        &[("source.aws.secret.access.key", "wrong")],
        &["there are no valid credentials, by access key penstock"],
    );
    let refused = given.worker.rest.put(
        "/connector-plugins/DynamoDb/config/validate",
        &json!({ "connector.class": "DynamoDb", "dynamodb.table": "Nothing", "dynamodb.snapshot": "never",
            "kinesis.stream": given.stream, "aws.region": "us-east-1", "aws.endpoint": given.service.url,
            "aws.access.key.id": KEY, "aws.secret.access.key": SECRET }),
    );
    let refused = refused.expect(200).to_string();
    assert!(refused.contains("table Nothing: it does not exist"), "{refused}");
    given.end();
}

#[test]
fn what_cannot_be_read_stops_the_task_or_is_left_out_aloud() {
    let given = Given::new();
    let mut changes = given.sample.changes();
    changes.insert(5, ("k".into(), b"{\"eventName\":\"RENAME\"}".to_vec()));
    changes.insert(6, ("k".into(), b"no JSON".to_vec()));
    given.kinesis.put(&given.stream, &changes);
    let gap = ("source.dynamodb.export.gap.allowed", "true");
    given.fails(&[gap], &["shard shardId-", "sequence number ", "expected eventName to be INSERT"]);
    let (name, to) = given.submit(&[gap, ("errors.tolerance", "all")]);
    let total = given.sample.summary["items_in_export"].as_u64().unwrap() + changes.len() as u64 - 2;
    let lines = || std::fs::read_to_string(&to).unwrap_or_default().lines().count() as u64;
    until("all items and changes", SOON, || lines() >= total);
    let left = || given.worker.plugin_events(&name, "records_malformed");
    // Their shard may be the last.
    until("both to be counted", SOON, || left() >= 2);
    assert_eq!(left(), 2);
    given.end();
}
