//! Change events of Debezium in Avro.
use formats::avro::Type;

use super::super::event::{NO_EVENT, NO_ROW, VersionSlot, put_position, said};
use super::super::position;
use super::fields::{Finder, Reading, Row};
use super::{Decoder, Misfit, Program, Said, end};
use crate::avro::Run;
use crate::binary::Taken;
use crate::json::Cursor;

/// The fields of an event, in the order of its schema.
pub struct Change(Vec<Part>);

struct Part {
    role: Role,
    /// The place of its type.
    place: usize,
    version: Option<Version>,
}

enum Role {
    Before(Row),
    After(Row),
    Operation,
    Other,
}

/// How the row's version is found in a field.
enum Version {
    /// In the JSON of `source`, for this slot.
    Position(u32),
    Row(Row),
}

/// How a row is read, the place of its type, and its bytes.
type Image<'a> = (&'a Row, usize, &'a [u8]);

/// What an event says, and the bytes of its two images of the row.
#[derive(Default)]
struct Found<'a> {
    /// What its operation says; none if it has none.
    said: Option<Result<Said, String>>,
    before: Option<Image<'a>>,
    after: Option<Image<'a>>,
    position: Option<(u32, u128)>,
}

impl Change {
    /// An error is a sentence.
    pub fn compile(finder: &mut Finder<'_>, version: Option<&VersionSlot>) -> Result<Self, String> {
        let schema = finder.compiler.schema;
        let root = schema.root_place();
        let Type::Record(fields) = &schema.node(root).kind else {
            return Err(format!("the value is avro {}, {NO_EVENT}", finder.compiler.unfit(root).what));
        };
        let mut parts = Vec::new();
        for field in fields {
            let version = match version.filter(|version| version.first == field.name) {
                None => None,
                Some(version) if version.is_position => Some(Version::Position(version.slot)),
                Some(version) => Some(Version::Row(match version.level {
                    Some(level) => finder.inside(field.node, level as usize)?,
                    None => finder.column(version.slot, field.node)?,
                })),
            };
            let role = match &*field.name {
                "before" => Role::Before(finder.row(field.node)?),
                "after" => Role::After(finder.row(field.node)?),
                "op" => Role::Operation,
                _ => Role::Other,
            };
            parts.push(Part { role, place: field.node, version });
        }
        Ok(Change(parts))
    }

    fn read<'a>(
        &'a self,
        reading: &mut Reading<'_>,
        rest: &mut &'a [u8],
        scratch: &mut Vec<u8>,
    ) -> Taken<Found<'a>> {
        let mut found = Found::default();
        for Part { role, place, version } in &self.0 {
            let start = *rest;
            match version {
                Some(Version::Row(row)) => reading.row(row, &mut &*start)?,
                Some(Version::Position(slot)) => {
                    let json = text(reading.run(), *place, start, scratch)?;
                    let position = position::of(&mut Cursor::new(json)).ok().flatten();
                    found.position = position.map(|position| (*slot, position));
                }
                None => {}
            }
            match role {
                Role::Before(row) => found.before = Some((row, *place, start)),
                Role::After(row) => found.after = Some((row, *place, start)),
                Role::Operation => {
                    let json = text(reading.run(), *place, start, scratch)?;
                    let operation = json.strip_prefix('"').map(|text| text.trim_end_matches('"'));
                    found.said = operation.map(|operation| said(Some(operation)));
                }
                Role::Other => {}
            }
            reading.run().skips.skip(*place, rest)?;
        }
        end(rest)?;
        Ok(found)
    }
}

impl Decoder {
    /// Which of the two images of the row counts is known only when the whole event was read.
    pub(super) fn change(
        &mut self,
        (program, change): (&Program, &Change),
        body: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<Said, Misfit> {
        let mut rest = body;
        let mut reading = Reading::new(&program.shared, &mut self.rows);
        let found = change.read(&mut reading, &mut rest, scratch);
        let slot = reading.slot;
        let found = found.map_err(|fault| self.told(&fault, slot, (program.id, body.len() - rest.len())))?;
        let said = found.said.unwrap_or_else(|| said(None)).map_err(Misfit::told)?;
        if let Some((slot, position)) = found.position {
            put_position(&mut self.rows, slot, position).map_err(Misfit::told)?;
        }
        self.check_version().map_err(Misfit::told)?;
        let image = if said == Said::Delete { found.before } else { found.after };
        let mut is_there = false;
        if let Some((row, place, start)) = image {
            let mut reading = Reading::new(&program.shared, &mut self.rows);
            let mut rest = start;
            let read = reading.row(row, &mut rest);
            let Reading { is_nothing, slot, has_unknown, .. } = reading;
            self.unknown.any |= has_unknown;
            self.has_stray |= has_unknown;
            read.map_err(|fault| self.told(&fault, slot, (program.id, body.len() - rest.len())))?;
            is_there = !is_nothing;
            if is_there {
                self.keep_avro((program, place), start, scratch)?;
            }
        }
        match said {
            said if is_there => Ok(said),
            Said::Delete => Ok(Said::DeleteKey),
            _ => Err(Misfit::told(NO_ROW.to_owned())),
        }
    }
}

/// A value as JSON.
pub(super) fn text<'s>(
    run: &mut Run<'_>,
    place: usize,
    mut bytes: &[u8],
    scratch: &'s mut Vec<u8>,
) -> Taken<&'s str> {
    scratch.clear();
    run.text(place, &mut bytes, scratch)?;
    Ok(std::str::from_utf8(scratch).unwrap_or_default())
}
