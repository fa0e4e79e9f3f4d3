//! Reads `{"S":"x"}` and its like, and writes `"x"`: visitors that hand each value on as they meet it.
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::number;
use super::shape::Shape;
use crate::quote::quote;

/// An item's attributes on their way into the members of an object, whose brace is open.
pub struct Fields<'w> {
    pub out: &'w mut Vec<u8>,
    pub shape: &'w Shape,
    /// Of the map that is read: empty for the item itself, else it ends with the separator.
    pub path: &'w mut String,
    /// Attributes that make the key, and where their values were written.
    pub keys: &'w mut [(String, Option<(usize, usize)>)],
}

/// One typed value.
struct Typed<'w> {
    out: &'w mut Vec<u8>,
    texts: bool,
}

/// The value of one attribute of an item, or of a map within it that is flattened.
struct Field<'a, 'w>(&'a mut Fields<'w>);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Bytes,
    Boolean,
    Null,
    List,
    Map,
    Texts,
    Numbers,
    ManyBytes,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("attributes with their types, as in {\"id\":{\"S\":\"a\"}}")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let length = self.path.len();
        while map.next_key_seed(Appended(self.path))?.is_some() {
            map.next_value_seed(Field(&mut self))?;
            self.path.truncate(length);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Field<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(out)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let fields = self.0;
        let kind = kind(&mut map)?;
        if let (Kind::Map, Some(separator)) = (kind, &fields.shape.separator) {
            fields.path.push_str(separator);
            let inner = Fields { out: fields.out, shape: fields.shape, path: fields.path, keys: &mut [] };
            map.next_value_seed(inner)?;
            return alone(&mut map);
        }
        let Some(name) = fields.shape.name(fields.path) else {
            map.next_value::<IgnoredAny>()?;
            return alone(&mut map);
        };
        if fields.out.last() != Some(&b'{') {
            fields.out.push(b',');
        }
        quote(name, fields.out);
        fields.out.push(b':');
        let start = fields.out.len();
        map.next_value_seed(Content { kind, to: Typed { out: fields.out, texts: fields.shape.texts } })?;
        if let Some((_, place)) = fields.keys.iter_mut().find(|(name, _)| name == fields.path) {
            *place = Some((start, fields.out.len()));
        }
        alone(&mut map)
    }
}

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Typed<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(out)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let kind = kind(&mut map)?;
        map.next_value_seed(Content { kind, to: self })?;
        alone(&mut map)
    }
}

/// What stands behind the name of a type.
struct Content<'w> {
    kind: Kind,
    to: Typed<'w>,
}

impl<'de> DeserializeSeed<'de> for Content<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        match self.kind {
            Kind::Text | Kind::Number | Kind::Bytes => from.deserialize_str(self),
            Kind::Boolean | Kind::Null => from.deserialize_bool(self),
            Kind::List | Kind::Texts | Kind::Numbers | Kind::ManyBytes => from.deserialize_seq(self),
            Kind::Map => from.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Content<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            Kind::Text => "text behind S",
            Kind::Number => "a number as text behind N",
            Kind::Bytes => "Base64 behind B",
            Kind::Boolean => "true or false behind BOOL",
            Kind::Null => "true behind NULL",
            Kind::List => "an array behind L",
            Kind::Map => "an object behind M",
            Kind::Texts => "an array of text behind SS",
            Kind::Numbers => "an array of numbers as text behind NS",
            Kind::ManyBytes => "an array of Base64 behind BS",
        })
    }

    fn visit_str<E: serde::de::Error>(self, given: &str) -> Result<(), E> {
        let Typed { out, texts } = self.to;
        let is_right = match self.kind {
            Kind::Number if texts => {
                out.push(b'"');
                let is_number = number::write(given, out);
                out.push(b'"');
                is_number
            }
            Kind::Number => number::write(given, out),
            Kind::Bytes => {
                quote(given, out);
                is_base64(given)
            }
            _ => {
                quote(given, out);
                true
            }
        };
        let shown: String = given.chars().take(SHOWN).collect();
        if is_right {
            Ok(())
        } else {
            Err(E::custom(format_args!("expected {}, got {shown:?}", &self.kind.what())))
        }
    }

    fn visit_bool<E: serde::de::Error>(self, given: bool) -> Result<(), E> {
        let word: &[u8] = match (self.kind, given) {
            (Kind::Null, _) => b"null",
            (_, true) => b"true",
            (_, false) => b"false",
        };
        self.to.out.extend_from_slice(word);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Typed { out, texts } = self.to;
        out.push(b'[');
        loop {
            let length = out.len();
            if out.last() != Some(&b'[') {
                out.push(b',');
            }
            let to = Typed { out: &mut *out, texts };
            let found = match self.kind.element() {
                None => seq.next_element_seed(to)?,
                Some(kind) => seq.next_element_seed(Content { kind, to })?,
            };
            if found.is_none() {
                out.truncate(length);
                out.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Typed { out, texts } = self.to;
        out.push(b'{');
        let mut is_first = true;
        loop {
            let length = out.len();
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            if map.next_key_seed(Quoted(out))?.is_none() {
                out.truncate(length);
                out.push(b'}');
                return Ok(());
            }
            out.push(b':');
            map.next_value_seed(Typed { out: &mut *out, texts })?;
        }
    }
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "S" => Kind::Text,
            "N" => Kind::Number,
            "B" => Kind::Bytes,
            "BOOL" => Kind::Boolean,
            "NULL" => Kind::Null,
            "L" => Kind::List,
            "M" => Kind::Map,
            "SS" => Kind::Texts,
            "NS" => Kind::Numbers,
            "BS" => Kind::ManyBytes,
            _ => return None,
        })
    }

    /// Of a set; elements of a list say it themselves.
    fn element(self) -> Option<Self> {
        match self {
            Kind::Texts => Some(Kind::Text),
            Kind::Numbers => Some(Kind::Number),
            Kind::ManyBytes => Some(Kind::Bytes),
            _ => None,
        }
    }

    fn what(self) -> &'static str {
        if self == Kind::Bytes { "Base64" } else { "a number" }
    }
}

fn expected(out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str("a value with its type, as in {\"N\":\"7\"}")
}

fn kind<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Kind, A::Error> {
    let found = map.next_key_seed(Name)?;
    found.ok_or_else(|| A::Error::custom("expected a value with its type, got {}"))
}

/// A value has one type.
fn alone<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    match map.next_key_seed(Name)? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("expected one type for a value, got two")),
    }
}

/// The name of a type.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Kind, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Kind;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a type")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Kind, E> {
        let shown: String = name.chars().take(SHOWN).collect();
        let wrong = || {
            E::custom(format_args!("expected one of S, N, B, BOOL, NULL, L, M, SS, NS, BS, got {shown:?}"))
        };
        Kind::of(name).ok_or_else(wrong)
    }
}

/// Appends a name to a path.
struct Appended<'p>(&'p mut String);

impl<'de> DeserializeSeed<'de> for Appended<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Appended<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of an attribute")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        self.0.push_str(name);
        Ok(())
    }
}

/// Writes a name as JSON does.
struct Quoted<'w>(&'w mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Quoted<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Quoted<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of an attribute")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        quote(name, self.0);
        Ok(())
    }
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

/// Of what is wrong, in a message.
const SHOWN: usize = 40;
