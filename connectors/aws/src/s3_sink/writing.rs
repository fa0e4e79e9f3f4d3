//! Brings the objects of a batch into the bucket: small ones side by side, large ones in parts as they grow.
use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use penstock_sdk::{Error, Record, Result, Task};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::encode::Encoder;
use super::settings::Settings;
use super::sort::Object;
use crate::access::Failure;
use crate::bucket::{Bucket, Upload};

/// Writes one batch.
pub struct Writing<'a> {
    pub task: &'a Task,
    pub settings: &'a Settings,
    pub bucket: &'a Bucket,
    /// Nothing may be sent when another worker has taken over.
    pub asks_leave: bool,
    /// Keys of objects of this batch that are there.
    pub done: &'a mut HashSet<String>,
    /// An object in parts, while it grows.
    pub open: Option<Upload>,
}

/// An object that is on its way.
type Flight = (String, usize, Result<String, Failure>);

impl Writing<'_> {
    /// Comes back when all objects are there. A stop leaves nothing half written behind.
    pub async fn run(mut self, objects: &[(String, &Object)], records: &[Record<'_>]) -> Result<()> {
        let task = self.task.clone();
        let outcome = tokio::select! {
            outcome = self.write(objects, records) => outcome,
            () = stopped(&task) => Err(Error::retry("stopped before all objects of the batch were written")),
        };
        if let Some(upload) = self.open.take() {
            let _ = timeout(ABORT_PATIENCE, upload.abort()).await;
        }
        outcome
    }

    async fn write(&mut self, objects: &[(String, &Object)], records: &[Record<'_>]) -> Result<()> {
        let mut flights = JoinSet::<Flight>::new();
        for (key, object) in objects {
            if self.done.contains(key) {
                continue;
            }
            while flights.len() >= self.settings.uploads_max {
                self.landed(&mut flights).await?;
            }
            let Some(data) = self.object(key, object, records).await? else { continue };
            self.ask_leave()?;
            let (bucket, key) = (self.bucket.clone(), key.clone());
            flights.spawn(async move {
                let size = data.len();
                let put = bucket.put(&key, data).await;
                (key, size, put)
            });
        }
        while !flights.is_empty() {
            self.landed(&mut flights).await?;
        }
        Ok(())
    }

    /// The bytes of a small object, or nothing when it was large and is there.
    async fn object(&mut self, key: &str, object: &Object, records: &[Record<'_>]) -> Result<Option<Bytes>> {
        let broken = |reason: String| Error::fatal(format!("s3://{}/{key}: {reason}", self.bucket.name()));
        let mut encoder = Encoder::new(object, self.settings).map_err(broken)?;
        let mut size = 0;
        for index in &object.records {
            encoder.push(&records[*index]).map_err(broken)?;
            let out = encoder.out();
            if out.len() >= PART_BYTES {
                size += out.len();
                let piece = std::mem::take(out);
                self.part(key, &piece).await.map_err(|failure| self.bucket.error_at(key, &failure))?;
            }
        }
        let rest = encoder.finish().map_err(broken)?;
        let Some(upload) = &mut self.open else { return Ok(Some(rest.into())) };
        size += rest.len();
        let written = upload.write(&rest).await;
        written.map_err(|failure| self.bucket.error_at(key, &failure))?;
        self.ask_leave()?;
        if let Some(upload) = self.open.take() {
            upload.finish().await.map_err(|failure| self.bucket.error_at(key, &failure))?;
        }
        self.note(key.to_owned(), size);
        Ok(None)
    }

    async fn part(&mut self, key: &str, piece: &[u8]) -> Result<(), Failure> {
        if self.open.is_none() {
            self.open = Some(self.bucket.upload(key).await?);
        }
        match &mut self.open {
            Some(upload) => upload.write(piece).await,
            None => Ok(()),
        }
    }

    async fn landed(&mut self, flights: &mut JoinSet<Flight>) -> Result<()> {
        match flights.join_next().await {
            Some(Ok((key, size, Ok(_)))) => self.note(key, size),
            Some(Ok((key, _, Err(failure)))) => return Err(self.bucket.error_at(&key, &failure)),
            Some(Err(error)) => return Err(Error::fatal(format!("writing an object: {error}"))),
            None => {}
        }
        Ok(())
    }

    fn note(&mut self, key: String, size: usize) {
        self.task.count("objects_written", 1);
        self.task.count("bytes_written", size as u64);
        self.done.insert(key);
    }

    fn ask_leave(&self) -> Result<()> {
        if self.asks_leave && !self.task.may_write() {
            return Err(Error::retry("not sent: another worker may have taken this task over"));
        }
        Ok(())
    }
}

/// A moment after the task was told to end: what is nearly there may arrive.
async fn stopped(task: &Task) {
    let mut since: Option<Instant> = None;
    while since.is_none_or(|since| since.elapsed() < STOP_PATIENCE) {
        if since.is_none() && task.wait(Duration::ZERO) {
            since = Some(Instant::now());
        }
        tokio::time::sleep(TICK).await;
    }
}

/// As much as an upload sends at once.
const PART_BYTES: usize = 8 << 20;
const TICK: Duration = Duration::from_millis(100);
const STOP_PATIENCE: Duration = Duration::from_millis(500);
const ABORT_PATIENCE: Duration = Duration::from_millis(400);
