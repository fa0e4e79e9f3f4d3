//! Sends a batch to its tables: finds each topic's table and remembers which of them are done.
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use penstock_sdk::{Error, Result};

use crate::creation::{self, Opened};
use crate::exact::{self, Promise};
use crate::failure::{Cause, Failure};
use crate::handover::{Handover, Split};
use crate::incoming::{Class, Incoming};
use crate::notice::Notice;
use crate::pace::Pace;
use crate::server::Server;
use crate::settings::{RECORD_BYTES, Settings};
use crate::table::{Name, ZoneCache};
use crate::target::{Link, Outcome, Target, Wait};
use crate::wave::{self, Settled, Share};

pub struct Delivery {
    settings: Settings,
    link: Link,
    targets: HashMap<Name, Target>,
    receipts: Receipts,
    /// Knows what clickhouse-kafka-connect has inserted, where its place is taken.
    handover: Option<Handover>,
    pace: Pace,
    /// Inserts that were refused because of too many parts, since this was asked last.
    crowded: u64,
}

/// What metrics tell.
#[derive(Debug, PartialEq)]
pub struct Signals {
    pub hosts_set_aside: u64,
    pub refused_for_parts: u64,
    pub insert_gap: Duration,
}

/// Tables that have their part of a batch, while others do not: the batch comes again then, and must not be
/// inserted twice where it was inserted once.
#[derive(Default)]
struct Receipts {
    batch: u64,
    outcome: Outcome,
    done: Vec<Name>,
    /// Tokens of the ranges that were begun by somebody else, and are stored.
    ended: Vec<String>,
}

impl Delivery {
    pub fn new(settings: Settings, envelope: bool, wait: Wait) -> Result<Self> {
        let server = Server::new(&settings).map_err(Failure::into_error)?;
        let mut shape = settings.shape.clone();
        shape.envelope = envelope;
        let link = Link {
            server,
            zones: ZoneCache::new(settings.loss),
            shape,
            refresh: settings.refresh,
            exactly_once: settings.exactly_once,
            wishes: settings.wishes.clone(),
            evolution: settings.evolution,
            notices: Vec::new(),
            flush: settings.flush,
            wait,
        };
        let (targets, receipts) = (HashMap::new(), Receipts::default());
        let handover = Handover::new(&settings);
        Ok(Delivery { settings, link, targets, receipts, handover, pace: Pace::default(), crowded: 0 })
    }

    /// Refuses tables that are known by now and cannot keep what `exactlyOnce` promises. Whatever else is wrong with
    /// them, or with the server, is for the first write to find.
    pub fn check_tables(&mut self) -> Result<()> {
        if !self.settings.exactly_once {
            return Ok(());
        }
        for topic in self.settings.topics.clone() {
            let name = self.table(&topic);
            if self.targets.contains_key(&name) {
                continue;
            }
            match Target::open(&mut self.link, name.clone()) {
                Ok(target) => drop(self.targets.insert(name, target)),
                Err(failure) if failure.cause == Cause::Unfit => return Err(failure.into_error()),
                // The others would wait for the same servers in vain.
                Err(failure) if failure.cause.passes() => break,
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Inserts the batch. An error means that at least one table does not have its part yet.
    pub fn write(&mut self, records: &[Incoming<'_>], promise: Option<&Promise<'_>>) -> Result<Outcome> {
        let batch = identity(records);
        if self.receipts.batch != batch {
            self.receipts = Receipts { batch, ..Receipts::default() };
            self.refuse_large(records);
        }
        let split = match (&mut self.handover, promise) {
            (Some(handover), Some(promise)) => handover
                .split(&self.link.server, records, promise, &mut self.link.notices)
                .map_err(Failure::into_error)?,
            _ => Split::default(),
        };
        for (token, indices) in &split.begun {
            self.end(token, indices, records, promise).map_err(|failure| self.told(failure))?;
        }
        let mut parts = self.parts(records, &split);
        parts.retain(|(name, _)| !self.receipts.done.contains(name));
        for (_, indices) in parts.iter_mut().filter(|_| promise.is_some()) {
            exact::sort(records, indices);
        }
        for some in parts.chunks(self.settings.inserts_max.max(1)) {
            self.deliver_some(some, records, promise).map_err(|failure| self.told(failure))?;
        }
        self.keep_rejected(records).map_err(Failure::into_error)?;
        let outcome = std::mem::take(&mut self.receipts).outcome;
        if outcome.inserts > 0 {
            self.pace.stored(Instant::now(), outcome.was_delayed);
        }
        Ok(outcome)
    }

    /// Inserts a range that somebody else had begun, under its token.
    fn end(
        &mut self,
        token: &str,
        indices: &[usize],
        records: &[Incoming<'_>],
        promise: Option<&Promise<'_>>,
    ) -> Result<(), Failure> {
        let (Some(promise), Some(first)) = (promise, indices.first()) else { return Ok(()) };
        if self.receipts.ended.iter().any(|ended| ended == token) {
            return Ok(());
        }
        let name = self.table(records[*first].topic);
        let promise = Promise { token, is_foreign: true, ..*promise };
        let indices: Vec<_> =
            indices.iter().copied().filter(|index| !self.is_large(&records[*index])).collect();
        let outcome = self.deliver(&name, records, &indices, Some(&promise))?;
        self.receipts.outcome.add(outcome);
        self.receipts.ended.push(token.to_owned());
        Ok(())
    }

    /// How long to wait before the next batch, for the sake of the server's merges.
    pub fn pause(&self) -> Duration {
        self.pace.left(Instant::now())
    }

    /// For metrics: what happened since this was asked last, and the time that is left between inserts.
    pub fn take_signals(&mut self) -> Signals {
        Signals {
            hosts_set_aside: self.link.server.take_set_aside(),
            refused_for_parts: std::mem::take(&mut self.crowded),
            insert_gap: self.pace.gap(),
        }
    }

    /// As the worker is told.
    fn told(&mut self, failure: Failure) -> Error {
        if failure.cause != Cause::Crowded {
            return failure.into_error();
        }
        self.crowded += 1;
        Error::retry_after(self.pace.refused(), failure.sentence)
    }

    /// Delivers to a few tables at the same time, and then one by one where that is not enough. A receipt is kept for
    /// each that has its part, whatever becomes of the others.
    fn deliver_some(
        &mut self,
        parts: &[(Name, Vec<usize>)],
        records: &[Incoming<'_>],
        promise: Option<&Promise<'_>>,
    ) -> Result<(), Failure> {
        let mut failed = None;
        let mut alone: Vec<&(Name, Vec<usize>)> = Vec::new();
        let mut shares = Vec::new();
        for part in parts {
            let target = if parts.len() > 1 { self.opened(&part.0) } else { None };
            match target {
                Some(target) => shares.push(Share { name: &part.0, target, indices: &part.1 }),
                None => alone.push(part),
            }
        }
        let settled = wave::send(&mut self.link, records, &mut shares, promise);
        for (share, settled) in shares.into_iter().zip(settled) {
            match settled {
                Settled::Done(outcome) => self.keep_receipt(share.name, outcome),
                Settled::Failed(failure) => failed = Some(failure),
                Settled::Open => alone.extend(parts.iter().find(|(name, _)| name == share.name)),
            }
            self.targets.insert(share.name.clone(), share.target);
        }
        for (name, indices) in alone {
            match self.deliver(name, records, indices, promise) {
                Ok(outcome) => self.keep_receipt(name, outcome),
                // The others would meet the same server.
                Err(failure) if failure.cause.passes() => return Err(failed.unwrap_or(failure)),
                Err(failure) => return Err(failure),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn keep_receipt(&mut self, name: &Name, outcome: Outcome) {
        self.receipts.outcome.add(outcome);
        self.receipts.done.push(name.clone());
    }

    /// Takes the table out of those that are known. What is wrong with one that cannot be opened is told when it is
    /// delivered to alone.
    fn opened(&mut self, name: &Name) -> Option<Target> {
        let known = self.targets.remove(name);
        known.or_else(|| Target::open(&mut self.link, name.clone()).ok())
    }

    /// What became of tables since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.link.notices)
    }

    /// Rejected records are durable before the batch is reported, if the user wants an error table.
    fn keep_rejected(&self, records: &[Incoming<'_>]) -> Result<(), Failure> {
        let Some(errors) = &self.settings.errors else { return Ok(()) };
        let rejected = self.receipts.outcome.rejected.iter();
        let rejected = rejected.map(|(index, refusal)| (&records[*index], refusal));
        let named = rejected.map(|(record, refusal)| (self.table(record.topic), (record, refusal)));
        errors.write(&self.link.server, named)
    }

    fn deliver(
        &mut self,
        name: &Name,
        records: &[Incoming<'_>],
        indices: &[usize],
        promise: Option<&Promise<'_>>,
    ) -> Result<Outcome, Failure> {
        let mut target = match self.targets.remove(name) {
            Some(target) => Ok(target),
            None => match creation::open(&mut self.link, name, (records, indices), promise) {
                Ok(Opened::Ready(target)) => Ok(*target),
                Ok(Opened::Waits(outcome)) => return Ok(outcome),
                Err(failure) => Err(failure),
            },
        };
        let result = match &mut target {
            Ok(target) => match promise {
                None => target.deliver(&mut self.link, records, indices, None),
                Some(promise) => target.deliver_planned(&mut self.link, records, indices, promise),
            },
            Err(_) => Ok(Outcome::default()),
        };
        // A table that is gone is forgotten, so that one made anew under its name is read anew.
        match (target, result) {
            // It is created anew when the batch comes again.
            (Ok(_), Err(failure)) if failure.cause == Cause::MissingTable && self.link.wishes.creates => {
                Err(Failure { cause: Cause::Busy, ..failure })
            }
            (Err(failure), _) | (_, Err(failure)) if failure.cause == Cause::MissingTable => {
                if !self.settings.skip_missing_tables {
                    return Err(failure);
                }
                Ok(Outcome { without_table: indices.len() as u64, ..Outcome::default() })
            }
            (Err(failure), _) => Err(failure),
            (Ok(target), result) => {
                self.targets.insert(name.clone(), target);
                result
            }
        }
    }

    fn is_large(&self, record: &Incoming<'_>) -> bool {
        record.bytes() > self.settings.record_bytes_max
    }

    /// Records that are larger than may be: what a record takes on its way is a multiple of its size.
    fn refuse_large(&mut self, records: &[Incoming<'_>]) {
        let max = self.settings.record_bytes_max;
        for (index, record) in records.iter().enumerate().filter(|(_, record)| record.bytes() > max) {
            let reason = format!(
                "the record has {} bytes of key and value, and {RECORD_BYTES} lets {max} through",
                record.bytes()
            );
            self.receipts.outcome.rejected.push((index, record.refusal(Class::Parsing, &reason)));
        }
    }

    /// The records of each table that are not too large, tables in the order in which the batch names them.
    fn parts(&self, records: &[Incoming<'_>], split: &Split) -> Vec<(Name, Vec<usize>)> {
        let mut parts: Vec<(Name, Vec<usize>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        // Batches come partition by partition, so the topic is nearly always the one before.
        let mut last = ("", 0);
        let is_wanted = |index: usize, record: &Incoming<'_>| split.is_own(index) && !self.is_large(record);
        for (index, record) in records.iter().enumerate().filter(|(index, record)| is_wanted(*index, record))
        {
            if record.topic != last.0 || parts.is_empty() {
                let place = *places.entry(record.topic).or_insert_with(|| {
                    let name = self.table(record.topic);
                    parts.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                        parts.push((name, Vec::new()));
                        parts.len() - 1
                    })
                });
                last = (record.topic, place);
            }
            parts[last.1].1.push(index);
        }
        parts
    }

    fn table(&self, topic: &str) -> Name {
        self.settings.table(topic)
    }
}

/// Tells a batch that comes again from a new one.
fn identity(records: &[Incoming<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    records.len().hash(&mut hasher);
    for record in records.first().into_iter().chain(records.last()) {
        (record.topic, record.partition, record.offset).hash(&mut hasher);
    }
    let sum = records.iter().fold(0_i64, |sum, record| sum.wrapping_mul(31).wrapping_add(record.offset));
    sum.hash(&mut hasher);
    hasher.finish()
}
