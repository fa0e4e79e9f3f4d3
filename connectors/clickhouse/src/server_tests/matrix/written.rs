//! Avro that says what JSON says, for a column of a type: the schema that a careful writer would have, and bytes.
use formats::varint;
use serde_json::{Value, json};

use crate::binary::fake::{Fake, framed};
use crate::json::Cursor;
use crate::types::{self, Type};
use crate::values::calendar::Civil;
use crate::values::{clock, decimal, uuid};

/// A schema and a value of it. `None` where Avro cannot say it.
type Written = Option<(Value, Vec<u8>)>;

/// A record with a number `k` and this field.
pub fn record(k: usize, field: &str, ty: &str, json: &str) -> Option<Vec<u8>> {
    let ty = types::parse(ty).ok()?;
    let (schema, value) = convert(&ty, &mut Cursor::new(json))?;
    let schema = json!({"type": "record", "name": "Row", "fields": [
        {"name": "k", "type": "int"}, {"name": field, "type": schema},
    ]});
    let mut body = Vec::new();
    varint::put_signed(k as i64, &mut body);
    body.extend(value);
    Some(framed(Fake::shared().register(&schema.to_string()), &body))
}

fn convert(ty: &Type, json: &mut Cursor<'_>) -> Written {
    let ty = match ty {
        Type::Nullable(inner) | Type::LowCardinality(inner) | Type::Geo(_, inner) => {
            return convert(inner, json);
        }
        ty => ty,
    };
    match json.peek() {
        b'n' => {
            json.skip().ok()?;
            Some((json!("null"), vec![]))
        }
        b'"' => text(ty, &json.string().ok()?),
        // The text as it is written, which no number and no record keeps.
        _ if *ty == Type::String => string(json.raw().ok()?),
        b't' | b'f' => Some((json!("boolean"), vec![u8::from(json.raw().ok()? == "true")])),
        b'[' => array(ty, json),
        b'{' => object(ty, json),
        _ => number(ty, json.number().ok()?),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the other ways of writing may fail")]
fn string(text: &str) -> Written {
    let mut out = Vec::new();
    varint::put_signed(text.len() as i64, &mut out);
    out.extend_from_slice(text.as_bytes());
    Some((json!("string"), out))
}

#[allow(clippy::unnecessary_wraps, reason = "the other ways of writing may fail")]
fn long(name: &str, logical: &str, value: i64) -> Written {
    let mut out = Vec::new();
    varint::put_signed(value, &mut out);
    let schema = if logical.is_empty() { json!(name) } else { json!({"type": name, "logicalType": logical}) };
    Some((schema, out))
}

fn text(ty: &Type, text: &str) -> Written {
    let found = match ty {
        Type::Date | Type::Date32 => Civil::parse(text)
            .filter(|civil| civil.seconds == 0)
            .and_then(|civil| long("int", "date", civil.days)),
        Type::DateTime(_) => moment(text, 3, "millis"),
        Type::DateTime64(0..=3, _) => moment(text, 6, "micros"),
        Type::DateTime64(..) => moment(text, 9, "nanos"),
        Type::Time | Type::Time64(_) => {
            clock::ticks_of_text(text, 6, true).and_then(|ticks| long("long", "time-micros", ticks))
        }
        Type::Uuid => uuid::parse(text).map(|bytes| {
            let bytes = u128::from_le_bytes(bytes).rotate_left(64).to_be_bytes();
            (json!({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}), bytes.to_vec())
        }),
        _ => None,
    };
    found.or_else(|| string(text))
}

fn moment(text: &str, scale: u32, unit: &str) -> Written {
    let civil = Civil::parse(text)?;
    let seconds = civil.days * 86_400 + civil.seconds - civil.offset.unwrap_or(0);
    let ticks = seconds.checked_mul(10_i64.pow(scale))?.checked_add(civil.nanos / 10_i64.pow(9 - scale))?;
    let local = if civil.offset.is_some() { "" } else { "local-" };
    long("long", &format!("{local}timestamp-{unit}"), ticks)
}

fn number(ty: &Type, raw: &str) -> Written {
    if matches!(ty, Type::Decimal { .. }) {
        return exact(raw).or_else(|| string(raw));
    }
    if let Ok(value) = raw.parse::<i64>() {
        return long(if i32::try_from(value).is_ok() { "int" } else { "long" }, "", value);
    }
    match raw.parse::<f64>() {
        _ if raw.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
            exact(raw).or_else(|| string(raw))
        }
        Ok(value) if value.is_finite() => Some((json!("double"), value.to_le_bytes().to_vec())),
        // What JSON can say and a double cannot.
        _ if matches!(ty, Type::Dynamic(_)) => None,
        _ => string(raw),
    }
}

/// As the decimal with the fewest places that says it.
fn exact(raw: &str) -> Written {
    let (scale, value) = (0..40).find_map(|scale| Some((scale, decimal::scaled(raw, 78, scale, true)?)))?;
    let mut bytes = Vec::new();
    value.push(32, &mut bytes);
    bytes.push(if value.negative && !value.is_zero() { 0xFF } else { 0 });
    bytes.reverse();
    let mut out = Vec::new();
    varint::put_signed(bytes.len() as i64, &mut out);
    out.extend(bytes);
    Some((json!({"type": "bytes", "logicalType": "decimal", "precision": 78, "scale": scale}), out))
}

fn array(ty: &Type, json: &mut Cursor<'_>) -> Written {
    let mut values = Vec::new();
    json.enter().ok()?;
    let mut more = json.any(b']').ok()?;
    while more {
        let inner = match ty {
            Type::Array(inner) => inner,
            Type::Tuple(elements) => elements.get(values.len()).map_or(&ANY, |element| &element.ty),
            _ => &ANY,
        };
        values.push(convert(inner, json)?);
        more = json.more(b']').ok()?;
    }
    if let Type::Tuple(_) = ty {
        let names = (0..values.len()).map(|place| format!("e{place}"));
        return Some(fields(names.zip(values).collect()));
    }
    let (schema, values) = joined(values)?;
    Some((json!({"type": "array", "items": schema}), blocks(&values)))
}

fn object(ty: &Type, json: &mut Cursor<'_>) -> Written {
    let mut values: Vec<(String, (Value, Vec<u8>))> = Vec::new();
    json.enter().ok()?;
    let mut more = json.any(b'}').ok()?;
    while more {
        let name = json.string().ok()?.into_owned();
        json.expect(b':', "\":\"").ok()?;
        let inner = match ty {
            Type::Map(_, value) => value,
            Type::Tuple(elements) => {
                let element = elements.iter().find(|element| element.name.as_ref() == Some(&name));
                element.map_or(&ANY, |element| &element.ty)
            }
            _ => &ANY,
        };
        values.push((name, convert(inner, json)?));
        more = json.more(b'}').ok()?;
    }
    if let Type::Map(..) = ty {
        let (names, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let (schema, values) = joined(values)?;
        let entry = |(name, value): (String, Vec<u8>)| Some([string(&name)?.1, value].concat());
        let entries = names.into_iter().zip(values).map(entry).collect::<Option<Vec<_>>>()?;
        return Some((json!({"type": "map", "values": schema}), blocks(&entries)));
    }
    let is_name = |name: &String| name.starts_with(|char: char| char.is_ascii_alphabetic());
    values.iter().all(|(name, _)| is_name(name)).then(|| fields(values))
}

fn fields(values: Vec<(String, (Value, Vec<u8>))>) -> (Value, Vec<u8>) {
    let names: Vec<_> =
        values.iter().map(|(name, (schema, _))| json!({"name": name, "type": schema})).collect();
    // Records of the same fields are the same record.
    let text = serde_json::to_string(&names).unwrap();
    let print = text.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let schema = json!({"type": "record", "name": format!("N{print}"), "fields": names});
    (schema, values.into_iter().flat_map(|(_, (_, value))| value).collect())
}

/// One schema for all values, a union if they have several.
fn joined(values: Vec<(Value, Vec<u8>)>) -> Option<(Value, Vec<Vec<u8>>)> {
    let nothing = json!({"type": "array", "items": "null"});
    let mut schemas: Vec<Value> = Vec::new();
    for (schema, _) in &values {
        if !schemas.contains(schema) {
            schemas.push(schema.clone());
        }
    }
    // An empty array is an array of anything.
    let is_array = |schema: &Value| schema["type"] == "array";
    if schemas.iter().filter(|schema| is_array(schema)).count() > 1 {
        schemas.retain(|schema| *schema != nothing);
    }
    match &schemas[..] {
        [] => Some((json!("null"), vec![])),
        [one] => Some((one.clone(), values.into_iter().map(|(_, value)| value).collect())),
        _ => {
            let place = |schema: &Value| {
                schemas.iter().position(|known| known == schema || (*schema == nothing && is_array(known)))
            };
            let chosen = |(schema, value): (Value, Vec<u8>)| {
                let mut out = Vec::new();
                varint::put_signed(place(&schema)? as i64, &mut out);
                out.extend(value);
                Some(out)
            };
            let values = values.into_iter().map(chosen).collect::<Option<Vec<_>>>()?;
            Some((Value::Array(schemas.clone()), values))
        }
    }
}

fn blocks(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    if !items.is_empty() {
        varint::put_signed(items.len() as i64, &mut out);
    }
    out.extend(items.concat());
    out.push(0);
    out
}

static ANY: Type = Type::Ipv4;
