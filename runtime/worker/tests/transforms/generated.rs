//! Random records with and without schemas, and random settings that fit them now and then.

use serde_json::{Map, Value, json};

use crate::Case;
use crate::table::{class, logical, record};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const TYPES: [&str; 9] = ["int8", "int16", "int32", "int64", "float", "double", "boolean", "string", "bytes"];

pub fn cases(seed: u64, count: usize) -> Vec<Case> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| case(&mut random)).collect()
}

fn case(random: &mut fastrand::Rng) -> Case {
    let value = if random.bool() { typed_record(random, 0) } else { plain_map(random, 0) };
    let (name, settings) = settings(random);
    let side = if random.u8(..4) == 0 { "Key" } else { "Value" };
    let record = if side == "Key" { record(&value, &Value::Null) } else { record(&Value::Null, &value) };
    Case { class: class(name, side), settings: Value::Object(settings), record }
}

fn plain(random: &mut fastrand::Rng, depth: u8) -> Value {
    match random.u8(..9) {
        0 => Value::Null,
        1 => random.bool().into(),
        2 => random.i64(-200..200).into(),
        3 => random.i64(-4_000_000_000_000..4_000_000_000_000).into(),
        4 => json!(f64::from(random.i32(-100_000..100_000)) / 8.0),
        5 => text(random),
        6 if depth < 2 => (0..random.usize(..3)).map(|_| plain(random, depth + 1)).collect(),
        7 | 8 if depth < 3 => plain_map(random, depth + 1),
        _ => time(random),
    }
}

fn plain_map(random: &mut fastrand::Rng, depth: u8) -> Value {
    let mut map = Map::new();
    for name in NAMES {
        if random.u8(..3) > 0 {
            map.insert(name.to_owned(), plain(random, depth));
        }
    }
    Value::Object(map)
}

fn text(random: &mut fastrand::Rng) -> Value {
    let texts =
        ["", "x", "12", "-7", "300", "1.5", "true", "TRUE", "äöü", " 4", "1e3", "NaN", "\"q\"", "9999999999"];
    json!(texts[random.usize(..texts.len())])
}

fn time(random: &mut fastrand::Rng) -> Value {
    let texts = [
        "2019-08-22 14:15:06",
        "1969-12-31 23:59:59",
        "2020-02-29 0:0:0",
        "2019-8-2",
        "1582-10-04 12:00:00",
        "19-1-2 3:4:5",
    ];
    json!(texts[random.usize(..texts.len())])
}

/// A struct with its schema.
fn typed_record(random: &mut fastrand::Rng, depth: u8) -> Value {
    let (mut schema, payload) = typed_struct(random, depth);
    if random.bool() {
        schema["name"] = json!("n");
        schema["doc"] = json!("d");
    }
    json!({"schema": schema, "payload": payload})
}

fn typed_struct(random: &mut fastrand::Rng, depth: u8) -> (Value, Value) {
    let (mut fields, mut payload) = (Vec::new(), Map::new());
    for name in NAMES {
        if random.u8(..4) == 0 {
            continue;
        }
        let (mut schema, value) = typed(random, depth);
        schema["field"] = json!(name);
        fields.push(schema);
        payload.insert(name.to_owned(), value);
    }
    (json!({"type": "struct", "optional": random.bool(), "fields": fields}), Value::Object(payload))
}

fn typed(random: &mut fastrand::Rng, depth: u8) -> (Value, Value) {
    let (mut schema, value) = match random.u8(..12) {
        0 | 1 if depth < 2 => typed_struct(random, depth + 1),
        2 => (logical("Timestamp"), json!(random.i64(-4_000_000_000_000..4_000_000_000_000))),
        3 => (logical("Date"), json!(random.i32(-40_000..40_000))),
        4 => (logical("Time"), json!(random.i32(0..86_400_000))),
        5 if depth > 0 => (json!({"type": "array", "items": {"type": "int32"}}), json!([1, 2])),
        _ => {
            let kind = TYPES[random.usize(..TYPES.len())];
            (json!({"type": kind}), of_type(random, kind))
        }
    };
    let is_optional = random.bool();
    schema["optional"] = json!(is_optional);
    let is_plain = schema["type"] != "struct" && schema["type"] != "array";
    if is_plain && random.u8(..5) == 0 {
        schema["default"] = value.clone();
    }
    let is_null = is_optional && random.u8(..4) == 0;
    (schema, if is_null { Value::Null } else { value })
}

fn of_type(random: &mut fastrand::Rng, kind: &str) -> Value {
    match kind {
        "int8" => random.i8(..).into(),
        "int16" => random.i16(..).into(),
        "int32" => random.i32(..).into(),
        "int64" => random.i64(-4_000_000_000_000..4_000_000_000_000).into(),
        "float" | "double" => json!(f64::from(random.i32(-100_000..100_000)) / 8.0),
        "boolean" => random.bool().into(),
        "bytes" => json!(["", "AQID", "/w=="][random.usize(..3)]),
        _ if random.bool() => time(random),
        _ => text(random),
    }
}

fn settings(random: &mut fastrand::Rng) -> (&'static str, Map<String, Value>) {
    let name = |random: &mut fastrand::Rng| NAMES[random.usize(..NAMES.len())];
    let one_of = |random: &mut fastrand::Rng, words: &[&str]| words[random.usize(..words.len())].to_owned();
    let (a, b) = (name(random), name(random));
    let types = ["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"];
    let targets = ["string", "unix", "Date", "Time", "Timestamp"];
    let formats = [
        "yyyy-MM-dd HH:mm:ss",
        "yyyy-MM-dd",
        "yy-M-d h:m:s",
        "dd MMM yyyy, EEEE HH:mm:ss.SSS",
        "D w u k K a YYYY",
    ];
    let units = ["nanoseconds", "microseconds", "milliseconds", "seconds"];
    let (class, mut pairs) = match random.u8(..12) {
        0 | 1 => ("Cast", vec![("spec", format!("{a}:{}", one_of(random, &types)))]),
        2 => (
            "ExtractField",
            vec![("field", format!("{a}.{b}")), ("field.syntax.version", one_of(random, &["V1", "V2"]))],
        ),
        3 => ("Flatten", vec![("delimiter", one_of(random, &[".", "", "__"]))]),
        4 => (
            "HeaderFrom",
            vec![
                ("fields", a.to_owned()),
                ("headers", b.to_owned()),
                ("operation", one_of(random, &["move", "copy"])),
            ],
        ),
        5 => (
            "InsertField",
            vec![
                ("topic.field", format!("x{}", one_of(random, &["", "!", "?"]))),
                ("offset.field", a.to_owned()),
            ],
        ),
        6 => ("MaskField", vec![("fields", a.to_owned())]),
        7 => (
            "MaskField",
            vec![("fields", a.to_owned()), ("replacement", one_of(random, &["5", "x", "1000", "2.5"]))],
        ),
        8 => ("ReplaceField", vec![("exclude", a.to_owned()), ("renames", format!("{b}:z"))]),
        9 => ("ValueToKey", vec![("fields", a.to_owned())]),
        _ => (
            "TimestampConverter",
            vec![
                ("field", a.to_owned()),
                ("target.type", one_of(random, &targets)),
                ("format", one_of(random, &formats)),
                ("unix.precision", one_of(random, &units)),
            ],
        ),
    };
    if random.u8(..4) == 0 && class != "Flatten" {
        pairs.push(("replace.null.with.default", "false".to_owned()));
    }
    (class, pairs.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect())
}
