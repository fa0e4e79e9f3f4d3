//! Sends what is in a queue, several requests at once, until all of it was taken or waiting does not help.
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_kinesis::error::BuildError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use penstock_sdk::{Error, Result, Task};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::queue::{Entry, Parcel, Queue};
use crate::access::{Cause, Failure};
use crate::kinesis::stream::{PUT, Stream};

/// One batch on its way.
pub struct Sending<'a> {
    pub task: &'a Task,
    pub stream: &'a Arc<Stream>,
    pub requests_max: usize,
    /// Which records of the batch the stream has.
    pub accepted: &'a mut [bool],
}

/// A request and what became of it.
type Flight = (Vec<Parcel>, Result<Vec<PutRecordsResultEntry>, Failure>);

/// Why sending does not go on at once.
enum Pause {
    Stop(Instant),
    /// Nothing was taken for a long time.
    Trouble(Failure),
}

impl Sending<'_> {
    /// Comes back when all of it was taken, or with an error and no request on its way.
    pub async fn run(mut self, mut queue: Queue<'_>) -> Result<()> {
        let (mut flights, mut progress) = (JoinSet::<Flight>::new(), Instant::now());
        let (mut pause, mut trouble) = (None, None);
        loop {
            if pause.is_none() && self.task.wait(Duration::ZERO) {
                pause = Some(Pause::Stop(Instant::now()));
            }
            while pause.is_none() && flights.len() < self.requests_max {
                let Some(request) = self.depart(&mut queue)? else { break };
                flights.spawn(request);
            }
            if flights.is_empty() && queue.is_done() {
                return Ok(());
            }
            if let Some(pause) = &pause {
                self.end(pause, flights.is_empty())?;
            }
            if let Some((parcels, answer)) = next(&mut flights, queue.due()).await? {
                match self.arrive(&mut queue, &parcels, answer)? {
                    Arrival { taken: 0, failure } => trouble = failure.or(trouble),
                    Arrival { failure, .. } => (progress, trouble) = (Instant::now(), failure),
                }
            }
            if let Some(failure) = trouble.take_if(|_| pause.is_none() && progress.elapsed() > PATIENCE) {
                pause = Some(Pause::Trouble(failure));
            }
        }
    }

    /// The next request, unless there is nothing to send now.
    fn depart(&self, queue: &mut Queue<'_>) -> Result<Option<impl Future<Output = Flight> + Send + 'static>> {
        let parcels = queue.take(Instant::now());
        if parcels.is_empty() {
            return Ok(None);
        }
        let entries: Result<Vec<_>, BuildError> =
            parcels.iter().map(|parcel| record(queue.entry(parcel))).collect();
        let entries = entries.map_err(|error| Error::fatal(format!("{PUT}: {error}")))?;
        let stream = Arc::clone(self.stream);
        Ok(Some(async move { (parcels, stream.put(entries).await) }))
    }

    fn arrive(
        &mut self,
        queue: &mut Queue<'_>,
        parcels: &[Parcel],
        answer: Result<Vec<PutRecordsResultEntry>, Failure>,
    ) -> Result<Arrival> {
        let now = Instant::now();
        self.task.count("put_requests", 1);
        let answers = match answer {
            Ok(answers) if answers.len() == parcels.len() => answers,
            Ok(answers) => {
                let reason = format!("{} answers to {} records", answers.len(), parcels.len());
                return self.refused(queue, parcels, Failure::transient(PUT, reason));
            }
            Err(failure) => return self.refused(queue, parcels, failure),
        };
        let (mut arrival, mut sizes) = (Arrival { taken: 0, failure: None }, 0);
        for (parcel, answer) in parcels.iter().zip(&answers) {
            let Some(code) = answer.error_code() else {
                for index in queue.indices(parcel) {
                    self.accepted[index] = true;
                }
                arrival.taken += parcel.count;
                sizes += parcel.bytes;
                queue.taken(parcel);
                continue;
            };
            let failure =
                Failure::answered(PUT, code, answer.error_message().unwrap_or_default(), ENTRY_STATUS);
            self.judge(&failure, parcel.count)?;
            queue.refused(parcel, now, fastrand::f64());
            arrival.failure = Some(failure);
        }
        self.task.count("records_put", arrival.taken as u64);
        self.task.count("bytes_put", sizes as u64);
        Ok(arrival)
    }

    /// None of a request's records was taken.
    fn refused(&self, queue: &mut Queue<'_>, parcels: &[Parcel], failure: Failure) -> Result<Arrival> {
        self.judge(&failure, parcels.iter().map(|parcel| parcel.count).sum())?;
        let (now, dice) = (Instant::now(), fastrand::f64());
        for parcel in parcels {
            queue.refused(parcel, now, dice);
        }
        Ok(Arrival { taken: 0, failure: Some(failure) })
    }

    /// Counts what passes, and answers the error that does not.
    fn judge(&self, failure: &Failure, records: usize) -> Result<()> {
        if !self.stream.is_passing(failure) {
            return Err(self.stream.error(failure));
        }
        self.task.count("records_retried", records as u64);
        if failure.cause == Cause::Throttled {
            self.task.count("throttles", 1);
        }
        Ok(())
    }

    /// Requests that are on their way are waited for: one that arrived later would break the order.
    fn end(&self, pause: &Pause, is_quiet: bool) -> Result<()> {
        match pause {
            Pause::Stop(since) if is_quiet || since.elapsed() > STOP_PATIENCE => {
                Err(Error::retry("stopped before the stream had taken all of the batch"))
            }
            Pause::Trouble(failure) if is_quiet => Err(self.stream.error(failure)),
            Pause::Stop(_) | Pause::Trouble(_) => Ok(()),
        }
    }
}

struct Arrival {
    taken: usize,
    failure: Option<Failure>,
}

/// The next answer, or nothing by the time when something else is to be looked at.
async fn next(flights: &mut JoinSet<Flight>, due: Option<Instant>) -> Result<Option<Flight>> {
    let most = due.map_or(TICK, |due| due.saturating_duration_since(Instant::now()).min(TICK));
    if flights.is_empty() {
        tokio::time::sleep(most).await;
        return Ok(None);
    }
    match timeout(most, flights.join_next()).await {
        Ok(Some(Ok(flight))) => Ok(Some(flight)),
        Ok(Some(Err(error))) => Err(Error::fatal(format!("{PUT}: {error}"))),
        Ok(None) | Err(_) => Ok(None),
    }
}

fn record(entry: Entry) -> Result<PutRecordsRequestEntry, BuildError> {
    PutRecordsRequestEntry::builder()
        .partition_key(entry.key)
        .set_explicit_hash_key(entry.hash_key)
        .data(Blob::new(entry.data))
        .build()
}

/// Entries have none of their own; a code that nobody knows passes.
const ENTRY_STATUS: u16 = 500;
/// How long nothing may be taken before the worker hears of it.
const PATIENCE: Duration = Duration::from_secs(10);
const STOP_PATIENCE: Duration = Duration::from_millis(700);
/// A stop is noticed after this.
const TICK: Duration = Duration::from_millis(100);
