//! The fields of a struct: matched by name, completed by defaults, and put in the schema's order.

use std::fmt;

use penstock_sdk::flat::{STRUCT, Writer};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::schema::Fields;
use super::typed::{Out, Typed};

/// Where the arena has the field at a place of the schema: its name and value.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    place: usize,
    start: usize,
    end: usize,
}

/// Appends a struct. Fields are written as they come; if that was not the schema's order, or some were left out,
/// the struct is written once more behind itself, in order, and moved to its place.
pub fn read<'de, A: MapAccess<'de>>(
    fields: &Fields,
    out: &mut Out<'_>,
    mut entries: A,
) -> Result<(), A::Error> {
    let open = Writer::new(out.arena).begin(STRUCT);
    let (body, base) = (out.arena.len(), out.spans.len());
    let mut likely = 0;
    while let Some(place) = entries.next_key_seed(Place { fields, likely })? {
        let Some((place, (name, schema))) = place.and_then(|p| Some((p, fields.list.get(p)?))) else {
            entries.next_value::<IgnoredAny>()?;
            continue;
        };
        let start = out.arena.len();
        Writer::new(out.arena).name(name);
        entries
            .next_value_seed(Typed { schema, out: &mut *out })
            .map_err(|e| A::Error::custom(format_args!("field {name}: {e}")))?;
        out.spans.push(Span { place, start, end: out.arena.len() });
        likely = place + 1;
        out.check_limit()?;
    }
    let written = out.spans.get(base..).unwrap_or_default();
    let is_complete =
        written.len() == fields.list.len() && written.iter().enumerate().all(|(i, s)| s.place == i);
    if !is_complete {
        put_in_order(fields, out, body, base)?;
    }
    out.spans.truncate(base);
    Writer::new(out.arena).end(&open, fields.list.len() as u32);
    Ok(())
}

fn put_in_order<E: Error>(fields: &Fields, out: &mut Out<'_>, body: usize, base: usize) -> Result<(), E> {
    let again = out.arena.len();
    if let Some(written) = out.spans.get_mut(base..) {
        written.sort_unstable_by_key(|span| (span.place, span.start));
    }
    let mut next = base;
    for (place, (name, schema)) in fields.list.iter().enumerate() {
        // Of a field that is there twice the later one counts, as in Java.
        let mut last = None;
        while let Some(span) = out.spans.get(next).filter(|span| span.place == place) {
            last = Some(*span);
            next += 1;
        }
        if let Some(span) = last {
            out.arena.extend_from_within(span.start..span.end);
            continue;
        }
        Writer::new(out.arena).name(name);
        if !out.missing(schema) {
            return Err(E::custom(format_args!("field {name}: missing, and not optional")));
        }
        out.check_limit()?;
    }
    let length = out.arena.len() - again;
    out.arena.copy_within(again.., body);
    out.arena.truncate(body + length);
    Ok(())
}

/// Finds a key's place among the fields; most payloads have the schema's order.
struct Place<'a> {
    fields: &'a Fields,
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        match self.fields.list.get(self.likely) {
            Some((likely, _)) if likely == name => Ok(Some(self.likely)),
            _ => Ok(self.fields.places.get(name).copied()),
        }
    }
}
