//! A message and all that it holds as plain data, for those who compile programs of their own.

use super::Message;
use super::program::{declared, is_nullable, is_wrapper};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::collections::HashMap;

/// Messages and enums lie side by side, as messages may contain themselves: a place is a number in a list.
#[derive(Debug, Default)]
pub struct Outline {
    /// The first one is the message that was asked for.
    pub messages: Vec<Outlined>,
    pub enums: Vec<Symbols>,
}

/// A type of messages.
#[derive(Debug, Default)]
pub struct Outlined {
    /// With its package.
    pub name: Box<str>,
    pub known: Option<Known>,
    /// In the order of the file.
    pub fields: Vec<Field>,
    /// How many real `oneof` it has; the fields say which one they are in.
    pub unions: usize,
}

/// Messages that everybody has and whose meaning is more than their fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    Timestamp,
    Duration,
    /// Of `google.type`, as the next one.
    Date,
    TimeOfDay,
    /// Of `confluent.type`: digits as bytes, and a scale.
    Decimal,
    /// One of Google's messages around a plain value, which is field 1; also `google.type.Decimal` around its text.
    Wrapper,
    Struct,
    Value,
    ListValue,
    Any,
}

#[derive(Debug)]
pub struct Field {
    pub name: Box<str>,
    pub number: u32,
    pub label: Label,
    /// Of one value. For a map it is the message of an entry: key and value.
    pub of: Type,
    pub absent: Absent,
    pub union: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    One,
    List,
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int32,
    Sint32,
    Sfixed32,
    Uint32,
    Fixed32,
    Int64,
    Sint64,
    Sfixed64,
    Uint64,
    Fixed64,
    Float,
    Double,
    Text,
    Bytes,
    /// The place of the enum.
    Enum(usize),
    /// The place of the message, which a group is as well.
    Message(usize),
}

/// What a field that is not there stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Absent {
    Null,
    /// Nothing, as it has to be there.
    Refused,
    /// No elements.
    Empty,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f32),
    Double(f64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    Enum(i32),
}

/// The names of an enum.
#[derive(Debug)]
pub struct Symbols {
    pub name: Box<str>,
    /// In the order of their numbers. Of several names for a number, the first one in the file.
    pub values: Vec<(i32, Box<str>)>,
}

impl Outline {
    pub fn new(root: &Message) -> Self {
        let mut outlining = Outlining::default();
        outlining.message(&root.descriptor);
        while let Some((place, message)) = outlining.waiting.pop() {
            let outlined = outlining.outlined(&message);
            if let Some(empty) = outlining.outline.messages.get_mut(place) {
                *empty = outlined;
            }
        }
        outlining.outline
    }
}

#[derive(Default)]
struct Outlining {
    outline: Outline,
    messages: HashMap<String, usize>,
    enums: HashMap<String, usize>,
    waiting: Vec<(usize, MessageDescriptor)>,
}

impl Outlining {
    fn message(&mut self, message: &MessageDescriptor) -> usize {
        let next = self.outline.messages.len();
        let place = *self.messages.entry(message.full_name().to_owned()).or_insert(next);
        if place == next {
            self.outline.messages.push(Outlined::default());
            self.waiting.push((place, message.clone()));
        }
        place
    }

    fn outlined(&mut self, message: &MessageDescriptor) -> Outlined {
        let fields = declared(message);
        Outlined {
            name: message.full_name().into(),
            known: known(message),
            fields: fields.iter().map(|field| self.field(field)).collect(),
            unions: message.oneofs().filter(|union| !union.is_synthetic()).count(),
        }
    }

    fn field(&mut self, field: &FieldDescriptor) -> Field {
        let label = match (field.is_map(), field.is_list()) {
            (true, _) => Label::Map,
            (_, true) => Label::List,
            _ => Label::One,
        };
        let unions = field.parent_message().oneofs();
        let is_own = |name: &str| field.containing_oneof().is_some_and(|union| union.name() == name);
        let union = unions.filter(|union| !union.is_synthetic()).position(|union| is_own(union.name()));
        let of = self.of(&field.kind());
        Field {
            name: field.name().into(),
            number: field.number(),
            label,
            of,
            absent: if label == Label::One { absent(field) } else { Absent::Empty },
            union,
        }
    }

    fn of(&mut self, kind: &Kind) -> Type {
        match kind {
            Kind::Bool => Type::Bool,
            Kind::Int32 => Type::Int32,
            Kind::Sint32 => Type::Sint32,
            Kind::Sfixed32 => Type::Sfixed32,
            Kind::Uint32 => Type::Uint32,
            Kind::Fixed32 => Type::Fixed32,
            Kind::Int64 => Type::Int64,
            Kind::Sint64 => Type::Sint64,
            Kind::Sfixed64 => Type::Sfixed64,
            Kind::Uint64 => Type::Uint64,
            Kind::Fixed64 => Type::Fixed64,
            Kind::Float => Type::Float,
            Kind::Double => Type::Double,
            Kind::String => Type::Text,
            Kind::Bytes => Type::Bytes,
            Kind::Enum(of) => Type::Enum(self.symbols(of)),
            Kind::Message(message) => Type::Message(self.message(message)),
        }
    }

    fn symbols(&mut self, of: &EnumDescriptor) -> usize {
        let next = self.outline.enums.len();
        let place = *self.enums.entry(of.full_name().to_owned()).or_insert(next);
        if place == next {
            // The descriptor's own list is not in the order of the file.
            let declared = &of.enum_descriptor_proto().value;
            let mut values: Vec<(i32, Box<str>)> =
                declared.iter().map(|value| (value.number(), value.name().into())).collect();
            // Stable, so that the first name of a number stays the first.
            values.sort_by_key(|(number, _)| *number);
            values.dedup_by_key(|(number, _)| *number);
            self.outline.enums.push(Symbols { name: of.name().into(), values });
        }
        place
    }
}

fn absent(field: &FieldDescriptor) -> Absent {
    if field.is_required() {
        return Absent::Refused;
    }
    if is_nullable(field) && !field.parent_message().is_map_entry() {
        return Absent::Null;
    }
    match field.default_value() {
        Value::Bool(value) => Absent::Bool(value),
        Value::I32(value) => Absent::Int(value.into()),
        Value::I64(value) => Absent::Int(value),
        Value::U32(value) => Absent::Uint(value.into()),
        Value::U64(value) => Absent::Uint(value),
        Value::F32(value) => Absent::Float(value),
        Value::F64(value) => Absent::Double(value),
        Value::String(text) => Absent::Text(text.into()),
        Value::Bytes(bytes) => Absent::Bytes(bytes[..].into()),
        Value::EnumNumber(number) => Absent::Enum(number),
        // In a map, a message that is not there is an empty one.
        Value::Message(_) => Absent::Empty,
        Value::List(_) | Value::Map(_) => Absent::Null,
    }
}

/// Messages that only have the names of known ones are none.
fn known(message: &MessageDescriptor) -> Option<Known> {
    let has = |fields: &[Kind]| {
        (1..).zip(fields).all(|(number, kind)| {
            message.get_field(number).is_some_and(|field| field.kind() == *kind && !field.is_list())
        })
    };
    let holds = |number: u32, is: &dyn Fn(&FieldDescriptor) -> bool| {
        message.get_field(number).is_some_and(|field| is(&field))
    };
    let is_message = |field: &FieldDescriptor| matches!(field.kind(), Kind::Message(_)) && !field.is_list();
    match message.full_name() {
        "google.protobuf.Timestamp" if has(&[Kind::Int64, Kind::Int32]) => Some(Known::Timestamp),
        "google.protobuf.Duration" if has(&[Kind::Int64, Kind::Int32]) => Some(Known::Duration),
        "google.type.Date" if has(&[Kind::Int32, Kind::Int32, Kind::Int32]) => Some(Known::Date),
        "google.type.TimeOfDay" if has(&[Kind::Int32, Kind::Int32, Kind::Int32, Kind::Int32]) => {
            Some(Known::TimeOfDay)
        }
        "confluent.type.Decimal" if has(&[Kind::Bytes]) && holds(3, &|field| field.kind() == Kind::Int32) => {
            Some(Known::Decimal)
        }
        "google.type.Decimal" if has(&[Kind::String]) => Some(Known::Wrapper),
        "google.protobuf.Struct" if holds(1, &FieldDescriptor::is_map) => Some(Known::Struct),
        "google.protobuf.ListValue" if holds(1, &FieldDescriptor::is_list) => Some(Known::ListValue),
        "google.protobuf.Value"
            if holds(2, &|field| field.kind() == Kind::Double)
                && holds(3, &|field| field.kind() == Kind::String)
                && holds(4, &|field| field.kind() == Kind::Bool)
                && holds(5, &is_message)
                && holds(6, &is_message) =>
        {
            Some(Known::Value)
        }
        "google.protobuf.Any" if has(&[Kind::String, Kind::Bytes]) => Some(Known::Any),
        _ => is_wrapper(message).then_some(Known::Wrapper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::Schema;

    fn outline(text: &str) -> Outline {
        let schema = Schema::parse(text, &[]).unwrap_or_else(|error| panic!("{error}"));
        Outline::new(&schema.message(&[0]).unwrap())
    }

    #[test]
    fn presence_defaults_and_unions_are_told() {
        let outline = outline(
            "syntax = \"proto3\"; package a; message M { int32 plain = 3; optional int32 said = 2; M self = 1; \
             repeated E list = 4; map<string, M> map = 5; oneof u { bool b = 6; uint64 n = 7; } \
             enum E { option allow_alias = true; ZERO = 0; NONE = 0; LESS = -1; } }",
        );
        let message = &outline.messages[0];
        assert_eq!((&*message.name, message.known, message.unions), ("a.M", None, 1));
        let told: Vec<_> = message
            .fields
            .iter()
            .map(|field| (field.number, field.label, field.of, field.absent.clone(), field.union))
            .collect();
        let entry = message.fields[4].of;
        assert_eq!(
            told,
            [
                (3, Label::One, Type::Int32, Absent::Int(0), None),
                (2, Label::One, Type::Int32, Absent::Null, None),
                (1, Label::One, Type::Message(0), Absent::Null, None),
                (4, Label::List, Type::Enum(0), Absent::Empty, None),
                (5, Label::Map, entry, Absent::Empty, None),
                (6, Label::One, Type::Bool, Absent::Null, Some(0)),
                (7, Label::One, Type::Uint64, Absent::Null, Some(0)),
            ]
        );
        let Type::Message(entry) = entry else { panic!("a message of key and value") };
        let entry: Vec<_> =
            outline.messages[entry].fields.iter().map(|field| (field.of, field.absent.clone())).collect();
        assert_eq!(
            entry,
            [(Type::Text, Absent::Text("".into())), (Type::Message(0), Absent::Empty)],
            "entries are written as if all of their fields had a default"
        );
        let symbols = &outline.enums[0];
        assert_eq!(symbols.values, [(-1, "LESS".into()), (0, "ZERO".into())]);
    }

    #[test]
    fn the_older_syntax_has_defaults_of_its_own() {
        let outline = outline(
            "syntax = \"proto2\"; message M { required string r = 1; optional bytes b = 2 [default = \"x\"]; \
             optional E e = 3 [default = B]; optional float f = 4 [default = -inf]; } enum E { A = 1; B = 2; }",
        );
        let absent: Vec<_> = outline.messages[0].fields.iter().map(|field| field.absent.clone()).collect();
        let expected = [
            Absent::Refused,
            Absent::Bytes(b"x"[..].into()),
            Absent::Enum(2),
            Absent::Float(f32::NEG_INFINITY),
        ];
        assert_eq!(absent, expected);
    }

    #[test]
    fn messages_are_known_by_name_and_fields() {
        let google =
            |message: &str| format!("syntax = \"proto3\"; package google.protobuf; message {message}");
        for (text, known) in [
            (google("Timestamp { int64 seconds = 1; int32 nanos = 2; }"), Some(Known::Timestamp)),
            (google("Timestamp { string text = 1; }"), None),
            (google("Int32Value { int32 value = 1; }"), Some(Known::Wrapper)),
            (google("Int32Value { repeated int32 value = 1; }"), None),
            (google("Any { string type_url = 1; bytes value = 2; }"), Some(Known::Any)),
            (google("Struct { int32 fields = 1; }"), None),
            (google("Value { }"), None),
        ] {
            assert_eq!(outline(&text).messages[0].known, known, "{text}");
        }
    }
}
