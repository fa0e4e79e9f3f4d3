//! The value that a literal in a config stands for: a boolean, a number, a time, a quoted text, or text as it is.
use crate::date::{DateFormat, MS_PER_DAY};
use crate::record::{HeaderBytes, HeaderValue};
use crate::schema::{Logical, Schema, Shape};
use penstock_sdk::flat::Writer;
use std::sync::Arc;

/// Reads a literal and its type. Arrays and maps stay the text that they are written as.
pub fn parse(text: &str) -> HeaderValue {
    let trimmed = text.trim();
    let mut value = Vec::new();
    let writer = &mut Writer::new(&mut value);
    let schema = if trimmed == "null" {
        writer.null();
        None
    } else if trimmed == "true" || trimmed == "false" {
        writer.boolean(trimmed == "true");
        Some(Schema::plain(Shape::Boolean, false))
    } else {
        number(trimmed, writer).or_else(|| time(trimmed, writer)).or_else(|| {
            let quoted = trimmed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let plain = quoted.map(|quoted| quoted.replace("\\\"", "\"").replace("\\\\", "\\"));
            writer.text(plain.as_deref().unwrap_or(text));
            Some(Schema::plain(Shape::Text, false))
        })
    };
    HeaderValue { schema, bytes: HeaderBytes::Fixed(value.into()) }
}

/// The smallest type that holds the number.
fn number(text: &str, writer: &mut Writer<'_>) -> Option<Arc<Schema>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let float: f64 = text.parse().ok().filter(|float: &f64| float.is_finite())?;
    let whole = text.parse::<i64>().ok().or_else(|| {
        // A number without a fraction is whole, however it is written.
        (float.fract() == 0.0 && float.abs() < EXACT_MAX).then_some(float as i64)
    });
    let shape = match whole {
        Some(whole) => {
            if let Ok(small) = i8::try_from(whole) {
                writer.int8(small);
                Shape::Int8
            } else if let Ok(small) = i16::try_from(whole) {
                writer.int16(small);
                Shape::Int16
            } else if let Ok(small) = i32::try_from(whole) {
                writer.int32(small);
                Shape::Int32
            } else {
                writer.int64(whole);
                Shape::Int64
            }
        }
        None if (float as f32).is_finite() => {
            writer.float32(text.parse().ok()?);
            Shape::Float32
        }
        None => {
            writer.float64(float);
            Shape::Float64
        }
    };
    Some(Schema::plain(shape, false))
}

/// Doubles are exact up to here.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The forms that Connect writes itself, by their lengths.
fn time(text: &str, writer: &mut Writer<'_>) -> Option<Arc<Schema>> {
    let (pattern, logical) = match text.len() {
        10 => ("yyyy-MM-dd", Logical::Date),
        13 => ("HH:mm:ss.SSS'Z'", Logical::Time),
        24 => ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Logical::Timestamp),
        _ => return None,
    };
    let ms = DateFormat::compile(pattern).ok()?.parse(text, 0)?;
    match logical {
        Logical::Date => writer.int32(i32::try_from(ms / MS_PER_DAY).ok()?),
        Logical::Time => writer.int32(i32::try_from(ms).ok()?),
        Logical::Timestamp | Logical::Decimal(_) => writer.int64(ms),
    }
    Some(Schema::logical_type(logical, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header_text::write;

    fn fixed(header: &HeaderValue) -> &[u8] {
        match &header.bytes {
            HeaderBytes::Fixed(bytes) => bytes,
            HeaderBytes::Made(_) => panic!("a literal is the same for every record"),
        }
    }

    #[test]
    fn a_literal_has_the_type_that_it_looks_like() {
        for (literal, kind, shown) in [
            ("5", "int8", "5"),
            ("007", "int8", "7"),
            ("-300", "int16", "-300"),
            ("70000", "int32", "70000"),
            ("5000000000", "int64", "5000000000"),
            ("1.50", "float", "1.5"),
            ("1.0", "int8", "1"),
            ("true", "boolean", "true"),
            ("2019-08-23", "int32", "2019-08-23"),
            ("14:34:54.346Z", "int32", "14:34:54.346Z"),
            ("2019-08-23T14:34:54.346Z", "int64", "2019-08-23T14:34:54.346Z"),
            ("some text", "string", "some text"),
            ("\"5\"", "string", "5"),
            ("1.2.3", "string", "1.2.3"),
            ("", "string", ""),
        ] {
            let header = parse(literal);
            let schema = header.schema.as_deref().unwrap();
            let mut out = Vec::new();
            assert!(write(fixed(&header), Some(schema), &mut out).unwrap());
            assert_eq!(
                (schema.shape.name(), String::from_utf8(out).unwrap().as_str()),
                (kind, shown),
                "{literal}"
            );
        }
        let null = parse("null");
        assert!(null.schema.is_none() && !write(fixed(&null), None, &mut Vec::new()).unwrap());
    }
}
