//! Asks a shard for records, at most five times a second.
use std::time::{Duration, Instant};

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;

use crate::access::{Cause, Failure};

use super::feed::bytes_of;
use super::pace::Pace;
use super::reader::Reader;

/// Reads a shard to its end. An error is one that waiting does not mend.
pub async fn follow(reader: &mut Reader) -> Result<(), Failure> {
    let settings = &reader.around.settings;
    let mut pace = Pace::new(settings.fetch_interval, settings.fetch_idle);
    let (mut iterator, mut size) = (None, Size::default());
    let mut wait = pace.pause();
    reader.announce();
    loop {
        tokio::time::sleep(wait).await;
        let room = reader.around.feed.room(size.expected()).await;
        let answer = match fetch(reader, &mut iterator).await {
            Ok(answer) => answer,
            Err(failure) => {
                drop(room);
                if failure.cause == Cause::Expired {
                    iterator = None;
                }
                if iterator.is_none() {
                    reader.hold_place();
                }
                wait = reader.suffer(failure)?.max(pace.pause());
                continue;
            }
        };
        // From here on, the server has had this request for certain: the next reaches it that much later, whatever the way.
        let answered = Instant::now();
        let lag_ms = answer.millis_behind_latest.unwrap_or(0);
        size.seen(bytes_of(&answer.records), lag_ms == 0);
        pace.answered(answer.records.is_empty() && lag_ms == 0);
        reader.around.health.fine(&reader.shard.id, lag_ms);
        let is_last = answer.records.is_empty() && lag_ms == 0;
        if reader.bring(answer.records, room).await? {
            return Ok(());
        }
        iterator = answer.next_shard_iterator.filter(|next| !next.is_empty());
        if let Some(until) = reader.until.as_ref().filter(|_| is_last || iterator.is_none()) {
            return Err(until.lost("there is nothing behind"));
        }
        if iterator.is_none() {
            reader.end();
            return Ok(());
        }
        wait = pace.pause().saturating_sub(answered.elapsed());
    }
}

async fn fetch(reader: &Reader, iterator: &mut Option<String>) -> Result<GetRecordsOutput, Failure> {
    let stream = &reader.around.stream;
    let at = match iterator {
        Some(at) => at,
        None => iterator.insert(stream.iterator(&reader.shard.id, &reader.at).await?),
    };
    stream.records(at).await
}

/// How much the next answer may bring: room is made before it is asked for.
#[derive(Debug, Default)]
struct Size {
    /// The last answer, of a shard that was read up to now.
    caught_up: Option<(usize, Instant)>,
}

impl Size {
    fn seen(&mut self, bytes: usize, is_caught_up: bool) {
        self.caught_up = is_caught_up.then(|| (bytes, Instant::now()));
    }

    fn expected(&self) -> usize {
        self.caught_up.map_or(ANSWER_MAX, |(bytes, at)| expected(bytes, at.elapsed()))
    }
}

/// A shard takes a megabyte a second at most; what an answer brings beyond the guess is made room for afterwards.
fn expected(last: usize, since: Duration) -> usize {
    let grown = (since.as_secs_f64() * f64::from(SHARD_BYTES_PER_SECOND)) as usize;
    (last * 2).max(ANSWER_MIN).min(grown.max(ANSWER_MIN)).min(ANSWER_MAX)
}

const ANSWER_MAX: usize = 10 << 20;
const ANSWER_MIN: usize = 64 << 10;
const SHARD_BYTES_PER_SECOND: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_the_most_until_a_shard_is_read_up_to_now() {
        let mut size = Size::default();
        assert_eq!(size.expected(), ANSWER_MAX);
        size.seen(500, true);
        assert_eq!(size.expected(), ANSWER_MIN);
        size.seen(500, false);
        assert_eq!(size.expected(), ANSWER_MAX);
        assert_eq!(expected(1 << 20, Duration::from_millis(500)), 1 << 19);
        assert_eq!(expected(1 << 30, Duration::from_secs(1000)), ANSWER_MAX);
    }
}
