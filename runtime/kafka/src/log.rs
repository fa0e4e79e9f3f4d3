//! A compacted topic read whole and appended to: what Connect's three internal topics need.

mod check;
mod lead;
mod reader;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::rights::{self, Resource};
use crate::{
    Admin, ClientSettings, Delivery, Error, Outgoing, Producer, ProducerSettings, SendError, TopicSpec,
};
pub use lead::Leading;
use lead::Written;
use reader::Reader;

/// A record of a log, in the order of its partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    pub partition: i32,
    pub offset: i64,
    /// Empty for a record without a key, which a compacted topic should not have.
    pub key: Vec<u8>,
    /// None is a tombstone.
    pub value: Option<Vec<u8>>,
    pub timestamp_ms: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct LogSettings {
    pub client: ClientSettings,
    pub client_id: String,
    /// `cleanup.policy=compact` is added to its configs. With one partition asked for, more are refused.
    pub topic: TopicSpec,
    /// Whether to create the topic when it is missing.
    pub create: bool,
    /// Whether its leader writes in transactions: only what was committed is read, and `lead` is possible.
    pub transactional: bool,
    /// How long one append, and each standstill of a read, may take.
    pub request_timeout: Duration,
}

/// Reads every partition from the start, without a group, and goes on reading.
pub struct CompactedLog {
    topic: String,
    producer: Producer,
    acknowledgements: Arc<Acknowledgements>,
    reader: Reader,
    timeout: Duration,
    client: ClientSettings,
    transactional: bool,
    written: Arc<Written>,
}

impl CompactedLog {
    /// Checks the topic and starts a thread that hands every record to `on_record`, in order per partition.
    ///
    /// `on_record` may wait a little, as for room in a bounded channel; while it does, nothing is read. When it
    /// panics, the record is logged and the next one comes.
    pub async fn open<F>(settings: LogSettings, on_record: F) -> Result<Self, Error>
    where
        F: FnMut(LogRecord) + Send + 'static,
    {
        let mut client = settings.client.clone();
        client.set("client.id", &settings.client_id);
        let admin = Admin::open(&client, settings.request_timeout)?;
        let partitions = check::prepare(&admin, &settings).await?;
        let acknowledgements = Arc::new(Acknowledgements::default());
        let producer = Producer::open(ProducerSettings {
            client: producer_settings(&client, settings.request_timeout),
            delivery: acknowledgements.clone(),
        })?;
        let reader = Reader::start(admin, &client, &settings, partitions, Box::new(on_record))?;
        let (timeout, transactional) = (settings.request_timeout, settings.transactional);
        let topic = settings.topic.name;
        Ok(Self {
            topic,
            producer,
            acknowledgements,
            reader,
            timeout,
            client,
            transactional,
            written: Arc::default(),
        })
    }

    /// Takes the lead from whoever has it, whose writes are refused from then on, and returns when everything that
    /// was committed before has been handed over.
    pub async fn lead(&self, transactional_id: &str) -> Result<Leading, Error> {
        if !self.transactional {
            return Err(Error::config(format!("leading {}: it was not opened for transactions", self.topic)));
        }
        let written = Arc::clone(&self.written);
        let leading =
            Leading::open(&self.client, &self.topic, transactional_id, self.timeout, written).await?;
        self.read_to_end().await?;
        Ok(leading)
    }

    /// Writes one record, and returns its place when all in-sync replicas have it.
    ///
    /// After an error, or when the caller gives up waiting, the record may still have been written.
    pub async fn append(&self, key: &[u8], value: Option<&[u8]>) -> Result<(i32, i64), Error> {
        let receiver = self.send(key, value).await?;
        self.wait(receiver).await
    }

    /// Writes the records in order, all on their way at once, and returns the places of all of them.
    pub async fn append_all(&self, records: &[(&[u8], Option<&[u8]>)]) -> Result<Vec<(i32, i64)>, Error> {
        let mut receivers = Vec::with_capacity(records.len());
        for (key, value) in records {
            receivers.push(self.send(key, *value).await?);
        }
        let mut places = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            places.push(self.wait(receiver).await?);
        }
        Ok(places)
    }

    /// Returns when everything that was in the topic at the time of the call has been handed over. It may take
    /// long, but fails when for `request_timeout` nothing moves.
    pub async fn read_to_end(&self) -> Result<(), Error> {
        self.reader.read_to_end(&self.written, self.timeout).await
    }

    /// As `read_to_end`, and waits for transactions that were open at the time of the call: who took a transactional id
    /// over has read all of its former producer only then, as records behind an open transaction stay hidden too.
    pub async fn read_to_last(&self) -> Result<(), Error> {
        self.reader.read_to_last(&self.written, self.timeout).await
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    pub fn partitions(&self) -> &[i32] {
        self.reader.partitions()
    }

    async fn send(&self, key: &[u8], value: Option<&[u8]>) -> Result<Acknowledgement, Error> {
        let until = tokio::time::Instant::now() + self.timeout;
        loop {
            let (token, receiver) = self.acknowledgements.expect();
            let record = Outgoing { topic: &self.topic, key: Some(key), value, token, ..Outgoing::default() };
            match self.producer.send(&record) {
                Ok(()) => return Ok(receiver),
                Err(SendError::Rejected(error)) => {
                    self.acknowledgements.forget(token);
                    return Err(error);
                }
                Err(SendError::QueueFull) => drop(self.acknowledgements.forget(token)),
            }
            if tokio::time::Instant::now() >= until {
                return Err(Error::retry(format!("writing to {}: no room in the queue", self.topic)));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn explain(&self, error: Error) -> Error {
        if error.code().is_some_and(rights::is_missing) {
            let (topic, doing) = (Resource::Topic(&self.topic), format!("writing to {}", self.topic));
            return rights::missing(&self.client, topic, &["Write"], &doing);
        }
        error
    }

    async fn wait(&self, receiver: Acknowledgement) -> Result<(i32, i64), Error> {
        // The producer gives up after `request_timeout` by itself; this is for a producer that hangs.
        match tokio::time::timeout(self.timeout + Duration::from_secs(5), receiver).await {
            Ok(Ok(outcome)) => outcome.map_err(|error| self.explain(error)),
            Ok(Err(_)) => Err(Error::retry(format!("writing to {}: the producer was closed", self.topic))),
            Err(_) => Err(Error::retry(format!("writing to {}: no answer in time", self.topic))),
        }
    }
}

/// The record's place.
type Outcome = Result<(i32, i64), Error>;
type Acknowledgement = oneshot::Receiver<Outcome>;

#[derive(Default)]
struct Acknowledgements {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Outcome>>>,
}

impl Acknowledgements {
    fn expect(&self) -> (u64, Acknowledgement) {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(token, sender);
        (token, receiver)
    }

    fn forget(&self, token: u64) -> Option<oneshot::Sender<Outcome>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&token)
    }
}

impl Delivery for Acknowledgements {
    fn delivered(&self, token: u64, outcome: Outcome) {
        if let Some(sender) = self.forget(token) {
            // Nobody listens when the append was given up.
            let _ = sender.send(outcome);
        }
    }
}

/// As Java's worker: one request at a time keeps the order without idempotence, which older brokers lack.
fn producer_settings(client: &ClientSettings, timeout: Duration) -> ClientSettings {
    let timeout_ms = timeout.as_millis().clamp(1_000, 2_147_483_647).to_string();
    let mut client = client.clone();
    client.set("acks", "all");
    client.set("enable.idempotence", "false");
    client.set("max.in.flight.requests.per.connection", "1");
    client.set("partitioner", "murmur2_random");
    client.set("delivery.timeout.ms", timeout_ms);
    // One record at a time is what most callers wait for.
    client.set("linger.ms", "0");
    client
}
