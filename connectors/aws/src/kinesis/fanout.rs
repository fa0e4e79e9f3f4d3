//! Has records of a shard sent: subscriptions follow each other without a gap.
use std::time::{Duration, Instant};

use aws_sdk_kinesis::types::{SubscribeToShardEvent, SubscribeToShardEventStream};

use crate::access::{Cause, Failure};

use super::feed::bytes_of;
use super::position::Start;
use super::reader::Reader;
use super::stream::{SUBSCRIBE, Subscription};

/// How a subscription ended.
enum Outcome {
    /// There is more to come: another one is needed.
    More,
    /// The shard has no more records.
    End,
}

/// Reads a shard to its end. An error is one that waiting does not mend.
pub async fn follow(reader: &mut Reader, consumer: &str) -> Result<(), Failure> {
    let mut subscribed: Option<Instant> = None;
    reader.announce();
    loop {
        let outcome = match reader.around.stream.subscribe(consumer, &reader.shard.id, &reader.at).await {
            Ok(subscription) => {
                if subscribed.replace(Instant::now()).is_some() {
                    reader.around.task.count("subscription_renewals", 1);
                }
                receive(reader, subscription).await
            }
            Err(failure) => Err(failure),
        };
        reader.hold_place();
        match outcome {
            // One that ends at once is not asked for without a pause.
            Ok(Outcome::More) if subscribed.is_some_and(|at| at.elapsed() < PAUSE_MIN) => {
                tokio::time::sleep(PAUSE_MIN).await;
            }
            Ok(Outcome::More) => {}
            Ok(Outcome::End) => {
                reader.end();
                return Ok(());
            }
            // The one before is still known; the same reader may have it anew five seconds after it asked for it.
            Err(failure) if failure.cause == Cause::InUse => {
                reader.suffer(failure)?;
                let rest =
                    subscribed.map_or(TAKEOVER_AFTER, |at| TAKEOVER_AFTER.saturating_sub(at.elapsed()));
                tokio::time::sleep(rest + PAUSE_MIN.mul_f64(1.0 + fastrand::f64())).await;
            }
            Err(failure) => {
                let wait = reader.suffer(failure)?.max(PAUSE_MIN);
                tokio::time::sleep(wait).await;
            }
        }
    }
}

async fn receive(reader: &mut Reader, mut subscription: Subscription) -> Result<Outcome, Failure> {
    // Not all at the same time, and before the five minutes are over.
    let age_max = AGE_MAX.mul_f64(1.0 - fastrand::f64() / 10.0);
    let began = Instant::now();
    while began.elapsed() < age_max {
        // Events come every few seconds, if without records.
        let event = tokio::time::timeout(SILENCE_MAX, subscription.events.event_stream.recv()).await;
        let event = event.map_err(|_| Failure::transient(SUBSCRIBE, "nothing came for a while"))?;
        match event.map_err(|error| Failure::of_stream(SUBSCRIBE, &error))? {
            Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) => {
                if take(reader, event).await? {
                    return Ok(Outcome::End);
                }
            }
            Some(_) => {}
            None => return Ok(Outcome::More),
        }
    }
    Ok(Outcome::More)
}

/// True at the end of the shard.
async fn take(reader: &mut Reader, event: SubscribeToShardEvent) -> Result<bool, Failure> {
    let room = reader.around.feed.room(bytes_of(&event.records)).await;
    let is_end = event.continuation_sequence_number.is_empty() || !event.child_shards().is_empty();
    reader.around.health.fine(&reader.shard.id, event.millis_behind_latest);
    reader.bring(event.records, room).await?;
    // It moves on without records too.
    if !event.continuation_sequence_number.is_empty() {
        reader.at = Start::Behind { sequence: event.continuation_sequence_number, part: None };
    }
    Ok(is_end)
}

const AGE_MAX: Duration = Duration::from_secs(290);
const SILENCE_MAX: Duration = Duration::from_secs(30);
const TAKEOVER_AFTER: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_millis(200);
