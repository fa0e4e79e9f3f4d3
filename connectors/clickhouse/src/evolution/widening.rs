//! Finds the columns that have to be wider for records that were rejected, by trying.
use super::described::Described;
use super::wider::wider;
use crate::decoder::{self, Decoder, Keys, Refused};
use crate::failure::Failure;
use crate::incoming::Incoming;
use crate::json::Cursor;
use crate::proposal::{Column, Facts, Written, row, values};
use crate::shape::Shape;
use crate::types;
use crate::values::Zones;

/// What decoders are made from, beside columns.
pub struct Ground<'a> {
    pub shape: &'a Shape,
    pub zones: &'a Zones,
    pub keys: Option<&'a Keys>,
    pub table: &'a Described,
}

/// A column with its new type, and the one that it has.
pub struct Widening {
    pub column: Column,
    pub before: String,
}

/// The columns to widen, of those that the records were decoded by. It fails where nobody can read the records yet.
pub fn widenings<'b>(
    records: impl Iterator<Item = &'b Incoming<'b>>,
    ground: &Ground<'_>,
    columns: &[decoder::Column],
) -> Result<Vec<Widening>, Failure> {
    let Some(fit) = Fit::open(ground, columns.to_vec()) else { return Ok(Vec::new()) };
    let mut trial = Trial { ground, fit, written: ground.shape.schemas.as_deref().map(Written::new) };
    for record in records {
        trial.take(record)?;
    }
    let wider = columns.iter().zip(trial.fit.columns).filter(|(before, after)| *before != after);
    let widening = |(before, after): (&decoder::Column, decoder::Column)| Widening {
        column: Column { name: after.name, type_text: after.type_text },
        before: before.type_text.clone(),
    };
    Ok(wider.map(widening).collect())
}

/// Columns, and the decoder that fills them.
struct Fit {
    columns: Vec<decoder::Column>,
    decoder: Decoder,
}

impl Fit {
    fn open(ground: &Ground<'_>, columns: Vec<decoder::Column>) -> Option<Self> {
        let decoder = Decoder::open(&columns, ground.zones, ground.shape, ground.keys).ok()?;
        Some(Fit { columns, decoder })
    }
}

struct Trial<'a> {
    ground: &'a Ground<'a>,
    /// Takes all records so far that some wider columns take.
    fit: Fit,
    /// Reads values whose schemas a registry has.
    written: Option<Written<'a>>,
}

impl Trial<'_> {
    /// Widens columns until they take the record. If that is not to be had, they stay as they were: a column that is
    /// wider in vain would be rewritten for nothing.
    fn take(&mut self, record: &Incoming<'_>) -> Result<(), Failure> {
        let (mut wider, mut text) = (None, None);
        // Each round is for another column.
        for _ in 0..=self.fit.columns.len() {
            let fit: &mut Fit = wider.as_mut().unwrap_or(&mut self.fit);
            let misfit = match fit.decoder.take(record) {
                Err(Refused::Unread(failure)) => return Err(failure),
                Err(Refused::Misfit(misfit)) => misfit,
                Ok(_) => {
                    fit.decoder.clear();
                    if let Some(wider) = wider {
                        self.fit = wider;
                    }
                    return Ok(());
                }
            };
            let Some(name) = fit.decoder.column_of(&misfit).filter(|name| !self.ground.table.is_key(name))
            else {
                return Ok(());
            };
            if text.is_none() {
                text = text_of(record, self.written.as_mut())?;
            }
            let facts = text.as_deref().and_then(|text| facts(text, self.ground.shape, name));
            let Some(columns) = facts.and_then(|facts| widened(&fit.columns, name, &facts)) else {
                return Ok(());
            };
            match Fit::open(self.ground, columns) {
                Some(fit) => wider = Some(fit),
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The record as JSON.
fn text_of(record: &Incoming<'_>, written: Option<&mut Written<'_>>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(value) = record.value else { return Ok(None) };
    match written {
        Some(written) => written.text(value),
        None => Ok(Some(value.to_vec())),
    }
}

/// What there is to know of a record's values that go to a column. `None` if that cannot be read.
fn facts(text: &[u8], shape: &Shape, name: &str) -> Option<Facts> {
    let (mut facts, mut room, mut is_read) = (Facts::default(), NAMES_MAX, true);
    values(&row(text, shape)?, shape, &mut |column, raw| {
        if column == name {
            is_read &= facts.read(&mut Cursor::new(raw), 1, &mut room).is_ok();
        }
    });
    is_read.then_some(facts)
}

/// The columns with a wider one among them.
fn widened(columns: &[decoder::Column], name: &str, facts: &Facts) -> Option<Vec<decoder::Column>> {
    let mut columns = columns.to_vec();
    let column = columns.iter_mut().find(|column| column.name == name)?;
    let ty = types::parse(&column.type_text).ok()?;
    let inside = column.type_text.strip_prefix(LOW).and_then(|rest| rest.strip_suffix(')'));
    // The text of a type that is not all there once it was parsed could not be written again.
    if ty.to_string() != inside.unwrap_or(&column.type_text) {
        return None;
    }
    let wider = wider(&ty, facts)?;
    column.type_text = if inside.is_some() { format!("{LOW}{wider})") } else { wider.to_string() };
    Some(columns)
}

const LOW: &str = "LowCardinality(";
/// Names of the keys of maps: more than a few of them say no more of the type.
const NAMES_MAX: usize = 1000;
