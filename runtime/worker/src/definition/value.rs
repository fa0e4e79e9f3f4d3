//! A setting's value read by its type, and written back as Java writes it.

use super::setting::Type;
use crate::converter::number;

/// What a text means for a setting's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    Boolean(bool),
    Integer(i64),
    Double(f64),
    List(Vec<String>),
    Text(String),
    /// Never shown, in no message and in no answer.
    Secret(String),
}

/// What a client sees instead of a secret.
pub const HIDDEN: &str = "[hidden]";

impl Typed {
    /// As it appears in an answer: lists joined by commas.
    pub fn shown(&self) -> String {
        match self {
            Self::List(items) => items.join(","),
            other => other.in_message(),
        }
    }

    /// As it appears inside a message: lists in brackets.
    pub fn in_message(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Double(value) => number::double_text(*value),
            Self::List(items) => format!("[{}]", items.join(", ")),
            Self::Text(text) => text.clone(),
            Self::Secret(_) => HIDDEN.to_owned(),
        }
    }
}

/// Reads a text by a setting's type; the error is the sentence that clients of Connect know.
pub fn parse(name: &str, kind: Type, raw: &str) -> Result<Typed, String> {
    let text = trim(raw);
    let number = |parsed: Option<i64>| {
        parsed
            .map(Typed::Integer)
            .ok_or_else(|| invalid(name, raw, &format!("Not a number of type {}", kind.name())))
    };
    match kind {
        Type::Boolean if text.eq_ignore_ascii_case("true") => Ok(Typed::Boolean(true)),
        Type::Boolean if text.eq_ignore_ascii_case("false") => Ok(Typed::Boolean(false)),
        Type::Boolean => Err(invalid(name, raw, "Expected value to be either true or false")),
        Type::Short => number(text.parse::<i16>().ok().map(i64::from)),
        Type::Int => number(text.parse::<i32>().ok().map(i64::from)),
        Type::Long => number(text.parse::<i64>().ok()),
        Type::Double => match text.parse::<f64>() {
            Ok(value) => Ok(Typed::Double(value)),
            Err(_) => number(None),
        },
        Type::List => Ok(Typed::List(list(text))),
        Type::Password => Ok(Typed::Secret(raw.to_owned())),
        Type::Class | Type::String => Ok(Typed::Text(text.to_owned())),
    }
}

/// The items of a comma-separated list, blanks around them removed; an empty text is an empty list.
pub fn list(text: &str) -> Vec<String> {
    let text = trim(text);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim_ascii().to_owned()).collect()
}

/// The wording that every refused value has.
pub fn invalid(name: &str, value: &str, why: &str) -> String {
    format!("Invalid value {value} for configuration {name}: {why}")
}

/// Java's `trim`: everything up to the blank goes, other Unicode white space stays.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}
