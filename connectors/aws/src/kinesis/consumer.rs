//! The registered consumer of enhanced fan-out: found, registered, removed.
use std::time::Duration;

use aws_sdk_kinesis::types::ConsumerStatus;

use crate::access::{Cause, Failure};

use super::stream::{DESCRIBE_CONSUMER, Stream};

/// Registers the consumer where that has not happened, and waits until it may be used; the answer is its ARN. The tasks
/// of a connector do so at the same time.
pub async fn ensure(stream: &Stream, name: &str) -> Result<String, Failure> {
    let arn = stream.arn().await?;
    for _ in 0..LOOKS_MAX {
        match stream.consumer(&arn, name).await? {
            Some(found) if found.status == Some(ConsumerStatus::Active) => return Ok(found.arn),
            // It is being made, or removed.
            Some(_) => {}
            None => match stream.register(&arn, name).await {
                Ok(()) => {}
                Err(failure) if failure.cause == Cause::InUse => {}
                Err(failure) => return Err(failure),
            },
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Failure::transient(DESCRIBE_CONSUMER, format!("consumer {name} is not active yet")))
}

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Then it is told, and looked for again.
const LOOKS_MAX: u32 = 60;
