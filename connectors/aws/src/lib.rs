//! Connectors for Amazon Web Services, and how all of them reach their services.
mod access;
mod bucket;
mod call;
mod dynamo;
#[cfg(fuzzing)]
pub mod fuzzing;
mod kinesis;
mod quote;
mod s3;
mod s3_sink;
mod sink;

penstock_sdk::export!(
    sources: [dynamo::DynamoDb, kinesis::KinesisSource, s3::S3Source],
    sinks: [kinesis::KinesisSink, s3_sink::S3Sink]
);

#[cfg(test)]
mod tests {
    use penstock_sdk::{About, Sink, Source};

    use super::*;

    fn check(about: &About) {
        let told = format!("{about:?}");
        let settings: Vec<&str> = told.split("Setting { ").skip(1).collect();
        assert!(!settings.is_empty(), "{told}");
        let mut names = std::collections::HashSet::new();
        for setting in settings {
            assert!(setting.contains("group: Some("), "{setting}");
            assert!(names.insert(setting.split('"').nth(1)), "{setting}");
        }
    }

    #[test]
    fn every_setting_is_in_a_group_and_declared_once() {
        check(&dynamo::DynamoDb::about());
        check(&kinesis::KinesisSource::about());
        check(&s3::S3Source::about());
        check(&kinesis::KinesisSink::about());
        check(&s3_sink::S3Sink::about());
    }
}
