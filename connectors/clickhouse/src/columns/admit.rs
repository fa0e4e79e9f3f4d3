//! Whether the server would take a JSON value for a member of a `Variant`.
//!
//! Alone in a column, a type takes whatever can be read as it. Beside others it must not take what is meant for
//! them: 7.0 is no integer where there are floats. The rules are the server's, less its surprises: an empty
//! text is no 0 here, `true` is no day, "10" is not the tenth of this month, and an array can have decimals.
use std::borrow::Cow;

use crate::json::Cursor;
use crate::types::{Element, Type};

/// `None` if not, or if the value cannot be read.
pub fn admits(ty: &Type, json: &mut Cursor<'_>) -> Option<()> {
    let next = json.peek();
    match ty {
        _ if next == b'n' => json.skip().ok(),
        Type::Array(inner) => {
            expect(next == b'[')?;
            elements(json, |_, json| admits(inner, json))
        }
        Type::Tuple(parts) => tuple(parts, json),
        Type::Map(key, value) => {
            expect(next == b'{')?;
            fields(json, |name, json| {
                scalar(key, &Token::Text(name.into()))?;
                admits(value, json)
            })
        }
        Type::Nullable(inner) | Type::LowCardinality(inner) | Type::Geo(_, inner) => admits(inner, json),
        Type::Variant(variant) => {
            let any = variant.members.iter().any(|member| admits(member, &mut json.clone()).is_some());
            expect(any)?;
            json.skip().ok()
        }
        Type::Json(_) => {
            expect(next == b'{')?;
            json.skip().ok()
        }
        Type::String | Type::Dynamic(_) => json.skip().ok(),
        plain => scalar(plain, &Token::read(json)?),
    }
}

fn tuple(parts: &[Element], json: &mut Cursor<'_>) -> Option<()> {
    if json.peek() == b'[' {
        return elements(json, |place, json| admits(&parts.get(place)?.ty, json));
    }
    expect(json.peek() == b'{')?;
    fields(json, |name, json| match parts.iter().find(|part| part.name.as_deref() == Some(name)) {
        Some(part) => admits(&part.ty, json),
        None => json.skip().ok(),
    })
}

fn elements(
    json: &mut Cursor<'_>,
    mut admits: impl FnMut(usize, &mut Cursor<'_>) -> Option<()>,
) -> Option<()> {
    json.enter().ok()?;
    let mut more = json.any(b']').ok()?;
    let mut place = 0;
    while more {
        admits(place, json)?;
        place += 1;
        more = json.more(b']').ok()?;
    }
    Some(())
}

fn fields(json: &mut Cursor<'_>, mut admits: impl FnMut(&str, &mut Cursor<'_>) -> Option<()>) -> Option<()> {
    json.enter().ok()?;
    let mut more = json.any(b'}').ok()?;
    while more {
        let name = json.string().ok()?;
        json.expect(b':', "\":\"").ok()?;
        admits(&name, json)?;
        more = json.more(b'}').ok()?;
    }
    Some(())
}

/// A value without parts.
enum Token<'a> {
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool,
}

impl<'a> Token<'a> {
    fn read(json: &mut Cursor<'a>) -> Option<Self> {
        match json.peek() {
            b'"' => json.string().ok().map(Token::Text),
            b'-' | b'0'..=b'9' => json.number().ok().map(Token::Number),
            b't' | b'f' => {
                json.skip().ok()?;
                Some(Token::Bool)
            }
            _ => None,
        }
    }
}

/// Whether a token has the look of a type; whether its value is in range is seen when it is read.
#[allow(clippy::match_same_arms, reason = "each line is about types that belong together")]
fn scalar(ty: &Type, token: &Token<'_>) -> Option<()> {
    if let Type::LowCardinality(inner) = ty {
        return scalar(inner, token);
    }
    expect(match (ty, token) {
        (Type::Int(_) | Type::UInt(_), Token::Number(text)) => is_whole(text),
        (Type::Int(_) | Type::UInt(_), Token::Text(text)) => is_whole(text),
        (Type::Int(_) | Type::UInt(_), Token::Bool) => true,
        (Type::BFloat16 | Type::Float32 | Type::Float64, _) => true,
        (Type::Bool, token) => matches!(token, Token::Bool),
        // The server takes no quoted decimal.
        (Type::Decimal { .. }, token) => matches!(token, Token::Number(_)),
        (Type::Date | Type::Date32, Token::Text(text)) => !text.contains([':', 'T', ' ']),
        (Type::Date | Type::Date32, Token::Number(text)) => is_day(text),
        (Type::DateTime(_) | Type::DateTime64(..), Token::Text(text)) => is_time(text),
        (Type::DateTime(_) | Type::DateTime64(..), Token::Number(_)) => true,
        (Type::Time | Type::Time64(_), Token::Text(_) | Token::Number(_)) => true,
        (Type::Enum(_), Token::Text(_) | Token::Number(_)) => true,
        (Type::Uuid | Type::Ipv4 | Type::Ipv6 | Type::FixedString(_) | Type::String, Token::Text(_)) => true,
        _ => false,
    })
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Larger numbers are points in time, which a date takes only where nothing else could.
fn is_day(text: &str) -> bool {
    text.parse::<i32>().is_ok_and(|days| days <= i32::from(u16::MAX))
}

/// Text of digits alone is a point in time from nine digits on.
fn is_time(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    !is_number || text.len() >= 8
}

fn expect(holds: bool) -> Option<()> {
    if holds { Some(()) } else { None }
}
