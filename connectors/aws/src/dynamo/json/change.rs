//! Reads items of an export and changes of a stream, and writes the row and the key of each.
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Deserializer, Number};

use super::shape::Shape;
use super::value::Fields;
use crate::quote::quote;

/// What has happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Insert,
    Modify,
    Remove,
}

/// A change that was read; the key and the row of it are with the [`Reader`].
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub event: Event,
    /// When it happened, in microseconds since 1970, as exactly as the table says it.
    pub at_us: u64,
}

/// Reads one record at a time. Its memory is used again and again.
#[derive(Debug)]
pub struct Reader {
    shape: Shape,
    table: String,
    /// The table's partition key, and its sort key if it has one.
    keys: Vec<(String, Option<(usize, usize)>)>,
    /// The row as far as it is written, without its last brace.
    row: Vec<u8>,
    /// The same of the keys alone.
    short: Vec<u8>,
    key: Vec<u8>,
    path: String,
}

impl Reader {
    /// Of the table with this name and these key attributes.
    pub fn new(shape: Shape, table: &str, keys: &[String]) -> Self {
        let keys = keys.iter().map(|name| (name.clone(), None)).collect();
        let (row, short, key, path) = Default::default();
        Self { shape, table: table.into(), keys, row, short, key, path }
    }

    /// The key as a JSON object.
    pub fn key(&self) -> &str {
        std::str::from_utf8(&self.key).unwrap_or_default()
    }

    /// The row as a JSON object.
    pub fn row(&self) -> &str {
        std::str::from_utf8(&self.row).unwrap_or_default()
    }

    /// A line of an export: `{"Item":{…}}`. The error is a sentence.
    pub fn item(&mut self, line: &[u8], version: &str) -> Result<(), String> {
        self.begin();
        let mut from = Deserializer::from_slice(line);
        let read = from.deserialize_map(Line(self)).and_then(|()| from.end());
        read.map_err(|error| error.to_string())?;
        self.compose(false)?;
        self.finish(version, false);
        Ok(())
    }

    /// A change; none if it is one of another table. [`Self::finish`] is due then.
    pub fn change(&mut self, record: &[u8]) -> Result<Option<Change>, String> {
        self.begin();
        let mut found = Found::default();
        let mut from = Deserializer::from_slice(record);
        let read = from.deserialize_map(Record(self, &mut found)).and_then(|()| from.end());
        read.map_err(|error| error.to_string())?;
        if found.table.as_deref().is_some_and(|table| table != self.table) {
            return Ok(None);
        }
        let event = found.event.ok_or("expected eventName to be INSERT, MODIFY or REMOVE, got none")?;
        let at = found.at.ok_or("expected dynamodb.ApproximateCreationDateTime, got none")?;
        let at_us = microseconds(&at, found.precision.as_deref())?;
        if !found.has_keys {
            return Err("expected dynamodb.Keys, got none".into());
        }
        if event == Event::Remove {
            self.row.clear();
            self.row.extend_from_slice(&self.short);
        } else if !found.has_image {
            return Err("expected dynamodb.NewImage, as streams to Kinesis have it, got none".into());
        }
        self.compose(true)?;
        Ok(Some(Change { event, at_us }))
    }

    /// Adds what tells rows of one key apart.
    pub fn finish(&mut self, version: &str, is_deleted: bool) {
        let row = &mut self.row;
        for (name, value) in
            [(&self.shape.version, version), (&self.shape.deleted, if is_deleted { "true" } else { "false" })]
        {
            if row.last() != Some(&b'{') {
                row.push(b',');
            }
            quote(name, row);
            row.push(b':');
            row.extend_from_slice(value.as_bytes());
        }
        row.push(b'}');
    }

    fn begin(&mut self) {
        for buffer in [&mut self.row, &mut self.short, &mut self.key] {
            buffer.clear();
            // One large item need not be remembered for ever.
            buffer.shrink_to(KEPT);
        }
        self.row.push(b'{');
        self.short.push(b'{');
        self.path.clear();
        for (_, place) in &mut self.keys {
            *place = None;
        }
    }

    /// Writes the key, from where its attributes were written.
    fn compose(&mut self, from_keys: bool) -> Result<(), String> {
        let from = if from_keys { &self.short } else { &self.row };
        self.key.push(b'{');
        for (name, place) in &self.keys {
            let Some((start, end)) = *place else {
                return Err(format!("expected the key attribute {name:?} of table {}, got none", self.table));
            };
            if self.key.last() != Some(&b'{') {
                self.key.push(b',');
            }
            quote(self.shape.name(name).unwrap_or(name), &mut self.key);
            self.key.push(b':');
            self.key.extend_from_slice(from.get(start..end).unwrap_or_default());
        }
        self.key.push(b'}');
        Ok(())
    }

    /// Reads attributes into the row.
    fn image(&mut self) -> Fields<'_> {
        self.path.clear();
        Fields { out: &mut self.row, shape: &self.shape, path: &mut self.path, keys: &mut self.keys }
    }
}

/// What a change says beside its images.
#[derive(Default)]
struct Found {
    table: Option<String>,
    event: Option<Event>,
    at: Option<Number>,
    precision: Option<String>,
    has_keys: bool,
    has_image: bool,
}

struct Line<'r>(&'r mut Reader);

impl<'de> Visitor<'de> for Line<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a line {\"Item\":{…}} of a full export")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_item = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "Item" && !has_item {
                map.next_value_seed(self.0.image())?;
                has_item = true;
            } else {
                return Err(A::Error::custom(format_args!("expected Item alone, got {name:?}")));
            }
        }
        if has_item { Ok(()) } else { Err(A::Error::custom("expected Item, got nothing")) }
    }
}

struct Record<'r, 'f>(&'r mut Reader, &'f mut Found);

impl<'de> Visitor<'de> for Record<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a change of a DynamoDB table as a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Record(reader, found) = self;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "eventName" => {
                    found.event = Some(event(&map.next_value::<String>()?).map_err(A::Error::custom)?);
                }
                "tableName" => found.table = Some(map.next_value()?),
                "dynamodb" => map.next_value_seed(Images(&mut *reader, &mut *found))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Images<'r, 'f>(&'r mut Reader, &'f mut Found);

impl<'de> DeserializeSeed<'de> for Images<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Images<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the object dynamodb of a change")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Images(reader, found) = self;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "Keys" if !found.has_keys => {
                    reader.path.clear();
                    let Reader { short, shape, path, keys, .. } = &mut *reader;
                    map.next_value_seed(Fields { out: short, shape, path, keys })?;
                    found.has_keys = true;
                }
                "NewImage" if !found.has_image => {
                    // The key is taken from Keys, which a removal has as well.
                    let mut image = reader.image();
                    image.keys = &mut [];
                    map.next_value_seed(image)?;
                    found.has_image = true;
                }
                "ApproximateCreationDateTime" => found.at = map.next_value()?,
                "ApproximateCreationDateTimePrecision" => found.precision = map.next_value()?,
                "Keys" | "NewImage" => {
                    return Err(A::Error::custom(format_args!("expected {name} once, got it twice")));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

fn event(name: &str) -> Result<Event, String> {
    match name {
        "INSERT" => Ok(Event::Insert),
        "MODIFY" => Ok(Event::Modify),
        "REMOVE" => Ok(Event::Remove),
        other => Err(format!("expected eventName to be INSERT, MODIFY or REMOVE, got {:?}", short(other))),
    }
}

/// Tables that were connected long ago do not say how exact their times are: the number itself does.
fn microseconds(at: &Number, precision: Option<&str>) -> Result<u64, String> {
    let unit_us = match precision {
        Some("MICROSECOND") => 1,
        Some("MILLISECOND") => 1_000,
        Some(other) => {
            return Err(format!(
                "expected ApproximateCreationDateTimePrecision to be MILLISECOND or MICROSECOND, got {:?}",
                short(other)
            ));
        }
        None => match at.as_u64() {
            Some(0..SECONDS_END) => 1_000_000,
            Some(SECONDS_END..MILLISECONDS_END) => 1_000,
            Some(_) => 1,
            // Seconds with a fraction.
            None => {
                let seconds = at.as_f64().filter(|seconds| (0.0..SECONDS_END as f64).contains(seconds));
                return seconds.map(|seconds| (seconds * 1e6) as u64).ok_or_else(|| wrong_time(at));
            }
        },
    };
    at.as_u64()
        .and_then(|at| at.checked_mul(unit_us))
        .filter(|us| *us <= TIME_MAX)
        .ok_or_else(|| wrong_time(at))
}

fn wrong_time(at: &Number) -> String {
    format!("expected ApproximateCreationDateTime to be a time since 1970, got {at}")
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// As seconds the year 5138, as milliseconds the year 1973.
const SECONDS_END: u64 = 100_000_000_000;
/// As milliseconds the year 5138, as microseconds 1973.
const MILLISECONDS_END: u64 = 100_000_000_000_000;
/// The year 5138: what is later is no time.
pub const TIME_MAX: u64 = 100_000_000_000_000_000;
/// Of a buffer, from record to record.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests;
