//! Writes of the one who leads: in transactions, which a newer leader's first word makes impossible.

mod writer;

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::reader::advance;
use crate::{ClientSettings, Error};
use writer::{Request, Writer};

/// Appends that may wait for the one that is on its way; who asks for more is told to come again.
const WAITING_MAX: usize = 1_024;

/// Leadership of a log: while nobody else took it, records can be appended.
///
/// It ends with the first error of kind `Fenced` (somebody else leads) or `Fatal` (whether the last records were
/// written is unknown, so leadership must be taken anew, by another `lead`).
pub struct Leading {
    requests: SyncSender<Request>,
    ended: Arc<OnceLock<Error>>,
    timeout: Duration,
}

impl Leading {
    /// Returns when the former leader cannot write any more, and what it left open is undone.
    pub(super) async fn open(
        client: &ClientSettings,
        topic: &str,
        transactional_id: &str,
        timeout: Duration,
        written: Arc<Written>,
    ) -> Result<Self, Error> {
        let (requests, waiting) = std::sync::mpsc::sync_channel(WAITING_MAX);
        let (ready, is_ready) = oneshot::channel();
        let ended = Arc::new(OnceLock::new());
        let client = writer_settings(client, transactional_id);
        let writer = Writer { client, topic: topic.to_owned(), timeout, ended: Arc::clone(&ended), written };
        // A thread, because librdkafka's transactions wait for answers.
        std::thread::Builder::new()
            .name(format!("lead {topic}"))
            .spawn(move || writer.run(ready, &waiting))
            .map_err(|error| Error::retry(format!("starting a thread to write {topic}: {error}")))?;
        is_ready.await.map_err(|_| Error::retry(format!("leading {topic}: the writer ended")))??;
        Ok(Self { requests, ended, timeout })
    }

    /// Writes the records in one transaction; all of them are durable and committed when this returns. Readers see
    /// them some milliseconds later, when the broker has marked them, and `read_to_end` of the log that is led waits
    /// for that. After an error none of them will be seen, but for kind `Fatal`, when it is not known.
    ///
    /// Calls that wait at the same time may share a transaction.
    pub async fn append_all(&self, records: &[(&[u8], Option<&[u8]>)]) -> Result<(), Error> {
        if records.is_empty() {
            return self.ended.get().map_or(Ok(()), |error| Err(error.clone()));
        }
        let records = records.iter().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))).collect();
        let (outcome, answer) = oneshot::channel();
        match self.requests.try_send(Request { records, outcome }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(Error::retry(format!("{WAITING_MAX} writes wait already, try again later")));
            }
            Err(TrySendError::Disconnected(_)) => return Err(self.end()),
        }
        // The writer gives up by itself; this is for one that hangs. One transaction may be on its way already.
        match tokio::time::timeout(self.timeout * 3 + Duration::from_secs(5), answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(self.end()),
            Err(_) => Err(Error::fatal("the leader's writer does not answer; leadership must be taken anew")),
        }
    }

    fn end(&self) -> Error {
        self.ended
            .get()
            .cloned()
            .unwrap_or_else(|| Error::fatal("the leader's writer ended; leadership must be taken anew"))
    }
}

/// Where the committed records of a log's own leaders end, by partition: a broker tells of them a moment later.
#[derive(Default)]
pub(super) struct Written(Mutex<BTreeMap<i32, i64>>);

impl Written {
    fn reach(&self, ends: &BTreeMap<i32, i64>) {
        advance(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), ends.clone());
    }

    /// Moves ends on to what was written.
    pub(super) fn reach_for(&self, ends: &mut BTreeMap<i32, i64>) {
        advance(ends, self.0.lock().unwrap_or_else(PoisonError::into_inner).clone());
    }
}

/// What a broker allows an unfinished transaction to hold readers back, when its leader is dead and no other comes.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

fn writer_settings(client: &ClientSettings, transactional_id: &str) -> ClientSettings {
    let mut client = client.clone();
    let timeout_ms = TRANSACTION_TIMEOUT.as_millis().to_string();
    client.set("transactional.id", transactional_id);
    client.set("transaction.timeout.ms", &timeout_ms);
    // librdkafka wants neither to be longer than the transaction.
    client.set("delivery.timeout.ms", &timeout_ms);
    client.set("socket.timeout.ms", &timeout_ms);
    client.set("acks", "all");
    client.set("enable.idempotence", "true");
    client.set("max.in.flight.requests.per.connection", "5");
    client.set("retries", i32::MAX.to_string());
    client.set("partitioner", "murmur2_random");
    client.set("linger.ms", "0");
    client.set("reconnect.backoff.max.ms", "1000");
    client.set("statistics.interval.ms", "0");
    client
}
