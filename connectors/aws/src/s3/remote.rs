//! A large file of Parquet, of which only the row group that is read is held, or of a large group a window of each column.
use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::feed::{Feeder, wait};
use super::read::Store;
use crate::access::Failure;
use crate::bucket::{Bucket, Object};

#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    handle: Handle,
    bucket: Bucket,
    object: Arc<Object>,
    bytes_max: usize,
    _room: OwnedSemaphorePermit,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// What is there, the oldest first, each with the byte at which it begins.
    windows: VecDeque<(u64, Bytes)>,
    bytes: usize,
    /// What was asked for ahead.
    coming: Vec<Coming>,
    /// How much is fetched where something is missing.
    window: u64,
    failure: Option<Failure>,
}

struct Coming {
    start: u64,
    piece: JoinHandle<Result<Bytes, Failure>>,
}

impl Remote {
    pub fn new(feeder: &Feeder, object: &Arc<Object>, room: OwnedSemaphorePermit) -> Self {
        let remote = Self(Arc::new(Inner {
            handle: feeder.handle.clone(),
            bucket: feeder.bucket.clone(),
            object: Arc::clone(object),
            bytes_max: feeder.half(),
            _room: room,
            held: Mutex::new(Held { window: TAIL_BYTES, ..Held::default() }),
        }));
        // What a file of Parquet says of itself stands at its end.
        let tail = object.size.saturating_sub(TAIL_BYTES);
        remote.ask(&mut remote.held(), &[(tail, object.size)]);
        remote.arrive();
        remote
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for spans ahead, in parts that come side by side.
    fn ask(&self, held: &mut Held, spans: &[(u64, u64)]) {
        let lanes = Arc::new(Semaphore::new(SIDE_BY_SIDE));
        for (start, end) in spans {
            let mut at = *start;
            while at < *end {
                let part = (at, (at + PIECE_BYTES).min(*end));
                let (bucket, object, lanes) =
                    (self.0.bucket.clone(), Arc::clone(&self.0.object), Arc::clone(&lanes));
                let piece = self.0.handle.spawn(async move {
                    let _lane = lanes.acquire_owned().await;
                    bucket.range(&object.key, part, Some(&object.etag)).await
                });
                held.coming.push(Coming { start: at, piece });
                at = part.1;
            }
        }
    }

    /// Waits for all that was asked for.
    fn arrive(&self) {
        let coming = std::mem::take(&mut self.held().coming);
        for Coming { start, piece } in coming {
            let found = wait(&self.0.handle, piece);
            let mut held = self.held();
            match found {
                Ok(bytes) => held.add(start, bytes),
                Err(failure) => held.failure = Some(failure),
            }
        }
    }

    /// Bytes from `at` on, as many as are there together; fetched if there are none.
    fn at(&self, at: u64, wanted: usize) -> Result<Bytes, ParquetError> {
        let size = self.0.object.size;
        if at >= size {
            return Err(ParquetError::EOF(format!("byte {at} of {size}")));
        }
        let window = {
            let held = self.held();
            if let Some(found) = held.find(at) {
                return Ok(found);
            }
            held.window
        };
        let end = at.saturating_add(window.max(wanted as u64)).min(size);
        let (bucket, object) = (self.0.bucket.clone(), Arc::clone(&self.0.object));
        let piece = self
            .0
            .handle
            .spawn(async move { bucket.range(&object.key, (at, end), Some(&object.etag)).await });
        let found = wait(&self.0.handle, piece);
        let mut held = self.held();
        match found {
            Ok(bytes) => {
                while held.bytes + bytes.len() > self.0.bytes_max && held.drop_oldest() {}
                held.add(at, bytes.clone());
                Ok(bytes)
            }
            Err(failure) => {
                let reason = failure.reason.clone();
                held.failure = Some(failure);
                Err(ParquetError::General(reason))
            }
        }
    }
}

impl Held {
    fn add(&mut self, start: u64, bytes: Bytes) {
        self.bytes += bytes.len();
        self.windows.push_back((start, bytes));
    }

    fn drop_oldest(&mut self) -> bool {
        let oldest = self.windows.pop_front();
        self.bytes -= oldest.as_ref().map_or(0, |(_, bytes)| bytes.len());
        oldest.is_some()
    }

    fn find(&self, at: u64) -> Option<Bytes> {
        let is_there = |(start, bytes): &&(u64, Bytes)| (*start..start + bytes.len() as u64).contains(&at);
        self.windows.iter().rev().find(is_there).map(|(start, bytes)| bytes.slice((at - start) as usize..))
    }
}

impl Store for Remote {
    fn expect(&self, now: &[(u64, u64)], next: &[(u64, u64)]) {
        let size =
            |spans: &[(u64, u64)]| spans.iter().map(|(start, end)| end.saturating_sub(*start)).sum::<u64>();
        let (now, next) = (spans(now, self.0.object.size), spans(next, self.0.object.size));
        let room = self.0.bytes_max as u64;
        self.arrive();
        let mut held = self.held();
        // The group before has been read.
        held.windows.retain(|(start, _)| now.iter().any(|(from, to)| (*from..*to).contains(start)));
        held.bytes = held.windows.iter().map(|(_, bytes)| bytes.len()).sum();
        held.window = (room / 2 / (now.len() as u64).max(1)).clamp(WINDOW_MIN, PIECE_BYTES);
        if size(&now) > room {
            return;
        }
        let missing: Vec<(u64, u64)> =
            now.iter().copied().filter(|(start, _)| held.find(*start).is_none()).collect();
        self.ask(&mut held, &missing);
        drop(held);
        self.arrive();
        if size(&now) + size(&next) <= room {
            self.ask(&mut self.held(), &next);
        }
    }

    fn failure(&self) -> Option<Failure> {
        self.held().failure.clone()
    }
}

/// Spans in order, those that touch as one.
fn spans(chunks: &[(u64, u64)], size: u64) -> Vec<(u64, u64)> {
    let mut sorted: Vec<(u64, u64)> =
        chunks.iter().map(|(start, end)| ((*start).min(size), (*end).min(size))).collect();
    sorted.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (start, end) in sorted {
        match joined.last_mut() {
            Some(last) if start <= last.1.saturating_add(GAP_BYTES) => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

impl Length for Remote {
    fn len(&self) -> u64 {
        self.0.object.size
    }
}

impl ChunkReader for Remote {
    type T = Reading;

    fn get_read(&self, start: u64) -> Result<Reading, ParquetError> {
        Ok(Reading { remote: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.saturating_add(length as u64) > self.0.object.size {
            return Err(ParquetError::EOF(format!("{length} bytes from {start} of {}", self.0.object.size)));
        }
        let first = self.at(start, length)?;
        if first.len() >= length {
            return Ok(first.slice(..length));
        }
        let mut whole = BytesMut::with_capacity(length);
        whole.extend_from_slice(&first);
        while whole.len() < length {
            let left = length - whole.len();
            let more = self.at(start + whole.len() as u64, left)?;
            whole.extend_from_slice(&more[..more.len().min(left)]);
        }
        Ok(whole.freeze())
    }
}

/// The file from one byte on.
pub struct Reading {
    remote: Remote,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at >= self.remote.0.object.size || buffer.is_empty() {
            return Ok(0);
        }
        let found = self.remote.at(self.at, buffer.len()).map_err(std::io::Error::other)?;
        let count = found.len().min(buffer.len());
        buffer[..count].copy_from_slice(&found[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

/// Enough for what most files say of themselves.
const TAIL_BYTES: u64 = 256 << 10;
const PIECE_BYTES: u64 = 4 << 20;
const WINDOW_MIN: u64 = 64 << 10;
/// Cheaper to fetch than another request.
const GAP_BYTES: u64 = 64 << 10;
const SIDE_BY_SIDE: usize = 6;
