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
    let _ = write!(out, "{value}");
}

fn decimal(out: &mut String, unscaled: i64, digits: u32) {
    if unscaled < 0 {
        out.push('-');
    }
    let unit = 10_u64.pow(digits);
    let (whole, rest) = (unscaled.unsigned_abs() / unit, unscaled.unsigned_abs() % unit);
    let _ = match digits {
        0 => write!(out, "{whole}"),
        _ => write!(out, "{whole}.{rest:0width$}", width = digits as usize),
    };
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
