//! What failed requests for a bucket mean for a task.
use penstock_sdk::Error;

use super::{Bucket, LIST};
use crate::access::{self, Cause, Failure};

impl Bucket {
    /// The failure for a person, with the bucket, the action and who asked.
    pub fn error(&self, failure: &Failure) -> Error {
        self.told(failure, "*")
    }

    /// The same for one object.
    pub fn error_at(&self, key: &str, failure: &Failure) -> Error {
        self.told(failure, key).within(format!("s3://{}/{key}", self.name()))
    }

    fn told(&self, failure: &Failure, key: &str) -> Error {
        let Failure { cause, action, reason } = failure;
        let (bucket, access) = (self.name(), self.sender.access());
        match cause {
            Cause::Missing => Error::config(format!(
                "bucket {bucket}: there is no such bucket for {} in region {}: {action}: {reason}",
                access.who(),
                self.sender.region()
            )),
            Cause::Gone => Error::fatal(format!("bucket {bucket}: the object is gone: {action}: {reason}")),
            Cause::Changed => Error::fatal(format!(
                "bucket {bucket}: the object was replaced by another one meanwhile: {action}: {reason}"
            )),
            _ => {
                let own = format!("arn:{}:s3:::{bucket}", access::partition(&self.sender.region()));
                let resource = if *action == LIST { own } else { format!("{own}/{key}") };
                access.verdict(failure, &format!("bucket {bucket}"), &resource)
            }
        }
    }
}
