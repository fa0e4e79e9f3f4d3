//! The thread that writes a leader's transactions, several waiting appends at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::NoCustomPartitioner;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::oneshot;

use super::Written;
use crate::context::Context;
use crate::error::kind_of;
use crate::rights::{self, Resource};
use crate::{ClientSettings, Error, Kind};

type Record = (Vec<u8>, Option<Vec<u8>>);

pub(super) struct Request {
    pub records: Vec<Record>,
    pub outcome: oneshot::Sender<Result<(), Error>>,
}

/// Records of one transaction, when several appends share it.
const SHARED_MAX: usize = 1_000;
/// An idle client's news are looked at this often, so that they do not pile up.
const IDLE: Duration = Duration::from_secs(5);

pub(super) struct Writer {
    pub client: ClientSettings,
    pub topic: String,
    pub timeout: Duration,
    pub ended: Arc<OnceLock<Error>>,
    pub written: Arc<Written>,
}

/// A transaction that did not come about.
enum Failure {
    /// Undone: none of its records will be seen, and the next one can begin.
    Undone(Error),
    /// The producer is of no use any more.
    Ended(Error),
}

impl Writer {
    pub(super) fn run(self, ready: oneshot::Sender<Result<(), Error>>, requests: &Receiver<Request>) {
        let producer = match self.open() {
            Ok(producer) => producer,
            Err(error) => return drop(ready.send(Err(error))),
        };
        if ready.send(Ok(())).is_err() {
            return;
        }
        loop {
            match requests.recv_timeout(IDLE) {
                Ok(first) => {
                    if let Err(error) = self.serve(&producer, first, requests) {
                        // Whoever waits or comes later finds the reason there.
                        let _ = self.ended.set(error);
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => producer.poll(Duration::ZERO),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn open(&self) -> Result<Arc<Transactional>, Error> {
        let doing = format!("taking the lead of {}", self.topic);
        let config = self.client.to_producer();
        let producer: Transactional = config
            .create_with_context(Names {
                context: Context::new(&self.client),
                in_flight: AtomicUsize::new(0),
                places: Mutex::default(),
            })
            .map_err(|error| Error::of_kafka(&error, &doing))?;
        let producer = Arc::new(producer);
        let weak = Arc::downgrade(&producer);
        crate::oauth::serve(&config, weak);
        match producer.init_transactions(self.timeout) {
            Ok(()) => Ok(producer),
            Err(error) => Err(self.describe(&producer, &error, &doing)),
        }
    }

    /// One transaction for all who wait; when it fails for one of them, each gets its own.
    fn serve(&self, producer: &Transactional, first: Request, more: &Receiver<Request>) -> Result<(), Error> {
        let mut requests = vec![first];
        let mut count = requests[0].records.len();
        while count < SHARED_MAX
            && let Ok(next) = more.try_recv()
        {
            count += next.records.len();
            requests.push(next);
        }
        let shared = requests.iter().flat_map(|request| &request.records);
        match self.write(producer, shared) {
            Ok(()) => {
                for request in requests {
                    // Nobody listens when the append was given up.
                    let _ = request.outcome.send(Ok(()));
                }
                Ok(())
            }
            Err(Failure::Ended(error)) => {
                for request in requests {
                    let _ = request.outcome.send(Err(error.clone()));
                }
                Err(error)
            }
            Err(Failure::Undone(error)) if requests.len() == 1 => {
                for request in requests {
                    let _ = request.outcome.send(Err(error.clone()));
                }
                Ok(())
            }
            Err(Failure::Undone(_)) => self.serve_each(producer, requests),
        }
    }

    fn serve_each(&self, producer: &Transactional, requests: Vec<Request>) -> Result<(), Error> {
        for request in requests {
            match self.write(producer, request.records.iter()) {
                Ok(()) => drop(request.outcome.send(Ok(()))),
                Err(Failure::Undone(error)) => drop(request.outcome.send(Err(error))),
                Err(Failure::Ended(error)) => {
                    let _ = request.outcome.send(Err(error.clone()));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn write<'a>(
        &self,
        producer: &Transactional,
        records: impl Iterator<Item = &'a Record>,
    ) -> Result<(), Failure> {
        let doing = format!("writing to {} as the leader", self.topic);
        let ended = |error: &KafkaError| Failure::Ended(self.describe(producer, error, &doing));
        producer.begin_transaction().map_err(|error| ended(&error))?;
        producer.context().take_places();
        for (key, value) in records {
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic).key(key.as_slice());
            record.payload = value.as_deref();
            producer.context().in_flight.fetch_add(1, Ordering::AcqRel);
            if let Err((error, _)) = producer.send(record) {
                producer.context().in_flight.fetch_sub(1, Ordering::AcqRel);
                return Err(self.undo(producer, &error, &doing));
            }
        }
        let until = Instant::now() + self.timeout;
        if !drain(producer, until) {
            return Err(self.undo(producer, &KafkaError::Flush(Code::OperationTimedOut), &doing));
        }
        match producer.commit_transaction(self.timeout) {
            Ok(()) => {
                self.written.reach(&producer.context().take_places());
                Ok(())
            }
            Err(error) if requires_abort(&error) => Err(self.undo(producer, &error, &doing)),
            Err(error) => Err(ended(&error)),
        }
    }

    fn undo(&self, producer: &Transactional, cause: &KafkaError, doing: &str) -> Failure {
        let cause = self.describe(producer, cause, doing);
        if matches!(cause.kind, Kind::Fenced | Kind::Fatal) {
            return Failure::Ended(cause);
        }
        // Records that are on their way arrive first: to break them off would put the producer's numbering in doubt.
        drain(producer, Instant::now() + self.timeout);
        match producer.abort_transaction(self.timeout) {
            Ok(()) => Failure::Undone(cause),
            Err(error) => Failure::Ended(self.describe(producer, &error, doing)),
        }
    }

    /// What ends a producer says what to do next: nothing when somebody else leads, else take the lead again.
    fn describe(&self, producer: &Transactional, error: &KafkaError, doing: &str) -> Error {
        let code = producer.client().fatal_error().map(|(code, _)| code).or(error.rdkafka_error_code());
        match code {
            Some(code) if kind_of(code) == Kind::Fenced => {
                Error::new(Kind::Fenced, format!("{doing}: another worker leads by now"))
            }
            Some(code) if rights::is_missing(code) => self.missing_right(code, doing),
            Some(code) if is_undone(error) => Error::of_code(code, doing),
            _ => Error::fatal(format!("{doing}: {error}; leadership must be taken anew")),
        }
    }

    fn missing_right(&self, code: Code, doing: &str) -> Error {
        let resource = match code {
            Code::TransactionalIdAuthorizationFailed => {
                Resource::TransactionalId(self.client.get("transactional.id").unwrap_or_default())
            }
            Code::ClusterAuthorizationFailed => Resource::Cluster,
            _ => Resource::Topic(&self.topic),
        };
        let operation = if matches!(resource, Resource::Cluster) { "IdempotentWrite" } else { "Write" };
        rights::missing(&self.client, resource, &[operation], doing)
    }
}

fn requires_abort(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.txn_requires_abort())
}

/// Whether the transaction can be undone, so that its fate is known.
fn is_undone(error: &KafkaError) -> bool {
    requires_abort(error) || matches!(error, KafkaError::MessageProduction(_) | KafkaError::Flush(_))
}

type Transactional = BaseProducer<Names>;

/// Takes in outcomes until every record has one. rust-rdkafka's own flush waits a tenth of a second at least.
fn drain(producer: &Transactional, until: Instant) -> bool {
    while producer.context().in_flight.load(Ordering::Acquire) > 0 {
        if Instant::now() >= until {
            return false;
        }
        producer.poll(Duration::from_millis(1));
    }
    true
}

/// The client's name for its log, how many records have no outcome, and where the others are. Whether they count
/// is the transaction's outcome.
struct Names {
    context: Context,
    in_flight: AtomicUsize,
    places: Mutex<BTreeMap<i32, i64>>,
}

impl Names {
    fn take_places(&self) -> BTreeMap<i32, i64> {
        std::mem::take(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Names {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.context.log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Names {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Ok(message) = result {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            let end = places.entry(message.partition()).or_insert(0);
            *end = (*end).max(message.offset() + 1);
        }
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}
