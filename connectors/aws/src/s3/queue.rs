//! Files that a queue of SQS tells of: a message is deleted when all records of its files are stored.
mod event;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use penstock_sdk::{Error, Level, Result, Task};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use super::lister::{File, Item, Origin};
use super::progress::Progress;
use super::read::Place;
use super::settings::{Queue, Settings};
use crate::access::{Access, Cause, Failure};
use crate::bucket::{Bucket, Object};
use crate::call::{Protocol, Service};

/// Messages whose files are being read, and those that may be deleted: between the task's thread, which hears what is
/// stored, and what talks with the queue.
#[derive(Default)]
pub struct Open(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Files so far; they are read, and stored, in this order.
    files: u64,
    /// By the number of a message's last file.
    held: BTreeMap<u64, Held>,
    stored: Vec<String>,
    /// Others may have them.
    returned: Vec<String>,
}

struct Held {
    receipt: String,
    /// When it comes again unless more time is asked for.
    until: Instant,
}

impl Open {
    /// Takes a message with so many files. Answers the number of the first.
    fn add(&self, receipt: String, files: usize, until: Instant) -> u64 {
        let mut inner = self.inner();
        let first = inner.files + 1;
        inner.files += files as u64;
        let last = inner.files;
        inner.held.insert(last, Held { receipt, until });
        first
    }

    /// All files up to this one are stored.
    pub fn stored(&self, file: u64) {
        let mut inner = self.inner();
        let open = inner.held.split_off(&(file + 1));
        let done = std::mem::replace(&mut inner.held, open);
        inner.stored.extend(done.into_values().map(|held| held.receipt));
    }

    /// Reading begins anew: what was received and not stored is for whoever asks next.
    pub fn give_back(&self) {
        let mut inner = self.inner();
        let held = std::mem::take(&mut inner.held);
        inner.returned.extend(held.into_values().map(|held| held.receipt));
    }

    /// Messages that need more time by then.
    fn due(&self, by: Instant) -> Vec<(u64, String)> {
        let inner = self.inner();
        inner
            .held
            .iter()
            .filter(|(_, held)| held.until < by)
            .map(|(at, held)| (*at, held.receipt.clone()))
            .collect()
    }

    fn extended(&self, last: u64, until: Instant) {
        if let Some(held) = self.inner().held.get_mut(&last) {
            held.until = until;
        }
    }

    fn take_stored(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().stored)
    }

    fn take_returned(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().returned)
    }

    fn count(&self) -> usize {
        self.inner().held.len()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Follower {
    pub bucket: Bucket,
    pub settings: Arc<Settings>,
    pub queue: Queue,
    pub open: Arc<Open>,
    pub task: Task,
    pub progress: Arc<Progress>,
    pub items: Sender<Item>,
}

impl Follower {
    pub async fn run(self) {
        let Err(error) = self.follow().await else { return };
        // Without a receiver the task ends.
        let _ = self.items.send(Item::Failed(error)).await;
    }

    async fn follow(&self) -> Result<()> {
        let service = self.service().await?;
        loop {
            self.look_after(&service).await?;
            // What waits is not made invisible for others.
            if self.open.count() >= MESSAGES_MAX || self.items.capacity() < FILES_ROOM {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let until = Instant::now() + self.queue.visibility;
            for message in self.receive(&service).await? {
                self.message(&service, &message, until).await?;
            }
        }
    }

    async fn service(&self) -> Result<Service> {
        let (origin, region) = event::place(&self.queue.url);
        let mut access: Access = self.settings.access.clone();
        access.endpoint = Some(origin);
        access.region = region.or(access.region);
        Service::open(&access, SQS).await
    }

    /// Deletes what is stored, and asks for more time for what is not.
    async fn look_after(&self, service: &Service) -> Result<()> {
        for receipt in self.open.take_stored() {
            let body = json!({ "QueueUrl": self.queue.url, "ReceiptHandle": receipt });
            match service.call("sqs:DeleteMessage", &body).await {
                Ok(_) => self.task.count("messages_deleted", 1),
                // It comes again, and its file is read again.
                Err(failure) if service.is_passing(&failure) => self.told(&failure),
                Err(failure) => return Err(self.error(service, &failure)),
            }
        }
        for receipt in self.open.take_returned() {
            // It comes again by itself, if later.
            let _ = service.call(CHANGE, &self.visibility(&receipt, 0)).await;
        }
        let by = Instant::now() + self.queue.visibility / 2;
        for (number, receipt) in self.open.due(by) {
            let body = self.visibility(&receipt, self.queue.visibility.as_secs());
            match service.call(CHANGE, &body).await {
                Ok(_) => self.open.extended(number, Instant::now() + self.queue.visibility),
                Err(failure) if service.is_passing(&failure) => {}
                // Its time was over already.
                Err(failure) if failure.cause == Cause::Invalid => {
                    self.told(&failure);
                    self.open.extended(number, Instant::now() + self.queue.visibility);
                }
                Err(failure) => return Err(self.error(service, &failure)),
            }
        }
        Ok(())
    }

    fn visibility(&self, receipt: &str, seconds: u64) -> Value {
        json!({ "QueueUrl": self.queue.url, "ReceiptHandle": receipt, "VisibilityTimeout": seconds })
    }

    async fn receive(&self, service: &Service) -> Result<Vec<Value>> {
        let body = json!({
            "QueueUrl": self.queue.url,
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": WAIT_SECONDS,
            "VisibilityTimeout": self.queue.visibility.as_secs(),
        });
        match service.call("sqs:ReceiveMessage", &body).await {
            Ok(mut answer) => match answer["Messages"].take() {
                Value::Array(messages) => Ok(messages),
                _ => Ok(Vec::new()),
            },
            Err(failure) => Err(self.error(service, &failure)),
        }
    }

    async fn message(&self, service: &Service, message: &Value, until: Instant) -> Result<()> {
        let Some(receipt) = message["ReceiptHandle"].as_str() else { return Ok(()) };
        let body = message["Body"].as_str().unwrap_or_default();
        let told = match event::created(body, self.bucket.name()) {
            Ok(told) => told,
            Err(reason) => {
                let id = message["MessageId"].as_str().unwrap_or_default();
                let sentence = format!("queue {}: message {id}: {reason}", self.queue.url);
                if !self.settings.skips {
                    return Err(Error::config(format!(
                        "{sentence}; expected errors.tolerance=all to go on without it"
                    )));
                }
                self.task.count("messages_skipped", 1);
                self.task.log(Level::Error, &format!("left out, as errors.tolerance=all says: {sentence}"));
                Vec::new()
            }
        };
        let mut files = Vec::new();
        for key in told.into_iter().filter(|key| self.settings.wants(key)) {
            files.extend(self.look(&key).await?);
        }
        if files.is_empty() {
            // An event of a test, of other files, or of files that are gone again.
            let body = json!({ "QueueUrl": self.queue.url, "ReceiptHandle": receipt });
            return match service.call("sqs:DeleteMessage", &body).await {
                Err(failure) if !service.is_passing(&failure) => Err(self.error(service, &failure)),
                _ => Ok(()),
            };
        }
        let first = self.open.add(receipt.to_owned(), files.len(), until);
        for (number, object) in (first..).zip(files) {
            self.progress.files_total.fetch_add(1, Relaxed);
            self.progress.bytes_total.fetch_add(object.size, Relaxed);
            let (object, origin) = (Arc::new(object), Origin::Queue(number));
            let file = File { object, from: Place::default(), until: None, origin };
            let _ = self.items.send(Item::File(Arc::new(file))).await;
        }
        Ok(())
    }

    /// What the object is now: an event may be older.
    async fn look(&self, key: &str) -> Result<Option<Object>> {
        match self.bucket.head(key).await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.cause == Cause::Gone => {
                self.task.count("files_gone", 1);
                let sentence =
                    format!("s3://{}/{key}: the file was deleted before it was read", self.bucket.name());
                self.task.log(Level::Warn, &sentence);
                Ok(None)
            }
            Err(failure) => Err(self.bucket.error_at(key, &failure)),
        }
    }

    fn told(&self, failure: &Failure) {
        let Failure { action, reason, .. } = failure;
        self.task.log(Level::Warn, &format!("queue {}: {action}: {reason}", self.queue.url));
    }

    fn error(&self, service: &Service, failure: &Failure) -> Error {
        let name = self.queue.url.rsplit('/').next().unwrap_or_default();
        service.error(&format!("queue {}", self.queue.url), &service.arn(name), failure)
    }
}

const SQS: Protocol = Protocol { name: "sqs", target: "AmazonSQS", version: "1.0" };
/// Less than a request may take altogether, and short enough to hear of what was stored meanwhile.
const WAIT_SECONDS: u64 = 5;
const CHANGE: &str = "sqs:ChangeMessageVisibility";
const PAUSE: Duration = Duration::from_millis(500);
/// Messages that one task holds at a time.
const MESSAGES_MAX: usize = 100;
const FILES_ROOM: usize = 100;
