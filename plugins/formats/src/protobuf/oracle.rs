//! Generated schemas and values against prost-reflect: what it writes is read here, and what is written here it reads.

use super::{Decoder, Encoder, Message, Options, Schema, from_connect};
use crate::connect;
use penstock_sdk::flat::{Struct, Value as Ours};
use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value as Theirs,
};
use std::fmt::Write as _;

#[derive(Debug, Clone)]
enum Of {
    Scalar(&'static str),
    Enum,
    Message(Vec<Field>),
}

#[derive(Debug, Clone)]
enum Field {
    Plain(&'static str, Of),
    Map(&'static str, Of),
    Union(Vec<Of>),
}

const SCALARS: [&str; 15] = [
    "bool", "int32", "sint32", "uint32", "fixed32", "sfixed32", "int64", "sint64", "uint64", "fixed64",
    "sfixed64", "float", "double", "string", "bytes",
];

fn any_fields() -> impl Strategy<Value = Vec<Field>> {
    let leaf =
        || prop_oneof![9 => prop::sample::select(&SCALARS[..]).prop_map(Of::Scalar), 1 => Just(Of::Enum)];
    let fields = |of: BoxedStrategy<Of>| {
        let labels = prop::sample::select(&["", "optional ", "repeated ", "repeated unpacked "][..]);
        let field = prop_oneof![
            6 => (labels, of.clone()).prop_map(|(label, of)| Field::Plain(label, of)),
            1 => (prop::sample::select(&["bool", "int32", "sint64", "fixed32", "string"][..]), of.clone())
                .prop_map(|(key, of)| Field::Map(key, of)),
            1 => prop::collection::vec(of, 1..4).prop_map(Field::Union),
        ];
        prop::collection::vec(field, 0..7)
    };
    let inner = fields(leaf().boxed()).prop_map(Of::Message);
    let middle = fields(prop_oneof![3 => leaf(), 1 => inner].boxed()).prop_map(Of::Message);
    fields(prop_oneof![3 => leaf(), 1 => middle].boxed())
}

/// A file with the message `a.b.M0` of these fields, and all that it needs.
fn file(fields: &[Field]) -> String {
    let mut file = File {
        text: "syntax = \"proto3\";\npackage a.b;\nenum E { NONE = 0; SOME = 5; LESS = -3; }\n".to_owned(),
        count: 0,
    };
    file.message(fields);
    file.text
}

struct File {
    text: String,
    count: usize,
}

impl File {
    fn message(&mut self, fields: &[Field]) -> String {
        let name = format!("M{}", self.count);
        self.count += 1;
        let (mut body, mut number) = (String::new(), 0);
        let mut next = || {
            number += 3;
            number
        };
        for (place, field) in fields.iter().enumerate() {
            match field {
                Field::Plain(label, of) => {
                    let kind = self.kind(of);
                    let is_unpacked = label.contains("unpacked")
                        && !matches!(of, Of::Message(_) | Of::Scalar("string" | "bytes"));
                    let label = label.replace("unpacked ", "");
                    let option = if is_unpacked { " [packed = false]" } else { "" };
                    let _ = writeln!(body, "  {label}{kind} f{place} = {}{option};", next());
                }
                Field::Map(key, of) => {
                    let kind = self.kind(of);
                    let _ = writeln!(body, "  map<{key}, {kind}> f{place} = {};", next());
                }
                Field::Union(members) => {
                    let members: Vec<_> = members.iter().map(|of| self.kind(of)).collect();
                    let _ = writeln!(body, "  oneof u{place} {{");
                    for (member, kind) in members.iter().enumerate() {
                        let _ = writeln!(body, "    {kind} m{place}_{member} = {};", next());
                    }
                    let _ = writeln!(body, "  }}");
                }
            }
        }
        let _ = writeln!(self.text, "message {name} {{\n{body}}}");
        name
    }

    fn kind(&mut self, of: &Of) -> String {
        match of {
            Of::Scalar(name) => (*name).to_owned(),
            Of::Enum => "E".to_owned(),
            Of::Message(fields) => self.message(fields),
        }
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
                Theirs::List((0..self.byte() % 4).map(|_| self.value(&field.kind())).collect())
            } else if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
                let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
                let entry =
                    |entropy: &mut Self| (entropy.value(&key).into_map_key().unwrap(), entropy.value(&value));
                Theirs::Map((0..self.byte() % 4).map(|_| entry(self)).collect())
            } else {
                self.value(&field.kind())
            };
            message.set_field(&field, value);
        }
        message
    }

    fn value(&mut self, kind: &Kind) -> Theirs {
        match kind {
            Kind::Bool => Theirs::Bool(self.byte() % 2 == 1),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Theirs::I32(self.number() as i32),
            Kind::Uint32 | Kind::Fixed32 => Theirs::U32(self.number() as u32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Theirs::I64(self.number() as i64),
            Kind::Uint64 | Kind::Fixed64 => Theirs::U64(self.number()),
            // Numbers that equal themselves, unlike what any bits may be.
            Kind::Float => Theirs::F32(self.number() as i32 as f32),
            Kind::Double => Theirs::F64(self.number() as i64 as f64),
            Kind::String => Theirs::String((0..self.byte() % 6).map(|_| char::from(self.byte())).collect()),
            Kind::Bytes => {
                Theirs::Bytes((0..self.byte() % 6).map(|_| self.byte()).collect::<Vec<_>>().into())
            }
            Kind::Enum(_) => Theirs::EnumNumber([0, 5, -3, 77][usize::from(self.byte() % 4)]),
            Kind::Message(message) => Theirs::Message(self.message(message)),
        }
    }
}

fn same_message(ours: Struct<'_>, theirs: &DynamicMessage) -> bool {
    ours.iter().all(|field| {
        let (name, value) = field.unwrap();
        match theirs.descriptor().get_field_by_name(name) {
            Some(field) => same_field(value, theirs, &field),
            // What is no field is a union, which has one member or is null.
            None => match value {
                Ours::Struct(members) => members.iter().all(|member| {
                    let (name, value) = member.unwrap();
                    same_field(value, theirs, &theirs.descriptor().get_field_by_name(name).unwrap())
                }),
                Ours::Null => theirs
                    .descriptor()
                    .oneofs()
                    .filter(|union| name.starts_with(&format!("{}_", union.name())))
                    .all(|union| union.fields().all(|field| !theirs.has_field(&field))),
                _ => false,
            },
        }
    })
}

fn same_field(ours: Ours<'_>, theirs: &DynamicMessage, field: &FieldDescriptor) -> bool {
    if field.supports_presence() && !theirs.has_field(field) {
        return ours == Ours::Null;
    }
    same(ours, &theirs.get_field(field), &field.kind())
}

fn same(ours: Ours<'_>, theirs: &Theirs, kind: &Kind) -> bool {
    match (ours, theirs) {
        (Ours::Boolean(a), Theirs::Bool(b)) => a == *b,
        (Ours::Int32(a), Theirs::I32(b)) => a == *b,
        (Ours::Int64(a), Theirs::U32(b)) => a == i64::from(*b),
        (Ours::Int64(a), Theirs::I64(b)) => a == *b,
        (Ours::Int64(a), Theirs::U64(b)) => a == *b as i64,
        (Ours::Float32(a), Theirs::F32(b)) => a.to_bits() == b.to_bits(),
        (Ours::Float64(a), Theirs::F64(b)) => a.to_bits() == b.to_bits(),
        (Ours::Text(a), Theirs::String(b)) => a == b,
        (Ours::Bytes(a), Theirs::Bytes(b)) => a == b,
        (Ours::Text(a), Theirs::EnumNumber(b)) => {
            let known = kind.as_enum().unwrap().get_value(*b);
            known.map_or_else(|| a == format!("UNKNOWN_ENUM_VALUE_E_{b}"), |known| a == known.name())
        }
        (Ours::Struct(a), Theirs::Message(b)) => same_message(a, b),
        (Ours::Array(a), Theirs::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a.unwrap(), b, kind))
        }
        (Ours::Map(a), Theirs::Map(b)) => {
            let entry = kind.as_message().unwrap();
            let kind = entry.map_entry_value_field().kind();
            a.len() == b.len()
                && a.iter().all(|pair| {
                    let (key, value) = pair.unwrap();
                    b.iter().any(|(other, theirs)| same_key(key, other) && same(value, theirs, &kind))
                })
        }
        _ => false,
    }
}

fn same_key(ours: Ours<'_>, theirs: &MapKey) -> bool {
    match (ours, theirs) {
        (Ours::Boolean(a), MapKey::Bool(b)) => a == *b,
        (Ours::Int32(a), MapKey::I32(b)) => a == *b,
        (Ours::Int64(a), MapKey::I64(b)) => a == *b,
        (Ours::Int64(a), MapKey::U32(b)) => a == i64::from(*b),
        (Ours::Text(a), MapKey::String(b)) => a == b,
        _ => false,
    }
}

fn root(text: &str) -> Message {
    let schema = Schema::parse(text, &[]).unwrap_or_else(|error| panic!("{text}\n{error}"));
    schema.message(&schema.indexes("a.b.M0")).unwrap()
}

fn flat(message: &Message, bytes: &[u8]) -> Vec<u8> {
    let mut flat = Vec::new();
    Decoder::new(message, Options::default()).read(bytes, &mut flat).unwrap();
    flat
}

/// Fields that no schema has: of each wire type, and groups in groups.
const UNKNOWN: &[u8] = &[
    0xf8, 0xff, 1, 0x85, 1, 0xf9, 0xff, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0xfa, 0xff, 1, 2, 9, 9, 0xfd, 0xff, 1, 1,
    2, 3, 4, 0xfb, 0xff, 1, 0xfb, 0xff, 1, 8, 1, 0xfc, 0xff, 1, 0xfc, 0xff, 1,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn values_cross_in_both_directions(fields in any_fields(), entropy in any::<[u8; 256]>()) {
        let text = file(&fields);
        let message = root(&text);
        let theirs = Entropy(&entropy).message(&message.descriptor);
        let bytes = theirs.encode_to_vec();
        let theirs = DynamicMessage::decode(message.descriptor.clone(), &bytes[..]).unwrap();
        let flat = flat(&message, &bytes);
        let Ours::Struct(ours) = Ours::parse(&flat).unwrap() else { panic!("a struct") };
        prop_assert!(same_message(ours, &theirs), "{}\n{} is not\n{theirs}", text, Ours::parse(&flat).unwrap());
        let (mut again, connect) = (Vec::new(), message.to_connect(Options::default()).unwrap());
        let encoder = Encoder::new(&message, Options::default(), &connect).unwrap();
        encoder.write(Ours::Struct(ours), &mut again).unwrap();
        let back = DynamicMessage::decode(message.descriptor.clone(), &again[..]).unwrap();
        prop_assert_eq!(back, theirs, "{}", text);
    }

    /// Bytes one after the other are messages merged: later values count, lists grow, messages in messages merge too.
    #[test]
    fn merged_and_unknown_fields_are_read_alike(fields in any_fields(), one in any::<[u8; 128]>(), two in any::<[u8; 128]>()) {
        let text = file(&fields);
        let message = root(&text);
        let mut bytes = Entropy(&one).message(&message.descriptor).encode_to_vec();
        bytes.extend_from_slice(UNKNOWN);
        bytes.extend(Entropy(&two).message(&message.descriptor).encode_to_vec());
        let theirs = DynamicMessage::decode(message.descriptor.clone(), &bytes[..]).unwrap();
        let flat = flat(&message, &bytes);
        let Ours::Struct(ours) = Ours::parse(&flat).unwrap() else { panic!("a struct") };
        prop_assert!(same_message(ours, &theirs), "{}\n{} is not\n{theirs}", text, Ours::parse(&flat).unwrap());
    }

    #[test]
    fn any_bytes_are_read_or_refused(fields in any_fields(), entropy in any::<[u8; 128]>(), at in any::<prop::sample::Index>(), wrong in any::<Vec<u8>>()) {
        let message = root(&file(&fields));
        let mut bytes = Entropy(&entropy).message(&message.descriptor).encode_to_vec();
        bytes.splice(at.index(bytes.len() + 1).., wrong);
        let mut flat = vec![9];
        if Decoder::new(&message, Options::default()).read(&bytes, &mut flat).is_ok() {
            Ours::parse(&flat[1..]).unwrap();
        } else {
            prop_assert_eq!(flat, vec![9]);
        }
    }

    /// Connect's schema made of Protobuf's, and Protobuf's made of that, says the same and holds the same values.
    #[test]
    fn connects_schemas_lead_back(fields in any_fields(), entropy in any::<[u8; 256]>()) {
        let message = root(&file(&fields));
        let connect = message.to_connect(Options::default()).unwrap();
        prop_assert_eq!(&connect::Schema::parse(&connect.text()).unwrap(), &connect);
        let written = from_connect(&connect, Options::default()).unwrap();
        let schema = Schema::parse(&written.text, &[]).unwrap_or_else(|error| panic!("{}\n{error}", written.text));
        let again = schema.message(&schema.indexes(&written.message)).unwrap();
        prop_assert_eq!(again.full_name(), &written.message);
        prop_assert_eq!(from_connect(&again.to_connect(Options::default()).unwrap(), Options::default()).unwrap(), written.clone());
        let flat = flat(&message, &Entropy(&entropy).message(&message.descriptor).encode_to_vec());
        let mut bytes = Vec::new();
        let encoder = Encoder::new(&again, Options::default(), &connect).unwrap();
        encoder.write(Ours::parse(&flat).unwrap(), &mut bytes).unwrap();
        let read = self::flat(&again, &bytes);
        // The one difference: an explicit nothing is written as nothing, which a field without `optional` is not.
        let lost = |field: &Field| matches!(field, Field::Plain("optional ", _));
        let is_lossy = fields.iter().any(|field| lost(field) || nested(field).iter().any(|fields| fields.iter().any(lost)));
        if !is_lossy {
            prop_assert_eq!(Ours::parse(&read).unwrap().to_string(), Ours::parse(&flat).unwrap().to_string(), "{}", written.text);
        }
    }

    #[test]
    fn any_text_is_a_schema_or_refused(text in "(syntax|message|enum|oneof|map|[ {}<>=;.\"a-z0-9\\[\\]()])*") {
        if let Ok(schema) = Schema::parse(&text, &[]) {
            let _ = schema.message(&[0]).map(|message| message.to_connect(Options::default()));
        }
    }
}

/// The fields of all messages in a field.
fn nested(field: &Field) -> Vec<Vec<Field>> {
    let members = match field {
        Field::Plain(_, of) | Field::Map(_, of) => std::slice::from_ref(of),
        Field::Union(members) => &members[..],
    };
    let mut all = Vec::new();
    for of in members {
        if let Of::Message(fields) = of {
            all.push(fields.clone());
            all.extend(fields.iter().flat_map(nested));
        }
    }
    all
}
