//! Change events of Debezium in Protobuf.
use formats::protobuf::{Label, Type as Proto};

use super::super::event::{NO_EVENT, NO_ROW, VersionSlot, put_position, said};
use super::super::position;
use super::fields::{Finder, Level, Reading, Row};
use super::{Decoder, Misfit, Program, Said, text};
use crate::binary::Taken;
use crate::json::Cursor;
use crate::protobuf::{Chain, Notes, Run, TextOf, Wanted};

/// The fields of an event, in the order of their numbers.
pub struct Change {
    wanted: Wanted,
    parts: Vec<Part>,
}

struct Part {
    role: Role,
    /// Its values as JSON.
    value: TextOf,
    version: Option<Version>,
}

enum Role {
    Before(Level),
    After(Level),
    Operation,
    Other,
}

/// How the row's version is found in a field.
enum Version {
    /// In the JSON of `source`, for this slot.
    Position(u32),
    Row(Row),
}

/// How a row is read, and its values.
type Image<'a> = (&'a Level, TextOf, Chain);

/// What an event says, and the two images of the row.
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
        let message = &finder.compiler.outline.messages[0];
        if !message.fields.iter().any(|field| &*field.name == "op") {
            return Err(format!(
                "the value is protobuf message {} without a field op, {NO_EVENT}",
                message.name
            ));
        }
        let mut fields: Vec<_> = message.fields.iter().collect();
        fields.sort_by_key(|field| field.number);
        let mut parts = Vec::new();
        for field in &fields {
            let version = match version.filter(|version| *version.first == *field.name) {
                None => None,
                Some(version) if version.is_position => Some(Version::Position(version.slot)),
                Some(version) => match version.level {
                    Some(level) => finder.inside(field, level as usize)?.map(Version::Row),
                    None => Some(Version::Row(finder.column(version.slot, field)?)),
                },
            };
            let role = match (&*field.name, field.label, field.of) {
                ("before", Label::One, Proto::Message(place)) => Role::Before(finder.level(place, 0)?),
                ("after", Label::One, Proto::Message(place)) => Role::After(finder.level(place, 0)?),
                ("op", ..) => Role::Operation,
                _ => Role::Other,
            };
            parts.push(Part { role, value: TextOf::of(field), version });
        }
        let wanted: Vec<_> = fields.iter().map(|field| (field.number, field.union)).collect();
        Ok(Change { wanted: Wanted::new(&wanted), parts })
    }

    fn read<'a>(
        &'a self,
        reading: &mut Reading<'_>,
        event: Chain,
        scratch: &mut Vec<u8>,
    ) -> Taken<Found<'a>> {
        let mut found = Found::default();
        // The notes stay open: the images are read from them.
        let frame = reading.run.notes.open(reading.run.body, &self.wanted, event)?;
        for (place, part) in self.parts.iter().enumerate() {
            let values = reading.run.notes.values(frame, place);
            if values.is_empty() {
                continue;
            }
            match &part.version {
                Some(Version::Row(row)) => reading.row(row, values)?,
                Some(Version::Position(slot)) => {
                    let json = text(&mut reading.run, part.value, values, scratch)?;
                    let position = position::of(&mut Cursor::new(json)).ok().flatten();
                    found.position = position.map(|position| (*slot, position));
                }
                None => {}
            }
            match &part.role {
                Role::Before(level) => found.before = Some((level, part.value, values)),
                Role::After(level) => found.after = Some((level, part.value, values)),
                Role::Operation => {
                    let json = text(&mut reading.run, part.value, values, scratch)?;
                    let operation = json.strip_prefix('"').map(|text| text.trim_end_matches('"'));
                    found.said = operation.map(|operation| said(Some(operation)));
                }
                Role::Other => {}
            }
        }
        Ok(found)
    }
}

impl Decoder {
    /// Which of the two images of the row counts is known only when the whole event was read.
    pub(super) fn protobuf_change(
        &mut self,
        (program, change): (&Program, &Change),
        (body, notes): (&[u8], &mut Notes),
        scratch: &mut Vec<u8>,
    ) -> Result<Said, Misfit> {
        let event = notes.begin(body).map_err(|fault| self.told_protobuf(&fault, None, program.id))?;
        let mut reading = Reading::new(Run::new(body, notes, &program.texts), &mut self.rows);
        let found = change.read(&mut reading, event, scratch);
        let slot = reading.slot;
        let found = found.map_err(|fault| self.told_protobuf(&fault, slot, program.id))?;
        let said = found.said.unwrap_or_else(|| said(None)).map_err(Misfit::told)?;
        if let Some((slot, position)) = found.position {
            put_position(&mut self.rows, slot, position).map_err(Misfit::told)?;
        }
        self.check_version().map_err(Misfit::told)?;
        let image = if said == Said::Delete { found.before } else { found.after };
        let Some((level, row, values)) = image else {
            return if said == Said::Delete {
                Ok(Said::DeleteKey)
            } else {
                Err(Misfit::told(NO_ROW.to_owned()))
            };
        };
        let mut reading = Reading::new(Run::new(body, notes, &program.texts), &mut self.rows);
        let read = reading.level(level, values);
        let Reading { slot, has_unknown, .. } = reading;
        self.has_stray |= has_unknown;
        read.map_err(|fault| self.told_protobuf(&fault, slot, program.id))?;
        self.keep_protobuf(program, (body, notes, values), (row, scratch))?;
        Ok(said)
    }
}
