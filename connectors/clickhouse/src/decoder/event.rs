//! Deletes: records without a value, and change events that say what became of a row.
use std::fmt::Write;

use super::paths::Paths;
use super::rows::Rows;
use super::{Decoder, Failure, Keys, Misfit, Refused, Said, Slot};
use crate::incoming::Incoming;
use crate::json::Cursor;
use crate::shape::{self, KeyForm, Upserts, Version};

/// How a table's rows are replaced and deleted.
pub struct Events {
    kind: shape::Events,
    pub version: Option<VersionSlot>,
    key: KeyForm,
    /// The slot of a key that is no JSON object.
    pub key_slot: Option<u32>,
    /// Slots that a delete must have.
    pub required: Vec<usize>,
    /// Text that is made for a column to read.
    scratch: String,
}

/// A version that is read from the change event.
pub struct VersionSlot {
    pub slot: u32,
    /// The outermost name on the way to it.
    pub first: String,
    /// Where the rest of the way begins; `None` if there is none.
    pub level: Option<u32>,
    /// It is made from several fields of `source`.
    pub is_position: bool,
}

/// What was found in a change event.
struct Parts<'a> {
    operation: Option<String>,
    before: Option<Cursor<'a>>,
    after: Option<Cursor<'a>>,
}

/// An error is a sentence on the settings and the table.
pub fn open(upserts: &Upserts, keys: &Keys, rows: &mut Rows, paths: &mut Paths) -> Result<Events, String> {
    let slot = |rows: &Rows, name: &str| rows.slots.iter().position(|slot| slot.name == name);
    let path = match &upserts.version {
        Version::Offset | Version::Timestamp => None,
        Version::Source => Some(vec!["source".to_owned()]),
        Version::Field(path) => Some(path.clone()),
    };
    let version = match (path, slot(rows, &keys.version)) {
        (Some(path), Some(slot)) => {
            rows.slots[slot].field = path.join(".");
            let level = (path.len() > 1).then(|| paths.add(&path[1..], slot));
            let is_position = upserts.version == Version::Source;
            Some(VersionSlot { slot: slot as u32, first: path[0].clone(), level, is_position })
        }
        _ => None,
    };
    let required: Vec<_> = keys.required.iter().filter_map(|name| slot(rows, name)).collect();
    let key_slot = match &upserts.key_column {
        Some(name) => match slot(rows, name) {
            Some(slot) => Some(slot as u32),
            None => {
                return Err(format!("upsertKeyColumn: the table has no column {name} that a field goes to"));
            }
        },
        None => required.first().filter(|_| required.len() == 1).map(|slot| *slot as u32),
    };
    let (kind, key) = (upserts.events, upserts.key.clone());
    Ok(Events { kind, version, key, key_slot, required, scratch: String::new() })
}

impl Events {
    /// Whether a value is a row however it looks inside.
    pub fn reads_no_values(&self) -> bool {
        self.kind == shape::Events::States
    }
}

impl Decoder {
    pub(super) fn takes_tombstones(&self) -> bool {
        self.events.as_ref().is_some_and(|events| events.kind == shape::Events::States)
    }

    pub(super) fn reads_events(&self) -> bool {
        self.events.as_ref().is_some_and(|events| events.kind == shape::Events::Debezium)
    }

    /// Reads a change event: which of its two images of the row counts is known only at its end.
    pub(super) fn event(&mut self, json: &mut Cursor<'_>) -> Result<Said, Failure> {
        let parts = self.parts(json)?;
        let said = said(parts.operation.as_deref()).map_err(Failure::Event)?;
        let image = if said == Said::Delete { parts.before } else { parts.after };
        self.check_version().map_err(Failure::Event)?;
        match image.and_then(object) {
            Some(mut image) => self.row(&mut image).map(|()| said),
            None if said == Said::Delete => Ok(Said::DeleteKey),
            None => Err(Failure::Event(NO_ROW.to_owned())),
        }
    }

    /// Takes the row in that deletes its key, which the record's own key names if `by_key`.
    pub(super) fn delete(&mut self, record: &Incoming<'_>, by_key: bool) -> Result<(), Refused> {
        let result = if by_key { self.key(record) } else { Ok(()) };
        let result = result.and_then(|()| Ok(self.check_delete()?));
        if result.is_err() {
            self.rows.rollback();
            return result;
        }
        self.end_row(record, true);
        Ok(())
    }

    fn parts<'a>(&mut self, json: &mut Cursor<'a>) -> Result<Parts<'a>, Failure> {
        let mut parts = Parts { operation: None, before: None, after: None };
        json.enter()?;
        let mut more = json.any(b'}')?;
        while more {
            let name = json.string()?;
            json.expect(b':', "\":\"")?;
            self.version(&name, json)?;
            match &*name {
                "before" => parts.before = Some(json.clone()),
                "after" => parts.after = Some(json.clone()),
                "op" if json.peek() == b'"' => parts.operation = Some(json.clone().string()?.into_owned()),
                _ => {}
            }
            json.skip()?;
            more = json.more(b'}')?;
        }
        Ok(parts)
    }

    /// Reads the version if it is in the field of this name, whose value comes next and is left to be read.
    fn version(&mut self, name: &str, json: &Cursor<'_>) -> Result<(), Failure> {
        let Some(version) = self.events.as_ref().and_then(|events| events.version.as_ref()) else {
            return Ok(());
        };
        if version.first != name {
            return Ok(());
        }
        let (slot, level) = (version.slot, version.level);
        if version.is_position {
            return match super::position::of(&mut json.clone())? {
                Some(position) => put_position(&mut self.rows, slot, position).map_err(Failure::Event),
                None => Ok(()),
            };
        }
        match level {
            Some(level) => self.inside(level, &mut json.clone()),
            None => self.field(slot, &mut json.clone()),
        }
    }

    /// Fails with a sentence if the event had to have a version and has none.
    pub(super) fn check_version(&self) -> Result<(), String> {
        let version = self.events.as_ref().and_then(|events| events.version.as_ref());
        match version.map(|version| version.slot as usize).filter(|slot| !self.rows.has(*slot)) {
            None => Ok(()),
            Some(slot) => {
                let field = &self.rows.slots[slot].field;
                Err(format!("field {field}: the event does not have it, and it is the row's version"))
            }
        }
    }

    fn check_delete(&self) -> Result<(), Misfit> {
        let required = self.events.as_ref().map(|events| events.required.as_slice()).unwrap_or_default();
        match required.iter().find(|slot| !self.rows.has(**slot)) {
            None => Ok(()),
            Some(&slot) => {
                let field = &self.rows.slots[slot].field;
                Err(Misfit::key(format!(
                    "field {field} is missing in the row to delete, which is found by it"
                )))
            }
        }
    }

    /// Reads the columns that the record's key gives.
    fn key(&mut self, record: &Incoming<'_>) -> Result<(), Refused> {
        let Some(key) = record.key else {
            return Err(Misfit::key("the record has no key, so it deletes nothing".to_owned()).into());
        };
        match (&self.avro_key, &self.protobuf_key) {
            (Some(_), _) => self.key_avro(key),
            (_, Some(_)) => self.key_protobuf(key),
            _ => Ok(self.text_key(key)?),
        }
    }

    fn text_key(&mut self, key: &[u8]) -> Result<(), Misfit> {
        let Some(events) = &mut self.events else { return Ok(()) };
        let integer = events.key == KeyForm::Integer;
        if let KeyForm::Other(format) = &events.key {
            return Err(Misfit::key(format!("the key has format {format}, which this sink cannot read")));
        }
        let mut scratch = std::mem::take(&mut events.scratch);
        let slot = events.key_slot;
        let is_json = events.key != KeyForm::Text;
        let result = if integer {
            number(key, &mut scratch).and_then(|()| self.plain_key(slot, &scratch))
        } else {
            match std::str::from_utf8(key) {
                Err(error) => Err(Misfit::not_utf8("key", error.valid_up_to())),
                Ok(text) if is_json || text.trim_start().starts_with('{') => self.json_key(slot, text),
                Ok(text) => {
                    json_string(text, &mut scratch);
                    self.plain_key(slot, &scratch)
                }
            }
        };
        if let Some(events) = &mut self.events {
            events.scratch = scratch;
        }
        result
    }

    fn json_key(&mut self, slot: Option<u32>, text: &str) -> Result<(), Misfit> {
        let mut json = Cursor::new(text);
        let is_envelope = self.events.as_ref().is_some_and(|events| events.key == KeyForm::Envelope);
        let read = if is_envelope { payload(&mut json) } else { Ok(json.clone()) };
        let mut payload = read.map_err(|failure| self.key_misfit(&failure, text))?;
        if payload.peek() != b'{' {
            let raw = payload.raw().map_err(|fault| self.key_misfit(&fault.into(), text))?;
            return self.plain_key(slot, raw);
        }
        let read = self.object(&mut payload, 0);
        read.map_err(|failure| self.key_misfit(&failure, text))
    }

    /// Reads a key that is one JSON value.
    fn plain_key(&mut self, slot: Option<u32>, text: &str) -> Result<(), Misfit> {
        let Some(slot) = slot else {
            let needs_one = self.events.as_ref().is_some_and(|events| !events.required.is_empty());
            return if needs_one { Err(Misfit::key(NO_KEY_COLUMN.to_owned())) } else { Ok(()) };
        };
        let read = self.field(slot, &mut Cursor::new(text));
        read.map_err(|failure| self.key_misfit(&failure, text))
    }

    fn key_misfit(&self, failure: &Failure, text: &str) -> Misfit {
        Misfit::key(format!("key: {}", failure.explain(text, &self.rows.slots)))
    }
}

/// What an event's operation does, or a sentence on why it does nothing.
pub fn said(operation: Option<&str>) -> Result<Said, String> {
    match operation {
        Some("c" | "r" | "u") => Ok(Said::Row),
        Some("d") => Ok(Said::Delete),
        Some(other) => Err(format!("field op: {} is {OPERATIONS}", quote(other))),
        None => Err(format!("the value has no field op, {NO_EVENT}")),
    }
}

/// Writes a position as the row's version.
pub fn put_position(rows: &mut Rows, slot: u32, position: u128) -> Result<(), String> {
    let text = position.to_string();
    rows.field(slot as usize, &mut Cursor::new(&text)).map_err(|_| {
        let Slot { name, type_text, .. } = &rows.slots[slot as usize];
        format!("field source: position {text} does not fit column {name} {type_text}")
    })
}

fn object(mut json: Cursor<'_>) -> Option<Cursor<'_>> {
    (json.peek() == b'{').then_some(json)
}

/// The cursor at the payload of JSON with a schema.
fn payload<'a>(json: &mut Cursor<'a>) -> Result<Cursor<'a>, Failure> {
    let mut found = None;
    if json.peek() != b'{' {
        return Err(Failure::NoPayload);
    }
    json.enter()?;
    let mut more = json.any(b'}')?;
    while more {
        let name = json.string()?;
        json.expect(b':', "\":\"")?;
        if name == "payload" {
            found = Some(json.clone());
        }
        json.skip()?;
        more = json.more(b'}')?;
    }
    found.ok_or(Failure::NoPayload)
}

fn number(key: &[u8], out: &mut String) -> Result<(), Misfit> {
    let number = match key.len() {
        2 => key.try_into().map(|bytes| i64::from(i16::from_be_bytes(bytes))),
        4 => key.try_into().map(|bytes| i64::from(i32::from_be_bytes(bytes))),
        _ => key.try_into().map(i64::from_be_bytes),
    };
    let number =
        number.map_err(|_| Misfit::key(format!("the key is no integer: it has {} bytes", key.len())))?;
    out.clear();
    let _ = write!(out, "{number}");
    Ok(())
}

/// Writes text as a JSON string.
fn json_string(text: &str, out: &mut String) {
    out.clear();
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            char if char < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('"');
}

fn quote(text: &str) -> String {
    format!("{:?}", text.chars().take(20).collect::<String>())
}

const OPERATIONS: &str = "no operation that this sink carries out: expected c, r, u or d";
pub const NO_EVENT: &str = "so it is no change event of Debezium";
pub const NO_ROW: &str = "field after: expected an object with the row";
pub const NO_KEY_COLUMN: &str =
    "the key is no JSON object, and upsertKeyColumn does not say which column it is for";
