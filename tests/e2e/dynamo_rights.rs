//! A right that is taken away from those that docs/dynamodb.md documents is named, with the line that a policy lacks.

use crate::dynamo_faults::{pipe, sample, trace, worker};
use crate::dynamo_service::{DynamoDb, Guarded, OF_CHANGES, OF_EXPORTS, documented};
use crate::rights::refused;
use penstock_tests::{Kinesis, unique};

/// All at the same time, each with a table of its own.
#[test]
fn each_right_that_is_missing_is_named() {
    let (kinesis, sample, stream) = (Kinesis::shared(), sample(), unique("rights"));
    kinesis.create(&stream, 1);
    sample.upload();
    let whole = documented(&sample, &kinesis, &stream);
    let mut worker = worker();
    let submit = |(_, action): (usize, String)| {
        let service = DynamoDb::start(&sample, &kinesis, &stream);
        let guarded = Guarded::new(&service, whole.clone().without(&[&action]));
        let name = unique("orders");
        let more = [
            ("source.kinesis.stream", stream.as_str()),
            ("source.dynamodb.snapshot", "initial"),
            ("source.dynamodb.export.path", ""),
            ("source.dynamodb.export.prefix", &sample.prefix),
            ("source.aws.kinesis.endpoint", &guarded.kinesis),
            ("source.aws.s3.endpoint", &guarded.s3),
        ];
        let config = pipe(&sample, &guarded.dynamodb, &worker.path(&name), &more);
        let told = refused(&worker, &name, &config);
        (action, name, told)
    };
    // Nothing asks for this one.
    let all = whole.rights().into_iter().filter(|(_, action)| action != "s3:ListBucket");
    for (action, name, told) in all.map(submit).collect::<Vec<_>>() {
        let told = told.unwrap_or_else(|| trace(&worker, &name));
        let line = format!(
            "a policy has to allow it, as {{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"arn:aws:"
        );
        assert!(told.contains(&line), "{action}: {told}");
    }
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn who_may_not_list_hears_that_access_is_denied_where_a_file_is_missing() {
    let (kinesis, sample, stream) = (Kinesis::shared(), sample(), unique("rights"));
    kinesis.create(&stream, 1);
    let service = DynamoDb::start(&sample, &kinesis, &stream);
    let whole = documented(&sample, &kinesis, &stream);
    let unneeded = [OF_EXPORTS.as_slice(), &OF_CHANGES, &["s3:ListBucket"]].concat();
    let guarded = Guarded::new(&service, whole.without(&unneeded));
    let (mut worker, name) = (worker(), unique("orders"));
    let through = [("source.aws.s3.endpoint", guarded.s3.as_str())];
    worker.submit(&name, &pipe(&sample, &guarded.dynamodb, &worker.path(&name), &through));
    let told = trace(&worker, &name);
    let line = format!("\"Action\":\"s3:ListBucket\",\"Resource\":\"arn:aws:s3:::{}\"", sample.bucket);
    assert!(told.contains("s3:GetObject is denied to access key penstock") && told.contains(&line), "{told}");
    worker.stop();
    kinesis.delete(&stream);
}
