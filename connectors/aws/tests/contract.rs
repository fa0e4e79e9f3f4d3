//! The contract battery over the built library, against an emulator of Kinesis.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Credentials;
use aws_sdk_kinesis::operation::put_record::PutRecordError;
use aws_sdk_kinesis::primitives::Blob;
use testkit::{Battery, SourceBattery};
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
        stream.runtime.spawn(fill(stream.client.clone(), stream.name.clone()));
        stream
    }

    fn battery(&self) -> SourceBattery {
        Battery::source(testkit::library("penstock-aws"))
            .class("KinesisSource")
            .setting("kinesis.stream", &self.name)
            .setting("aws.endpoint", &self.url)
            .setting("aws.region", "us-east-1")
            .setting("aws.access.key.id", "test")
            .setting("aws.secret.access.key", "hush")
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let deleted = self.client.delete_stream().stream_name(&self.name).enforce_consumer_deletion(true);
        self.runtime.block_on(deleted.send()).unwrap();
    }
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
