//! What DynamoDB and an export would be: the control plane as AWS documents it, over a sample that lies in a real S3.

use penstock_tests::http::{self, Request};
use penstock_tests::rights::{Guard, Policy};
use penstock_tests::services::{self, checkout};
use penstock_tests::{Kinesis, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub const KEY: &str = "penstock";
pub const SECRET: &str = "penstock-secret";

/// The sample of a seed, with the right answer beside it.
pub struct Sample {
    folder: TempDir,
    pub bucket: &'static str,
    pub prefix: String,
    pub summary: Value,
}

impl Sample {
    /// As `PENSTOCK_TEST_DYNAMODB_SEED` wants it, else the first.
    pub fn make(precision: &str, more: &[&str]) -> Self {
        let seed = std::env::var("PENSTOCK_TEST_DYNAMODB_SEED").unwrap_or_else(|_| "1".into());
        let own = std::env::var("PENSTOCK_TEST_DYNAMODB_ARGS").unwrap_or_default();
        let (folder, bucket, prefix) = (tempfile::tempdir().unwrap(), "dynamodb-exports", unique("orders"));
        let mut command = script();
        command.arg(folder.path().join("out")).args([
            "--precision",
            precision,
            "--bucket",
            bucket,
            "--prefix",
            &prefix,
        ]);
        command.args(["--seed", &seed]).args(more).args(own.split_whitespace());
        run(&mut command);
        let text = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
        Self { folder, bucket, prefix, summary: serde_json::from_str(&text).unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// Puts the export, as it is now, into the bucket.
    pub fn upload(&self) {
        let mut command = script();
        command.args(["--upload", &services::s3(), self.bucket]).arg(self.path("s3"));
        run(command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET));
    }

    pub fn root(&self) -> &str {
        self.summary["export_root"].as_str().unwrap()
    }

    /// A file of the export.
    pub fn export(&self, name: &str) -> PathBuf {
        self.path("s3").join(self.root()).join(name)
    }

    /// Files that hold items, as the manifest has them.
    pub fn files(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.export("manifest-files.json")).unwrap();
        let all = text.lines().map(|line| serde_json::from_str(line).unwrap());
        all.filter(|file: &Value| file["itemCount"] != 0).collect()
    }

    /// The records of the stream.
    pub fn changes(&self) -> Vec<(String, Vec<u8>)> {
        let text = std::fs::read_to_string(self.path("stream.ndjson")).unwrap();
        let record = |line: &str| {
            let record: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| record[name].as_str().unwrap().to_owned();
            (text("PartitionKey"), text("Data").into_bytes())
        };
        text.lines().map(record).collect()
    }

    /// Each item's number and the whole of it as plain JSON.
    pub fn expected(&self, file: &str) -> BTreeMap<u64, String> {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        let item = |line: &str| {
            let item: Value = serde_json::from_str(line).unwrap();
            let number = item["order_no"]["N"].as_str().unwrap().parse().unwrap();
            (number, plain(&json!({ "M": item })))
        };
        text.lines().map(item).collect()
    }
}

/// By way of a tree, and apart from the connector's own way.
fn plain(typed: &Value) -> String {
    let (kind, value) = typed.as_object().unwrap().iter().next().unwrap();
    let list = |item: &dyn Fn(&Value) -> String| {
        let all: Vec<String> = value.as_array().unwrap().iter().map(item).collect();
        format!("[{}]", all.join(","))
    };
    match kind.as_str() {
        "N" => value.as_str().unwrap().to_owned(),
        "NULL" => "null".into(),
        "NS" => list(&|number| number.as_str().unwrap().to_owned()),
        "L" => list(&plain),
        "M" => {
            let pair = |(name, value)| format!("{}:{}", json!(name), plain(value));
            let all: Vec<String> = value.as_object().unwrap().iter().map(pair).collect();
            format!("{{{}}}", all.join(","))
        }
        _ => value.to_string(),
    }
}

fn script() -> Command {
    let mut command = Command::new("python3");
    command.arg(checkout().join("tests/services/dynamodb/sample.py"));
    command
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("python3 starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A way to the double, the streams and the buckets, on which whoever asks has some of the documented rights and no others.
pub struct Guarded {
    guard: Guard,
    pub dynamodb: String,
    pub kinesis: String,
    pub s3: String,
}

impl Guarded {
    pub fn new(service: &DynamoDb, policy: Policy) -> Self {
        let guard = Guard::default();
        guard.admit(KEY, policy);
        Self {
            dynamodb: guard.before(&service.url),
            kinesis: guard.before(&services::kinesis()),
            s3: guard.before(&services::s3()),
            guard,
        }
    }

    /// No right was missing, and these were not needed.
    #[track_caller]
    pub fn assert_least(&self, unused: &[&str]) {
        assert!(self.guard.refused(KEY).is_empty(), "refused: {:?}", self.guard.refused(KEY));
        assert_eq!(self.guard.unused(KEY), unused);
    }
}

/// The rights that the page says are needed, for a sample and its stream.
pub fn documented(sample: &Sample, kinesis: &Kinesis, stream: &str) -> Policy {
    let names = [
        ("eu-central-1:123456789012:table", "us-east-1:123456789012:table"),
        ("arn:aws:kinesis:eu-central-1:123456789012:stream/orders-changes", &arn_of(kinesis, stream)),
        ("orders-exports/penstock/", &format!("orders-exports/{}/", sample.prefix)),
        ("orders-exports", sample.bucket),
    ];
    Policy::documented(include_str!("../../docs/dynamodb.md"), "## Least rights", &names)
}

fn arn_of(kinesis: &Kinesis, stream: &str) -> String {
    let answer = kinesis.call("DescribeStreamSummary", &json!({ "StreamName": stream }));
    answer["StreamDescriptionSummary"]["StreamARN"].as_str().unwrap().to_owned()
}

/// What nobody needs who makes no export.
pub const OF_EXPORTS: [&str; 7] = [
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:ExportTableToPointInTime",
    "dynamodb:DescribeExport",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:AbortMultipartUpload",
];

/// What nobody needs who follows no changes.
pub const OF_CHANGES: [&str; 8] = [
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:EnableKinesisStreamingDestination",
    "kinesis:DescribeStream",
    "kinesis:PutRecords",
    "kinesis:DescribeStreamSummary",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
];

/// Answers the calls that a snapshot needs, in the states that AWS has them.
pub struct DynamoDb {
    pub url: String,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    calls: Vec<(String, Value)>,
    destination: Option<(String, u32)>,
    recovers: u32,
    exports: Vec<(String, u32)>,
}

struct Told {
    stream_arn: String,
    summary: Value,
    bucket: &'static str,
}

impl DynamoDb {
    /// Of a table whose changes go nowhere, and that was never exported.
    pub fn start(sample: &Sample, kinesis: &Kinesis, stream: &str) -> Self {
        let stream_arn = arn_of(kinesis, stream);
        let told = Told { stream_arn, summary: sample.summary.clone(), bucket: sample.bucket };
        let heard = Arc::new(Mutex::new(Heard::default()));
        let keeps = Arc::clone(&heard);
        Self { url: http::serve(move |request, near| serve(request, near, &told, &keeps)), heard }
    }

    /// The calls so far, those that follow the same one left out.
    pub fn calls(&self) -> Vec<String> {
        let mut calls: Vec<String> =
            self.heard.lock().unwrap().calls.iter().map(|(action, _)| action.clone()).collect();
        calls.dedup();
        calls
    }

    /// Exports that were begun.
    pub fn exports(&self) -> usize {
        self.heard.lock().unwrap().exports.len()
    }

    /// What the first such call said.
    pub fn said(&self, action: &str) -> Value {
        let heard = self.heard.lock().unwrap();
        heard.calls.iter().find(|(known, _)| known == action).map(|(_, body)| body.clone()).unwrap()
    }
}

fn serve(request: &Request, mut near: &TcpStream, told: &Told, heard: &Mutex<Heard>) -> bool {
    let target = request.header("x-amz-target").unwrap_or_default();
    let action = target.strip_prefix("DynamoDB_20120810.").expect("a target");
    let signature = request.header("authorization").unwrap_or_default();
    let is_signed = signature.starts_with("AWS4-HMAC-SHA256 Credential=penstock/")
        && signature.contains("/us-east-1/dynamodb/aws4_request");
    let answer = if is_signed {
        answer(action, &serde_json::from_slice(request.body()).unwrap(), told, &mut heard.lock().unwrap())
    } else {
        Err(("MissingAuthenticationTokenException", "expected a signature".to_owned()))
    };
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err((code, message)) => {
            let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
            (400, json!({ "__type": code, "message": message }))
        }
    };
    near.write_all(&http::answer(status, "application/x-amz-json-1.0", &body.to_string())).is_ok()
}

type Refusal = (&'static str, String);

fn answer(action: &str, body: &Value, told: &Told, heard: &mut Heard) -> Result<Value, Refusal> {
    heard.calls.push((action.to_owned(), body.clone()));
    if body["TableName"].as_str().is_some_and(|name| name != "Orders") {
        return Err((
            "ResourceNotFoundException",
            format!("Requested resource not found: {}", body["TableName"]),
        ));
    }
    match action {
        "DescribeTable" => Ok(table()),
        "DescribeKinesisStreamingDestination" => Ok(destinations(told, heard)),
        "EnableKinesisStreamingDestination" => {
            if body["StreamArn"] != told.stream_arn.as_str() {
                return Err(("ResourceNotFoundException", "no such stream".into()));
            }
            let precision =
                &body["EnableKinesisStreamingConfiguration"]["ApproximateCreationDateTimePrecision"];
            heard.destination = Some((precision.as_str().unwrap_or("MICROSECOND").to_owned(), 0));
            Ok(
                json!({ "TableName": "Orders", "StreamArn": told.stream_arn, "DestinationStatus": "ENABLING" }),
            )
        }
        "DescribeContinuousBackups" => Ok(recovery(heard.recovers > 0)),
        "UpdateContinuousBackups" => {
            heard.recovers += 1;
            Ok(recovery(true))
        }
        "ExportTableToPointInTime" => export(body, told, heard),
        "DescribeExport" => {
            let Some((_, looks)) = heard.exports.last_mut() else {
                return Err(("ExportNotFoundException", "no such export".into()));
            };
            *looks += 1;
            let status = if *looks < 2 { "IN_PROGRESS" } else { "COMPLETED" };
            Ok(described(told, status))
        }
        other => Err(("UnknownOperationException", other.to_owned())),
    }
}

fn table() -> Value {
    json!({ "Table": {
            "TableName": "Orders", "TableStatus": "ACTIVE", "TableArn": TABLE,
            "KeySchema": [
                { "AttributeName": "order_no", "KeyType": "RANGE" },
                { "AttributeName": "customer_id", "KeyType": "HASH" },
            ],
            "AttributeDefinitions": [
                { "AttributeName": "customer_id", "AttributeType": "S" },
                { "AttributeName": "order_no", "AttributeType": "N" },
            ],
        } })
}

fn destinations(told: &Told, heard: &mut Heard) -> Value {
    let found = heard.destination.as_mut().map(|(precision, looks)| {
        *looks += 1;
        let status = if *looks < 2 { "ENABLING" } else { "ACTIVE" };
        json!({ "StreamArn": told.stream_arn, "DestinationStatus": status,
                    "ApproximateCreationDateTimePrecision": precision })
    });
    let all: Vec<Value> = found.into_iter().collect();
    json!({ "TableName": "Orders", "KinesisDataStreamDestinations": all })
}

fn recovery(is_on: bool) -> Value {
    let status = if is_on { "ENABLED" } else { "DISABLED" };
    json!({ "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": status } } })
}

fn export(body: &Value, told: &Told, heard: &mut Heard) -> Result<Value, Refusal> {
    if heard.recovers == 0 {
        return Err((
            "PointInTimeRecoveryUnavailableException",
            "Point in time recovery is not enabled".into(),
        ));
    }
    // The hand-off stands and falls with it.
    assert!(
        heard.destination.as_ref().is_some_and(|(_, looks)| *looks >= 2),
        "exported before changes were sent"
    );
    assert_eq!(body["S3Bucket"], told.bucket);
    let token = body["ClientToken"].as_str().expect("a token").to_owned();
    if !heard.exports.iter().any(|(known, _)| *known == token) {
        heard.exports.push((token, 0));
    }
    Ok(described(told, "IN_PROGRESS"))
}

fn described(told: &Told, status: &str) -> Value {
    let time_us = told.summary["export_time_us"].as_f64().unwrap();
    let mut found = json!({
        "ExportArn": arn(&told.summary), "ExportStatus": status, "TableArn": TABLE, "S3Bucket": told.bucket,
        "ExportFormat": "DYNAMODB_JSON", "ExportType": "FULL_EXPORT", "ExportTime": time_us / 1e6,
    });
    if status == "COMPLETED" {
        found["ExportManifest"] = told.summary["manifest"].clone();
        found["ItemCount"] = told.summary["items_in_export"].clone();
    }
    json!({ "ExportDescription": found })
}

pub fn arn(summary: &Value) -> String {
    let id = Path::new(summary["export_root"].as_str().unwrap())
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    format!("{TABLE}/export/{id}")
}

const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders";
