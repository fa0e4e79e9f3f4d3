//! What readers of shards bring to the task's thread, and how much of it there may be.
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use aws_sdk_kinesis::types::Record;
use penstock_sdk::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::lineage::Shard;
use super::position::Start;
use super::replay::Until;

/// What comes.
pub enum News {
    Chunk(Chunk),
    /// Nothing more is to be expected.
    Failed(Error),
}

/// Records of one shard, in order.
pub struct Chunk {
    pub shard: Arc<Shard>,
    pub records: Vec<Record>,
    /// Where the shard began, when nothing had been stored of it and that is no fixed place: it becomes one.
    pub begun: Option<Start>,
    /// Only records from this time on are wanted.
    pub since_ms: Option<i64>,
    /// The part of a record up to which its parts were given before.
    pub given: Option<(String, u64)>,
    /// The last record that is wanted is the last one here: up to this part of it, or all of it.
    pub until: Option<Until>,
    /// The shard has no more records.
    pub is_end: bool,
    /// Memory that it takes of the task's.
    pub _room: Option<OwnedSemaphorePermit>,
}

impl Chunk {
    pub fn of(shard: &Arc<Shard>) -> Self {
        Self {
            shard: Arc::clone(shard),
            records: Vec::new(),
            begun: None,
            since_ms: None,
            given: None,
            until: None,
            is_end: false,
            _room: None,
        }
    }
}

/// The readers' end.
#[derive(Clone)]
pub struct Feed {
    sender: Sender<News>,
    room: Arc<Semaphore>,
    units_max: usize,
}

impl Feed {
    pub fn new(bytes_max: usize) -> (Self, Receiver<News>) {
        let (sender, receiver) = channel();
        let units_max = (bytes_max / UNIT).max(1);
        (Self { sender, room: Arc::new(Semaphore::new(units_max)), units_max }, receiver)
    }

    /// Waits until so many bytes may be held. More than there are altogether are all there are.
    pub async fn room(&self, bytes: usize) -> OwnedSemaphorePermit {
        let units = bytes.div_ceil(UNIT).clamp(1, self.units_max);
        match Arc::clone(&self.room).acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX)).await {
            Ok(permit) => permit,
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// Makes room that was taken for an answer fit the answer.
    pub async fn fit(&self, mut room: OwnedSemaphorePermit, bytes: usize) -> OwnedSemaphorePermit {
        let units = bytes.div_ceil(UNIT).clamp(1, self.units_max);
        let held = room.num_permits();
        if units < held {
            drop(room.split(held - units));
        } else if units > held {
            // Given back first: two that wait for each other would wait for ever.
            drop(room);
            room = self.room(bytes).await;
        }
        room
    }

    pub fn send(&self, news: News) {
        // Without a receiver the task is gone, and its readers in a moment as well.
        let _ = self.sender.send(news);
    }
}

/// Bytes of records: what they take in memory, roughly.
pub fn bytes_of(records: &[Record]) -> usize {
    records.iter().map(|record| record.data.as_ref().len() + record.partition_key.len() + RECORD_BYTES).sum()
}

/// Waits for news, at most `time`. `None` when there are none.
pub fn next(receiver: &Receiver<News>, time: Duration) -> Option<News> {
    match receiver.recv_timeout(time) {
        Ok(news) => Some(news),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => {
            Some(News::Failed(Error::fatal("the readers of the shards have ended")))
        }
    }
}

/// Room is dealt out in kilobytes.
const UNIT: usize = 1024;
/// Beside its data: numbers, times, allocations.
const RECORD_BYTES: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_held_stays_below_its_bound() {
        let (feed, _receiver) = Feed::new(100 * UNIT);
        let most = feed.room(usize::MAX).await;
        assert_eq!(most.num_permits(), 100);
        let late = tokio::time::timeout(Duration::from_millis(5), feed.room(1));
        assert!(late.await.is_err(), "there is no room");
        let most = feed.fit(most, 30 * UNIT).await;
        let other = feed.room(70 * UNIT).await;
        let grows = feed.fit(most, 31 * UNIT);
        tokio::pin!(grows);
        assert!(tokio::time::timeout(Duration::from_millis(5), &mut grows).await.is_err());
        drop(other);
        assert_eq!(grows.await.num_permits(), 31);
        assert_eq!(feed.room(usize::MAX).await.num_permits(), 100);
    }
}
