//! Transactions of a producer: begun, committed, undone; and taking a transactional id over from whoever had it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::{Delivery, Producer, ProducerSettings};
use crate::rights::{self, Resource};
use crate::{ClientSettings, Error, Kind};

/// What a commit that Kafka confirmed leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The next transaction may begin.
    Clean,
    /// A request got lost on the way and may yet reach a broker, which would take it for the end of this producer's
    /// next transaction: there must be none. Another producer with the same id is safe, its requests are told apart.
    Last,
}

/// Calls are made in slices of this length, between which the caller is asked whether to go on.
const SLICE: Duration = Duration::from_millis(500);
/// A refusal that comes at once and may pass is not asked about again at once.
const PAUSE: Duration = Duration::from_millis(20);
/// Outcomes that were told are counted by librdkafka a moment longer.
const SETTLE: Duration = Duration::from_millis(20);
const TIMEOUT_DEFAULT_MS: u64 = 60_000;

impl Producer {
    /// Shuts out whoever had the transactional id before: what they left open is undone or, where its commit was
    /// under way, done; when this returns that is over, and nothing of theirs is taken any more. Once for each
    /// producer, before anything else.
    pub fn take_over(&self, go_on: &dyn Fn() -> bool) -> Result<(), Error> {
        let doing = format!("taking over transactional id {}", self.transactional_id());
        in_slices(go_on, |slice| self.inner.init_transactions(slice))
            .map_err(|error| self.describe_transaction(&error, &doing))
    }

    pub fn begin_transaction(&self) -> Result<(), Error> {
        let begun = self.inner.begin_transaction();
        begun.map_err(|error| self.describe_transaction(&error, "beginning a transaction"))
    }

    /// Waits for what was sent, and commits it. After an error nobody knows whether it was committed, or will be:
    /// only another producer that takes the id over puts an end to that.
    pub fn commit_transaction(&self, go_on: &dyn Fn() -> bool) -> Result<Confirmed, Error> {
        let breaks = self.breaks();
        self.settle();
        in_slices(go_on, |slice| self.inner.commit_transaction(slice))
            .map_err(|error| self.describe_transaction(&error, "committing a transaction"))?;
        Ok(if self.breaks() == breaks { Confirmed::Clean } else { Confirmed::Last })
    }

    /// Nothing of the transaction will be seen by whoever reads what is committed.
    pub fn abort_transaction(&self, go_on: &dyn Fn() -> bool) -> Result<(), Error> {
        in_slices(go_on, |slice| self.inner.abort_transaction(slice))
            .map_err(|error| self.describe_transaction(&error, "undoing a transaction"))
    }

    /// rust-rdkafka's flush waits a tenth of a second when it finds records whose outcome was told a moment ago.
    fn settle(&self) {
        let until = Instant::now() + SETTLE;
        while self.inner.in_flight_count() > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    fn breaks(&self) -> u64 {
        self.inner.context().breaks.load(Ordering::Acquire)
    }

    fn transactional_id(&self) -> &str {
        self.settings.get("transactional.id").unwrap_or_default()
    }

    fn describe_transaction(&self, error: &KafkaError, doing: &str) -> Error {
        // A right that is missing ends a producer like what cannot be mended.
        let ended = self.inner.client().fatal_error().map(|(code, _)| code);
        if let Some(code) = ended.filter(|code| rights::is_missing(*code)) {
            return self.missing_right(code, doing);
        }
        if let Some(fatal) = self.fatal() {
            let message = match fatal.kind {
                Kind::Fenced => format!("{doing}: another producer has taken this one's place"),
                _ => format!("{doing}: {}", fatal.message),
            };
            return Error::new(fatal.kind, message);
        }
        match error.rdkafka_error_code() {
            Some(code) if rights::is_missing(code) => self.missing_right(code, doing),
            // Not the code's kind: a commit that failed says nothing of the next one.
            Some(_) => Error::new(kind_of(error), format!("{doing}: {error}")),
            None => Error::of_kafka(error, doing),
        }
    }

    fn missing_right(&self, code: Code, doing: &str) -> Error {
        let (resource, operations): (_, &[&str]) = match code {
            Code::TransactionalIdAuthorizationFailed => {
                (Resource::TransactionalId(self.transactional_id()), &["Write", "Describe"])
            }
            Code::ClusterAuthorizationFailed => (Resource::Cluster, &["IdempotentWrite"]),
            code => return Error::of_code(code, doing),
        };
        rights::missing(&self.settings, resource, operations, doing)
    }
}

fn kind_of(error: &KafkaError) -> Kind {
    match error.rdkafka_error_code().map(crate::error::kind_of) {
        Some(Kind::Fenced) => Kind::Fenced,
        Some(Kind::Config) => Kind::Config,
        _ => Kind::Retry,
    }
}

/// Goes on where the last slice ended, as librdkafka's calls do, while the caller wants.
fn in_slices(go_on: &dyn Fn() -> bool, call: impl Fn(Duration) -> KafkaResult<()>) -> KafkaResult<()> {
    loop {
        let begun = Instant::now();
        match call(SLICE) {
            Err(error) if may_pass(&error) && go_on() => {
                if begun.elapsed() < PAUSE {
                    std::thread::sleep(PAUSE);
                }
            }
            outcome => return outcome,
        }
    }
}

fn may_pass(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => {
            error.is_retriable() && !error.txn_requires_abort() && !error.is_fatal()
        }
        KafkaError::Flush(code) => *code == Code::OperationTimedOut,
        _ => false,
    }
}

/// Settings of a producer that writes in transactions under this id, whatever else was asked for.
#[must_use]
pub fn transactional(mut client: ClientSettings, id: &str) -> ClientSettings {
    client.set("transactional.id", id);
    client.set("enable.idempotence", "true");
    client.set("acks", "all");
    client.set("retries", i32::MAX.to_string());
    // Records of a transaction wait for each other at its end anyway.
    client.set_default("linger.ms", "1");
    let timeout_ms = timeout_ms(&client);
    client.set("transaction.timeout.ms", timeout_ms.to_string());
    // librdkafka wants none of these to be more.
    lower(&mut client, "max.in.flight.requests.per.connection", 5);
    lower(&mut client, "delivery.timeout.ms", timeout_ms);
    lower(&mut client, "socket.timeout.ms", timeout_ms);
    client
}

/// How long Kafka leaves a transaction of such a producer open before it undoes it.
pub fn transaction_timeout(client: &ClientSettings) -> Duration {
    Duration::from_millis(timeout_ms(client))
}

fn timeout_ms(client: &ClientSettings) -> u64 {
    client.get("transaction.timeout.ms").and_then(|text| text.parse().ok()).unwrap_or(TIMEOUT_DEFAULT_MS)
}

fn lower(client: &mut ClientSettings, key: &str, most: u64) {
    let is_more = |text: &str| text.parse::<u64>().is_ok_and(|value| value > most);
    if client.get(key).is_some_and(is_more) {
        client.set(key, most.to_string());
    }
}

/// Shuts out whoever writes under this transactional id, see [`Producer::take_over`].
pub fn fence(client: ClientSettings, id: &str, go_on: &dyn Fn() -> bool) -> Result<(), Error> {
    struct Nobody;
    impl Delivery for Nobody {
        fn delivered(&self, _: u64, _: Result<(i32, i64), Error>) {}
    }
    let client = transactional(client, id);
    Producer::open(ProducerSettings { client, delivery: Arc::new(Nobody) })?.take_over(go_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_that_a_transaction_cannot_bear_are_brought_within_it() {
        let given = ClientSettings::new()
            .with("acks", "1")
            .with("enable.idempotence", "false")
            .with("transactional.id", "mine")
            .with("transaction.timeout.ms", "5000")
            .with("delivery.timeout.ms", "120000")
            .with("socket.timeout.ms", "30000")
            .with("max.in.flight.requests.per.connection", "100")
            .with("linger.ms", "20");
        let made = transactional(given, "g-c-0");
        let expected = [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("transactional.id", "g-c-0"),
            ("transaction.timeout.ms", "5000"),
            ("delivery.timeout.ms", "5000"),
            ("socket.timeout.ms", "5000"),
            ("max.in.flight.requests.per.connection", "5"),
            ("linger.ms", "20"),
        ];
        for (key, value) in expected {
            assert_eq!(made.get(key), Some(value), "{key}");
        }
        assert_eq!(transaction_timeout(&made), Duration::from_secs(5));
    }

    #[test]
    fn what_nobody_set_stays_librdkafkas_own() {
        let made = transactional(ClientSettings::new(), "x");
        assert_eq!((made.get("delivery.timeout.ms"), made.get("socket.timeout.ms")), (None, None));
        assert_eq!(transaction_timeout(&made), Duration::from_secs(60));
    }
}
