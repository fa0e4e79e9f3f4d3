//! Sends records and tells, from the producer's own thread, what became of each.

mod transaction;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::context::Context;
use crate::{ClientSettings, Error};
pub use transaction::{Confirmed, fence, transaction_timeout, transactional};

/// A record on its way out. Bytes are copied by `send`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outgoing<'a> {
    pub topic: &'a str,
    /// None: by Java's hash of the key, at random without a key.
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    /// None is a tombstone, which is not the same as empty.
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
    /// None: now.
    pub timestamp_ms: Option<i64>,
    /// Comes back with the outcome.
    pub token: u64,
}

/// Told once of the outcome of every record that `send` took.
pub trait Delivery: Send + Sync + 'static {
    /// Called from the producer's thread: it must not wait for anything.
    fn delivered(&self, token: u64, outcome: Result<(i32, i64), Error>);
}

pub struct ProducerSettings {
    pub client: ClientSettings,
    pub delivery: Arc<dyn Delivery>,
}

/// Why `send` did not take a record; nothing is told about it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// `buffer.memory` is full: send again after some deliveries.
    QueueFull,
    Rejected(Error),
}

/// Shared by cheap clones of an `Arc`; records that were not delivered when the last one goes are told as
/// failed.
pub struct Producer {
    inner: Arc<BaseProducer<Outcomes>>,
    is_closing: Arc<AtomicBool>,
    settings: ClientSettings,
}

/// How long the thread that tells outcomes waits for the next. rust-rdkafka's own such thread waits 100 ms, and
/// spins in the last part of each millisecond: together that took about 1 % of a core for a producer that does nothing.
const POLL_WAIT: Duration = Duration::from_millis(500);

/// For so long nothing may get through before a fault of the login is everybody's.
const LOGIN_GRACE: Duration = Duration::from_secs(5);

// A token travels as a pointer.
const _: () = assert!(size_of::<usize>() >= size_of::<u64>(), "tokens need 64-bit pointers");

impl Producer {
    pub fn open(settings: ProducerSettings) -> Result<Self, Error> {
        let client = with_defaults(settings.client);
        let context = Outcomes {
            context: Context::new(&client),
            delivery: settings.delivery,
            in_flight: AtomicUsize::new(0),
            breaks: AtomicU64::new(0),
        };
        let config = client.to_producer();
        let inner: BaseProducer<Outcomes> = config
            .create_with_context(context)
            .map_err(|error| Error::of_kafka(&error, "opening a producer"))?;
        let (inner, is_closing) = (Arc::new(inner), Arc::new(AtomicBool::new(false)));
        let weak = Arc::downgrade(&inner);
        crate::oauth::serve(&config, weak);
        let (polled, stop) = (Arc::clone(&inner), Arc::clone(&is_closing));
        let poll = move || {
            let mut waiting: Option<Instant> = None;
            while !stop.load(Ordering::Acquire) {
                polled.poll(POLL_WAIT);
                let outcomes = polled.context();
                let is_waiting = outcomes.in_flight.load(Ordering::Acquire) > 0;
                waiting = is_waiting.then(|| waiting.unwrap_or_else(Instant::now));
                if waiting
                    .is_some_and(|since| outcomes.context.trouble.standing(since, LOGIN_GRACE).is_some())
                {
                    // What waits for a login that does not succeed is told now, not after `delivery.timeout.ms`.
                    polled.purge(rdkafka::producer::PurgeConfig::default().queue());
                }
            }
        };
        std::thread::Builder::new()
            .name("outcomes".into())
            .spawn(poll)
            .map_err(|error| Error::retry(format!("starting a thread for a producer: {error}")))?;
        Ok(Self { inner, is_closing, settings: client })
    }

    /// Queues the record; never waits.
    pub fn send(&self, record: &Outgoing<'_>) -> Result<(), SendError> {
        let token = record.token as usize;
        let mut base: BaseRecord<'_, [u8], [u8], usize> = BaseRecord::with_opaque_to(record.topic, token);
        base.partition = record.partition;
        base.key = record.key;
        base.payload = record.value;
        base.timestamp = record.timestamp_ms;
        if !record.headers.is_empty() {
            let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
            for (key, value) in record.headers {
                if key.contains('\0') {
                    let message = "header: expected a name without NUL";
                    return Err(SendError::Rejected(Error::new(crate::Kind::Record, message)));
                }
                headers = headers.insert(Header { key, value: *value });
            }
            base.headers = Some(headers);
        }
        // Counted first: the outcome may be told before `send` returns.
        self.counted().fetch_add(1, Ordering::AcqRel);
        self.inner.send(base).map_err(|(error, _)| {
            self.counted().fetch_sub(1, Ordering::AcqRel);
            match error.rdkafka_error_code() {
                Some(Code::QueueFull) => SendError::QueueFull,
                _ => SendError::Rejected(self.describe(&error, record.topic)),
            }
        })
    }

    /// Waits until every record that was sent has an outcome. False when time ran out.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.inner.flush(timeout).is_ok()
    }

    /// Records without an outcome.
    pub fn in_flight(&self) -> usize {
        self.counted().load(Ordering::Acquire)
    }

    /// librdkafka's own count takes in events that nobody has looked at yet.
    fn counted(&self) -> &AtomicUsize {
        &self.inner.context().in_flight
    }

    /// Fails everything that is queued or on its way, which is told as usual.
    pub fn purge(&self) {
        self.inner.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
    }

    /// What made this producer useless, if anything did.
    pub fn fatal(&self) -> Option<Error> {
        let (code, reason) = self.inner.client().fatal_error()?;
        let kind = match crate::error::kind_of(code) {
            crate::Kind::Fenced => crate::Kind::Fenced,
            _ => crate::Kind::Fatal,
        };
        Some(Error::new(kind, format!("the producer cannot go on: {reason}")))
    }

    fn describe(&self, error: &KafkaError, topic: &str) -> Error {
        match error.rdkafka_error_code() {
            Some(Code::Fatal) => self.fatal(),
            _ => None,
        }
        .unwrap_or_else(|| Error::of_kafka(error, &format!("producing to {topic}")))
    }
}

/// The thread ends within its wait, and the client with it; what was on its way is told as failed then.
impl Drop for Producer {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Release);
    }
}

/// Name and receiver of outcomes, as rust-rdkafka wants them together.
struct Outcomes {
    context: Context,
    delivery: Arc<dyn Delivery>,
    in_flight: AtomicUsize,
    /// Connections that broke, and requests that got no answer.
    breaks: AtomicU64,
}

impl ClientContext for Outcomes {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        if matches!(facility, "REQTMOUT" | "FAIL") {
            self.breaks.fetch_add(1, Ordering::AcqRel);
        }
        self.context.log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.breaks.fetch_add(1, Ordering::AcqRel);
        self.context.error(error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Outcomes {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, token: usize) {
        let outcome = match result {
            Ok(message) => {
                self.context.trouble.clear();
                Ok((message.partition(), message.offset()))
            }
            Err((error, message)) => {
                let doing = format!("producing to {}", message.topic());
                Err(self.fault(error, &doing).unwrap_or_else(|| Error::of_kafka(error, &doing)))
            }
        };
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        let tell = AssertUnwindSafe(|| self.delivery.delivered(token as u64, outcome));
        if catch_unwind(tell).is_err() {
            // The thread has to live on: other records of other tasks wait for it.
            tracing::error!("the receiver of a delivery panicked");
        }
    }
}

impl Outcomes {
    /// What kept a record from being sent, when it never was.
    fn fault(&self, error: &KafkaError, doing: &str) -> Option<Error> {
        let waited = [Code::PurgeQueue, Code::MessageTimedOut];
        error.rdkafka_error_code().filter(|code| waited.contains(code))?;
        let fault = self.context.trouble.standing(Instant::now(), Duration::ZERO)?;
        Some(Error::new(fault.kind, format!("{doing}: {}", fault.message)))
    }
}

fn with_defaults(mut client: ClientSettings) -> ClientSettings {
    // The same partition as Java for the same key, or a key's order would break at a migration.
    client.set_default("partitioner", "murmur2_random");
    client.set_default("acks", "all");
    // librdkafka takes idempotence only with these, and Java gives it up without a word.
    let acks = client.get("acks").unwrap_or_default();
    let in_flight: i64 =
        client.get("max.in.flight.requests.per.connection").map_or(Ok(5), str::parse).unwrap_or(5);
    let idempotent = (acks == "all" || acks == "-1") && in_flight <= 5 && client.get("retries") != Some("0");
    client.set_default("enable.idempotence", idempotent.to_string());
    client.set_default("linger.ms", "5");
    // Memory is the bound, as with Java's buffer.memory; a count would hit small records first.
    client.set_default("queue.buffering.max.kbytes", "32768");
    client.set_default("queue.buffering.max.messages", "0");
    client.set("statistics.interval.ms", "0");
    client
}
