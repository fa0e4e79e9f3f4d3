//! What a cell at one place of a line becomes, by the type of its column.
use std::fmt::Write as _;

use super::cells::Cell;
use crate::decoder::paths::Action;
use crate::decoder::slot::Slot;
use crate::json::Cursor;
use crate::types::{self, Type};

/// Where a cell goes, and how it is written as JSON.
#[derive(Debug, PartialEq)]
pub struct Place {
    pub action: Action,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    /// One of an enum's.
    Name,
    /// A number, a time or anything else that has no parts.
    Scalar,
    /// Parts, in JSON.
    Whole,
    /// Any JSON, or else text.
    Open,
}

impl Place {
    pub fn new(action: Action, slots: &[Slot]) -> Self {
        let kind = match action {
            Action::Column(slot) => {
                types::parse(&slots[slot as usize].type_text).map_or(Kind::Text, |ty| kind(&ty))
            }
            _ => Kind::Whole,
        };
        Place { action, kind }
    }

    pub fn slot(&self) -> Option<usize> {
        match self.action {
            Action::Column(slot) | Action::Both(slot, _) => Some(slot as usize),
            Action::Inside(_) | Action::Unknown | Action::Ignored => None,
        }
    }

    /// Writes the cell as JSON. False if there is nothing in it for a column.
    #[inline]
    pub fn write(&self, cell: &Cell<'_>, json: &mut String) -> bool {
        let Cell { text, is_null, is_text } = *cell;
        if matches!(self.action, Action::Unknown | Action::Ignored) {
            return false;
        }
        json.clear();
        if is_null {
            json.push_str("null");
            return true;
        }
        if text.is_empty() && !(is_text && self.kind == Kind::Text) {
            return false;
        }
        if self.takes_bare(text, is_text) {
            json.push_str(text);
        } else {
            quote(text, json);
        }
        true
    }

    /// Whether the text is a value as it stands. It is then one value to its end and cannot pass for more.
    fn takes_bare(&self, text: &str, is_text: bool) -> bool {
        let mut json = Cursor::new(text);
        let begins = json.peek();
        let is_one = match self.kind {
            Kind::Text | Kind::Name => return false,
            Kind::Scalar => matches!(begins, b'-' | b'0'..=b'9') && json.number().is_ok(),
            Kind::Whole => matches!(begins, b'[' | b'{') && json.skip().is_ok(),
            // What is between quotes is text unless it has parts, which cannot be without quotes.
            Kind::Open if is_text => matches!(begins, b'[' | b'{') && json.skip().is_ok(),
            Kind::Open => !matches!(begins, b'"' | b'n') && json.skip().is_ok(),
        };
        is_one && json.end().is_ok()
    }
}

fn kind(ty: &Type) -> Kind {
    match ty {
        Type::Nullable(inner) | Type::LowCardinality(inner) => kind(inner),
        Type::String | Type::FixedString(_) => Kind::Text,
        Type::Enum(_) => Kind::Name,
        Type::Array(_) | Type::Map(..) | Type::Tuple(_) | Type::Geo(..) => Kind::Whole,
        Type::Json(_) | Type::Dynamic(_) | Type::Variant(_) => Kind::Open,
        _ => Kind::Scalar,
    }
}

fn quote(text: &str, json: &mut String) {
    json.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        json.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            byte @ (b'"' | b'\\') => json.extend(['\\', char::from(byte)]),
            // Writing into a string does not fail.
            byte => drop(write!(json, "\\u{byte:04x}")),
        }
        rest = &rest[at + 1..];
    }
    json.push_str(rest);
    json.push('"');
}
