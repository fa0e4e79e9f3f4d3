//! JSON with a schema, written to the flat encoding in one pass.

use std::fmt;

use penstock_sdk::flat::{ARRAY, BYTES, MAP, Writer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::base64;
use super::fields::{self, Span};
use super::plain::Plain;
use super::schema::{Schema, Shape};

/// One value of a schema, to be appended.
pub struct Typed<'a, 'o> {
    pub schema: &'a Schema,
    pub out: &'a mut Out<'o>,
}

/// Where values go.
pub struct Out<'o> {
    pub arena: &'o mut Vec<u8>,
    /// A stack of where the fields of the open structs lie.
    pub spans: &'o mut Vec<Span>,
    /// Whether a null in the place of a value with a default becomes that.
    pub null_takes_default: bool,
    /// Length that the arena must not exceed.
    pub limit: usize,
}

impl Out<'_> {
    /// Refuses to grow further: defaults can be much larger than the payload that leaves them out.
    pub fn check_limit<E: Error>(&self) -> Result<(), E> {
        if self.arena.len() <= self.limit {
            return Ok(());
        }
        Err(E::custom("the value and its schema's defaults are too large"))
    }

    /// Appends what stands for a value that is null or missing; false when there has to be one.
    pub fn missing(&mut self, schema: &Schema) -> bool {
        match &schema.default {
            Some(default) if self.null_takes_default => self.arena.extend_from_slice(default),
            _ if schema.optional => Writer::new(self.arena).null(),
            _ => return false,
        }
        true
    }
}

impl Typed<'_, '_> {
    fn wrong<E: Error>(&self, got: impl fmt::Display) -> E {
        E::custom(format_args!("expected {}, got {got}", self.schema.name()))
    }

    fn integer<E: Error>(self, value: i64) -> Result<(), E> {
        let mut flat = Writer::new(self.out.arena);
        let fits = match self.schema.shape {
            Shape::Int8 => i8::try_from(value).map(|v| flat.int8(v)).is_ok(),
            Shape::Int16 => i16::try_from(value).map(|v| flat.int16(v)).is_ok(),
            Shape::Int32 => i32::try_from(value).map(|v| flat.int32(v)).is_ok(),
            Shape::Int64 => {
                flat.int64(value);
                true
            }
            Shape::Float32 => {
                flat.float32(value as f32);
                true
            }
            Shape::Float64 => {
                flat.float64(value as f64);
                true
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.wrong(value)) }
    }

    fn base64<E: Error>(self, text: &str) -> Result<(), E> {
        let arena = &mut *self.out.arena;
        arena.push(BYTES);
        let start = arena.len();
        arena.extend_from_slice(&[0; 4]);
        if base64::decode(text.as_bytes(), arena).is_none() {
            return Err(self.wrong("other text"));
        }
        let length = (arena.len() - start - 4) as u32;
        arena[start..start + 4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Typed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Typed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.schema.name())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.out.missing(self.schema) {
            return self.out.check_limit();
        }
        Err(self.wrong("null, which only an optional value may be"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if !matches!(self.schema.shape, Shape::Boolean) {
            return Err(self.wrong(value));
        }
        Writer::new(self.out.arena).boolean(value);
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.integer(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) if matches!(self.schema.shape, Shape::Float32 | Shape::Float64) => {
                self.visit_f64(value as f64)
            }
            Err(_) => Err(self.wrong(value)),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.schema.shape {
            Shape::Float32 => Writer::new(self.out.arena).float32(value as f32),
            Shape::Float64 => Writer::new(self.out.arena).float64(value),
            _ => return Err(self.wrong(value)),
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match (&self.schema.shape, value) {
            (Shape::Text, text) => {
                Writer::new(self.out.arena).text(text);
                Ok(())
            }
            (Shape::Bytes, text) => self.base64(text),
            // JSON has no word for these, so they come as text.
            (Shape::Float32 | Shape::Float64, "NaN") => self.visit_f64(f64::NAN),
            (Shape::Float32 | Shape::Float64, "Infinity") => self.visit_f64(f64::INFINITY),
            (Shape::Float32 | Shape::Float64, "-Infinity") => self.visit_f64(f64::NEG_INFINITY),
            _ => Err(self.wrong("text")),
        }
    }

    /// An array, or a map whose keys are no text and which therefore comes as pairs.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let tag = match &self.schema.shape {
            Shape::Array(_) => ARRAY,
            Shape::Map(..) => MAP,
            _ => return Err(self.wrong("an array")),
        };
        let out = self.out;
        let open = Writer::new(out.arena).begin(tag);
        let mut count = 0;
        loop {
            let next = match &self.schema.shape {
                Shape::Array(schema) => items.next_element_seed(Typed { schema, out: &mut *out })?,
                Shape::Map(keys, values) => items.next_element_seed(Pair { keys, values, out: &mut *out })?,
                _ => None,
            };
            if next.is_none() {
                break;
            }
            count += 1;
            out.check_limit()?;
        }
        Writer::new(out.arena).end(&open, count);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let schema = match &self.schema.shape {
            Shape::Struct(declared) => return fields::read(declared, self.out, entries),
            Shape::Map(keys, values) if matches!(keys.shape, Shape::Text) => values,
            _ => return Err(self.wrong("an object")),
        };
        let out = self.out;
        let open = Writer::new(out.arena).begin(MAP);
        let mut count = 0;
        // A key of JSON is text, whoever reads it.
        while entries.next_key_seed(Plain(&mut *out.arena))?.is_some() {
            entries.next_value_seed(Typed { schema, out: &mut *out })?;
            count += 1;
            out.check_limit()?;
        }
        Writer::new(out.arena).end(&open, count);
        Ok(())
    }
}

/// One entry of a map that comes as an array of pairs.
struct Pair<'a, 'o> {
    keys: &'a Schema,
    values: &'a Schema,
    out: &'a mut Out<'o>,
}

impl<'de> DeserializeSeed<'de> for Pair<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair of key and value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for schema in [self.keys, self.values] {
            if items.next_element_seed(Typed { schema, out: &mut *self.out })?.is_none() {
                return Err(A::Error::custom("expected a pair of key and value"));
            }
        }
        match items.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom("expected a pair of key and value")),
        }
    }
}
