//! The contract battery over the built library, against an emulator of Kinesis and a server of S3.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "the harness of the end-to-end tests has it too")]
#[path = "../../../tests/harness/objects.rs"]
mod objects;

use std::fmt::Write as _;
use std::io::Write as _;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Credentials;
use aws_sdk_kinesis::operation::put_record::PutRecordError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardIteratorType, StreamStatus};
use objects::{ADMIN, ADMIN_SECRET, Bucket};
use penstock_sdk::Config;
use testkit::{Battery, SinkBattery, SourceBattery};
use tokio::runtime::Runtime;

/// A stream of one test, to which records are added as long as it lives: one answer may hold all that are there.
struct Stream {
    runtime: Runtime,
    client: Client,
    name: String,
    url: String,
}

impl Stream {
    fn new(name: &str) -> Self {
        let stream = Self::empty(name);
        stream.runtime.spawn(fill(stream.client.clone(), stream.name.clone()));
        stream
    }

    fn empty(name: &str) -> Self {
        let url = std::env::var("PENSTOCK_TEST_KINESIS")
            .expect("PENSTOCK_TEST_KINESIS names no Kinesis server: run ./test, which starts one");
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&url)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let runtime = Runtime::new().unwrap();
        let name = format!("{name}-{}", std::process::id());
        let stream = Self { runtime, client: Client::from_conf(config), name, url };
        let created = stream.client.create_stream().stream_name(&stream.name).shard_count(1);
        stream.runtime.block_on(created.send()).unwrap();
        stream
    }

    fn sink(&self) -> SinkBattery {
        Battery::sink(testkit::library("penstock-aws"))
            .config(access(&self.url, ("test", "hush")))
            .class("KinesisSink")
            .setting("kinesis.stream", &self.name)
    }

    fn battery(&self) -> SourceBattery {
        Battery::source(testkit::library("penstock-aws"))
            .config(access(&self.url, ("test", "hush")))
            .class("KinesisSource")
            .setting("kinesis.stream", &self.name)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let deleted = self.client.delete_stream().stream_name(&self.name).enforce_consumer_deletion(true);
        self.runtime.block_on(deleted.send()).unwrap();
    }
}

/// Until it is made, nobody can write to it.
async fn await_active(client: &Client, stream: &str) {
    for _ in 0..500 {
        let told = client.describe_stream_summary().stream_name(stream).send().await.unwrap();
        let summary = told.stream_description_summary().unwrap();
        if *summary.stream_status() == StreamStatus::Active {
            return;
        }
        until_the_next().await;
    }
    panic!("stream {stream} is not made");
}

/// The data of all records of a stream with one shard.
async fn read(client: &Client, stream: &str) -> Vec<String> {
    let shards = client.list_shards().stream_name(stream).send().await.unwrap();
    let from = client.get_shard_iterator().stream_name(stream).shard_id(shards.shards()[0].shard_id());
    let from = from.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
    let (mut next, mut found) = (from.shard_iterator, Vec::new());
    while let Some(iterator) = next {
        let answer = client.get_records().shard_iterator(iterator).send().await.unwrap();
        let data = answer.records().iter().map(|record| record.data().as_ref().to_vec());
        found.extend(data.map(|bytes| String::from_utf8(bytes).unwrap()));
        next = answer.next_shard_iterator.filter(|_| !answer.records.is_empty());
    }
    found
}

/// The way to a server, for whom.
fn access(url: &str, (id, secret): (&str, &str)) -> Config {
    let keys = [("aws.access.key.id", id), ("aws.secret.access.key", secret)];
    [("aws.endpoint", url), ("aws.region", "us-east-1")].into_iter().chain(keys).collect()
}

fn bucket(name: &str) -> Bucket {
    let url = std::env::var("PENSTOCK_TEST_S3")
        .expect("PENSTOCK_TEST_S3 names no S3 server: run ./test, which starts one");
    Bucket::at(url, name)
}

/// The lines of all objects of a bucket whose keys begin with `prefix`.
fn lines(bucket: &Bucket, prefix: &str) -> Vec<String> {
    let read = |key: &String| bucket.get(key).lines().map(String::from).collect::<Vec<_>>();
    bucket.keys(prefix).iter().flat_map(read).collect()
}

async fn fill(client: Client, stream: String) {
    let mut number = 0;
    loop {
        let data = Blob::new(format!("record {number}"));
        let put = client.put_record().stream_name(&stream).partition_key("k").data(data);
        match put.send().await {
            Ok(_) => number += 1,
            // It is being made, or was deleted.
            Err(error)
                if error.as_service_error().is_some_and(PutRecordError::is_resource_not_found_exception) => {}
            Err(error) => panic!("{error:?}"),
        }
        until_the_next().await;
    }
}

async fn until_the_next() {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

#[test]
fn polling_keeps_the_contract() {
    Stream::new("contract-polling")
        .battery()
        .refuses("kinesis.stream", "a b", "expected the name of a stream")
        .refuses("kinesis.stream", "nowhere-to-be-found", "there is no stream nowhere-to-be-found")
        .refuses("kinesis.mode", "both", "kinesis.mode: expected one of polling, fanout, auto")
        .refuses("kinesis.start", "AT_TIMESTAMP", "kinesis.start.timestamp: a value is required")
        .refuses("kinesis.start.timestamp", "1", "expected kinesis.start=AT_TIMESTAMP beside it")
        .refuses(
            "kinesis.fetch.interval.ms",
            "100",
            "kinesis.fetch.interval.ms: expected 200..=60000, got 100",
        )
        .refuses("aws.profile", "x", "either a profile or an access key")
        .refuses("aws.role.arn", "reader", "expected an ARN such as")
        .run();
}

#[test]
fn fanout_keeps_the_contract() {
    Stream::new("contract-fanout").battery().setting("kinesis.mode", "fanout").run();
}

#[test]
fn the_kinesis_sink_keeps_the_contract() {
    let stream = Stream::empty("contract-sink");
    let (client, name) = (stream.client.clone(), stream.name.clone());
    let runtime = Runtime::new().unwrap();
    runtime.block_on(await_active(&client, &name));
    stream
        .sink()
        .setting("kinesis.record.bytes.max", "1024")
        .arrived(move || runtime.block_on(read(&client, &name)))
        .rejects(&"x".repeat(1100))
        .refuses("kinesis.stream", "a b", "expected the name of a stream")
        .refuses("kinesis.stream", "nowhere-to-be-found", "there is no stream nowhere-to-be-found")
        .refuses("kinesis.order", "maybe", "kinesis.order: expected one of key, none")
        .refuses("kinesis.record.bytes.max", "1", "kinesis.record.bytes.max: expected 1024..=10485760")
        .refuses("aws.profile", "x", "either a profile or an access key")
        .run();
}

#[test]
fn the_s3_sink_keeps_the_contract() {
    // A bucket of each run would fill the server.
    let (bucket, prefix) = (bucket("penstock-formats"), format!("contract-{}", std::process::id()));
    let template = format!("{prefix}-{{topic}}-{{partition}}-{{start_offset}}-{{end_offset}}.{{extension}}");
    Battery::sink(testkit::library("penstock-aws"))
        .config(access(&bucket.url, (ADMIN, ADMIN_SECRET)))
        .class("S3Sink")
        .setting("s3.bucket", &bucket.name)
        .setting("s3.key.template", template)
        .setting("s3.compression", "none")
        .value(|number| format!("{{\"number\":{number}}}"))
        .arrived(move || lines(&bucket, &prefix))
        .rejects("{\"number\":")
        .refuses("s3.bucket", "a b", "expected the name of a bucket")
        .refuses("s3.key.template", "{topic}", "objects would replace each other")
        .refuses("s3.key.timezone", "Mars", "s3.key.timezone: expected UTC or an offset")
        .refuses("s3.format", "avro", "s3.format: expected one of json, parquet, lines")
        .refuses("aws.profile", "x", "either a profile or an access key")
        .run();
}

#[test]
fn files_keep_the_contract() {
    let bucket = bucket(&format!("contract-{}", std::process::id()));
    let rows = |from: u32| {
        (from..from + 25_000).fold(String::new(), |mut text, number| {
            writeln!(text, "{number},{}", "x".repeat(100)).unwrap();
            text
        })
    };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(format!("id,text\n{}", rows(0)).as_bytes()).unwrap();
    bucket.put("a.csv.gz", &packed.finish().unwrap());
    bucket.put("b.txt", rows(25_000).as_bytes());
    // Of the lanes of the other two: their bounds have several files.
    for key in ["a-55.txt", "a-64.txt"] {
        bucket.put(key, format!("{key} 1\n{key} 2\n").as_bytes());
    }
    Battery::source(testkit::library("penstock-aws"))
        .config(access(&bucket.url, (ADMIN, ADMIN_SECRET)))
        .class("S3Source")
        .setting("s3.bucket", &bucket.name)
        .records(24_000)
        .refuses("s3.bucket", "a/b", "expected the name of a bucket")
        .refuses("s3.bucket", "nowhere-to-be-found", "there is no such bucket")
        .refuses("s3.glob", "a[", "s3.glob: ")
        .refuses("s3.format", "xml", "s3.format: expected one of auto, json, lines, csv, tsv, avro, parquet")
        .refuses("s3.csv.delimiter", "ab", "s3.csv.delimiter: expected one character")
        .refuses("s3.sqs.queue.url", "https://sqs.eu-west-1.amazonaws.com/1/q", "expected s3.mode=continuous")
        .refuses("aws.access.key.id", "nobody", "there are no valid credentials, by access key nobody")
        .run();
}
