//! Sends a batch to its tables: finds each topic's table and remembers which of them are done.
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use penstock_sdk::Result;

use crate::creation::{self, Opened};
use crate::exact::{self, Promise};
use crate::failure::{Cause, Failure};
use crate::incoming::Incoming;
use crate::notice::Notice;
use crate::server::Server;
use crate::settings::Settings;
use crate::table::{Name, ZoneCache};
use crate::target::{Link, Outcome, Target};

pub struct Delivery {
    settings: Settings,
    link: Link,
    targets: HashMap<Name, Target>,
    receipts: Receipts,
}

/// Tables that have their part of a batch, while others do not: the batch comes again then, and must not be
/// inserted twice where it was inserted once.
#[derive(Default)]
struct Receipts {
    batch: u64,
    outcome: Outcome,
    done: Vec<Name>,
}

impl Delivery {
    pub fn new(settings: Settings, envelope: bool) -> Result<Self> {
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
            creates_tables: settings.creates_tables,
            evolution: settings.evolution,
            notices: Vec::new(),
        };
        Ok(Delivery { settings, link, targets: HashMap::new(), receipts: Receipts::default() })
    }

    /// Refuses tables that are known by now and cannot keep what `exactlyOnce` promises. Whatever else is wrong with
    /// them, or with the server, is for the first write to find.
    pub fn check_tables(&mut self) -> Result<()> {
        if !self.settings.exactly_once {
            return Ok(());
        }
        for topic in self.settings.topics.clone() {
            let name = self.table(&topic);
            match Target::open(&mut self.link, name) {
                Err(failure) if failure.cause == Cause::Unfit => return Err(failure.into_error()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Inserts the batch. An error means that at least one table does not have its part yet.
    pub fn write(&mut self, records: &[Incoming<'_>], promise: Option<&Promise<'_>>) -> Result<Outcome> {
        let batch = identity(records);
        if self.receipts.batch != batch {
            self.receipts = Receipts { batch, ..Receipts::default() };
        }
        for (name, mut indices) in self.parts(records) {
            if self.receipts.done.contains(&name) {
                continue;
            }
            if promise.is_some() {
                exact::sort(records, &mut indices);
            }
            let outcome = self.deliver(&name, records, &indices, promise).map_err(Failure::into_error)?;
            self.receipts.outcome.add(outcome);
            self.receipts.done.push(name);
        }
        self.keep_rejected(records).map_err(Failure::into_error)?;
        Ok(std::mem::take(&mut self.receipts).outcome)
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
            (Ok(_), Err(failure)) if failure.cause == Cause::MissingTable && self.link.creates_tables => {
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

    /// The records of each table, tables in the order in which the batch names them.
    fn parts(&self, records: &[Incoming<'_>]) -> Vec<(Name, Vec<usize>)> {
        let mut parts: Vec<(Name, Vec<usize>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        // Batches come partition by partition, so the topic is nearly always the one before.
        let mut last = ("", 0);
        for (index, record) in records.iter().enumerate() {
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
