//! What is learnt of the records of one table before its columns are chosen.
use super::facts::{Facts, ROOM};
use super::keys::Keys;
use super::row;
use crate::incoming::Incoming;
use crate::shape::Shape;

#[derive(Default)]
pub struct Sample {
    /// What all rows have in common.
    pub root: Facts,
    pub keys: Keys,
    /// Records that could be read.
    pub records: usize,
}

impl Sample {
    /// Reads the records that hold a row, up to so many; the others say nothing about columns.
    pub fn read<'a>(records: impl Iterator<Item = &'a Incoming<'a>>, shape: &Shape, max: usize) -> Self {
        let mut sample = Sample::default();
        let mut room = ROOM;
        for record in records {
            if sample.records >= max && sample.has_fields() {
                break;
            }
            let row = record.value.filter(|_| !shape.raw_only).and_then(|value| row::row(value, shape));
            if let Some(row) = &row {
                // It was found to be JSON, and what is nested too deeply is stepped over.
                let _ = sample.root.read(&mut row.clone(), 0, &mut room);
            }
            if let Some(upserts) = &shape.upserts {
                sample.keys.read(record.key, row.as_ref(), &upserts.key);
            }
            sample.records += usize::from(row.is_some() || shape.raw_only);
        }
        sample
    }

    /// Whether a table can be made of it.
    pub fn has_fields(&self) -> bool {
        self.root.objects.as_ref().is_some_and(|objects| !objects.fields.is_empty())
    }
}
