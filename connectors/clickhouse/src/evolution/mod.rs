//! Alters a table for records that have fields without a column, or values that a column does not hold.
mod additions;
mod described;
mod widening;
mod wider;

use std::collections::HashSet;

use crate::decoder;
use crate::failure::{Cause, Failure};
use crate::incoming::{Class, Incoming};
use crate::notice::Notice;
use crate::proposal::{self, Column, Sample};
use crate::server::Check;
use crate::table::Name;
use crate::target::{Link, Outcome};
use crate::upsert;
use additions::{Additions, additions};
use described::Described;
use widening::{Ground, Widening, widenings};

/// What the settings say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evolution {
    pub mode: Mode,
    /// How often columns are read again until an altered table shows what was altered.
    pub refresh_retries: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mode {
    #[default]
    Off,
    Add,
    Widen,
    /// The decoder does it.
    Overflow,
    Halt,
}

/// An altered column, and what the table shows once it is.
pub struct Change {
    pub name: String,
    /// The type that it had; `None` if there was none.
    pub before: Option<String>,
}

/// One table's records that do not fit it, and what is not tried again for it.
#[derive(Default)]
pub struct Evolver {
    /// Records of the batch at hand that have a value without a column.
    strays: Vec<usize>,
    /// Names that get no column.
    declined: HashSet<String>,
    /// Columns, with their type, that the server does not widen.
    stuck: HashSet<(String, String)>,
}

/// The part of a batch that an insert has, and what to ask before anything is sent.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    pub records: &'a [Incoming<'a>],
    pub check: Check<'a>,
}

impl Evolver {
    pub fn new(evolution: Evolution) -> Option<Self> {
        let alters = matches!(evolution.mode, Mode::Add | Mode::Widen | Mode::Halt);
        alters.then(Evolver::default)
    }

    /// A batch is decoded from its beginning.
    pub fn begin(&mut self) {
        self.strays.clear();
    }

    /// A record has a value without a column.
    pub fn stray(&mut self, index: usize) {
        self.strays.push(index);
    }

    pub fn has_strays(&self) -> bool {
        !self.strays.is_empty()
    }

    /// Whether a batch that was decoded may need another table.
    pub fn has_work(&self, evolution: Evolution, outcome: &Outcome) -> bool {
        self.has_strays() || misfits(evolution, outcome).next().is_some()
    }

    /// Alters the table as the batch needs it, and answers what was altered. `None` if somebody else has altered it
    /// since the batch was decoded, by these columns.
    pub fn evolve(
        &mut self,
        link: &mut Link,
        name: &Name,
        part: Part<'_>,
        (outcome, columns): (&Outcome, &[decoder::Column]),
    ) -> Result<Option<Vec<Change>>, Failure> {
        let rejected: Vec<_> = misfits(link.evolution, outcome).collect();
        if self.strays.is_empty() && rejected.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let table = Described::read(&link.server, name)?;
        if !table.is_like(columns) {
            return Ok(None);
        }
        let mut changes = self.widen(link, name, (&table, columns), (part, &rejected))?;
        changes.extend(self.add(link, name, &table, (part, &rejected))?);
        Ok(Some(changes))
    }

    fn add(
        &mut self,
        link: &mut Link,
        name: &Name,
        table: &Described,
        (part, rejected): (Part<'_>, &[usize]),
    ) -> Result<Vec<Change>, Failure> {
        let indices = self.strays.iter().chain(rejected);
        let strays = indices.map(|&index| &part.records[index]);
        let sample = Sample::of_values(strays, &link.shape)?;
        let found = additions(&sample, &link.shape, table, link.wishes.objects_as_json);
        if link.evolution.mode == Mode::Halt {
            return halt(link, name, &found).map_or(Ok(Vec::new()), Err);
        }
        self.decline(link, name, found.declined);
        if found.columns.is_empty() {
            return Ok(Vec::new());
        }
        table.check(name, &found.columns, link.wishes.cluster.as_deref())?;
        for columns in found.columns.chunks(COLUMNS_PER_ALTER) {
            run(link, name, &adding(link, name, columns), part.check)?;
            let names: Vec<_> = columns.iter().map(proposal::definition).collect();
            link.notices.push(Notice::done(
                "columns_added",
                columns.len(),
                format!("table {name} has got {}", names.join(", ")),
            ));
        }
        Ok(found.columns.into_iter().map(|column| Change { name: column.name, before: None }).collect())
    }

    fn widen(
        &mut self,
        link: &mut Link,
        name: &Name,
        (table, columns): (&Described, &[decoder::Column]),
        (part, rejected): (Part<'_>, &[usize]),
    ) -> Result<Vec<Change>, Failure> {
        let mut changes = Vec::new();
        if rejected.is_empty() || table.is_front() {
            return Ok(changes);
        }
        let zones = link.zones.zones(&link.server, columns)?;
        let upserts = link.shape.upserts.as_ref();
        let keys = upserts.map(|upserts| upsert::keys(&link.server, name, upserts)).transpose()?;
        let ground = Ground { shape: &link.shape, zones: &zones, keys: keys.as_ref(), table };
        let records = rejected.iter().map(|&index| &part.records[index]);
        for Widening { column, before } in widenings(records, &ground, columns)? {
            if self.stuck.contains(&(column.name.clone(), before.clone())) {
                continue;
            }
            let alter = proposal::alter(name, link.wishes.cluster.as_deref());
            let definition = proposal::definition(&column);
            match run(link, name, &format!("{alter} MODIFY COLUMN {definition}"), part.check) {
                Ok(()) => {
                    let sentence = format!("table {name}: column {definition} was {before}");
                    link.notices.push(Notice::done("columns_widened", 1, sentence));
                    changes.push(Change { name: column.name, before: Some(before) });
                }
                // Whoever asks for wider columns and may not have them is told; a column that cannot be altered
                // leaves its records as they are.
                Err(failure) if is_final(failure.cause) => return Err(failure),
                Err(failure) => {
                    self.stuck.insert((column.name, before));
                    link.notices.push(Notice::warning("columns_not_widened", 1, failure.sentence));
                }
            }
        }
        Ok(changes)
    }

    /// Names are counted and told once, as many as are worth remembering.
    fn decline(&mut self, link: &mut Link, name: &Name, declined: Vec<(String, &'static str)>) {
        let mut count = 0;
        let mut first = None;
        for (field, reason) in declined {
            if self.declined.len() < DECLINED_MAX && self.declined.insert(field.clone()) {
                count += 1;
                first.get_or_insert((field, reason));
            }
        }
        if let Some((field, reason)) = first {
            let field = proposal::short(&field);
            let ignored = match count {
                1 => format!("field {field:?} is"),
                2 => format!("field {field:?} and one other are"),
                _ => format!("field {field:?} and {} others are", count - 1),
            };
            let sentence = format!("table {name}: {ignored} ignored: {reason}");
            link.notices.push(Notice::warning("fields_ignored", count, sentence));
        }
    }
}

/// The records that a wider column might take.
fn misfits(evolution: Evolution, outcome: &Outcome) -> impl Iterator<Item = usize> {
    let widens = evolution.mode == Mode::Widen;
    let parsing =
        outcome.rejected.iter().filter(move |(_, refusal)| widens && refusal.class == Class::Parsing);
    parsing.map(|(index, _)| *index)
}

fn adding(link: &Link, name: &Name, columns: &[Column]) -> String {
    let adds: Vec<_> = columns
        .iter()
        .map(|column| format!("ADD COLUMN IF NOT EXISTS {}", proposal::definition(column)))
        .collect();
    format!("{} {}", proposal::alter(name, link.wishes.cluster.as_deref()), adds.join(", "))
}

/// A statement that fails for what another task did in the meantime is tried once more.
fn run(link: &Link, name: &Name, statement: &str, check: Check<'_>) -> Result<(), Failure> {
    let run = || link.server.run(statement, check);
    let result = run().or_else(|failure| if is_final(failure.cause) { Err(failure) } else { run() });
    result.map_err(|failure| {
        let advice = match failure.cause {
            Cause::Refused => format!("; grant it, or run {statement}"),
            _ => String::new(),
        };
        let failure = failure.within(&format!("altering table {name}"));
        Failure { sentence: failure.sentence + &advice, ..failure }
    })
}

/// Another statement would meet the same.
fn is_final(cause: Cause) -> bool {
    cause.passes() || matches!(cause, Cause::Refused | Cause::MissingTable)
}

/// Why a task stops that is to stop at fields without a column; `None` if there are none.
fn halt(link: &Link, name: &Name, found: &Additions) -> Option<Failure> {
    let sentence = if let Some(column) = found.columns.first() {
        let columns = &found.columns[..found.columns.len().min(COLUMNS_PER_ALTER)];
        let (field, type_text) = (proposal::short(&column.name), &column.type_text);
        let statement = adding(link, name, columns);
        format!("has no column for field {field:?}, which looks like {type_text}; run {statement}")
    } else {
        let (field, reason) = found.declined.first()?;
        format!("can have no column for field {:?}: {reason}", proposal::short(field))
    };
    Some(Failure::new(Cause::Schema, format!("schemaEvolution=halt: table {name} {sentence}")))
}

/// Columns of one statement: a longer one would be no easier to read, and is parsed as a whole.
const COLUMNS_PER_ALTER: usize = 100;
/// Names that are remembered as ignored, so that each is told once.
const DECLINED_MAX: usize = 1000;
