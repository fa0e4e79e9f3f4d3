//! Decodes lines of CSV and TSV: the cell at each place goes into one column.
mod cells;
mod place;
#[cfg(test)]
mod tests;

use super::paths::{Action, Paths};
use super::rows::Rows;
use super::slot::Slot;
use super::{Decoder, Failure, Misfit, Said};
use crate::json::Cursor;
use crate::shape::{Format, LineShape};
use cells::{Broken, Cells};
use place::Place;

/// How the lines of one table are read.
pub struct Lines {
    format: Format,
    places: Vec<Place>,
    cells: Cells,
    /// A cell as JSON, as columns take their values.
    json: String,
}

impl Lines {
    /// Without names in the settings, the places are those of the columns.
    pub fn open(shape: &LineShape, rows: &Rows, paths: &Paths) -> Self {
        let place = |action| Place::new(action, &rows.slots);
        let own = || (0..rows.slots.len() as u32).map(Action::Column).map(place).collect();
        let named = || shape.names.iter().map(|name| place(paths.levels[0].find(name))).collect();
        Lines {
            format: shape.format,
            places: if shape.names.is_empty() { own() } else { named() },
            cells: Cells::new(shape.format),
            json: String::new(),
        }
    }
}

/// What messages need.
struct Words<'a> {
    format: Format,
    places: &'a [Place],
}

impl Words<'_> {
    /// What the cell at a place is called.
    fn name(&self, at: usize, slots: &[Slot]) -> String {
        let slot = self.places.get(at).and_then(Place::slot).map(|slot| &slots[slot]);
        slot.map_or_else(|| format!("cell {}", at + 1), |slot| format!("field {}", slot.field))
    }

    fn broken(&self, at: usize, broken: &Broken, slots: &[Slot]) -> Misfit {
        let (format, expected) = (self.format, self.places.len());
        Misfit::told(match broken {
            Broken::NotUtf8(byte) => {
                format!("{}: the cell is not UTF-8 at byte {byte}", self.name(at, slots))
            }
            Broken::SecondLine => {
                format!("the value has more than one line of {format}: expected one line for each record")
            }
            Broken::Unclosed => format!("{}: the quote of the cell is not closed", self.name(at, slots)),
            Broken::Escape(byte) => format!(
                "{}: a backslash before {:?} stands for nothing in {format}",
                self.name(at, slots),
                char::from(*byte)
            ),
            Broken::TooFew => format!(
                "the line has {at} cells of {format}, and there are {expected} places: {} is the first without one",
                self.name(at, slots)
            ),
            Broken::TooMany => {
                format!("the line has more than the {expected} cells of {format} that there are places for")
            }
        })
    }
}

impl Decoder {
    /// Reads a line, whose cells are as many as there are places.
    pub(super) fn read_line(&mut self, value: &[u8]) -> Result<Said, Misfit> {
        let Some(mut lines) = self.lines.take() else { return Ok(Said::Nothing) };
        let read = self.line(&mut lines, value);
        self.lines = Some(lines);
        if read.is_err() {
            self.rows.rollback();
        }
        read.map(|()| Said::Row)
    }

    fn line(&mut self, lines: &mut Lines, value: &[u8]) -> Result<(), Misfit> {
        let Lines { places, cells, json, format } = lines;
        let words = Words { format: *format, places };
        let mut rest = cells.begin(value);
        for (at, place) in places.iter().enumerate() {
            let cell = cells.next(&mut rest).and_then(|cell| cell.ok_or(Broken::TooFew));
            let cell = cell.map_err(|broken| words.broken(at, &broken, &self.rows.slots))?;
            if place.write(&cell, json) {
                self.cell(place, json).map_err(|failure| failure.explain(json, &self.rows.slots))?;
            }
        }
        cells.end(rest).map_err(|broken| words.broken(places.len(), &broken, &self.rows.slots))
    }

    fn cell(&mut self, place: &Place, json: &str) -> Result<(), Failure> {
        let mut json = Cursor::new(json);
        self.other(place.action, &mut json)?;
        Ok(json.end()?)
    }
}
