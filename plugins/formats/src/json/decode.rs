//! Follows a schema through a value's text and writes the flat encoding.

use super::member;
use super::schema::{Kind, Node, Schema, Use};
use crate::fault::{Fault, Read};
use crate::{Error, FLAT_BYTES_MAX, Result, base64};
use penstock_sdk::flat::{ARRAY, DEPTH_MAX, MAP, STRUCT, Writer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// Reads the values of one schema.
#[derive(Debug)]
pub struct Decoder {
    schema: Schema,
    root: Use,
}

impl Decoder {
    pub fn new(schema: &Schema) -> Self {
        Self::of(schema, schema.root)
    }

    pub(super) fn of(schema: &Schema, root: Use) -> Self {
        Self { schema: schema.clone(), root }
    }

    /// Appends the value whose text `bytes` are.
    pub fn read(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        // This checks the text as a whole; its parts are read again where they are needed.
        let raw: &RawValue =
            serde_json::from_slice(bytes).map_err(|error| Error::record(format!("json: {error}")))?;
        let mut reading = Reading {
            schema: &self.schema,
            out,
            limit: start.saturating_add(FLAT_BYTES_MAX),
            trials: TRIALS_MAX * TRIAL + bytes.len().saturating_mul(TRIAL),
        };
        reading.value(self.root, Some(raw.get()), DEPTH_MAX).map_err(|fault| {
            out.truncate(start);
            Error::record(format!("json: {fault}"))
        })
    }
}

struct Reading<'s, 'o> {
    schema: &'s Schema,
    out: &'o mut Vec<u8>,
    limit: usize,
    /// What types that turn out not to be the value's may yet cost: each its text and some more.
    trials: usize,
}

impl Reading<'_, '_> {
    fn value(&mut self, of: Use, text: Option<&str>, depth: usize) -> Read {
        let depth =
            depth.checked_sub(1).ok_or_else(|| Fault::new(format!("nests deeper than {DEPTH_MAX}")))?;
        if self.out.len() > self.limit {
            return Err(Fault::new("the value becomes too large"));
        }
        let schema = self.schema;
        let node = schema.node(of.place);
        let Some(text) = text.filter(|text| *text != "null") else {
            return self.missing(of, node, text.is_some(), depth);
        };
        match &node.kind {
            Kind::Any => self.any(text),
            Kind::Array(items) => self.array(*items, text, depth),
            Kind::Map(values) => self.map(*values, text, depth),
            Kind::Entries(keys, values) => self.entries(*keys, *values, text, depth),
            Kind::Struct(fields) => self.structure(fields, text, depth),
            Kind::OneOf(members) => self.one_of(members, text, depth),
            scalar => self.scalar(scalar, text),
        }
    }

    /// A value that is null or not there.
    fn missing(&mut self, of: Use, node: &Node, is_null: bool, depth: usize) -> Read {
        match &node.default {
            Some(default) => self.value(of, Some(&default.to_string()), depth),
            None if of.optional || node.kind == Kind::Any => {
                self.writer().null();
                Ok(())
            }
            None if is_null => Err(Fault::new("null, where the schema has no null")),
            None => Err(Fault::new(
                "it is not there: if the schema does not require it, set use.optional.for.nonrequired=true",
            )),
        }
    }

    fn scalar(&mut self, kind: &Kind, text: &str) -> Read {
        let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let wrong = |expected: &str| Fault::new(format!("expected {expected}, got {}", found(text)));
        let whole = || if is_number { integer(text) } else { None };
        let mut writer = Writer::new(self.out);
        match kind {
            Kind::Boolean => writer.boolean(parsed(text).ok_or_else(|| wrong("a boolean"))?),
            Kind::Int8 => writer
                .int8(whole().and_then(|n| n.try_into().ok()).ok_or_else(|| wrong("an integer of 8 bits"))?),
            Kind::Int16 => writer.int16(
                whole().and_then(|n| n.try_into().ok()).ok_or_else(|| wrong("an integer of 16 bits"))?,
            ),
            Kind::Int32 => writer.int32(
                whole().and_then(|n| n.try_into().ok()).ok_or_else(|| wrong("an integer of 32 bits"))?,
            ),
            Kind::Int64 => writer.int64(whole().ok_or_else(|| wrong("an integer"))?),
            Kind::Float32 => {
                writer.float32(parsed(text).filter(|_| is_number).ok_or_else(|| wrong("a number"))?);
            }
            Kind::Float64 => {
                writer.float64(parsed(text).filter(|_| is_number).ok_or_else(|| wrong("a number"))?);
            }
            Kind::Decimal { scale } if is_number => {
                let digits = super::decimal::parse(text, *scale);
                writer.bytes(&digits.ok_or_else(|| wrong(&format!("a decimal of scale {scale}")))?);
            }
            Kind::Bytes | Kind::Decimal { .. } => {
                let bytes = parsed::<String>(text).and_then(|text| base64::bytes(&text));
                writer.bytes(&bytes.ok_or_else(|| wrong("bytes in Base64"))?);
            }
            Kind::Enum(symbols) => {
                let symbol: String = parsed(text).ok_or_else(|| wrong("a string"))?;
                if !symbols.contains(&symbol) {
                    return Err(Fault::new(format!(
                        "{symbol:?} is none of the {} values of its enum",
                        symbols.len()
                    )));
                }
                writer.text(&symbol);
            }
            _ => writer.text(&parsed::<String>(text).ok_or_else(|| wrong("a string"))?),
        }
        Ok(())
    }

    fn array(&mut self, items: Use, text: &str, depth: usize) -> Read {
        let list = list(text)?;
        let open = self.writer().begin(ARRAY);
        for item in &list {
            self.value(items, Some(item.get()), depth)?;
        }
        self.writer().end(&open, list.len() as u32);
        Ok(())
    }

    fn map(&mut self, values: Use, text: &str, depth: usize) -> Read {
        let entries = object(text)?;
        let open = self.writer().begin(MAP);
        for (key, value) in &entries {
            self.writer().text(key);
            self.value(values, Some(value.get()), depth).map_err(|fault| fault.within(key))?;
        }
        self.writer().end(&open, entries.len() as u32);
        Ok(())
    }

    fn entries(&mut self, keys: Use, values: Use, text: &str, depth: usize) -> Read {
        let list = list(text)?;
        let open = self.writer().begin(MAP);
        for entry in &list {
            let entry = object(entry.get())?;
            self.value(keys, get(&entry, "key"), depth).map_err(|fault| fault.within("key"))?;
            self.value(values, get(&entry, "value"), depth).map_err(|fault| fault.within("value"))?;
        }
        self.writer().end(&open, list.len() as u32);
        Ok(())
    }

    fn structure(&mut self, fields: &[(String, Use)], text: &str, depth: usize) -> Read {
        let entries = object(text)?;
        // Looking through many properties for each of many fields would take their product.
        let many = if entries.len() > SEARCHED_MAX { entries.len() } else { 0 };
        let by_name: HashMap<&str, &str> =
            entries.iter().take(many).map(|(name, value)| (name.as_str(), value.get())).collect();
        let open = self.writer().begin(STRUCT);
        for (name, of) in fields {
            self.writer().name(name);
            let value = if many > 0 { by_name.get(name.as_str()).copied() } else { get(&entries, name) };
            self.value(*of, value, depth).map_err(|fault| fault.within(name))?;
        }
        self.writer().end(&open, fields.len() as u32);
        Ok(())
    }

    /// A struct in which the first member that takes the value has it.
    fn one_of(&mut self, members: &[Use], text: &str, depth: usize) -> Read {
        let start = self.out.len();
        for chosen in 0..members.len() {
            if !members.get(chosen).is_some_and(|of| self.takes(*of, text)) {
                continue;
            }
            let open = self.writer().begin(STRUCT);
            let mut read = Ok(());
            for (place, of) in members.iter().enumerate() {
                self.writer().name(&member(place));
                if place == chosen {
                    read = self.value(*of, Some(text), depth);
                    if read.is_err() {
                        break;
                    }
                } else {
                    self.writer().null();
                }
            }
            if read.is_ok() {
                self.writer().end(&open, members.len() as u32);
                return Ok(());
            }
            self.out.truncate(start);
            self.count_trial(text)?;
        }
        Err(Fault::new(format!("none of {} types of a choice takes {}", members.len(), found(text))))
    }

    /// Choices within choices, of types that look alike from outside, would be tried two to the power of their depth.
    fn count_trial(&mut self, text: &str) -> Read {
        let Some(left) = self.trials.checked_sub(text.len().saturating_add(TRIAL)) else {
            self.trials = 0;
            return Err(Fault::new(
                "gives up trying types of oneOf and anyOf: too many that stand in each other look alike until their \
                 last property",
            ));
        };
        self.trials = left;
        Ok(())
    }

    /// Whether a type is the value's, as far as can be seen without reading it.
    fn takes(&self, of: Use, text: &str) -> bool {
        let first = text.bytes().next().unwrap_or_default();
        match &self.schema.node(of.place).kind {
            Kind::Any | Kind::OneOf(_) => true,
            Kind::Boolean => matches!(first, b't' | b'f'),
            Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => {
                first != b'"' && !text.contains(['.', 'e', 'E'])
            }
            Kind::Float32 | Kind::Float64 => first == b'-' || first.is_ascii_digit(),
            Kind::Text | Kind::Enum(_) | Kind::Bytes => first == b'"',
            Kind::Decimal { .. } => first == b'"' || first == b'-' || first.is_ascii_digit(),
            Kind::Array(_) | Kind::Entries(..) => first == b'[',
            Kind::Map(_) => first == b'{',
            Kind::Struct(fields) => object(text).is_ok_and(|entries| {
                entries.iter().all(|(key, _)| fields.iter().any(|(name, _)| name == key))
            }),
        }
    }

    /// A value without a schema: integers as 64 bits, other numbers as doubles, objects as maps.
    fn any(&mut self, text: &str) -> Read {
        let value: serde_json::Value = parsed(text).ok_or_else(|| Fault::new("nests too deep"))?;
        plain(&value, self.out);
        Ok(())
    }

    fn writer(&mut self) -> Writer<'_> {
        Writer::new(self.out)
    }
}

fn plain(value: &serde_json::Value, out: &mut Vec<u8>) {
    use serde_json::Value;
    match value {
        Value::Null => Writer::new(out).null(),
        Value::Bool(value) => Writer::new(out).boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Writer::new(out).int64(integer),
            None => Writer::new(out).float64(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Writer::new(out).text(text),
        Value::Array(items) => {
            let open = Writer::new(out).begin(ARRAY);
            for item in items {
                plain(item, out);
            }
            Writer::new(out).end(&open, items.len() as u32);
        }
        Value::Object(entries) => {
            let open = Writer::new(out).begin(MAP);
            for (key, value) in entries {
                Writer::new(out).text(key);
                plain(value, out);
            }
            Writer::new(out).end(&open, entries.len() as u32);
        }
    }
}

type Entry<'a> = (String, &'a RawValue);

fn list(text: &str) -> std::result::Result<Vec<&RawValue>, Fault> {
    parsed(text).ok_or_else(|| Fault::new(format!("expected an array, got {}", found(text))))
}

fn object(text: &str) -> std::result::Result<Vec<Entry<'_>>, Fault> {
    let entries: Option<Entries<'_>> = parsed(text);
    entries
        .map(|entries| entries.0)
        .ok_or_else(|| Fault::new(format!("expected an object, got {}", found(text))))
}

/// Of a name that is given twice, the last counts.
fn get<'a>(entries: &[Entry<'a>], name: &str) -> Option<&'a str> {
    entries.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.get())
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// An integer, also where it is written with a point and zeros.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let digits = super::decimal::parse(text, 0)?;
        let negative = digits.first().is_some_and(|first| *first >= 0x80);
        let mut bytes = [if negative { 0xff } else { 0 }; 8];
        bytes.get_mut(8_usize.checked_sub(digits.len())?..)?.copy_from_slice(&digits);
        Some(i64::from_be_bytes(bytes))
    })
}

/// A value's type, never the value.
fn found(text: &str) -> &'static str {
    match text.bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Types that may fail to be the value's, with a text of no length; longer records may have more.
const TRIALS_MAX: usize = 1 << 16;
/// What a trial costs beside its text, and what each byte of a record adds to the bound.
const TRIAL: usize = 64;
/// Up to here, a search is faster than a table.
const SEARCHED_MAX: usize = 24;

/// The properties of an object in their order, unread.
struct Entries<'a>(Vec<Entry<'a>>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(Properties)
    }
}

struct Properties;

impl<'de> Visitor<'de> for Properties {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
