//! Connectors for Amazon Web Services, and how all of them reach their services.
mod access;
mod bucket;
mod call;
mod dynamo;
#[cfg(fuzzing)]
pub mod fuzzing;
mod kinesis;
mod s3;
mod s3_sink;

penstock_sdk::export!(
    sources: [dynamo::DynamoDb, kinesis::KinesisSource, s3::S3Source],
    sinks: [kinesis::KinesisSink, s3_sink::S3Sink]
);
