//! Writes records as JSON text, and the schema of structured ones as Connect's JSON converter has it.
use crate::fields::{Drawn, Field, Generator, Kind};
use std::fmt::Write;

/// Replaces `out` by record `number` as a JSON object; `visit` sees each value as well.
pub fn object(
    out: &mut String,
    generator: &mut Generator,
    (number, now_ms): (u64, i64),
    visit: &mut impl FnMut(usize, &Drawn<'_>),
) {
    out.clear();
    generator.record(number, now_ms, |index, field, drawn| {
        visit(index, &drawn);
        out.push(if index == 0 { '{' } else { ',' });
        // The grammar lets no letter into a name that JSON would escape.
        out.push('"');
        out.push_str(&field.name);
        out.push_str("\":");
        match drawn {
            Drawn::Text(text) => quoted(out, text),
            number_or_flag => plain(out, &number_or_flag),
        }
    });
    out.push('}');
}

/// The value as text without quotes, as keys have it.
pub fn plain(out: &mut String, drawn: &Drawn<'_>) {
    match *drawn {
        Drawn::Int32(value) => integer(out, i64::from(value)),
        Drawn::Int64(value) => integer(out, value),
        Drawn::Double(value) => {
            let _ = write!(out, "{value}");
        }
        Drawn::Decimal { unscaled, digits } => decimal(out, unscaled, digits),
        Drawn::Text(text) => out.push_str(text),
        Drawn::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
    }
}

/// The schema of a structured record.
pub fn schema(fields: &[Field]) -> String {
    let mut out = String::from(r#"{"type":"struct","fields":["#);
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let kind = match field.kind {
            Kind::Int { .. } => r#""int32","optional":false"#,
            Kind::Sequence { .. } | Kind::Long { .. } => r#""int64","optional":false"#,
            Kind::Double { .. } | Kind::Decimal { .. } => r#""double","optional":false"#,
            Kind::Text { .. } | Kind::Choice(_) | Kind::Uuid => r#""string","optional":false"#,
            Kind::Boolean => r#""boolean","optional":false"#,
            Kind::Now => {
                r#""int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1"#
            }
        };
        let _ = write!(out, r#"{{"type":{kind},"field":"{}"}}"#, field.name);
    }
    out.push_str(r#"],"optional":false,"name":"penstock.Datagen"}"#);
    out
}

fn integer(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    digits(out, value.unsigned_abs(), 1);
}

fn decimal(out: &mut String, unscaled: i64, places: u32) {
    if unscaled < 0 {
        out.push('-');
    }
    let unit = 10_u64.pow(places);
    digits(out, unscaled.unsigned_abs() / unit, 1);
    if places > 0 {
        out.push('.');
        digits(out, unscaled.unsigned_abs() % unit, places as usize);
    }
}

/// A number with at least `width` digits. A third of the time that the standard formatter takes, which is a good
/// part of the time of a record.
fn digits(out: &mut String, mut value: u64, width: usize) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    while value > 0 {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    let at = at.min(text.len() - width);
    out.push_str(std::str::from_utf8(&text[at..]).unwrap_or_default());
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        for letter in text.chars() {
            match letter {
                '"' | '\\' => out.extend(['\\', letter]),
                control if u32::from(control) < 0x20 => {
                    let _ = write!(out, "\\u{:04x}", u32::from(control));
                }
                other => out.push(other),
            }
        }
    } else {
        out.push_str(text);
    }
    out.push('"');
}
