//! Brings files ahead of their reading: parts side by side, in one order, and never more of them than there is room for.
use std::io::{BufRead, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::read::Missing;
use crate::access::Failure;
use crate::bucket::{Bucket, GET, Object};

/// The order in which files are wanted is the order in which room is given: nobody waits for room that is held for later.
pub struct Feeder {
    jobs: mpsc::UnboundedSender<Job>,
    pub handle: Handle,
    pub bucket: Bucket,
    bytes_max: usize,
}

enum Job {
    Stream { object: Arc<Object>, from: u64, pieces: mpsc::Sender<Piece> },
    Reserve { units: u32, room: oneshot::Sender<OwnedSemaphorePermit> },
}

type Piece = JoinHandle<Result<(Bytes, OwnedSemaphorePermit), Failure>>;

/// Room for a file that is read here and there.
pub struct Reserved(oneshot::Receiver<OwnedSemaphorePermit>);

impl Feeder {
    /// Runs on the runtime of the handle until this is dropped.
    pub fn start(handle: &Handle, bucket: &Bucket, bytes_max: usize) -> Self {
        let (jobs, receiver) = mpsc::unbounded_channel();
        let units = (bytes_max / UNIT).max(1);
        handle.spawn(conduct(receiver, bucket.clone(), Arc::new(Semaphore::new(units)), units));
        Self { jobs, handle: handle.clone(), bucket: bucket.clone(), bytes_max }
    }

    /// The file from a byte on.
    pub fn stream(&self, object: &Arc<Object>, from: u64) -> Pieces {
        let (pieces, receiver) = mpsc::channel(SIDE_BY_SIDE);
        let from = from.min(object.size);
        // Without its other end the runtime has ended, and the pieces say so.
        let _ = self.jobs.send(Job::Stream { object: Arc::clone(object), from, pieces });
        Pieces {
            handle: self.handle.clone(),
            receiver,
            now: Bytes::new(),
            room: None,
            left: object.size - from,
            read: Arc::new(AtomicU64::new(from)),
            lost: Arc::default(),
        }
    }

    /// Half of all the room there is.
    pub fn reserve(&self) -> Reserved {
        let (room, receiver) = oneshot::channel();
        let units = u32::try_from(self.half() / UNIT).unwrap_or(u32::MAX).max(1);
        let _ = self.jobs.send(Job::Reserve { units, room });
        Reserved(receiver)
    }

    pub fn half(&self) -> usize {
        self.bytes_max / 2
    }

    /// A few bytes at once, out of turn.
    pub fn fetch(&self, object: &Object, range: (u64, u64)) -> Result<Bytes, Failure> {
        let (bucket, object) = (self.bucket.clone(), object.clone());
        let fetched = self.handle.spawn(async move {
            bucket.range(&object.key, (range.0, range.1.min(object.size)), Some(&object.etag)).await
        });
        wait(&self.handle, fetched)
    }
}

impl Reserved {
    pub fn wait(self, handle: &Handle) -> Result<OwnedSemaphorePermit, Failure> {
        handle.block_on(self.0).map_err(|_| stopped())
    }
}

/// Waits for what runs on the runtime, so that the end of the runtime ends the waiting.
pub fn wait<T>(handle: &Handle, task: JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    handle.block_on(task).unwrap_or_else(|_| Err(stopped()))
}

fn stopped() -> Failure {
    Failure::transient(GET, "the task ends")
}

async fn conduct(
    mut jobs: mpsc::UnboundedReceiver<Job>,
    bucket: Bucket,
    room: Arc<Semaphore>,
    units_max: usize,
) {
    while let Some(job) = jobs.recv().await {
        match job {
            Job::Reserve { units, room: answer } => {
                let units = units.min(u32::try_from(units_max).unwrap_or(u32::MAX));
                if let Ok(permit) = Arc::clone(&room).acquire_many_owned(units).await {
                    // Whoever asked may be gone.
                    let _ = answer.send(permit);
                }
            }
            Job::Stream { object, from, pieces } => {
                let mut at = from;
                while at < object.size {
                    let end = (at + PIECE_BYTES).min(object.size);
                    let units = (((end - at) as usize).div_ceil(UNIT)).clamp(1, units_max);
                    let units = u32::try_from(units).unwrap_or(u32::MAX);
                    let Ok(permit) = Arc::clone(&room).acquire_many_owned(units).await else { return };
                    let (bucket, object) = (bucket.clone(), Arc::clone(&object));
                    let piece = tokio::spawn(async move {
                        let bytes = bucket.range(&object.key, (at, end), Some(&object.etag)).await?;
                        Ok((bytes, permit))
                    });
                    if let Err(unwanted) = pieces.send(piece).await {
                        unwanted.0.abort();
                        break;
                    }
                    at = end;
                }
            }
        }
    }
}

/// A file's bytes in order.
pub struct Pieces {
    handle: Handle,
    receiver: mpsc::Receiver<Piece>,
    now: Bytes,
    room: Option<OwnedSemaphorePermit>,
    left: u64,
    read: Arc<AtomicU64>,
    lost: Lost,
}

/// Why bytes did not come. Readers in between may tell it in words of their own.
pub type Lost = Arc<Mutex<Option<Failure>>>;

impl Pieces {
    /// How much of the file has been read.
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    pub fn lost(&self) -> Lost {
        Arc::clone(&self.lost)
    }

    /// All that is left, if it is a whole file that shall be held.
    pub fn whole(mut self) -> std::io::Result<Bytes> {
        let mut bytes = Vec::with_capacity(self.left as usize);
        self.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn advance(&mut self) -> Result<(), Failure> {
        self.room = None;
        let piece = self.handle.block_on(self.receiver.recv()).ok_or_else(stopped)?;
        let (bytes, room) = wait(&self.handle, piece)?;
        self.left = self.left.saturating_sub(bytes.len() as u64);
        (self.now, self.room) = (bytes, Some(room));
        Ok(())
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while self.now.is_empty() && self.left > 0 {
            if let Err(failure) = self.advance() {
                self.lost.lock().unwrap_or_else(PoisonError::into_inner).replace(failure.clone());
                return Err(std::io::Error::other(Missing(failure)));
            }
        }
        Ok(&self.now)
    }

    fn consume(&mut self, count: usize) {
        self.now.advance(count.min(self.now.len()));
        self.read.fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// Room is dealt out in kilobytes.
const UNIT: usize = 1024;
const PIECE_BYTES: u64 = 4 << 20;
/// Parts of one file that are on their way or ready.
const SIDE_BY_SIDE: usize = 6;
