//! Protobuf that says what JSON says, for a column of a type: the message that a careful writer would have, and bytes.
use std::fmt::Write as _;

use formats::registry::Format;
use formats::varint;

use crate::binary::fake::{Fake, framed};
use crate::json::Cursor;
use crate::types::{self, Type};
use crate::values::calendar::Civil;
use crate::values::{clock, decimal, uuid};

/// A field: how it is declared, and its values with the way in which each is written.
struct Field {
    /// Such as `int64` or `repeated N1`.
    kind: String,
    values: Vec<(u8, Vec<u8>)>,
}

/// `None` where Protobuf cannot say it.
type Written = Option<Field>;

/// The messages that fields need.
#[derive(Default)]
struct File(Vec<String>);

/// A record with a number `k` and this field.
pub fn record(k: usize, field: &str, ty: &str, json: &str) -> Option<Vec<u8>> {
    let ty = types::parse(ty).ok()?;
    let mut file = File::default();
    let written = file.convert(&ty, &mut Cursor::new(json))?;
    let mut fields = vec![("k".to_owned(), one("int32", 0, varint_of(k as u64)))];
    fields.extend(written.map(|written| (field.to_owned(), written)));
    let (_, body) = file.message("Row", fields);
    let imports = [
        "google/protobuf/timestamp",
        "google/protobuf/duration",
        "google/type/date",
        "confluent/type/decimal",
    ];
    let imports = imports.map(|name| format!("import \"{name}.proto\";\n")).concat();
    file.0.reverse();
    let text = format!("syntax = \"proto3\";\n{imports}{}", file.0.concat());
    let id = Fake::shared().register_as(Format::Protobuf, &text);
    Some(framed(id, &[&[0], &body[..]].concat()))
}

fn one(kind: &str, wire: u8, value: Vec<u8>) -> Field {
    Field { kind: kind.to_owned(), values: vec![(wire, value)] }
}

fn varint_of(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint::put(value, &mut out);
    out
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&varint_of(bytes.len() as u64), bytes].concat()
}

/// The numbers as the first fields of a message.
fn numbers(kind: &str, numbers: &[i64]) -> Field {
    let mut body = Vec::new();
    for (number, value) in (1..).zip(numbers) {
        body.push(number << 3);
        varint::put(value.cast_unsigned(), &mut body);
    }
    one(kind, 2, sized(&body))
}

fn string(text: &str) -> Field {
    one("string", 2, sized(text.as_bytes()))
}

impl File {
    /// `Some(None)` is null, which a field is by not being there.
    fn convert(&mut self, ty: &Type, json: &mut Cursor<'_>) -> Option<Written> {
        let ty = match ty {
            Type::Nullable(inner) | Type::LowCardinality(inner) | Type::Geo(_, inner) => {
                return self.convert(inner, json);
            }
            ty => ty,
        };
        let written = match json.peek() {
            b'n' => {
                json.skip().ok()?;
                return Some(None);
            }
            b'"' => text(ty, &json.string().ok()?),
            // The text as it is written, which no number and no message keeps.
            _ if *ty == Type::String => string(json.raw().ok()?),
            b't' | b'f' => one("bool", 0, vec![u8::from(json.raw().ok()? == "true")]),
            b'[' => self.array(ty, json)?,
            b'{' => self.object(ty, json)?,
            _ => number(ty, json.number().ok()?)?,
        };
        // A list or map of nothing is not there, whatever it could hold.
        if written.values.is_empty() {
            return matches!(ty, Type::Array(_) | Type::Map(..)).then_some(None);
        }
        Some(Some(written))
    }

    /// One value of a list or map, which can hold no null, no list and no map.
    fn item(&mut self, ty: &Type, json: &mut Cursor<'_>) -> Written {
        let item = self.convert(ty, json)??;
        let is_plain = item.values.len() == 1 && !item.kind.contains(['<', ' ']);
        is_plain.then_some(item)
    }

    fn array(&mut self, ty: &Type, json: &mut Cursor<'_>) -> Written {
        let mut fields = Vec::new();
        json.enter().ok()?;
        let mut more = json.any(b']').ok()?;
        while more {
            match ty {
                Type::Tuple(elements) => {
                    let inner = elements.get(fields.len()).map_or(&ANY, |element| &element.ty);
                    fields.push((format!("e{}", fields.len()), self.convert(inner, json)??));
                }
                Type::Array(inner) => fields.push((String::new(), self.item(inner, json)?)),
                _ => fields.push((String::new(), self.item(&ANY, json)?)),
            }
            more = json.more(b']').ok()?;
        }
        if let Type::Tuple(_) = ty {
            return Some(self.named(fields));
        }
        let kind = fields.first().map_or("int32".to_owned(), |(_, field)| field.kind.clone());
        let is_one = fields.iter().all(|(_, field)| field.kind == kind);
        let values = fields.into_iter().flat_map(|(_, field)| field.values).collect();
        is_one.then(|| Field { kind: format!("repeated {kind}"), values })
    }

    fn object(&mut self, ty: &Type, json: &mut Cursor<'_>) -> Written {
        let mut fields: Vec<(String, Field)> = Vec::new();
        json.enter().ok()?;
        let mut more = json.any(b'}').ok()?;
        while more {
            let name = json.string().ok()?.into_owned();
            json.expect(b':', "\":\"").ok()?;
            match ty {
                Type::Map(_, value) => fields.push((name, self.item(value, json)?)),
                Type::Tuple(elements) => {
                    let element = elements.iter().find(|element| element.name.as_ref() == Some(&name));
                    let value = self.convert(element.map_or(&ANY, |element| &element.ty), json)?;
                    fields.extend(value.map(|value| (name, value)));
                }
                _ => {
                    let value = self.convert(&ANY, json)?;
                    fields.extend(value.map(|value| (name, value)));
                }
            }
            more = json.more(b'}').ok()?;
        }
        if let Type::Map(..) = ty {
            let kind = fields.first().map_or("int32".to_owned(), |(_, field)| field.kind.clone());
            let is_one = fields.iter().all(|(_, field)| field.kind == kind);
            let entry = |(name, field): (String, Field)| {
                let (wire, value) = field.values.into_iter().next()?;
                let body = [&[10], &sized(name.as_bytes())[..], &[16 | wire], &value].concat();
                Some((2, sized(&body)))
            };
            let values = fields.into_iter().map(entry).collect::<Option<Vec<_>>>()?;
            return is_one.then(|| Field { kind: format!("map<string, {kind}>"), values });
        }
        let is_name = |name: &String| name.starts_with(|char: char| char.is_ascii_alphabetic());
        fields.iter().all(|(name, _)| is_name(name)).then(|| self.named(fields))
    }

    fn named(&mut self, fields: Vec<(String, Field)>) -> Field {
        // Messages of the same fields are the same message.
        let names: Vec<_> =
            fields.iter().flat_map(|(name, field)| [name.as_str(), " ", &field.kind]).collect();
        let names = names.concat();
        let print = names.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let (kind, body) = self.message(&format!("N{print}"), fields);
        one(&kind, 2, sized(&body))
    }

    fn message(&mut self, name: &str, fields: Vec<(String, Field)>) -> (String, Vec<u8>) {
        let (mut declared, mut body) = (String::new(), Vec::new());
        for (number, (name, field)) in (1_u64..).zip(fields) {
            let _ = write!(declared, " {} {name} = {number};", field.kind);
            for (wire, value) in field.values {
                varint::put(number << 3 | u64::from(wire), &mut body);
                body.extend(value);
            }
        }
        let text = format!("message {name} {{{declared} }}\n");
        if !self.0.contains(&text) {
            self.0.push(text);
        }
        (name.to_owned(), body)
    }
}

fn text(ty: &Type, text: &str) -> Field {
    let found = match ty {
        Type::Date | Type::Date32 => Civil::parse(text).filter(|civil| civil.seconds == 0).map(|civil| {
            let (year, month, day) = crate::values::calendar::civil(civil.days);
            numbers("google.type.Date", &[year, month, day])
        }),
        Type::DateTime(_) | Type::DateTime64(..) => moment(text),
        Type::Time | Type::Time64(_) => clock::ticks_of_text(text, 9, true).map(|ticks| {
            numbers("google.protobuf.Duration", &[ticks / 1_000_000_000, ticks % 1_000_000_000])
        }),
        Type::Uuid => uuid::parse(text).map(|bytes| {
            let bytes = u128::from_le_bytes(bytes).rotate_left(64).to_be_bytes();
            one("bytes", 2, sized(&bytes))
        }),
        _ => None,
    };
    found.unwrap_or_else(|| string(text))
}

/// Without an offset it is no point in time.
fn moment(text: &str) -> Option<Field> {
    let civil = Civil::parse(text)?;
    let seconds = civil.days * 86_400 + civil.seconds - civil.offset?;
    Some(numbers("google.protobuf.Timestamp", &[seconds, civil.nanos]))
}

fn number(ty: &Type, raw: &str) -> Option<Field> {
    if matches!(ty, Type::Decimal { .. }) {
        return Some(exact(raw).unwrap_or_else(|| string(raw)));
    }
    if let Ok(value) = raw.parse::<i64>() {
        return Some(one("int64", 0, varint_of(value.cast_unsigned())));
    }
    if let Ok(value) = raw.parse::<u64>() {
        return Some(one("uint64", 0, varint_of(value)));
    }
    let double = || raw.parse::<f64>().ok().filter(|value| value.is_finite());
    match double() {
        _ if raw.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
            Some(exact(raw).unwrap_or_else(|| string(raw)))
        }
        Some(value) => Some(one("double", 1, value.to_le_bytes().to_vec())),
        // What JSON can say and a double cannot.
        None if matches!(ty, Type::Dynamic(_)) => None,
        None => Some(string(raw)),
    }
}

/// As the decimal with the fewest places that says it.
fn exact(raw: &str) -> Option<Field> {
    let (scale, value) = (0..40).find_map(|scale| Some((scale, decimal::scaled(raw, 78, scale, true)?)))?;
    let mut bytes = Vec::new();
    value.push(32, &mut bytes);
    bytes.push(if value.negative && !value.is_zero() { 0xFF } else { 0 });
    bytes.reverse();
    let body = [&[10], &sized(&bytes)[..], &[24], &varint_of(scale as u64)].concat();
    Some(one("confluent.type.Decimal", 2, sized(&body)))
}

static ANY: Type = Type::Ipv4;
