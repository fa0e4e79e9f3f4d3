//! Puts into words why a record was refused.
use std::fmt;

use super::{Failure, slot::Slot};
use crate::binary::{self, Wrong};
use crate::excerpt::{VALUE_MAX, excerpt};
use crate::json::{Cursor, DEPTH_MAX, Fault};

/// A record that does not fit its table, as a sentence that names the field, the value and the column.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    sentence: String,
    /// The slot whose column would take the record if it were wider, perhaps.
    slot: Option<u32>,
}

impl Misfit {
    pub fn not_utf8(what: &str, at: usize) -> Self {
        Misfit::told(format!("the {what} is not UTF-8 at byte {at}"))
    }

    pub fn told(sentence: String) -> Self {
        Misfit { sentence, slot: None }
    }

    /// For the sake of the column of a slot, if there is one.
    pub fn at(self, slot: Option<u32>) -> Self {
        Misfit { slot, ..self }
    }

    pub fn slot(&self) -> Option<usize> {
        self.slot.map(|slot| slot as usize)
    }

    pub fn key(sentence: String) -> Self {
        Misfit::told(sentence)
    }

    /// What is wrong with bytes: in the column of which slot, and as `place` calls it where they are.
    #[cold]
    pub fn of_bytes(fault: &binary::Fault, slot: Option<(u32, &Slot)>, place: fmt::Arguments<'_>) -> Self {
        let misfit = Misfit::told(match (fault.wrong(), slot) {
            (Wrong::Misfit(value), Some((_, slot))) => {
                format!("field {}: {value} does not fit column {} {}", slot.field, slot.name, slot.type_text)
            }
            (Wrong::Misfit(what), None) => format!("{place}: {what} does not fit"),
            (Wrong::Broken(what), Some((_, slot))) => format!("{place}: field {}: {what}", slot.field),
            (Wrong::Broken(what), None) => format!("{place}: {what}"),
        });
        let may_widen = matches!(fault.wrong(), Wrong::Misfit(_));
        misfit.at(slot.filter(|_| may_widen).map(|(number, _)| number))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence)
    }
}

impl Failure {
    pub(super) fn explain(&self, text: &str, slots: &[Slot]) -> Misfit {
        let slot = match self {
            Failure::Field { slot, fault: Fault::Misfit { .. } } => Some(*slot as u32),
            _ => None,
        };
        let sentence = match self {
            Failure::NoPayload => {
                "the value has no field \"payload\", which JSON with a schema envelope must have".to_owned()
            }
            Failure::NotAnObject { at } => {
                format!("{} is no JSON object, so it has no fields to insert", describe(text, *at))
            }
            Failure::Document(fault) => document(*fault),
            Failure::Field { slot, fault: Fault::Misfit { at } } => misfit(text, *at, &slots[*slot]),
            Failure::Field { slot, fault } => format!("field {}: {}", slots[*slot].field, document(*fault)),
            Failure::Event(sentence) => sentence.clone(),
        };
        Misfit { sentence, slot }
    }
}

fn misfit(text: &str, at: usize, slot: &Slot) -> String {
    let Slot { name, field, type_text, .. } = slot;
    let value = describe(text, at);
    if slot.values.is_some() {
        return format!("field {field}: {value} does not fit column {name} {type_text}");
    }
    let advice = slot.advice.map(|advice| format!(": {advice}")).unwrap_or_default();
    format!(
        "field {field}: {value} cannot be inserted, because column {name} {type_text} has a type that this sink does not write{advice}"
    )
}

fn document(fault: Fault) -> String {
    match fault {
        Fault::Syntax { at, expected } => format!("the value is not JSON: expected {expected} at byte {at}"),
        Fault::TooDeep => format!("arrays and objects are nested deeper than {DEPTH_MAX}"),
        Fault::TooManyTypes { at } => {
            format!("the value at byte {at} is of one type more than a batch may have in a Dynamic column")
        }
        // Misfits are found below a field and told with its column.
        Fault::Misfit { at } => format!("the value at byte {at} does not fit"),
    }
}

/// The kind of a value and the beginning of its text.
fn describe(text: &str, at: usize) -> String {
    let rest = text.get(at..).unwrap_or_default();
    let kind = match rest.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        Some(b'-' | b'0'..=b'9') => "number",
        _ => "text",
    };
    let value = Cursor::new(rest).raw().unwrap_or(rest);
    format!("{kind} {}", excerpt(value, VALUE_MAX))
}
