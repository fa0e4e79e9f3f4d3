//! The column type that says all of a Protobuf type, for columns that take any, and for new ones.
use formats::protobuf::{Absent, Field, Known, Label, Outline, Type as Proto};

use super::compile::Held;
use super::scalar::{Moment, Scalar, entry};
use crate::types::{Element, Type};

/// `budget` is how many types may yet be made: a name in a schema can stand for a whole tree.
pub fn of(outline: &Outline, held: Held, counts_enums: bool, budget: &mut usize) -> Type {
    Naming { outline, counts_enums, budget, open: Vec::new() }.of(held)
}

struct Naming<'a> {
    outline: &'a Outline,
    counts_enums: bool,
    budget: &'a mut usize,
    /// The messages around this type.
    open: Vec<usize>,
}

impl Naming<'_> {
    fn of(&mut self, held: Held) -> Type {
        *self.budget = self.budget.saturating_sub(1);
        match held {
            _ if *self.budget == 0 || self.open.len() >= LEVELS_MAX => Type::String,
            (Label::List, of) => Type::Array(Box::new(self.of((Label::One, of)))),
            (Label::Map, of) => match entry(self.outline, of) {
                Some([key, value]) => {
                    let key = self.of((Label::One, key.of));
                    // Names of a map can be text and whole numbers.
                    let key = if key == Type::Bool { Type::UInt(1) } else { key };
                    Type::Map(Box::new(key), Box::new(self.of((Label::One, value.of))))
                }
                None => Type::String,
            },
            (Label::One, Proto::Message(place)) => self.message(place),
            (Label::One, of) => scalar(of, self.counts_enums),
        }
    }

    fn message(&mut self, place: usize) -> Type {
        if let Some(ty) = Moment::of(self.outline, place).map(moment) {
            return ty;
        }
        let message = &self.outline.messages[place];
        // What contains itself becomes JSON text, and so does what only JSON can say.
        let is_plain = matches!(message.known, None | Some(Known::Any)) && !message.fields.is_empty();
        if !is_plain
            || self.open.contains(&place)
            || message.fields.iter().any(|field| &*field.name == "null")
        {
            return Type::String;
        }
        self.open.push(place);
        let element = |field: &Field| {
            let ty = self.of((field.label, field.of));
            let has_null = field.absent == Absent::Null && ty.can_be_nullable();
            let ty = if has_null { Type::Nullable(Box::new(ty)) } else { ty };
            Element { name: Some(field.name.to_string()), ty }
        };
        let elements = message.fields.iter().map(element).collect();
        self.open.pop();
        Type::Tuple(elements)
    }
}

/// The type of values without parts.
pub fn scalar(of: Proto, counts_enums: bool) -> Type {
    match Scalar::of(of) {
        Some(scalar) => plain(scalar),
        None if counts_enums => Type::Int(4),
        None => Type::String,
    }
}

/// The type of messages that are one value. Times are kept to the microsecond: a finer type ends in the year 2262.
pub fn moment(moment: Moment) -> Type {
    match moment {
        Moment::Timestamp | Moment::Millis => Type::DateTime64(6, Some("UTC".to_owned())),
        Moment::Span | Moment::Seconds => Type::Decimal { precision: 38, scale: 9 },
        Moment::Date => Type::Date32,
        Moment::TimeOfDay | Moment::MillisOfDay => Type::Time64(6),
        // Each value has a scale of its own.
        Moment::Decimal => Type::String,
        Moment::Wrapped(scalar) => plain(scalar),
    }
}

fn plain(scalar: Scalar) -> Type {
    match scalar {
        Scalar::Bool => Type::Bool,
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 | Scalar::Number => Type::Int(4),
        Scalar::Uint32 | Scalar::Fixed32 => Type::UInt(4),
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => Type::Int(8),
        Scalar::Uint64 | Scalar::Fixed64 => Type::UInt(8),
        Scalar::Float => Type::Float32,
        Scalar::Double => Type::Float64,
        Scalar::Text | Scalar::Bytes => Type::String,
    }
}

/// Above what tables have, below what a server reads.
const LEVELS_MAX: usize = 32;
