//! Generated schemas and messages, written by the other writer: they become what their JSON becomes, however their
//! fields are ordered, repeated and cut, and no bytes are too strange.
use std::fmt::Write as _;

use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _,
    Value,
};
use protox::Compiler;
use protox::file::{File, FileResolver};

use super::tests::{id, shape};
use crate::binary::fake::framed;
use crate::decoder::trial::{decoder, sent};
use crate::decoder::{Appended, Decoder};
use crate::shape::Shape;

#[derive(Debug, Clone)]
enum Of {
    Scalar(&'static str, &'static str),
    Enum(&'static str),
    Message(Vec<Field>),
}

#[derive(Debug, Clone)]
enum Field {
    Plain(&'static str, Of),
    Map(&'static str, Of),
    Union(Vec<Of>),
}

/// Types without parts, each with a column for it.
const SCALARS: [(&str, &str); 18] = [
    ("bool", "Bool"),
    ("int32", "Int32"),
    ("int32", "Decimal(20, 3)"),
    ("sint32", "Int64"),
    ("uint32", "UInt32"),
    ("fixed32", "UInt64"),
    ("sfixed32", "Int32"),
    ("int64", "Int64"),
    ("sint64", "Int256"),
    ("uint64", "UInt64"),
    ("fixed64", "UInt128"),
    ("sfixed64", "Int64"),
    ("float", "Float32"),
    ("double", "Float64"),
    ("string", "String"),
    ("string", "FixedString(30)"),
    ("bytes", "String"),
    ("int64", "Float64"),
];

fn any_fields(has_maps: bool) -> impl Strategy<Value = Vec<Field>> {
    let leaf = || {
        prop_oneof![
            9 => prop::sample::select(&SCALARS[..]).prop_map(|(name, column)| Of::Scalar(name, column)),
            1 => prop::sample::select(&["String", "Enum16('SOME' = -9, 'LESS' = 2, 'NONE' = 300)"][..]).prop_map(Of::Enum),
        ]
    };
    let fields = move |of: BoxedStrategy<Of>| {
        let labels = prop::sample::select(&["", "optional ", "repeated ", "repeated unpacked "][..]);
        let keys = prop::sample::select(&["bool", "int32", "sint64", "fixed32", "string"][..]);
        let maps = if has_maps { 2 } else { 0 };
        let field = prop_oneof![
            6 => (labels, of.clone()).prop_map(|(label, of)| Field::Plain(label, of)),
            maps => (keys, of.clone()).prop_map(|(key, of)| Field::Map(key, of)),
            1 => prop::collection::vec(of, 1..4).prop_map(Field::Union),
        ];
        prop::collection::vec(field, 0..6)
    };
    let inner = fields(leaf().boxed()).prop_map(Of::Message);
    let middle = fields(prop_oneof![3 => leaf(), 1 => inner].boxed()).prop_map(Of::Message);
    fields(prop_oneof![3 => leaf(), 1 => middle].boxed())
}

/// A file with the message `M0` of these fields, and the columns of a table for it.
struct Generated {
    text: String,
    count: usize,
    columns: Vec<(String, String)>,
}

fn generated(fields: &[Field]) -> Generated {
    let text = "syntax = \"proto3\";\npackage a.b;\nenum E { NONE = 0; SOME = 5; LESS = -3; }\n".to_owned();
    let mut generated = Generated { text, count: 0, columns: Vec::new() };
    let (_, columns) = generated.message(fields);
    generated.columns = columns;
    generated.columns.push(("other".to_owned(), "Array(UInt8)".to_owned()));
    generated
}

impl Generated {
    fn message(&mut self, fields: &[Field]) -> (String, Vec<(String, String)>) {
        let name = format!("M{}", self.count);
        self.count += 1;
        let (mut body, mut number, mut columns) = (String::new(), 0, Vec::new());
        let mut next = || {
            number += 3;
            number
        };
        let nullable = |of: &Of, column: String| match of {
            Of::Message(_) => column,
            _ => format!("Nullable({column})"),
        };
        for (place, field) in fields.iter().enumerate() {
            let at = format!("f{place}");
            match field {
                Field::Plain(label, of) => {
                    let (kind, column) = self.kind(of);
                    let packs = !matches!(of, Of::Message(_) | Of::Scalar("string" | "bytes", _));
                    let option = if label.contains("unpacked") && packs { " [packed = false]" } else { "" };
                    let column = match *label {
                        "" => column,
                        "optional " => nullable(of, column),
                        _ => format!("Array({column})"),
                    };
                    let label = label.replace("unpacked ", "");
                    let _ = writeln!(body, "  {label}{kind} {at} = {}{option};", next());
                    columns.push((at, column));
                }
                Field::Map(key, of) => {
                    let (kind, column) = self.kind(of);
                    let key_column = match *key {
                        "bool" => "UInt8",
                        "string" => "String",
                        _ => "Int64",
                    };
                    let _ = writeln!(body, "  map<{key}, {kind}> {at} = {};", next());
                    columns.push((at, format!("Map({key_column}, {column})")));
                }
                Field::Union(members) => {
                    let members: Vec<_> = members.iter().map(|of| (of, self.kind(of))).collect();
                    let _ = writeln!(body, "  oneof u{place} {{");
                    for (member, (of, (kind, column))) in members.into_iter().enumerate() {
                        let _ = writeln!(body, "    {kind} m{place}_{member} = {};", next());
                        columns.push((format!("m{place}_{member}"), nullable(of, column)));
                    }
                    let _ = writeln!(body, "  }}");
                }
            }
        }
        let _ = writeln!(self.text, "message {name} {{\n{body}}}");
        (name, columns)
    }

    /// A type and its column.
    fn kind(&mut self, of: &Of) -> (String, String) {
        match of {
            Of::Scalar(name, column) => ((*name).to_owned(), (*column).to_owned()),
            Of::Enum(column) => ("E".to_owned(), (*column).to_owned()),
            Of::Message(fields) => {
                let (name, columns) = self.message(fields);
                // In another order, and with one that the message does not have.
                let elements = columns.iter().rev().map(|(name, ty)| format!("{name} {ty}, "));
                (name, format!("Tuple({}other Array(UInt8))", elements.collect::<String>()))
            }
        }
    }

    fn descriptor(&self) -> MessageDescriptor {
        struct One(String);
        impl FileResolver for One {
            fn open_file(&self, name: &str) -> Result<File, protox::Error> {
                File::from_source(name, &self.0)
            }
        }
        let mut compiler = Compiler::with_file_resolver(One(self.text.clone()));
        let pool: DescriptorPool = compiler.open_file("one.proto").unwrap().descriptor_pool();
        pool.get_message_by_name("a.b.M0").unwrap()
    }

    fn id(&self) -> (u32, Vec<u8>) {
        // Messages are written after those that they hold: the first one is the last.
        let mut path = Vec::new();
        formats::wire::write_message_indexes(&[self.count - 1], &mut path);
        (id(&self.text), path)
    }

    fn decoder(&self, shape: &Shape) -> Decoder {
        let columns: Vec<_> = self.columns.iter().map(|(name, ty)| (name.as_str(), ty.as_str())).collect();
        decoder(&columns, shape)
    }
}

/// Where generated values come from; zeros when it is used up.
struct Entropy<'a>(&'a [u8]);

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        match self.byte() {
            byte @ 0..100 => u64::from(byte),
            100..180 => u64::MAX - u64::from(self.byte()),
            _ => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    fn message(&mut self, of: &MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        for field in of.fields() {
            if self.byte() % 4 == 3 {
                continue;
            }
            let value = if field.is_list() {
                Value::List((0..self.byte() % 4).map(|_| self.value(&field.kind())).collect())
            } else if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
                let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
                let entry =
                    |entropy: &mut Self| (entropy.value(&key).into_map_key().unwrap(), entropy.value(&value));
                Value::Map((0..self.byte() % 4).map(|_| entry(self)).collect())
            } else {
                self.value(&field.kind())
            };
            message.set_field(&field, value);
        }
        message
    }

    fn value(&mut self, kind: &Kind) -> Value {
        let letters = |entropy: &mut Self| -> String {
            (0..entropy.byte() % 6).map(|_| char::from(entropy.byte() % 0x60 + 0x20)).collect()
        };
        match kind {
            Kind::Bool => Value::Bool(self.byte() % 2 == 1),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.number() as i32),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.number() as u32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number() as i64),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.number()),
            Kind::Float => Value::F32(self.number() as i32 as f32),
            Kind::Double => Value::F64(self.number() as i64 as f64 / 8.0),
            Kind::String => Value::String(letters(self)),
            Kind::Bytes => Value::Bytes(letters(self).into_bytes().into()),
            Kind::Enum(_) => Value::EnumNumber([0, 5, -3][usize::from(self.byte() % 3)]),
            Kind::Message(message) => Value::Message(self.message(message)),
        }
    }
}

/// A message as JSON, with all that it says and nothing else.
fn json(message: &DynamicMessage) -> String {
    let field = |field: FieldDescriptor| {
        if field.supports_presence() && !message.has_field(&field) {
            return None;
        }
        Some(format!("\"{}\":{}", field.name(), json_of(&message.get_field(&field), &field.kind())))
    };
    let fields: Vec<_> = message.descriptor().fields().filter_map(field).collect();
    format!("{{{}}}", fields.join(","))
}

fn json_of(value: &Value, kind: &Kind) -> String {
    match (value, kind) {
        (Value::Bool(value), _) => value.to_string(),
        (Value::I32(value), _) => value.to_string(),
        (Value::I64(value), _) => value.to_string(),
        (Value::U32(value), _) => value.to_string(),
        (Value::U64(value), _) => value.to_string(),
        (Value::F32(value), _) => format!("{value:?}"),
        (Value::F64(value), _) => format!("{value:?}"),
        (Value::String(text), _) => serde_json::to_string(text).unwrap(),
        (Value::Bytes(bytes), _) => serde_json::to_string(std::str::from_utf8(bytes).unwrap()).unwrap(),
        (Value::EnumNumber(number), Kind::Enum(of)) => {
            format!("\"{}\"", of.get_value(*number).unwrap().name())
        }
        (Value::Message(message), _) => json(message),
        (Value::List(items), kind) => {
            let items: Vec<_> = items.iter().map(|item| json_of(item, kind)).collect();
            format!("[{}]", items.join(","))
        }
        (Value::Map(entries), Kind::Message(entry)) => {
            let kind = entry.map_entry_value_field().kind();
            let entry = |(key, value): (&MapKey, &Value)| {
                let key = match key {
                    MapKey::Bool(value) => u8::from(*value).to_string(),
                    MapKey::I32(value) => value.to_string(),
                    MapKey::I64(value) => value.to_string(),
                    MapKey::U32(value) => value.to_string(),
                    MapKey::U64(value) => value.to_string(),
                    MapKey::String(text) => text.clone(),
                };
                format!("{}:{}", serde_json::to_string(&key).unwrap(), json_of(value, &kind))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        (other, kind) => panic!("{other:?} of {kind:?}"),
    }
}

/// Fields that no schema has: of each way in which they are written, and groups in groups.
const UNKNOWN: &[u8] = &[
    0xf8, 0xff, 1, 0x85, 1, 0xf9, 0xff, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0xfa, 0xff, 1, 2, 9, 9, 0xfd, 0xff, 1, 1,
    2, 3, 4, 0xfb, 0xff, 1, 0xfb, 0xff, 1, 8, 1, 0xfc, 0xff, 1, 0xfc, 0xff, 1,
];

/// Each column's bytes; those that no row has a value for are not sent, which is what zeros mean.
fn by_column(decoder: &mut Decoder) -> Vec<(String, Vec<u8>)> {
    let rows = decoder.rows();
    let column = |slot: &mut crate::decoder::Slot| {
        slot.values.as_mut().unwrap().fill(rows - slot.rows);
        let mut pieces = Vec::new();
        slot.values.as_ref().unwrap().pieces(0, &mut pieces);
        (slot.name.clone(), pieces.concat())
    };
    decoder.rows.slots.iter_mut().map(column).collect()
}

fn check(generated: &Generated, bytes: &[u8], theirs: &DynamicMessage) -> Result<(), TestCaseError> {
    let ((id, path), json) = (generated.id(), json(theirs));
    let (mut ours, mut other) = (generated.decoder(&shape()), generated.decoder(&Shape::default()));
    for _ in 0..2 {
        let record = framed(id, &[&path[..], bytes].concat());
        prop_assert_eq!(ours.append(&record), Ok(Appended::Row), "{}", generated.text);
        prop_assert_eq!(other.append(json.as_bytes()), Ok(Appended::Row), "{}", json);
    }
    prop_assert_eq!(
        by_column(&mut ours),
        by_column(&mut other),
        "{}\n{:?}\n{}",
        generated.text,
        generated.columns,
        json
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_message_becomes_what_its_json_becomes(fields in any_fields(true), entropy in any::<[u8; 256]>()) {
        let generated = generated(&fields);
        let theirs = Entropy(&entropy).message(&generated.descriptor());
        check(&generated, &theirs.encode_to_vec(), &theirs)?;
    }

    /// Bytes one after the other are messages merged: later values count, lists grow, messages in messages merge too.
    #[test]
    fn merged_and_unknown_fields_are_read_alike(
        fields in any_fields(false),
        one in any::<[u8; 128]>(),
        two in any::<[u8; 128]>(),
    ) {
        let generated = generated(&fields);
        let descriptor = generated.descriptor();
        let mut bytes = Entropy(&one).message(&descriptor).encode_to_vec();
        bytes.extend_from_slice(UNKNOWN);
        bytes.extend(Entropy(&two).message(&descriptor).encode_to_vec());
        let theirs = DynamicMessage::decode(descriptor, &bytes[..]).unwrap();
        check(&generated, &bytes, &theirs)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        fields in any_fields(true),
        entropy in any::<[u8; 128]>(),
        at in any::<prop::sample::Index>(),
        wrong in any::<Vec<u8>>(),
    ) {
        let generated = generated(&fields);
        let mut bytes = Entropy(&entropy).message(&generated.descriptor()).encode_to_vec();
        bytes.splice(at.index(bytes.len() + 1).., wrong);
        let (id, path) = generated.id();
        let text: Vec<_> = generated.columns.iter().map(|(name, _)| (name.clone(), "String".to_owned())).collect();
        let any: Vec<_> = generated.columns.iter().map(|(name, _)| (name.clone(), "Dynamic".to_owned())).collect();
        for columns in [generated.columns.clone(), text, any] {
            let with = Generated { text: generated.text.clone(), count: generated.count, columns };
            let mut ours = with.decoder(&shape());
            let taken = ours.append(&framed(id, &[&path[..], &bytes].concat())).is_ok();
            prop_assert_eq!(ours.rows(), usize::from(taken));
            prop_assert!(taken || ours.rows.slots.iter().all(|slot| !slot.has(0)));
            let _ = sent(&mut ours);
        }
    }
}
