//! One target table: decodes the records that go to it and inserts them, with the columns that it has now.
use std::time::{Duration, Instant};

use crate::decoder::{Appended, Column, Decoder, Keys, Refused};
use crate::evolution::{Change, Evolution, Evolver, Part};
use crate::exact::{Guarantee, Promise};
use crate::failure::{Cause, Failure};
use crate::incoming::{Class, Incoming, Refusal};
use crate::notice::Notice;
use crate::parts;
use crate::proposal::Wishes;
use crate::server::{Check, Sending, Server};
use crate::settings::Flush;
use crate::shape::Shape;
use crate::table::{self, Name, ZoneCache};
use crate::upsert;
use crate::values::Zones;

/// What became of records that were delivered.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Indices of records that were not inserted, and why.
    pub rejected: Vec<(usize, Refusal)>,
    pub rows: u64,
    pub inserts: u64,
    /// Records without a value, for which there is nothing to insert.
    pub tombstones: u64,
    /// Records passed over because their table does not exist.
    pub without_table: u64,
    /// The server held an insert back, because merges do not keep up with its parts.
    pub was_delayed: bool,
}

impl Outcome {
    pub fn add(&mut self, mut other: Outcome) {
        self.rejected.append(&mut other.rejected);
        self.rows += other.rows;
        self.inserts += other.inserts;
        self.tombstones += other.tombstones;
        self.without_table += other.without_table;
        self.was_delayed |= other.was_delayed;
    }
}

/// The way to the server, and what was learnt of it.
pub struct Link {
    pub server: Server,
    pub zones: ZoneCache,
    /// How records become rows.
    pub shape: Shape,
    /// How long columns are believed.
    pub refresh: Option<Duration>,
    /// Tables that cannot drop what comes again are refused.
    pub exactly_once: bool,
    /// What tables are like that do not exist yet.
    pub wishes: Wishes,
    pub evolution: Evolution,
    /// What the worker is to be told, for as long as it was not.
    pub notices: Vec<Notice>,
    /// How often the connector inserts.
    pub flush: Flush,
    pub wait: Wait,
}

/// Sleeps, and answers true at once when the task is to end.
pub type Wait = Box<dyn Fn(Duration) -> bool + Send>;

pub struct Target {
    name: Name,
    columns: Vec<Column>,
    decoder: Decoder,
    looked_at: Instant,
    /// When its parts were last counted, and whether they were many.
    counted: Option<(Instant, bool)>,
    /// What the table does against repetition; known under `exactlyOnce` alone.
    guarantee: Option<Guarantee>,
    /// Alters the table for records that do not fit it.
    evolver: Option<Evolver>,
}

impl Target {
    pub fn open(link: &mut Link, name: Name) -> Result<Self, Failure> {
        let (columns, zones) = look(link, &name)?;
        let decoder = decoder(link, &name, &columns, &zones)?;
        let look = || Guarantee::look(&link.server, &name, &columns, link.flush);
        let guarantee = link.exactly_once.then(look).transpose()?;
        let evolver = Evolver::new(link.evolution);
        let looked_at = Instant::now();
        Ok(Target { name, columns, decoder, looked_at, counted: None, guarantee, evolver })
    }

    /// Decodes the records for an insert that is sent beside those of other tables. `None` when there is more to it than
    /// one insert.
    pub fn prepare(
        &mut self,
        link: &mut Link,
        records: &[Incoming<'_>],
        indices: &[usize],
        promise: Option<&Promise<'_>>,
    ) -> Option<Outcome> {
        let forgets = |guarantee: &Guarantee| promise.is_some_and(|promise| guarantee.forgets(promise));
        if self.guarantee.as_ref().is_some_and(forgets) || indices.len() > self.rows_max() {
            return None;
        }
        if self.is_old(link) {
            self.look_again(link).ok()?;
        }
        let outcome = self.decode_for(link, records, indices).ok()?;
        // A table that may have to be altered is delivered to alone.
        let is_whole =
            self.evolver.as_ref().is_none_or(|evolver| !evolver.has_work(link.evolution, &outcome));
        is_whole.then_some(outcome)
    }

    /// The insert of what was decoded, if that is anything.
    pub fn sending(&mut self, token: Option<String>) -> Option<Sending<'_>> {
        if self.decoder.rows() == 0 {
            return None;
        }
        let insert = self.decoder.insert();
        Some(Sending { statement: self.name.insert_statement(&insert.columns), insert, token })
    }

    /// Whether an insert that took so long was held back for the table's parts.
    pub fn was_delayed(&mut self, link: &Link, took: Duration) -> bool {
        if took < SLOW {
            return false;
        }
        match self.counted {
            Some((at, are_many)) if at.elapsed() < COUNT_INTERVAL => are_many,
            Some(_) | None => {
                let are_many = parts::are_many(&link.server, &self.name);
                self.counted = Some((Instant::now(), are_many));
                are_many
            }
        }
    }

    fn is_old(&self, link: &Link) -> bool {
        link.refresh.is_some_and(|interval| self.looked_at.elapsed() >= interval)
    }

    /// Short records can mean long rows where a table is wide.
    fn rows_max(&self) -> usize {
        (INSERT_BYTES / self.decoder.row_bytes_min().max(1)).max(1)
    }

    /// Inserts the records at `indices`. When the server refuses the insert for what is in it, halves are tried
    /// until the records at fault are found; the others are inserted.
    pub fn deliver(
        &mut self,
        link: &mut Link,
        records: &[Incoming<'_>],
        indices: &[usize],
        promise: Option<&Promise<'_>>,
    ) -> Result<Outcome, Failure> {
        if self.is_old(link) {
            self.look_again(link)?;
        }
        let mut outcome = Outcome::default();
        let mut refused = 0;
        // Another program's token is for one insert of the whole.
        let is_whole = promise.is_some_and(|promise| promise.is_foreign);
        let rows_max = if is_whole { indices.len().max(1) } else { self.rows_max() };
        let mut pending: Vec<_> = indices.chunks(rows_max).rev().collect();
        while let Some(part) = pending.pop() {
            let token = promise.map(|promise| promise.token_of(&self.name, records, (part, indices)));
            let failure = match self.attempt(link, records, part, (promise, token.as_deref())) {
                Ok(done) => {
                    outcome.add(done);
                    continue;
                }
                Err(failure) => failure,
            };
            let is_general = outcome.inserts == 0 && refused == REFUSED_MAX;
            if failure.cause != Cause::Data || is_general || self.may_be_partly_stored() {
                return Err(failure);
            }
            if let [index] = part {
                refused += 1;
                outcome.rejected.push((*index, records[*index].refusal(Class::Server, &failure.sentence)));
            } else {
                let (first, second) = part.split_at(part.len() / 2);
                pending.extend([second, first]);
            }
        }
        outcome.rejected.sort_unstable_by_key(|(index, _)| *index);
        Ok(outcome)
    }

    /// As [`Self::deliver`], without what an earlier attempt stored. A plan that is older than what the server surely
    /// remembers is compared with the table.
    pub fn deliver_planned(
        &mut self,
        link: &mut Link,
        records: &[Incoming<'_>],
        indices: &[usize],
        promise: &Promise<'_>,
    ) -> Result<Outcome, Failure> {
        let Some(guarantee) = self.guarantee.as_ref().filter(|guarantee| guarantee.forgets(promise)) else {
            return self.deliver(link, records, indices, Some(promise));
        };
        let missing = guarantee.missing(&link.server, &self.name, records, indices)?;
        if missing.len() == indices.len() {
            return self.deliver(link, records, indices, Some(promise));
        }
        let token = promise.token_of(&self.name, records, (&missing, indices));
        self.deliver(link, records, &missing, Some(&Promise { token: &token, ..*promise }))
    }

    /// Under a token, an insert that was refused for its data must have stored nothing before it may be cut in two.
    /// What views did until then nobody can tell.
    fn may_be_partly_stored(&self) -> bool {
        self.guarantee.as_ref().is_some_and(|guarantee| guarantee.has_views)
    }

    /// One insert; a second one if the table has changed since its columns were read.
    fn attempt(
        &mut self,
        link: &mut Link,
        records: &[Incoming<'_>],
        part: &[usize],
        (promise, token): (Option<&Promise<'_>>, Option<&str>),
    ) -> Result<Outcome, Failure> {
        let check = || promise.map_or(Ok(()), Promise::check);
        let mut outcome = self.decode_for(link, records, part)?;
        let mut rounds = 0;
        while self.evolve(link, Part { records, check: &check }, &outcome)? {
            rounds += 1;
            if rounds > EVOLVE_ROUNDS {
                let sentence = format!("table {} is altered faster than a batch is decoded", self.name);
                return Err(Failure::new(Cause::Busy, sentence));
            }
            outcome = self.decode(records, part)?;
        }
        let took = match self.insert(link, token, &check) {
            Err(failure) if matches!(failure.cause, Cause::Schema | Cause::Data) => {
                if !self.look_again(link)? {
                    return Err(failure);
                }
                outcome = self.decode(records, part)?;
                self.insert(link, token, &check)?
            }
            result => result?,
        };
        outcome.was_delayed = self.was_delayed(link, took);
        Ok(outcome)
    }

    /// Decodes, once more if the records speak against the columns and these have changed.
    fn decode_for(
        &mut self,
        link: &mut Link,
        records: &[Incoming<'_>],
        part: &[usize],
    ) -> Result<Outcome, Failure> {
        let outcome = self.decode(records, part)?;
        if self.is_doubtful(&outcome) && self.look_again(link)? {
            return self.decode(records, part);
        }
        Ok(outcome)
    }

    /// Alters the table if the batch needs it and the settings say so. True if it has changed.
    fn evolve(&mut self, link: &mut Link, part: Part<'_>, outcome: &Outcome) -> Result<bool, Failure> {
        let Some(evolver) = &mut self.evolver else { return Ok(false) };
        let Some(changes) = evolver.evolve(link, &self.name, part, (outcome, &self.columns))? else {
            return self.look_again(link);
        };
        if changes.is_empty() {
            return Ok(false);
        }
        for round in 0..=link.evolution.refresh_retries {
            if round > 0 && (link.wait)(REFRESH_PAUSE) {
                break;
            }
            self.look_again(link)?;
            if changes.iter().all(|change| self.shows(change)) {
                return Ok(true);
            }
        }
        let sentence = format!("table {} was altered and does not show it yet", self.name);
        Err(Failure::new(Cause::Busy, sentence))
    }

    fn shows(&self, change: &Change) -> bool {
        let column = self.columns.iter().find(|column| column.name == change.name);
        column.is_some_and(|column| Some(&column.type_text) != change.before.as_ref())
    }

    /// Fails where nobody can read the records yet.
    fn decode(&mut self, records: &[Incoming<'_>], part: &[usize]) -> Result<Outcome, Failure> {
        self.decoder.clear();
        self.evolver.iter_mut().for_each(Evolver::begin);
        let mut outcome = Outcome::default();
        for &index in part {
            let record = &records[index];
            match self.decoder.take(record) {
                Ok(Appended::Row) => {
                    outcome.rows += 1;
                    if let Some(evolver) = self.evolver.as_mut().filter(|_| self.decoder.has_stray()) {
                        evolver.stray(index);
                    }
                }
                Ok(Appended::Tombstone) => outcome.tombstones += 1,
                Err(Refused::Misfit(misfit)) => {
                    outcome.rejected.push((index, record.refusal(Class::Parsing, &misfit)));
                }
                Err(Refused::Unread(failure)) => return Err(failure),
            }
        }
        outcome.inserts = u64::from(outcome.rows > 0);
        Ok(outcome)
    }

    /// Whether records speak against the columns as they were read: one does not fit, or has a field that the
    /// table may have got meanwhile.
    fn is_doubtful(&mut self, outcome: &Outcome) -> bool {
        let names = self.decoder.take_unknown();
        // Whoever alters the table for a field has to know whether somebody else did.
        let has_strays = self.evolver.as_ref().is_some_and(Evolver::has_strays);
        has_strays
            || !outcome.rejected.is_empty()
            || names.new
            || (names.any && self.looked_at.elapsed() >= LOOK_INTERVAL)
    }

    fn insert(&mut self, link: &Link, token: Option<&str>, check: Check<'_>) -> Result<Duration, Failure> {
        let context = format!("inserting into {}", self.name);
        let Some(sending) = self.sending(token.map(str::to_owned)) else { return Ok(Duration::ZERO) };
        link.server.insert(&sending, check).map_err(|failure| failure.within(&context))
    }

    /// Reads the columns again. True if they have changed, which forgets what was decoded.
    fn look_again(&mut self, link: &mut Link) -> Result<bool, Failure> {
        let (columns, zones) = look(link, &self.name)?;
        self.looked_at = Instant::now();
        if columns == self.columns {
            return Ok(false);
        }
        self.decoder = decoder(link, &self.name, &columns, &zones)?;
        self.columns = columns;
        Ok(true)
    }
}

fn look(link: &mut Link, name: &Name) -> Result<(Vec<Column>, Zones), Failure> {
    let context = |failure: Failure| failure.within(&format!("reading the columns of {name}"));
    let columns = table::columns(&link.server, name).map_err(context)?;
    let zones = link.zones.zones(&link.server, &columns).map_err(context)?;
    Ok((columns, zones))
}

/// Makes the decoder of a table. What the user wants of it that it cannot have may be put right on the server.
fn decoder(link: &Link, name: &Name, columns: &[Column], zones: &Zones) -> Result<Decoder, Failure> {
    let keys: Option<Keys> = match &link.shape.upserts {
        Some(upserts) => Some(upsert::keys(&link.server, name, upserts)?),
        None => None,
    };
    Decoder::open(columns, zones, &link.shape, keys.as_ref())
        .map_err(|reason| Failure::new(Cause::Other, format!("table {name}: {reason}")))
}

/// Bytes of zero values that one insert may hold in memory.
const INSERT_BYTES: usize = 128 << 20;
/// When the server has refused this many records one by one and inserted none, it is not the records that are
/// wrong.
const REFUSED_MAX: usize = 20;
/// Each is a column that several tasks met at once, or one that the server would not widen.
const EVOLVE_ROUNDS: u32 = 20;
/// Between two looks at a table that was altered on another replica.
const REFRESH_PAUSE: Duration = Duration::from_millis(200);
/// How often records with fields that the table does not have make the sink look for new columns.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// An insert that takes longer may have been held back for its table's parts.
const SLOW: Duration = Duration::from_secs(1);
/// How long the answer to that is believed.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);
